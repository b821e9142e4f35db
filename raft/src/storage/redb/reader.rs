//! Entries read back from the database, each in a transaction of its own, beside writes.

use std::sync::Arc;

use redb::{Database, ReadableDatabase};

use super::errors::database_error;
use super::rows::{self, Table};
use crate::entry::Entry;
use crate::storage::{ByteLimit, EntryReader, StorageError};
use crate::types::Index;

pub(super) struct LogReader {
    pub(super) database: Arc<Database>,
    pub(super) path: String,
    pub(super) seed: u64,
}

impl EntryReader for LogReader {
    fn read(
        &mut self,
        first: Index,
        through: Index,
        bytes_max: u64,
    ) -> Result<Vec<Entry>, StorageError> {
        let transaction = self.database.begin_read().map_err(|error| self.error(error))?;
        let table = transaction.open_table(Table::Log.definition());
        let table = table.map_err(|error| self.error(error))?;
        let rows = table.range(first.number()..=through.number());
        let (mut entries, mut limit) = (Vec::new(), ByteLimit::new(bytes_max));
        for (row, expected) in rows.map_err(|error| self.error(error))?.zip(first.number()..) {
            let (key, value) = row.map_err(|error| self.error(error))?;
            if key.value() != expected {
                // Those before it were deleted.
                break;
            }
            let entry = self.entry(expected, value.value())?;
            if !limit.takes(&entry) {
                break;
            }
            entries.push(entry);
        }
        Ok(entries)
    }
}

impl LogReader {
    fn entry(&self, index: u64, value: &[u8]) -> Result<Entry, StorageError> {
        let damaged = |what: String| {
            let (path, table) = (&self.path, Table::Log.name());
            StorageError::Damaged(format!("{path}: row {index} of table {table:?}: {what}"))
        };
        let value = Table::Log.unseal(index, value, self.seed);
        let value =
            value.ok_or_else(|| damaged("wrong checksum, or of another store".to_owned()))?;
        rows::decode_entry(index, value).map_err(|error| damaged(error.to_string()))
    }

    fn error(&self, error: impl Into<redb::Error>) -> StorageError {
        database_error("read", &self.path, error)
    }
}
