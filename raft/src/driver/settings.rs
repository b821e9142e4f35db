//! The driver's settings; those of the protocol are in [`Config`](crate::Config).

use std::time::Duration;

use super::apply::mode::ApplyOn;
use super::error::StartError;

/// Settings of a driver. Start from the default and change what differs.
///
/// ```
/// use raft::driver::{Settings, SnapshotPolicy};
/// let settings = Settings { snapshots: SnapshotPolicy::DEFAULT, ..Settings::default() };
/// assert!(settings.pending_max > 4096);
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    /// Default deadline of a call.
    pub deadline: Duration,
    /// Limit on pending calls. Further ones are rejected.
    pub pending_max: u64,
    /// Limit on the bytes of pending commands.
    pub pending_bytes_max: u64,
    /// The largest command, in bytes; larger ones are rejected. At most 64 MiB.
    pub command_bytes_max: usize,
    /// Length of the queue of received messages; the transport waits or drops when it is full.
    pub inbox_len: usize,
    /// Time without progress after which a disk counts as stuck until it answers: a leader steps
    /// down, and the peer takes no part. A long write makes progress, see
    /// [`Storage::report_progress_to`](crate::storage::Storage::report_progress_to). `None` means
    /// the election timeout's upper bound.
    pub disk_timeout: Option<Duration>,
    /// Time that callers still wait for the outcome of their commands after this peer has lost
    /// leadership; most learn it from the next leader's log. `None` means the election timeout's
    /// upper bound.
    pub outcome_timeout: Option<Duration>,
    /// Limit on the wait of [`Raft::shutdown`](super::Raft::shutdown) for disk and state machine.
    pub shutdown_timeout: Duration,
    /// The schedule of snapshots.
    pub snapshots: SnapshotPolicy,
    /// The place where the state machine runs.
    pub apply_on: ApplyOn,
}

/// The schedule of snapshots: one as soon as either limit is reached, if the third allows it. Peers keep
/// their snapshots apart: after a start, and after a leader's snapshot, the first interval is longer by up
/// to as much again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// After this many entries since the last one.
    pub entries: Option<u64>,
    /// After this many bytes of commands since the last one.
    pub bytes: Option<u64>,
    /// But not before the commands since the last one have this many percent of its size, or 1 GiB: a large
    /// state is not written again and again for a few changes, and the log, which is in memory, stays below
    /// that.
    pub last_percent: u64,
}

/// Bytes of commands after which a snapshot is due however large the last one is.
const LOG_BYTES_MAX: u128 = 1 << 30;

impl SnapshotPolicy {
    /// No snapshots: the log grows without bound.
    pub const NEVER: Self = Self { entries: None, bytes: None, last_percent: 0 };

    /// Every 100 000 entries or 64 MiB, but not before the log is as large as the last snapshot.
    pub const DEFAULT: Self =
        Self { entries: Some(100_000), bytes: Some(64 << 20), last_percent: 100 };

    /// True if a limit is reached.
    pub(super) fn is_due(self, entries: u64, bytes: u64, last: u64) -> bool {
        let reached = self.entries.is_some_and(|limit| entries >= limit)
            || self.bytes.is_some_and(|limit| bytes >= limit);
        let part = u128::from(last) * u128::from(self.last_percent) / 100;
        reached && u128::from(bytes) >= part.min(LOG_BYTES_MAX)
    }

    /// True if bytes matter.
    pub(super) const fn counts_bytes(self) -> bool {
        self.bytes.is_some() || (self.entries.is_some() && self.last_percent > 0)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            pending_max: 16 * 1024,
            pending_bytes_max: 64 << 20,
            command_bytes_max: 8 << 20,
            inbox_len: 4096,
            disk_timeout: None,
            outcome_timeout: None,
            shutdown_timeout: Duration::from_secs(5),
            snapshots: SnapshotPolicy::DEFAULT,
            apply_on: ApplyOn::default(),
        }
    }
}

/// The largest size measured to work with the default timeouts on slow disks: a command is
/// encoded, copied and decoded in one piece, during which its peer does nothing else.
const COMMAND_BYTES_LIMIT: usize = 64 << 20;

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
        if self.command_bytes_max > COMMAND_BYTES_LIMIT {
            return Err(StartError::SettingTooLarge { name: "command_bytes_max", most: "64 MiB" });
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
