//! The samples of the built-in formats.

use super::super::catalog::{CATALOG, FILES, FILES_WITH_SAMPLES, FormatFile};
use super::super::pattern::Pattern;
use super::*;

#[test]
fn every_sample_is_read_as_its_file_says() {
    let mut all = Vec::new();
    for file in &*FILES_WITH_SAMPLES {
        let mut check = |what: &str, format: &Format| {
            let wrong = differences(&file.sample, format).into_iter();
            all.extend(wrong.map(|text| format!("{}{what}: {text}", file.name)));
        };
        check("", &Format::Auto);
        if file.has_records() && file.name != "bare" {
            check(", alone", &Format::named(&file.name).unwrap());
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn every_file_has_samples_and_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("formats");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        let file = FILES_WITH_SAMPLES.iter().find(|file| file.name == name);
        let file =
            file.unwrap_or_else(|| panic!("{name}: list it in `files!` of parse/catalog.rs"));
        assert!(name == "keys" || !file.sample.is_empty(), "{name}: add a [[sample]]");
    }
}

#[test]
fn no_key_has_two_meanings() {
    let text = FILES.iter().find(|(name, _)| *name == "keys").unwrap().1;
    let file: toml::Table = toml::from_str(text).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for (role, names) in file["keys"].as_table().unwrap() {
        for name in names.as_array().unwrap() {
            assert!(
                seen.insert(name.as_str().unwrap()),
                "{role}: {name} is a key of another role too"
            );
        }
    }
}

fn patterns() -> impl Iterator<Item = &'static Pattern> {
    let transports = CATALOG.transports.iter().filter_map(|own| own.pattern());
    let lists = [&CATALOG.heads, &CATALOG.subjects];
    transports.chain(&CATALOG.records).chain(lists.into_iter().flatten().map(|own| &**own))
}

#[test]
fn every_expression_compiles() {
    for pattern in patterns() {
        let expression = &pattern.expression;
        assert!(expression.check().is_ok(), "formats/{}.toml: {}", pattern.name, expression.text());
    }
}

fn sample_lines(file: &FormatFile) -> impl Iterator<Item = &str> {
    file.sample.iter().map(|sample| sample["line"].as_str().unwrap())
}

/// Lines as they are, and with a byte left out, or with all behind a byte.
#[test]
fn pieces_find_what_the_whole_expression_finds() {
    let mut decided = 0;
    for line in FILES_WITH_SAMPLES.iter().flat_map(sample_lines) {
        let line = line.as_bytes();
        let cuts = (0..line.len()).step_by(40).flat_map(|at| {
            [[&line[..at], &line[at + 1..]].concat(), line[at..].to_vec(), line[..at].to_vec()]
        });
        for line in cuts.chain([line.to_vec()]) {
            for pattern in patterns() {
                let own = &pattern.expression;
                assert_eq!(own.find_by_pieces(&line), own.find_whole(&line), "{}", own.text());
                decided += usize::from(own.is_decided_by_pieces(&line));
            }
        }
    }
    assert!(decided > 0);
}

