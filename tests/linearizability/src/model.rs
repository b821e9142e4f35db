//! Objects whose calls are checked.

use std::fmt::Debug;
use std::hash::Hash;

/// An object as a sequential program would see it.
///
/// `start`, `after` and `effect` decide the answer; the rest makes the search short. What a model does
/// not know, it leaves as it is here.
pub trait Model {
    /// Its state.
    type State: Clone + Eq + Hash + Debug;
    /// A call with its result, if it has one.
    type Call: Debug;

    /// The state before all calls.
    fn start(&self) -> Self::State;

    /// The state after a call; `None` if the call cannot have this result in this state. A call
    /// without a result is possible in every state.
    fn after(&self, state: &Self::State, call: &Self::Call) -> Option<Self::State>;

    /// The effect of a call, as far as it does not depend on the state before it.
    fn effect(&self, call: &Self::Call) -> Effect<Self::State> {
        let _ = call;
        Effect::Any
    }

    /// `false` if calls whose effect is [`Effect::Update`] or [`Effect::Any`] can never lead from one
    /// state to the other, in any number. A string that is only appended to reaches those that begin with it.
    fn reaches(&self, from: &Self::State, to: &Self::State) -> bool {
        let _ = (from, to);
        true
    }

    /// `true` if a call whose effect is [`Effect::Update`] or [`Effect::Any`] is possible in this state and in all that can
    /// follow it, by whatever calls, and leaves all of them as they are.
    fn is_read_from(&self, state: &Self::State, call: &Self::Call) -> bool {
        let _ = (state, call);
        false
    }

    /// A call for people.
    fn describe_call(&self, call: &Self::Call) -> String {
        format!("{call:?}")
    }

    /// A state for people.
    fn describe_state(&self, state: &Self::State) -> String {
        format!("{state:?}")
    }
}

/// The effect of a call.
///
/// The more a model tells, the fewer orders have to be tried: a read is placed as soon as it is
/// possible, since it leaves everything as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect<S> {
    /// Leaves every state as it is. Possible in this state alone, or in several ones.
    Read(Option<S>),
    /// Possible in every state, and leads to this one.
    Write(S),
    /// Possible in the first state alone, and leads to the second. That one which has not returned may
    /// have done nothing need not be told: it counts as never executed then.
    Swap(S, S),
    /// Possible in every state; what it leads to depends on the state.
    Update,
    /// Depends on the state.
    Any,
}

impl<S> Effect<S> {
    /// The only state in which the call is possible.
    pub(crate) const fn needs(&self) -> Option<&S> {
        match self {
            Self::Read(needs) => needs.as_ref(),
            Self::Swap(from, _) => Some(from),
            Self::Write(_) | Self::Update | Self::Any => None,
        }
    }

    /// `true` if it may depend on a state that it does not name.
    pub(crate) const fn is_vague(&self) -> bool {
        matches!(self, Self::Update | Self::Any | Self::Read(None))
    }

    /// The only state after the call, if it is not the one before.
    pub(crate) const fn leads_to(&self) -> Option<&S> {
        match self {
            Self::Write(to) | Self::Swap(_, to) => Some(to),
            Self::Read(_) | Self::Update | Self::Any => None,
        }
    }
}
