use super::*;
use crate::parse::{CustomFormat, UnpairedLine};
use crate::time::Time;

fn show(parser: &mut Parser, line: &[u8]) -> String {
    match parser.parse(line) {
        Line::Event(event) => {
            let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
            let stamp = event.stamp.map_or("no time".to_owned(), |stamp| {
                format!("{} = {:?}ns", text(&stamp.text), stamp.at.map(Time::nanos))
            });
            format!(
                "{stamp} [{}] [{}] [{}]",
                text(&event.topic),
                text(&event.peer),
                text(&event.text)
            )
        }
        Line::Header(header) => format!("header peers={:?}", header.peers),
        Line::Other(class, _) => format!("{class:?}"),
    }
}

#[track_caller]
fn check(line: &str, expected: &str) {
    assert_eq!(show(&mut Parser::default(), line.as_bytes()), expected, "{line}");
}

#[test]
fn lines_between_bars() {
    check("000123 | VOTE | 1 | text", "123 = Some(1230000000)ns [VOTE] [1] [text]");
    check("001234.567 | RPC | C1 | a b=1", "1234.567 = Some(1234567000)ns [RPC] [C1] [a b=1]");
    check("000000 | LOG1 | -1 | x", "0 = Some(0)ns [LOG1] [-1] [x]");
    check("000000.000 | TEST | - |", "0.000 = Some(0)ns [TEST] [-] []");
    check("1|A|B|c|d || e", "1 = Some(10000000)ns [A] [B] [c|d || e]");
    check("1 | A | B |   indented", "1 = Some(10000000)ns [A] [B] [  indented]");
    check("1 | A | B", "Plain");
    check("1 | two words | B | c", "Plain");
    check("1 |  | B | c", "Plain");
    check("x | A | B | c", "Plain");
}

#[test]
fn older_lines_with_blanks() {
    check("000123 VOTE S1 text", "123 = Some(12300000)ns [VOTE] [1] [text]");
    check("000123 VOTE C12 a | b", "123 = Some(12300000)ns [VOTE] [C12] [a | b]");
    check("000123 VOTE G100.2", "123 = Some(12300000)ns [VOTE] [G100.2] []");
    check("000123 Vote S1 text", "123 = Some(12300000)ns [Vote] [1] [text]");
    check("12 MONKEYS ARE here", "Plain");
    check("2026 A Space Odyssey", "Plain");
}

