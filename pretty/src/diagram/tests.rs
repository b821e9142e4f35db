//! The places of a diagram, whatever is drawn.

use proptest::prelude::*;

use super::layout::{Label, Place, Scene};
use super::{Diagram, DiagramBuilder, DiagramError};
use crate::parse::Parser;

fn diagram(log: &str) -> Diagram {
    let mut parser = Parser::default();
    let mut builder = DiagramBuilder::default();
    log.lines().for_each(|line| builder.draw(&parser.parse(line.as_bytes())));
    builder.finish().expect("a log that can be drawn")
}

/// The kinds of lines a cluster writes, for any peers.
fn line() -> impl Strategy<Value = String> {
    let peers = (0..5_u8, 0..5_u8, 0..6_u32, 0..40_u32);
    (peers, 0..9_u8).prop_map(|((from, to, term, id), kind)| {
        let time = id * 7;
        match kind {
            0 | 1 => {
                format!("{time}.0 | RPC | {from} | sends AppendEntries term={term} to={to} id={id}")
            }
            2 | 3 => format!("{time}.5 | RPC | {to} | receives AppendEntries from={from} id={id}"),
            4 => {
                format!("{time}.7 | DROP | {from} | AppendEntries is lost to={to} id={id} why=cut")
            }
            5 => format!("{time}.8 | STATE | {from} | becomes leader role=leader term={term}"),
            6 => format!("{time}.9 | VOTE | {from} | {} 日本語 role=candidate", "long ".repeat(20)),
            7 => format!("{time}.9 | TEST | - | cuts {from} from {to}"),
            _ => format!("--- FAIL: number {id}"),
        }
    })
}

fn overlap(a: Place, b: Place) -> bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

proptest! {
    #[test]
    fn texts_never_overlap(lines in prop::collection::vec(line(), 1..200)) {
        let diagram = diagram(&lines.join("\n"));
        let scene = Scene::of(&diagram);
        let rows = scene.rows.iter().flat_map(|row| row.time.iter().chain([&row.label]));
        let signs = scene.signs.iter().map(|(_, sign)| sign);
        let labels: Vec<&Label> = scene.names.iter().chain(rows).chain(signs).collect();
        for (at, label) in labels.iter().enumerate() {
            let Place { x, y, width, height } = label.place;
            prop_assert!(x >= 0 && y >= 0 && x + width <= scene.width && y + height <= scene.height);
            let drawn = i32::try_from(crate::text::columns(&label.text)).expect("few") * 67 / 10;
            prop_assert!(drawn <= width, "{label:?}");
            for other in &labels[at + 1..] {
                prop_assert!(!overlap(label.place, other.place), "{label:?} {other:?}");
            }
        }
        prop_assert!(scene.rows.windows(2).all(|pair| pair[0].y < pair[1].y));
        for peer in 0..diagram.peers.len() {
            let own: Vec<_> = scene.bands.iter().filter(|band| band.peer == peer).collect();
            prop_assert_eq!((own[0].from, own[own.len() - 1].to), (scene.top, scene.bottom));
            prop_assert!(own.windows(2).all(|pair| pair[0].to == pair[1].from));
        }
        for line in &scene.arrows {
            prop_assert!(line.from.1 <= line.to.1, "{line:?} runs back in time");
            for (x, y) in [line.from, line.to] {
                prop_assert!((0..scene.width).contains(&x) && (0..scene.height).contains(&y));
            }
        }
    }

    /// Every quotation mark and tag of an SVG is our own.
    #[test]
    fn any_text_leaves_the_picture_well_formed(text in "\\PC{0,80}", name in "\\PC{1,9}") {
        let name = name.replace(['|', ' '], "x");
        let diagram = diagram(&format!("1.0 | {name} | 0 | {text} x\n2.0 | A | 1 | y"));
        let plain = diagram_of_plain();
        let svg = diagram.svg(&text);
        for sign in ['<', '"'] {
            let own = plain.svg("x").matches(sign).count();
            let here = svg.matches(sign).count();
            prop_assert!(here >= own && here <= own + 12, "{sign}: {here}, {own} of our own");
        }
    }
}

fn diagram_of_plain() -> Diagram {
    diagram("1.0 | A | 0 | x\n2.0 | A | 1 | y")
}

#[test]
fn five_peers_and_two_hundred_events() {
    let line = |at: u32| {
        let (from, to) = (at % 5, (at + 1 + at % 3) % 5);
        let from = if from == to { (from + 1) % 5 } else { from };
        match at % 2 {
            0 => format!("{at}.0 | RPC | {from} | sends AppendEntries to={to} id=x.{at}\n"),
            _ => format!("{at}.0 | LOG1 | {from} | matches through {at} term=3 role=follower\n"),
        }
    };
    let log: String = (0..200).map(line).collect();
    let diagram = diagram(&log);
    assert_eq!((diagram.peers.len(), diagram.steps.len()), (5, 200));
    let scene = Scene::of(&diagram);
    assert!(scene.width < 1400 && scene.height < 3600, "{}×{}", scene.width, scene.height);
}

