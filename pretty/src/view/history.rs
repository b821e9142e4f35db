//! What the peers have said of themselves, line by line, and what is odd about it.
//!
//! ```text
//! Chunk: line → HistoryEvent (on any thread) → History::add (in order) → state at a line, marks
//! ```
//!
//! Only changes are kept, so that the state at any line is found by halving. The rules know the
//! few values of Raft the keys stand for; a log without them has no history and no marks.

use std::collections::HashMap;

use super::names::PeerId;
use super::told::{KEYS, Key};

/// Something a line says that belongs into the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HistoryEvent {
    pub(super) line: u32,
    pub(super) change: HistoryChange,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HistoryChange {
    /// A new run: nothing said before holds.
    NewRun,
    /// A new test in the values of a test runner: its terms are new ones.
    NewTest,
    /// A line of a test runner.
    Test,
    /// A failure, panic or race.
    Error,
    Restart(PeerId),
    Set(PeerId, Key, Box<[u8]>),
    Increment(PeerId, Key),
}

impl HistoryEvent {
    /// The same event, with its line counted from the start of a store.
    pub(super) fn after(self, first: u32) -> Self {
        Self { line: first.saturating_add(self.line), ..self }
    }

    /// Numbers the peers as a store does.
    pub(super) fn rename(&mut self, peers: &[u16]) {
        match &mut self.change {
            HistoryChange::NewRun
            | HistoryChange::NewTest
            | HistoryChange::Test
            | HistoryChange::Error => {}
            HistoryChange::Restart(peer)
            | HistoryChange::Set(peer, ..)
            | HistoryChange::Increment(peer, _) => {
                *peer = PeerId(peers[usize::from(peer.0)]);
            }
        }
    }
}

/// What should never be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anomaly {
    TwoLeaders,
    TermBack,
    CommitBack,
    AppliedBeyondCommit,
    CommittedDeleted,
    AppliedDeleted,
}

impl Anomaly {
    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::TwoLeaders => "a second leader in its term",
            Self::TermBack => "the term goes back",
            Self::CommitBack => "the commit index goes back",
            Self::AppliedBeyondCommit => "applied beyond what is committed",
            Self::CommittedDeleted => "entries up to its commit index are deleted",
            Self::AppliedDeleted => "applied entries are deleted",
        }
    }
}

/// The history of a log. Invariant: every list is in the order of lines.
#[derive(Debug, Default)]
pub(super) struct History {
    peers: Vec<[Vec<Change>; KEYS.len()]>,
    values: ValueTable,
    /// Who leads each term of the test at hand.
    leader_of: HashMap<u64, PeerId>,
    highest_term: Option<u64>,
    terms: Vec<(u32, u64)>,
    leaders: Vec<(u32, PeerId)>,
    errors: Vec<u32>,
    tests: Vec<u32>,
    anomalies: Vec<(u32, Anomaly)>,
}

/// A value that holds at a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KnownValue {
    pub(super) text: String,
    pub(super) since: Since,
}

/// Since when a value holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// The line itself says so.
    Now,
    Before,
}

/// From a line on a value holds; [`Value::NONE`] ends it.
#[derive(Clone, Copy, Debug)]
struct Change {
    line: u32,
    value: Value,
}

