//! Replay of a log: the state of its files, or the place and kind of their damage. Changes nothing.
//!
//! The newest file is read whole, and so are older ones without an index (`file_index.rs`). A crash may
//! leave a broken end of the newest file, as one frame was not durable yet. Everything else was
//! durable, so any other broken data is damage.

use super::file_index::{Effect, FileIndex};
use super::files::{LOG, Segment, log_name, numbers};
use super::format::{self, LogRecord, State};
use super::index::LogIndex;
use crate::codec::Reader;
use crate::entry::Entry;
use crate::output::Suffix;
use crate::storage::StorageError;
use crate::storage::directory::{Directory, io_error};
use crate::storage::durable_mark::DurableThrough;
use crate::storage::identity::Identity;
use crate::types::{Index, Term};

/// The result of replaying a log.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    pub(super) state: State,
    pub(super) member: Option<crate::identity::Identity>,
    pub(super) index: LogIndex,
    /// The files, oldest first.
    pub(super) segments: Vec<Segment>,
    /// Those of complete files that had none.
    pub(super) new_indexes: Vec<FileIndex>,
    /// The effect of the newest file.
    pub(super) effect: Effect,
    /// The number of the next frame.
    pub(super) next: u64,
    /// Length of the frames in the newest file.
    pub(super) end: u64,
    /// The last frame of the newest file.
    pub(super) last_frame: Vec<u8>,
    /// The last entry before the oldest file.
    floor: Index,
}

/// The use of indexes in place of complete files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Indexes {
    Used,
    /// Every frame is read and checked.
    Ignored,
}

/// Reads all log files, oldest first.
///
/// # Errors
/// [`StorageError::Damaged`] with file and byte, or a file that cannot be read.
pub(super) fn replay<F: Directory>(
    directory: &F,
    identity: &Identity,
    durable: DurableThrough,
    indexes: Indexes,
) -> Result<Replayed, StorageError> {
    let files = numbers(directory, LOG)?;
    let mut replayed = Replayed::default();
    for (position, number) in files.iter().enumerate() {
        let newest = position + 1 == files.len();
        let known = match indexes {
            Indexes::Used if !newest => FileIndex::read(directory, *number, identity.seed),
            Indexes::Used | Indexes::Ignored => None,
        };
        if known.is_some_and(|(index, start)| replayed.adopt(&index, start)) {
            continue;
        }
        let name = log_name(*number);
        let bytes = directory.read(&name);
        let bytes = bytes.map_err(io_error(format!("read {}", directory.path_of(&name))))?;
        replayed
            .replay_file(*number, &bytes, newest, identity)
            .map_err(|(at, what)| damaged(directory, &name, at, &what))?;
        if !newest {
            replayed.new_indexes.push(replayed.file_index(*number));
        }
    }
    let Some(newest) = replayed.segments.last().map(|segment| segment.name()) else {
        let path = directory.path_of("");
        return Err(StorageError::Damaged(format!("{path} has no log file")));
    };
    durable.check(|| directory.path_of(&newest), replayed.next)?;
    if let Err(what) = replayed.check_complete() {
        return Err(damaged(directory, &newest, replayed.end, &what));
    }
    Ok(replayed)
}

fn damaged<F: Directory>(directory: &F, name: &str, at: u64, what: &str) -> StorageError {
    StorageError::Damaged(format!("{} at byte {at}: {what}", directory.path_of(name)))
}

/// Position in a file, and the finding.
type Damage = (u64, String);

impl Replayed {
    fn replay_file(
        &mut self,
        number: u64,
        bytes: &[u8],
        newest: bool,
        identity: &Identity,
    ) -> Result<(), Damage> {
        if !self.segments.is_empty() && number != self.next {
            return Err((0, format!("the log from frame {} on is missing before it", self.next)));
        }
        (self.next, self.effect) = (number, Effect::None);
        let (mut at, mut last) = (0, 0);
        while let Some(frame) = format::frame(&bytes[at..], identity.seed) {
            if frame.number != self.next {
                return Err((
                    at as u64,
                    format!("found frame {}, expected {}", frame.number, self.next),
                ));
            }
            let replayed = self.replay_payload(number, at as u64, frame.payload);
            replayed.map_err(|what| (at as u64, what))?;
            self.next += 1;
            (last, at) = (at, at + frame.len());
        }
        self.end = at as u64;
        self.last_frame = bytes[last..at].to_vec();
        self.check_tail(bytes, at, newest, identity).map_err(|what| (at as u64, what))
    }

