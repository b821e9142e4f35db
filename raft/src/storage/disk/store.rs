//! The store over any directory: opening, and the order of writes.
//!
//! Invariants:
//! - A frame is written only after all before it are durable.
//! - A log file gets its name when its first frame, which repeats the state, is durable in it.
//! - The mark in `DURABLE` advances after the frames before it are durable.
//! - A snapshot is durable before the frame that refers to it is written, and what it replaces is
//!   deleted after that frame is durable, oldest log file first.
//! - After any error nothing is written any more (`health.rs`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::file_index::{Effect, FileIndex};
use super::files::{INDEX, LOG, SNAPSHOT, Segment, index_name, numbers, snapshot_name};
use super::format::{self, HEADER, SnapshotRef, State};
use super::index::LogIndex;
use super::reader::LogReader;
use super::replay::{FIRST, Indexes, replay};
use crate::codec::Writer;
use crate::entry::{Entry, Snapshot};
use crate::output::{Record, Suffix, Write};
use crate::persistent_state::PersistentState;
use crate::storage::directory::{self, Directory, TEMPORARY, WritableFile, io_error};
use crate::storage::durable_mark::{DurableMark, DurableThrough};
use crate::storage::health::Health;
use crate::storage::identity::{Identity, StoreKind};
use crate::storage::snapshot_files::{Opened, SnapshotFiles};
use crate::storage::{EntryReader, SnapshotSpace, Storage, StorageError, WriteProgress};
use crate::types::{Index, PeerId};

pub(super) struct Store<F: Directory> {
    directory: F,
    identity: Identity,
    lengths: FileLengths,
    /// The log files, oldest first; never empty.
    segments: Vec<Segment>,
    newest: F::File,
    /// Length of the frames in the newest log file.
    end: u64,
    /// Length of the newest log file, with the zeros behind its frames.
    length: u64,
    /// The byte at which its last frame begins.
    last_frame: u64,
    /// Its effect on entries of the others.
    effect: Effect,
    /// The places of the entries.
    index: Arc<Mutex<LogIndex>>,
    /// The number of the next frame.
    next: u64,
    /// The state after the written frames and the records of the next one.
    state: State,
    /// The peer's identity, which each log file repeats.
    member: Option<crate::identity::Identity>,
    snapshots: SnapshotFiles<F>,
    /// Snapshots without a reference in the log.
    stale: Vec<u64>,
    /// The next frame: space for its header, then records.
    frame: Writer,
    mark: DurableMark,
    health: Health,
    progress: WriteProgress,
    /// The snapshot read at opening, until it is loaded.
    opened: Option<Snapshot>,
}

/// Lengths of files, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileLengths {
    /// Length after which the log continues in a new file.
    pub(super) segment: u64,
    /// Number of zeros written behind a frame that extends the file. Later frames replace them,
    /// which spares the file system a new length and new blocks at every flush.
    pub(super) preallocate: u64,
}

impl<F: Directory> Store<F> {
    /// Opens or creates the store in a directory. Nothing is changed before everything has been
    /// read and is valid.
    pub(super) fn open(
        mut directory: F,
        peer: PeerId,
        lengths: FileLengths,
    ) -> Result<Self, StorageError> {
        let identity = Identity::read_or_create(&mut directory, StoreKind::Log, peer)?;
        if identity.read_through == 0 && numbers(&directory, LOG)?.is_empty() {
            write_segment(&mut directory, &identity, 1, (&State::default(), None))?;
        }
        let durable = DurableThrough::read(&directory, &identity)?;
        let replayed = replay(&directory, &identity, durable, Indexes::Used)?;
        let newest = newest_name(&replayed.segments);
        let member = replayed.member;
        let next = SnapshotFiles::next_number(&directory)?;
        let snapshots = SnapshotFiles::new(directory.clone(), identity.seed, next);
        let opened = load_snapshot(&directory, &snapshots, &replayed.state)?;
        let newest = repair_tail(&mut directory, &newest, replayed.end, &replayed.last_frame)?;
        let identity = Identity { read_through: replayed.next, ..identity };
        identity.write(&mut directory)?;
        let mut store = Self {
            mark: DurableMark::open(&mut directory, &identity, replayed.next)?,
            snapshots,
            directory,
            identity,
            lengths,
            segments: replayed.segments,
            newest,
            end: replayed.end,
            length: replayed.end,
            last_frame: replayed.end - replayed.last_frame.len() as u64,
            effect: replayed.effect,
            index: Arc::new(Mutex::new(replayed.index)),
            next: replayed.next,
            state: replayed.state,
            member,
            stale: Vec::new(),
            frame: Writer(vec![0; HEADER]),
            health: Health::default(),
            progress: WriteProgress::default(),
            opened,
        };
        store.delete_orphans()?;
        for index in replayed.new_indexes {
            index.write(&mut store.directory, store.identity.seed)?;
        }
        Ok(store)
    }

