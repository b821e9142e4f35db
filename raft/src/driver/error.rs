//! What can go wrong, said so that a caller knows what it may do.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use crate::config::ConfigError;
use crate::membership_change::ChangeError;
use crate::node::TransferError;
use crate::persistent_state::CorruptStore;
use crate::storage::StorageError;
use crate::transport::TransportError;
use crate::types::{EntryId, Index, PeerId};
use crate::verbose::BadVariable;

/// A command was not answered. [`WriteError::outcome`] tells whether it may still happen.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// This peer does not lead; nothing was appended. Ask the leader.
    #[error("this peer does not lead, {}", LeaderHint(*leader, address.as_deref()))]
    NotLeader {
        /// Who leads, as far as this peer knows.
        leader: Option<PeerId>,
        /// Where it is reached, if peers have addresses.
        address: Option<String>,
    },
    /// Leadership is on its way to another peer; nothing was appended. Try again soon.
    #[error("leadership is on its way to peer {to}")]
    TransferInProgress {
        /// The peer that is to lead.
        to: PeerId,
    },
    /// Too much waits already; nothing was appended. Try again later.
    #[error("{pending} commands of {bytes} bytes are waiting already; `Settings` allows no more")]
    Overloaded {
        /// How many commands have no answer yet.
        pending: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// The command is larger than `Settings::command_bytes_max`; nothing was appended.
    #[error("the command has {bytes} bytes, and `command_bytes_max` is {limit}")]
    TooLarge {
        /// The command's size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The command has no encoding; nothing was appended.
    #[error("the command cannot be encoded: {0}")]
    Unencodable(String),
    /// The disk does not answer, so this peer takes no part; nothing was appended.
    #[error("the disk has not answered for {0:?}")]
    DiskStuck(Duration),
    /// The deadline passed before the command was appended.
    #[error("the deadline passed before the command was appended")]
    DeadlineExceeded,
    /// Another command was committed in its place; it never happened and never will.
    #[error("entry {id} was replaced by a newer leader's")]
    Replaced {
        /// The place it had.
        id: EntryId,
    },
    /// The command was appended, and it is not known whether it is or will be committed. Whoever
    /// sends it again may have it carried out twice.
    #[error("whether the command is carried out is unknown: {reason}")]
    OutcomeUnknown {
        /// The place it has if it commits, as far as it is known.
        id: Option<EntryId>,
        /// Why.
        reason: UnknownReason,
    },
    /// The node has ended; nothing was appended.
    #[error("the node has ended: {0}")]
    Stopped(StopReason),
}

/// Why nobody knows what became of a command.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownReason {
    /// Another peer leads, and has not said yet what it keeps.
    #[error("this peer no longer leads")]
    LeadershipLost,
    /// The deadline passed after the command was appended.
    #[error("the deadline passed")]
    DeadlinePassed,
    /// The node has ended.
    #[error("the node has ended: {0}")]
    Stopped(StopReason),
}

/// What became of a command that was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It never happens: sending it again is safe.
    Never,
    /// It may have happened or may still happen.
    Unknown,
}

impl WriteError {
    /// Whether the command may happen in spite of the error.
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

/// A read was not answered; asking again is always safe.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Nobody leads, as far as this peer knows. Try again soon, here or elsewhere.
    #[error("this peer knows no leader")]
    NoLeader,
    /// Leadership changed before the read was known to be of the newest state.
    #[error("leadership changed before the read was confirmed")]
    LeadershipLost,
    /// The leader did not take the read: it has too many, or has just been elected.
    #[error("the leader did not take the read")]
    Refused,
    /// Too much waits already. Try again later.
    #[error("{pending} calls are waiting already; `Settings` allows no more")]
    Overloaded {
        /// How many calls have no answer yet.
        pending: u64,
    },
    /// The disk does not answer, so this peer takes no part.
    #[error("the disk has not answered for {0:?}")]
    DiskStuck(Duration),
    /// The deadline passed.
    #[error("the deadline passed")]
    DeadlineExceeded,
    /// The node has ended.
    #[error("the node has ended: {0}")]
    Stopped(StopReason),
}

/// Members were not changed, or it is not known whether they will be.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MembershipError {
    /// The change was not begun; nothing happened.
    #[error(transparent)]
    Refused(#[from] ChangeError),
    /// The disk does not answer, so this peer takes no part; nothing happened.
    #[error("the disk has not answered for {0:?}")]
    DiskStuck(Duration),
    /// Too much waits already; nothing happened.
    #[error("{pending} calls are waiting already; `Settings` allows no more")]
    Overloaded {
        /// How many calls have no answer yet.
        pending: u64,
    },
    /// The change was begun and may go on by itself. The status of any peer shows the members.
    #[error("whether the members change is unknown: {0}")]
    OutcomeUnknown(UnknownReason),
    /// The node has ended; nothing happened.
    #[error("the node has ended: {0}")]
    Stopped(StopReason),
}

