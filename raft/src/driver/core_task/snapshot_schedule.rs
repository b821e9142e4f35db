//! The schedule of snapshots.

use crate::driver::settings::SnapshotPolicy;
use crate::entry::Entry;

/// The schedule of snapshots.
#[derive(Debug)]
pub(crate) struct SnapshotSchedule {
    policy: SnapshotPolicy,
    /// Entries and bytes since the last snapshot was requested.
    entries: u64,
    bytes: u64,
    progress: Progress,
}

/// Progress of a requested snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Idle,
    InProgress,
}

impl SnapshotSchedule {
    pub(crate) const fn new(policy: SnapshotPolicy) -> Self {
        Self { policy, entries: 0, bytes: 0, progress: Progress::Idle }
    }

    /// Counts entries to be applied; returns whether a snapshot is due after them.
    pub(crate) fn applied(&mut self, entries: &[Entry]) -> bool {
        self.entries += entries.len() as u64;
        if self.policy.bytes.is_some() {
            let bytes = entries.iter().map(|entry| entry.payload.bytes().len() as u64);
            self.bytes += bytes.sum::<u64>();
        }
        let due = self.progress == Progress::Idle && self.policy.is_due(self.entries, self.bytes);
        if due {
            self.progress = Progress::InProgress;
            self.reset_counts();
        }
        due
    }

    /// Restarts the counts at a snapshot.
    pub(crate) const fn reset_counts(&mut self) {
        self.entries = 0;
        self.bytes = 0;
    }

    /// Notes that a request has ended, with a snapshot or without; the next one follows the policy
    /// again.
    pub(crate) const fn finished(&mut self) {
        self.progress = Progress::Idle;
    }
}