    /// Reads the store in a directory without changing it.
    pub(super) fn read(
        directory: &F,
        identity: &Identity,
    ) -> Result<PersistentState, StorageError> {
        if identity.read_through == 0 && numbers(directory, LOG)?.is_empty() {
            return Ok(PersistentState::default());
        }
        let durable = DurableThrough::read(directory, identity)?;
        let replayed = replay(directory, identity, durable, Indexes::Ignored)?;
        let next = SnapshotFiles::next_number(directory)?;
        let snapshots = SnapshotFiles::new(directory.clone(), identity.seed, next);
        let snapshot = load_snapshot(directory, &snapshots, &replayed.state)?;
        let (first, earlier) = replayed.index.split_recent(u64::MAX);
        let last = replayed.state.last;
        let index = Arc::new(Mutex::new(replayed.index));
        let mut reader = LogReader { directory: directory.clone(), index, seed: identity.seed };
        let entries = reader.read(first, last, u64::MAX)?;
        let (identity, hard_state) = (replayed.member, replayed.state.hard_state);
        Ok(PersistentState { identity, hard_state, snapshot, earlier, entries })
    }

    pub(super) fn report_progress_to(&mut self, progress: WriteProgress) {
        self.snapshots.report_progress_to(progress.clone());
        self.progress = progress;
    }

    fn reader(&self) -> LogReader<F> {
        let (directory, index) = (self.directory.clone(), Arc::clone(&self.index));
        LogReader { directory, index, seed: self.identity.seed }
    }

    pub(super) const fn directory_mut(&mut self) -> &mut F {
        &mut self.directory
    }

    fn apply_writes(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        for write in writes {
            match &write.record {
                Record::Identity(member) => {
                    self.member = Some(member.clone());
                    format::put_identity(&mut self.frame, member);
                }
                Record::HardState(hard_state) => {
                    self.state.hard_state = *hard_state;
                    format::put_hard_state(&mut self.frame, *hard_state);
                }
                Record::Truncate { from } => {
                    self.index().truncate(*from);
                    self.effect.truncate(*from);
                    self.state.truncate(*from);
                    format::put_truncate(&mut self.frame, *from);
                }
                Record::Append(entries) => self.append(entries)?,
                Record::Snapshot { snapshot, suffix } => self.snapshot(snapshot, *suffix)?,
            }
        }
        self.flush()?;
        self.mark.advance(self.next)?;
        self.delete_replaced()
    }

    fn append(&mut self, entries: &[Entry]) -> Result<(), StorageError> {
        let mut unnoted = entries;
        for (place, entry) in entries.iter().enumerate() {
            let (found, expected) = (entry.id.index, self.state.last.next());
            assert_eq!(found, expected, "an append leaves a gap");
            let length = entry.encoded_len();
            if length > ENTRY_BYTES_MAX {
                let what = format!("write entry {}", entry.id);
                let text = format!("its {length} bytes are more than a frame holds");
                return Err(StorageError::Io { what, source: std::io::Error::other(text) });
            }
            self.state.last = found;
            format::put_entry(&mut self.frame, entry);
            if self.frame.0.len() > FRAME_BYTES {
                let rest = entries.len() - place - 1;
                self.note(&unnoted[..unnoted.len() - rest]);
                unnoted = &entries[place + 1..];
                self.flush()?;
            }
        }
        self.note(unnoted);
        Ok(())
    }

    /// Adds entries of the next frame to the index.
    fn note(&mut self, entries: &[Entry]) {
        let (file, at) = (self.segments.last().map_or(0, |segment| segment.number), self.end);
        let mut index = self.index();
        entries.iter().for_each(|entry| index.push(entry, file, at));
    }

