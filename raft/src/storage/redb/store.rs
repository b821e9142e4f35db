//! The store over any backend of redb: opening, and the changes of tables by writes.
//!
//! Invariants:
//! - A write is one transaction, which is durable when `write` returns: redb commits with one flush
//!   by default, and checks at the next start what that flush has left.
//! - Each transaction counts one up in the row of the state, and the mark in `DURABLE` follows once it is
//!   durable, so that going back to an older one shows.
//! - Every row is checked when it is read, and so is every page when the store is opened.
//! - After any error nothing is written any more (`health.rs`).

use std::collections::VecDeque;
use std::sync::Arc;

use redb::{
    Builder, Database, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend,
    WriteTransaction,
};

use super::backend::{Backend, ProgressReport};
use super::errors::{database_error, open_error};
use super::reader::LogReader;
use super::rows::{self, CHUNK, DataPlace, SnapshotHeader, State, Table};
use crate::codec::DecodeError;
use crate::entry::{Entry, Snapshot};
use crate::output::{Record, Suffix, Write};
use crate::persistent_state::{EarlierEntries, PersistentState};
use crate::snapshot_data::SnapshotData;
use crate::storage::directory::{OsDirectory, io_error};
use crate::storage::durable_mark::{DurableMark, DurableThrough};
use crate::storage::health::Health;
use crate::storage::identity::Identity;
use crate::storage::snapshot_files::{Opened, SnapshotFiles, SnapshotRef, snapshot_name};
use crate::storage::{EntryReader, SnapshotSpace, Storage, StorageError, WriteProgress};
use crate::types::Index;

pub(super) struct Store {
    database: Arc<Database>,
    /// The file's path, for messages.
    path: String,
    seed: u64,
    /// The state after the durable transactions.
    state: State,
    mark: Option<DurableMark>,
    /// The directory's snapshot files; none for a database without a directory.
    files: Option<SnapshotFiles<OsDirectory>>,
    /// The number of the snapshot's file, if it has one.
    file: Option<u64>,
    health: Health,
    /// Passes the progress of writes to the backend's file.
    report: ProgressReport,
}

/// The node has the log in memory, so nothing is read twice; this is for the inner pages of trees.
const CACHE_BYTES: usize = 16 << 20;

impl Store {
    /// Creates a database in an empty file.
    pub(super) fn create<B: StorageBackend>(
        file: B,
        path: &str,
        identity: &Identity,
    ) -> Result<(), StorageError> {
        let database = Builder::new().create_with_backend(file);
        let database = database.map_err(|error| database_error("write", path, error))?;
        let store = Self::of(database, path, identity.seed);
        let transaction = store.database.begin_write().map_err(|error| store.write_error(error))?;
        // With all its tables, as reading one that is not there is an error.
        for table in [Table::Log, Table::Snapshot] {
            transaction.open_table(table.definition()).map_err(|error| store.write_error(error))?;
        }
        store.commit(transaction, store.state)?;
        let database = Arc::into_inner(store.database);
        database
            .map_or(Ok(()), Database::close)
            .map_err(|error| database_error("write", path, error))
    }

    /// Opens a database. Nothing is changed before everything has been read and is valid.
    pub(super) fn open<B: StorageBackend>(
        file: B,
        path: &str,
        identity: &Identity,
        durable: DurableThrough,
        files: Option<SnapshotFiles<OsDirectory>>,
    ) -> Result<Self, StorageError> {
        let (mut store, backend) = Self::open_staged(file, path, identity, files)?;
        let (state, _, file) = store.read(0)?;
        durable.check(|| path.to_owned(), state.next)?;
        backend.accept().map_err(io_error(format!("write {path}")))?;
        store.report = backend.progress_report();
        (store.state, store.file) = (state, file);
        if let Some(files) = &store.files {
            files.delete_unfinished()?;
            files.delete_others(file)?;
        }
        Ok(store)
    }

    /// Reads and checks a database without changing it.
    pub(super) fn read_only<B: StorageBackend>(
        file: B,
        path: &str,
        identity: &Identity,
        durable: DurableThrough,
        files: SnapshotFiles<OsDirectory>,
    ) -> Result<PersistentState, StorageError> {
        let (store, _) = Self::open_staged(file, path, identity, Some(files))?;
        let (state, stored, _) = store.read(u64::MAX)?;
        durable.check(|| path.to_owned(), state.next)?;
        Ok(stored)
    }

