//! The file under the database, with what redb does not do by itself:
//!
//! - Until the store has been read and is valid, all writes of redb (it repairs the file after a
//!   crash, and marks it as open) stay in memory. A damaged file stays unchanged.
//! - A process that ended without the machine may have left bytes in the system's cache only, and
//!   after a failed flush the system believes that nothing is left to flush. So after an unclean end,
//!   the whole file is rewritten before it is relied on.
//! - Zeros are preallocated behind the written bytes, so that most flushes change nothing but data.

use std::io;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use redb::{BackendError, StorageBackend};

use crate::storage::WriteProgress;

#[derive(Debug)]
pub(super) struct Backend<B>(Arc<Inner<B>>);

#[derive(Debug)]
struct Inner<B> {
    file: B,
    state: Mutex<State>,
    report: ProgressReport,
}

/// The receiver of the progress of writes, once there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct ProgressReport(Arc<OnceLock<WriteProgress>>);

impl ProgressReport {
    pub(super) fn set(&self, progress: WriteProgress) {
        // Called once for each store.
        let _ = self.0.set(progress);
    }

    fn advance(&self) {
        if let Some(progress) = self.0.get() {
            progress.advance();
        }
    }
}

#[derive(Debug)]
enum State {
    Staged(StagedChanges),
    Accepted {
        /// Everything behind it is zeros.
        used: u64,
        /// Bytes since the last flush.
        unflushed: u64,
    },
    /// The changes could not be made.
    Abandoned,
}

/// Changes by redb that are not made in the file yet.
#[derive(Debug)]
struct StagedChanges {
    length: u64,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Write { offset: u64, bytes: Vec<u8> },
    SetLength(u64),
    Flush,
}

/// Size of preallocation, reads and writes, in bytes.
const BLOCK: u64 = 1 << 20;

/// Bytes of a transaction between two signs of progress.
const STEP: u64 = 4 << 20;

impl<B> Clone for Backend<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: StorageBackend> Backend<B> {
    /// A backend that leaves the file unchanged before [`Self::accept`].
    pub(super) fn staged(file: B) -> io::Result<Self> {
        let staged = StagedChanges { length: file.len()?, steps: Vec::new() };
        let (state, report) = (Mutex::new(State::Staged(staged)), ProgressReport::default());
        Ok(Self(Arc::new(Inner { file, state, report })))
    }

    pub(super) fn progress_report(&self) -> ProgressReport {
        self.0.report.clone()
    }

    /// Makes the staged changes in the file, in order. If that fails, the backend is abandoned.
    pub(super) fn accept(&self) -> io::Result<()> {
        let State::Staged(staged) = std::mem::replace(&mut *self.state(), State::Abandoned) else {
            return Err(abandoned());
        };
        let file = &self.0.file;
        if !closed_cleanly(file)? {
            rewrite(file)?;
        }
        staged.steps.iter().try_for_each(|step| match step {
            Step::Write { offset, bytes } => file.write(*offset, bytes),
            Step::SetLength(length) => file.set_len(*length),
            Step::Flush => file.sync_data(),
        })?;
        *self.state() = State::Accepted { used: used(file)?, unflushed: 0 };
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn abandoned() -> io::Error {
    io::Error::other("the database could not be opened")
}

/// True if the last writer has closed the file (redb's design.md, "Database header").
fn closed_cleanly(file: &impl StorageBackend) -> io::Result<bool> {
    const FLAGS: u64 = 9;
    const RECOVERY_REQUIRED: u8 = 2;
    let mut flags = [0];
    if file.len()? > FLAGS {
        file.read(FLAGS, &mut flags)?;
    }
    Ok(flags[0] & RECOVERY_REQUIRED == 0)
}

fn rewrite(file: &impl StorageBackend) -> io::Result<()> {
    let length = file.len()?;
    for start in (0..length).step_by(BLOCK as usize) {
        let mut bytes = vec![0; BLOCK.min(length - start) as usize];
        file.read(start, &mut bytes)?;
        file.write(start, &bytes)?;
    }
    file.sync_data()
}

/// The start of the zeros at the end of a file, or a little behind it.
fn used(file: &impl StorageBackend) -> io::Result<u64> {
    let mut end = file.len()?;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let mut bytes = vec![0; (end - start) as usize];
        file.read(start, &mut bytes)?;
        if bytes.iter().any(|byte| *byte != 0) {
            break;
        }
        end = start;
    }
    Ok(end)
}

impl StagedChanges {
    fn read(&self, file: &impl StorageBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset.saturating_add(out.len() as u64);
        if end > self.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out.fill(0);
        let there = file.len()?.clamp(offset, end) - offset;
        file.read(offset, &mut out[..there as usize])?;
        for step in &self.steps {
            match step {
                Step::Write { offset: start, bytes } => {
                    let from = offset.max(*start);
                    let to = end.min(start + bytes.len() as u64);
                    if from < to {
                        out[(from - offset) as usize..(to - offset) as usize].copy_from_slice(
                            &bytes[(from - start) as usize..(to - start) as usize],
                        );
                    }
                }
                Step::SetLength(length) => {
                    out[(*length).clamp(offset, end).abs_diff(offset) as usize..].fill(0);
                }
                Step::Flush => {}
            }
        }
        Ok(())
    }
}

impl<B: StorageBackend> StorageBackend for Backend<B> {
    fn len(&self) -> io::Result<u64> {
        match &*self.state() {
            State::Staged(staged) => Ok(staged.length),
            State::Accepted { .. } => self.0.file.len(),
            State::Abandoned => Err(abandoned()),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        match &*self.state() {
            State::Staged(staged) => staged.read(&self.0.file, offset, out),
            State::Accepted { .. } => self.0.file.read(offset, out),
            State::Abandoned => Err(abandoned()),
        }
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        match &mut *self.state() {
            State::Staged(staged) => {
                staged.steps.push(Step::SetLength(length));
                staged.length = length;
                Ok(())
            }
            State::Accepted { used, .. } => {
                *used = length.min(*used);
                self.0.file.set_len(length)
            }
            State::Abandoned => Err(abandoned()),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        match &mut *self.state() {
            State::Staged(staged) => {
                staged.steps.push(Step::Flush);
                Ok(())
            }
            State::Accepted { unflushed, .. } => {
                *unflushed = 0;
                self.0.file.sync_data()?;
                self.0.report.advance();
                Ok(())
            }
            State::Abandoned => Err(abandoned()),
        }
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset + bytes.len() as u64;
        match &mut *self.state() {
            State::Staged(staged) => {
                staged.steps.push(Step::Write { offset, bytes: bytes.to_vec() });
                staged.length = staged.length.max(end);
                Ok(())
            }
            State::Accepted { used, unflushed } => {
                self.0.file.write(offset, bytes)?;
                *unflushed += bytes.len() as u64;
                if *unflushed > STEP {
                    // A large transaction shows its progress; its order is that of redb's own flush.
                    *unflushed = 0;
                    self.0.file.sync_data()?;
                    self.0.report.advance();
                }
                if end > *used {
                    // Not beyond the file's end, which redb manages itself.
                    let ahead = BLOCK.min(self.0.file.len()?.saturating_sub(end));
                    *used = end + ahead;
                    self.0.file.write(end, &vec![0; ahead as usize])?;
                }
                Ok(())
            }
            State::Abandoned => Err(abandoned()),
        }
    }

    fn close(&self) -> io::Result<()> {
        self.0.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.0.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.query_lock_range(start, end)
    }
}
