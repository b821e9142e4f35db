//! Marks, folding, the menu, the mouse, and what the view asks of its owner.

use pretty::view::{Outcome, Work};
use ratatui::crossterm::event::{
    KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::{Chunk, ELECTION, LogView, Parser, draw, press, text, view};

fn log(bytes: impl Into<Vec<u8>>) -> LogView {
    let mut view = LogView::new(pretty::Background::Dark, pretty::Depth::True);
    view.append(Chunk::index(bytes.into(), Parser::default()));
    view
}

fn mouse(view: &mut LogView, kind: MouseEventKind, column: u16, row: u16) -> Outcome {
    view.mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
}

#[test]
fn marks_lead_back() {
    let mut view = view();
    press(&mut view, ":4\nma:10\n");
    let seen = text(&draw(&mut view, 100, 24));
    assert!(seen.contains("abecomes candidate"), "{seen}");
    press(&mut view, "'a");
    assert_eq!(view.cursor(), Some(3));
    press(&mut view, "''");
    assert_eq!(view.cursor(), Some(9));
    press(&mut view, "'x");
    assert_eq!(view.cursor(), Some(9));
    assert!(text(&draw(&mut view, 100, 24)).contains("no mark x"));
    // What awaited a letter is over after any key.
    assert_eq!(view.press(KeyCode::Char('m').into()), Outcome::Used);
    assert_eq!(view.press(KeyCode::Esc.into()), Outcome::Used);
    press(&mut view, "g");
    assert_eq!(view.cursor(), Some(0));
}

/// More lines than are looked at in one go, one of them special.
fn long_log(special: usize) -> LogView {
    let long = "word ".repeat(20);
    let lines = (0..20_000).map(|at| match at == special {
        true => "1 | INFO | 0 | the needle\n".to_owned(),
        false => format!("{at} | INFO | {} | {long}says {}\n", at % 3, at % 10),
    });
    log(lines.collect::<String>())
}

fn finish(view: &mut LogView) {
    while view.work() == Work::More {}
}

#[test]
fn matches_are_counted_little_by_little() {
    let mut view = long_log(usize::MAX);
    press(&mut view, "/says 7$\n");
    let seen = text(&draw(&mut view, 80, 5));
    assert!(seen.contains("/says 7$ 1/") && seen.contains('…'), "{seen}");
    assert_eq!(view.work(), Work::More);
    finish(&mut view);
    press(&mut view, "nn");
    let seen = text(&draw(&mut view, 80, 5));
    assert!(seen.contains("3/2000 "), "{seen}");
    press(&mut view, "&says [78]\n");
    finish(&mut view);
    let seen = text(&draw(&mut view, 80, 5));
    assert!(seen.contains("3/2000 "), "{seen}");
    press(&mut view, "2");
    assert!(text(&draw(&mut view, 120, 5)).contains("/1333 "), "only what is shown counts");
    view.append(Chunk::index(b"1 | INFO | 0 | says 7".to_vec(), Parser::default()));
    finish(&mut view);
    assert!(text(&draw(&mut view, 120, 5)).contains("/1334 "));
}

#[test]
fn a_match_far_away_is_gone_to_when_it_is_found() {
    let mut view = long_log(19_000);
    press(&mut view, "/needle\n");
    assert_eq!(view.cursor(), Some(0));
    assert!(text(&draw(&mut view, 80, 5)).contains("searching"));
    finish(&mut view);
    assert_eq!(view.cursor(), Some(19_000));
    // What the user does meanwhile counts more.
    let mut view = long_log(19_000);
    press(&mut view, "/needle\nj");
    finish(&mut view);
    assert_eq!(view.cursor(), Some(1));
    assert!(text(&draw(&mut view, 80, 5)).contains("–/1 "));
    press(&mut view, "N");
    assert_eq!(view.cursor(), Some(19_000));
    assert!(text(&draw(&mut view, 80, 5)).contains("search wrapped to the last line"));
    press(&mut view, "gN");
    assert_eq!(view.cursor(), Some(19_000));
}

#[test]
fn lines_alike_are_found_whatever_their_numbers() {
    let mut view = view();
    press(&mut view, ":6\n*");
    assert_eq!(view.cursor(), Some(5), "the only one, so on from the first line");
    let mut view = long_log(usize::MAX);
    press(&mut view, "*");
    assert_eq!(view.cursor(), Some(1));
    finish(&mut view);
    let seen = text(&draw(&mut view, 200, 8));
    assert!(seen.contains("/word word") && seen.contains(" 2/20 000"), "{seen}");
}

#[test]
fn a_search_backward_starts_at_the_end() {
    let mut view = long_log(1_000);
    press(&mut view, ":15000\n/needle\n");
    assert_eq!(view.cursor(), Some(14_999));
    press(&mut view, "N");
    finish(&mut view);
    assert_eq!(view.cursor(), Some(1_000));
}

#[test]
fn a_long_log_is_filtered_little_by_little() {
    let mut view = long_log(19_000);
    press(&mut view, ":18000\n&needle\n");
    assert!(text(&draw(&mut view, 80, 5)).contains("filtering"));
    finish(&mut view);
    let seen = text(&draw(&mut view, 80, 5));
    assert!(seen.contains("1 shown") && !seen.contains("filtering"), "{seen}");
    assert_eq!(view.cursor(), Some(19_000));
    assert_eq!(view.press(KeyCode::Esc.into()), Outcome::Used);
    assert_eq!(view.cursor(), Some(17_999), "back where the filter was asked for");
}

#[test]
fn repeats_fold_and_unfold() {
    let beats = "10 | RPC | 0 | sends x to=1 id=0.1\n11 | TIMR | 0 | waits 3 ms\n";
    let mut view = log(beats.repeat(40) + "12 | TERM | 0 | goes on\n" + beats);
    press(&mut view, "z");
    let seen = text(&draw(&mut view, 80, 12));
    assert!(seen.contains("id=0.1 ×40") && seen.contains("waits 3 ms ×40"), "{seen}");
    assert!(seen.contains("goes on") && seen.contains("5 shown"), "{seen}");
    press(&mut view, "z");
    assert!(!text(&draw(&mut view, 80, 12)).contains('×'));
}

#[test]
fn long_lines_take_one_row_if_so_wished() {
    let mut view = log(format!("1 | INFO | 0 | {}\n2 | INFO | 0 | short\n", "word ".repeat(40)));
    let wrapped = text(&draw(&mut view, 40, 14));
    press(&mut view, "w");
    let cut = text(&draw(&mut view, 40, 14));
    assert!(wrapped.contains('┊') && !wrapped.contains('…'), "{wrapped}");
    assert!(!cut.contains('┊') && cut.lines().nth(1).is_some_and(|row| row.ends_with('…')));
    assert!(cut.lines().nth(2).is_some_and(|row| row.contains("short")), "{cut}");
}

#[test]
fn the_menu_of_topics() {
    let mut view = view();
    press(&mut view, "I");
    let seen = text(&draw(&mut view, 80, 24));
    assert!(seen.contains("✓ ERRO") && seen.contains("✓ VOTE"), "{seen}");
    press(&mut view, "jj ");
    let seen = text(&draw(&mut view, 80, 24));
    assert!(seen.contains("· RPC") && seen.contains("-RPC"), "{seen}");
    press(&mut view, "o\n");
    let seen = text(&draw(&mut view, 80, 24));
    assert!(seen.contains("RequestVote") && !seen.contains("grants vote"), "{seen}");
    press(&mut view, "Iaq");
    assert!(text(&draw(&mut view, 80, 24)).contains("grants vote"));
}

#[test]
fn the_mouse_scrolls_selects_and_hides() {
    let mut view = view();
    draw(&mut view, 120, 24);
    assert_eq!(mouse(&mut view, MouseEventKind::ScrollDown, 5, 5), Outcome::Used);
    assert_eq!(view.cursor(), Some(3));
    let left = MouseEventKind::Down(MouseButton::Left);
    assert_eq!(mouse(&mut view, left, 50, 1), Outcome::Used);
    assert_eq!(view.cursor(), Some(0));
    // The last of the two rows of a wrapped line.
    assert_eq!(mouse(&mut view, left, 50, 5), Outcome::Used);
    assert_eq!(view.cursor(), Some(3));
    assert_eq!(mouse(&mut view, left, 60, 0), Outcome::Used);
    let seen = text(&draw(&mut view, 120, 24));
    assert!(!seen.contains("becomes leader") && seen.contains("-peer 1"), "{seen}");
    assert_eq!(mouse(&mut view, MouseEventKind::Moved, 1, 1), Outcome::Unused);
    // The end of the strip is the end of the log.
    assert_eq!(mouse(&mut view, left, 119, 21), Outcome::Used);
    assert!(view.cursor() > Some(10));
}

#[test]
fn requests_to_the_embedding_program() {
    let mut view = view();
    press(&mut view, ":3\n");
    let line = ELECTION.lines().nth(2).map(str::to_owned);
    let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
    for (key, outcome) in [
        (KeyCode::Char('y').into(), Outcome::Copy(line.unwrap_or_default())),
        (KeyCode::Char('o').into(), Outcome::Edit(2)),
        (KeyCode::Char('M').into(), Outcome::ToggleMouse),
        (control('l'), Outcome::Redraw),
        (control('z'), Outcome::Suspend),
    ] {
        assert_eq!(view.press(key), outcome);
    }
    view.set_note("odd \x1b[2J");
    assert!(text(&draw(&mut view, 80, 8)).contains("odd \\x1b[2J"));
}
