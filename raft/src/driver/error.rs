//! The errors of a driver. Each says what is known of the outcome, so that a caller knows whether
//! to retry.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use crate::config::ConfigError;
use crate::membership_change::ChangeError;
use crate::node::TransferError;
use crate::restore_error::RestoreError;
use crate::storage::StorageError;
use crate::transport::TransportError;
use crate::types::{EntryId, Index, PeerId};
use crate::verbose::BadVariable;

/// A command failed. [`WriteError::outcome`] says whether it may still be applied.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// This peer is not the leader; nothing was appended. Ask the leader.
    #[error("not the leader; {}", LeaderHint(*leader, address.as_deref()))]
    NotLeader {
        /// The known leader.
        leader: Option<PeerId>,
        /// The leader's address, if peers have addresses.
        address: Option<String>,
    },
    /// A leadership transfer is in progress; nothing was appended. Retry soon.
    #[error("a transfer of leadership to peer {to} is in progress")]
    TransferInProgress {
        /// The next leader.
        to: PeerId,
    },
    /// Too many commands are pending; nothing was appended. Retry later.
    #[error("overloaded: {pending} commands of {bytes} bytes are pending, the limit of `Settings`")]
    Overloaded {
        /// Number of pending commands.
        pending: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// The command is larger than `Settings::command_bytes_max`; nothing was appended.
    #[error("the command has {bytes} bytes, `command_bytes_max` is {limit}")]
    TooLarge {
        /// The command's size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The command has no encoding; nothing was appended.
    #[error("cannot encode the command: {0}")]
    Unencodable(String),
    /// The disk is stuck, so this peer takes no part; nothing was appended.
    #[error("the disk has not answered for {0:?}")]
    DiskStuck(Duration),
    /// The deadline passed before the command was appended.
    #[error("deadline exceeded before the command was appended")]
    DeadlineExceeded,
    /// Another entry was committed at its index; the command is never applied.
    #[error("entry {id} was replaced by another leader's entry")]
    Replaced {
        /// Its former entry id.
        id: EntryId,
    },
    /// The command was appended, and may or may not be committed. A retry may apply it twice.
    #[error("outcome unknown: {reason}")]
    OutcomeUnknown {
        /// Its entry id if it commits, as far as it is known.
        id: Option<EntryId>,
        /// The reason.
        reason: UnknownReason,
    },
    /// The node has stopped; nothing was appended.
    #[error("the node has stopped: {0}")]
    Stopped(StopReason),
}

/// The reason of an unknown outcome.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownReason {
    /// Another peer leads, and the fate of the entry is not known yet.
    #[error("leadership lost")]
    LeadershipLost,
    /// The deadline passed after the command was appended.
    #[error("deadline exceeded")]
    DeadlineExceeded,
    /// The node has stopped.
    #[error("the node has stopped: {0}")]
    Stopped(StopReason),
}

/// The outcome of a failed command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is never applied: a retry is safe.
    Never,
    /// It may have been applied, or may be later.
    Unknown,
}

impl WriteError {
    /// The command's outcome, in spite of the error.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::OutcomeUnknown { .. } => Outcome::Unknown,
            Self::NotLeader { .. }
            | Self::TransferInProgress { .. }
            | Self::Overloaded { .. }
            | Self::TooLarge { .. }
            | Self::Unencodable(_)
            | Self::DiskStuck(_)
            | Self::DeadlineExceeded
            | Self::Replaced { .. }
            | Self::Stopped(_) => Outcome::Never,
        }
    }
}

/// A read failed; a retry is always safe.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No leader is known. Retry soon, here or elsewhere.
    #[error("no leader known")]
    NoLeader,
    /// Leadership changed before the read was confirmed.
    #[error("leadership changed before the read was confirmed")]
    LeadershipLost,
    /// The leader rejected the read: it has too many, or was just elected.
    #[error("the leader rejected the read")]
    Rejected,
    /// Too many calls are pending. Retry later.
    #[error("overloaded: {pending} calls are pending, the limit of `Settings`")]
    Overloaded {
        /// Number of pending calls.
        pending: u64,
    },
    /// The disk is stuck, so this peer takes no part.
    #[error("the disk has not answered for {0:?}")]
    DiskStuck(Duration),
    /// The deadline passed.
    #[error("deadline exceeded")]
    DeadlineExceeded,
    /// The closure panicked, with this message. The node and the state machine continue.
    #[error("the read {0}")]
    Panicked(String),
    /// The node has stopped.
    #[error("the node has stopped: {0}")]
    Stopped(StopReason),
}

