//! The interface for programs that embed the view.

use pretty::view::{Bitmap, Facts, LogView, MessageFate};
use pretty::{Background, Depth, Line};
use ratatui::style::Modifier;

use super::{ELECTION, draw, press, selected, text, view};

#[test]
fn a_log_is_opened_at_its_failure() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.log");
    let quiet = "1 | INFO | 0 | nothing new\n".repeat(20_000);
    std::fs::write(&file, format!("{quiet}--- FAIL: TestA\npanic: a\ngoroutine 1:\n{quiet}"))
        .unwrap();
    let mut view = LogView::of_file(&file, Background::Dark, Depth::True).unwrap();
    draw(&mut view, 80, 24);
    view.select_last_error();
    assert_eq!(view.cursor(), Some(20_000));
    let seen = text(&draw(&mut view, 80, 24));
    let row = seen.lines().position(|row| row.contains("--- FAIL: TestA"));
    assert!(row.is_some_and(|row| (6..18).contains(&row)), "in the middle: {seen}");
    assert_eq!(view.errors().collect::<Vec<_>>(), [20_000, 20_001, 20_002]);
    assert!(LogView::of_file(directory.path(), Background::Dark, Depth::True).is_err());
}

#[test]
fn without_a_failure_it_is_opened_at_its_end() {
    let mut view = LogView::of_bytes(b"a\nb\nc\n".to_vec(), Background::Dark, Depth::True);
    view.select_last_error();
    assert_eq!(view.cursor(), Some(2));
    view.select(1);
    assert_eq!(view.cursor(), Some(1));
    view.select(1_000);
    assert_eq!(view.cursor(), Some(2));
}

#[test]
fn lines_are_hidden_and_the_rest_is_named() {
    let mut view = view();
    view.select(5);
    let past: Bitmap = [3, 4, 5].into_iter().collect();
    let mut others = Bitmap::full(view.len());
    others.subtract(&past);
    view.set_hidden(Some(others), "causal past");
    assert!(selected(&view).starts_with("000154.210 | RPC"), "{}", selected(&view));
    let seen = text(&draw(&mut view, 120, 10));
    assert!(seen.contains("causal past: 3 of 14 lines"), "{seen}");
    assert!(!seen.contains("panic:") && seen.contains("becomes candidate"), "{seen}");
    assert!(view.is_shown(4) && !view.is_shown(6) && !view.is_shown(1_000));
    press(&mut view, "e");
    assert!(
        text(&draw(&mut view, 120, 10)).contains("not found among the lines shown: next failure")
    );
    view.set_hidden(None, "");
    let seen = text(&draw(&mut view, 120, 24));
    assert!(!seen.contains("causal past") && seen.contains("panic:"), "{seen}");
    assert!(selected(&view).starts_with("000154.210 | RPC"));
}

#[test]
fn lines_are_marked() {
    let mut view = view();
    let plain = draw(&mut view, 100, 24);
    view.set_highlight(Some([4].into_iter().collect()));
    let marked = draw(&mut view, 100, 24);
    assert_eq!(text(&plain), text(&marked));
    let rows = (0..24).filter(|y| (0..100).any(|x| plain[(x, *y)] != marked[(x, *y)]));
    assert_eq!(rows.collect::<Vec<_>>(), [6], "a line before wraps");
    let mut view = LogView::of_bytes(ELECTION.into(), Background::Light, Depth::None);
    view.set_highlight(Some([4].into_iter().collect()));
    let marked = draw(&mut view, 100, 24);
    assert!(marked[(50, 6)].modifier.contains(Modifier::UNDERLINED));
}

#[test]
fn a_line_is_read_by_its_number() {
    let view = view();
    let word =
        |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let sent = view.facts(4, |facts| (word(facts.from), word(facts.to), word(facts.id)));
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(sent, Some((some("1"), some("0"), some("1"))));
    let received = view.facts(5, |facts| {
        let message = facts.message.expect("a message");
        assert_eq!((message.fate, message.kind), (MessageFate::Received, &b"RequestVote"[..]));
        (facts.at.map(|at| at.nanos()), word(Some(facts.time)), word(Some(facts.peer)))
    });
    assert_eq!(received, Some((Some(154_210_000), some("154.210"), some("0"))));
    let vote =
        view.facts(6, |facts| (facts.term, word(Some(facts.topic)), facts.message.is_some()));
    assert_eq!(vote, Some((Some(1), some("VOTE"), false)));
    assert_eq!(view.facts(1, |_| ()), None);
    assert_eq!(view.read(1, |line| matches!(line, Line::Other(..))), Some(true));
    assert_eq!(view.read(14, |_| ()), None);
}

#[test]
fn facts_of_the_go_labs_are_read_from_their_sentences() {
    let log = b"000053 | RPC | 1 | Sending RequestVote to 0.\n".to_vec();
    let view = LogView::of_bytes(log, Background::Dark, Depth::True);
    let ends =
        view.facts(0, |facts: &Facts<'_>| (facts.from == Some(b"1"), facts.to == Some(b"0")));
    assert_eq!(ends, Some((true, true)));
}