impl History {
    /// Adds what a line says; lines come in order.
    pub(super) fn add(&mut self, event: HistoryEvent) {
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
        }
    }

    /// The values of a peer's keys at a line.
    pub(super) fn state(&self, peer: PeerId, line: usize) -> [Option<KnownValue>; KEYS.len()] {
        let Some(own) = self.peers.get(usize::from(peer.0)) else {
            return Default::default();
        };
        own.each_ref().map(|changes| {
            let after = changes.partition_point(|change| change.line as usize <= line);
            let last = changes[..after].last()?;
            let since = if last.line as usize == line { Since::Now } else { Since::Before };
            self.values.text(last.value).map(|text| KnownValue { text, since })
        })
    }

    /// Where a term starts that is higher than all before, and that term.
    pub(super) fn terms(&self) -> &[(u32, u64)] {
        &self.terms
    }

    /// Where a peer becomes leader.
    pub(super) fn leaders(&self) -> &[(u32, PeerId)] {
        &self.leaders
    }

    /// Failures, panics and races.
    pub(super) fn errors(&self) -> &[u32] {
        &self.errors
    }

    /// Lines of test runners.
    pub(super) fn tests(&self) -> &[u32] {
        &self.tests
    }

    pub(super) fn anomalies(&self) -> &[(u32, Anomaly)] {
        &self.anomalies
    }

    /// What is odd about a line.
    pub(super) fn anomaly(&self, line: usize) -> Option<Anomaly> {
        let at = self.anomalies.partition_point(|(odd, _)| (*odd as usize) < line);
        self.anomalies.get(at).filter(|(odd, _)| *odd as usize == line).map(|(_, odd)| *odd)
    }

    fn new_test(&mut self) {
        self.leader_of.clear();
        self.highest_term = None;
    }

    fn restart(&mut self, line: u32, peer: usize) {
        for changes in self.peers.get_mut(peer).into_iter().flatten() {
            if changes.last().is_some_and(|last| last.value != Value::NONE) {
                changes.push(Change { line, value: Value::NONE });
            }
        }
    }

    fn current(&self, peer: PeerId, key: Key) -> Option<Value> {
        let changes = &self.peers.get(usize::from(peer.0))?[key as usize];
        changes.last().map(|change| change.value).filter(|value| *value != Value::NONE)
    }

    fn set(&mut self, line: u32, peer: PeerId, key: Key, value: Value) {
        let before = self.current(peer, key);
        if before == Some(value) {
            return;
        }
        let own = usize::from(peer.0);
        if self.peers.len() <= own {
            self.peers.resize_with(own + 1, Default::default);
        }
        self.peers[own][key as usize].push(Change { line, value });
        match key {
            Key::Role => self.enter_role(line, peer),
            Key::Term => self.enter_term(line, before, value),
            Key::Commit => self.check_back(line, before, value, Anomaly::CommitBack),
            Key::Applied => self.check_applied(line, peer, value),
            Key::Last => self.check_last(line, peer, before, value),
            Key::Vote => {}
        }
    }

    fn enter_term(&mut self, line: u32, before: Option<Value>, term: Value) {
        self.check_back(line, before, term, Anomaly::TermBack);
        if let Some(term) = term.number().filter(|term| *term > self.highest_term.unwrap_or(0)) {
            self.highest_term = Some(term);
            self.terms.push((line, term));
        }
    }

    /// A leader in a term: a second one is odd. Only who says so anew counts: who enters a higher
    /// term may lay down the office a line later.
    fn enter_role(&mut self, line: u32, peer: PeerId) {
        let role = self.current(peer, Key::Role).and_then(|role| self.values.text(role));
        let term = self.current(peer, Key::Term).and_then(Value::number);
        let (Some(term), true) = (term, role.is_some_and(|role| is_leader(&role))) else {
            return;
        };
        match self.leader_of.insert(term, peer) {
            None => self.leaders.push((line, peer)),
            Some(other) if other != peer => {
                self.leaders.push((line, peer));
                self.record_anomaly(line, Anomaly::TwoLeaders);
            }
            Some(_) => {}
        }
    }

    fn check_back(&mut self, line: u32, before: Option<Value>, value: Value, odd: Anomaly) {
        let numbers = before.and_then(Value::number).zip(value.number());
        if numbers.is_some_and(|(before, now)| now < before) {
            self.record_anomaly(line, odd);
        }
    }

    fn check_applied(&mut self, line: u32, peer: PeerId, applied: Value) {
        let commit = self.current(peer, Key::Commit).and_then(Value::number);
        if commit.zip(applied.number()).is_some_and(|(commit, applied)| applied > commit) {
            self.record_anomaly(line, Anomaly::AppliedBeyondCommit);
        }
    }

    /// A log that becomes shorter must not lose what is committed, let alone applied.
    fn check_last(&mut self, line: u32, peer: PeerId, before: Option<Value>, last: Value) {
        let numbers = before.and_then(Value::number).zip(last.number());
        let Some((_, last)) = numbers.filter(|(before, last)| last < before) else {
            return;
        };
        let lost =
            |key| self.current(peer, key).and_then(Value::number).is_some_and(|own| last < own);
        if lost(Key::Applied) {
            self.record_anomaly(line, Anomaly::AppliedDeleted);
        } else if lost(Key::Commit) {
            self.record_anomaly(line, Anomaly::CommittedDeleted);
        }
    }

    fn record_anomaly(&mut self, line: u32, odd: Anomaly) {
        self.anomalies.push((line, odd));
    }
}

pub(super) fn is_leader(role: &str) -> bool {
    role.eq_ignore_ascii_case("leader")
}

/// A value in four bytes: a small number, or the place of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Value(u32);

impl Value {
    /// No value.
    const NONE: Self = Self(u32::MAX);
    /// Numbers are below, values from here on.
    const WORDS: u32 = 1 << 31;

    fn number(self) -> Option<u64> {
        (self.0 < Self::WORDS).then_some(u64::from(self.0))
    }
}

/// All values that are no small numbers.
#[derive(Debug, Default)]
struct ValueTable {
    ids: HashMap<Box<[u8]>, u32>,
    texts: Vec<String>,
}

