//! Causes: which lines of a log could have influenced another, and which ones led to it.
//!
//! A line follows from the lines of its own peer before it, and a received message from its
//! sending: Lamport's *happened before* (CACM 21(7), 1978), with the log's order as each peer's
//! own. An action of the tester (peer `-`) may affect any peer, and its findings follow from all it
//! can see, which is everything; an action of a client affects the peer named by `to=`.
//!
//! Nothing here depends on a screen.

use std::collections::{HashMap, VecDeque};

use crate::line::Event;
use crate::meaning::message::{Message, MessageFate};
use crate::meaning::peer_state::{Trigger, state_updates};
use crate::meaning::rule_set::Rules;
use crate::meaning::state::{StateKey, StateUpdate};

/// The order of cause and effect among the events of a log.
///
/// ```
/// use pretty::{Line, Parser, view::Causes};
/// let log = "\
/// 1.0 | TIMR | 0 | election timeout term=1
/// 1.1 | RPC | 0 | sends RequestVote term=1 to=1 id=0.1
/// 1.2 | TIMR | 2 | election timeout term=1
/// 2.0 | RPC | 1 | receives RequestVote term=0 from=0 id=0.1
/// 2.1 | VOTE | 1 | grants vote to 0 term=1";
/// let mut parser = Parser::default();
/// let mut causes = Causes::default();
/// for (number, line) in log.lines().enumerate() {
///     if let Line::Event(event) = parser.parse(line.as_bytes()) {
///         causes.add(number, &event);
///     }
/// }
/// assert_eq!(causes.causal_past(4), [0, 1, 3, 4]);
/// assert_eq!(causes.nearest_cause(3), Some(1));
/// ```
#[derive(Debug, Default)]
pub struct Causes {
    /// Invariant: in the order of lines, and every index kept in one is smaller than its own.
    steps: Vec<Step>,
    peers: HashMap<Box<[u8]>, Peer>,
    /// The last event of each peer, by its number.
    last: Vec<Option<u32>>,
    /// The sendings of messages that may still arrive.
    sent: HashMap<MessageKey, u32>,
    rules: Rules,
    /// The role, term and vote of each peer.
    state: HashMap<(Peer, StateKey), Box<[u8]>>,
}

/// One event.
#[derive(Clone, Copy, Debug)]
struct Step {
    line: u32,
    peer: Peer,
    /// The event of the same peer before it.
    before: Option<u32>,
    kind: StepKind,
}

/// A peer, by the order of appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Peer(u16);

/// The fields of a message that are the same at all its lines.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct MessageKey {
    kind: Box<[u8]>,
    from: Box<[u8]>,
    to: Box<[u8]>,
    id: Option<Box<[u8]>>,
}

impl MessageKey {
    fn of(message: &Message<'_>) -> Self {
        let Message { kind, from, to, id, .. } = *message;
        Self { kind: kind.into(), from: from.into(), to: to.into(), id: id.map(Into::into) }
    }
}

/// The role of an event for those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepKind {
    /// A consequence of what the peer knew.
    Local,
    /// The peer's role, term or vote changes.
    StateChange,
    /// A timer ran out: nothing else is needed to explain it.
    Timer,
    /// A message was received; with the event of its sending, if there is a line of it.
    Received(Option<u32>),
    /// The tester or a client acts on the peer.
    External,
}

