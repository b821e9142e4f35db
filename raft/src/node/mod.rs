//! The state machine of one peer. (Interface; the rules follow.)

use crate::config::ValidConfig;
use crate::entry::{BrokenSlice, Bytes};
use crate::log::Log;
use crate::output::{Input, Output, Stored};
use crate::role::RoleName;
use crate::trace::Sink;
use crate::types::{EntryId, Index, Instant, PeerId, Term};

/// Where a node's randomness comes from: one number for each election timeout.
pub trait Jitter {
    /// A number, uniform over all of `u64`.
    fn draw(&mut self, term: Term) -> u64;
}

/// One peer's state machine.
pub struct Node {}

/// What a peer looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The peer.
    pub id: PeerId,
    /// Its role.
    pub role: RoleName,
    /// Figure 2 `currentTerm`.
    pub current_term: Term,
    /// Figure 2 `votedFor`.
    pub voted_for: Option<PeerId>,
    /// Who leads the term, as far as the peer knows.
    pub leader: Option<PeerId>,
    /// Figure 2 `commitIndex`.
    pub commit_index: Index,
    /// Figure 2 `lastApplied`: the last index handed to the state machine.
    pub last_applied: Index,
    /// The last index known to be durable here.
    pub durable_index: Index,
}

/// A command was not taken: this peer does not lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the leader")]
pub struct NotLeader {
    /// Who leads, as far as this peer knows.
    pub leader: Option<PeerId>,
}

/// A snapshot that cannot replace the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompactError {
    /// The state machine has not been given this index yet.
    #[error("index {through} is not applied yet (last applied: {last_applied})")]
    NotApplied {
        /// The index asked for.
        through: Index,
        /// The last index applied.
        last_applied: Index,
    },
    /// A snapshot through this index or a later one is there already.
    #[error("index {through} is covered by the snapshot through {snapshot}")]
    AlreadyCompacted {
        /// The index asked for.
        through: Index,
        /// The snapshot's index.
        snapshot: Index,
    },
}

impl Node {
    /// Starts a node from what its store holds.
    ///
    /// # Errors
    /// The stored entries have a gap or falling terms.
    pub fn new(
        config: ValidConfig,
        stored: Stored,
        now: Instant,
        jitter: Box<dyn Jitter + Send>,
    ) -> Result<Self, BrokenSlice> {
        let _ = (config, stored, now, jitter);
        Ok(Self {})
    }

    /// Sends protocol events to `sink` from now on.
    pub fn set_sink(&mut self, sink: Box<dyn Sink + Send>) {
        let _ = sink;
    }

    /// Takes what happened.
    pub fn handle(&mut self, now: Instant, input: Input) {
        let _ = (now, input);
    }

    /// Appends a command if this peer leads.
    ///
    /// # Errors
    /// It does not lead.
    pub fn propose(&mut self, now: Instant, command: Bytes) -> Result<EntryId, NotLeader> {
        let _ = (now, command);
        Err(NotLeader { leader: None })
    }

    /// Replaces the log through `through` by the service's snapshot.
    ///
    /// # Errors
    /// The index is not applied yet or already compacted.
    pub fn compact(
        &mut self,
        now: Instant,
        through: Index,
        data: Bytes,
    ) -> Result<(), CompactError> {
        let _ = (now, data);
        Err(CompactError::NotApplied { through, last_applied: Index::ZERO })
    }

    /// The next thing to do, in order; see [`crate::output`].
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }

    /// When the node wants [`Input::Tick`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// What the peer looks like from outside.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            id: PeerId::new(0),
            role: RoleName::Follower,
            current_term: Term::ZERO,
            voted_for: None,
            leader: None,
            commit_index: Index::ZERO,
            last_applied: Index::ZERO,
            durable_index: Index::ZERO,
        }
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &Log {
        static EMPTY: std::sync::OnceLock<Log> = std::sync::OnceLock::new();
        EMPTY.get_or_init(Log::default)
    }
}
