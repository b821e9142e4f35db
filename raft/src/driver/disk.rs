//! The disk thread: writes off the core task, with one flush for all writes that arrive during the
//! last one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::error::catch_panic;
use crate::output::Write;
use crate::storage::{Storage, StorageError, WriteSpeed};
use crate::types::{Instant, WriteId};

/// The result of writes, as the store reports it.
#[derive(Debug)]
pub(super) enum DiskReport {
    /// All writes up to and including this one are durable.
    Durable(WriteId),
    /// A write failed; what the store holds is not known.
    Failed(StorageError),
}

/// A node's store, as the core task sees it.
pub(super) enum Disk {
    /// A store with immediate writes, called in place.
    Inline(Box<dyn Storage>),
    /// A store whose writes take time, on a thread of its own.
    Thread(DiskThread),
}

/// The core task's end of the thread.
pub(super) struct DiskThread {
    queue: mpsc::Sender<Write>,
    /// Set to discard the queue.
    abandoned: Arc<AtomicBool>,
    ended: oneshot::Receiver<()>,
    submitted: WriteId,
    durable: WriteId,
    /// Start of the oldest unanswered write.
    pending_since: Instant,
}

impl Disk {
    /// Starts a store. `report` is called with the results of writes, on the disk thread.
    pub(super) fn start(
        storage: Box<dyn Storage>,
        name: String,
        report: impl Fn(DiskReport) + Send + 'static,
    ) -> std::io::Result<Self> {
        match storage.write_speed() {
            WriteSpeed::Immediate => return Ok(Self::Inline(storage)),
            WriteSpeed::TakesTime => {}
        }
        let (queue, writes) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let abandoned = Arc::new(AtomicBool::new(false));
        let abandoned_flag = Arc::clone(&abandoned);
        std::thread::Builder::new().name(name).spawn(move || {
            run(storage, &writes, &abandoned_flag, report);
            drop(end);
        })?;
        let (submitted, durable) = (WriteId::ZERO, WriteId::ZERO);
        let pending_since = Instant::START;
        Ok(Self::Thread(DiskThread { queue, abandoned, ended, submitted, durable, pending_since }))
    }

    /// Submits a write; one that is done in place returns its report.
    pub(super) fn write(&mut self, now: Instant, write: Write) -> Option<DiskReport> {
        match self {
            Self::Inline(storage) => Some(flush(storage.as_mut(), &[write])),
            Self::Thread(thread) => {
                if thread.submitted == thread.durable {
                    thread.pending_since = now;
                }
                thread.submitted = write.id;
                // A thread that has ended has reported why.
                let _ = thread.queue.send(write);
                None
            }
        }
    }

    /// Notes a report of the thread.
    pub(super) fn durable(&mut self, now: Instant, write: WriteId) {
        if let Self::Thread(thread) = self {
            thread.durable = write;
            thread.pending_since = now;
        }
    }

    /// Start of the oldest unanswered write, if there is one.
    pub(super) fn pending_since(&self) -> Option<Instant> {
        match self {
            Self::Inline(_) => None,
            Self::Thread(thread) => {
                (thread.durable < thread.submitted).then_some(thread.pending_since)
            }
        }
    }

    /// Discards the queue. A flush that has begun continues.
    pub(super) fn abandon(&self) {
        if let Self::Thread(thread) = self {
            thread.abandoned.store(true, Ordering::Relaxed);
        }
    }

    /// Ends the thread after its queue is written, and waits until the store is released.
    pub(super) async fn end(self, timeout: Duration) {
        let Self::Thread(DiskThread { queue, ended, .. }) = self else { return };
        drop(queue);
        // A stuck disk must not delay the node's end further.
        let _ = tokio::time::timeout(timeout, ended).await;
    }
}

fn run(
    mut storage: Box<dyn Storage>,
    queue: &mpsc::Receiver<Write>,
    abandoned: &AtomicBool,
    report: impl Fn(DiskReport),
) {
    while let Ok(first) = queue.recv() {
        if abandoned.load(Ordering::Relaxed) {
            return;
        }
        let mut writes = vec![first];
        writes.extend(queue.try_iter());
        let done = flush(storage.as_mut(), &writes);
        let failed = matches!(done, DiskReport::Failed(_));
        report(done);
        if failed {
            return;
        }
    }
}

/// Makes writes durable; a panic of the store is a failure, too.
fn flush(storage: &mut dyn Storage, writes: &[Write]) -> DiskReport {
    let last = writes.last().map_or(WriteId::ZERO, |write| write.id);
    match catch_panic(|| storage.write(writes)) {
        Ok(Ok(())) => DiskReport::Durable(last),
        Ok(Err(error)) => DiskReport::Failed(error),
        Err(panic) => DiskReport::Failed(StorageError::Other(panic.into())),
    }
}
