//! The node's outputs, and their execution.

use super::apply::Job;
use super::core_task::CoreTask;
use super::disk::DiskReport;
use super::error::StopReason;
use super::settings::SnapshotPolicy;
use super::state_machine::StateMachine;
use crate::entry::Entry;
use crate::membership::Address;
use crate::output::{AddressBook, Input, Output, Write};

impl<M: StateMachine> CoreTask<M> {
    /// Executes all outputs of the node, in their order.
    pub(super) fn process_outputs(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Persist(write) => self.persist(write),
                Output::Send(envelope) => {
                    self.shared.metrics.sent.increment(1);
                    self.transport.send(envelope);
                }
                Output::Apply(entries) => self.apply(entries),
                Output::Restore(snapshot) => {
                    self.snapshots.reset_counts();
                    self.submit_job(Job::Restore(snapshot));
                }
                Output::ReadReady { read, .. } => self.on_read_ready(read),
                Output::ReadDropped { read, reason } => self.on_read_dropped(read, reason),
                Output::Peers(book) => self.update_addresses(book),
            }
        }
    }

    fn persist(&mut self, write: Write) {
        if self.stop.is_some() {
            return;
        }
        match self.disk.write(self.now, write) {
            Some(DiskReport::Durable(write)) => {
                self.node.handle(self.now, Input::Persisted(write));
            }
            Some(DiskReport::Failed(error)) => {
                self.stop.get_or_insert(StopReason::Storage(error.into()));
            }
            None => {}
        }
    }

    fn apply(&mut self, entries: Vec<Entry>) {
        let due = self.snapshots.applied(&entries);
        self.submit_job(Job::Apply(entries.into_iter(), self.now));
        if due {
            self.submit_job(Job::Snapshot);
        }
    }

    /// Passes added, moved and removed peers to the transport.
    fn update_addresses(&mut self, book: AddressBook) {
        for (peer, address) in &book {
            if let Some(address) = address.as_ref().filter(|_| *peer != self.id())
                && self.addresses.get(peer) != Some(&Some(Address::clone(address)))
            {
                self.transport.set_address(*peer, address);
            }
        }
        for gone in self.addresses.keys().filter(|peer| !book.contains_key(peer)) {
            self.transport.remove_peer(*gone);
        }
        self.addresses = book;
    }
}

/// The schedule of snapshots.
#[derive(Debug)]
pub(super) struct SnapshotSchedule {
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
    pub(super) const fn new(policy: SnapshotPolicy) -> Self {
        Self { policy, entries: 0, bytes: 0, progress: Progress::Idle }
    }

    /// Counts entries to be applied; returns whether a snapshot is due after them.
    fn applied(&mut self, entries: &[Entry]) -> bool {
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
    const fn reset_counts(&mut self) {
        self.entries = 0;
        self.bytes = 0;
    }

    /// Notes that a request has ended, with a snapshot or without; the next one follows the policy
    /// again.
    pub(super) const fn await_answer(&mut self) {
        self.progress = Progress::Idle;
    }
}
