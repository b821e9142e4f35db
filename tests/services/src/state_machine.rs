//! State machines: what is replicated.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A deterministic state machine. The whole of it is its snapshot.
pub trait StateMachine: Clone + fmt::Debug + Serialize + DeserializeOwned + Send + 'static {
    /// A change of the state, as it travels through the log.
    type Command: Serialize + DeserializeOwned + Clone + Send + 'static;
    /// Result of a command.
    type Answer: Send + 'static;

    /// Applies a committed command.
    fn apply(&mut self, command: Self::Command) -> Self::Answer;
}

/// A value as bytes.
///
/// # Panics
/// The type has no encoding: a sequence of unknown length.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("commands and states have an encoding")
}

/// The value of bytes.
///
/// # Errors
/// The bytes are not such a value.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, postcard::Error> {
    postcard::from_bytes(bytes)
}