    /// Opens a database whose file stays unchanged until the backend accepts it.
    fn open_staged<B: StorageBackend>(
        file: B,
        path: &str,
        identity: &Identity,
        files: Option<SnapshotFiles<OsDirectory>>,
    ) -> Result<(Self, Backend<B>), StorageError> {
        let system = |error| io_error(format!("open {path}"))(error);
        let backend = Backend::staged(file).map_err(system)?;
        let mut builder = Builder::new();
        // Without this check, redb trusts all pages, and may panic over wrong ones.
        builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
        let database = builder.create_with_backend(backend.clone());
        let database = database.map_err(|error| open_error(path, error))?;
        Ok((Self { files, ..Self::of(database, path, identity.seed) }, backend))
    }

    fn of(database: Database, path: &str, seed: u64) -> Self {
        let (state, health) = (State { next: 1, ..State::default() }, Health::default());
        let report = ProgressReport::default();
        let path = path.to_owned();
        let (mark, files, file) = (None, None, None);
        let database = Arc::new(database);
        Self { database, path, seed, state, mark, files, file, health, report }
    }

    /// Marks how far the writes are durable, from now on.
    pub(super) fn with_mark(self, mark: DurableMark) -> Self {
        Self { mark: Some(mark), ..self }
    }

    pub(super) fn report_progress_to(&mut self, progress: WriteProgress) {
        if let Some(files) = &mut self.files {
            files.report_progress_to(progress.clone());
        }
        self.report.set(progress);
    }

    /// The number of the next transaction.
    pub(super) const fn next(&self) -> u64 {
        self.state.next
    }

    /// Performs the writes; returns the state and the number of the snapshot's file after them.
    fn apply_writes(&self, writes: &[Write]) -> Result<(State, Option<u64>), StorageError> {
        let transaction = self.database.begin_write().map_err(|error| self.write_error(error))?;
        let (mut state, mut file) = (self.state, self.file);
        for write in writes {
            match &write.record {
                Record::Identity(identity) => {
                    let value = rows::encode_identity(identity);
                    self.put_state(&transaction, IDENTITY, value)?;
                }
                Record::HardState(hard_state) => state.hard_state = *hard_state,
                Record::Truncate { from } => {
                    self.delete(&transaction, Table::Log, from.number()..)?;
                    state.last = state.last.min(from.prev()).max(state.base().index);
                }
                Record::Append(entries) => {
                    state.last = self.append(&transaction, state.last, entries)?;
                }
                Record::Snapshot { snapshot, suffix } => {
                    file = self.snapshot(&transaction, snapshot, *suffix)?;
                    state.snapshot = Some(snapshot.last_included);
                    state.last = match suffix {
                        Suffix::Kept { .. } => state.last.max(snapshot.index()),
                        Suffix::Discarded => snapshot.index(),
                    };
                }
            }
        }
        Ok((self.commit(transaction, state)?, file))
    }

    fn append(
        &self,
        transaction: &WriteTransaction,
        mut last: Index,
        entries: &[Entry],
    ) -> Result<Index, StorageError> {
        let table = transaction.open_table(Table::Log.definition());
        let mut table = table.map_err(|error| self.write_error(error))?;
        for entry in entries {
            let (found, expected) = (entry.id.index, last.next());
            assert_eq!(found, expected, "an append leaves a gap");
            let row = Table::Log.seal(found.number(), rows::encode_entry(entry), self.seed);
            table
                .insert(found.number(), row.as_slice())
                .map_err(|error| self.write_error(error))?;
            last = found;
        }
        Ok(last)
    }

    fn snapshot(
        &self,
        transaction: &WriteTransaction,
        snapshot: &Snapshot,
        suffix: Suffix,
    ) -> Result<Option<u64>, StorageError> {
        let stored = self.files.as_ref().filter(|_| snapshot.data.bytes().is_none());
        let reference = stored.map(|files| files.seal(snapshot)).transpose()?;
        match suffix {
            Suffix::Kept { after } => {
                self.delete(transaction, Table::Log, ..=after.number())?;
            }
            Suffix::Discarded => self.delete(transaction, Table::Log, ..)?,
        }
        self.delete(transaction, Table::Snapshot, ..)?;
        let table = transaction.open_table(Table::Snapshot.definition());
        let mut table = table.map_err(|error| self.write_error(error))?;
        let data = match reference {
            Some(_) => SnapshotData::from([]),
            None => snapshot.data.in_memory().map_err(io_error("read a snapshot".to_owned()))?,
        };
        let chunks = data.bytes().unwrap_or_default().chunks(CHUNK);
        let place = reference.map_or(DataPlace::Rows(chunks.len() as u64), DataPlace::File);
        let head = std::iter::once(rows::encode_header(snapshot, place));
        let values = head.chain(chunks.map(<[u8]>::to_vec));
        for (key, value) in (0..).zip(values) {
            let row = Table::Snapshot.seal(key, value, self.seed);
            table.insert(key, row.as_slice()).map_err(|error| self.write_error(error))?;
        }
        Ok(reference.map(|reference| reference.number))
    }

