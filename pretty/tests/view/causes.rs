//! From a failure back to what caused it.

use insta::assert_snapshot;
use pretty::view::{CausalFilter, LogView, Outcome};
use pretty::{Background, Depth};
use ratatui::crossterm::event::KeyCode;

use super::{draw, press, text};

/// Peer 0 wins an election; peer 2 talks to itself; then something is wrong with peer 0.
const LOG: &str = "\
# verbose/1 test=x seed=1 peers=3 unit=ms
000001.000 | INFO | 0 | starts with the log empty term=0 role=follower
000001.000 | INFO | 1 | starts with the log empty term=0 role=follower
000001.000 | INFO | 2 | starts with the log empty term=0 role=follower
000002.000 | TIMR | 0 | hears no leader, stands for election term=0 role=follower
000002.000 | STATE | 0 | follower --> candidate term=1 role=candidate
000002.000 | RPC | 0 | sends RequestVote in term 1 to=1 id=0.1
000003.000 | TIMR | 2 | hears no leader, stands for election term=0 role=follower
000003.000 | STATE | 2 | follower --> candidate term=1 role=candidate
000004.000 | RPC | 1 | receives RequestVote in term 1 from=0 id=0.1
000004.000 | VOTE | 1 | grants vote to 0 term=1 role=follower vote=0 id=0.1
000004.000 | RPC | 1 | sends RequestVoteReply in term 1: granted to=0 id=1.1
000005.000 | RPC | 0 | receives RequestVoteReply in term 1: granted from=1 id=1.1
000005.000 | STATE | 0 | candidate --> leader term=1 role=leader
000005.000 | ERRO | 0 | election-safety: something is wrong
FAIL 2A x
";

fn view() -> LogView {
    let mut view = LogView::of_bytes(LOG.as_bytes().to_vec(), Background::Dark, Depth::True);
    draw(&mut view, 100, 24);
    view.select(14);
    view
}

#[test]
fn one_key_leaves_only_direct_causes_and_the_same_key_shows_all() {
    let mut view = view();
    press(&mut view, "W");
    assert_snapshot!(text(&draw(&mut view, 100, 16)));
    assert_eq!(view.cursor(), Some(14), "the question stays on the screen");
    press(&mut view, "W");
    assert!((0..16).all(|line| view.is_shown(line)));
}

#[test]
fn the_causal_past_is_all_that_could_have_influenced_a_line() {
    let mut view = view();
    press(&mut view, "P");
    let hidden: Vec<usize> = (0..16).filter(|line| !view.is_shown(*line)).collect();
    assert_eq!(hidden, [0, 3, 7, 8, 15]);
    assert_eq!(view.causes(CausalFilter::CausalPast).len(), 11);
    // One question after the other, and back.
    press(&mut view, "W");
    assert!(!view.is_shown(3));
    assert_eq!(view.press(KeyCode::Esc.into()), Outcome::Used);
    assert!(view.is_shown(3));
}

#[test]
fn step_by_step_back_to_the_timer_that_began_it() {
    let mut view = view();
    let mut way = Vec::new();
    for _ in 0..7 {
        press(&mut view, "<");
        way.push(view.cursor().expect("a line is selected"));
    }
    assert_eq!(way, [13, 12, 11, 10, 9, 6, 5]);
}

#[test]
fn a_log_that_grows_has_its_causes_found_too() {
    let mut view = view();
    assert_eq!(view.causes(CausalFilter::CausalPast).len(), 11);
    let more = b"000006.000 | RPC | 2 | receives X in term 1 from=0 id=0.9\n".to_vec();
    view.append(pretty::view::Chunk::index(more, pretty::Parser::default()));
    view.select(16);
    assert_eq!(
        view.causes(CausalFilter::CausalPast).len(),
        15,
        "nothing but the header and the report is left"
    );
}

#[test]
fn without_an_event_there_is_nothing_to_explain() {
    let mut view = LogView::of_bytes(b"ok\n".to_vec(), Background::Dark, Depth::True);
    press(&mut view, "W");
    assert!(text(&draw(&mut view, 80, 10)).contains("no event before this line"));
    assert!(view.is_shown(0));
}
