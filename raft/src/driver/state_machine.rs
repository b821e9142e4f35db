//! The user's state machine, its commands and their encoding.

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::WriteError;
use crate::entry::Bytes;

/// An error of the user's own code.
pub type MachineError = Box<dyn Error + Send + Sync>;

/// Writes the bytes of a snapshot.
pub type WriteSnapshot = Box<dyn FnOnce(&mut dyn Write) -> Result<(), MachineError> + Send>;

/// A state as it was at some entry, to be written as a snapshot while the state machine goes on.
pub enum SnapshotView {
    /// All of its bytes.
    Bytes(Vec<u8>),
    /// A function that writes them; an error means that no snapshot is made now.
    Writer(WriteSnapshot),
}

impl SnapshotView {
    /// A view that this function writes.
    #[must_use]
    pub fn writer<F>(write: F) -> Self
    where
        F: FnOnce(&mut dyn Write) -> Result<(), MachineError> + Send + 'static,
    {
        Self::Writer(Box::new(write))
    }
}

impl fmt::Debug for SnapshotView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Writer(_) => f.write_str("a writer"),
        }
    }
}

/// A replicated service: the same commands in the same order give the same state on every peer, so
/// it must not use clocks, randomness or anything else of its own machine.
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
    /// A change of the state.
    type Command: Command;
    /// The result of a command. It never travels: only the peer that was called returns it.
    type Answer: Send + 'static;

    /// Applies a committed command. May be slow (see [`ApplyOn`](super::ApplyOn)), must not panic:
    /// a panic stops the node.
    fn apply(&mut self, command: Self::Command) -> Self::Answer;

    /// The whole state, as bytes.
    ///
    /// # Errors
    /// No snapshot can be made now; the driver logs a `tracing` event and tries again later.
    fn snapshot(&self) -> Result<Vec<u8>, MachineError>;

    /// A view of the whole state, which a thread of its own writes while further commands are applied.
    /// By default the bytes of [`StateMachine::snapshot`], during which nothing is applied. For large
    /// states: a copy whose parts are shared with the state until they change (`Arc::make_mut`), written by
    /// [`SnapshotView::Writer`] in the same form.
    ///
    /// # Errors
    /// As of [`StateMachine::snapshot`].
    fn snapshot_view(&self) -> Result<SnapshotView, MachineError> {
        self.snapshot().map(SnapshotView::Bytes)
    }

    /// Replaces the whole state by what [`StateMachine::snapshot`] made, here or on another peer.
    ///
    /// # Errors
    /// The bytes are not a snapshot. This stops the node: its state would be unknown.
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError>;

    /// Requests a snapshot of the current state, independently of
    /// [`SnapshotPolicy`](super::SnapshotPolicy). Called after every command; for state machines
    /// that know when their state is small or must be saved.
    fn wants_snapshot(&self) -> bool {
        false
    }
}

/// A command with an encoding. Every serde type is one, by postcard; other types may bring an
/// encoding of their own.
pub trait Command: Sized + Send + 'static {
    /// Appends the command's bytes to `bytes`.
    ///
    /// # Errors
    /// The command has no encoding.
    fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), MachineError>;

    /// The command of these bytes.
    ///
    /// # Errors
    /// The bytes are not a command. This stops the node: other peers may have applied it.
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
    /// Encoding buffer, so that each command is allocated once, with its final size.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Capacity above which the buffer is freed.
const SCRATCH_KEPT_BYTES: usize = 64 * 1024;

/// Encodes a command into the bytes that log, messages, store and state machine share.
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
/// The bytes are not such a value, or have trailing bytes.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, MachineError> {
    match postcard::take_from_bytes(bytes)? {
        (value, []) => Ok(value),
        (_, rest) => Err(format!("{} bytes too many", rest.len()).into()),
    }
}
