//! State shared by the handles and tasks of a node.

use std::sync::{Arc, OnceLock};

use tokio::sync::{Notify, oneshot};

use super::admission::Admission;
use super::apply::job::Job;
use super::clock::Clock;
use super::core_task::request::Request;
use super::error::{ReadError, StopReason, UnknownReason};
use super::machine::Machine;
use super::mailbox::Mailbox;
use super::metrics::Metrics;
use super::settings::Settings;
use super::snapshots::Snapshots;
use super::snapshots::making::Made;
use super::state_machine::{MachineError, SnapshotView};
use super::status::StatusCell;
use super::stored_entries::StoredEntries;
use super::waiters::Waiters;
use crate::message::Envelope;
use crate::output::EntryRead;
use crate::storage::StorageError;
use crate::transport::{InboxSink, LinkReport, PutError};
use crate::types::{Index, PeerId};

/// State shared by handles, core task and apply task.
pub(super) struct Shared<M: Machine> {
    pub(super) id: PeerId,
    pub(super) settings: Settings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) requests: Mailbox<Request<M>>,
    pub(super) jobs: Mailbox<Job<M>>,
    pub(super) waiters: Waiters<M::Answer>,
    pub(super) admission: Arc<Admission>,
    pub(super) status: StatusCell,
    pub(super) metrics: Metrics,
    pub(super) snapshots: Snapshots,
    pub(super) entries: Arc<StoredEntries>,
    pub(super) stopped: OnceLock<StopReason>,
}

impl<M: Machine> Shared<M> {
    /// The reason of the node's end, once it has stopped.
    pub(super) fn stop_reason(&self) -> StopReason {
        self.stopped.get().cloned().unwrap_or(StopReason::Driver)
    }

    /// Waits for an answer, up to the default deadline or the end of the node.
    pub(super) async fn answer_in_time<T, E>(
        &self,
        answer: oneshot::Receiver<Result<T, E>>,
        deadline_exceeded: E,
        stopped: impl FnOnce() -> E,
    ) -> Result<T, E> {
        let deadline = self.clock.now().after(self.settings.deadline);
        tokio::select! {
            biased;
            answer = answer => answer.unwrap_or_else(|_| Err(stopped())),
            () = self.clock.sleep_until(deadline) => Err(deadline_exceeded),
        }
    }

    /// Has a snapshot written, and passes its end to the core task.
    pub(super) fn submit_snapshot(
        self: &Arc<Self>,
        through: Index,
        view: Result<SnapshotView, MachineError>,
    ) {
        let shared = Arc::clone(self);
        let report = move |made| {
            let request = match made {
                Made::Done(data) => Request::SnapshotMade { through, data },
                Made::Failed(error) => Request::SnapshotFailed { through, error },
                Made::Superseded => Request::SnapshotSuperseded,
            };
            // The core task may have ended.
            let _ = shared.requests.put(request);
        };
        match view {
            Ok(view) => self.snapshots.maker.make(view, Box::new(report)),
            Err(error) => report(Made::Failed(error)),
        }
    }

    /// Passes a message with its chunk to the core task; `wrap` says where it is to go.
    pub(super) fn submit_chunk(
        &self,
        message: Result<Envelope, StorageError>,
        wrap: impl FnOnce(Envelope) -> Request<M>,
    ) {
        let request = match message {
            Ok(envelope) => wrap(envelope),
            Err(error) => Request::Stop(StopReason::Storage(error.into())),
        };
        // The core task may have ended.
        let _ = self.requests.put(request);
    }

    /// Has entries read from the store, and passes them to the core task.
    pub(super) fn read_entries(self: &Arc<Self>, read: EntryRead) {
        let shared = Arc::clone(self);
        let deliver = move |entries| {
            let request = match entries {
                Ok(entries) => Request::EntriesRead { read: read.id, entries },
                Err(error) => Request::Stop(StopReason::Storage(StorageError::into(error))),
            };
            // The core task may have ended.
            let _ = shared.requests.put(request);
        };
        self.entries.read(read, Box::new(deliver));
    }

    /// Closes the queues and answers all callers.
    pub(super) fn end(&self, reason: &StopReason) {
        // The first reason counts.
        let _ = self.stopped.set(reason.clone());
        let reason = self.stop_reason();
        self.snapshots.stop();
        self.entries.stop();
        for request in self.requests.close() {
            request.reject(reason.clone());
        }
        self.waiters.close(&UnknownReason::Stopped(reason.clone()));
        for job in self.jobs.close() {
            if let Job::Read(query) = job {
                query.fail(ReadError::Stopped(reason.clone()));
            }
        }
    }
}

/// Other peers' messages have a bound of their own; senders repeat what is lost. Every other source
/// of requests is bounded elsewhere.
impl<M: Machine> InboxSink for Shared<M> {
    fn capacity(&self) -> usize {
        self.settings.inbox_len
    }

    fn put(&self, envelope: Envelope) -> Result<(), PutError> {
        self.requests.put_bounded(self.capacity(), envelope, Request::Message)
    }

    fn space_freed(&self) -> &Notify {
        self.requests.space_freed()
    }

    fn report(&self, report: LinkReport) {
        // The core task may have ended.
        let _ = self.requests.put(Request::Link(report));
    }
}
