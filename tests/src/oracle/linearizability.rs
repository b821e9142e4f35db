//! Linearizability: whether a history of concurrent calls has an order in which each takes effect
//! between its call and its return (Herlihy and Wing 1990).
//!
//! The search is Wing and Gong's with Lowe's memory of what was tried, as in Knossos and porcupine:
//! linear in the length of a history, exponential in how many calls overlap. It is bounded by a
//! count of steps, never by time, so that the answer depends on the history alone. Histories of
//! different keys are checked apart, which is sound because linearizability is local.

use std::collections::BTreeSet;

/// An object whose calls are checked.
pub trait Model {
    /// Its state.
    type State: Clone + Ord;
    /// A call with its result, if it has one.
    type Call;

    /// The state before all calls.
    fn start(&self) -> Self::State;

    /// The state after a call; `None` if the call cannot have this result in this state. A call
    /// without a result is possible in every state.
    fn after(&self, state: &Self::State, call: &Self::Call) -> Option<Self::State>;
}

/// A call and when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed<C> {
    /// The call.
    pub call: C,
    /// Time of the call.
    pub called: u64,
    /// Time of the result. Without one, the call may take effect at any later time, or never.
    pub returned: Option<u64>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The calls can be put in an order.
    Linearizable,
    /// They cannot. The longest order that was found names calls by their places in the history;
    /// the next call to return cannot follow it.
    Illegal {
        /// The calls that can be put in an order.
        longest: Vec<usize>,
    },
    /// The search was abandoned.
    Unknown,
}

/// Checks a history of one object. Calls of equal times count as overlapping.
pub fn check<M: Model>(model: &M, history: &[Timed<M::Call>], steps_max: u64) -> Answer {
    Search::new(model, history).run(steps_max)
}

struct Search<'a, M: Model> {
    model: &'a M,
    history: &'a [Timed<M::Call>],
    entries: Entries,
    state: M::State,
    /// Calls put in order so far, each with the state before it.
    order: Vec<(usize, M::State)>,
    done: Vec<u64>,
    /// Number of leading words of `done` in which every call is.
    full: usize,
    /// Sets of calls, as that number and the words after them, each with the state it led to.
    tried: BTreeSet<(usize, Vec<u64>, M::State)>,
    /// The longest order at the last step back.
    longest: Vec<usize>,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(model: &'a M, history: &'a [Timed<M::Call>]) -> Self {
        Self {
            model,
            history,
            entries: Entries::new(history),
            state: model.start(),
            order: Vec::new(),
            done: vec![0; history.len().div_ceil(64)],
            full: 0,
            tried: BTreeSet::new(),
            longest: Vec::new(),
        }
    }

    fn run(mut self, steps_max: u64) -> Answer {
        let mut entry = self.entries.first();
        for _ in 0..steps_max {
            if self.entries.returns_left == 0 {
                return Answer::Linearizable;
            }
            entry = match self.entries.kind(entry) {
                Kind::Call(call) if self.put_next(call) => self.entries.first(),
                Kind::Call(_) => self.entries.after(entry),
                Kind::Return(_) | Kind::End => match self.take_back() {
                    Some(call) => self.entries.after(self.entries.call_of(call)),
                    None => return Answer::Illegal { longest: self.longest },
                },
            };
        }
        Answer::Unknown
    }

    /// Puts a call next in the order, unless it cannot come next or that was tried before.
    fn put_next(&mut self, call: usize) -> bool {
        let Some(after) = self.model.after(&self.state, &self.history[call].call) else {
            return false;
        };
        self.mark(call);
        let used = self.done.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
        let words = self.done[self.full.min(used)..used].to_vec();
        if !self.tried.insert((self.full, words, after.clone())) {
            self.unmark(call);
            return false;
        }
        let before = std::mem::replace(&mut self.state, after);
        self.order.push((call, before));
        self.entries.lift(call);
        true
    }

    fn mark(&mut self, call: usize) {
        self.done[call / 64] |= 1 << (call % 64);
        while self.done.get(self.full) == Some(&u64::MAX) {
            self.full += 1;
        }
    }

    fn unmark(&mut self, call: usize) {
        self.done[call / 64] &= !(1 << (call % 64));
        self.full = self.full.min(call / 64);
    }

    fn take_back(&mut self) -> Option<usize> {
        if self.order.len() > self.longest.len() {
            self.longest = self.order.iter().map(|(call, _)| *call).collect();
        }
        let (call, before) = self.order.pop()?;
        self.state = before;
        self.unmark(call);
        self.entries.put_back(call);
        Some(call)
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Call(usize),
    Return(usize),
    End,
}

/// Calls and returns in the order of their times, as a list from which a call and its return are
/// lifted and put back. Place 0 is the head.
struct Entries {
    kinds: Vec<Kind>,
    next: Vec<usize>,
    prev: Vec<usize>,
    calls: Vec<usize>,
    returns: Vec<Option<usize>>,
    returns_left: usize,
}

impl Entries {
    fn new<C>(history: &[Timed<C>]) -> Self {
        let mut times = Vec::with_capacity(2 * history.len());
        for (call, timed) in history.iter().enumerate() {
            times.push((timed.called, 0, Kind::Call(call)));
            times.extend(timed.returned.map(|at| (at, 1, Kind::Return(call))));
        }
        times.sort_by_key(|(at, order, _)| (*at, *order));
        let length = times.len() + 2;
        let mut entries = Self {
            kinds: vec![Kind::End; length],
            next: (1..=length).collect(),
            prev: (0..length).map(|position| position.saturating_sub(1)).collect(),
            calls: vec![0; history.len()],
            returns: vec![None; history.len()],
            returns_left: 0,
        };
        for (position, (_, _, kind)) in (1..).zip(times) {
            entries.kinds[position] = kind;
            match kind {
                Kind::Call(call) => entries.calls[call] = position,
                Kind::Return(call) => {
                    entries.returns[call] = Some(position);
                    entries.returns_left += 1;
                }
                Kind::End => {}
            }
        }
        entries
    }

    fn first(&self) -> usize {
        self.next[0]
    }

    fn after(&self, position: usize) -> usize {
        self.next[position]
    }

    fn kind(&self, position: usize) -> Kind {
        self.kinds[position]
    }

    fn call_of(&self, call: usize) -> usize {
        self.calls[call]
    }

    fn lift(&mut self, call: usize) {
        self.unlink(self.calls[call]);
        if let Some(position) = self.returns[call] {
            self.unlink(position);
            self.returns_left -= 1;
        }
    }

    /// In the reverse order of lifting, so that the neighbours are those of then.
    fn put_back(&mut self, call: usize) {
        if let Some(position) = self.returns[call] {
            self.link(position);
            self.returns_left += 1;
        }
        self.link(self.calls[call]);
    }

    fn unlink(&mut self, position: usize) {
        let (prev, next) = (self.prev[position], self.next[position]);
        self.next[prev] = next;
        self.prev[next] = prev;
    }

    fn link(&mut self, position: usize) {
        let (prev, next) = (self.prev[position], self.next[position]);
        self.next[prev] = position;
        self.prev[next] = position;
    }
}
