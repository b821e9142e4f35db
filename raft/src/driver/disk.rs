//! The disk thread: writes off the core task, with one flush for all writes that arrive during the
//! last one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::error::catch_store_panic;
use crate::output::Write;
use crate::storage::{SnapshotSpace, Storage, StorageError, WriteProgress, WriteSpeed};
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
    silence: Silence,
}

/// The time without a sign of life from a disk that owes an answer.
///
/// Only time is counted in which this process ran: after a pause of the whole process (SIGSTOP, a
/// suspended machine) its disk thread has been silent as well.
struct Silence {
    progress: WriteProgress,
    /// Steps seen.
    steps: u64,
    /// The last sign of life, or the end of a pause.
    since: Instant,
    /// The last look.
    seen: Instant,
}

impl Silence {
    /// Part of the timeout between two looks while an answer is owed.
    const LOOKS: u32 = 4;

    fn new(progress: WriteProgress) -> Self {
        Self { progress, steps: 0, since: Instant::START, seen: Instant::START }
    }

    fn restart(&mut self, now: Instant) {
        (self.since, self.seen) = (now, now);
    }

    /// The time of silence at `now`.
    fn at(&mut self, now: Instant, timeout: Duration) -> Duration {
        let steps = self.progress.steps();
        let paused = now.since(self.seen) > timeout / Self::LOOKS * 2;
        if std::mem::replace(&mut self.steps, steps) != steps || paused {
            self.since = now;
        }
        self.seen = now;
        now.since(self.since)
    }
}

impl Disk {
    /// Starts a store, and returns its space for snapshots, if it has one. `report` is called with the
    /// results of writes, on the disk thread.
    pub(super) fn start(
        mut storage: Box<dyn Storage>,
        name: String,
        report: impl Fn(DiskReport) + Send + 'static,
    ) -> std::io::Result<(Self, Option<Box<dyn SnapshotSpace>>)> {
        match storage.write_speed() {
            WriteSpeed::Immediate => {
                let space = storage.snapshot_space();
                return Ok((Self::Inline(storage), space));
            }
            WriteSpeed::TakesTime => {}
        }
        let progress = WriteProgress::default();
        storage.report_progress_to(progress.clone());
        let space = storage.snapshot_space();
        let (queue, writes) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let abandoned = Arc::new(AtomicBool::new(false));
        let abandoned_flag = Arc::clone(&abandoned);
        std::thread::Builder::new().name(name).spawn(move || {
            run(storage, &writes, &abandoned_flag, report);
            drop(end);
        })?;
        let (submitted, durable) = (WriteId::ZERO, WriteId::ZERO);
        let (pending_since, silence) = (Instant::START, Silence::new(progress));
        let thread = Self::Thread(DiskThread {
            queue,
            abandoned,
            ended,
            submitted,
            durable,
            pending_since,
            silence,
        });
        Ok((thread, space))
    }

    /// Submits a write; one that is done in place returns its report.
    pub(super) fn write(&mut self, now: Instant, write: Write) -> Option<DiskReport> {
        match self {
            Self::Inline(storage) => Some(flush(storage.as_mut(), &[write])),
            Self::Thread(thread) => {
                if thread.submitted == thread.durable {
                    thread.pending_since = now;
                    thread.silence.restart(now);
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
            thread.silence.restart(now);
        }
    }

    /// Time without a sign of life, while an answer is owed.
    pub(super) fn silent_for(&mut self, now: Instant, timeout: Duration) -> Option<Duration> {
        match self {
            Self::Thread(thread) if thread.durable < thread.submitted => {
                Some(thread.silence.at(now, timeout))
            }
            Self::Thread(_) | Self::Inline(_) => None,
        }
    }

    /// The time of the next look at a disk that owes an answer.
    pub(super) fn next_look(&self, timeout: Duration) -> Option<Instant> {
        match self {
            Self::Thread(thread) if thread.durable < thread.submitted => {
                Some(thread.silence.seen.after(timeout / Silence::LOOKS))
            }
            Self::Thread(_) | Self::Inline(_) => None,
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
    match catch_store_panic(|| storage.write(writes)) {
        Ok(()) => DiskReport::Durable(last),
        Err(error) => DiskReport::Failed(error),
    }
}
