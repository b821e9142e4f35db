//! Lines → a diagram.

use std::collections::HashMap;

use super::model::{
    Arrow, Change, Diagram, DiagramError, End, Outcome, PeerState, Presence, Role, Step, StepPlace,
};
use crate::class::Class;
use crate::level::Level;
use crate::line::{Event, Line};
use crate::meaning::message::{Message, MessageFate};
use crate::meaning::peer_state::state_updates;
use crate::meaning::rule_set::Rules;
use crate::meaning::state::{StateKey, StateUpdate};
use crate::style::theme::Palette;
use crate::text::safe_text;

/// Collects the lines of a diagram, in order.
#[derive(Debug, Default)]
pub struct DiagramBuilder {
    rules: Rules,
    diagram: Diagram,
    ids: HashMap<Vec<u8>, usize>,
    states: Vec<PeerState>,
    /// The last sending of each message.
    sent: HashMap<MessageKey, Sending>,
    /// Steps, drawn or not: beyond the limit they are only counted.
    count: usize,
    /// The last step, while further messages of the same kind are added to it.
    broadcast: Option<Broadcast>,
}

/// The fields of a message that are the same at all its lines.
type MessageKey = (Vec<u8>, usize, usize, Option<Vec<u8>>);

/// A message that was sent.
#[derive(Clone, Copy, Debug)]
enum Sending {
    /// Its arrow is drawn.
    Arrow(usize),
    /// It was sent at a line that is not drawn.
    Elsewhere,
}

/// A message that goes to several peers at once.
#[derive(Debug)]
struct Broadcast {
    peer: usize,
    time: String,
    kind: Vec<u8>,
    to: Vec<String>,
}

/// The lines that are drawn, or only count for the state and the ends of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drawn {
    Yes,
    No,
}