#[test]
fn json_objects() {
    check(
        r#"{"t_us":1234567,"topic":"VOTE","peer":"1","msg":"grants \"it\"","to":2,"ok":true}"#,
        r#"1234.567 = Some(1234567000)ns [VOTE] [1] [grants \"it\" to=2 ok=true]"#,
    );
    check(
        r#"{"t_us":5,"topic":"A","peer":3,"msg":"m","why":"two words","l":[1,{"a":2}]}"#,
        r#"0.005 = Some(5000)ns [A] [3] [m why=\"two words\" l=[1,{\"a\":2}]]"#,
    );
    check(r#"{"t_us":5,"topic":"A","peer":"1"}"#, "0.005 = Some(5000)ns [A] [1] []");
    check(r#"{"t_us":5,"topic":"A"}"#, "Plain");
    check(r#"{"topic":"A","peer":"1","msg":"x"}"#, "Plain");
    check(r#"{"t_us":5,"topic":"A","peer":"1","msg":"torn"#, "Plain");
    check("{}", "Plain");
}

#[test]
fn json_of_other_loggers() {
    check(
        r#"{"timestamp":"2026-11-23T06:12:00.123Z","level":"INFO","fields":{"message":"grants vote","peer":2,"term":3},"target":"raft::node","span":{"name":"handle"},"spans":[{"name":"handle"}]}"#,
        r#"06:12:00.123 = Some(1795414320123000000)ns [INFO] [2] [grants vote term=3 target=raft::node name=handle spans=[{\"name\":\"handle\"}]]"#,
    );
    check(
        r#"{"time":1795414320.5,"msg":"x","topic":"A","level":"debug"}"#,
        "06:12:00.5 = Some(1795414320500000000)ns [A] [-] [x]",
    );
}

#[test]
fn logfmt() {
    check(
        r#"ts=2026-11-23T06:12:00Z level=warn node=n1 msg="a \"b\" c" took=3ms why="""#,
        r#"06:12:00 = Some(1795414320000000000)ns [WARN] [n1] [a \"b\" c took=3ms why=\"\"]"#,
    );
    check(
        "caller=node.go:7 ts=2026-11-23T06:12:00Z level=info peer=2 msg=x",
        "06:12:00 = Some(1795414320000000000)ns [INFO] [2] [x caller=node.go:7]",
    );
    check("level=warn msg=x", "no time [WARN] [-] [x]");
    check("time to say level=warn msg=x", "Plain");
    check("ts=2026-11-23T06:12:00Z msg=\"torn", "Plain");
}

#[test]
fn a_header_sets_the_unit() {
    let mut parser = Parser::default();
    let header = b"# verbose/1 test=a seed=42 peers=5 unit=us";
    assert_eq!(show(&mut parser, header), "header peers=Some(5)");
    assert_eq!(show(&mut parser, b"10 | A | 1 | x"), "10 = Some(10000)ns [A] [1] [x]");
    assert_eq!(show(&mut parser, b"# verbose/1"), "header peers=None");
    check("# verbose/12 peers=5", "Plain");
    check("#include <verbose/1>", "Plain");
}

#[test]
fn the_tick_given_wins_for_whole_numbers() {
    let mut parser = Parser::new(Format::Auto, Some(Tick::MILLISECOND));
    assert_eq!(show(&mut parser, b"7 | A | 1 | x"), "7 = Some(7000000)ns [A] [1] [x]");
    assert_eq!(show(&mut parser, b"7 VOTE S1 x"), "7 = Some(7000000)ns [VOTE] [1] [x]");
}

#[test]
fn a_format_refuses_the_others() {
    let mut parser = Parser::new(Format::named("dslogs").unwrap(), None);
    assert_eq!(show(&mut parser, b"000123 | VOTE | 1 | text"), "Plain");
}

#[test]
fn a_custom_format() {
    let format = Format::custom(r"^\[(?<time>[\d.]+)\] (?<peer>\w+): (?<msg>.*)$").unwrap();
    let mut parser = Parser::new(format, None);
    assert_eq!(
        show(&mut parser, b"[1.5] node7: it | works"),
        "1.5 = Some(1500000000)ns [] [node7] [it | works]"
    );
    assert_eq!(show(&mut parser, b"1 | A | 1 | x"), "Plain");
    let own = [r"^<(?<peer>\w+)> (?<msg>.*)", "^(?<msg>ouch)"]
        .map(|text| CustomFormat::new(text).unwrap());
    let mut parser = Parser::new(Format::AutoAnd(own.into()), None);
    assert_eq!(show(&mut parser, b"1 | A | 1 | x"), "1 = Some(10000000)ns [A] [1] [x]");
    assert_eq!(show(&mut parser, b"<n3> x"), "no time [] [n3] [x]");
    assert_eq!(show(&mut parser, b"ouch"), "no time [] [-] [ouch]");
    assert_eq!(show(&mut parser, b"oh"), "Plain");
    let error = Format::custom("(?<pear>x)").unwrap_err();
    insta::assert_snapshot!(error, @"no named group; use at least one of time, level, topic, peer, msg");
}

/// The first line of a record of two.
const FIRST: &[u8] = b"May 02, 2024 8:11:22 AM io.atomix.raft.Node start";

/// Class: a line is hidden on its own word alone.
#[test]
fn one_line_is_no_evidence_of_records_of_two() {
    for rest in [&b""[..], b"\nstarts", b"\nINFO elected", b"\n1 | A | 0 | x"] {
        let log = [FIRST, rest].concat();
        let mut looked = Parser::default();
        looked.look_at(&log);
        for mut parser in [Parser::default(), Parser::default().for_stream(), looked] {
            for line in log.split(|byte| *byte == b'\n') {
                let read = parser.parse(line);
                assert!(!matches!(read, Line::Other(Class::Lead, _)), "{}", log.escape_ascii());
            }
        }
    }
    let mut parser = Parser::default();
    let pair = [FIRST, b"\nINFO: elected\n"].concat();
    parser.look_at(&pair);
    assert_eq!(show(&mut parser, FIRST), "Lead");
    assert!(show(&mut parser, b"INFO: elected").contains("[INFO] [-] [elected"));
    assert_eq!(show(&mut parser, FIRST), "Lead");
    assert_eq!(parser.take_unpaired(), None);
    assert_eq!(show(&mut parser, b"else"), "Plain");
    let unpaired = UnpairedLine { text: FIRST.to_vec(), lines_ago: 1 };
    assert_eq!(parser.take_unpaired(), Some(vec![unpaired]));
    assert!(parser.take_unpaired_at_end().is_empty());
}

/// Class: a line names those behind it on its own word alone.
#[test]
fn names_of_sources_count_in_a_log_that_begins_with_one() {
    let lines =
        ["2024-05-02T08:11:22Z INFO elected", "==> n2.log <==", "2024-05-02T08:11:23Z INFO x"];
    let log = lines.join("\n");
    let mut looked = Parser::default();
    looked.look_at(log.as_bytes());
    for mut parser in [Parser::default(), Parser::default().for_stream(), looked] {
        assert_eq!(
            lines.map(|line| show(&mut parser, line.as_bytes())),
            [
                "08:11:22 = Some(1714637482000000000)ns [INFO] [-] [elected]",
                "Plain",
                "08:11:23 = Some(1714637483000000000)ns [INFO] [-] [x]",
            ]
        );
    }
    let mut parser = Parser::default().for_stream();
    let named = ["\n==> n1.log <==\nstarts\n\n", &log].concat();
    parser.look_at(named.as_bytes());
    let read: Vec<_> = named.lines().map(|line| show(&mut parser, line.as_bytes())).collect();
    assert_eq!(read[1..3], ["Lead", "no time [] [n1] [starts]"]);
    assert_eq!(read[5..], ["Lead", "08:11:23 = Some(1714637483000000000)ns [INFO] [n2] [x]"]);
}

/// Class: a line in a banner is taken for the name of a file where layers are found out again.
#[test]
fn lines_in_the_middle_of_a_log_name_no_source() {
    let mut parser = Parser::default().for_stream();
    parser.look_at(b"2024-05-02T08:11:22Z INFO elected\n2024-05-02T08:11:23Z INFO x\n");
    let lines = std::iter::once("==> Building <==".to_owned());
    let lines = lines.chain((0..200).map(|at| format!("compiles part {at}")));
    for line in lines.cycle().take(600) {
        assert_eq!(show(&mut parser, line.as_bytes()), "Plain", "{line}");
    }
}