/// Others take several times as long.
#[test]
fn most_lines_are_read_by_pieces() {
    let mut whole = String::new();
    for file in &*FILES_WITH_SAMPLES {
        for line in sample_lines(file) {
            let line = line.as_bytes();
            let own = patterns().filter(|own| *own.name == *file.name);
            let mut reads = own.filter(|own| own.expression.find(line).is_some()).peekable();
            if reads.peek().is_some() && !reads.any(|own| own.expression.is_decided_by_pieces(line))
            {
                whole += &format!("{}: {}\n", file.name, line.escape_ascii());
            }
        }
    }
    insta::assert_snapshot!(whole, @r#"
    databases: 2024-05-02 08:11:22.101 UTC [71]: [1-1] user=,db= ERROR:  no quorum
    databases: 2024-05-02 08:11:22.101 UTC [71] raft@db ERROR:  deadlock detected
    platforms: 2019-04-24 04:58:56.203/3687.142 Oracle Coherence GE 12.2.1.4.0 <D6> (thread=Cluster, member=1): TcpRing connected
    platforms: <Event Severity=\"40\" Time=\"1714637483.101\" DateTime=\"2024-05-02T08:11:23Z\" Type=\"DiskError\" ID=\"ab13\" Error=\"io\" ThreadID=\"12\" Machine=\"10.0.0.2:4500\" LogGroup=\"default\" />
    simulators: +2.500000000s 1 Raft:Append(): [LOGIC] appends
    simulators: +3.000000000s 2 Raft:Tick(0x55d0)
    dated: [2024-05-02][08:11:22][my::raft][INFO] elected
    "#);
}

#[test]
fn a_file_of_the_user_is_read_in_the_words_of_the_built_in_ones() {
    let text = r#"
about = "racks of a house"

[[transport]]
name = "rack"
match = '^<(?<source>rack\d+)> '

[[record]]
match = '^(?<time>{iso}) (?<level>[!.]) '
levels = { "!" = "error", "." = "info" }

[[head]]
match = '^unit (?<peer>\d+): '

[keys]
peer = ["shelf"]

[[sample]]
line = "<rack7> 2024-05-02 08:11:22 ! unit 3: no quorum"
time = "08:11:22"
level = "ERROR"
peer = "3"
text = "no quorum"

[[sample]]
line = '{"level":"info","msg":"elected","shelf":"s4"}'
peer = "s4"
"#;
    let format = CustomFormat::read("racks", text).unwrap();
    assert_eq!(format.differences(), [""; 0]);
    assert_eq!((format.name(), format.about()), ("racks", "racks of a house"));
    for (old, new, message) in [
        ("3\"\ntext", "4\"\ntext", "peer is \"3\", not \"4\""),
        ("peer = \"s4\"", "shelf = \"s4\"", "unknown field `shelf`; fields: time, level"),
        ("line = '{", "lime = '{", "a [[sample]] has no `line`"),
    ] {
        let wrong = CustomFormat::read("racks", &text.replace(old, new)).unwrap().differences();
        assert!(wrong.iter().any(|text| text.contains(message)), "{message}: {wrong:?}");
    }
    for (text, message) in [
        ("about = 'x'", "no [[record]]"),
        ("[[record]]\nmatch = '('", "unclosed group"),
        ("[[record]]\nmatch = 'x'", "no named group"),
        ("[[recrod]]\nmatch = 'x'", "unknown field `recrod`"),
    ] {
        let error = CustomFormat::read("racks", text).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

/// The line with some digits replaced.
fn renumbered(line: &str, seed: u64) -> String {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % below
    };
    let digit = |own: char| match own.is_ascii_digit() && next(5) < seed % 5 {
        true => char::from(b'0' + next(10) as u8),
        false => own,
    };
    line.chars().map(digit).collect()
}

/// Class: a line is read by what is known of another one, although it differs from that in more than
/// the digits of its fields.
#[track_caller]
fn check_known(parser: &mut Parser, line: &str) {
    parser.known_lines().unwrap().keep_unread_from_now_on();
    // The line itself until it is known.
    for seed in [0; 12].into_iter().chain(1..16) {
        let line = renumbered(line, seed);
        // A copy knows nothing.
        let mut copy = parser.clone();
        assert_eq!(parser.parse(line.as_bytes()), copy.parse(line.as_bytes()), "{line}");
    }
}

#[test]
fn lines_that_differ_in_digits_are_read_alike() {
    let mut unknown = String::new();
    for file in &*FILES_WITH_SAMPLES {
        // Of these the lines inside are known, or need not be.
        let is_whole = !["transports", "verbose"].contains(&&*file.name);
        for sample in &file.sample {
            let line = sample["line"].as_str().unwrap();
            let mut found = parser(Format::Auto);
            found.look_at(format!("{line}\n{line}\n{line}\n").as_bytes());
            check_known(&mut found, line);
            if is_whole
                && matches!(found.parse(line.as_bytes()), Line::Event(_))
                && !found.known_lines().unwrap().knows(line.as_bytes())
            {
                unknown += &format!("{}: {}\n", file.name, line.escape_debug());
            }
        }
    }
    insta::assert_snapshot!(unknown, @r#"
    json: {\"level\":40,\"time\":1714637482123,\"pid\":7,\"hostname\":\"db-1\",\"msg\":\"slow\"}
    json: {\"t\":{\"$date\":\"2024-05-06T13:35:32.214+00:00\"},\"s\":\"I\",\"c\":\"REPL\",\"id\":21392,\"ctx\":\"main\",\"msg\":\"new config\",\"attr\":{\"term\":2}}
    json: {\"instant\":{\"epochSecond\":1714637482,\"nanoOfSecond\":101000000},\"level\":\"INFO\",\"message\":\"elected\"}
    json: {\"record\":{\"level\":{\"name\":\"WARNING\",\"no\":30},\"message\":\"slow\",\"time\":{\"repr\":\"2024-05-02 08:11:22.101+00:00\",\"timestamp\":1714637482.101}}}
    json: {\"level\":45,\"time\":\"1714637482101234567\",\"hostname\":\"n1\",\"msg\":\"slow\"}
    json: {\"time\":\"2024-05-02T08:11:22.101Z\",\"level\":\"WARN+1\",\"msg\":\"slow\",\"jsonPayload\":{\"node\":\"n1\"}}
    json: {\"level\":\"error\",\"ts\":1714637482.1,\"caller\":\"a.go:7\",\"msg\":\"no quorum\",\"node\":\"n1\",\"stacktrace\":\"main.run\\n\\t/src/main.go:7\"}
    json: {\"level\":50,\"time\":1714637482101,\"msg\":\"x\",\"err\":{\"type\":\"Error\",\"message\":\"boom\",\"stack\":\"Error: boom\\n    at run (a.js:7)\"}}
    logfmt: level=info msg=\"no time\" node=2
    zap: 1.714637482101e+09\tdpanic\traft.go:7\tno quorum
    zap: 2024-05-02T08:11:22.101+0200\twarn\traft\traft.go:7\tslow
    platforms: 2019-04-24 04:58:56.203/3687.142 Oracle Coherence GE 12.2.1.4.0 <D6> (thread=Cluster, member=1): TcpRing connected
    platforms: <Event Severity=\"40\" Time=\"1714637483.101\" DateTime=\"2024-05-02T08:11:23Z\" Type=\"DiskError\" ID=\"ab13\" Error=\"io\" ThreadID=\"12\" Machine=\"10.0.0.2:4500\" LogGroup=\"default\" />
    bare: [n1] ERROR no quorum
    bare: 0 server, term:1, start vote
    "#);
}

proptest::proptest! {
    #[test]
    fn any_objects_that_differ_in_digits_are_read_alike(
        fields in r#"(,"(level|ts|id|node|a1|spans)":(-?[0-9]{1,3}|[0-9].[0-9]{1,3}|"[a-z0-9 ="]{0,4}"|\[[0-9]{1,2}\]|\{"b":[0-9]{1,2}\}|true)){0,4}"#
    ) {
        let line = format!(r#"{{"ts":"2024-05-02T08:11:22Z","msg":"term 3","level":"info"{fields}}}"#);
        let mut found = parser(Format::Auto);
        found.look_at(format!("{line}\n{line}\n").as_bytes());
        check_known(&mut found, &line);
    }

    #[test]
    fn any_words_that_differ_in_digits_are_read_alike(
        words in r#"( |\[S?[0-9]{1,2}\]|level=[0-9a-z]{1,3}|node=n?[0-9]|a1="[a-z0-9 ]{0,3}"|[A-Z]{4}|[a-z:]{1,4}|[0-9]{1,13}){0,7}"#,
        time in "(2024/05/02 08:11:22 |ts=2024-05-02T08:11:22Z |000123 |)",
    ) {
        let line = format!("{time}{words}");
        let mut found = parser(Format::Auto);
        found.look_at(format!("{line}\n{line}\n").as_bytes());
        check_known(&mut found, &line);
    }
}

#[test]
fn a_peer_that_a_thread_names_is_known_by_its_place() {
    let line =
        r#"{"ts":"2024-05-02T08:11:22.101Z","level":"info","msg":"term 3","thread":"pool node-7"}"#;
    let mut found = parser(Format::Auto);
    found.look_at(format!("{line}\n{line}\n").as_bytes());
    check_known(&mut found, line);
    assert!(found.known_lines().unwrap().knows(line.as_bytes()));
    assert!(
        matches!(found.parse(line.as_bytes()), Line::Event(event) if &*event.peer == b"node-7")
    );
}

#[test]
fn lines_that_nothing_reads_are_known_once_there_are_many() {
    let mut found = parser(Format::Auto);
    found.look_at(b"2024/05/02 08:11:22 [S1] elected\n2024/05/02 08:11:22 [S2] elected\n");
    let line = |number: usize| format!("Test (2A): initial election, run {number:03}");
    let mut known_from = None;
    for number in 0..1_000 {
        let line = line(number);
        let mut copy = found.clone();
        assert_eq!(found.parse(line.as_bytes()), copy.parse(line.as_bytes()), "{line}");
        if found.known_lines().unwrap().knows_unread(line.as_bytes()) {
            known_from = known_from.or(Some(number));
        }
    }
    assert!(matches!(known_from, Some(200..400)), "{known_from:?}");
}

/// Class: a name is listed twice because its patterns are not one behind the other.
#[test]
fn names_of_layers_are_listed_once() {
    let transports: Vec<_> = crate::Transports::names().collect();
    let formats: Vec<_> = Format::names().collect();
    for names in [transports, formats] {
        let once: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(once.len(), names.len(), "{names:?}");
    }
}

/// Class: a set of expressions is larger than its bound, and silently has none.
#[test]
fn sets_have_all_their_expressions() {
    let digits = patterns().filter(|own| own.expression.with_all_digits().is_some()).count();
    let found = CATALOG.with_all_digits().len();
    assert!((1..=digits).contains(&found), "{found} of {digits}");
    assert_eq!(CATALOG.record_set().len(), CATALOG.records.len());
}

/// Class: an expression read word by word is another one than its text.
#[test]
fn expressions_are_read_as_they_are_spelled_out() {
    for own in patterns().map(|own| &own.expression) {
        let whole = crate::expression::set::read(own.text());
        assert_eq!(own.whole_hir(), whole, "{}", own.text());
    }
}

/// Class: a part of a file is passed over because it stands behind a sample.
#[test]
fn samples_are_at_the_end_of_their_file() {
    for (file, with_samples) in CATALOG.files.iter().zip(&*FILES_WITH_SAMPLES) {
        let without = FormatFile { sample: Vec::new(), ..with_samples.clone() };
        assert_eq!(format!("{file:?}"), format!("{without:?}"));
    }
}
