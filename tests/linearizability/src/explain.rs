//! The reason why a history has no order.

use crate::check::{STEPS_MAX, Verdict, decide, states_along};
use crate::model::{Effect, Model};
use crate::search::{Found, Mode, Search};
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
    fn new(history: &'a [Timed<C>], returns: &[usize], before: usize) -> Self {
        let culprit = returns[before];
        let end = history[culprit].end();
        let mut has_returned = vec![false; history.len()];
        returns[..=before].iter().for_each(|place| has_returned[*place] = true);
        let places: Vec<usize> =
            (0..history.len()).filter(|place| history[*place].called() <= end).collect();
        let cut = |place: &usize| {
            let timed = history[*place].as_ref();
            if has_returned[*place] { timed } else { Timed::pending(timed.call, timed.called()) }
        };
        Self { calls: places.iter().map(cut).collect(), places, culprit }
    }

    /// The shortest one that has no order: each beginning of a linearizable history is one.
    fn shortest_without_order<M: Model<Call = C>>(
        model: &M,
        history: &'a [Timed<C>],
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
        let is_whole = search.run(END_STEPS_MAX) == Found::None;
        let mut orders = search.into_ends();
        if orders.is_empty() {
            // The search for all ends may not even reach the first one.
            orders.extend(match decide(model, &calls, STEPS_MAX) {
                Verdict::Linearizable(order) => Some(order),
                Verdict::Illegal | Verdict::Unknown => None,
            });
        }
        orders.sort_by_key(|order| std::cmp::Reverse(order.len()));
        let are_all = is_whole && orders.len() <= ORDERS_MAX;
        orders.truncate(ORDERS_MAX);
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
        let mut kept: Vec<usize> = (0..self.calls.len()).collect();
        let mut piece = kept.len().div_ceil(2);
        let mut steps = CORE_CHECKS_MAX;
        while piece > 0 {
            let mut first = 0;
            let before = kept.len();
            while first < kept.len() {
                if steps == 0 {
                    return Vec::new();
                }
                let end = kept.len().min(first + piece);
                let rest: Vec<usize> = [&kept[..first], &kept[end..]].concat();
                if self.can_miss(model, &kept[first..end], &rest) {
                    steps -= 1;
                    let calls: Vec<_> = rest.iter().map(|own| self.calls[*own].clone()).collect();
                    if decide(model, &calls, CORE_STEPS_MAX) == Verdict::Illegal {
                        kept = rest;
                        continue;
                    }
                }
                first = end;
            }
            // Without its reads, a write can be missed too.
            piece = if piece == 1 && kept.len() < before { 1 } else { piece / 2 };
        }
        if kept.len() > CORE_MAX {
            return Vec::new();
        }
        kept.into_iter().map(|own| self.places[own]).collect()
    }

    /// `true` if an order of all calls is one of the rest too: the others only read, or lead to states
    /// that nothing in the rest depends on.
    fn can_miss<M: Model<Call = C>>(&self, model: &M, others: &[usize], rest: &[usize]) -> bool {
        let effect = |own: &usize| model.effect(self.calls[*own].call);
        others.iter().map(effect).all(|other| {
            let to = match other {
                Effect::Read(_) => return true,
                Effect::Update | Effect::Any => return false,
                Effect::Write(to) | Effect::Swap(_, to) => to,
            };
            rest.iter().map(effect).all(|own| match &own {
                Effect::Update | Effect::Any | Effect::Read(None) => false,
                Effect::Read(Some(_)) | Effect::Write(_) | Effect::Swap(..) => {
                    own.needs() != Some(&to)
                }
            })
        })
    }
}

/// A second for all orders of the last calls.
const END_STEPS_MAX: u64 = 50_000;

/// More partial orders tell nothing more.
const ORDERS_MAX: usize = 8;

/// Each check of fewer calls is short, and so many make a second.
const CORE_CHECKS_MAX: usize = 5_000;
const CORE_STEPS_MAX: u64 = 20_000;

/// More calls are no explanation.
const CORE_MAX: usize = 12;
