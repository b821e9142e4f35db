//! Mistakes viewers of such logs have made, each kept from coming back by a test that shows the
//! input it happened with. They have numbers: `d01` to `d21`. Those that need the program itself
//! are in `tests/program/main.rs`; the last test here checks that none is missing.

use crate::common::{draw, wide};
use pretty::{Background, Bound, Depth, Filter, NameSet, Options, Printer, Theme};

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
fn d01_columns_need_not_be_counted_by_hand() {
    let drawn = draw(wide(100), "1 | A | 0 | x\n1 | A | 1 | y\n1 | A | 2 | z");
    let header = drawn.lines().next().unwrap();
    assert_eq!(header.matches('┬').count(), 3, "{header}");
}

#[test]
fn d03_without_colours_there_is_not_one_escape() {
    let log = "1 | A | 0 | term=3 [x] 0x1F\npanic: 7\n# verbose/1 peers=2\n1.0 | B | - | y";
    let drawn = draw(Options { depth: Depth::None, ..wide(80) }, log);
    assert!(!drawn.contains('\x1b'));
}

#[test]
fn d03_numbers_and_keys_are_not_painted_over_the_topics_colour() {
    let log = "1 | VOTE | 0 | term=3 [1,2] true 0x1F";
    let drawn = draw(Options { depth: Depth::Ansi16, ..wide(60) }, log);
    assert!(drawn.contains("\x1b[36mterm=3 [1,2] true 0x1F\x1b[0m"), "{drawn:?}");
}

#[test]
fn d04_brackets_are_text_not_markup() {
    one_event("Entries:[{Term:1 Command:[a]}]");
    one_event("[red]not red[/red]");
}

#[test]
fn d05_brackets_are_text_outside_of_events_too() {
    shows("goroutine 1 [running]:", "goroutine 1 [running]:");
    shows("panic: [bold]x", "panic: [bold]x");
}

#[test]
fn d06_a_bracket_that_closes_nothing_ends_nothing() {
    one_event("[/x] closes nothing");
    let log = "[/x]\n1 | A | 0 | [/y]\n2 | A | 0 | goes on";
    shows(log, "[/x]");
    shows(log, "[/y]");
    shows(log, "goes on");
}

#[test]
fn d07_colons_make_no_pictures() {
    one_event("a:b:c :100: :smile:");
}

#[test]
fn d08_a_bar_in_the_message_is_text() {
    one_event("a | b || c");
    let ignore = Filter { ignore: NameSet::new(["VOTE"]), ..Filter::default() };
    let drawn = draw(Options { filter: ignore, ..wide(80) }, "1 | VOTE | 1 | a | b");
    assert_eq!(drawn, "");
}

#[test]
fn d09_any_peer_has_a_column_whatever_was_asked_for() {
    let options = Options { columns: Some(2), ..wide(80) };
    let drawn = draw(options, "1 | A | 7 | seven\n1 | A | -1 | minus\n1 | A | C1 | client");
    for text in ["─7─", "─-1─", "─C1─", "│seven", "│minus", "│client"] {
        assert!(drawn.contains(text), "{text} is not in\n{drawn}");
    }
}

#[test]
fn d10_topic_lists_ignore_case_and_blanks() {
    let log = "1 | INFO | 0 | one\n1 | VOTE | 0 | two\n1 | RPC | 0 | three";
    let just = Filter { just: Some(NameSet::new(["info, VOTE"])), ..Filter::default() };
    let drawn = draw(Options { filter: just, ..wide(60) }, log);
    assert!(drawn.contains("one") && drawn.contains("two") && !drawn.contains("three"));
    let ignore = Filter { ignore: NameSet::new(["vote"]), ..Filter::default() };
    let drawn = draw(Options { filter: ignore, ..wide(60) }, log);
    assert!(drawn.contains("one") && !drawn.contains("two") && drawn.contains("three"));
}

#[test]
fn d11_unknown_topics_are_shown() {
    shows("1 | WARN | 1 | careful", "careful");
    shows("1 | whatever | 1 | strange", "strange");
}

