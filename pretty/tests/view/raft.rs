//! Raft in the view: state, messages, the timeline, anomalies.

use insta::assert_snapshot;

use super::{Chunk, LogView, Parser, draw, press, text};

/// In the words of the Go labs.
const GO: &str = "\
Test (2B): rejoin of partitioned leader ...
000000 | PERS | 0 | Initializing persistent state.
000000 | PERS | 1 | Initializing persistent state.
000053 | STATE | 1 | State change: Follower --> Candidate.
000053 | RPC | 1 | Sending RequestVote to 0.
000053 | RPC | 0 | RequestVote from 1
000053 | TERM | 0 | Discovered greater Term (1 > 0)
000053 | TERM | 0 | Updating term: 0 --> 1
000053 | VOTE | 0 | Vote granted to 1.
000054 | STATE | 1 | State change: Candidate --> Leader.
000055 | RPC | 1 | Sending AppendEntries to 0.
000056 | RPC | 0 | AppendEntries from 1. args:&{Term:1 LeaderId:1}
000056 | REPL | 1 | Added command:101 with term:1 to index:1
000057 | RPC | 1 | Sending AppendEntries to 0.
000060 | RPC | 1 | Sending AppendEntries to 0.
000061 | RPC | 0 | AppendEntries from 1. args:&{Term:1 LeaderId:1}
000061 | REPL | 0 | Added command:101 with term:1 to index:1
000061 | CMIT | 1 | Update commitIndex: 0 --> 1.
000061 | CMIT | 1 | Updated lastApplied: 0 --> 1.
000062 | CMIT | 0 | Updated lastApplied: 0 --> 1.
000063 | STATE | 0 | State change: Follower --> Candidate.
000063 | STATE | 0 | State change: Candidate --> Leader.
apply error: commit index=1 server=0 101 != server=1 102
";

/// In our own words, with two anomalies at the end.
const OURS: &str = "\
# verbose/1 test=story seed=7 peers=3 unit=ms
000000.000 | INFO | 0 | starts with the log through 0@0 term=0 role=follower last=0 applied=0 commit=0 vote=none
000150.000 | STATE | 1 | follower --> candidate term=1 role=candidate
000150.000 | RPC | 1 | sends RequestVote in term 1: log through 0@0 to=0 id=1.1
000150.000 | RPC | 1 | sends RequestVote in term 1: log through 0@0 to=2 id=1.2
000151.000 | DROP | 1 | RequestVote to 2 is lost: cut to=2 id=1.2 why=cut
000154.207 | RPC | 0 | receives RequestVote in term 1: log through 0@0 from=1 id=1.1
000154.207 | VOTE | 0 | grants vote to 1 term=1 role=follower vote=1 id=1.1
000154.207 | RPC | 0 | sends RequestVoteReply in term 1: granted to=1 id=0.1
000160.000 | STATE | 1 | candidate --> leader term=1 role=leader
000170.000 | CMIT | 1 | commits through 3 term=1 commit=3
000171.000 | CMIT | 1 | commits through 2 term=1 commit=2
000180.000 | STATE | 2 | candidate --> leader term=1 role=leader
";

/// The same with `event=` in every line, as `raft` writes it now.
fn ours_with_events() -> String {
    let event = |line: &str| match line {
        line if line.contains("starts") => " event=started",
        line if line.contains("sends RequestVote ") => " kind=RequestVote event=sent",
        line if line.contains("receives RequestVote ") => " kind=RequestVote event=received",
        line if line.contains("sends RequestVoteReply") => " kind=RequestVoteReply event=sent",
        line if line.contains("is lost") => " kind=RequestVote event=lost",
        line if line.contains("grants") => " event=vote_granted",
        line if line.contains("-->") => " event=role_changed",
        line if line.contains("commits") => " event=committed",
        _ => "",
    };
    let lines: Vec<_> = OURS.lines().map(|line| format!("{line}{}\n", event(line))).collect();
    assert_eq!(lines.iter().filter(|line| line.contains("event=")).count(), lines.len() - 1);
    lines.concat()
}

