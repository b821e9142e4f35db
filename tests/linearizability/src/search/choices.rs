//! The rules of the search: what is placed without a choice, what is tried, and what is not.

use super::entries::{Entry, Position};
use super::operations::{Operation, StateId};
use super::{Choice, Left, Mode, Node, Search, Step, Way};
use crate::model::{Effect, Model};

impl<M: Model> Search<'_, M> {
    /// Places what can be placed without losing an order.
    pub(super) fn place_certain(&mut self) {
        loop {
            self.place_reads();
            if self.mode == Mode::Ends || self.left.vague > 0 {
                return;
            }
            if !self.place_useless() && !self.place_complete() {
                return;
            }
        }
    }

    /// The operations that can be next, as far as times go.
    fn available(&self) -> impl Iterator<Item = usize> + '_ {
        let mut position = self.list.first();
        std::iter::from_fn(move || {
            let Entry::Call(operation) = self.list.entry(position) else { return None };
            position = self.list.after(position);
            Some(operation)
        })
    }

    fn effect(&self, operation: usize) -> Effect<StateId> {
        self.operations[operation].effect
    }

    /// Rule 1.
    fn place_reads(&mut self) {
        let mut position = self.list.first();
        while let Entry::Call(operation) = self.list.entry(position) {
            position = match self.effect(operation) {
                Effect::Read(_) | Effect::Update | Effect::Any if self.is_read_here(operation) => {
                    let before = self.list.before(position);
                    self.place(operation, Way::Certain, self.state);
                    self.list.after(before)
                }
                Effect::Read(_)
                | Effect::Write(_)
                | Effect::Swap(..)
                | Effect::Update
                | Effect::Any => self.list.after(position),
            };
        }
    }

    /// `true` for a call that is possible and leaves this state, and all in which it may be placed later,
    /// as they are.
    fn is_read_here(&self, operation: usize) -> bool {
        match self.effect(operation) {
            Effect::Read(_) => self.next_state(operation).is_some(),
            Effect::Update | Effect::Any => {
                let call = self.history[self.operations[operation].call].call;
                self.model.is_read_from(self.states.get(self.state), call)
            }
            Effect::Write(_) | Effect::Swap(..) => false,
        }
    }

    /// Rule 4, for a write whose value no call needs.
    fn place_useless(&mut self) -> bool {
        let is_useless = |operation: &usize| {
            self.is_overwritten(*operation)
                && self.effect(*operation).leads_to().is_some_and(|to| self.left.needs(*to) == 0)
        };
        let Some(operation) = self.available().find(is_useless) else { return false };
        self.place(operation, Way::Overwritten, self.state);
        true
    }

    /// `true` for a write or an update that could have been placed before the last write, and has to be
    /// placed.
    fn is_overwritten(&self, operation: usize) -> bool {
        let Operation { effect, is_pending, .. } = self.operations[operation];
        !is_pending
            && matches!(effect, Effect::Write(_) | Effect::Update)
            && self.list.call(operation) < self.horizon
    }

    /// Rule 5.
    fn place_complete(&mut self) -> bool {
        if self.left.needs(self.state) > 0 {
            return false;
        }
        self.count_readable(|count| *count += 1);
        let is_complete = |operation: &usize| {
            let Operation { effect, is_pending, .. } = self.operations[*operation];
            let Effect::Write(to) = effect else { return false };
            let needs = self.left.needs(to);
            needs == self.readable[to as usize] && (needs > 0 || !is_pending)
        };
        let complete = self.available().find(is_complete);
        self.count_readable(|count| *count -= 1);
        let Some(operation) = complete else { return false };
        let Effect::Write(to) = self.effect(operation) else { return false };
        self.place(operation, Way::Certain, to);
        true
    }

    fn count_readable(&mut self, change: impl Fn(&mut u32)) {
        let mut readable = std::mem::take(&mut self.readable);
        for operation in self.available() {
            if let Effect::Read(Some(needs)) = self.effect(operation) {
                change(&mut readable[needs as usize]);
            }
        }
        self.readable = readable;
    }

    /// The state after an operation, if it is possible.
    fn next_state(&self, operation: usize) -> Option<Next<M::State>> {
        let known = |state| Some(Next::Known(state));
        match self.effect(operation) {
            Effect::Read(Some(needs)) | Effect::Swap(needs, _) if needs != self.state => None,
            Effect::Read(Some(_)) => known(self.state),
            Effect::Write(to) | Effect::Swap(_, to) => known(to),
            Effect::Read(None) | Effect::Update | Effect::Any => {
                let call = self.history[self.operations[operation].call].call;
                self.model.after(self.states.get(self.state), call).map(Next::Computed)
            }
        }
    }

    /// Adds the present configuration, with everything that is to be tried in it.
    pub(super) fn add_node(&mut self) {
        let first = self.choices.len();
        let mut position = self.list.first();
        while let Entry::Call(operation) = self.list.entry(position) {
            if self.is_choice(operation) {
                self.add_choice(first, operation);
            }
            position = self.list.after(position);
        }
        let returns = match self.list.entry(position) {
            Entry::Return(operation) => Some(operation),
            Entry::Call(_) | Entry::End => None,
        };
        if let Some(operation) = returns.filter(|operation| self.is_overwritten(*operation)) {
            self.choices.push(Choice { operation, way: Way::Overwritten });
        }
        let wanted = returns.and_then(|operation| self.effect(operation).needs().copied());
        let (list, operations) = (&self.list, &self.operations);
        self.choices[first..].sort_by_key(|choice| {
            let leads_to = operations[choice.operation].effect.leads_to();
            let is_wanted =
                returns == Some(choice.operation) || leads_to.is_some_and(|to| wanted == Some(*to));
            let is_first = choice.way == Way::Overwritten;
            (!is_first, !is_wanted, list.deadline(choice.operation))
        });
        self.nodes.push(Node { length: self.order.len(), first, next: first });
    }

    /// `false` for an operation that cannot be next, or need not be tried.
    fn is_choice(&self, operation: usize) -> bool {
        let Operation { effect, is_pending, .. } = self.operations[operation];
        let is_useful = |to: StateId| {
            !is_pending || self.mode == Mode::Ends || self.left.vague > 0 || self.left.needs(to) > 0
        };
        match effect {
            Effect::Read(_) => false,
            Effect::Write(to) => is_useful(to) && !self.overwrites_at_once(operation, to),
            Effect::Swap(from, to) => from == self.state && is_useful(to),
            Effect::Update | Effect::Any => true,
        }
    }

    /// Rule 4: `true` if the last step was a write or an update after which nothing was read, and this write could
    /// have been there instead. One that no call needs could not: it waits until it has to be placed. Of two
    /// that do the same, rule 3 has taken the other one for good.
    fn overwrites_at_once(&self, operation: usize, to: StateId) -> bool {
        self.order.last().is_some_and(|Step { operation: last, way, frontier, .. }| {
            *way == Way::Tried
                && matches!(self.effect(*last), Effect::Write(_) | Effect::Update)
                && self.effect(*last) != self.effect(operation)
                && self.list.call(operation) < *frontier
                && self.is_useful(Some(to), self.states.get(to))
        })
    }

    /// Rule 3.
    fn add_choice(&mut self, first: usize, operation: usize) {
        let effect = self.effect(operation);
        let is_same = |choice: &&mut Choice| {
            !matches!(effect, Effect::Update | Effect::Any)
                && self.operations[choice.operation].effect == effect
        };
        match self.choices[first..].iter_mut().find(is_same) {
            None => self.choices.push(Choice { operation, way: Way::Tried }),
            Some(other) if self.list.deadline(operation) < self.list.deadline(other.operation) => {
                other.operation = operation;
            }
            Some(_) => {}
        }
    }

    /// Places a choice, unless that cannot end well.
    pub(super) fn try_choice(&mut self, Choice { operation, way }: Choice) -> bool {
        if way == Way::Overwritten {
            let can_be_missed = match self.effect(operation) {
                Effect::Write(to) => to == self.state || self.is_made_again(to, operation),
                Effect::Read(_) | Effect::Swap(..) | Effect::Update | Effect::Any => true,
            };
            if can_be_missed {
                self.place(operation, way, self.state);
            }
            return can_be_missed;
        }
        let Some(next) = self.next_state(operation) else { return false };
        let after = match next {
            Next::Known(state) => After { id: Some(state), value: self.states.get(state).clone() },
            Next::Computed(value) => After { id: self.states.find(&value), value },
        };
        let fits = self.keeps_goal(operation, &after)
            && self.may_satisfy_next(operation, &after)
            && self.is_worth_it(operation, &after);
        if fits {
            let after = after.id.unwrap_or_else(|| self.states.id(after.value));
            self.place(operation, way, after);
        }
        fits
    }

    /// Rule 2: `false` if the first state that is needed of those that could be reached is lost.
    fn keeps_goal(&mut self, operation: usize, after: &After<M::State>) -> bool {
        if after.id == Some(self.state) {
            return true;
        }
        let Operation { effect, is_pending, .. } = self.operations[operation];
        let own = effect.needs().filter(|_| !is_pending).copied();
        let Some(goal) = self.goal_of_state(own) else { return true };
        let growing = self.left.growing - u32::from(matches!(effect, Effect::Update | Effect::Any));
        (growing > 0 && self.model.reaches(&after.value, self.states.get(goal)))
            || after.id == Some(goal)
            || self.is_reached_after_a_change(goal, operation, growing)
    }

    /// The first state that returned operations need, of those that can be reached from the present one.
    /// `own` is a need of the operation itself.
    fn goal_of_state(&mut self, own: Option<StateId>) -> Option<StateId> {
        let is_needed = |left: &Left, goal| left.needed(goal) > u32::from(own == Some(goal));
        if is_needed(&self.left, self.state) {
            return Some(self.state);
        }
        if self.left.growing == 0 {
            return None;
        }
        let (model, states, left) = (self.model, &self.states, &self.left);
        let state = states.get(self.state);
        self.goals.first(self.state, |goal| {
            let reached = model.reaches(state, states.get(goal));
            (reached, is_needed(left, goal))
        })
    }

    /// Rule 4: `false` for a write or an update that need not be placed yet, and leads to nothing that
    /// anybody needs.
    fn is_worth_it(&self, operation: usize, after: &After<M::State>) -> bool {
        let is_forced = self.list.entry(self.list.first_return()) == Entry::Return(operation);
        !matches!(self.effect(operation), Effect::Write(_) | Effect::Update)
            || (is_forced && !self.is_overwritten(operation))
            || self.is_useful(after.id, &after.value)
    }

    /// `false` for a state that leads to nothing that anybody needs.
    fn is_useful(&self, id: Option<StateId>, state: &M::State) -> bool {
        if self.mode == Mode::Ends || self.left.opaque > 0 {
            return true;
        }
        if self.left.growing == 0 {
            return id.is_some_and(|id| self.left.needs(id) > 0);
        }
        self.goals.all().any(|goal| {
            self.left.needs(goal) > 0 && self.model.reaches(state, self.states.get(goal))
        })
    }

    /// `false` if a state is needed, and no other operation leads to it.
    fn is_made_again(&self, state: StateId, operation: usize) -> bool {
        self.left.needed(state) == 0
            || self.left.makers(state) > 1
            || (self.left.growing > 0
                && (self.model.reaches(self.states.get(self.state), self.states.get(state))
                    || self.is_reached_after_a_change(state, operation, self.left.growing)))
    }

    /// `true` if a write or a swap that is not placed yet, other than this one, leads to a state that can
    /// become that one.
    fn is_reached_after_a_change(&self, state: StateId, operation: usize, growing: u32) -> bool {
        let own = u32::from(self.effect(operation).leads_to() == Some(&state));
        if self.left.makers(state) > own {
            return true;
        }
        growing > 0
            && self.changes.iter().any(|change| {
                let to = self.effect(*change).leads_to().copied();
                *change != operation
                    && !self.placed.contains(*change)
                    && to.is_some_and(|to| self.reaches(to, state))
            })
    }

    fn reaches(&self, from: StateId, to: StateId) -> bool {
        from == to || self.model.reaches(self.states.get(from), self.states.get(to))
    }

    /// Rule 2: `false` if the first call to return that needs a state can no longer get it.
    fn may_satisfy_next(&self, operation: usize, after: &After<M::State>) -> bool {
        let Some((needed, deadline)) = self.next_need(operation) else { return true };
        let effect = self.effect(operation);
        let growing = self.left.growing - u32::from(matches!(effect, Effect::Update | Effect::Any));
        if after.id == Some(needed)
            || (growing > 0 && self.model.reaches(&after.value, self.states.get(needed)))
        {
            return true;
        }
        let mut position = self.list.first();
        while position < deadline {
            if let Entry::Call(other) = self.list.entry(position)
                && other != operation
                && self
                    .effect(other)
                    .leads_to()
                    .is_some_and(|to| *to == needed || (growing > 0 && self.reaches(*to, needed)))
            {
                return true;
            }
            position = self.list.after(position);
        }
        false
    }

    /// The state that the first call to return needs of those that need one, and the place of its return.
    fn next_need(&self, operation: usize) -> Option<(StateId, Position)> {
        let mut position = self.list.first();
        for _ in 0..LOOK_AHEAD {
            match self.list.entry(position) {
                Entry::Return(other) if other != operation => {
                    if let Some(needs) = self.effect(other).needs() {
                        return Some((*needs, position));
                    }
                }
                Entry::Return(_) | Entry::Call(_) => {}
                Entry::End => return None,
            }
            position = self.list.after(position);
        }
        None
    }
}

/// The state after an operation.
enum Next<S> {
    Known(StateId),
    Computed(S),
}

/// The state after an operation, with its number if it was met before.
struct After<S> {
    id: Option<StateId>,
    value: S,
}

/// So many entries are looked at for the next need: those of more clients than histories have.
const LOOK_AHEAD: usize = 400;
