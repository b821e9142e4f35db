//! The handlers of the core task's requests.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::CoreTask;
use super::request::{Proposal, Request};
use crate::driver::apply::job::Job;
use crate::driver::apply::query::Query;
use crate::driver::disk::DiskReport;
use crate::driver::error::{ReadError, StopReason, WriteError};
use crate::driver::machine::Machine;
use crate::driver::metrics::seconds;
use crate::driver::status::DiskState;
use crate::driver::waiters::{Expiry, Waiter};
use crate::message::{Envelope, Message};
use crate::node::{self, CompactError, ProposeError};
use crate::output::Input;
use crate::read_index::ReadDropReason;
use crate::snapshot_data::SnapshotData;
use crate::types::{Index, ReadId};

impl<M: Machine> CoreTask<M> {
    pub(super) fn on_request(&mut self, request: Request<M>) {
        match request {
            Request::Message(envelope) => self.on_message(envelope),
            Request::ChunkStored(envelope) => self.receive(envelope),
            Request::ChunkRead(envelope) => self.transport.send(envelope),
            Request::Link(report) => self.on_link(report),
            Request::Propose(proposal) => self.on_propose(proposal),
            Request::Read(query) => self.on_read(query),
            Request::ChangeMembership(request) => self.on_change_membership(request),
            Request::TransferLeadership(request) => self.on_transfer_leadership(request),
            Request::Disk(report) => self.on_disk(report),
            Request::EntriesRead { read, entries } => {
                self.node.handle(self.now, Input::EntriesRead { read, entries });
            }
            Request::SnapshotMade { through, data } => self.on_snapshot_made(through, data),
            Request::SnapshotFailed { through, error } => {
                self.on_snapshot_failed(through, &*error);
            }
            Request::SnapshotSuperseded => self.snapshots.finished(),
            Request::MachineFailed(failure) => {
                self.stop.get_or_insert(StopReason::StateMachine(failure));
            }
            Request::Stop(reason) => {
                self.stop.get_or_insert(reason);
            }
        }
    }

    /// Handles a message; a peer with a stuck disk drops it.
    fn on_message(&mut self, envelope: Envelope) {
        self.shared.metrics.received.increment(1);
        if self.is_to_be_stored(&envelope) {
            let shared = Arc::clone(&self.shared);
            let deliver = move |message| shared.submit_chunk(message, Request::ChunkStored);
            return self.shared.snapshots.receiver.store(envelope, deliver);
        }
        self.receive(envelope);
    }

    fn receive(&mut self, envelope: Envelope) {
        if self.disk_state == DiskState::Healthy {
            self.node.handle(self.now, Input::Receive(envelope));
        }
    }

    /// Returns whether the store takes the chunk of this message before the node does. What the node
    /// answers without the bytes is not written.
    fn is_to_be_stored(&self, envelope: &Envelope) -> bool {
        let Message::InstallSnapshot(chunk) = &envelope.message else { return false };
        let (status, limit) = (self.node.status(), self.snapshot_bytes_max);
        let end = chunk.offset.saturating_add(chunk.chunk.len());
        self.shared.snapshots.are_stored()
            && self.disk_state == DiskState::Healthy
            && (!chunk.chunk.is_empty() || chunk.done.is_some())
            && envelope.term >= status.current_term
            && chunk.last_included.index > status.commit_index
            && end <= limit
    }

    fn on_propose(&mut self, proposal: Proposal<M::Answer>) {
        let Proposal { command, deadline, appended, reply } = proposal;
        if let Some(waited) = self.disk_stuck_for() {
            return reply.send(Err(WriteError::DiskStuck(waited)));
        }
        if deadline <= self.now {
            return reply.send(Err(WriteError::DeadlineExceeded));
        }
        match self.node.propose(self.now, command) {
            Ok(id) => {
                if let Some(appended) = appended {
                    // The caller may be gone.
                    let _ = appended.send(id);
                }
                self.shared.metrics.appended.increment(1);
                self.schedule_expiry(deadline);
                let (since, expiry) = (self.now, Expiry::Deadline);
                self.new_waiters.push(Waiter { id, since, deadline, expiry, reply });
            }
            Err(error) => {
                self.shared.metrics.rejected.increment(1);
                reply.send(Err(self.write_error(error)));
            }
        }
    }