impl ValueTable {
    fn value(&mut self, text: &[u8]) -> Value {
        let digits = (text == b"0" || text.first() != Some(&b'0')) && text.is_ascii();
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u32>().ok());
        if let Some(number) = number.filter(|number| digits && *number < Value::WORDS) {
            return Value(number);
        }
        if let Some(id) = self.ids.get(text) {
            return Value(Value::WORDS + id);
        }
        let id = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        if id >= Value::WORDS - 1 {
            return Value::NONE;
        }
        let safe = crate::text::make_safe(text, &mut String::new()).text().to_owned();
        self.texts.push(safe);
        self.ids.insert(text.into(), id);
        Value(Value::WORDS + id)
    }

    fn text(&self, value: Value) -> Option<String> {
        match value.number() {
            Some(number) => Some(number.to_string()),
            None => self.texts.get((value.0 - Value::WORDS) as usize).cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: PeerId = PeerId(1);
    const TWO: PeerId = PeerId(2);

    fn history(events: &[(PeerId, Key, &str)]) -> History {
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
            (ONE, Key::Term, "1"),
            (ONE, Key::Role, "follower"),
            (ONE, Key::Term, "4000000000"),
            (ONE, Key::Vote, "007"),
        ]);
        let known = |history: &History, line, key| history.state(ONE, line)[key as usize].clone();
        let term = |history: &History, line| known(history, line, Key::Term).map(|own| own.text);
        assert_eq!(term(&history, 0).as_deref(), Some("1"));
        assert_eq!(term(&history, 2).as_deref(), Some("4000000000"));
        let since = |line| known(&history, line, Key::Term).map(|own| own.since);
        assert_eq!([since(2), since(3)], [Some(Since::Now), Some(Since::Before)]);
        assert_eq!(known(&history, 9, Key::Vote).map(|own| own.text).as_deref(), Some("007"));
        assert_eq!(history.state(TWO, 9), [const { None }; KEYS.len()]);
        history.add(HistoryEvent { line: 10, change: HistoryChange::Restart(ONE) });
        assert_eq!(term(&history, 10), None);
        history.add(HistoryEvent { line: 11, change: HistoryChange::Increment(ONE, Key::Term) });
        assert_eq!(term(&history, 11).as_deref(), Some("1"));
        assert_eq!(history.anomalies(), []);
    }

    #[test]
    fn what_should_never_be_is_found() {
        let found = history(&[
            (ONE, Key::Term, "2"),
            (ONE, Key::Role, "leader"),
            (TWO, Key::Term, "2"),
            (TWO, Key::Role, "Leader"),
            (ONE, Key::Commit, "5"),
            (ONE, Key::Applied, "5"),
            (ONE, Key::Applied, "6"),
            (ONE, Key::Commit, "4"),
            (ONE, Key::Role, "follower"),
            (ONE, Key::Term, "1"),
            (ONE, Key::Last, "7"),
            (ONE, Key::Last, "3"),
            (ONE, Key::Last, "4"),
            (TWO, Key::Commit, "5"),
            (TWO, Key::Last, "7"),
            (TWO, Key::Last, "4"),
        ]);
        let odd = [
            (3, Anomaly::TwoLeaders),
            (6, Anomaly::AppliedBeyondCommit),
            (7, Anomaly::CommitBack),
            (9, Anomaly::TermBack),
            (11, Anomaly::AppliedDeleted),
            (15, Anomaly::CommittedDeleted),
        ];
        assert_eq!(found.anomalies(), odd);
        assert_eq!(found.anomaly(7), Some(Anomaly::CommitBack));
        assert_eq!(found.anomaly(8), None);
        assert_eq!(found.leaders(), [(1, ONE), (3, TWO)]);
        assert_eq!(found.terms(), [(0, 2)]);
    }

    #[test]
    fn a_new_test_has_terms_of_its_own() {
        let mut history = history(&[(ONE, Key::Term, "2"), (ONE, Key::Role, "leader")]);
        history.add(HistoryEvent { line: 2, change: HistoryChange::NewRun });
        for (line, key, value) in [(3, Key::Term, "2"), (4, Key::Role, "leader")] {
            history.add(HistoryEvent {
                line,
                change: HistoryChange::Set(TWO, key, value.as_bytes().into()),
            });
        }
        assert_eq!(history.anomalies(), []);
        assert_eq!(history.state(ONE, 3)[Key::Role as usize], None);
        assert_eq!(history.leaders(), [(1, ONE), (4, TWO)]);
        assert_eq!(history.terms(), [(0, 2), (3, 2)]);
    }
}
