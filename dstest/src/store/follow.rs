//! A reader of `events.jsonl` that follows a running campaign and skips damage.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::events::FILE_NAME;
use super::open_dir::open_file;
use super::{StoreError, io_error};
use crate::record::RunRecord;

/// A reader that continues where it stopped.
///
/// Unlike [`read_events`](super::read_events) it skips unreadable lines and counts them, so that a
/// damaged store can be browsed.
#[derive(Debug)]
pub struct EventFollower {
    path: PathBuf,
    offset: u64,
    unreadable: u64,
}

impl EventFollower {
    /// A reader of a campaign's directory, at its first event.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { path: dir.join(FILE_NAME), offset: 0, unreadable: 0 }
    }

    /// Feeds every whole record that has been written since the last call to `each`.
    ///
    /// # Errors
    /// [`StoreError::Io`]; a file that does not exist yet has no records.
    pub fn poll(&mut self, mut each: impl FnMut(RunRecord)) -> Result<(), StoreError> {
        // Nothing to do while nothing happens.
        if self.path.metadata().is_ok_and(|file| file.len() == self.offset) {
            return Ok(());
        }
        let bytes = match self.read_on() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(io_error("read", &self.path))?,
        };
        let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1);
        for line in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(record) => each(record),
                Err(_) => self.unreadable += 1,
            }
        }
        self.offset += whole as u64;
        Ok(())
    }

    /// The number of unreadable lines.
    #[must_use]
    pub const fn unreadable(&self) -> u64 {
        self.unreadable
    }

    fn read_on(&self) -> io::Result<Vec<u8>> {
        let mut file = open_file(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use super::*;
    use crate::record::Verdict;
    use crate::report::tally::tests::record;
    use crate::store::EventLog;

    #[test]
    fn a_reader_sees_what_is_written_later_and_passes_over_what_it_cannot_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut follower = EventFollower::new(dir.path());
        let mut seen = Vec::new();
        follower.poll(|record| seen.push(record.iter.number())).unwrap();
        let mut log = EventLog::open(dir.path()).unwrap();
        for iter in 1..=2 {
            log.append(&record("a", iter, Verdict::Passed, 0.5)).unwrap();
        }
        follower.poll(|record| seen.push(record.iter.number())).unwrap();
        let path = dir.path().join(FILE_NAME);
        let mut raw = OpenOptions::new().append(true).open(path).unwrap();
        raw.write_all(b"{\"from\":\"another world\"}\n").unwrap();
        log.append(&record("a", 3, Verdict::Failed, 0.5)).unwrap();
        raw.write_all(b"{\"torn").unwrap();
        follower.poll(|record| seen.push(record.iter.number())).unwrap();
        follower.poll(|record| seen.push(record.iter.number())).unwrap();
        assert_eq!(seen, [1, 2, 3]);
        assert_eq!(follower.unreadable(), 1);
    }
}
