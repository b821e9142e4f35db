//! The driver's own limits and habits; those of the protocol are in [`Config`](crate::Config).

use std::time::Duration;

use super::apply_mode::ApplyOn;
use super::error::StartError;

/// Limits and habits of a driver. Start from the default and change what differs.
///
/// ```
/// use raft::driver::{Settings, SnapshotPolicy};
/// let settings = Settings { snapshots: SnapshotPolicy::DEFAULT, ..Settings::default() };
/// assert!(settings.pending_max > 4096);
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a call waits for its answer if it does not say.
    pub deadline: Duration,
    /// How many calls may wait for an answer. One more is refused.
    pub pending_max: u64,
    /// How many bytes of commands may wait for an answer.
    pub pending_bytes_max: u64,
    /// The largest command, in bytes.
    pub command_bytes_max: usize,
    /// How many received messages may wait for the core; the transport holds back or drops more.
    pub inbox_len: usize,
    /// A disk that has not answered for this long is given up until it answers: a leader steps
    /// down, and the peer takes no part. `None` means the election timeout's upper bound.
    pub disk_timeout: Option<Duration>,
    /// How long a caller still waits to hear what became of its command when this peer has lost
    /// leadership; most hear it from the next leader's log. `None` means the election timeout's
    /// upper bound.
    pub outcome_timeout: Option<Duration>,
    /// How long [`Raft::shutdown`](super::Raft::shutdown) waits for disk and state machine to
    /// finish what they are at.
    pub shutdown_timeout: Duration,
    /// When a snapshot takes the place of the log.
    pub snapshots: SnapshotPolicy,
    /// Where the state machine runs.
    pub apply_on: ApplyOn,
}

/// When a snapshot takes the place of the log: as soon as either limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// After this many entries since the last one.
    pub entries: Option<u64>,
    /// After this many bytes of commands since the last one.
    pub bytes: Option<u64>,
}

impl SnapshotPolicy {
    /// Never: the log grows for ever.
    pub const NEVER: Self = Self { entries: None, bytes: None };

    /// The default: every 100 000 entries or 64 MiB.
    pub const DEFAULT: Self = Self { entries: Some(100_000), bytes: Some(64 << 20) };

    /// Whether it is time.
    pub(super) fn is_due(self, entries: u64, bytes: u64) -> bool {
        self.entries.is_some_and(|limit| entries >= limit)
            || self.bytes.is_some_and(|limit| bytes >= limit)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            pending_max: 16 * 1024,
            pending_bytes_max: 64 << 20,
            command_bytes_max: 1 << 20,
            inbox_len: 4096,
            disk_timeout: None,
            outcome_timeout: None,
            shutdown_timeout: Duration::from_secs(5),
            snapshots: SnapshotPolicy::DEFAULT,
            apply_on: ApplyOn::default(),
        }
    }
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), StartError> {
        let counts = [
            ("pending_max", self.pending_max),
            ("pending_bytes_max", self.pending_bytes_max),
            ("command_bytes_max", self.command_bytes_max as u64),
            ("inbox_len", self.inbox_len as u64),
            ("snapshots.entries", self.snapshots.entries.unwrap_or(1)),
            ("snapshots.bytes", self.snapshots.bytes.unwrap_or(1)),
        ];
        for (name, count) in counts {
            if count == 0 {
                return Err(StartError::InvalidSetting { name, least: "1" });
            }
        }
        let times = [("deadline", Some(self.deadline)), ("disk_timeout", self.disk_timeout)];
        for (name, time) in times {
            if time.is_some_and(|time| time.is_zero()) {
                return Err(StartError::InvalidSetting { name, least: "1 ms" });
            }
        }
        Ok(())
    }
}
