//! Mistakes viewers of such logs have made, each kept from coming back by a test that shows the
//! input it happened with.

use crate::common::{draw, wide};
use pretty::{Bound, Depth, Filter, NameSet, Options, Printer};

/// The text of all cells, with rows joined: wrapping must not matter to these tests.
fn text_of(drawn: &str) -> String {
    let rows = drawn.lines().map(|row| row.rsplit(['│', '┊']).next().unwrap_or(row).trim());
    rows.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn shows(log: &str, text: &str) {
    let drawn = text_of(&draw(wide(100), log));
    assert!(drawn.contains(text), "{text:?} is not in\n{drawn}");
}

#[track_caller]
fn one_event(message: &str) {
    shows(&format!("000123 | VOTE | 1 | {message}"), message);
}

#[test]
fn columns_need_not_be_counted_by_hand() {
    let drawn = draw(wide(100), "1 | A | 0 | x\n1 | A | 1 | y\n1 | A | 2 | z");
    let header = drawn.lines().next().unwrap();
    assert_eq!(header.matches('┬').count(), 3, "{header}");
}

#[test]
fn without_colours_there_is_not_one_escape() {
    let log = "1 | A | 0 | term=3 [x] 0x1F\npanic: 7\n# verbose/1 peers=2\n1.0 | B | - | y";
    let drawn = draw(Options { depth: Depth::None, ..wide(80) }, log);
    assert!(!drawn.contains('\x1b'));
}

#[test]
fn numbers_and_keys_are_not_painted_over_the_topics_colour() {
    let log = "1 | VOTE | 0 | term=3 [1,2] true 0x1F";
    let drawn = draw(Options { depth: Depth::Ansi16, ..wide(60) }, log);
    assert!(drawn.contains("\x1b[36mterm=3 [1,2] true 0x1F\x1b[0m"), "{drawn:?}");
}

#[test]
fn brackets_are_text_not_markup() {
    one_event("Entries:[{Term:1 Command:[a]}]");
    one_event("[red]not red[/red]");
    one_event("[/x] closes nothing");
    shows("goroutine 1 [running]:", "goroutine 1 [running]:");
    shows("[/x]", "[/x]");
}

#[test]
fn colons_make_no_pictures() {
    one_event("a:b:c :100: :smile:");
}

#[test]
fn a_bar_in_the_message_is_text() {
    one_event("a | b || c");
    let ignore = Filter { ignore: NameSet::new(["VOTE"]), ..Filter::default() };
    let drawn = draw(Options { filter: ignore, ..wide(80) }, "1 | VOTE | 1 | a | b");
    assert_eq!(drawn, "");
}

#[test]
fn any_peer_has_a_column_whatever_was_asked_for() {
    let options = Options { columns: Some(2), ..wide(80) };
    let drawn = draw(options, "1 | A | 7 | seven\n1 | A | -1 | minus\n1 | A | C1 | client");
    for text in ["─7─", "─-1─", "─C1─", "│seven", "│minus", "│client"] {
        assert!(drawn.contains(text), "{text} is not in\n{drawn}");
    }
}

#[test]
fn topic_lists_ignore_case_and_blanks() {
    let log = "1 | INFO | 0 | one\n1 | VOTE | 0 | two\n1 | RPC | 0 | three";
    let just = Filter { just: Some(NameSet::new(["info, VOTE"])), ..Filter::default() };
    let drawn = draw(Options { filter: just, ..wide(60) }, log);
    assert!(drawn.contains("one") && drawn.contains("two") && !drawn.contains("three"));
    let ignore = Filter { ignore: NameSet::new(["vote"]), ..Filter::default() };
    let drawn = draw(Options { filter: ignore, ..wide(60) }, log);
    assert!(drawn.contains("one") && !drawn.contains("two") && drawn.contains("three"));
}

#[test]
fn topics_nobody_has_heard_of_are_shown() {
    shows("1 | WARN | 1 | careful", "careful");
    shows("1 | whatever | 1 | strange", "strange");
}

#[test]
fn long_words_and_wide_words_are_folded_not_cut() {
    let log: String = (0..5)
        .map(|peer| format!("1 | A | {peer} | nextIndex=(60071,60072) 日本語のログ日本語のログ\n"))
        .collect();
    let drawn = draw(wide(70), log);
    let cells = drawn.split(['│', '┊', '\n']).map(str::trim).collect::<String>();
    assert_eq!(cells.matches("nextIndex=(60071,60072)").count(), 5, "{drawn}");
    assert_eq!(cells.matches("日本語のログ日本語のログ").count(), 5, "{drawn}");
}

#[test]
fn the_time_column_is_as_wide_as_a_time() {
    let drawn = draw(wide(120), "000123 | VOTE | 0 | x\n000123 | VOTE | 1 | y");
    assert!(drawn.lines().all(|row| row.chars().position(|c| "│┬".contains(c)) == Some(11)));
}

#[test]
fn the_end_of_a_window_hides_events_only() {
    let log = "5 | A | 0 | late\n1 | A | 0 | early\n--- FAIL: TestX\n0 | A | 0 | first";
    let until = |text: &str| {
        let filter = Filter { until: Some(Bound::parse(text).unwrap()), ..Filter::default() };
        draw(Options { filter, ..wide(60) }, log)
    };
    let drawn = until("1");
    assert!(!drawn.contains("late"));
    assert!(drawn.contains("early") && drawn.contains("FAIL") && drawn.contains("first"));
    let drawn = until("0");
    assert!(!drawn.contains("early"));
    assert!(drawn.contains("FAIL") && drawn.contains("first"));
    assert!(until("49.9ms").contains("early"));
}

#[test]
fn one_rule_for_a_run_and_none_for_blank_lines() {
    let log = "1 | A | 0 | x\n\n1 | A | 0 | y\na\nb\n\nc\npanic: 1\n\n\tframe\n1 | A | 0 | z\nd\n";
    let drawn = draw(wide(40), log);
    let rules = drawn.lines().filter(|row| row.starts_with("── "));
    let titles: Vec<_> = rules.map(|row| row.trim_matches(['─', ' '])).collect();
    assert_eq!(titles, ["output", "panic", "output"]);
}

#[test]
fn a_resize_takes_effect_in_the_middle_of_a_stream() {
    let mut printer = Printer::new(wide(100), Vec::new());
    printer.line(b"1 | A | 0 | x").unwrap();
    printer.pause().unwrap();
    printer.resize(40, None).unwrap();
    printer.line(b"plain words that were short enough for a hundred columns").unwrap();
    printer.line(b"1 | A | 0 | y").unwrap();
    let drawn = String::from_utf8(printer.finish().unwrap()).unwrap();
    let widths: Vec<_> = drawn.lines().map(|row| row.chars().count()).collect();
    assert!(widths[2..].iter().all(|width| *width <= 40), "{drawn}");
}

#[test]
fn escape_sequences_in_a_log_do_nothing() {
    for evil in ["\x1b]0;TITLE\x07", "\x1b[2J\x1b[H", "\u{9b}31m", "\r\x08\x7f\0", "\u{202e}abc"] {
        for line in [format!("1 | A | 0 | {evil}"), evil.to_owned(), format!("1 | {evil} | 0 | x")]
        {
            let drawn = draw(wide(60), &line);
            let bad = drawn.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
            assert_eq!(bad, None, "{line:?}");
        }
    }
    one_event(r"\x1b]0;T is spelled like this");
}
