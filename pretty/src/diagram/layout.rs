//! Diagram → places: a pure function, in units of a point.
//!
//! ```text
//!         S0          S1
//! 150.0   ● asks      │          one row a step, so that no two texts meet
//! 154.2   │  ╲        ● grants
//! ```
//!
//! Invariants: places of texts do not overlap, and lie in their columns; every row is lower than
//! the one before it.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::diagram::model::{Arrow, Diagram, End, PeerState, Presence, StepPlace};
use crate::text::columns;

/// A diagram with a place for everything.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scene {
    pub(super) width: i32,
    pub(super) height: i32,
    /// The x of each lifeline.
    pub(super) lifelines: Vec<i32>,
    /// The y of the first and of the last row.
    pub(super) top: i32,
    pub(super) bottom: i32,
    pub(super) names: Vec<Label>,
    pub(super) bands: Vec<Band>,
    /// The state of a band in short, where it begins, left of the lifeline.
    pub(super) signs: Vec<(Band, Label)>,
    pub(super) arrows: Vec<Line>,
    /// For each step the places of its texts.
    pub(super) rows: Vec<Row>,
}

/// A text in its place, cut to fit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) text: String,
    pub(super) place: Place,
}

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// A part of a lifeline with one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Band {
    pub(super) peer: usize,
    pub(super) from: i32,
    pub(super) to: i32,
    pub(super) state: PeerState,
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The place of the arrow in [`Diagram::arrows`].
    pub(super) arrow: usize,
    pub(super) from: (i32, i32),
    pub(super) to: (i32, i32),
    pub(super) end: LineEnd,
}

/// The end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// It was received here.
    Arrow,
    /// It was lost.
    Cross,
    /// It was received outside of the diagram.
    Outside,
    /// There is no line about its end.
    Open,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) y: i32,
    pub(super) time: Option<Label>,
    pub(super) label: Label,
}

impl Scene {
    pub(super) fn of(diagram: &Diagram) -> Self {
        let times = diagram.steps.iter().map(|step| columns(&step.time)).max().unwrap_or(0);
        let left = MARGIN + text_width(times) + GAP;
        let lifelines: Vec<_> =
            (0..diagram.peers.len()).map(|peer| left + SIGN + GAP + short(peer) * COLUMN).collect();
        let across = (short(diagram.peers.len()) * COLUMN).max(COLUMN) + SIGN;
        let y = |step: usize| TOP + short(step) * ROW;
        let names = diagram.peers.iter().zip(&lifelines).map(|(name, x)| {
            let place = Place {
                x: x - GAP / 2,
                y: TOP - 2 * ROW,
                width: COLUMN - 2 * GAP - SIGN,
                height: ROW,
            };
            Label::new(name, place)
        });
        let rows = diagram.steps.iter().enumerate().map(|(at, step)| {
            let time =
                Place { x: MARGIN, y: y(at) - ROW / 2, width: left - GAP - MARGIN, height: ROW };
            let (x, width) = match step.place {
                StepPlace::Peer(peer) => (lifelines[peer] + GAP, COLUMN - 2 * GAP - SIGN),
                StepPlace::Across | StepPlace::Result(_) => (left + GAP / 2, across - GAP),
            };
            let place = Place { x, y: y(at) - ROW / 2, width, height: ROW };
            let time = (!step.time.is_empty()).then(|| Label::new(&step.time, time));
            Row { y: y(at), time, label: Label::new(&step.text, place) }
        });
        let rows: Vec<_> = rows.collect();
        let bottom = y(diagram.steps.len().saturating_sub(1));
        let bands = bands(diagram, y);
        let signs = bands.iter().filter_map(|band| sign(diagram, *band, lifelines[band.peer]));
        let arrows = diagram.arrows.iter().enumerate();
        let arrows = arrows.filter_map(|(at, arrow)| line(at, arrow, &lifelines, y));
        Self {
            width: (left + across + MARGIN).max(LEGEND_WIDTH),
            height: bottom + 2 * ROW + LEGEND_ROWS * ROW,
            top: TOP - ROW / 2,
            bottom: bottom + ROW / 2,
            names: names.collect(),
            signs: signs.collect(),
            bands,
            arrows: arrows.collect(),
            rows,
            lifelines,
        }
    }
}

