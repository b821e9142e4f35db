//! Entries that only the store holds: read back for followers and for the state machine.
//!
//! Invariants: at most one read is open for each follower, and one for the state machine. An answer counts
//! only for the read that is open, so that what a later event made useless (a compaction, a
//! snapshot, a change of the leader) is never used.

use super::Node;
use crate::config::Config;
use crate::entry::Entry;
use crate::log::{Log, fitting};
use crate::output::{EntryRead, Output, ReadPurpose};
use crate::progress::{Fetch, Flow, Progress};
use crate::role::Role;
use crate::trace::Event;
use crate::types::{EntryReadId, Index};

/// The reads of one node.
#[derive(Clone, Debug, Hash)]
pub(super) struct EntryReads {
    next: EntryReadId,
    /// The open one for the state machine.
    apply: Option<EntryRead>,
}

impl EntryReads {
    pub(super) const NONE: Self = Self { next: EntryReadId::new(1), apply: None };

    /// A read of entries that only the store holds.
    fn start(
        &mut self,
        first: Index,
        through: Index,
        bytes_max: u64,
        purpose: ReadPurpose,
    ) -> EntryRead {
        let id = self.next;
        self.next = id.next();
        EntryRead { id, first, through, bytes_max, purpose }
    }

    /// Gives up the read for the state machine: a snapshot takes its place.
    pub(super) const fn drop_apply(&mut self) {
        self.apply = None;
    }
}

impl Node {
    /// Keeps no more entries in memory than the cache may hold, besides those that may be truncated or lost.
    pub(super) fn leave_to_store(&mut self) {
        let safe = self.writes.durable_index().min(self.commit_index);
        self.log.evict(safe, self.config.settings().cache_bytes_max);
    }

    /// Reads entries for the state machine, unless a read is open.
    pub(super) fn read_to_apply(&mut self, through: Index) {
        if self.entry_reads.apply.is_none() {
            let first = self.last_applied.next();
            let through = through.min(self.log.start().index);
            let bytes_max = self.config.settings().in_flight_bytes_max as u64;
            let read = self.entry_reads.start(first, through, bytes_max, ReadPurpose::Apply);
            self.entry_reads.apply = Some(read);
            self.outbox.push(Output::ReadEntries(read));
        }
    }

    /// Reads entries for each follower that is to be sent some that are not in memory.
    pub(super) fn read_to_send(&mut self) {
        let Role::Leader(leader) = &mut self.role else { return };
        let (config, through) = (self.config.settings(), self.log.start().index);
        for (peer, progress) in &mut leader.followers {
            if progress.needs_read(&self.log, config) {
                let (first, purpose) = (progress.next_index, ReadPurpose::Send(*peer));
                let bytes_max = config.in_flight_bytes_max as u64;
                let read = self.entry_reads.start(first, through, bytes_max, purpose);
                progress.fetch = Fetch::Open(read);
                self.outbox.push(Output::ReadEntries(read));
            }
        }
    }

    /// Takes entries from the store.
    pub(super) fn on_entries_read(&mut self, id: EntryReadId, entries: Vec<Entry>) {
        if let Some(read) = self.entry_reads.apply.take_if(|read| read.id == id) {
            check_read(&self.log, read, &entries);
            let Some(last) = entries.last().map(|entry| entry.id.index) else { return };
            self.trace(&Event::Applied { first: read.first, last });
            self.last_applied = last;
            self.outbox.push(Output::Apply(entries));
            return;
        }
        let Role::Leader(leader) = &mut self.role else { return };
        let is_open = |progress: &&mut Progress| matches!(&progress.fetch, Fetch::Open(read) if read.id == id);
        let Some(progress) = leader.followers.values_mut().find(is_open) else { return };
        let Fetch::Open(read) = std::mem::take(&mut progress.fetch) else { return };
        // A compaction may have overtaken the read.
        if read.first > self.log.base().index {
            check_read(&self.log, read, &entries);
            progress.fetch = Fetch::Done(entries.into());
        }
    }
}

/// Checks entries that the log still has.
///
/// # Panics
/// The store has other ones, or none.
fn check_read(log: &Log, read: EntryRead, entries: &[Entry]) {
    assert!(!entries.is_empty(), "the store has no entries for {read:?}");
    for (entry, number) in entries.iter().zip(read.first.number()..) {
        let (index, term) = (Index::new(number), log.term_at(Index::new(number)));
        let fits = entry.id.index == index && Some(entry.id.term) == term;
        assert!(
            fits && index <= read.through,
            "the store has {} for {read:?}, of {term:?}",
            entry.id
        );
    }
}

impl Progress {
    /// Returns whether a message with entries is due, and the first of them is neither in memory nor read nor
    /// being read.
    fn needs_read(&self, log: &Log, config: &Config) -> bool {
        let Flow::Replicate(in_flight) = &self.flow else { return false };
        let known = match &self.fetch {
            Fetch::None => None,
            Fetch::Open(read) => Some(read.first),
            Fetch::Done(entries) => entries.front().map(|entry| entry.id.index),
        };
        let is_stored = self.next_index <= log.start().index && self.next_index > log.base().index;
        is_stored && in_flight.has_room(config) && known != Some(self.next_index)
    }

    /// The next entries of one message, of those that were read from the store; empty if they are not.
    pub(super) fn take_read(&mut self, bytes_max: usize) -> Vec<Entry> {
        let Fetch::Done(entries) = &mut self.fetch else { return Vec::new() };
        if entries.front().is_none_or(|entry| entry.id.index != self.next_index) {
            return Vec::new();
        }
        let taken = entries.drain(..fitting(entries.iter(), bytes_max)).collect();
        if entries.is_empty() {
            self.fetch = Fetch::None;
        }
        taken
    }
}