    fn index(&self) -> MutexGuard<'_, LogIndex> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshot(&mut self, snapshot: &Snapshot, suffix: Suffix) -> Result<(), StorageError> {
        let reference = self.snapshots.seal(snapshot)?;
        self.stale.extend(self.state.snapshot.map(|old| old.number));
        match suffix {
            Suffix::Kept { after } => self.index().drop_through(after),
            Suffix::Discarded => {
                self.index().truncate(FIRST);
                self.effect.truncate(FIRST);
            }
        }
        self.state.compact(reference, suffix);
        format::put_snapshot(&mut self.frame, reference, suffix);
        Ok(())
    }

    /// Makes the next frame durable, unless it is empty.
    fn flush(&mut self) -> Result<(), StorageError> {
        if self.frame.0.len() == HEADER {
            return Ok(());
        }
        format::seal(&mut self.frame.0, self.next, self.identity.seed);
        let frame_end = self.end + self.frame.0.len() as u64;
        if frame_end > self.length {
            let space = self.lengths.segment.saturating_sub(frame_end);
            // Preallocation is only an optimisation.
            let zeros = usize::try_from(self.lengths.preallocate.min(space)).unwrap_or(0);
            self.frame.0.resize(self.frame.0.len() + zeros, 0);
            self.length = frame_end + zeros as u64;
        }
        let path = || self.directory.path_of(&newest_name(&self.segments));
        let file = &mut self.newest;
        let written = directory::write_in_steps(file, self.end, &self.frame.0, &self.progress);
        written.map_err(io_error(format!("write {}", path())))?;
        let synced = self.newest.sync();
        synced.map_err(io_error(format!("flush {} to the disk", path())))?;
        self.progress.advance();
        (self.last_frame, self.end) = (self.end, frame_end);
        self.next += 1;
        self.frame.0.truncate(HEADER);
        self.frame.0.shrink_to(FRAME_BYTES);
        if self.end >= self.lengths.segment { self.rotate() } else { Ok(()) }
    }

    /// Continues in a new log file.
    fn rotate(&mut self) -> Result<(), StorageError> {
        let segment = Segment { number: self.next, floor: self.state.last };
        self.write_index(segment.number)?;
        let content = (&self.state, self.member.as_ref());
        self.end = write_segment(&mut self.directory, &self.identity, self.next, content)?;
        self.length = self.end;
        self.newest = open_file(&mut self.directory, &segment.name())?;
        self.segments.push(segment);
        (self.last_frame, self.effect) = (0, Effect::None);
        self.next += 1;
        Ok(())
    }

    /// Writes the index of the newest log file, which is complete.
    fn write_index(&mut self, next: u64) -> Result<(), StorageError> {
        let Some(Segment { number, .. }) = self.segments.last().copied() else { return Ok(()) };
        let last = self.state.last;
        let (blocks, memberships) = {
            let index = self.index();
            let blocks = index.of_file(number);
            let first = blocks.first().map_or(last.next(), |block| block.first.index);
            (blocks, index.memberships_from(first))
        };
        let (end, last_frame, effect) = (self.end, self.last_frame, self.effect);
        let (state, member) = (self.state, self.member.clone());
        FileIndex {
            number,
            end,
            last_frame,
            next,
            effect,
            state,
            member,
            blocks,
            last,
            memberships,
        }
        .write(&mut self.directory, self.identity.seed)
    }

    /// Deletes the snapshots and log files that are not needed any more, once the log says so.
    fn delete_replaced(&mut self) -> Result<(), StorageError> {
        for number in std::mem::take(&mut self.stale) {
            directory::delete(&mut self.directory, &snapshot_name(number))?;
        }
        let unneeded = self.state.kept_after;
        while self.segments.get(1).is_some_and(|second| second.floor <= unneeded) {
            let oldest = self.segments.remove(0);
            directory::delete(&mut self.directory, &oldest.name())?;
            self.delete_index(oldest.number)?;
        }
        Ok(())
    }

    fn delete_index(&mut self, number: u64) -> Result<(), StorageError> {
        match self.directory.remove(&index_name(number)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let path = self.directory.path_of(&index_name(number));
                Err(io_error(format!("delete {path}"))(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Deletes files without a reference, left behind by a crash.
    fn delete_orphans(&mut self) -> Result<(), StorageError> {
        directory::delete_all(&mut self.directory, |name| name.ends_with(TEMPORARY))?;
        for number in numbers(&self.directory, INDEX)? {
            if self.segments.iter().all(|segment| segment.number != number) {
                self.delete_index(number)?;
            }
        }
        let current = self.state.snapshot.map(|snapshot| snapshot.number);
        self.stale = numbers(&self.directory, SNAPSHOT)?;
        self.stale.retain(|number| Some(*number) != current);
        self.delete_replaced()
    }
}

impl<F: Directory> Storage for Store<F> {
    fn load(&mut self) -> Result<PersistentState, StorageError> {
        self.load_recent(u64::MAX)
    }

    fn load_recent(&mut self, bytes_max: u64) -> Result<PersistentState, StorageError> {
        let (first, earlier) = self.index().split_recent(bytes_max);
        let snapshot = match self.opened.take() {
            Some(opened) => Some(opened),
            None => load_snapshot(&self.directory, &self.snapshots, &self.state)?,
        };
        let entries = self.reader().read(first, self.state.last, u64::MAX)?;
        let (identity, hard_state) = (self.member.clone(), self.state.hard_state);
        Ok(PersistentState { identity, hard_state, snapshot, earlier, entries })
    }

    fn entry_reader(&mut self) -> Option<Box<dyn EntryReader>> {
        Some(Box::new(self.reader()))
    }

    fn snapshot_space(&mut self) -> Option<Box<dyn SnapshotSpace>> {
        Some(Box::new(self.snapshots.clone()))
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        self.health.check(|| self.directory.path_of(""))?;
        self.opened = None;
        let done = self.apply_writes(writes);
        self.health.record(&done);
        done
    }
}

/// Size after which a write continues in a new frame, once this one is durable.
const FRAME_BYTES: usize = 8 << 20;

/// Keeps a frame below 4 GiB, the limit of its length field.
const ENTRY_BYTES_MAX: usize = 2 << 30;

impl State {
    pub(super) fn truncate(&mut self, from: Index) {
        self.last = self.last.min(from.prev()).max(self.base().index);
    }

    pub(super) fn compact(&mut self, reference: SnapshotRef, suffix: Suffix) {
        let index = reference.last_included.index;
        self.snapshot = Some(reference);
        (self.last, self.kept_after) = match suffix {
            Suffix::Kept { after } => (self.last.max(index), after),
            Suffix::Discarded => (index, index),
        };
    }
}

/// Writes the file of a new segment and returns its length.
fn write_segment<F: Directory>(
    directory: &mut F,
    identity: &Identity,
    number: u64,
    (state, member): (&State, Option<&crate::identity::Identity>),
) -> Result<u64, StorageError> {
    let mut frame = Writer(vec![0; HEADER]);
    format::put_start(&mut frame, state);
    if let Some(member) = member {
        format::put_identity(&mut frame, member);
    }
    format::seal(&mut frame.0, number, identity.seed);
    let segment = Segment { number, floor: state.last };
    directory::replace(directory, &segment.name(), &[&frame.0])?;
    Ok(frame.0.len() as u64)
}

/// Removes the tail that was never durable, and makes durable what was read: a process that ended
/// may have left bytes and names in the system's cache only. After a failed flush of the last
/// frame, systems even believe that nothing is left to flush, so that frame is written again.
fn repair_tail<F: Directory>(
    directory: &mut F,
    newest: &str,
    end: u64,
    last_frame: &[u8],
) -> Result<F::File, StorageError> {
    let mut file = open_file(directory, newest)?;
    let mut flush = || {
        file.set_len(end)?;
        file.write_at(end - last_frame.len() as u64, last_frame)?;
        file.sync()?;
        directory.sync()
    };
    flush().map_err(|error| io_error(format!("write {}", directory.path_of(newest)))(error))?;
    Ok(file)
}

fn open_file<F: Directory>(directory: &mut F, name: &str) -> Result<F::File, StorageError> {
    directory.open(name).map_err(io_error(format!("open {}", directory.path_of(name))))
}

/// The snapshot that the log refers to.
fn load_snapshot<F: Directory>(
    directory: &F,
    snapshots: &SnapshotFiles<F>,
    state: &State,
) -> Result<Option<Snapshot>, StorageError> {
    let snapshot = state.snapshot.map(|reference| {
        let name = snapshot_name(reference.number);
        let path = directory.path_of(&name);
        let damaged = |what: &str| {
            let id = reference.last_included;
            StorageError::Damaged(format!("{path}, the snapshot through {id}: {what}"))
        };
        match snapshots.open(reference, damaged)? {
            Opened::Snapshot(snapshot) => Ok(snapshot),
            Opened::OtherFormat => {
                let bytes = directory.read(&name).map_err(io_error(format!("read {path}")))?;
                let opened = format::open_snapshot(&bytes, reference, snapshots.seed());
                opened.map_err(|what| damaged(&what))
            }
        }
    });
    snapshot.transpose()
}

fn newest_name(segments: &[Segment]) -> String {
    segments.last().map(|segment| segment.name()).unwrap_or_default()
}
