//! The thread that writes a view of the state while the state machine goes on.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Space;
use crate::driver::error::catch_panic;
use crate::driver::state_machine::{MachineError, SnapshotView};
use crate::node::CompactError;
use crate::snapshot_data::SnapshotData;
use crate::storage::SnapshotWriter;

/// The end of a snapshot that was requested.
pub(in crate::driver) enum Made {
    /// All of its bytes are durable, or in memory.
    Done(SnapshotData),
    /// It could not be written.
    Failed(MachineError),
    /// A newer view was to be written before it had begun.
    Superseded,
}

/// Receives the end.
type Report = Box<dyn FnOnce(Made) + Send>;

const STOPPED: &str = "the node has stopped";

/// Writes one snapshot at a time.
pub(in crate::driver) struct SnapshotMaker {
    space: Arc<Space>,
    limit: u64,
    work: Mutex<Work>,
    stopped: AtomicBool,
}

/// The work of the maker's thread.
#[derive(Default)]
enum Work {
    #[default]
    None,
    /// A snapshot is being written, and this view comes next.
    Busy(Option<(SnapshotView, Report)>),
}

impl SnapshotMaker {
    pub(super) fn new(space: Arc<Space>, limit: u64) -> Self {
        Self { space, limit, work: Mutex::default(), stopped: AtomicBool::new(false) }
    }

    /// Writes a view, and reports the end. Bytes in memory that no store takes are ready at once.
    pub(in crate::driver) fn make(self: &Arc<Self>, view: SnapshotView, report: Report) {
        let view = match view {
            SnapshotView::Bytes(bytes) if !self.space.exists() => {
                return report(self.in_memory(bytes));
            }
            view @ (SnapshotView::Bytes(_) | SnapshotView::Writer(_)) => view,
        };
        let mut work = self.lock();
        let superseded = match &mut *work {
            Work::Busy(next) => next.replace((view, report)),
            none => {
                *none = Work::Busy(None);
                let maker = Arc::clone(self);
                tokio::task::spawn_blocking(move || maker.run(view, report));
                None
            }
        };
        drop(work);
        if let Some((_, report)) = superseded {
            report(Made::Superseded);
        }
    }

    /// Ends a snapshot that is being written.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn run(&self, view: SnapshotView, report: Report) {
        let mut now = (view, report);
        loop {
            let (view, report) = now;
            report(self.write(view));
            let mut work = self.lock();
            let next = match &mut *work {
                Work::Busy(next) => next.take(),
                Work::None => None,
            };
            let Some(next) = next else {
                *work = Work::None;
                return;
            };
            now = next;
        }
    }

    fn write(&self, view: SnapshotView) -> Made {
        let writer = match self.space.create() {
            None => None,
            Some(Ok(writer)) => Some(writer),
            Some(Err(error)) => return Made::Failed(error.into()),
        };
        // A disk may hang until long after the end.
        if self.stopped.load(Ordering::Relaxed) {
            return Made::Failed(STOPPED.into());
        }
        let (len, limit) = (0, self.limit);
        let mut sink = Sink { writer, bytes: Vec::new(), len, limit, stopped: &self.stopped };
        let written = catch_panic(|| match view {
            SnapshotView::Bytes(bytes) => sink.write_all(&bytes).map_err(Into::into),
            SnapshotView::Writer(write) => write(&mut sink),
        });
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Made::Failed(error),
            Err(panic) => return Made::Failed(panic.into()),
        }
        match sink.writer {
            None => self.in_memory(sink.bytes),
            Some(mut writer) => match writer.finish() {
                Ok(()) => Made::Done(writer.data()),
                Err(error) => Made::Failed(error.into()),
            },
        }
    }

    fn in_memory(&self, bytes: Vec<u8>) -> Made {
        match bytes.len() as u64 {
            bytes if bytes > self.limit => {
                Made::Failed(CompactError::TooLarge { bytes, limit: self.limit }.into())
            }
            _ => Made::Done(bytes.into()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes of a view on their way to the store, or to memory.
struct Sink<'a> {
    writer: Option<Box<dyn SnapshotWriter>>,
    bytes: Vec<u8>,
    len: u64,
    limit: u64,
    stopped: &'a AtomicBool,
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(io::Error::other(STOPPED));
        }
        self.len += bytes.len() as u64;
        if self.len > self.limit {
            let error = CompactError::TooLarge { bytes: self.len, limit: self.limit };
            return Err(io::Error::other(error));
        }
        match &mut self.writer {
            Some(writer) => writer.append(bytes).map_err(io::Error::other)?,
            None => self.bytes.extend_from_slice(bytes),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::storage::{SnapshotSpace, StorageError};

    /// A space in which a file can be created once the test has said so, or has ended.
    struct Hanging {
        begun: mpsc::Sender<()>,
        released: mpsc::Receiver<()>,
    }

    impl SnapshotSpace for Hanging {
        fn create(&mut self) -> Result<Box<dyn SnapshotWriter>, StorageError> {
            // Either end may be gone.
            let _ = self.begun.send(());
            let _ = self.released.recv();
            Ok(Box::new(Empty))
        }
    }

    struct Empty;

    impl SnapshotWriter for Empty {
        fn append(&mut self, _: &[u8]) -> Result<(), StorageError> {
            Ok(())
        }

        fn finish(&mut self) -> Result<(), StorageError> {
            Ok(())
        }

        fn data(&self) -> SnapshotData {
            [].into()
        }
    }

    #[tokio::test]
    async fn no_view_is_begun_after_the_end() {
        const MINUTE: Duration = Duration::from_secs(60);
        let (begun, is_begun) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let space = Arc::new(Space::default());
        space.set(Some(Box::new(Hanging { begun, released })));
        let maker = Arc::new(SnapshotMaker::new(Arc::clone(&space), 100));
        let (sender, events) = mpsc::channel();
        for _ in 0..2 {
            let (view, end) = (sender.clone(), sender.clone());
            let send = |sender: &mpsc::Sender<String>, event: String| {
                // The test may have failed.
                let _ = sender.send(event);
            };
            let view = SnapshotView::writer(move |_| {
                send(&view, "a view is written".to_owned());
                Ok(())
            });
            let report = move |made| match made {
                Made::Done(_) => send(&end, "done".to_owned()),
                Made::Failed(error) => send(&end, error.to_string()),
                Made::Superseded => send(&end, "superseded".to_owned()),
            };
            maker.make(view, Box::new(report));
        }
        is_begun.recv_timeout(MINUTE).expect("the first file is being created");
        maker.stop();
        space.close();
        drop(release);
        for _ in 0..2 {
            assert_eq!(events.recv_timeout(MINUTE).as_deref(), Ok(STOPPED));
        }
    }
}
