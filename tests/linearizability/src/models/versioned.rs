//! A value with a version.

use std::sync::Arc;

use crate::model::{Effect, Model};

/// A value that is replaced only by who knows its version, as in the MIT labs since 2025.
#[derive(Clone, Copy, Debug)]
pub struct Versioned;

/// A value and its version, which counts the Puts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VersionedValue {
    /// The version; 0 as long as there is no value.
    pub version: u64,
    /// The value; empty as long as there is none.
    pub value: Arc<str>,
}

/// A call on such a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionedCall {
    /// Returned value and version, if it returned.
    Get(Option<VersionedValue>),
    /// Replaces the value if it has this version.
    Put {
        /// The new value.
        value: Arc<str>,
        /// The version it replaces.
        version: u64,
        /// The result, if there is one.
        result: Option<PutResult>,
    },
}

/// The result of a Put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutResult {
    /// The value was replaced.
    Ok,
    /// It has another version.
    WrongVersion,
    /// There is no value, and the version expected was not 0.
    NoKey,
    /// Replaced while the call was open, or not.
    Maybe,
}

impl Model for Versioned {
    type State = VersionedValue;
    type Call = VersionedCall;

    fn start(&self) -> VersionedValue {
        VersionedValue::default()
    }

    fn after(&self, state: &VersionedValue, call: &VersionedCall) -> Option<VersionedValue> {
        match call {
            VersionedCall::Get(read) => {
                read.as_ref().is_none_or(|read| read == state).then(|| state.clone())
            }
            VersionedCall::Put { value, version, result } => {
                let is_match = *version == state.version;
                let is_possible = match result {
                    Some(PutResult::Ok) => is_match,
                    Some(PutResult::WrongVersion) => !is_match && state.version > 0,
                    Some(PutResult::NoKey) => !is_match && state.version == 0,
                    Some(PutResult::Maybe) | None => true,
                };
                let next = || VersionedValue { version: version + 1, value: Arc::clone(value) };
                is_possible.then(|| if is_match { next() } else { state.clone() })
            }
        }
    }

    fn effect(&self, call: &VersionedCall) -> Effect<VersionedValue> {
        match call {
            VersionedCall::Get(read) => Effect::Read(read.clone()),
            VersionedCall::Put { value, version: 0, result: Some(PutResult::Ok) | None } => {
                let first = VersionedValue { version: 1, value: Arc::clone(value) };
                Effect::Swap(self.start(), first)
            }
            VersionedCall::Put { version: 1.., result: Some(PutResult::NoKey), .. } => {
                Effect::Read(Some(self.start()))
            }
            VersionedCall::Put {
                result: Some(PutResult::WrongVersion | PutResult::NoKey), ..
            } => Effect::Read(None),
            VersionedCall::Put { result: Some(PutResult::Maybe) | None, .. } => Effect::Update,
            VersionedCall::Put { result: Some(PutResult::Ok), .. } => Effect::Any,
        }
    }

    fn reaches(&self, from: &VersionedValue, to: &VersionedValue) -> bool {
        from == to || from.version < to.version
    }

    /// A Put of a version that has been replaced comes too late for ever.
    fn is_read_from(&self, state: &VersionedValue, call: &VersionedCall) -> bool {
        match call {
            VersionedCall::Put { version, result: Some(PutResult::Maybe) | None, .. } => {
                *version < state.version
            }
            VersionedCall::Get(_) | VersionedCall::Put { .. } => false,
        }
    }

    fn describe_call(&self, call: &VersionedCall) -> String {
        match call {
            VersionedCall::Get(None) => "get -> ?".to_owned(),
            VersionedCall::Get(Some(read)) => format!("get -> {}", self.describe_state(read)),
            VersionedCall::Put { value, version, result } => {
                let result = match result {
                    Some(PutResult::Ok) => "ok",
                    Some(PutResult::WrongVersion) => "wrong version",
                    Some(PutResult::NoKey) => "no key",
                    Some(PutResult::Maybe) => "maybe",
                    None => "?",
                };
                format!("put {value:?} for version {version} -> {result}")
            }
        }
    }

    fn describe_state(&self, state: &VersionedValue) -> String {
        match state.version {
            0 => "no key".to_owned(),
            version => format!("{:?} version {version}", state.value),
        }
    }
}
