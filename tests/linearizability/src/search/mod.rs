//! The search for an order.
//!
//! Wing and Gong's search with Lowe's memory of what was tried, as in Knossos and porcupine: linear in
//! the length of a history, exponential in how many calls overlap. Five rules leave out orders that
//! need not be tried, without changing the answer:
//!
//! 1. A read is placed as soon as it is possible: it leaves everything as it is.
//! 2. A step must not lose a state that calls still need: the first one that could be reached before it
//!    must be reachable after it, or after a write, and so must that of the call that returns first.
//! 3. Of calls that do the same, the one that returns first is tried.
//! 4. A write or an update that a write overwrites at once is not tried. It is taken to stand before that
//!    other one when it has to be placed (`horizon`). Nor is one tried, before it has to be placed, that
//!    leads to nothing that anybody needs.
//! 5. A write is placed with all reads of its value, as soon as all of them can be and no call needs
//!    the value before it. With values that differ and without calls that depend on values they do not
//!    name, hardly any choice is left then.
//!
//! The search is bounded by a count of steps, never by time, so that the answer depends on the history
//! alone.

mod choices;
mod entries;
mod goals;
mod hash;
mod operations;
mod tried;

use std::collections::BTreeSet;

use self::entries::{Entries, Position};
use self::goals::Goals;
use self::operations::{Operation, States, operations};
pub(crate) use self::operations::{StateId, effects};
use self::tried::{Placed, Tried};
use crate::model::{Effect, Model};
use crate::timed::Timed;

/// The purpose of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// To find one order.
    Decide,
    /// To find orders that end in different states.
    Ends,
}

/// The outcome of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// An order of the calls, by their places in the history.
    Order(Vec<usize>),
    /// There is none.
    None,
    /// Too many steps.
    OutOfSteps,
}

/// A search in one history.
pub(crate) struct Search<'a, M: Model> {
    model: &'a M,
    history: &'a [Timed<&'a M::Call>],
    mode: Mode,
    operations: Vec<Operation>,
    list: Entries,
    states: States<M::State>,
    state: StateId,
    left: Left,
    /// The operations that lead to a state of their own.
    changes: Vec<usize>,
    /// For rule 5: the reads of each state that can be next.
    readable: Vec<u32>,
    goals: Goals,
    /// Calls before it could have been placed before the last write.
    horizon: Position,
    placed: Placed,
    order: Vec<Step>,
    nodes: Vec<Node>,
    choices: Vec<Choice>,
    tried: Tried,
    /// Orders that end in different states.
    ends: Ends,
}

/// Orders that end in different states.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    /// The states at the ends of all orders that were found.
    states: BTreeSet<StateId>,
    /// The longest of these orders, the longest first.
    pub(crate) longest: Vec<Vec<usize>>,
}

impl Ends {
    /// Number of orders that were found.
    pub(crate) fn count(&self) -> usize {
        self.states.len()
    }
}

/// Counts of the operations that are not placed yet.
struct Left {
    /// Returned operations that need a state, by its number.
    needed: Vec<u32>,
    /// The same of operations that have not returned.
    needed_by_pending: Vec<u32>,
    /// Operations that lead to a state.
    makers: Vec<u32>,
    /// Operations that may depend on a state they do not name.
    vague: u32,
    /// Those of them that may change it.
    growing: u32,
    /// Those of them that are not possible in every state.
    opaque: u32,
}

/// An operation in the order.
struct Step {
    operation: usize,
    way: Way,
    /// The state and the horizon before it.
    state: StateId,
    horizon: Position,
    /// The first return that was not placed before it.
    frontier: Position,
}

/// The way in which an operation came into the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// There was no better one.
    Certain,
    /// It was tried.
    Tried,
    /// It stands before the last write, which overwrites it.
    Overwritten,
}

/// A configuration in which something has to be tried.
struct Node {
    /// The length of the order.
    length: usize,
    /// Its choices begin here.
    first: usize,
    /// The next one.
    next: usize,
}

/// Something to try.
#[derive(Clone, Copy)]
struct Choice {
    operation: usize,
    way: Way,
}

