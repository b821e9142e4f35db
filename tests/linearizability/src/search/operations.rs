//! The operations that a search puts in an order, and the states that they name.

#![expect(clippy::disallowed_types, reason = "states are looked up and never iterated")]

use std::collections::HashMap;

use super::Mode;
use super::hash::Mixed;
use crate::model::{Effect, Model};
use crate::timed::Timed;

/// The number of a state.
pub(crate) type StateId = u32;

/// The states met so far. Those that operations name have the lowest numbers.
pub(crate) struct States<S> {
    values: Vec<S>,
    ids: HashMap<S, StateId, Mixed>,
}

impl<S: Clone + Eq + std::hash::Hash> States<S> {
    pub(super) fn get(&self, id: StateId) -> &S {
        &self.values[id as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The number of a state, if it was met before.
    pub(super) fn find(&self, state: &S) -> Option<StateId> {
        self.ids.get(state).copied()
    }

    pub(super) fn id(&mut self, state: S) -> StateId {
        if let Some(id) = self.ids.get(&state) {
            return *id;
        }
        let id = StateId::try_from(self.values.len()).expect("a search has fewer steps");
        self.values.push(state.clone());
        self.ids.insert(state, id);
        id
    }
}

/// A call that has to be placed, or may be.
pub(super) struct Operation {
    /// Its place in the history.
    pub(super) call: usize,
    pub(super) effect: Effect<StateId>,
    /// `true` for a call that has not returned.
    pub(super) is_pending: bool,
}

impl Operation {
    /// `true` if it may depend on a state that it does not name.
    pub(super) const fn is_vague(&self) -> bool {
        self.effect.is_vague()
    }
}

/// The effects of the calls of a history, and the state before all of them.
pub(crate) fn effects<M: Model>(
    model: &M,
    history: &[Timed<&M::Call>],
) -> (Vec<Effect<StateId>>, States<M::State>, StateId) {
    let mut states = States { values: Vec::new(), ids: HashMap::default() };
    let start = states.id(model.start());
    let effect = |timed: &Timed<&M::Call>| match model.effect(timed.call) {
        Effect::Read(needs) => Effect::Read(needs.map(|state| states.id(state))),
        Effect::Write(to) => Effect::Write(states.id(to)),
        Effect::Swap(from, to) => Effect::Swap(states.id(from), states.id(to)),
        Effect::Update => Effect::Update,
        Effect::Any => Effect::Any,
    };
    (history.iter().map(effect).collect(), states, start)
}

/// The operations of a history, in the order of their calls, and the state before all of them.
pub(super) fn operations<M: Model>(
    model: &M,
    history: &[Timed<&M::Call>],
    mode: Mode,
) -> (Vec<Operation>, States<M::State>, StateId) {
    let (effects, states, start) = effects(model, history);
    let operation = |(call, effect): (usize, _)| Operation {
        call,
        effect,
        is_pending: history[call].returned().is_none(),
    };
    let all = effects.into_iter().enumerate().map(operation);
    let (pending, mut kept): (Vec<_>, Vec<_>) = all.partition(|own| own.is_pending);
    kept.sort_by_key(|own| (history[own.call].called(), history[own.call].end()));
    let mut pending = match mode {
        Mode::Decide => useful(pending, &kept),
        Mode::Ends => pending,
    };
    pending.retain(|own| !matches!(own.effect, Effect::Read(_)));
    pending.sort_by_key(|own| history[own.call].called());
    kept.extend(pending);
    (kept, states, start)
}

/// The calls without a result that another call needs, directly or through others of them. The rest
/// may as well never have been executed.
fn useful(mut pending: Vec<Operation>, answered: &[Operation]) -> Vec<Operation> {
    if answered.iter().chain(&pending).any(Operation::is_vague_change) {
        return pending;
    }
    let mut needed: Vec<StateId> =
        answered.iter().filter_map(|own| own.effect.needs().copied()).collect();
    needed.sort_unstable();
    needed.dedup();
    let mut kept = Vec::new();
    loop {
        let is_useful = |own: &mut Operation| {
            own.effect.leads_to().is_some_and(|to| needed.binary_search(to).is_ok())
        };
        let found: Vec<Operation> = pending.extract_if(.., is_useful).collect();
        if found.is_empty() {
            return kept;
        }
        for from in found.iter().filter_map(|own| own.effect.needs()) {
            if let Err(place) = needed.binary_search(from) {
                needed.insert(place, *from);
            }
        }
        kept.extend(found);
    }
}

impl Operation {
    /// Like [`Self::is_vague`], but for a read without a result, which is possible everywhere.
    const fn is_vague_change(&self) -> bool {
        self.is_vague() && !(self.is_pending && matches!(self.effect, Effect::Read(_)))
    }
}
