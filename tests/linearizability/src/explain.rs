//! The reason why a history has no order.

use std::ops::Range;

use crate::check::{STEPS_MAX, Verdict, decide, states_along};
use crate::model::{Effect, Model};
use crate::search::{Found, Mode, ORDERS_MAX, Search, StateId, effects};
use crate::timed::Timed;

/// The reason why a history has no order. Calls are named by their places in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation<S> {
    /// The first call to return after which there is no order: the longest linearizable prefix of the
    /// history ends before its return.
    pub culprit: usize,
    /// Orders of all calls that returned before it, each with another state at its end. None of these
    /// states lets the culprit return what it returned.
    pub partial_orders: Vec<PartialOrder<S>>,
    /// `true` if no order ends in another state.
    pub are_all_ends: bool,
    /// A few calls that have no order by themselves, whatever else was called; empty if there are many.
    pub core: Vec<usize>,
}

impl<S: Clone> Explanation<S> {
    /// The states at the ends of the partial orders.
    pub fn ends<M: Model<State = S>>(&self, model: &M) -> Vec<S> {
        let end = |order: &PartialOrder<S>| match order.last() {
            Some((_, state)) => state.clone(),
            None => model.start(),
        };
        self.partial_orders.iter().map(end).collect()
    }
}

/// An order of calls, each with the state after it.
pub type PartialOrder<S> = Vec<(usize, S)>;

/// Finds out why a history has no order; `None` if it has one, or if that takes too many steps.
pub fn explain<M: Model>(
    model: &M,
    history: &[Timed<M::Call>],
    steps_max: u64,
) -> Option<Explanation<M::State>> {
    explain_calls(model, &history.iter().map(Timed::as_ref).collect::<Vec<_>>(), steps_max)
}

/// Explains a history of calls that are somewhere else.
pub(crate) fn explain_calls<M: Model>(
    model: &M,
    history: &[Timed<&M::Call>],
    steps_max: u64,
) -> Option<Explanation<M::State>> {
    let prefix = Prefix::shortest_without_order(model, history, steps_max)?;
    let (partial_orders, are_all_ends) = prefix.partial_orders(model);
    let core = prefix.core(model);
    Some(Explanation { culprit: prefix.culprit, partial_orders, are_all_ends, core })
}

/// The calls that began before a return. Those that return later have not returned yet.
struct Prefix<'a, C> {
    calls: Vec<Timed<&'a C>>,
    /// Their places in the whole history.
    places: Vec<usize>,
    /// The call that returns last.
    culprit: usize,
}