impl<'a, M: Model> Search<'a, M> {
    pub(crate) fn new(model: &'a M, history: &'a [Timed<&'a M::Call>], mode: Mode) -> Self {
        let (operations, states, start) = operations(model, history, mode);
        let timed: Vec<_> = operations.iter().map(|own| &history[own.call]).collect();
        let pending = operations.iter().filter(|own| own.is_pending).count();
        let leads = |operation: &usize| operations[*operation].effect.leads_to().is_some();
        Self {
            list: Entries::new(&timed),
            changes: (0..operations.len()).filter(leads).collect(),
            readable: vec![0; states.len()],
            goals: Goals::new(&operations, &timed),
            left: Left::of(&operations, states.len()),
            placed: Placed::new(operations.len() - pending, pending),
            model,
            history,
            mode,
            operations,
            states,
            state: start,
            horizon: 0,
            order: Vec::new(),
            nodes: Vec::new(),
            choices: Vec::new(),
            tried: Tried::default(),
            ends: Ends::default(),
        }
    }

    /// Searches for an order in so many steps.
    pub(crate) fn run(&mut self, steps_max: u64) -> Found {
        self.run_within(steps_max, u64::MAX)
    }

    /// Number of goals that were looked at: with calls that depend on the state, a step takes longer the
    /// more there are.
    pub(crate) const fn looks(&self) -> u64 {
        self.goals.looks()
    }

    /// Searches for an order in so many steps that look at so many goals.
    pub(crate) fn run_within(&mut self, steps_max: u64, looks_max: u64) -> Found {
        if !self.is_every_need_made() {
            return Found::None;
        }
        let mut is_new = true;
        for _ in 0..steps_max {
            if self.looks() > looks_max {
                break;
            }
            if is_new {
                self.place_certain();
                if self.list.returns_left() == 0 {
                    match self.mode {
                        Mode::Decide => return Found::Order(self.calls_in_order()),
                        Mode::Ends => self.record_end(),
                    }
                }
                if self.tried.insert(&self.placed, self.state, self.horizon) {
                    self.add_node();
                }
            }
            let Some(choice) = self.next_choice() else { return Found::None };
            is_new = self.try_choice(choice);
        }
        Found::OutOfSteps
    }

    /// The orders found by [`Mode::Ends`].
    pub(crate) fn into_ends(self) -> Ends {
        self.ends
    }

    /// Keeps an order that is among the longest: each is as long as its history.
    fn record_end(&mut self) {
        if !self.ends.states.insert(self.state) {
            return;
        }
        let place = self.ends.longest.partition_point(|other| other.len() >= self.order.len());
        if place < ORDERS_MAX {
            let order = self.calls_in_order();
            self.ends.longest.insert(place, order);
            self.ends.longest.truncate(ORDERS_MAX);
        }
    }

    /// `false` if a call needs a state that nothing leads to.
    fn is_every_need_made(&self) -> bool {
        let Left { needed, makers, growing, .. } = &self.left;
        *growing > 0
            || (0..)
                .zip(needed)
                .zip(makers)
                .all(|((id, needed), makers)| *needed == 0 || *makers > 0 || id == self.state)
    }

    /// Goes back to the last configuration with something left to try, and returns that.
    fn next_choice(&mut self) -> Option<Choice> {
        loop {
            let node = self.nodes.last_mut()?;
            let length = node.length;
            let choice = self.choices.get(node.next).copied();
            node.next += 1;
            if choice.is_none() {
                self.choices.truncate(node.first);
                self.nodes.pop();
            }
            while self.order.len() > length {
                self.take_back();
            }
            if choice.is_some() {
                return choice;
            }
        }
    }

    fn place(&mut self, operation: usize, way: Way, after: StateId) {
        let Operation { effect, is_pending, .. } = &self.operations[operation];
        let frontier = self.list.first_return();
        self.order.push(Step {
            operation,
            way,
            state: self.state,
            horizon: self.horizon,
            frontier,
        });
        if matches!(effect, Effect::Write(_)) && way != Way::Overwritten {
            self.horizon = self.horizon.max(frontier);
        }
        self.left.remove(*effect, *is_pending);
        self.placed.insert(operation);
        self.list.lift(operation);
        if after != self.state && matches!(effect, Effect::Update | Effect::Any) {
            self.goals.lead(self.state, after);
        }
        self.state = after;
        if way == Way::Overwritten {
            self.delay_last_write();
        }
    }

    /// The last write and the reads after it may as well come now, before the first of them returns, unless
    /// something else followed.
    fn delay_last_write(&mut self) {
        let mut latest = self.list.first_return();
        for step in self.order.iter().rev().filter(|step| step.way != Way::Overwritten) {
            latest = latest.min(self.list.deadline(step.operation));
            match self.operations[step.operation].effect {
                Effect::Read(_) => {}
                Effect::Write(_) => {
                    self.horizon = self.horizon.max(latest);
                    return;
                }
                Effect::Swap(..) | Effect::Update | Effect::Any => return,
            }
        }
    }

    fn take_back(&mut self) {
        let Some(Step { operation, state, horizon, .. }) = self.order.pop() else { return };
        let Operation { effect, is_pending, .. } = &self.operations[operation];
        (self.state, self.horizon) = (state, horizon);
        self.left.add(*effect, *is_pending);
        self.placed.remove(operation);
        self.list.put_back(operation);
    }

    /// The calls in the order found, by their places in the history.
    fn calls_in_order(&self) -> Vec<usize> {
        let mut overwritten: Vec<Vec<usize>> = Vec::new();
        overwritten.resize_with(self.order.len(), Vec::new);
        let mut last_write = 0;
        for (place, step) in self.order.iter().enumerate() {
            if step.way == Way::Overwritten {
                overwritten[last_write].push(step.operation);
            } else if matches!(self.operations[step.operation].effect, Effect::Write(_)) {
                last_write = place;
            }
        }
        let mut calls = Vec::with_capacity(self.order.len());
        for (step, before) in self.order.iter().zip(overwritten) {
            calls.extend(before);
            if step.way != Way::Overwritten {
                calls.push(step.operation);
            }
        }
        calls.into_iter().map(|operation| self.operations[operation].call).collect()
    }
}

impl Left {
    fn of(operations: &[Operation], states: usize) -> Self {
        let none = || vec![0; states];
        let (needed, needed_by_pending, makers) = (none(), none(), none());
        let mut left = Self { needed, needed_by_pending, makers, vague: 0, growing: 0, opaque: 0 };
        operations.iter().for_each(|own| left.add(own.effect, own.is_pending));
        left
    }

