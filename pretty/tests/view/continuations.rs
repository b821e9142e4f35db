//! Lines that continue an event follow its filters; stack traces are lines of their event; each new
//! day has a rule.

use pretty::view::{Chunk, LogView, Work};
use pretty::{Background, Depth, Filter, NameSet, Parser};

use super::{draw, press, text};

const TRACES: &str = "\
2024-05-02 23:59:58,101 INFO  [node1] raft.Node - elected
2024-05-02 23:59:59,201 ERROR [node2] raft.Node - no quorum
java.io.EOFException: null
\tat raft.Node.run(Node.java:7)
2024-05-03 00:00:01,301 INFO  [node1] raft.Node - retries
";

fn shown(view: &mut LogView) -> String {
    while view.work() == Work::More {}
    text(&draw(view, 100, 16))
}

/// The log as one chunk, and cut before each of its lines.
fn views() -> Vec<LogView> {
    let lines: Vec<_> = TRACES.split_inclusive('\n').collect();
    let cut = |at: usize| {
        let mut view = LogView::new(Background::Dark, Depth::True);
        let mut parser = Parser::default();
        parser.look_at(TRACES.as_bytes());
        for part in [lines[..at].concat(), lines[at..].concat()] {
            view.append(Chunk::index(part.into_bytes(), parser.clone()));
        }
        view
    };
    (1..lines.len()).map(cut).collect()
}

#[test]
fn a_trace_is_hidden_with_its_event() {
    for (at, mut view) in views().into_iter().enumerate() {
        assert!(shown(&mut view).contains("EOFException"), "cut {at}");
        for filter in ["&elected\n", "&!no quorum\n"] {
            press(&mut view, filter);
            let seen = shown(&mut view);
            assert!(seen.contains("elected") && !seen.contains("Exception"), "cut {at}: {seen}");
            assert!(!seen.contains("at raft.Node.run"), "cut {at}: {seen}");
        }
        press(&mut view, "&no quorum\n");
        let seen = shown(&mut view);
        assert!(seen.contains("at raft.Node.run") && !seen.contains("elected"), "cut {at}: {seen}");
    }
}

#[test]
fn a_trace_follows_the_level_peer_and_topic_of_its_event() {
    let peers = |list: &str| Filter { peers: Some(NameSet::of_peers([list])), ..Filter::default() };
    let level = Filter { level: Some(pretty::Level::Warn), ..Filter::default() };
    let ignore = Filter { ignore: NameSet::new(["ERROR"]), ..Filter::default() };
    for (filter, is_shown) in
        [(peers("node1"), false), (peers("node2"), true), (level, true), (ignore, false)]
    {
        for view in views() {
            let mut view = view.with_filter(filter.clone());
            let seen = shown(&mut view);
            assert_eq!(seen.contains("EOFException"), is_shown, "{filter:?}: {seen}");
        }
    }
}

#[test]
fn each_day_begins_with_a_rule() {
    for mut view in views() {
        let seen = shown(&mut view);
        let place = |what: &str| seen.find(what).unwrap_or_else(|| panic!("{what}: {seen}"));
        assert!(place("── 2024-05-02 ──") < place("elected"));
        assert!(place("at raft.Node") < place("── 2024-05-03 ──"));
        assert!(place("── 2024-05-03 ──") < place("retries"));
    }
}

#[test]
fn a_stack_in_json_is_in_rows_of_its_event() {
    let log = "{\"level\":\"error\",\"ts\":1714637482.1,\"node\":\"n1\",\"msg\":\"no quorum\",\
        \"stacktrace\":\"main.run\\n\\t/src/main.go:7\",\"caller\":\"a.go:3\"}\n\
        {\"level\":\"info\",\"ts\":1714637482.2,\"node\":\"n2\",\"msg\":\"elected\"}\n";
    let mut view = LogView::of_bytes(log.as_bytes().to_vec(), Background::Dark, Depth::True);
    let seen = shown(&mut view);
    let row = |what: &str| seen.lines().position(|line| line.contains(what));
    let first = row("no quorum").expect("the message");
    let below = [row("main.run"), row("/src/main.go:7"), row("elected")];
    assert_eq!(below, [1, 2, 3].map(|more| Some(first + more)), "{seen}");
    assert!(!seen.contains("\\x0a") && !seen.contains("stacktrace"), "{seen}");
}

#[test]
fn layers_are_found_out_again_where_a_log_stops_fitting_them() {
    let prose = |line: usize| format!("compiling the package number {line}, which takes a while\n");
    let event = |line: usize| format!("[S{}] sends its heartbeat number {line}\n", line % 3);
    let parts: [String; 2] = [(0..1_000).map(prose).collect(), (0..500).map(event).collect()];
    let mut view = LogView::new(Background::Dark, Depth::True);
    let mut parser = Parser::default();
    for part in parts {
        let chunk = Chunk::index(part.into_bytes(), parser);
        parser = chunk.parser_after();
        view.append(chunk);
    }
    press(&mut view, "G");
    let seen = shown(&mut view);
    assert!(seen.contains("sends its heartbeat") && !seen.contains("[S1]"), "{seen}");
    press(&mut view, "g");
    assert!(shown(&mut view).contains("compiling the package number 0"));
}