impl DiagramBuilder {
    /// A builder with rules of the user's own besides the built-in ones.
    #[must_use]
    pub fn with_rules(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// The same builder with the user's own colours for topics.
    #[must_use]
    pub fn with_palette(mut self, palette: Palette) -> Self {
        self.diagram.palette = palette;
        self
    }

    /// Adds a line to the diagram; one that is neither an event nor a result of a test is left out.
    pub fn draw(&mut self, line: &Line<'_>) {
        match line {
            Line::Event(event) => self.event(event, Drawn::Yes),
            Line::Header(_) => {}
            Line::Other(class, text) => self.result(*class, text),
        }
    }

    /// Takes a line into account that is not drawn: it may change a state or end a message.
    pub fn observe(&mut self, line: &Line<'_>) {
        match line {
            Line::Event(event) => self.event(event, Drawn::No),
            Line::Header(_) | Line::Other(..) => {}
        }
    }

    /// Sets the state of a peer at the beginning.
    #[cfg(feature = "view")]
    pub(crate) fn set_state(&mut self, peer: &[u8], role: Option<&str>, term: Option<u64>) {
        let peer = self.peer(peer);
        let role = role.map_or(Role::Other, |role| Role::of(role.as_bytes()));
        self.change(peer, PeerState { role, term, ..PeerState::default() });
    }

    /// The diagram.
    ///
    /// # Errors
    /// If there is nothing to draw, or too much.
    pub fn finish(self) -> Result<Diagram, DiagramError> {
        match self.count {
            0 => Err(DiagramError::Empty),
            1..=Diagram::STEPS_MAX => Ok(self.diagram.arranged(&self.ids)),
            _ => Err(DiagramError::TooMany(self.count)),
        }
    }

    fn event(&mut self, event: &Event<'_>, drawn: Drawn) {
        if &*event.peer == Event::NO_PEER {
            self.update_state(None, &event.text);
            if drawn == Drawn::Yes {
                self.step(StepPlace::Across, event);
            }
            return;
        }
        let peer = self.peer(&event.peer);
        self.update_state(Some(peer), &event.text);
        let rules = self.rules.clone();
        match (Message::of(event, &rules), drawn) {
            (Some(message), Drawn::Yes) => self.draw_message(peer, event, &message),
            (None, Drawn::Yes) => self.step(StepPlace::Peer(peer), event),
            (Some(message), Drawn::No) => self.end_of(&message, End::Elsewhere),
            (None, Drawn::No) => {}
        }
    }

    fn draw_message(&mut self, peer: usize, event: &Event<'_>, message: &Message<'_>) {
        if !self.joins_broadcast(peer, event, message) {
            self.step(StepPlace::Peer(peer), event);
            if message.fate == MessageFate::Sent {
                let time = time_of(event);
                let to = vec![safe_text(message.to)];
                self.broadcast = Some(Broadcast { peer, time, kind: message.kind.to_vec(), to });
            }
        }
        let at = End::Step(self.diagram.steps.len().saturating_sub(1));
        self.end_of(message, at);
    }

    /// Adds a message to the step of the one before it, which goes to another peer and is the same
    /// otherwise: a row for each would only be long.
    fn joins_broadcast(&mut self, peer: usize, event: &Event<'_>, message: &Message<'_>) -> bool {
        let Some(broadcast) = &mut self.broadcast else { return false };
        let to = safe_text(message.to);
        let is_same = message.fate == MessageFate::Sent
            && (broadcast.peer, &*broadcast.kind) == (peer, message.kind)
            && broadcast.time == time_of(event)
            && !broadcast.to.contains(&to);
        let Some(step) = self.diagram.steps.last_mut().filter(|_| is_same) else { return false };
        broadcast.to.push(to);
        step.text = format!("{} → {}", safe_text(message.kind), broadcast.to.join(" "));
        step.whole = format!("{}\n{}", step.whole, safe_text(&event.text));
        true
    }

    fn step(&mut self, place: StepPlace, event: &Event<'_>) {
        self.push(Step {
            place,
            time: time_of(event),
            // Warnings and errors have the colour of their level.
            topic: match event.level.filter(|level| *level >= Level::Warn) {
                Some(level) => level.name().as_bytes().to_vec(),
                None => event.topic.to_vec(),
            },
            text: safe_text(self.rules.dialects().sentence(first_line(event.split_text().0))),
            whole: safe_text(&event.text),
        });
    }

    fn result(&mut self, class: Class, text: &[u8]) {
        let outcome = match class {
            Class::Blank | Class::Plain | Class::Lead => return,
            Class::Test => Outcome::Neutral,
            Class::Passed => Outcome::Good,
            Class::Failed | Class::Panic | Class::Race => Outcome::Bad,
        };
        let whole = safe_text(text);
        let text = whole.trim().to_owned();
        let place = StepPlace::Result(outcome);
        self.push(Step { place, time: String::new(), topic: Vec::new(), text, whole });
    }

    fn push(&mut self, step: Step) {
        self.count += 1;
        self.broadcast = None;
        if self.count <= Diagram::STEPS_MAX {
            self.diagram.steps.push(step);
        }
    }

    /// Takes over what a line says of its own peer, if it has one, and of others.
    fn update_state(&mut self, peer: Option<usize>, text: &[u8]) {
        let mut state = peer.map(|peer| self.states[peer]).unwrap_or_default();
        let mut others = Vec::new();
        state_updates(text, &self.rules, |update| match update {
            StateUpdate::Restart => state = PeerState::default(),
            StateUpdate::Set(StateKey::Role, role) => state.role = Role::of(&role),
            StateUpdate::Set(StateKey::Term, term) => {
                state.term = std::str::from_utf8(&term).ok().and_then(|term| term.parse().ok());
            }
            StateUpdate::Increment(StateKey::Term) => {
                state.term = Some(state.term.unwrap_or(0).saturating_add(1));
            }
            StateUpdate::Status(of, status) => {
                let presence = if status.is_some() { Presence::Away } else { Presence::Present };
                match of {
                    Some(of) => others.push((of, presence)),
                    None => state.presence = presence,
                }
            }
            StateUpdate::Set(..) | StateUpdate::Increment(_) => {}
        });
        if let Some(peer) = peer.filter(|peer| state != self.states[*peer]) {
            self.change(peer, state);
        }
        for (of, presence) in others {
            let peer = self.peer(&of);
            self.change(peer, PeerState { presence, ..self.states[peer] });
        }
    }

    fn change(&mut self, peer: usize, state: PeerState) {
        self.states[peer] = state;
        self.diagram.changes.push(Change { before: self.diagram.steps.len(), peer, state });
    }

    /// Takes one end of a message into account.
    fn end_of(&mut self, message: &Message<'_>, at: End) {
        let (from, to) = (self.peer(message.from), self.peer(message.to));
        let key = (message.kind.to_vec(), from, to, message.id.map(<[u8]>::to_vec));
        match message.fate {
            MessageFate::Sent => {
                let sending = match at {
                    End::Step(_) => {
                        self.arrow(message, (from, to), (at, End::Unknown));
                        Sending::Arrow(self.diagram.arrows.len() - 1)
                    }
                    End::Elsewhere | End::Unknown | End::Lost(_) => Sending::Elsewhere,
                };
                self.sent.insert(key, sending);
            }
            MessageFate::Received => self.received(message, &key, at),
            MessageFate::Lost(why) => {
                if let Some(Sending::Arrow(arrow)) = self.sent.get(&key) {
                    self.diagram.arrows[*arrow].received = End::Lost(safe_text(why));
                }
            }
            MessageFate::Answered => self.answered(message, &key, at),
        }
    }

    fn received(&mut self, message: &Message<'_>, key: &MessageKey, at: End) {
        match self.sent.get(key) {
            Some(Sending::Arrow(arrow)) => {
                let arrow = &mut self.diagram.arrows[*arrow];
                // A copy that arrives later changes nothing.
                if matches!(arrow.received, End::Unknown | End::Lost(_)) {
                    arrow.received = at;
                }
            }
            sending @ (Some(Sending::Elsewhere) | None) => {
                let sent = if sending.is_some() { End::Elsewhere } else { End::Unknown };
                if matches!(at, End::Step(_)) {
                    self.arrow(message, (key.1, key.2), (sent, at));
                }
            }
        }
    }

    /// An answer is sent where its request was received.
    fn answered(&mut self, message: &Message<'_>, key: &MessageKey, at: End) {
        if let (Some(Sending::Arrow(arrow)), End::Step(_)) = (self.sent.get(key), &at)
            && let End::Step(received) = self.diagram.arrows[*arrow].received
        {
            self.arrow(message, (key.2, key.1), (End::Step(received), at));
            if let Some(answer) = self.diagram.arrows.last_mut() {
                answer.is_answer = true;
            }
        }
    }

    fn arrow(&mut self, message: &Message<'_>, (from, to): (usize, usize), ends: (End, End)) {
        let (sent, received) = ends;
        let kind = safe_text(message.kind);
        self.diagram.arrows.push(Arrow { kind, from, to, sent, received, is_answer: false });
    }

    fn peer(&mut self, name: &[u8]) -> usize {
        if let Some(peer) = self.ids.get(name) {
            return *peer;
        }
        let peer = self.states.len();
        self.ids.insert(name.to_vec(), peer);
        self.states.push(PeerState::default());
        peer
    }
}

fn time_of(event: &Event<'_>) -> String {
    event.stamp.as_ref().map(|stamp| safe_text(&stamp.text)).unwrap_or_default()
}

/// The text before a stack trace.
fn first_line(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == b'\n').next().unwrap_or_default()
}