/// Leadership did not move.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeadershipTransferError {
    /// It was not begun; nothing happened.
    #[error(transparent)]
    Refused(#[from] TransferError),
    /// The disk does not answer, so this peer takes no part; nothing happened.
    #[error("the disk has not answered for {0:?}")]
    DiskStuck(Duration),
    /// Too much waits already; nothing happened.
    #[error("{pending} calls are waiting already; `Settings` allows no more")]
    Overloaded {
        /// How many calls have no answer yet.
        pending: u64,
    },
    /// The other peer did not take over within an election timeout, and this peer leads on. The
    /// other one may be down, cut off or far behind; should it have been called already, and the
    /// call be late, it may still take over.
    #[error("peer {to} did not take over in time, and this peer leads on")]
    Aborted {
        /// The other peer.
        to: PeerId,
    },
    /// An election came of it that somebody else won, perhaps this peer.
    #[error("peer {leader} was elected instead of peer {to}")]
    AnotherElected {
        /// Who was to lead.
        to: PeerId,
        /// Who leads.
        leader: PeerId,
    },
    /// This peer no longer leads, and did not hear in time who does.
    #[error("nobody was heard to lead within {0:?}")]
    DeadlineExceeded(Duration),
    /// The node has ended; nothing happened.
    #[error("the node has ended: {0}")]
    Stopped(StopReason),
}

/// [`Raft::wait`](super::Raft::wait) ended before its condition came true.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The condition did not come true in time.
    #[error("the condition did not come true within {0:?}")]
    DeadlineExceeded(Duration),
    /// The node has ended, and its status stays what it is.
    #[error("the node has ended: {0}")]
    Stopped(StopReason),
}

/// Why a node has ended.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopReason {
    /// [`Raft::shutdown`](super::Raft::shutdown) was called, or the last handle dropped.
    #[error("it was shut down")]
    ShutDown,
    /// [`Raft::kill`](super::Raft::kill) was called.
    #[error("it was killed")]
    Killed,
    /// The store failed. What it holds is known again after a new start.
    #[error("the store failed: {0}")]
    Storage(Arc<StorageError>),
    /// The state machine panicked or could not go on.
    #[error(transparent)]
    StateMachine(#[from] MachineFailure),
    /// The driver itself panicked: a bug of this library.
    #[error("the driver failed")]
    Driver,
}

/// A node cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A part is missing.
    #[error("there is no {what}: call `{call}`")]
    Missing {
        /// The part.
        what: &'static str,
        /// The builder's methods that set it.
        call: &'static str,
    },
    /// Two calls that exclude each other.
    #[error("`{one}` and `{other}` exclude each other: leave one out")]
    Conflict {
        /// One.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// A peer has no address, and is to be reached over a network.
    #[error("peer {0} has no address: pass `(id, \"host:port\")` to `peers`")]
    NoAddress(PeerId),
    /// Others could read and write what the peers say to each other.
    #[error(
        "others reach {address}: call `tls`, or `plain_tcp` if everybody on that network may read and write the log"
    )]
    NoSecurity {
        /// The first address that is no loopback address.
        address: String,
    },
    /// A setting of the driver that cannot work.
    #[error("`{name}` must be at least {least}")]
    InvalidSetting {
        /// The setting.
        name: &'static str,
        /// The least that works.
        least: &'static str,
    },
    /// A setting of the protocol that cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `VERBOSE` or `VERBOSE_FORMAT` cannot be read.
    #[error(transparent)]
    Verbose(#[from] BadVariable),
    /// The store cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The store holds what no order of writes leaves behind.
    #[error(transparent)]
    Corrupt(#[from] CorruptStore),
    /// The transport cannot start.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The system gave no thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The state machine refused the stored snapshot.
    #[error(transparent)]
    StateMachine(#[from] MachineFailure),
}

/// A state machine that panicked or could not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state machine failed {at}: {what}")]
pub struct MachineFailure {
    /// Where.
    pub at: String,
    /// What it said.
    pub what: String,
}

/// The peer to ask instead.
struct LeaderHint<'a>(Option<PeerId>, Option<&'a str>);

impl std::fmt::Display for LeaderHint<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.0, self.1) {
            (None, _) => write!(f, "and knows no leader"),
            (Some(leader), None) => write!(f, "peer {leader} does"),
            (Some(leader), Some(address)) => write!(f, "peer {leader} at {address} does"),
        }
    }
}

impl MachineFailure {
    pub(super) fn at_index(index: Index, what: String) -> Self {
        Self { at: format!("at index {index}"), what }
    }
}

/// Runs code that is not ours; a panic becomes what it said.
pub(super) fn catch_panic<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(code))
        .map_err(|panic| panic_message(&*panic))
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.map_or_else(|| "it panicked".to_owned(), |text| format!("it panicked: {text}"))
}
