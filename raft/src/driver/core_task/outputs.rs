//! The node's outputs, and their execution.

use std::sync::Arc;

use super::CoreTask;
use super::request::Request;
use super::snapshot_schedule::rank;
use crate::driver::apply::job::Job;
use crate::driver::disk::DiskReport;
use crate::driver::error::StopReason;
use crate::driver::machine::Machine;
use crate::driver::snapshots::sending;
use crate::entry::Entry;
use crate::membership::Address;
use crate::message::Envelope;
use crate::output::{AddressBook, Input, Output, ReadPurpose, Write};

impl<M: Machine> CoreTask<M> {
    /// Executes all outputs of the node, in their order.
    pub(super) fn process_outputs(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Persist(write) => self.persist(write),
                Output::Send(envelope) => {
                    self.shared.metrics.sent.increment(1);
                    self.send(envelope);
                }
                Output::Apply(entries) => self.apply(entries),
                Output::Restore(snapshot) => {
                    let (rank, voters) = self.rank();
                    self.snapshots.restored(snapshot.data.len(), rank, voters);
                    self.submit_job(Job::Restore(snapshot));
                }
                Output::ReadEntries(read) => match read.purpose {
                    // Once those before them are applied, so that they do not pile up.
                    ReadPurpose::Apply => self.submit_job(Job::ReadEntries(read)),
                    ReadPurpose::Send(_) => self.shared.read_entries(read),
                },
                Output::ReadReady { read, .. } => self.on_read_ready(read),
                Output::ReadDropped { read, reason } => self.on_read_dropped(read, reason),
                Output::Peers(book) => {
                    self.update_view();
                    self.update_addresses(book);
                }
            }
        }
    }

    fn send(&mut self, envelope: Envelope) {
        if sending::is_unread(&envelope) {
            let shared = Arc::clone(&self.shared);
            let deliver = move |read| shared.submit_chunk(read, Request::ChunkRead);
            self.shared.snapshots.reader.read(envelope, deliver);
        } else {
            self.transport.send(envelope);
        }
    }

    /// This peer's place among the voters, beginning with the leader, and their number.
    fn rank(&self) -> (u64, u64) {
        let leader = self.node.status().leader;
        rank(self.id(), leader, self.node.membership().voters())
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
