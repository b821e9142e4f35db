//! The node's outputs, and their execution.

use super::CoreTask;
use crate::driver::apply::job::Job;
use crate::driver::disk::DiskReport;
use crate::driver::error::StopReason;
use crate::driver::state_machine::StateMachine;
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
                Output::Peers(book) => {
                    self.update_view();
                    self.update_addresses(book);
                }
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