#[test]
fn d14_long_words_and_wide_words_are_folded_not_cut() {
    let log: String = (0..5)
        .map(|peer| format!("1 | A | {peer} | nextIndex=(60071,60072) 日本語のログ日本語のログ\n"))
        .collect();
    let drawn = draw(wide(70), log);
    let cells = drawn.split(['│', '┊', '\n']).map(str::trim).collect::<String>();
    assert_eq!(cells.matches("nextIndex=(60071,60072)").count(), 5, "{drawn}");
    assert_eq!(cells.matches("日本語のログ日本語のログ").count(), 5, "{drawn}");
}

#[test]
fn d15_the_time_column_is_as_wide_as_a_time() {
    let drawn = draw(wide(120), "000123 | VOTE | 0 | x\n000123 | VOTE | 1 | y");
    assert!(drawn.lines().all(|row| row.chars().position(|c| "│┬".contains(c)) == Some(11)));
}

#[test]
fn d16_the_end_of_a_window_hides_events_only() {
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
    assert!(!until("9.9ms").contains("early"));
}

/// Titles would fill the screen if events and other lines take turns.
#[test]
fn the_title_of_unknown_lines_comes_once_a_screen() {
    let log: String =
        (0..100).map(|at| format!("{at} | A | 0 | x\nsomething else {at}\n")).collect();
    for (page, rows) in [(Some(24), 24), (Some(50), 50), (None, 40)] {
        let drawn = draw(Options { page, ..wide(40) }, &log);
        let titles = drawn.lines().enumerate().filter(|(_, row)| row.starts_with("── output"));
        let titles: Vec<_> = titles.map(|(at, _)| at).collect();
        assert!(titles.len() > 1, "{titles:?}");
        assert!(titles.windows(2).all(|pair| pair[1] - pair[0] >= rows), "{rows}: {titles:?}");
        assert_eq!(drawn.matches("something else").count(), 100);
    }
}

#[test]
fn d17_one_rule_for_a_run_and_none_for_blank_lines() {
    let log = "1 | A | 0 | x\n\n1 | A | 0 | y\na\nb\n\nc\npanic: 1\n\n\tframe\n1 | A | 0 | z\nd\n";
    let drawn = draw(wide(40), log);
    let rules = drawn.lines().filter(|row| row.starts_with("── "));
    let titles: Vec<_> = rules.map(|row| row.trim_matches(['─', ' '])).collect();
    assert_eq!(titles, ["output", "panic"]);
    // A panic does not swallow the titles of what comes after it.
    let log = "panic: 1\n=== RUN   TestNext\nTest (2A): next ...\n1 | A | 0 | x\n--- FAIL: y\n";
    let drawn = draw(wide(40), log);
    let rules = drawn.lines().filter(|row| row.starts_with("── "));
    let titles: Vec<_> = rules.map(|row| row.trim_matches(['─', ' '])).collect();
    assert_eq!(titles, ["panic", "=== RUN   TestNext", "--- FAIL: y"]);
}

#[test]
fn d18_a_resize_takes_effect_in_the_middle_of_a_stream() {
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
fn d19_escape_sequences_in_a_log_do_nothing() {
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

#[test]
fn d21_no_two_topics_look_the_same_and_all_can_be_read() {
    for background in [Background::Dark, Background::Light] {
        let theme = Theme::new(background);
        let topics = ["PERS", "STATE", "ERRO", "CONSIST", "LOG2", "REPL", "INFO", "VOTE", "LEAD"];
        let colors = topics.map(|topic| theme.topic(topic.as_bytes()));
        for (at, color) in colors.iter().enumerate() {
            assert!(color.contrast(theme.background) >= 4.5, "{background:?} {}", topics[at]);
            assert!(!colors[..at].contains(color), "{background:?} {}", topics[at]);
        }
    }
}

#[test]
fn no_number_is_missing() {
    let sources = [include_str!("defects.rs"), include_str!("../program/main.rs")].concat();
    for number in 1..=21 {
        assert!(sources.contains(&format!("\nfn d{number:02}_")), "{number}");
    }
}
