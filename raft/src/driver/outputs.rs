//! What the node wants done, and who does it.

use super::apply::Job;
use super::core_task::CoreTask;
use super::disk::DiskReport;
use super::error::StopReason;
use super::machine::StateMachine;
use super::settings::SnapshotPolicy;
use crate::entry::Entry;
use crate::membership::Address;
use crate::output::{AddressBook, Input, Output, Write};

impl<M: StateMachine> CoreTask<M> {
    /// Carries out all that the node wants, in its order.
    pub(super) fn carry_out(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Persist(write) => self.persist(write),
                Output::Send(envelope) => {
                    self.shared.metrics.sent.increment(1);
                    self.transport.send(envelope);
                }
                Output::Apply(entries) => self.apply(entries),
                Output::Restore(snapshot) => {
                    self.snapshots.restart();
                    self.give(Job::Restore(snapshot));
                }
                Output::ReadReady { read, .. } => self.on_read_ready(read),
                Output::ReadDropped { read, reason } => self.on_read_dropped(read, reason),
                Output::Peers(book) => self.meet(book),
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
        self.give(Job::Apply(entries.into_iter(), self.now));
        if due {
            self.give(Job::Snapshot);
        }
    }

    /// Tells the transport who came, moved or left.
    fn meet(&mut self, book: AddressBook) {
        for (peer, address) in &book {
            if let Some(address) = address.as_ref().filter(|_| *peer != self.id())
                && self.addresses.get(peer) != Some(&Some(Address::clone(address)))
            {
                self.transport.learn(*peer, address);
            }
        }
        for gone in self.addresses.keys().filter(|peer| !book.contains_key(peer)) {
            self.transport.forget(*gone);
        }
        self.addresses = book;
    }
}

/// When the state machine is asked for a snapshot.
#[derive(Debug)]
pub(super) struct Snapshots {
    policy: SnapshotPolicy,
    /// Entries and bytes since the last snapshot was asked for.
    entries: u64,
    bytes: u64,
    request: Asked,
}

/// Whether the state machine is making a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    No,
    Yes,
}

impl Snapshots {
    pub(super) const fn new(policy: SnapshotPolicy) -> Self {
        Self { policy, entries: 0, bytes: 0, request: Asked::No }
    }

    /// Entries are about to be applied; tells whether a snapshot is due after them.
    fn applied(&mut self, entries: &[Entry]) -> bool {
        self.entries += entries.len() as u64;
        if self.policy.bytes.is_some() {
            let bytes = entries.iter().map(|entry| entry.payload.bytes().len() as u64);
            self.bytes += bytes.sum::<u64>();
        }
        let due = self.request == Asked::No && self.policy.is_due(self.entries, self.bytes);
        if due {
            self.request = Asked::Yes;
            self.restart();
        }
        due
    }

    /// A snapshot took the place of what was counted.
    const fn restart(&mut self) {
        self.entries = 0;
        self.bytes = 0;
    }

    /// The state machine has answered, with a snapshot or without: it is asked again when as much
    /// has been applied anew.
    pub(super) const fn answered(&mut self) {
        self.request = Asked::No;
    }
}