/// A membership change failed, or its outcome is unknown.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MembershipError {
    /// The change was rejected; nothing changed.
    #[error(transparent)]
    Rejected(#[from] ChangeError),
    /// The disk is stuck, so this peer takes no part; nothing changed.
    #[error("the disk has not answered for {0:?}")]
    DiskStuck(Duration),
    /// Too many calls are pending; nothing changed.
    #[error("overloaded: {pending} calls are pending, the limit of `Settings`")]
    Overloaded {
        /// Number of pending calls.
        pending: u64,
    },
    /// The change was started and may still complete. The status of any peer shows the members.
    #[error("outcome unknown: {0}")]
    OutcomeUnknown(UnknownReason),
    /// The change was not accepted within the deadline of a call that waits; nothing changed.
    #[error("gave up after {waited:?}: {last}")]
    GaveUp {
        /// The deadline.
        waited: Duration,
        /// The last error.
        last: Box<Self>,
    },
    /// The node has stopped; nothing changed.
    #[error("the node has stopped: {0}")]
    Stopped(StopReason),
}

/// A leadership transfer failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeadershipTransferError {
    /// The transfer was rejected; nothing changed.
    #[error(transparent)]
    Rejected(#[from] TransferError),
    /// The disk is stuck, so this peer takes no part; nothing changed.
    #[error("the disk has not answered for {0:?}")]
    DiskStuck(Duration),
    /// Too many calls are pending; nothing changed.
    #[error("overloaded: {pending} calls are pending, the limit of `Settings`")]
    Overloaded {
        /// Number of pending calls.
        pending: u64,
    },
    /// The other peer did not take over within an election timeout, and this peer remains leader.
    /// The other one may be down, cut off or far behind; if TimeoutNow was already sent and is
    /// late, it may still take over.
    #[error("peer {to} did not take over in time; this peer remains leader")]
    Aborted {
        /// The other peer.
        to: PeerId,
    },
    /// Another peer won the election, perhaps this one.
    #[error("peer {leader} was elected instead of peer {to}")]
    AnotherElected {
        /// The intended leader.
        to: PeerId,
        /// The elected leader.
        leader: PeerId,
    },
    /// This peer no longer leads, and no leader is known.
    #[error("no leader seen within {0:?}")]
    DeadlineExceeded(Duration),
    /// The node has stopped; nothing changed.
    #[error("the node has stopped: {0}")]
    Stopped(StopReason),
}

/// [`Raft::wait`](super::Raft::wait) ended before its condition was met.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The condition was not met in time.
    #[error("condition not met within {0:?}")]
    DeadlineExceeded(Duration),
    /// The node has stopped; its status is final.
    #[error("the node has stopped: {0}")]
    Stopped(StopReason),
}

/// The reason of a node's end.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopReason {
    /// [`Raft::shutdown`](super::Raft::shutdown) was called, or the last handle was dropped.
    #[error("shut down")]
    ShutDown,
    /// [`Raft::kill`](super::Raft::kill) was called.
    #[error("killed")]
    Killed,
    /// The store failed. Its durable state is known again after a restart.
    #[error("the store failed: {0}")]
    Storage(Arc<StorageError>),
    /// The state machine panicked or failed.
    #[error(transparent)]
    StateMachine(#[from] MachineFailure),
    /// The runtime has ended before the node.
    #[error("the tokio runtime has ended")]
    RuntimeEnded,
    /// The driver itself panicked: a bug of this library.
    #[error("the driver panicked")]
    Driver,
}

impl StopReason {
    /// All names of reasons, in the order of the variants.
    pub const NAMES: [&str; 6] =
        ["shut-down", "killed", "storage", "state-machine", "runtime-ended", "driver"];

    /// The reason of a task that ends without one of its own.
    pub(super) fn of_dropped_task() -> Self {
        if std::thread::panicking() { Self::Driver } else { Self::RuntimeEnded }
    }

    /// The name of the reason, for the label `reason` of metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        let [shut_down, killed, storage, state_machine, runtime_ended, driver] = Self::NAMES;
        match self {
            Self::ShutDown => shut_down,
            Self::Killed => killed,
            Self::Storage(_) => storage,
            Self::StateMachine(_) => state_machine,
            Self::RuntimeEnded => runtime_ended,
            Self::Driver => driver,
        }
    }
}

