//! A register.

use std::fmt::{self, Debug};
use std::hash::Hash;
use std::sync::Arc;

use crate::model::{Effect, Model};

/// A register with reads, writes and compare-and-swap.
#[derive(Clone, Copy, Debug)]
pub struct Register<V> {
    /// Its value before all calls.
    pub start: V,
}

/// A call on a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterCall<V> {
    /// Returned the value, if it returned.
    Read(Option<V>),
    /// Replaced the value.
    Write {
        /// The new value.
        value: V,
        /// The value before, if the call returned it.
        before: Option<V>,
    },
    /// Replaced the value if it was the expected one.
    Cas {
        /// The value expected.
        expected: V,
        /// The new value.
        value: V,
        /// The result, if there is one.
        result: Option<CasResult<V>>,
    },
}

/// The result of a compare-and-swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CasResult<V> {
    /// The value was replaced.
    Swapped,
    /// It was another one.
    Failed,
    /// The value before.
    Before(V),
}

impl<V: Clone + Eq + Hash + Debug> Model for Register<V> {
    type State = V;
    type Call = RegisterCall<V>;

    fn start(&self) -> V {
        self.start.clone()
    }

    fn after(&self, state: &V, call: &RegisterCall<V>) -> Option<V> {
        let (next, before) = match call {
            RegisterCall::Read(value) => (state, value.as_ref()),
            RegisterCall::Write { value, before } => (value, before.as_ref()),
            RegisterCall::Cas { expected, value, result } => {
                let is_swap = expected == state;
                let next = if is_swap { value } else { state };
                match result {
                    Some(CasResult::Swapped) if !is_swap => return None,
                    Some(CasResult::Failed) if is_swap => return None,
                    Some(CasResult::Before(before)) => (next, Some(before)),
                    Some(CasResult::Swapped | CasResult::Failed) | None => (next, None),
                }
            }
        };
        before.is_none_or(|before| before == state).then(|| next.clone())
    }

    fn effect(&self, call: &RegisterCall<V>) -> Effect<V> {
        match call.clone() {
            RegisterCall::Read(value) => Effect::Read(value),
            RegisterCall::Write { value, before: None } => Effect::Write(value),
            RegisterCall::Write { value, before: Some(before) } => Effect::Swap(before, value),
            RegisterCall::Cas { expected, value, result } => match result {
                Some(CasResult::Before(before)) if before != expected => Effect::Read(Some(before)),
                Some(CasResult::Failed) => Effect::Read(None),
                Some(CasResult::Before(_) | CasResult::Swapped) | None => {
                    Effect::Swap(expected, value)
                }
            },
        }
    }

    fn describe_call(&self, call: &RegisterCall<V>) -> String {
        call.describe("read", "write")
    }
}

impl<V: Debug> RegisterCall<V> {
    /// The call for people, with these words for a read and a write.
    pub(super) fn describe(&self, read: &str, write: &str) -> String {
        match self {
            Self::Read(None) => format!("{read} -> ?"),
            Self::Read(Some(value)) => format!("{read} -> {value:?}"),
            Self::Write { value, before } => {
                format!("{write} {value:?}{}", super::answer(before.as_ref()))
            }
            Self::Cas { expected, value, result } => {
                let result = match result {
                    None => " -> ?".to_owned(),
                    Some(CasResult::Swapped) => " -> ok".to_owned(),
                    Some(CasResult::Failed) => " -> failed".to_owned(),
                    Some(CasResult::Before(before)) => super::answer(Some(before)),
                };
                format!("cas {expected:?} {value:?}{result}")
            }
        }
    }
}

/// Any JSON value, as its text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct JsonText(Arc<str>);

impl From<&serde_json::Value> for JsonText {
    fn from(value: &serde_json::Value) -> Self {
        Self(value.to_string().into())
    }
}

impl Debug for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Register<JsonText> {
    /// A register of JSON values; null before all calls.
    #[must_use]
    pub fn of_json() -> Self {
        Self { start: (&serde_json::Value::Null).into() }
    }
}
