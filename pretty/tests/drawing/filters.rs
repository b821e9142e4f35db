//! Filters: the events that are shown, and the parts of their lines.

use crate::common::{draw, wide};
use insta::assert_snapshot;
use pretty::{Filter, NameSet, Options};

/// Its name is for programs; the sentence before it says the same.
#[test]
fn the_event_of_a_line_is_left_out() {
    let plain = "1.000 | RPC | 0 | sends RequestVote in term 2 to=1 id=0.1";
    let sent = format!("{plain} kind=RequestVote event=sent");
    assert_eq!(draw(wide(80), sent), draw(wide(80), plain));
    let json = r#"{"t_us":1000,"topic":"RPC","peer":"0","msg":"sends RequestVote in term 2",
        "to":1,"id":"0.1","kind":"RequestVote","event":"sent"}"#;
    assert_eq!(draw(wide(80), json.replace('\n', "")), draw(wide(80), plain));
    let elsewhere = "ts=2026-11-23T06:12:00Z level=info msg=login event=login";
    assert!(draw(wide(80), elsewhere).contains("event=login"), "another program's fact stays");
}

#[test]
fn expressions_see_the_event_of_a_line() {
    let log = "1 | RPC | 0 | a kind=X event=sent\n2 | RPC | 0 | b kind=X event=received\n";
    let grep = |expression| {
        let grep = regex::Regex::new(expression).ok();
        let filter = Filter { grep, ..Filter::default() };
        draw(Options { filter, ..wide(40) }, log)
    };
    let sent = grep("event=sent");
    assert!(sent.contains("│a\n") && !sent.contains("│b\n"), "{sent}");
    assert!(grep("kind=X").contains("│a\n") && grep("kind=X").contains("│b\n"));
}

#[test]
fn filters_never_hide_lines_that_are_not_events() {
    let filter = Filter { just: Some(NameSet::new(["LEAD"])), ..Filter::default() };
    let log = "1 | VOTE | 0 | x\n--- FAIL: TestA\npanic: y\n2 | LEAD | 1 | z\n";
    assert_snapshot!(draw(Options { filter, ..wide(40) }, log), @"
    ── --- FAIL: TestA ─────────────────────
    ── panic ───────────────────────────────
    panic: y
    ──10ms─────┬─0────────────┬─1───────────
         2 LEAD│              │z
    ");
}

#[test]
fn events_around_matches() {
    let filter = Filter { grep: Some(regex::Regex::new("here").unwrap()), ..Filter::default() };
    let log: String = (0..9)
        .map(|i| format!("{i} | A | 0 | {}\n", if i == 4 { "here" } else { "other" }))
        .collect();
    let drawn = draw(Options { filter, before: 2, after: 1, ..wide(30) }, log);
    assert_snapshot!(drawn, @"
    ──10ms──┬─0───────────────────
         2 A│other
         3 A│other
         4 A│here
         5 A│other
    ");
}

#[test]
fn dates_show_the_time_of_day_and_windows_count_from_the_first() {
    let log = r#"{"timestamp":"2026-11-23T06:12:00.100Z","level":"INFO","fields":{"message":"a","peer":1}}
{"timestamp":"2026-11-23T06:12:01.900Z","level":"WARN","fields":{"message":"b","peer":0}}
ts=2026-11-23T06:12:02.2Z level=info peer=2 msg="c d"
"#;
    let filter = Filter { since: Some("1.5s".parse().unwrap()), ..Filter::default() };
    assert_snapshot!(draw(wide(60), log), @"
    ─────────────────┬─0────────────┬─1───────────┬─2───────────
    ── 2026-11-23 ──────────────────────────────────────────────
    06:12:00.100 INFO│              │a            │
    06:12:01.900 WARN│b             │             │
      06:12:02.2 INFO│              │             │c d
    ");
    let late = draw(Options { filter, ..wide(60) }, log);
    assert!(!late.contains("│a") && late.contains("│b") && late.contains("c d"), "{late}");
}

#[test]
fn a_filter_does_not_move_columns() {
    let filter = Filter { just: Some(NameSet::new(["LEAD"])), ..Filter::default() };
    let log = "1 | VOTE | 0 | x\n1 | VOTE | 2 | x\n2 | LEAD | 1 | leads\n";
    assert_snapshot!(draw(Options { filter, ..wide(60) }, log), @"
    ──10ms─────┬─0──────────────┬─1─────────────┬─2─────────────
         2 LEAD│                │leads          │
    ");
}

#[test]
fn a_stack_follows_the_filters_of_its_event_and_each_day_has_a_rule() {
    let log = "2024-05-06 23:59:59,214 [myid:1] - WARN  [main:o.a.Z@670] - lost
java.io.EOFException: null
\tat a.b.C(D.java:1)
2024-05-07 00:00:00,000 [myid:2] - INFO  [main:o.a.Z@670] - ok
";
    assert_snapshot!(draw(wide(50), log), @"
    ─────────────────┬─1──────────────┬─2─────────────
    ── 2024-05-06 ────────────────────────────────────
    23:59:59,214 WARN│lost            │
    java.io.EOFException: null
        at a.b.C(D.java:1)
    ── 2024-05-07 ────────────────────────────────────
    00:00:00,000 INFO│                │ok
    ");
    let filter = Filter {
        level: Some(pretty::Level::Info),
        peers: Some(NameSet::of_peers(["2"])),
        ..Filter::default()
    };
    let shown = draw(Options { filter, ..wide(50) }, log);
    assert!(
        shown.contains("ok") && !shown.contains("EOFException") && !shown.contains("at a.b"),
        "{shown}"
    );
}
