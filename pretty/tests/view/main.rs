//! The log view: what it looks like, and what its keys do.

mod causes;
mod continuations;
mod embed;
mod leads;
mod look;
mod raft;
mod tools;

use insta::assert_snapshot;
use pretty::view::{BINDINGS, Chunk, LogView, Outcome};
use pretty::{Background, Bound, Depth, Filter, NameSet, Parser};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;

const ELECTION: &str = "\
# verbose/1 test=initial_election_2a seed=42 peers=3 unit=ms
Test (2A): initial election ...
000150.003 | TIMR | 1 | election timeout
000150.003 | VOTE | 1 | becomes candidate term=1 role=candidate
000150.003 | RPC | 1 | RequestVote to=0 id=1
000154.210 | RPC | 0 | RequestVote from=1 id=1
000154.210 | VOTE | 0 | grants vote to 1 term=1 role=follower id=2
000158.774 | LEAD | 1 | becomes leader term=1 role=leader
000200.000 | TEST | - | cuts 1 from 0 and 2
000201.500 | RPC | 2 | \x1b[2J 日本語 \u{202e} odd
000300.000 | ERRO | 2 | lost its log
panic: index out of range [3]
goroutine 1 [running]:
  ... Passed --   3.8  5  181   42682    4
";

fn view() -> LogView {
    let mut view = LogView::new(Background::Dark, Depth::True);
    view.append(Chunk::index(ELECTION.as_bytes().to_vec(), Parser::default()));
    view
}

fn draw(view: &mut LogView, width: u16, height: u16) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    view.resize(area.as_size());
    let mut buffer = Buffer::empty(area);
    view.draw(area, &mut buffer);
    buffer
}

/// The characters of a buffer, row by row.
fn text(buffer: &Buffer) -> String {
    let rows = buffer.content.chunks(usize::from(buffer.area.width));
    let row = |cells: &[ratatui::buffer::Cell]| {
        let mut text = String::new();
        let mut covered = 0;
        for cell in cells {
            if covered == 0 {
                text.push_str(cell.symbol());
                covered = unicode_width::UnicodeWidthStr::width(cell.symbol());
            }
            covered = covered.saturating_sub(1);
        }
        text.trim_end().to_owned()
    };
    rows.map(row).collect::<Vec<_>>().join("\n")
}

/// The styles of a buffer: runs of equal ones, row by row.
fn styles(buffer: &Buffer) -> String {
    let rows = buffer.content.chunks(usize::from(buffer.area.width));
    let row = |cells: &[ratatui::buffer::Cell]| {
        let runs = cells.chunk_by(|a, b| a.style() == b.style());
        let run = |run: &[ratatui::buffer::Cell]| {
            format!("{}×{}/{}/{:?}", run.len(), run[0].fg, run[0].bg, run[0].modifier)
        };
        runs.map(run).collect::<Vec<_>>().join(" ")
    };
    rows.map(row).collect::<Vec<_>>().join("\n")
}

fn press(view: &mut LogView, keys: &str) {
    for c in keys.chars() {
        let code = if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
        assert_eq!(view.press(code.into()), Outcome::Used, "{c:?}");
    }
}

/// The text of the selected line.
fn selected(view: &LogView) -> &'static str {
    view.cursor().and_then(|line| ELECTION.lines().nth(line)).unwrap_or("nothing")
}

#[test]
fn the_view_at_several_sizes() {
    for (width, height) in [(80, 24), (120, 40), (200, 60), (20, 5)] {
        let buffer = draw(&mut view(), width, height);
        assert_snapshot!(format!("{width}x{height}"), text(&buffer).trim_end());
        assert_snapshot!(format!("styles_{width}x{height}"), styles(&buffer));
    }
}

#[test]
fn colours_and_the_selected_line() {
    let mut view = view();
    press(&mut view, "jjj");
    assert_snapshot!(styles(&draw(&mut view, 60, 8)));
}

#[test]
fn any_size_at_all_can_be_drawn() {
    let mut view = view();
    for panes in ["", "s", "?"] {
        press(&mut view, panes);
        for width in 0..40 {
            for height in 0..12 {
                let buffer = draw(&mut view, width, height);
                assert_eq!(buffer.area.width, width);
            }
        }
    }
}

