//! The history of a log: the state of each peer line by line, terms, leaders, errors, anomalies.
//!
//! ```text
//! Chunk: line → HistoryEvent (on any thread) → History::add (in order) → state at a line, marks
//! ```
//!
//! Only changes are kept, so that the state at any line is found by binary search. The rules know
//! the few values of Raft the keys stand for; a log without them has no history and no marks.

mod anomaly;
pub(crate) mod event;
pub(crate) mod recorder;
pub(crate) mod selected_state;
pub(crate) mod values;

use std::collections::HashMap;

use crate::meaning::state::{Role, STATE_KEYS, StateKey};
use crate::meaning::words::role_of;
use crate::view::history::anomaly::Anomaly;
use crate::view::history::event::{HistoryChange, HistoryEvent};
use crate::view::history::values::{KnownValue, Since, Value, ValueTable};
use crate::view::log::ids::PeerId;

/// The history of a log. Invariant: every list is in the order of lines.
#[derive(Debug, Default)]
pub(crate) struct History {
    peers: Vec<[Vec<Change>; STATE_KEYS.len()]>,
    /// For each peer whether it is down or cut off, shown instead of its role.
    status: Vec<Vec<Change>>,
    values: ValueTable,
    /// The leader of each term of the current test.
    leader_of: HashMap<u64, PeerId>,
    highest_term: Option<u64>,
    terms: Vec<(u32, u64)>,
    leaders: Vec<(u32, PeerId)>,
    errors: Vec<u32>,
    tests: Vec<u32>,
    anomalies: Vec<(u32, Anomaly)>,
}

/// From a line on a value holds; [`Value::NONE`] ends it.
#[derive(Clone, Copy, Debug)]
struct Change {
    line: u32,
    value: Value,
}

impl History {
    /// Adds an event; lines come in order.
    pub(crate) fn add(&mut self, event: HistoryEvent) {
        let line = event.line;
        match event.change {
            HistoryChange::NewRun => {
                for peer in 0..self.peers.len() {
                    self.restart(line, peer);
                }
                self.new_test();
            }
            HistoryChange::NewTest => self.new_test(),
            HistoryChange::Test => self.tests.push(line),
            HistoryChange::Error => self.errors.push(line),
            HistoryChange::Restart(peer) => self.restart(line, usize::from(peer.0)),
            HistoryChange::Set(peer, key, value) => {
                let value = self.values.value(&value);
                self.set(line, peer, key, value);
            }
            HistoryChange::Increment(peer, key) => {
                let before = self.current(peer, key).and_then(Value::number).unwrap_or(0);
                let value = self.values.value((before + 1).to_string().as_bytes());
                self.set(line, peer, key, value);
            }
            HistoryChange::Status(peer, status) => {
                let value = status.map_or(Value::NONE, |status| self.values.value(&status));
                self.set_status(line, usize::from(peer.0), value);
            }
        }
    }

    fn set_status(&mut self, line: u32, peer: usize, value: Value) {
        if self.status.len() <= peer {
            self.status.resize_with(peer + 1, Vec::new);
        }
        self.status[peer].push(Change { line, value });
    }

    /// The values of a peer's keys at a line.
    pub(crate) fn state(
        &self,
        peer: PeerId,
        line: usize,
    ) -> [Option<KnownValue>; STATE_KEYS.len()] {
        let at = usize::from(peer.0);
        let mut state = match self.peers.get(at) {
            Some(own) => own.each_ref().map(|changes| self.known(changes, line)),
            None => Default::default(),
        };
        if let Some(status) = self.status.get(at).and_then(|changes| self.known(changes, line)) {
            state[StateKey::Role as usize] = Some(status);
        }
        state
    }

    /// The value that holds at a line.
    fn known(&self, changes: &[Change], line: usize) -> Option<KnownValue> {
        let after = changes.partition_point(|change| change.line as usize <= line);
        let last = changes[..after].last()?;
        let since = if last.line as usize == line { Since::Now } else { Since::Before };
        self.values.text(last.value).map(|text| KnownValue { text, since })
    }