const STORY: &str = "\
000150.000 | STATE | 1 | follower --> candidate term=1 role=candidate
000150.000 | RPC | 1 | sends RequestVote in term 1 to=0 id=1.1
000150.000 | RPC | 1 | sends RequestVote in term 1 to=2 id=1.2
000151.000 | DROP | 1 | RequestVote to 2 is lost: cut to=2 id=1.2 why=cut
000152.000 | TEST | - | cuts 2 from 0 and 1
000154.207 | RPC | 0 | receives RequestVote in term 1 from=1 id=1.1
000154.207 | VOTE | 0 | grants vote to 1 term=1 role=follower
000154.207 | RPC | 0 | sends RequestVoteReply to=1 id=0.1
000160.000 | RPC | 1 | receives RequestVoteReply from=0 id=0.1
000160.000 | STATE | 1 | candidate --> leader term=1 role=leader
000161.000 | RPC | 1 | sends AppendEntries to=0 id=1.3
--- FAIL: TestBackup2B <&\"'>
";

#[test]
fn a_story_as_a_picture() {
    insta::assert_snapshot!(diagram(STORY).svg("a story"));
}

#[test]
fn messages_end_where_the_log_says() {
    use super::model::End;
    let diagram = diagram(STORY);
    let ends: Vec<_> =
        diagram.arrows.iter().map(|arrow| (arrow.from, arrow.to, &arrow.received)).collect();
    assert_eq!(
        ends,
        [
            (1, 0, &End::Step(4)),
            (1, 2, &End::Lost("cut".to_owned())),
            (0, 1, &End::Step(7)),
            (1, 0, &End::Unknown),
        ]
    );
    // One row for both requests, whose text names both receivers.
    assert_eq!(diagram.steps[1].text, "RequestVote → 0 2");
}

#[test]
fn ends_outside_of_the_diagram_are_known() {
    use super::model::End;
    let mut parser = Parser::default();
    let mut builder = DiagramBuilder::default();
    for (at, line) in STORY.lines().enumerate() {
        let line = parser.parse(line.as_bytes());
        if (5..8).contains(&at) { builder.draw(&line) } else { builder.observe(&line) }
    }
    let diagram = builder.finish().expect("three events");
    let ends: Vec<_> = diagram.arrows.iter().map(|arrow| (&arrow.sent, &arrow.received)).collect();
    assert_eq!(ends, [(&End::Elsewhere, &End::Step(0)), (&End::Step(2), &End::Elsewhere)]);
    assert_eq!(diagram.peers, ["0", "1"]);
}

#[test]
fn too_much_and_nothing_are_refused() {
    assert_eq!(DiagramBuilder::default().finish(), Err(DiagramError::Empty));
    let mut parser = Parser::default();
    let mut builder = DiagramBuilder::default();
    for at in 0..401 {
        builder.draw(&parser.parse(format!("{at}.0 | A | 0 | x").as_bytes()));
    }
    assert_eq!(builder.finish(), Err(DiagramError::TooMany(401)));
}

#[test]
fn a_peer_that_is_down_has_no_role() {
    use super::model::Presence;
    let log = "\
1.0 | STATE | 1 | becomes leader term=3 role=leader
2.0 | TEST | - | crashes 1: 3 writes survive, 0 are lost event=crashed
3.0 | VOTE | 0 | waits
";
    let diagram = diagram(log);
    let scene = Scene::of(&diagram);
    let own: Vec<_> = scene.bands.iter().filter(|band| band.peer == 1).collect();
    let presences: Vec<_> = own.iter().map(|band| band.state.presence).collect();
    assert_eq!(presences, [Presence::Present, Presence::Away]);
    assert_eq!(diagram.svg("x").matches("<title>leader, term 3</title>").count(), 1);
}

#[test]
fn a_text_begins_with_its_sentence() {
    let log = "2024-05-02 08:11:23.125556 I | raft: [f:1,l:4,t:2,c:3,a:3] [00001:00001] t2 became leader\n";
    let mut parser = Parser::default();
    parser.look_at(log.as_bytes());
    let mut builder = DiagramBuilder::default();
    builder.draw(&parser.parse(log.trim_end().as_bytes()));
    let svg = builder.finish().unwrap().svg("x");
    assert!(svg.contains(">became leader</text>"), "{svg}");
    assert!(svg.contains("<title>raft: [f:1,l:4") || svg.contains("<title>[f:1,l:4"), "{svg}");
}
