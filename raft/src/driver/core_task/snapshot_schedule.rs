//! The schedule of snapshots.

use std::collections::BTreeSet;

use crate::driver::settings::SnapshotPolicy;
use crate::entry::Entry;
use crate::types::PeerId;

/// The schedule of snapshots.
///
/// Peers get the same entries, and would make their snapshots at the same time. So after a start, and
/// after a leader's snapshot, a peer waits longer by a part of the interval, according to its place among
/// the voters; from then on the intervals keep them apart.
#[derive(Debug)]
pub(crate) struct SnapshotSchedule {
    policy: SnapshotPolicy,
    /// Entries and bytes since the last snapshot was requested.
    entries: u64,
    bytes: u64,
    /// Size of the last snapshot, in bytes.
    last: u64,
    /// The longer wait: the interval times `1 + rank / voters`.
    delay: Option<(u64, u64)>,
    progress: Progress,
}

/// Progress of a requested snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Idle,
    InProgress,
}

impl SnapshotSchedule {
    /// After a start with a snapshot of `last` bytes, in this place of so many voters.
    pub(crate) const fn new(policy: SnapshotPolicy, last: u64, place: (u64, u64)) -> Self {
        let delay = Some(place);
        Self { policy, entries: 0, bytes: 0, last, delay, progress: Progress::Idle }
    }

    /// Counts entries to be applied; returns whether a snapshot is due after them.
    pub(crate) fn applied(&mut self, entries: &[Entry]) -> bool {
        self.entries += entries.len() as u64;
        if self.policy.counts_bytes() {
            let bytes = entries.iter().map(|entry| entry.payload.bytes().len() as u64);
            self.bytes += bytes.sum::<u64>();
        }
        let due = self.progress == Progress::Idle && self.is_due();
        if due {
            (self.progress, self.delay) = (Progress::InProgress, None);
            (self.entries, self.bytes) = (0, 0);
        }
        due
    }

    fn is_due(&self) -> bool {
        let (rank, voters) = self.delay.unwrap_or((0, 1));
        let part = |count: u64| count.saturating_mul(voters) / (voters + rank);
        self.policy.is_due(part(self.entries), part(self.bytes), self.last)
    }

    /// Restarts the counts at a leader's snapshot of so many bytes, in this place of so many voters.
    pub(crate) const fn restored(&mut self, bytes: u64, rank: u64, voters: u64) {
        (self.entries, self.bytes, self.last) = (0, 0, bytes);
        self.delay = Some((rank, voters));
    }

    /// Notes that a requested snapshot has this many bytes.
    pub(crate) const fn made(&mut self, bytes: u64) {
        self.last = bytes;
        self.finished();
    }

    /// Notes that a request has ended, with a snapshot or without; the next one follows the policy
    /// again.
    pub(crate) const fn finished(&mut self) {
        self.progress = Progress::Idle;
    }
}

/// The place of a peer among the voters in a circle that begins with the leader or the lowest id, and
/// their number; a peer that is none of them comes last.
pub(crate) fn rank(own: PeerId, leader: Option<PeerId>, voters: &BTreeSet<PeerId>) -> (u64, u64) {
    let below = |peer: PeerId| voters.range(..peer).count() as u64;
    let count = (voters.len() as u64).max(1);
    let first = leader.map_or(0, below);
    ((below(own) + count - first) % count, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Payload;
    use crate::types::{EntryId, Index, Term};

    fn entry(bytes: usize) -> Entry {
        let id = EntryId::new(Term::new(1), Index::new(1));
        Entry { id, payload: Payload::Command(vec![0; bytes].into()) }
    }

    /// The number of entries of ten bytes until a snapshot is due.
    fn interval(schedule: &mut SnapshotSchedule) -> u64 {
        (1..=1000).find(|_| schedule.applied(&[entry(10)])).expect("it ends")
    }

    #[test]
    fn peers_wait_different_parts_of_an_interval_and_then_whole_ones() {
        let policy = SnapshotPolicy { entries: Some(30), ..SnapshotPolicy::NEVER };
        let voters = BTreeSet::from([1, 2, 3].map(PeerId::new));
        let mut first = Vec::new();
        for own in voters.iter().copied() {
            let place = rank(own, None, &voters);
            let mut schedule = SnapshotSchedule::new(policy, 0, place);
            first.push(interval(&mut schedule));
            schedule.made(0);
            assert_eq!(interval(&mut schedule), 30);
            schedule.made(0);
            let (rank, count) = rank(own, Some(PeerId::new(2)), &voters);
            schedule.restored(0, rank, count);
            first.push(interval(&mut schedule));
        }
        assert_eq!(
            first,
            [30, 50, 40, 30, 50, 40],
            "after a start, after peer 2's snapshot, of each"
        );
        assert_eq!(rank(PeerId::new(9), None, &voters), (0, 3));
        assert_eq!(rank(PeerId::new(9), None, &BTreeSet::new()), (0, 1));
    }

    #[test]
    fn a_large_snapshot_is_followed_by_as_much_log() {
        let policy = SnapshotPolicy { entries: Some(5), bytes: Some(100), last_percent: 200 };
        let mut schedule = SnapshotSchedule::new(policy, 0, (0, 1));
        assert_eq!(interval(&mut schedule), 5);
        assert!((0..100).all(|_| !schedule.applied(&[entry(10)])), "it is being made");
        schedule.made(70);
        assert_eq!(interval(&mut schedule), 1, "entries count meanwhile");
        schedule.made(70);
        assert_eq!(interval(&mut schedule), 14, "140 bytes");
        schedule.made(1 << 40);
        assert!(!schedule.applied(&[entry(1 << 20)]));
        schedule.bytes += 1 << 30;
        assert!(schedule.applied(&[entry(10)]), "a gibibyte");
    }
}