    fn delete(
        &self,
        transaction: &WriteTransaction,
        table: Table,
        keys: impl std::ops::RangeBounds<u64>,
    ) -> Result<(), StorageError> {
        let table = transaction.open_table(table.definition());
        let mut table = table.map_err(|error| self.write_error(error))?;
        table.retain_in(keys, |_, _| false).map_err(|error| self.write_error(error))
    }

    /// Commits a transaction with its resulting state; returns that state.
    fn commit(&self, transaction: WriteTransaction, state: State) -> Result<State, StorageError> {
        let state = State { next: state.next + 1, ..state };
        self.put_state(&transaction, STATE, state.encode())?;
        transaction.commit().map_err(|error| self.write_error(error))?;
        Ok(state)
    }

    fn put_state(
        &self,
        transaction: &WriteTransaction,
        key: u64,
        value: Vec<u8>,
    ) -> Result<(), StorageError> {
        let row = Table::State.seal(key, value, self.seed);
        let table = transaction.open_table(Table::State.definition());
        let mut table = table.map_err(|error| self.write_error(error))?;
        table.insert(key, row.as_slice()).map_err(|error| self.write_error(error))?;
        Ok(())
    }

    /// Reads and checks all rows, and the snapshot's file, whose number is returned; keeps the last
    /// entries, of at most so many bytes.
    fn read(&self, bytes_max: u64) -> Result<(State, PersistentState, Option<u64>), StorageError> {
        let transaction = self.database.begin_read().map_err(|error| self.read_error(error))?;
        let (mut state, mut identity) = (None, None);
        self.rows(&transaction, Table::State, |key, value| match key {
            IDENTITY => {
                identity = Some(rows::decode_identity(value)?);
                Ok(())
            }
            _ => {
                state = Some(State::decode(value)?);
                expect(key, STATE)
            }
        })?;
        let state = state.ok_or_else(|| self.damaged("the state is missing"))?;
        let mut recent = Recent::default();
        let mut next = state.base().index.next().number();
        self.rows(&transaction, Table::Log, |key, value| {
            if recent.is_empty() {
                // Entries before the snapshot's end may have been kept.
                next = next.min(key);
            }
            expect(key, next)?;
            next += 1;
            recent.push(rows::decode_entry(key, value)?, bytes_max)
        })?;
        if next != state.last.next().number() {
            let (found, last) = (next - 1, state.last);
            return Err(self.damaged(&format!("its log ends with entry {found}, not {last}")));
        }
        let (snapshot, file) = self.read_snapshot(&transaction, &state)?;
        let hard_state = state.hard_state;
        let Recent { earlier, entries, bytes: _ } = recent;
        let entries = entries.into();
        Ok((state, PersistentState { identity, hard_state, snapshot, earlier, entries }, file))
    }

    fn read_snapshot(
        &self,
        transaction: &ReadTransaction,
        state: &State,
    ) -> Result<(Option<Snapshot>, Option<u64>), StorageError> {
        let (mut head, mut data, mut next) = (None, Vec::new(), 0);
        self.rows(transaction, Table::Snapshot, |key, value| {
            expect(key, next)?;
            next += 1;
            match key {
                0 => head = Some(rows::decode_header(value)?),
                _ => data.extend_from_slice(value),
            }
            Ok(())
        })?;
        let rows = |head: &SnapshotHeader| match head.data {
            DataPlace::Rows(count) => count.saturating_add(1),
            DataPlace::File(_) => 1,
        };
        let found = head.as_ref().map(|head| (Some(head.last_included), rows(head)));
        let expected = (state.snapshot, state.snapshot.map_or(0, |_| next));
        let found = found.unwrap_or((None, 0));
        if found != expected {
            return Err(self.damaged(&format!(
                "its snapshot is {found:?} (last included entry, rows), not {expected:?}"
            )));
        }
        let Some(head) = head else { return Ok((None, None)) };
        if let DataPlace::File(reference) = head.data {
            let snapshot = self.open_snapshot(reference)?;
            return Ok((Some(snapshot), Some(reference.number)));
        }
        let (last_included, membership) = (head.last_included, head.membership.into());
        Ok((Some(Snapshot { last_included, membership, data: data.into() }), None))
    }