fn log(bytes: &str) -> LogView {
    let mut view = LogView::new(pretty::Background::Dark, pretty::Depth::True);
    // In two parts, so that what holds in the first must hold in the second.
    let half = bytes[..bytes.len() / 2].rfind('\n').map_or(0, |end| end + 1);
    let (first, second) = bytes.split_at(half);
    for part in [first, second] {
        view.append(Chunk::index(part.as_bytes().to_vec(), Parser::default()));
    }
    view
}

/// The rows of the pane of the state.
fn pane(view: &mut LogView) -> Vec<String> {
    let seen = text(&draw(view, 100, 40));
    let rows = seen.lines().skip_while(|row| !row.contains(" role  "));
    let rows = rows.take_while(|row| !row.starts_with("terms") && !row.ends_with("q close"));
    rows.map(|row| row.trim_end().to_owned()).collect()
}

#[test]
fn sentences_fill_the_state() {
    let mut view = log(GO);
    press(&mut view, "s:4\n");
    assert_eq!(
        pane(&mut view)[1..3],
        [
            "0  Follower   0     none    0       0        0",
            "1  Candidate  1     itself  0       0        0",
        ]
    );
    press(&mut view, ":19\n");
    assert_eq!(
        pane(&mut view)[1..3],
        [
            "0  Follower   1     1       0       0        1",
            "1  Leader     1     itself  1       1        1",
        ]
    );
}

#[test]
fn terms_leaders_and_anomalies_can_be_jumped_to() {
    let mut view = log(GO);
    for (keys, line) in
        [("t", 4), ("t", 21), ("T", 4), ("l", 10), ("l", 22), ("L", 10), ("!", 20), ("e", 23)]
    {
        press(&mut view, keys);
        assert_eq!(view.cursor(), Some(line - 1), "{keys}");
    }
    for text in [OURS, &ours_with_events()] {
        anomalies_of(log(text));
    }
}

#[track_caller]
fn anomalies_of(mut view: LogView) {
    for (keys, line, words) in [
        ("!", 12, "! commit index decreases"),
        ("!", 13, "! second leader in one term"),
        ("!", 13, "not found: next anomaly"),
        ("@", 12, "!commits through 2"),
    ] {
        press(&mut view, keys);
        assert_eq!(view.cursor(), Some(line - 1), "{keys}");
        let seen = text(&draw(&mut view, 100, 24));
        assert!(seen.contains(words), "{seen}");
    }
}

#[test]
fn messages_have_two_ends() {
    for text in [OURS, &ours_with_events()] {
        ends_of(log(text));
    }
}

#[track_caller]
fn ends_of(mut view: LogView) {
    press(&mut view, "s");
    let arrived = "RequestVote 1 → 0  id=1.1  sent 150.000, received 154.207 after 4.207 ms";
    for (keys, line, message) in [
        (":4\n", 4, arrived),
        ("%", 7, arrived),
        ("%", 4, arrived),
        (":5\n", 5, "RequestVote 1 → 2  id=1.2  LOST: cut"),
        ("%", 6, "RequestVote 1 → 2  id=1.2  LOST: cut"),
        ("%", 5, "RequestVote 1 → 2  id=1.2  LOST: cut"),
        (":9\n", 9, "RequestVoteReply 0 → 1  id=0.1  never received: LOST?"),
        // The line of a vote is not a message, but has the id of one.
        (":8\n%", 7, arrived),
        (":1\n", 1, ""),
    ] {
        press(&mut view, keys);
        assert_eq!(view.cursor(), Some(line - 1), "{keys:?}");
        assert_eq!(pane(&mut view).last().map(String::as_str), Some(message));
    }
}

#[test]
fn messages_without_ids_pair_before_the_next_one() {
    let mut view = log(GO);
    press(&mut view, "s");
    for (keys, line, message) in [
        (":11\n", 11, "AppendEntries 1 → 0  sent 55, received 56 after 10 ms"),
        ("%", 12, "AppendEntries 1 → 0  sent 55, received 56 after 10 ms"),
        (":14\n", 14, "AppendEntries 1 → 0  never received: LOST?"),
        (":16\n%", 15, "AppendEntries 1 → 0  sent 60, received 61 after 10 ms"),
        (":6\n%", 5, "RequestVote 1 → 0  sent 53, received 53 after 0 µs"),
    ] {
        press(&mut view, keys);
        assert_eq!(view.cursor(), Some(line - 1), "{keys:?}");
        assert_eq!(pane(&mut view).last().map(String::as_str), Some(message));
    }
}

