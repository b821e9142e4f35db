//! The store over any backend of redb: opening, and the changes of tables by writes.
//!
//! Invariants:
//! - A write is one transaction, which is durable when `write` returns: redb commits with one flush
//!   by default, and checks at the next start what that flush has left.
//! - Each transaction counts one up in the row of the state, and the mark in `DURABLE` follows once it is
//!   durable, so that going back to an older one shows.
//! - Every row is checked when it is read, and so is every page when the store is opened.
//! - After any error nothing is written any more (`health.rs`).

use redb::{
    Builder, Database, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend,
    WriteTransaction,
};

use super::backend::{Backend, ProgressReport};
use super::errors::{database_error, open_error};
use super::rows::{self, CHUNK, State, Table};
use crate::codec::DecodeError;
use crate::entry::{Entry, Snapshot};
use crate::output::{Record, Suffix, Write};
use crate::persistent_state::PersistentState;
use crate::storage::directory::io_error;
use crate::storage::durable_mark::{DurableMark, DurableThrough};
use crate::storage::health::Health;
use crate::storage::identity::Identity;
use crate::storage::{Storage, StorageError, WriteProgress};
use crate::types::Index;

pub(super) struct Store {
    database: Database,
    /// The file's path, for messages.
    path: String,
    seed: u64,
    /// The state after the durable transactions.
    state: State,
    mark: Option<DurableMark>,
    health: Health,
    /// Passes the progress of writes to the backend's file.
    report: ProgressReport,
    /// The state read at opening, until it is loaded.
    opened: Option<PersistentState>,
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
        store.database.close().map_err(|error| database_error("write", path, error))
    }

    /// Opens a database. Nothing is changed before everything has been read and is valid.
    pub(super) fn open<B: StorageBackend>(
        file: B,
        path: &str,
        identity: &Identity,
        durable: DurableThrough,
    ) -> Result<Self, StorageError> {
        let system = |error| io_error(format!("open {path}"))(error);
        let backend = Backend::staged(file).map_err(system)?;
        let mut builder = Builder::new();
        // Without this check, redb trusts all pages, and may panic over wrong ones.
        builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
        let database = builder.create_with_backend(backend.clone());
        let database = database.map_err(|error| open_error(path, error))?;
        let mut store = Self::of(database, path, identity.seed);
        let (state, stored) = store.read()?;
        durable.check(|| path.to_owned(), state.next)?;
        backend.accept().map_err(io_error(format!("write {path}")))?;
        store.report = backend.progress_report();
        (store.state, store.opened) = (state, Some(stored));
        Ok(store)
    }

    fn of(database: Database, path: &str, seed: u64) -> Self {
        let (state, health) = (State { next: 1, ..State::default() }, Health::default());
        let report = ProgressReport::default();
        let path = path.to_owned();
        Self { database, path, seed, state, mark: None, health, report, opened: None }
    }

    /// Marks how far the writes are durable, from now on.
    pub(super) fn with_mark(self, mark: DurableMark) -> Self {
        Self { mark: Some(mark), ..self }
    }

    pub(super) fn report_progress_to(&self, progress: WriteProgress) {
        self.report.set(progress);
    }

    /// The number of the next transaction.
    pub(super) const fn next(&self) -> u64 {
        self.state.next
    }

    fn apply_writes(&self, writes: &[Write]) -> Result<State, StorageError> {
        let transaction = self.database.begin_write().map_err(|error| self.write_error(error))?;
        let mut state = self.state;
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
                    self.snapshot(&transaction, snapshot, *suffix)?;
                    state.snapshot = Some(snapshot.last_included);
                    state.last = match suffix {
                        Suffix::Kept => state.last.max(snapshot.index()),
                        Suffix::Discarded => snapshot.index(),
                    };
                }
            }
        }
        self.commit(transaction, state)
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
    ) -> Result<(), StorageError> {
        match suffix {
            Suffix::Kept => self.delete(transaction, Table::Log, ..=snapshot.index().number())?,
            Suffix::Discarded => self.delete(transaction, Table::Log, ..)?,
        }
        self.delete(transaction, Table::Snapshot, ..)?;
        let table = transaction.open_table(Table::Snapshot.definition());
        let mut table = table.map_err(|error| self.write_error(error))?;
        let head = std::iter::once(rows::encode_header(snapshot));
        let data = snapshot.data.in_memory().map_err(io_error("read a snapshot".to_owned()))?;
        let data = data.bytes().unwrap_or_default();
        let values = head.chain(data.chunks(CHUNK).map(<[u8]>::to_vec));
        for (key, value) in (0..).zip(values) {
            let row = Table::Snapshot.seal(key, value, self.seed);
            table.insert(key, row.as_slice()).map_err(|error| self.write_error(error))?;
        }
        Ok(())
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

    /// Reads and checks all rows.
    fn read(&self) -> Result<(State, PersistentState), StorageError> {
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
        let mut entries = Vec::new();
        let mut next = state.base().index.next().number();
        self.rows(&transaction, Table::Log, |key, value| {
            expect(key, next)?;
            next += 1;
            entries.push(rows::decode_entry(key, value)?);
            Ok(())
        })?;
        if next != state.last.next().number() {
            let (found, last) = (next - 1, state.last);
            return Err(self.damaged(&format!("its log ends with entry {found}, not {last}")));
        }
        let snapshot = self.read_snapshot(&transaction, &state)?;
        let hard_state = state.hard_state;
        Ok((state, PersistentState { identity, hard_state, snapshot, entries }))
    }

    fn read_snapshot(
        &self,
        transaction: &ReadTransaction,
        state: &State,
    ) -> Result<Option<Snapshot>, StorageError> {
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
        let found = head.as_ref().map(|head| (Some(head.last_included), head.chunks + 1));
        let expected = (state.snapshot, state.snapshot.map_or(0, |_| next));
        let found = found.unwrap_or((None, 0));
        if found != expected {
            return Err(self.damaged(&format!(
                "its snapshot is {found:?} (last included entry, rows), not {expected:?}"
            )));
        }
        Ok(head.map(|head| Snapshot {
            last_included: head.last_included,
            membership: head.membership.into(),
            data: data.into(),
        }))
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
        match self.opened.take() {
            Some(opened) => Ok(opened),
            None => self.read().map(|(_, stored)| stored),
        }
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        self.health.check(|| self.path.clone())?;
        self.opened = None;
        let done = self.apply_writes(writes).and_then(|state| {
            self.state = state;
            self.mark.as_mut().map_or(Ok(()), |mark| mark.advance(state.next))
        });
        self.health.record(&done);
        done
    }
}

/// The keys of the rows in the table of the state.
const STATE: u64 = 0;
const IDENTITY: u64 = 1;

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