#[test]
fn moving_about() {
    let mut view = view();
    draw(&mut view, 80, 8);
    for (keys, line) in [
        ("", 0),
        ("k", 0),
        ("jj", 2),
        ("G", 13),
        ("j", 13),
        ("g", 0),
        (" ", 6),
        ("d", 9),
        ("u", 6),
        (":4\n", 3),
        (":@0.2s\n", 8),
        (":@154.21\n", 5),
    ] {
        press(&mut view, keys);
        assert_eq!(view.cursor(), Some(line), "{keys:?}");
        let word = selected(&view).split(" | ").last().and_then(|text| text.split(' ').next());
        let seen = text(&draw(&mut view, 120, 8));
        assert!(seen.contains(&word.unwrap_or_default().replace('\x1b', "\\x1b")), "{seen}");
    }
}

#[test]
fn jumping_to_what_matters() {
    let mut view = view();
    for (keys, start) in [
        ("e", "000300.000 | ERRO"),
        ("e", "panic:"),
        ("E", "000300.000 | ERRO"),
        ("}", "  ... Passed"),
        ("{", "Test (2A)"),
        ("/RequestVote\n", "000150.003 | RPC"),
        ("n", "000154.210 | RPC"),
        ("n", "000150.003 | RPC"),
        ("N", "000154.210 | RPC"),
        ("%", "000150.003 | RPC"),
        ("%", "000154.210 | RPC"),
    ] {
        press(&mut view, keys);
        assert!(selected(&view).starts_with(start), "{keys:?}: {}", selected(&view));
    }
    press(&mut view, "/nowhere\n");
    assert!(text(&draw(&mut view, 80, 10)).contains("no match of /nowhere in the log"));
}

#[test]
fn hiding_and_showing() {
    let mut view = view();
    press(&mut view, ":5\ni");
    let seen = text(&draw(&mut view, 120, 24));
    assert!(!seen.contains("RequestVote") && seen.contains("-RPC"), "{seen}");
    press(&mut view, "1");
    let seen = text(&draw(&mut view, 120, 24));
    assert!(!seen.contains("becomes leader") && seen.contains("grants vote"), "{seen}");
    assert!(seen.contains("Test (2A)") && seen.contains("panic:"), "{seen}");
    press(&mut view, "a&leader\n");
    let seen = text(&draw(&mut view, 120, 24));
    assert!(seen.contains("becomes leader") && !seen.contains("grants vote"), "{seen}");
    assert!(seen.contains("panic:"), "{seen}");
    assert_eq!(view.press(KeyCode::Esc.into()), Outcome::Used);
    assert!(text(&draw(&mut view, 120, 24)).contains("grants vote"));
}

#[test]
fn a_broken_expression_changes_nothing() {
    let mut view = view();
    let before = text(&draw(&mut view, 100, 24));
    press(&mut view, "&(\n");
    let after = text(&draw(&mut view, 100, 24));
    assert!(after.contains("invalid regular expression"), "{after}");
    let body = |text: &str| text.rsplit_once('\n').map(|(body, _)| body.to_owned());
    assert_eq!(body(&before), body(&after));
}

#[test]
fn the_state_of_the_peers_at_a_line() {
    let mut view = view();
    press(&mut view, "Gs");
    assert_snapshot!(text(&draw(&mut view, 60, 14)));
    press(&mut view, ":4\n");
    assert_snapshot!(text(&draw(&mut view, 60, 14)));
}

#[test]
fn the_help_names_every_key() {
    let mut view = view();
    press(&mut view, "?");
    let wide = text(&draw(&mut view, 120, 40));
    for binding in BINDINGS.iter() {
        assert!(wide.contains(binding.help), "{}", binding.help);
    }
    let start = text(&draw(&mut view, 60, 15));
    press(&mut view, "      ");
    let end = text(&draw(&mut view, 60, 15));
    assert!(start.contains("line down") && !start.contains("hide or show a peer"), "{start}");
    assert!(end.contains("hide or show a peer") && !end.contains("line down"), "{end}");
}

#[test]
fn leaving() {
    let mut view = view();
    for code in [KeyCode::Char('q'), KeyCode::F(10)] {
        assert_eq!(view.press(code.into()), Outcome::Quit);
    }
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(view.press(control_c), Outcome::Quit);
    assert_eq!(view.press(KeyCode::Char('ß').into()), Outcome::Unused);
    press(&mut view, "/q");
    assert_eq!(view.press(control_c), Outcome::Used);
    assert_eq!(view.press(control_c), Outcome::Quit);
}