    fn open_snapshot(&self, reference: SnapshotRef) -> Result<Snapshot, StorageError> {
        let name = snapshot_name(reference.number);
        let damaged = |what: &str| self.damaged(&format!("its snapshot, {name}: {what}"));
        let Some(files) = &self.files else { return Err(damaged("there is no directory")) };
        match files.open(reference, damaged)? {
            Opened::Snapshot(snapshot) => Ok(snapshot),
            Opened::OtherFormat => Err(damaged("not a snapshot of this format")),
        }
    }

    /// Passes all rows of a table to `take`, in order and without their hashes.
    fn rows(
        &self,
        transaction: &ReadTransaction,
        table: Table,
        mut take: impl FnMut(u64, &[u8]) -> Result<(), Damage>,
    ) -> Result<(), StorageError> {
        let opened = transaction.open_table(table.definition());
        let opened = opened.map_err(|error| self.read_error(error))?;
        for row in opened.iter().map_err(|error| self.read_error(error))? {
            let (key, value) = row.map_err(|error| self.read_error(error))?;
            let wrong = |what: String| {
                self.damaged(&format!("row {} of table {:?}: {what}", key.value(), table.name()))
            };
            let value = table.unseal(key.value(), value.value(), self.seed);
            let value =
                value.ok_or_else(|| wrong("wrong checksum, or of another store".to_owned()))?;
            take(key.value(), value).map_err(|Damage(what)| wrong(what))?;
        }
        Ok(())
    }

    fn read_error(&self, error: impl Into<redb::Error>) -> StorageError {
        database_error("read", &self.path, error)
    }

    fn write_error(&self, error: impl Into<redb::Error>) -> StorageError {
        database_error("write", &self.path, error)
    }

    fn damaged(&self, what: &str) -> StorageError {
        StorageError::Damaged(format!("{}: {what}", self.path))
    }
}

impl Storage for Store {
    fn load(&mut self) -> Result<PersistentState, StorageError> {
        self.load_recent(u64::MAX)
    }

    fn load_recent(&mut self, bytes_max: u64) -> Result<PersistentState, StorageError> {
        self.read(bytes_max).map(|(_, stored, _)| stored)
    }

    fn entry_reader(&mut self) -> Option<Box<dyn EntryReader>> {
        let (database, path) = (Arc::clone(&self.database), self.path.clone());
        Some(Box::new(LogReader { database, path, seed: self.seed }))
    }

    fn snapshot_space(&mut self) -> Option<Box<dyn SnapshotSpace>> {
        let files = self.files.clone()?;
        Some(Box::new(files))
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        self.health.check(|| self.path.clone())?;
        let done = self.apply_writes(writes).and_then(|(state, file)| {
            self.state = state;
            self.mark.as_mut().map_or(Ok(()), |mark| mark.advance(state.next))?;
            if std::mem::replace(&mut self.file, file) == file {
                return Ok(());
            }
            self.files.as_ref().map_or(Ok(()), |files| files.delete_others(file))
        });
        self.health.record(&done);
        done
    }
}

/// The keys of the rows in the table of the state.
const STATE: u64 = 0;
const IDENTITY: u64 = 1;

/// The last entries of those that were read.
#[derive(Default)]
struct Recent {
    earlier: EarlierEntries,
    entries: VecDeque<Entry>,
    bytes: u64,
}

impl Recent {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.earlier.runs.is_empty()
    }

    fn push(&mut self, entry: Entry, bytes_max: u64) -> Result<(), Damage> {
        let last = self.entries.back().map(|entry| entry.id).or(self.earlier.runs.last());
        if last.is_some_and(|last| last.term > entry.id.term) {
            return Err(Damage(format!("entry {} cannot follow {last:?}", entry.id)));
        }
        self.bytes += entry.encoded_len() as u64;
        self.entries.push_back(entry);
        while self.bytes > bytes_max
            && let Some(entry) = self.entries.pop_front()
        {
            self.bytes -= entry.encoded_len() as u64;
            self.earlier.push(&entry);
        }
        Ok(())
    }
}

/// The damage of a row.
struct Damage(String);

impl From<DecodeError> for Damage {
    fn from(error: DecodeError) -> Self {
        Self(error.to_string())
    }
}

fn expect(found: u64, expected: u64) -> Result<(), Damage> {
    if found == expected { Ok(()) } else { Err(Damage(format!("expected row {expected}"))) }
}