    fn add(&mut self, effect: Effect<StateId>, is_pending: bool) {
        self.count(effect, is_pending, |count| *count += 1);
    }

    fn remove(&mut self, effect: Effect<StateId>, is_pending: bool) {
        self.count(effect, is_pending, |count| *count -= 1);
    }

    fn count(&mut self, effect: Effect<StateId>, is_pending: bool, change: impl Fn(&mut u32)) {
        if let Some(needs) = effect.needs() {
            let needed = if is_pending { &mut self.needed_by_pending } else { &mut self.needed };
            change(&mut needed[*needs as usize]);
        }
        if let Some(to) = effect.leads_to() {
            change(&mut self.makers[*to as usize]);
        }
        let (reads, updates, is_any) =
            (effect == Effect::Read(None), effect == Effect::Update, effect == Effect::Any);
        for (is_it, count) in [
            (reads || updates || is_any, &mut self.vague),
            (updates || is_any, &mut self.growing),
            (reads || is_any, &mut self.opaque),
        ] {
            if is_it {
                change(count);
            }
        }
    }

    /// Number of operations that need a state, returned or not.
    fn needs(&self, state: StateId) -> u32 {
        self.needed(state) + self.needed_by_pending.get(state as usize).copied().unwrap_or(0)
    }

    /// Number of returned operations that need a state; states met later are not named by any.
    fn needed(&self, state: StateId) -> u32 {
        self.needed.get(state as usize).copied().unwrap_or(0)
    }

    fn makers(&self, state: StateId) -> u32 {
        self.makers.get(state as usize).copied().unwrap_or(0)
    }
}

/// More partial orders tell nothing more.
pub(crate) const ORDERS_MAX: usize = 8;
