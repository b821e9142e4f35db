//! What a user brings: a state machine and its commands.

use std::cell::RefCell;
use std::error::Error;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::WriteError;
use crate::entry::Bytes;

/// What can go wrong inside a user's code: whatever it says.
pub type MachineError = Box<dyn Error + Send + Sync>;

/// A service that is replicated: the same commands in the same order give the same state on every
/// peer, so it must not look at clocks, randomness or anything else of its own machine.
///
/// ```
/// use raft::driver::{MachineError, StateMachine, from_bytes, to_bytes};
///
/// #[derive(Default)]
/// struct Counter { value: u64 }
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Add(u64);
///
/// impl StateMachine for Counter {
///     type Command = Add;
///     type Answer = u64;
///
///     fn apply(&mut self, Add(count): Add) -> u64 {
///         self.value += count;
///         self.value
///     }
///     fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
///         to_bytes(&self.value)
///     }
///     fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
///         self.value = from_bytes(snapshot)?;
///         Ok(())
///     }
/// }
/// ```
pub trait StateMachine: Send + 'static {
    /// What changes the state.
    type Command: Command;
    /// What a caller gets back. It never travels: only the peer that was called gives it.
    type Answer: Send + 'static;

    /// Carries out a committed command. May be slow (see [`ApplyOn`](super::ApplyOn)), must not
    /// panic: a panic ends the node.
    fn apply(&mut self, command: Self::Command) -> Self::Answer;

    /// The whole state, as bytes.
    ///
    /// # Errors
    /// There is no snapshot now; the driver says so in a `tracing` event and tries again later.
    fn snapshot(&self) -> Result<Vec<u8>, MachineError>;

    /// Replaces the whole state by what [`StateMachine::snapshot`] made, here or on another peer.
    ///
    /// # Errors
    /// The bytes are no snapshot. This ends the node: it cannot know the state it should have.
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError>;

    /// Whether the driver shall take a snapshot of the state as it is now, whatever
    /// [`SnapshotPolicy`](super::SnapshotPolicy) says. Asked after every command; for state
    /// machines that know better when their state is small, or must be kept.
    fn wants_snapshot(&self) -> bool {
        false
    }
}

/// A command that can become bytes and come back. Every serde type is one, by postcard; a type
/// that is not a serde type may bring an encoding of its own.
pub trait Command: Sized + Send + 'static {
    /// Appends the command's bytes to `bytes`.
    ///
    /// # Errors
    /// The command has no encoding.
    fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), MachineError>;

    /// The command of these bytes.
    ///
    /// # Errors
    /// The bytes are no command. This ends the node: the others may have applied it.
    fn decode(bytes: &[u8]) -> Result<Self, MachineError>;
}

impl<T: Serialize + DeserializeOwned + Send + 'static> Command for T {
    fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), MachineError> {
        *bytes = postcard::to_extend(self, std::mem::take(bytes))?;
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Self, MachineError> {
        from_bytes(bytes)
    }
}

thread_local! {
    /// Where commands are encoded, so that each is allocated once, with its final size.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A buffer that grew larger than this is not kept.
const SCRATCH_KEPT_BYTES: usize = 64 * 1024;

/// The bytes that log, messages, store and state machine share.
pub(super) fn encode(command: &impl Command, limit: usize) -> Result<Bytes, WriteError> {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.clear();
        let encoded = command.encode(scratch);
        let bytes = match encoded {
            Err(error) => Err(WriteError::Unencodable(error.to_string())),
            Ok(()) if scratch.len() > limit => {
                Err(WriteError::TooLarge { bytes: scratch.len(), limit })
            }
            Ok(()) => Ok(Bytes::from(scratch.as_slice())),
        };
        if scratch.capacity() > SCRATCH_KEPT_BYTES {
            *scratch = Vec::new();
        }
        bytes
    })
}

/// A serde value as bytes, for [`StateMachine::snapshot`].
///
/// # Errors
/// The value has no encoding, such as a sequence of unknown length.
pub fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, MachineError> {
    Ok(postcard::to_stdvec(value)?)
}

/// The value of bytes made by [`to_bytes`], for [`StateMachine::restore`].
///
/// # Errors
/// The bytes are no such value, or more than one.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, MachineError> {
    match postcard::take_from_bytes(bytes)? {
        (value, []) => Ok(value),
        (_, rest) => Err(format!("{} bytes too many", rest.len()).into()),
    }
}