    /// The lines at which a term starts that is higher than all before, and that term.
    pub(crate) fn terms(&self) -> &[(u32, u64)] {
        &self.terms
    }

    /// The lines at which a peer becomes leader.
    pub(crate) fn leaders(&self) -> &[(u32, PeerId)] {
        &self.leaders
    }

    /// Failures, panics and races.
    pub(crate) fn errors(&self) -> &[u32] {
        &self.errors
    }

    /// Lines of test runners.
    pub(crate) fn tests(&self) -> &[u32] {
        &self.tests
    }

    pub(crate) fn anomalies(&self) -> &[(u32, Anomaly)] {
        &self.anomalies
    }

    /// The anomaly at a line.
    pub(crate) fn anomaly(&self, line: usize) -> Option<Anomaly> {
        let at = self.anomalies.partition_point(|(anomaly, _)| (*anomaly as usize) < line);
        self.anomalies
            .get(at)
            .filter(|(anomaly, _)| *anomaly as usize == line)
            .map(|(_, anomaly)| *anomaly)
    }

    fn new_test(&mut self) {
        self.leader_of.clear();
        self.highest_term = None;
    }

    fn restart(&mut self, line: u32, peer: usize) {
        if self
            .status
            .get(peer)
            .and_then(|own| own.last())
            .is_some_and(|last| last.value != Value::NONE)
        {
            self.set_status(line, peer, Value::NONE);
        }
        for changes in self.peers.get_mut(peer).into_iter().flatten() {
            if changes.last().is_some_and(|last| last.value != Value::NONE) {
                changes.push(Change { line, value: Value::NONE });
            }
        }
    }

    fn current(&self, peer: PeerId, key: StateKey) -> Option<Value> {
        let changes = &self.peers.get(usize::from(peer.0))?[key as usize];
        changes.last().map(|change| change.value).filter(|value| *value != Value::NONE)
    }

    fn set(&mut self, line: u32, peer: PeerId, key: StateKey, value: Value) {
        let before = self.current(peer, key);
        if before == Some(value) {
            return;
        }
        let own = usize::from(peer.0);
        if self.peers.len() <= own {
            self.peers.resize_with(own + 1, Default::default);
        }
        self.peers[own][key as usize].push(Change { line, value });
        let number = |key| self.current(peer, key).and_then(Value::number);
        let anomaly = Anomaly::of_value(key, before.and_then(Value::number), number);
        self.anomalies.extend(anomaly.map(|anomaly| (line, anomaly)));
        match key {
            StateKey::Role => self.enter_role(line, peer),
            StateKey::Term => {
                // A new term has a vote of its own.
                if before.is_some() && self.current(peer, StateKey::Vote).is_some() {
                    self.peers[own][StateKey::Vote as usize]
                        .push(Change { line, value: Value::NONE });
                }
                self.enter_term(line, value);
            }
            StateKey::Vote | StateKey::Commit | StateKey::Applied | StateKey::Last => {}
        }
    }

    fn enter_term(&mut self, line: u32, term: Value) {
        if let Some(term) = term.number().filter(|term| *term > self.highest_term.unwrap_or(0)) {
            self.highest_term = Some(term);
            self.terms.push((line, term));
        }
    }