#[test]
fn a_growing_log_is_followed() {
    let mut view = view();
    press(&mut view, "F");
    let more = b"000400.000 | INFO | C1 | a client\nlast".to_vec();
    view.append(Chunk::index(more, Parser::default()));
    assert_eq!(view.cursor(), Some(15));
    let seen = text(&draw(&mut view, 100, 24));
    assert!(seen.contains("┬─C1") && seen.contains("following"), "{seen}");
    press(&mut view, "k");
    view.append(Chunk::index(b"more".to_vec(), Parser::default()));
    assert_eq!(view.cursor(), Some(14));
}

/// Its file was truncated, and what is in it now has not been read yet.
#[test]
fn a_log_that_is_forgotten_leaves_nothing_to_draw() {
    let mut view = view();
    draw(&mut view, 100, 24);
    view.clear();
    assert_eq!((view.cursor(), view.len()), (None, 0));
    let seen = text(&draw(&mut view, 100, 24));
    assert!(!seen.contains("becomes"), "{seen}");
    view.append(Chunk::index(b"000001 | VOTE | 7 | anew\n".to_vec(), Parser::default()));
    let seen = text(&draw(&mut view, 100, 24));
    assert!(seen.contains("anew") && !seen.contains("becomes"), "{seen}");
}

#[test]
fn an_embedding_program_may_filter_too() {
    let filter = Filter {
        ignore: NameSet::new(["RPC"]),
        until: Bound::parse("200ms").ok(),
        ..Filter::default()
    };
    let mut view = view().with_filter(filter);
    let seen = text(&draw(&mut view, 100, 24));
    assert!(!seen.contains("RequestVote") && !seen.contains("lost its log"), "{seen}");
    assert!(seen.contains("becomes leader") && seen.contains("panic:"), "{seen}");
}

#[test]
fn an_empty_log_can_be_shown() {
    let mut view = LogView::new(Background::Light, Depth::None);
    press(&mut view, "jkGg/x\nne%is?");
    assert_eq!(view.cursor(), None);
    assert!(view.is_empty());
    draw(&mut view, 80, 24);
}

/// A log of `peers` peers, each with a state.
fn crowd(peers: usize) -> LogView {
    let line = |peer| format!("{peer} | STATE | n{peer} | starts term={peer} role=follower\n");
    let log: String = (1..=peers).map(line).collect();
    let mut view = LogView::new(Background::Dark, Depth::True);
    view.append(Chunk::index(log.into_bytes(), Parser::default()));
    view
}

#[test]
fn the_state_of_many_peers_is_laid_out_and_scrolled() {
    for (peers, width, height) in [(5, 80, 24), (64, 80, 24), (64, 120, 40), (9, 40, 12)] {
        let mut view = crowd(peers);
        press(&mut view, "s");
        let first = text(&draw(&mut view, width, height));
        let body = first
            .lines()
            .position(|row| row.contains(" role  "))
            .unwrap_or_else(|| panic!("{first}"));
        assert!(body > usize::from(height) / 2, "the log keeps half of {width}x{height}: {first}");
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..peers {
            let screen = text(&draw(&mut view, width, height));
            let pane = screen.lines().skip(body + 1).take_while(|row| !row.starts_with("terms"));
            for word in pane.flat_map(str::split_whitespace) {
                seen.extend(word.strip_prefix('n').and_then(|number| number.parse::<usize>().ok()));
            }
            press(&mut view, "]");
        }
        assert!((1..=peers).all(|peer| seen.contains(&peer)), "{seen:?} {first}");
        assert_eq!(first.contains("peers: [ ]"), peers > 5, "{first}");
        let end = text(&draw(&mut view, width, height));
        press(&mut view, "[]");
        assert_eq!(text(&draw(&mut view, width, height)), end, "scrolling stops at the last row");
    }
    let mut view = crowd(64);
    press(&mut view, "s");
    assert_snapshot!(text(&draw(&mut view, 120, 40)));
}

#[test]
fn a_menu_shows_and_hides_any_number_of_peers() {
    let mut view = crowd(30);
    press(&mut view, "C");
    let menu = text(&draw(&mut view, 80, 24));
    assert!(menu.contains("✓ n1 ") && menu.contains("1 of 30"), "{menu}");
    press(&mut view, "G");
    assert!(text(&draw(&mut view, 80, 24)).contains("✓ n30"));
    press(&mut view, " \n");
    assert!(text(&draw(&mut view, 80, 24)).contains("-peer n30"));
    press(&mut view, "CGo\n");
    let seen = text(&draw(&mut view, 80, 24));
    assert!(seen.contains("┬─n30") && seen.contains("29 peers hidden"), "{seen}");
    press(&mut view, "Ca\n");
    assert!(!text(&draw(&mut view, 80, 24)).contains("hidden"));
}