#[test]
fn answers_without_ids_belong_to_what_was_received_before_them() {
    let log_of_answers = "\
10 | RPC | 1 | Sending AppendEntries to 0.
11 | RPC | 0 | AppendEntries from 1. args:&{Term:1}
12 | RPC | 1 | Received AppendEntries response from 0.
20 | RPC | 1 | Sending AppendEntries to 0.
21 | RPC | 1 | Sending AppendEntries to 0.
22 | RPC | 0 | AppendEntries from 1. args:&{Term:1}
30 | RPC | 1 | Sending AppendEntries to 0.
31 | RPC | 1 | Received AppendEntries response from 0.
";
    let mut view = log(log_of_answers);
    press(&mut view, "s");
    let whole = "AppendEntries 1 → 0  sent 10, received 11 after 10 ms, answer 12 after 20 ms";
    for (keys, line, message) in [
        (":1\n", 1, whole),
        ("%", 2, whole),
        ("%", 1, whole),
        (":3\n", 3, whole),
        ("%", 2, whole),
        (":4\n", 4, "AppendEntries 1 → 0  never received: LOST?"),
        // Whether line 8 answers it or the next one, is ambiguous.
        (":5\n", 5, "AppendEntries 1 → 0  sent 21, received 22 after 10 ms"),
        (":8\n", 8, "AppendEntries 1 → 0  answer to one of several requests"),
    ] {
        press(&mut view, keys);
        assert_eq!(view.cursor(), Some(line - 1), "{keys:?}");
        assert_eq!(pane(&mut view).last().map(String::as_str), Some(message), "{keys:?}");
    }
}

#[test]
fn the_event_of_a_line_is_searched_and_not_shown() {
    let mut view = log(&ours_with_events());
    press(&mut view, "/event=lost\n");
    assert_eq!(view.cursor(), Some(5));
    let seen = text(&draw(&mut view, 100, 24));
    assert!(seen.contains("RequestVote to 2") && !seen.contains("event=committed"), "{seen}");
    assert!(!seen.contains("kind="), "{seen}");
}

#[test]
fn the_timeline_and_the_signs() {
    let mut view = log(OURS);
    press(&mut view, "Gs");
    for (width, height) in [(80, 24), (120, 40), (200, 60), (20, 5)] {
        let seen = text(&draw(&mut view, width, height));
        assert_snapshot!(format!("raft_{width}x{height}"), seen.trim_end());
    }
    press(&mut view, "v");
    assert!(!text(&draw(&mut view, 80, 24)).contains("leaders"));
}

#[test]
fn a_diagram_of_what_is_shown_around_a_line() {
    use pretty::view::Outcome;
    let mut view = log(OURS);
    let key = ratatui::crossterm::event::KeyCode::Char('V');
    let diagram = |view: &mut LogView| {
        let outcome = view.press(key.into());
        let Outcome::Diagram(diagram) = outcome else { panic!("{outcome:?}") };
        diagram.svg("around a line")
    };
    press(&mut view, "G");
    let all = diagram(&mut view);
    assert!(
        all.contains("RequestVote → 0 2") && all.contains("RequestVote 1 → 2: lost, cut"),
        "{all}"
    );
    assert!(all.contains("commits through 2"), "{all}");
    // Hidden lines are not drawn, and still end what is.
    press(&mut view, "&sends RequestVote\n");
    let some = diagram(&mut view);
    assert!(!some.contains("commits through 2") && some.contains("lost, cut"), "{some}");
    assert!(some.contains("RequestVote 1 → 0: received outside of the diagram"), "{some}");
    press(&mut view, "&nothing at all\n");
    assert_eq!(view.press(key.into()), Outcome::Used);
    assert!(text(&draw(&mut view, 100, 24)).contains("no diagram: no events to draw"));
}