    fn write_error(&self, error: ProposeError) -> WriteError {
        match error {
            ProposeError::NotLeader { leader } => {
                let address = leader.and_then(|leader| self.addresses.get(&leader)?.clone());
                let address = address.map(|address| address.to_string());
                WriteError::NotLeader { leader, address }
            }
            ProposeError::TransferInProgress { to } => WriteError::TransferInProgress { to },
            ProposeError::UncommittedFull { uncommitted, .. } => WriteError::Overloaded {
                pending: self.shared.admission.calls(),
                bytes: uncommitted,
            },
        }
    }

    fn on_read(&mut self, query: Box<dyn Query<M>>) {
        if let Some(waited) = self.disk_stuck_for() {
            return query.fail(ReadError::DiskStuck(waited));
        }
        self.shared.metrics.reads.increment(1);
        let read = self.next_read;
        match self.node.read(self.now, read) {
            Ok(()) => {
                self.next_read = ReadId::new(read.number() + 1);
                self.reads.insert(read, query);
            }
            Err(node::ReadError::NoLeader) => query.fail(ReadError::NoLeader),
            Err(node::ReadError::NoEntryOfTerm) => query.fail(ReadError::Rejected),
            Err(node::ReadError::TooManyReads { waiting }) => {
                query.fail(ReadError::Overloaded { pending: waiting as u64 });
            }
        }
    }

    /// Passes a confirmed read to the state machine, behind the jobs before it.
    pub(super) fn on_read_ready(&mut self, read: ReadId) {
        if let Some(query) = self.reads.remove(&read) {
            self.submit_job(Job::Read(query));
        }
    }

    pub(super) fn on_read_dropped(&mut self, read: ReadId, reason: ReadDropReason) {
        if let Some(query) = self.reads.remove(&read) {
            query.fail(match reason {
                ReadDropReason::LeaderLost => ReadError::LeadershipLost,
                ReadDropReason::Rejected => ReadError::Rejected,
                ReadDropReason::TimedOut => ReadError::DeadlineExceeded,
            });
        }
    }

    fn on_disk(&mut self, report: DiskReport) {
        match report {
            DiskReport::Durable(write) => {
                self.shared.metrics.flushes.increment(1);
                if let Some(since) = self.disk.pending_since() {
                    self.shared.metrics.flush.record(seconds(self.now.since(since)));
                }
                self.disk.durable(self.now, write);
                self.disk_answered();
                self.node.handle(self.now, Input::Persisted(write));
            }
            DiskReport::Failed(error) => {
                self.stop.get_or_insert(StopReason::Storage(error.into()));
            }
        }
    }

    fn on_snapshot_made(&mut self, through: Index, data: SnapshotData) {
        let (bytes, written) = (data.len(), data.clone());
        match self.node.compact(self.now, through, data) {
            Ok(()) => {
                self.shared.metrics.snapshots.increment(1);
                self.snapshots.made(bytes);
            }
            Err(error @ CompactError::TooLarge { .. }) => self.on_snapshot_failed(through, &error),
            // Harmless: a leader's snapshot may be newer than this one.
            Err(error) => {
                self.snapshots.finished();
                tracing::debug!(peer = %self.id(), %through, %error, "snapshot not needed");
                // Its file is deleted, which takes a while.
                tokio::task::spawn_blocking(move || drop(written));
            }
        }
    }

    fn on_snapshot_failed(&mut self, through: Index, error: &(dyn Error + 'static)) {
        self.snapshots.finished();
        self.shared.metrics.snapshot_failures.increment(1);
        if is_too_large(error) {
            tracing::error!(
                peer = %self.id(), %through, %error,
                "snapshot discarded, so the log grows: raise the limit on all peers",
            );
        } else {
            tracing::warn!(peer = %self.id(), %through, %error, "snapshot failed");
        }
    }

    /// Time without an answer when the disk was declared stuck, while it is.
    pub(super) fn disk_stuck_for(&self) -> Option<Duration> {
        match self.disk_state {
            DiskState::Healthy => None,
            DiskState::Stuck { waited } => Some(waited),
        }
    }
}

/// Returns whether the limit on snapshots is among the causes.
fn is_too_large(error: &(dyn Error + 'static)) -> bool {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<CompactError>()
        || inner.is_some_and(|inner| inner.is::<CompactError>())
        || error.source().is_some_and(is_too_large)
}