impl Label {
    /// A text cut to its place; what is cut is marked by `…`.
    fn new(text: &str, place: Place) -> Self {
        let room = usize::try_from(place.width * 10 / CHARACTER_TENTHS).unwrap_or(0).max(1);
        if columns(text) <= room {
            return Self { text: text.to_owned(), place };
        }
        let mut shown = String::new();
        for grapheme in text.graphemes(true) {
            if columns(&shown) + columns(grapheme) >= room {
                break;
            }
            shown.push_str(grapheme);
        }
        Self { text: format!("{}…", shown.trim_end()), place }
    }
}

fn line(at: usize, arrow: &Arrow, lifelines: &[i32], y: impl Fn(usize) -> i32) -> Option<Line> {
    let (from, to) = (lifelines[arrow.from], lifelines[arrow.to]);
    let direction = (to - from).signum();
    let (start, end) = match (&arrow.sent, &arrow.received) {
        (End::Step(sent), End::Step(received)) => {
            // A message to oneself, or one that arrives in its own row, needs no slope.
            ((from, y(*sent)), (to, y(*received)))
        }
        (End::Step(sent), _) => {
            let reach = match &arrow.received {
                End::Lost(_) => (to - from) / 2,
                End::Step(_) | End::Elsewhere | End::Unknown => direction * STUB,
            };
            ((from, y(*sent)), (from + reach, y(*sent) + ROW / 2))
        }
        (_, End::Step(received)) => {
            ((to - direction * STUB, y(*received) - ROW / 2), (to, y(*received)))
        }
        _ => return None,
    };
    let kind = match arrow.received {
        End::Step(_) => LineEnd::Arrow,
        End::Lost(_) => LineEnd::Cross,
        End::Elsewhere => LineEnd::Outside,
        End::Unknown => LineEnd::Open,
    };
    Some(Line { arrow: at, from: start, to: end, end: kind })
}

/// The bands of each peer, from the top to the bottom.
fn bands(diagram: &Diagram, y: impl Fn(usize) -> i32) -> Vec<Band> {
    let last = diagram.steps.len().saturating_sub(1);
    let (top, bottom) = (TOP - ROW / 2, y(last) + ROW / 2);
    let mut bands = Vec::new();
    for peer in 0..diagram.peers.len() {
        let (mut from, mut state) = (top, PeerState::default());
        let changes = diagram.changes.iter().filter(|change| change.peer == peer);
        for change in changes.filter(|change| change.before <= last) {
            let at = if change.before == 0 { top } else { y(change.before) - ROW / 2 };
            if at > from {
                bands.push(Band { peer, from, to: at, state });
            }
            (from, state) = (at, change.state);
        }
        bands.push(Band { peer, from, to: bottom, state });
    }
    bands
}

/// The state of a band in short: `L3` is a leader of term 3. The first one is beside the peer's
/// name if a text runs across where it begins; another one has no room there.
fn sign(diagram: &Diagram, band: Band, lifeline: i32) -> Option<(Band, Label)> {
    if band.state.presence == Presence::Away {
        return None;
    }
    let role = band.state.role.letter()?;
    let term = band.state.term.map_or_else(String::new, |term| term.to_string());
    let row = usize::try_from((band.from + ROW / 2 - TOP) / ROW).unwrap_or(0);
    let is_first = band.from == TOP - ROW / 2;
    let is_free = matches!(diagram.steps.get(row)?.place, StepPlace::Peer(_));
    // Beside the name it must not look like a part of it.
    let (y, gap) = if is_free { (band.from, 8) } else { (TOP - 2 * ROW, 14) };
    let place = Place { x: lifeline - SIGN - gap, y, width: SIGN, height: ROW };
    (is_first || is_free).then(|| (band, Label::new(&format!("{role}{term}"), place)))
}

/// The width of a text of so many columns.
fn text_width(columns: usize) -> i32 {
    (short(columns) * CHARACTER_TENTHS + 9) / 10
}

fn short(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The height of a row; texts are 11 points high.
pub(super) const ROW: i32 = 16;

/// Tenths of a point a character of that height takes, in the widest of the usual fonts.
const CHARACTER_TENTHS: i32 = 67;

/// The width of a peer's column: a sign, its lifeline, and texts of 28 characters.
const COLUMN: i32 = 240;

/// The width of a state in short.
const SIGN: i32 = 28;

const MARGIN: i32 = 12;
const GAP: i32 = 12;

/// The first row: names and the states at the start are above it.
const TOP: i32 = 56;

/// The length of a message whose other end is not drawn.
const STUB: i32 = 40;

/// The width of the explanation below.
const LEGEND_WIDTH: i32 = 770;

/// Rows of the explanation below.
pub(super) const LEGEND_ROWS: i32 = 2;