impl<'a, C> Prefix<'a, C> {
    /// The calls before the return that this many come before.
    fn new(history: &[Timed<&'a C>], returns: &[usize], before: usize) -> Self {
        let culprit = returns[before];
        let end = history[culprit].end();
        let mut has_returned = vec![false; history.len()];
        returns[..=before].iter().for_each(|place| has_returned[*place] = true);
        let places: Vec<usize> =
            (0..history.len()).filter(|place| history[*place].called() <= end).collect();
        let cut = |place: &usize| {
            let timed = &history[*place];
            match has_returned[*place] {
                true => timed.clone(),
                false => Timed::pending(timed.call, timed.called()),
            }
        };
        Self { calls: places.iter().map(cut).collect(), places, culprit }
    }

    /// The shortest one that has no order: each beginning of a linearizable history is one.
    fn shortest_without_order<M: Model<Call = C>>(
        model: &M,
        history: &[Timed<&'a C>],
        steps_max: u64,
    ) -> Option<Self> {
        let mut returns: Vec<usize> =
            (0..history.len()).filter(|place| history[*place].returned().is_some()).collect();
        returns.sort_by_key(|place| history[*place].end());
        let is_illegal = |before: usize| {
            let calls = Self::new(history, &returns, before).calls;
            decide(model, &calls, steps_max) == Verdict::Illegal
        };
        let (mut legal, mut illegal) = (0, returns.len().checked_sub(1)?);
        if !is_illegal(illegal) {
            return None;
        }
        while legal < illegal {
            let middle = usize::midpoint(legal, illegal);
            if is_illegal(middle) {
                illegal = middle;
            } else {
                legal = middle + 1;
            }
        }
        Some(Self::new(history, &returns, illegal))
    }

    /// Orders without the culprit, and whether they are all.
    fn partial_orders<M: Model<Call = C>>(&self, model: &M) -> (Vec<PartialOrder<M::State>>, bool) {
        let others = (0..self.calls.len()).filter(|own| self.places[*own] != self.culprit);
        let places: Vec<usize> = others.collect();
        let calls: Vec<_> = places.iter().map(|own| self.calls[*own].clone()).collect();
        let mut search = Search::new(model, &calls, Mode::Ends);
        let is_whole = search.run_within(END_STEPS_MAX, LOOKS_MAX) == Found::None;
        let ends = search.into_ends();
        let are_all = is_whole && ends.count() <= ORDERS_MAX;
        let mut orders = ends.longest;
        if orders.is_empty() {
            // The search for all ends may not even reach the first one.
            orders.extend(match decide(model, &calls, STEPS_MAX) {
                Verdict::Linearizable(order) => Some(order),
                Verdict::Illegal | Verdict::Unknown => None,
            });
        }
        let with_states = |order: Vec<usize>| {
            let states = states_along(model, &calls, &order);
            let states = states.unwrap_or_else(|place| {
                panic!("the search found an order that is wrong at place {place} of {order:?}")
            });
            let place = |own: usize| self.places[places[own]];
            order.into_iter().map(place).zip(states).collect()
        };
        (orders.into_iter().map(with_states).collect(), are_all)
    }

    /// A few calls without an order, from which everything is taken that can be missed.
    fn core<M: Model<Call = C>>(&self, model: &M) -> Vec<usize> {
        let mut core = Core::new(model, &self.calls);
        let mut piece = core.kept.len().div_ceil(2);
        let (mut checks, mut calls_left, mut looks_left) =
            (CORE_CHECKS_MAX, CORE_CALLS_MAX, LOOKS_MAX);
        while piece > 0 {
            let mut first = 0;
            let before = core.kept.len();
            while first < core.kept.len() {
                let end = core.kept.len().min(first + piece);
                let mut cost = end - first;
                let mut is_missed = false;
                if core.can_miss(first..end) {
                    let rest: Vec<usize> = [&core.kept[..first], &core.kept[end..]].concat();
                    let calls: Vec<_> = rest.iter().map(|own| self.calls[*own].clone()).collect();
                    let mut search = Search::new(model, &calls, Mode::Decide);
                    is_missed = search.run_within(CORE_STEPS_MAX, looks_left) == Found::None;
                    looks_left = looks_left.saturating_sub(search.looks());
                    checks -= 1;
                    cost += rest.len();
                    if is_missed {
                        core.miss(first..end, rest);
                    }
                }
                if !is_missed {
                    first = end;
                }
                calls_left = calls_left.saturating_sub(cost);
                if checks == 0 || calls_left == 0 || looks_left == 0 {
                    return Vec::new();
                }
            }
            // Without its reads, a write can be missed too.
            piece = if piece == 1 && core.kept.len() < before { 1 } else { piece / 2 };
        }
        if core.kept.len() > CORE_MAX {
            return Vec::new();
        }
        core.kept.into_iter().map(|own| self.places[own]).collect()
    }
}

/// Calls without an order, from which some are taken away.
struct Core {
    effects: Vec<Effect<StateId>>,
    /// The calls that are left.
    kept: Vec<usize>,
    /// The number of those that need a state.
    needed: Vec<isize>,
    /// The number of those that may depend on a state they do not name.
    vague: isize,
}

impl Core {
    fn new<M: Model>(model: &M, calls: &[Timed<&M::Call>]) -> Self {
        let (effects, states, _) = effects(model, calls);
        let (kept, needed) = ((0..calls.len()).collect(), vec![0; states.len()]);
        let mut core = Self { effects, kept, needed, vague: 0 };
        (0..calls.len()).for_each(|call| core.count(call, 1));
        core
    }

    /// Adds a call to the counts, or takes it away.
    fn count(&mut self, call: usize, change: isize) {
        let effect = self.effects[call];
        if let Some(state) = effect.needs() {
            self.needed[*state as usize] += change;
        }
        self.vague += if effect.is_vague() { change } else { 0 };
    }

    /// `true` if an order of all calls is one without some of them too: these only read, or lead to
    /// states that nothing in the rest depends on.
    fn can_miss(&mut self, some: Range<usize>) -> bool {
        for own in some.clone() {
            self.count(self.kept[own], -1);
        }
        let is_idle = |own: usize| match self.effects[self.kept[own]] {
            Effect::Read(_) => true,
            Effect::Update | Effect::Any => false,
            Effect::Write(to) | Effect::Swap(_, to) => {
                self.vague == 0 && self.needed[to as usize] == 0
            }
        };
        let can_miss = some.clone().all(is_idle);
        for own in some {
            self.count(self.kept[own], 1);
        }
        can_miss
    }

    /// Takes some of the calls away, so that the rest is left.
    fn miss(&mut self, some: Range<usize>, rest: Vec<usize>) {
        for own in some {
            self.count(self.kept[own], -1);
        }
        self.kept = rest;
    }
}

/// A second for all orders of the last calls.
const END_STEPS_MAX: u64 = 50_000;

/// Half a second for the goals of all steps.
const LOOKS_MAX: u64 = 20_000_000;

/// Each check of fewer calls is short, and so many make a second; so do so many calls in all checks.
const CORE_CHECKS_MAX: usize = 5_000;
const CORE_STEPS_MAX: u64 = 20_000;
const CORE_CALLS_MAX: usize = 1_000_000;

/// More calls are no explanation.
const CORE_MAX: usize = 12;
