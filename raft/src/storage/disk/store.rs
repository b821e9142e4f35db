//! The store over any directory: opening, and the order of writes.
//!
//! Invariants:
//! - A frame is written only after all before it are durable.
//! - A log file gets its name when its first frame, which repeats the state, is durable in it.
//! - The mark in `DURABLE` advances after the frames before it are durable.
//! - A snapshot is durable before the frame that refers to it is written, and what it replaces is
//!   deleted after that frame is durable, oldest log file first.
//! - After any error nothing is written any more (`health.rs`).

use super::files::{LOG, SNAPSHOT, Segment, numbers, snapshot_name};
use super::format::{self, HEADER, SnapshotRef, State};
use super::replay::replay;
use crate::codec::Writer;
use crate::entry::{Entry, Snapshot};
use crate::output::{Record, Suffix, Write};
use crate::persistent_state::PersistentState;
use crate::storage::directory::{self, Directory, TEMPORARY, WritableFile, io_error};
use crate::storage::durable_mark::{DURABLE, DurableMark, DurableThrough};
use crate::storage::health::Health;
use crate::storage::identity::{Identity, Kind};
use crate::storage::snapshot_files::{Opened, SnapshotFiles};
use crate::storage::{SnapshotSpace, Storage, StorageError, WriteProgress};
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
    /// The state read at opening, until it is loaded.
    opened: Option<PersistentState>,
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
        let identity = Identity::read_or_create(&mut directory, Kind::Log, peer)?;
        if identity.read_through == 0 && numbers(&directory, LOG)?.is_empty() {
            write_segment(&mut directory, &identity, 1, (&State::default(), None))?;
        }
        let durable = DurableThrough::read(&directory, &identity)?;
        let replayed = replay(&directory, &identity, durable)?;
        let newest = newest_name(&replayed.segments);
        let member = replayed.member;
        let next = SnapshotFiles::next_number(&directory)?;
        let snapshots = SnapshotFiles::new(directory.clone(), identity.seed, next);
        let mut opened = load_state(&directory, &snapshots, &replayed.state, replayed.entries)?;
        opened.identity.clone_from(&member);
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
            next: replayed.next,
            state: replayed.state,
            member,
            stale: Vec::new(),
            frame: Writer(vec![0; HEADER]),
            health: Health::default(),
            progress: WriteProgress::default(),
            opened: Some(opened),
        };
        store.delete_orphans()?;
        Ok(store)
    }

    pub(super) fn report_progress_to(&mut self, progress: WriteProgress) {
        self.snapshots.report_progress_to(progress.clone());
        self.progress = progress;
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
        for entry in entries {
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
                self.flush()?;
            }
        }
        Ok(())
    }

    fn snapshot(&mut self, snapshot: &Snapshot, suffix: Suffix) -> Result<(), StorageError> {
        let reference = self.snapshots.seal(snapshot)?;
        self.stale.extend(self.state.snapshot.map(|old| old.number));
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
        self.end = frame_end;
        self.next += 1;
        self.frame.0.truncate(HEADER);
        self.frame.0.shrink_to(FRAME_BYTES);
        if self.end >= self.lengths.segment { self.rotate() } else { Ok(()) }
    }

    /// Continues in a new log file.
    fn rotate(&mut self) -> Result<(), StorageError> {
        let segment = Segment { number: self.next, floor: self.state.last };
        let content = (&self.state, self.member.as_ref());
        self.end = write_segment(&mut self.directory, &self.identity, self.next, content)?;
        self.length = self.end;
        self.newest = open_file(&mut self.directory, &segment.name())?;
        self.segments.push(segment);
        self.next += 1;
        Ok(())
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
        }
        Ok(())
    }

    /// Deletes files without a reference, left behind by a crash.
    fn delete_orphans(&mut self) -> Result<(), StorageError> {
        directory::delete_all(&mut self.directory, |name| name.ends_with(TEMPORARY))?;
        let current = self.state.snapshot.map(|snapshot| snapshot.number);
        self.stale = numbers(&self.directory, SNAPSHOT)?;
        self.stale.retain(|number| Some(*number) != current);
        self.delete_replaced()
    }
}

impl<F: Directory> Storage for Store<F> {
    fn load(&mut self) -> Result<PersistentState, StorageError> {
        match self.opened.take() {
            Some(opened) => Ok(opened),
            None => {
                let durable = DurableThrough { next: self.next, recorded_in: DURABLE };
                let replayed = replay(&self.directory, &self.identity, durable)?;
                let (state, entries) = (&replayed.state, replayed.entries);
                let loaded = load_state(&self.directory, &self.snapshots, state, entries)?;
                Ok(PersistentState { identity: replayed.member, ..loaded })
            }
        }
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

/// The state of the log and the snapshot it refers to.
fn load_state<F: Directory>(
    directory: &F,
    snapshots: &SnapshotFiles<F>,
    state: &State,
    entries: Vec<Entry>,
) -> Result<PersistentState, StorageError> {
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
    let (hard_state, snapshot) = (state.hard_state, snapshot.transpose()?);
    Ok(PersistentState { identity: None, hard_state, snapshot, entries })
}

fn newest_name(segments: &[Segment]) -> String {
    segments.last().map(|segment| segment.name()).unwrap_or_default()
}