    /// A leader in a term: a second one is an anomaly. Only a new leader counts: one that enters a
    /// higher term may step down a line later.
    fn enter_role(&mut self, line: u32, peer: PeerId) {
        let role = self.current(peer, StateKey::Role).and_then(|role| self.values.text(role));
        let term = self.current(peer, StateKey::Term).and_then(Value::number);
        let (Some(term), true) =
            (term, role.is_some_and(|role| role_of(role.as_bytes()) == Some(Role::Leader)))
        else {
            return;
        };
        match self.leader_of.insert(term, peer) {
            None => self.leaders.push((line, peer)),
            Some(other) if other != peer => {
                self.leaders.push((line, peer));
                self.anomalies.push((line, Anomaly::TwoLeaders));
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: PeerId = PeerId(1);
    const TWO: PeerId = PeerId(2);

    fn history(events: &[(PeerId, StateKey, &str)]) -> History {
        let mut history = History::default();
        for (line, (peer, key, value)) in events.iter().enumerate() {
            let change = HistoryChange::Set(*peer, *key, value.as_bytes().into());
            history.add(HistoryEvent { line: u32::try_from(line).expect("few"), change });
        }
        history
    }

    #[test]
    fn the_state_is_what_was_said_last() {
        let mut history = history(&[
            (ONE, StateKey::Term, "1"),
            (ONE, StateKey::Role, "follower"),
            (ONE, StateKey::Term, "4000000000"),
            (ONE, StateKey::Vote, "007"),
        ]);
        let known = |history: &History, line, key| history.state(ONE, line)[key as usize].clone();
        let term =
            |history: &History, line| known(history, line, StateKey::Term).map(|own| own.text);
        assert_eq!(term(&history, 0).as_deref(), Some("1"));
        assert_eq!(term(&history, 2).as_deref(), Some("4000000000"));
        let since = |line| known(&history, line, StateKey::Term).map(|own| own.since);
        assert_eq!([since(2), since(3)], [Some(Since::Now), Some(Since::Before)]);
        assert_eq!(known(&history, 9, StateKey::Vote).map(|own| own.text).as_deref(), Some("007"));
        assert_eq!(history.state(TWO, 9), [const { None }; STATE_KEYS.len()]);
        history.add(HistoryEvent { line: 10, change: HistoryChange::Restart(ONE) });
        assert_eq!(term(&history, 10), None);
        history
            .add(HistoryEvent { line: 11, change: HistoryChange::Increment(ONE, StateKey::Term) });
        assert_eq!(term(&history, 11).as_deref(), Some("1"));
        assert_eq!(history.anomalies(), []);
    }

    #[test]
    fn anomalies_are_found() {
        let found = history(&[
            (ONE, StateKey::Term, "2"),
            (ONE, StateKey::Role, "leader"),
            (TWO, StateKey::Term, "2"),
            (TWO, StateKey::Role, "Leader"),
            (ONE, StateKey::Commit, "5"),
            (ONE, StateKey::Applied, "5"),
            (ONE, StateKey::Applied, "6"),
            (ONE, StateKey::Commit, "4"),
            (ONE, StateKey::Role, "follower"),
            (ONE, StateKey::Term, "1"),
            (ONE, StateKey::Last, "7"),
            (ONE, StateKey::Last, "3"),
            (ONE, StateKey::Last, "4"),
            (TWO, StateKey::Commit, "5"),
            (TWO, StateKey::Last, "7"),
            (TWO, StateKey::Last, "4"),
        ]);
        let anomaly = [
            (3, Anomaly::TwoLeaders),
            (6, Anomaly::AppliedBeyondCommit),
            (7, Anomaly::CommitBack),
            (9, Anomaly::TermBack),
            (11, Anomaly::AppliedDeleted),
            (15, Anomaly::CommittedDeleted),
        ];
        assert_eq!(found.anomalies(), anomaly);
        assert_eq!(found.anomaly(7), Some(Anomaly::CommitBack));
        assert_eq!(found.anomaly(8), None);
        assert_eq!(found.leaders(), [(1, ONE), (3, TWO)]);
        assert_eq!(found.terms(), [(0, 2)]);
    }

    #[test]
    fn a_new_test_has_terms_of_its_own() {
        let mut history = history(&[(ONE, StateKey::Term, "2"), (ONE, StateKey::Role, "leader")]);
        history.add(HistoryEvent { line: 2, change: HistoryChange::NewRun });
        for (line, key, value) in [(3, StateKey::Term, "2"), (4, StateKey::Role, "leader")] {
            history.add(HistoryEvent {
                line,
                change: HistoryChange::Set(TWO, key, value.as_bytes().into()),
            });
        }
        assert_eq!(history.anomalies(), []);
        assert_eq!(history.state(ONE, 3)[StateKey::Role as usize], None);
        assert_eq!(history.leaders(), [(1, ONE), (4, TWO)]);
        assert_eq!(history.terms(), [(0, 2), (3, 2)]);
    }
}
