//! Entries read back from the log.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::files::log_name;
use super::format::{self, LogRecord};
use super::frames::FrameReader;
use super::index::{Block, LogIndex};
use crate::codec;
use crate::entry::Entry;
use crate::output::Suffix;
use crate::storage::directory::{Directory, io_error};
use crate::storage::entry_reader::ByteLimit;
use crate::storage::{EntryReader, StorageError};
use crate::types::Index;

/// Reads entries by an index that the store keeps up to date.
pub(super) struct LogReader<F: Directory> {
    pub(super) directory: F,
    pub(super) index: Arc<Mutex<LogIndex>>,
    pub(super) seed: u64,
}

/// The reason why a block is not read.
enum Unread {
    System(io::Error),
    /// The byte and the finding.
    Broken(u64, String),
}

impl<F: Directory> EntryReader for LogReader<F> {
    fn read(
        &mut self,
        first: Index,
        through: Index,
        bytes_max: u64,
    ) -> Result<Vec<Entry>, StorageError> {
        let (mut entries, mut limit) = (Vec::new(), ByteLimit::new(bytes_max));
        let mut next = first;
        while next <= through {
            let Some((block, end)) = self.find(next) else { break };
            let end = end.min(through);
            let found = match self.read_block(block, next, end) {
                Ok(found) => found,
                // It was deleted meanwhile.
                Err(_) if self.find(next).is_none_or(|(now, _)| now.at != block.at) => break,
                Err(unread) => return Err(self.error(block, unread)),
            };
            for entry in found {
                if !limit.takes(&entry) {
                    return Ok(entries);
                }
                entries.push(entry);
            }
            next = end.next();
        }
        Ok(entries)
    }
}

impl<F: Directory> LogReader<F> {
    fn find(&self, index: Index) -> Option<(Block, Index)> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner).find(index)
    }

    /// The entries from `first` through `last`, which are in this block.
    fn read_block(&self, block: Block, first: Index, last: Index) -> Result<Vec<Entry>, Unread> {
        let file = self.directory.open_for_reading(&log_name(block.file));
        let frames = file.and_then(|file| FrameReader::new(file, block.at, self.seed));
        let mut frames = frames.map_err(Unread::System)?;
        let mut found = Found { first, entries: Vec::new() };
        while found.next() <= last {
            let at = frames.at();
            let broken = |what: String| Unread::Broken(at, what);
            let Some(frame) = frames.next().map_err(Unread::System)? else {
                return Err(broken(format!("the frame of entry {} is broken", found.next())));
            };
            let mut reader = codec::Reader(frame.payload);
            loop {
                let record = format::record(&mut reader);
                match record.map_err(|error| broken(error.to_string()))? {
                    Some(record) => found.take(record),
                    None => break,
                }
            }
        }
        found.entries.truncate(crate::log::to_usize(last.next().since(first)));
        let wrong = found.entries.iter().find(|entry| entry.id.term != block.first.term);
        match wrong {
            None => Ok(found.entries),
            Some(wrong) => {
                let term = block.first.term;
                Err(Unread::Broken(block.at, format!("found entry {}, of term {term}", wrong.id)))
            }
        }
    }

    fn error(&self, block: Block, unread: Unread) -> StorageError {
        let path = self.directory.path_of(&log_name(block.file));
        match unread {
            Unread::Broken(at, what) => {
                StorageError::Damaged(format!("{path} at byte {at}: {what}"))
            }
            Unread::System(error) if error.kind() == io::ErrorKind::NotFound => {
                StorageError::Damaged(format!("{path}: the file is missing"))
            }
            Unread::System(error) => io_error(format!("read {path}"))(error),
        }
    }
}

/// Entries from `first` on, as the records of the frames leave them.
struct Found {
    first: Index,
    entries: Vec<Entry>,
}

impl Found {
    fn next(&self) -> Index {
        self.first.plus(self.entries.len() as u64)
    }

    /// Others than those in order are of before a truncation, or of other blocks.
    fn take(&mut self, record: LogRecord) {
        match record {
            LogRecord::Entry(entry) if entry.id.index == self.next() => self.entries.push(entry),
            LogRecord::Truncate { from } => {
                let kept = from.number().saturating_sub(self.first.number());
                self.entries.truncate(crate::log::to_usize(kept));
            }
            LogRecord::Snapshot { suffix: Suffix::Discarded, .. } => self.entries.clear(),
            LogRecord::Entry(_)
            | LogRecord::Start(_)
            | LogRecord::HardState(_)
            | LogRecord::Snapshot { suffix: Suffix::Kept { .. }, .. }
            | LogRecord::Identity(_) => {}
        }
    }
}
