//! The parts of a diagram: steps, messages and states.

use std::collections::HashMap;

use crate::meaning::state;
use crate::meaning::words::role_of;
use crate::style::theme::Palette;
use crate::text::safe_text;

/// A part of a log, ready to be drawn.
///
/// ```
/// use pretty::{Diagram, DiagramBuilder, Line, Parser};
///
/// let log = "\
/// 1.0 | RPC | 0 | sends RequestVote term=1 to=1 id=0.1
/// 2.0 | RPC | 1 | receives RequestVote from=0 id=0.1
/// 2.1 | VOTE | 1 | grants vote to 0 term=1";
/// let mut parser = Parser::default();
/// let mut builder = DiagramBuilder::default();
/// log.lines().for_each(|line| builder.draw(&parser.parse(line.as_bytes())));
/// let svg = builder.finish()?.svg("an election");
/// assert!(svg.starts_with("<svg") && svg.contains("grants vote to 0"));
/// # Ok::<(), pretty::DiagramError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// The names of the peers, in the order of their columns.
    pub(super) peers: Vec<String>,
    pub(super) steps: Vec<Step>,
    pub(super) arrows: Vec<Arrow>,
    /// The states of the peers: before which step each begins.
    pub(super) changes: Vec<Change>,
    /// The user's own colours of topics.
    pub(super) palette: Palette,
}

/// A row of the diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) place: StepPlace,
    pub(super) time: String,
    pub(super) topic: Vec<u8>,
    /// The text as it is shown, and whole.
    pub(super) text: String,
    pub(super) whole: String,
}

/// The place of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepPlace {
    /// On the lifeline of a peer.
    Peer(usize),
    /// Across all of them: an act of the tester.
    Across,
    /// Across all of them: the result of a test.
    Result(Outcome),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Neutral,
    Good,
    Bad,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrow {
    pub(super) kind: String,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) sent: End,
    pub(super) received: End,
    pub(super) is_answer: bool,
}

/// One end of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At this step.
    Step(usize),
    /// At a line that is not drawn.
    Elsewhere,
    /// There is no line about it.
    Unknown,
    /// It was lost, for this reason.
    Lost(String),
}

/// From a step on a peer has this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) before: usize,
    pub(super) peer: usize,
    pub(super) state: PeerState,
}

/// The state of a peer, as far as it is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PeerState {
    pub(super) role: Role,
    pub(super) term: Option<u64>,
    pub(super) presence: Presence,
}

/// The part a peer takes in the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Presence {
    #[default]
    Present,
    /// It is down, or cut off.
    Away,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    /// Not known, or none that is drawn.
    #[default]
    Other,
    Follower,
    Candidate,
    Leader,
}

impl Role {
    /// Its first letter.
    pub(super) const fn letter(self) -> Option<char> {
        match self {
            Self::Other => None,
            Self::Follower => Some('F'),
            Self::Candidate => Some('C'),
            Self::Leader => Some('L'),
        }
    }

    /// The role in any program's word.
    pub(crate) fn of(name: &[u8]) -> Self {
        match role_of(name) {
            Some(state::Role::Leader) => Self::Leader,
            Some(state::Role::Candidate | state::Role::PreCandidate) => Self::Candidate,
            Some(state::Role::Follower | state::Role::Learner) => Self::Follower,
            None => Self::Other,
        }
    }

    /// Its name; none for one that is not drawn.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Other => "",
            Self::Follower => "follower",
            Self::Candidate => "candidate",
            Self::Leader => "leader",
        }
    }
}

/// Errors of a diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiagramError {
    /// A picture of so many could not be read.
    #[error("{0} events; a diagram has at most {max}", max = Diagram::STEPS_MAX)]
    TooMany(usize),
    /// Nothing to draw.
    #[error("no events to draw")]
    Empty,
}

impl Diagram {
    /// The most steps a diagram has: as many as can be looked at.
    pub const STEPS_MAX: usize = 400;

    /// Tells whether it has messages, and is more than a list.
    #[must_use]
    pub fn has_messages(&self) -> bool {
        !self.arrows.is_empty()
    }

    /// The same with the peers in natural order, and only those that have a part in it.
    pub(super) fn arranged(mut self, ids: &HashMap<Vec<u8>, usize>) -> Self {
        let on_lifeline = self.steps.iter().filter_map(|step| match step.place {
            StepPlace::Peer(peer) => Some(peer),
            StepPlace::Across | StepPlace::Result(_) => None,
        });
        let ends = self.arrows.iter().flat_map(|arrow| [arrow.from, arrow.to]);
        let used: Vec<_> = on_lifeline.chain(ends).collect();
        let mut names: Vec<_> = ids.iter().filter(|(_, peer)| used.contains(peer)).collect();
        names.sort_by(|(a, _), (b, _)| crate::peer::natural(a, b));
        self.peers = names.iter().map(|(name, _)| safe_text(name)).collect();
        let order: Vec<_> = names.into_iter().map(|(_, peer)| *peer).collect();
        let place = |peer: usize| order.iter().position(|own| *own == peer);
        for step in &mut self.steps {
            if let StepPlace::Peer(peer) = &mut step.place {
                *peer = place(*peer).unwrap_or(0);
            }
        }
        for arrow in &mut self.arrows {
            (arrow.from, arrow.to) = (place(arrow.from).unwrap_or(0), place(arrow.to).unwrap_or(0));
        }
        let changes = self.changes.iter();
        let changes = changes.filter_map(|own| Some(Change { peer: place(own.peer)?, ..*own }));
        self.changes = changes.collect();
        self
    }
}