impl Causes {
    /// No events yet; rules of the user's own apply besides the built-in ones.
    #[must_use]
    pub fn with_rules(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Adds an event; lines come in order.
    pub fn add(&mut self, line: usize, event: &Event<'_>) {
        let own = self.peer(&event.peer);
        // An answer without a message of its own is recognised by its sentence.
        let message =
            Message::of(event, &self.rules).filter(|own| own.fate != MessageFate::Answered);
        let (peer, kind) = match message {
            Some(message) => (own, self.message(&message)),
            None => self.without_message(own, event),
        };
        let number = short(self.steps.len());
        let before = self.last[usize::from(peer.0)].replace(number);
        self.steps.push(Step { line: short(line), peer, before, kind });
    }

    /// The peer and the kind of an event without a message.
    fn without_message(&mut self, own: Peer, event: &Event<'_>) -> (Peer, StepKind) {
        let changes = self.changes(own, &event.text);
        match Trigger::of(event, &self.rules) {
            Trigger::Timer => (own, StepKind::Timer),
            Trigger::Response(from) => (own, StepKind::Received(self.last_of(from))),
            Trigger::Client(to) => (self.peer(to), StepKind::External),
            Trigger::Own if changes => (own, StepKind::StateChange),
            Trigger::Own => (own, StepKind::Local),
        }
    }

    /// The lines that could have influenced a line, itself the last: nothing else can have. Of a
    /// line that is not an event, those of the last event before it.
    #[must_use]
    pub fn causal_past(&self, line: usize) -> Vec<usize> {
        let Some(last) = self.at_or_before(line) else { return Vec::new() };
        let mut known = vec![self.is_tester(self.steps[last].peer); self.last.len()];
        let mut wanted = vec![false; last + 1];
        wanted[last] = true;
        let mut lines = Vec::new();
        for at in (0..=last).rev() {
            let step = self.steps[at];
            let peer = usize::from(step.peer.0);
            if !(wanted[at] || known[peer] || self.is_tester(step.peer)) {
                continue;
            }
            known[peer] = true;
            if let StepKind::Received(Some(sent)) = step.kind {
                wanted[sent as usize] = true;
            }
            lines.push(step.line as usize);
        }
        lines.reverse();
        lines
    }

    /// The direct causes of a line, itself the last, up to about this number of lines.
    ///
    /// Of each peer on the way: what it did at once after the message that made it act, that
    /// message's sending, and the last change of its role, term or vote; nearest causes first.
    #[must_use]
    pub fn direct_causes(&self, line: usize, about: usize) -> Vec<usize> {
        let Some(last) = self.at_or_before(line) else { return Vec::new() };
        let mut taken = vec![false; last + 1];
        let mut count = 0;
        let mut waiting = VecDeque::from([last]);
        if self.is_tester(self.steps[last].peer) {
            waiting.extend(self.last_of_each_peer(last));
        }
        while let Some(at) = waiting.pop_front().filter(|_| count < about) {
            let trigger = self.trigger(at);
            let steps =
                std::iter::once(at).chain(self.before(at)).take_while(|here| *here > trigger);
            let is_taken = taken[trigger];
            for here in steps.take(STEPS_MAX).chain([trigger]) {
                count += usize::from(!std::mem::replace(&mut taken[here], true));
            }
            // The causes of an event that was taken before have been followed.
            if let (false, StepKind::Received(sent)) = (is_taken, self.steps[trigger].kind) {
                waiting.extend(sent.map(|sent| sent as usize));
                waiting.extend(self.state_change_before(trigger));
            }
        }
        let taken = taken.iter().enumerate().filter(|(_, taken)| **taken);
        taken.map(|(at, _)| self.steps[at].line as usize).collect()
    }

    /// The line that is the nearest cause of a line: where a received message was sent; else the
    /// last message, timer or change of role, term or vote of the same peer before it.
    #[must_use]
    pub fn nearest_cause(&self, line: usize) -> Option<usize> {
        let at = self.at_or_before(line)?;
        let step = self.steps[at];
        let cause = match step.kind {
            _ if (step.line as usize) < line => at,
            _ if self.is_tester(step.peer) => self.last_of_each_peer(at).into_iter().next()?,
            StepKind::Received(Some(sent)) => sent as usize,
            StepKind::Received(None)
            | StepKind::Local
            | StepKind::StateChange
            | StepKind::Timer
            | StepKind::External => {
                self.before(at).find(|before| self.steps[*before].kind != StepKind::Local)?
            }
        };
        Some(self.steps[cause].line as usize)
    }

    /// The message or timer that made a peer act; where none did, its first event.
    fn trigger(&self, at: usize) -> usize {
        let is_one =
            |at: &usize| matches!(self.steps[*at].kind, StepKind::Received(_) | StepKind::Timer);
        let mut all = std::iter::once(at).chain(self.before(at));
        let mut last = at;
        all.by_ref().inspect(|at| last = *at).find(is_one).unwrap_or(last)
    }

    /// The last event of each peer before one of the tester's, the latest first.
    fn last_of_each_peer(&self, at: usize) -> Vec<usize> {
        let mut seen = vec![false; self.last.len()];
        let is_last = |at: &usize| {
            let peer = self.steps[*at].peer;
            !self.is_tester(peer) && !std::mem::replace(&mut seen[usize::from(peer.0)], true)
        };
        (0..at).rev().filter(is_last).collect()
    }

    fn state_change_before(&self, at: usize) -> Option<usize> {
        self.before(at).find(|before| self.steps[*before].kind == StepKind::StateChange)
    }

    /// The events of the same peer before one, the nearest first.
    fn before(&self, at: usize) -> impl Iterator<Item = usize> {
        let before = |at: &usize| self.steps[*at].before.map(|before| before as usize);
        std::iter::successors(before(&at), before)
    }

    fn at_or_before(&self, line: usize) -> Option<usize> {
        self.steps.partition_point(|step| step.line as usize <= line).checked_sub(1)
    }

    fn is_tester(&self, peer: Peer) -> bool {
        self.peers.get(Event::NO_PEER) == Some(&peer)
    }

    fn peer(&mut self, name: &[u8]) -> Peer {
        if let Some(peer) = self.peers.get(name) {
            return *peer;
        }
        // More peers than numbers share the last one: their past is shown too large, not too small.
        let peer = Peer(u16::try_from(self.peers.len()).unwrap_or(u16::MAX));
        self.peers.insert(name.into(), peer);
        self.last.resize(self.last.len().max(usize::from(peer.0) + 1), None);
        peer
    }

    /// The last event of a peer so far.
    fn last_of(&mut self, name: &[u8]) -> Option<u32> {
        let peer = self.peer(name);
        self.last[usize::from(peer.0)]
    }

    fn message(&mut self, message: &Message<'_>) -> StepKind {
        match message.fate {
            MessageFate::Sent => {
                self.sent.insert(MessageKey::of(message), short(self.steps.len()));
                StepKind::Local
            }
            MessageFate::Received => {
                let sent = self.sent.get(&MessageKey::of(message)).copied();
                // A sending that is not logged was somewhere among the events of its peer so far.
                StepKind::Received(sent.or_else(|| self.last_of(message.from)))
            }
            MessageFate::Lost(_) | MessageFate::Answered => StepKind::Local,
        }
    }

    fn changes(&mut self, peer: Peer, text: &[u8]) -> bool {
        let mut changes = false;
        let state = &mut self.state;
        state_updates(text, &self.rules, |update| {
            changes |= match update {
                StateUpdate::Restart => true,
                StateUpdate::Increment(key) => key.is_role_term_or_vote(),
                StateUpdate::Set(key, value) if key.is_role_term_or_vote() => {
                    let before = state.insert((peer, key), value.as_ref().into());
                    before.is_none_or(|before| *before != *value)
                }
                StateUpdate::Set(..) | StateUpdate::Status(..) => false,
            };
        });
        changes
    }
}

fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The events of one step that are kept: an isolated leader may go on for hours.
const STEPS_MAX: usize = 12;

#[cfg(test)]
mod tests;