/// A node cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A part is missing.
    #[error("no {what}: call `{call}`")]
    Missing {
        /// The part.
        what: &'static str,
        /// The builder's methods that set it.
        call: &'static str,
    },
    /// Two settings that exclude each other.
    #[error("`{one}` and `{other}` exclude each other: remove one")]
    Conflict {
        /// One.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// A peer has no address on the network.
    #[error("peer {0} has no address: pass `(id, \"host:port\")` to `peers`")]
    NoAddress(PeerId),
    /// An address beyond this machine without a security setting.
    #[error(
        "{address} is not a loopback address: call `tls`, or `plain_tcp` if anyone on that network may read and write the log"
    )]
    NoSecurity {
        /// The first address that is not a loopback address.
        address: String,
    },
    /// An invalid setting of the driver.
    #[error("`{name}` must be at least {least}")]
    InvalidSetting {
        /// The setting.
        name: &'static str,
        /// The least valid value.
        least: &'static str,
    },
    /// A setting of the driver above its limit.
    #[error("`{name}` must be at most {most}")]
    SettingTooLarge {
        /// The setting.
        name: &'static str,
        /// The largest valid value.
        most: &'static str,
    },
    /// An invalid setting of the protocol.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `VERBOSE` or `VERBOSE_FORMAT` cannot be read.
    #[error(transparent)]
    Verbose(#[from] BadVariable),
    /// The store cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The stored state is inconsistent, or that of a cluster of other peers.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The transport cannot start.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The state machine rejected the stored snapshot.
    #[error(transparent)]
    StateMachine(#[from] MachineFailure),
    /// A state on disk contains an entry that the store does not hold.
    #[error(
        "the state machine contains entry {applied}, and the store {held}: one of the two is another \
         peer's, an older copy, or was deleted. Put both back, or delete both and let the peer come \
         back empty"
    )]
    OtherState {
        /// The last entry in the state.
        applied: EntryId,
        /// The store's own entry there, or its end.
        held: String,
    },
}

/// A state machine that panicked or failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state machine failed {at}: {what}{}", remedy(*entry))]
pub struct MachineFailure {
    /// The operation, with its entry or index.
    pub at: String,
    /// The error or panic message.
    pub what: String,
    /// The entry whose command failed, if it was one: every start fails there again.
    pub entry: Option<EntryId>,
}

/// The ways out of a command that fails at every start.
fn remedy(entry: Option<EntryId>) -> String {
    let Some(EntryId { index, .. }) = entry else { return String::new() };
    format!(
        "; every start fails there again: start a program that can apply the command, or exclude it \
         on every peer while it is stopped (`raftctl skip DIRECTORY {index}`)"
    )
}

/// The leader to ask instead, for messages.
struct LeaderHint<'a>(Option<PeerId>, Option<&'a str>);

impl std::fmt::Display for LeaderHint<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.0, self.1) {
            (None, _) => write!(f, "no leader known"),
            (Some(leader), None) => write!(f, "peer {leader} leads"),
            (Some(leader), Some(address)) => write!(f, "peer {leader} at {address} leads"),
        }
    }
}

impl MachineFailure {
    pub(super) fn at_index(index: Index, what: String) -> Self {
        Self { at: format!("at index {index}"), what, entry: None }
    }

    /// The failure of a batch: which of its entries is at fault is not known.
    pub(super) fn applying_batch(first: EntryId, last: EntryId, what: String) -> Self {
        Self { at: format!("applying entries {first} to {last}"), what, entry: None }
    }

    pub(super) fn applying(entry: EntryId, what: String) -> Self {
        Self { at: format!("applying entry {entry}"), what, entry: Some(entry) }
    }
}

/// Runs the user's code; a panic becomes its message.
pub(super) fn catch_panic<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(code))
        .map_err(|panic| panic_message(&*panic))
}

/// Runs a store's code; a panic is a failure of it.
pub(super) fn catch_store_panic<T>(
    code: impl FnOnce() -> Result<T, StorageError>,
) -> Result<T, StorageError> {
    catch_panic(code).unwrap_or_else(|panic| Err(StorageError::Other(panic.into())))
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.map_or_else(|| "panicked".to_owned(), |text| format!("panicked: {text}"))
}
