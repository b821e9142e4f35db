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

impl From<Result<SnapshotData, MachineError>> for Made {
    fn from(written: Result<SnapshotData, MachineError>) -> Self {
        written.map_or_else(Self::Failed, Self::Done)
    }
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
            let written = catch_panic(|| self.write(view));
            report(written.unwrap_or_else(|panic| Err(panic.into())).into());
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

    fn write(&self, view: SnapshotView) -> Result<SnapshotData, MachineError> {
        let writer = self.space.create().transpose()?;
        // A disk may hang until long after the end.
        if self.stopped.load(Ordering::Relaxed) {
            return Err(STOPPED.into());
        }
        let mut sink = Sink {
            writer,
            bytes: Vec::new(),
            len: 0,
            limit: self.limit,
            failure: None,
            stopped: &self.stopped,
        };
        match view {
            SnapshotView::Bytes(bytes) => sink.write_all(&bytes)?,
            SnapshotView::Writer(write) => write(&mut sink)?,
        }
        // A view that ignores an error, as one does that drops a buffer, has lost bytes.
        if sink.len > sink.limit {
            return Err(sink.too_large().into());
        }
        if let Some(failure) = sink.failure {
            return Err(failure.into());
        }
        let Some(mut writer) = sink.writer else { return Ok(sink.bytes.into()) };
        writer.finish()?;
        Ok(writer.data())
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
    /// The last failure.
    failure: Option<String>,
    stopped: &'a AtomicBool,
}

impl Sink<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(io::Error::other(STOPPED));
        }
        self.len += bytes.len() as u64;
        if self.len > self.limit {
            return Err(io::Error::other(self.too_large()));
        }
        match &mut self.writer {
            Some(writer) => writer.append(bytes).map_err(io::Error::other),
            None => {
                self.bytes.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    const fn too_large(&self) -> CompactError {
        CompactError::TooLarge { bytes: self.len, limit: self.limit }
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let put = self.put(bytes);
        if let Err(error) = &put {
            self.failure = Some(error.to_string());
        }
        put.map(|()| bytes.len())
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

    const MINUTE: Duration = Duration::from_secs(60);

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
            Ok(Box::new(Empty { panics_in: "" }))
        }
    }

    /// A space whose next file panics in this operation.
    struct Panicking(&'static str);

    impl SnapshotSpace for Panicking {
        fn create(&mut self) -> Result<Box<dyn SnapshotWriter>, StorageError> {
            let file = Empty { panics_in: std::mem::take(&mut self.0) };
            file.run("create");
            Ok(Box::new(file))
        }
    }

    struct Empty {
        panics_in: &'static str,
    }

    impl Empty {
        fn run(&self, operation: &str) {
            assert!(operation != self.panics_in, "in {operation}");
        }
    }

    impl SnapshotWriter for Empty {
        fn append(&mut self, _: &[u8]) -> Result<(), StorageError> {
            self.run("append");
            Ok(())
        }

        fn finish(&mut self) -> Result<(), StorageError> {
            self.run("finish");
            Ok(())
        }

        fn data(&self) -> SnapshotData {
            self.run("data");
            [].into()
        }
    }

    fn maker(space: impl SnapshotSpace + 'static) -> Arc<SnapshotMaker> {
        let spaces = Arc::new(Space::default());
        spaces.set(Some(Box::new(space)));
        Arc::new(SnapshotMaker::new(spaces, 100))
    }

    /// Reports the end in words.
    fn report_to(events: mpsc::Sender<String>) -> Report {
        Box::new(move |made| {
            let event = match made {
                Made::Done(_) => "done".to_owned(),
                Made::Failed(error) => error.to_string(),
                Made::Superseded => "superseded".to_owned(),
            };
            // The test may have failed.
            let _ = events.send(event);
        })
    }

    #[tokio::test]
    async fn after_a_panic_of_the_store_the_next_snapshot_is_made() {
        for operation in ["create", "append", "finish", "data"] {
            let maker = maker(Panicking(operation));
            for expected in [format!("panicked: in {operation}"), "done".to_owned()] {
                let (sender, events) = mpsc::channel();
                maker.make(SnapshotView::Bytes(vec![1]), report_to(sender));
                let end = events.recv_timeout(MINUTE);
                assert_eq!(end, Ok(expected), "after a panic in {operation}");
            }
        }
    }

    #[tokio::test]
    async fn no_view_is_begun_after_the_end() {
        let (begun, is_begun) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let maker = maker(Hanging { begun, released });
        let (sender, events) = mpsc::channel();
        for _ in 0..2 {
            let view = sender.clone();
            let view = SnapshotView::writer(move |_| {
                // The test may have failed.
                let _ = view.send("a view is written".to_owned());
                Ok(())
            });
            maker.make(view, report_to(sender.clone()));
        }
        is_begun.recv_timeout(MINUTE).expect("the first file is being created");
        maker.stop();
        maker.space.close();
        drop(release);
        for _ in 0..2 {
            assert_eq!(events.recv_timeout(MINUTE).as_deref(), Ok(STOPPED));
        }
    }
}
