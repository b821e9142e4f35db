//! Verdicts on histories.

use std::borrow::Borrow;

use crate::model::Model;
use crate::search::{Found, Mode, Search};
use crate::timed::Timed;

/// The verdict on a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes: the calls can be put in this order, which names them by their places in the history.
    Linearizable(Vec<usize>),
    /// No: they cannot. [`explain`](crate::explain()) tells where it fails.
    Illegal,
    /// It was not found out within the limit of steps.
    Unknown,
}

impl From<Found> for Verdict {
    fn from(found: Found) -> Self {
        match found {
            Found::Order(order) => Self::Linearizable(order),
            Found::None => Self::Illegal,
            Found::OutOfSteps => Self::Unknown,
        }
    }
}

/// Checks a history of one object. Calls of equal times count as overlapping.
pub fn check<M: Model>(model: &M, history: &[Timed<M::Call>], steps_max: u64) -> Verdict {
    decide(model, &history.iter().map(Timed::as_ref).collect::<Vec<_>>(), steps_max)
}

/// Checks a history of calls that are somewhere else.
pub(crate) fn decide<M: Model>(model: &M, history: &[Timed<&M::Call>], steps_max: u64) -> Verdict {
    Search::new(model, history, Mode::Decide).run(steps_max).into()
}

/// Checks histories of objects that do not depend on each other, such as the keys of a store:
/// linearizability is local. Easy ones are decided first: the limit of steps is raised for all in
/// rounds.
pub fn check_all<M: Model>(
    model: &M,
    histories: &[&[Timed<M::Call>]],
    steps_max: u64,
) -> Vec<Verdict> {
    let calls = histories.iter().map(|history| history.iter().map(Timed::as_ref).collect());
    let histories: Vec<_> = calls.collect();
    decide_all(model, &histories, steps_max)
}

/// Checks histories of calls that are somewhere else.
pub(crate) fn decide_all<M: Model>(
    model: &M,
    histories: &[Vec<Timed<&M::Call>>],
    steps_max: u64,
) -> Vec<Verdict> {
    let mut verdicts = vec![Verdict::Unknown; histories.len()];
    for steps in rounds(steps_max) {
        for (verdict, history) in verdicts.iter_mut().zip(histories) {
            if *verdict == Verdict::Unknown {
                *verdict = decide(model, history, steps);
            }
        }
    }
    verdicts
}

/// The limits of steps of all rounds.
pub(crate) fn rounds(steps_max: u64) -> impl Iterator<Item = u64> {
    let earlier = std::iter::successors(Some(FIRST_ROUND), |steps| steps.checked_mul(ROUND_FACTOR));
    earlier.take_while(move |steps| *steps < steps_max).chain([steps_max])
}

const FIRST_ROUND: u64 = 8_000;

/// Repetitions cost a seventh of a search to its end.
const ROUND_FACTOR: u64 = 8;

/// Steps after which a search is abandoned without another limit: some seconds, and some
/// hundred megabytes.
pub const STEPS_MAX: u64 = 2_000_000;

/// Checks that an order is one of the history: all calls that have returned are in it once, none stands
/// behind one that was called after its return, and each is possible after those before it. Returns the
/// state after each call.
///
/// # Errors
/// The place in the order at which it is wrong; its length, if calls are missing.
pub fn states_along<M: Model>(
    model: &M,
    history: &[Timed<impl Borrow<M::Call>>],
    order: &[usize],
) -> Result<Vec<M::State>, usize> {
    let mut is_missing: Vec<bool> = history.iter().map(|own| own.returned().is_some()).collect();
    let mut is_placed = vec![false; history.len()];
    let (mut states, mut state, mut latest_call) = (Vec::new(), model.start(), 0);
    for (place, call) in order.iter().enumerate() {
        let timed = &history[*call];
        latest_call = latest_call.max(timed.called());
        let is_late = timed.end() < latest_call;
        let after =
            model.after(&state, timed.call.borrow()).filter(|_| !is_late && !is_placed[*call]);
        state = after.ok_or(place)?;
        (is_missing[*call], is_placed[*call]) = (false, true);
        states.push(state.clone());
    }
    if is_missing.contains(&true) { Err(order.len()) } else { Ok(states) }
}