    /// Checks the bytes after the last valid frame of a file.
    fn check_tail(
        &self,
        bytes: &[u8],
        at: usize,
        newest: bool,
        identity: &Identity,
    ) -> Result<(), String> {
        let (next, empty) = (self.next, bytes[at..].iter().all(|byte| *byte == 0));
        if at == 0 || (!newest && !empty) {
            return Err(format!("frame {next} is broken, or of another store"));
        }
        match format::later_frame(bytes, at, next, identity.seed) {
            Some(later) => {
                Err(format!("frame {next} is broken, but byte {later} begins a later one"))
            }
            None => Ok(()),
        }
    }

    fn replay_payload(&mut self, file: u64, at: u64, payload: &[u8]) -> Result<(), String> {
        let mut reader = Reader(payload);
        let mut first = file == self.next;
        while let Some(record) = format::record(&mut reader).map_err(|error| error.to_string())? {
            if let (LogRecord::Start(state), true) = (&record, first) {
                self.start(file, *state)?;
            } else if first {
                return Err(format!("found {record:?}, expected a start record"));
            } else {
                self.record(record, file, at)?;
            }
            first = false;
        }
        Ok(())
    }

    fn start(&mut self, number: u64, state: State) -> Result<(), String> {
        if self.segments.is_empty() {
            (self.state, self.floor) = (state, state.last);
        } else if self.state != state {
            return Err(format!(
                "starts with {state:?}, but the previous file ends with {:?}",
                self.state
            ));
        }
        self.segments.push(Segment { number, floor: state.last });
        Ok(())
    }

    fn record(&mut self, record: LogRecord, file: u64, at: u64) -> Result<(), String> {
        match record {
            LogRecord::Start(_) => return Err("start record in the middle of a file".to_owned()),
            LogRecord::Identity(member) => self.member = Some(member),
            LogRecord::HardState(hard_state) => self.state.hard_state = hard_state,
            LogRecord::Truncate { from } => {
                self.truncate(from);
                self.state.truncate(from);
            }
            LogRecord::Entry(entry) => self.entry(&entry, file, at)?,
            LogRecord::Snapshot { reference, suffix } => {
                match suffix {
                    Suffix::Kept { after } => self.index.drop_through(after),
                    Suffix::Discarded => self.truncate(FIRST),
                }
                self.state.compact(reference, suffix);
            }
        }
        Ok(())
    }

    fn truncate(&mut self, from: Index) {
        self.index.truncate(from);
        self.floor = self.floor.min(from.prev());
        self.effect.truncate(from);
    }

    fn entry(&mut self, entry: &Entry, file: u64, at: u64) -> Result<(), String> {
        let last = self.state.last;
        let term = self.index.last().map_or(self.state.base().term, |entry| entry.term);
        if entry.id.index != last.next() || entry.id.term < term || entry.id.term == Term::ZERO {
            return Err(format!("entry {} cannot follow {last}@{term}", entry.id));
        }
        self.state.last = entry.id.index;
        self.index.push(entry, file, at);
        Ok(())
    }

    /// Takes over a complete file that starts with this state. Returns whether it follows the files
    /// before it; if not, reading it says what is wrong.
    fn adopt(&mut self, file: &FileIndex, start: State) -> bool {
        let follows = self.segments.is_empty() || (file.number == self.next && self.state == start);
        if !follows || self.start(file.number, start).is_err() {
            return false;
        }
        if let Effect::Truncates(from) = file.effect {
            self.truncate(from);
        }
        self.index.drop_through(file.state.kept_after);
        self.index.append(&file.blocks, file.last, &file.memberships);
        self.state = file.state;
        self.next = file.next;
        self.member = file.member.clone().or(self.member.take());
        true
    }

    /// The index of the file that was read last.
    fn file_index(&self, number: u64) -> FileIndex {
        let (blocks, last) = (self.index.of_file(number), self.state.last);
        let first = blocks.first().map_or(last.next(), |block| block.first.index);
        FileIndex {
            number,
            end: self.end,
            last_frame: self.end - self.last_frame.len() as u64,
            next: self.next,
            effect: self.effect,
            state: self.state,
            member: self.member.clone(),
            last,
            memberships: self.index.memberships_from(first),
            blocks,
        }
    }

    /// Checks across all records.
    fn check_complete(&self) -> Result<(), String> {
        let base = self.state.base();
        let kept_after = self.state.kept_after;
        if self.floor > kept_after {
            let floor = self.floor;
            return Err(format!("the entries after {kept_after} through {floor} are in no file"));
        }
        let last = self.index.last().unwrap_or(base);
        let current_term = self.state.hard_state.current_term;
        if last.term > current_term {
            return Err(format!("term {current_term} is behind the last entry, {last}"));
        }
        Ok(())
    }
}

/// The first index of all.
pub(super) const FIRST: Index = Index::new(1);