#[test]
fn digits_name_peers_and_not_columns() {
    let hidden = |log: &str, key: &str| {
        let mut view = LogView::new(Background::Dark, Depth::True);
        view.append(Chunk::index(log.as_bytes().to_vec(), Parser::default()));
        press(&mut view, key);
        text(&draw(&mut view, 80, 8)).lines().last().unwrap_or_default().to_owned()
    };
    let numbered = "1 | A | 0 | x\n1 | A | 1 | x\n1 | A | 4 | x\n1 | A | C1 | x\n";
    for (log, key, note) in [
        (numbered, "0", "peer 0 hidden"),
        (numbered, "1", "peer 1 hidden"),
        (numbered, "4", "peer 4 hidden"),
        (numbered, "2", "no peer 2; C opens the menu of peers"),
        ("1 | A | n2 | x\n1 | A | n7 | x\n", "7", "peer n7 hidden"),
        ("1 | A | east | x\n1 | A | west | x\n", "2", "peer west hidden"),
        ("1 | A | east | x\n1 | A | west | x\n", "3", "no peer 3"),
    ] {
        let status = hidden(log, key);
        assert!(status.contains(note), "{key}: {status}");
    }
    let mut view = view();
    press(&mut view, "11");
    assert!(text(&draw(&mut view, 80, 24)).contains("peer 1 shown"));
}

#[test]
fn the_last_line_of_a_log_that_is_still_read_is_the_last_one_to_come() {
    let part =
        |name: &str| Chunk::index(format!("1 | A | 0 | {name}\n").into_bytes(), Parser::default());
    let mut view = view();
    view.set_busy("indexing 10 %");
    press(&mut view, "G");
    view.append(part("second"));
    view.append(part("third"));
    assert_eq!(view.cursor(), Some(15));
    view.set_busy("");
    view.append(part("later"));
    assert_eq!(view.cursor(), Some(15), "the log was whole");
    view.set_busy("indexing 20 %");
    press(&mut view, "Gk");
    view.append(part("more"));
    assert_eq!(view.cursor(), Some(15), "another key has been pressed");
}

#[test]
fn events_without_a_match() {
    let mut view = view();
    press(&mut view, "&!RequestVote|leader\n");
    let seen = text(&draw(&mut view, 120, 24));
    assert!(!seen.contains("RequestVote to") && !seen.contains("becomes leader"), "{seen}");
    assert!(seen.contains("grants vote") && seen.contains("&!RequestVote|leader"), "{seen}");
    let not =
        Filter { not_grep: vec![regex::Regex::new("vote|odd").unwrap()], ..Filter::default() };
    let mut filtered = crate::view().with_filter(not);
    let seen = text(&draw(&mut filtered, 120, 24));
    assert!(!seen.contains("grants vote") && seen.contains("becomes leader"), "{seen}");
    assert!(!seen.contains("odd") && seen.contains("lost its log"), "{seen}");
}

/// Whatever is cut has a sign at its end.
#[test]
fn nothing_is_cut_without_a_sign() {
    let log = "1 | VOTE | a-name-far-too-long-for-a-column | x term=123456789012345678901234567890\n\
               2 | VOTE | another-name-far-too-long | y term=1\n3 | A | c | z\n4 | A | d | z\n";
    let mut view = LogView::new(Background::Dark, Depth::True);
    view.append(Chunk::index(log.as_bytes().to_vec(), Parser::default()));
    press(&mut view, "s/some expression that is much longer than the screen is wide\n");
    let seen = text(&draw(&mut view, 64, 20));
    let rows: Vec<_> = seen.lines().collect();
    assert!(rows[0].contains("a-name-f…") || rows[0].contains('…'), "{seen}");
    assert!(rows.last().is_some_and(|status| status.ends_with('…')), "{seen}");
    let head = rows.iter().find(|row| row.contains(" role")).unwrap_or_else(|| panic!("{seen}"));
    assert!(head.ends_with('…') || head.contains("last"), "{seen}");
    assert!(seen.contains("123456789012345…"), "{seen}");
}
