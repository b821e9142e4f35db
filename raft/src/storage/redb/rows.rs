//! The tables and the bytes of their rows, version 3. Version 1 has no identity, and neither has the
//! snapshot in a file of its own (`snapshot_files/`), which version 2 lacks as well. All numbers are little-endian.
//!
//! ```text
//! table      key               value
//! "state"    0                 next:u64 term:u64 vote last:u64 (0 | 1 id)
//!            1                 identity                   as in the log on disk
//! "log"      index             entry                      as messages have it
//! "snapshot" 0                 id membership chunks:u64   as messages have it
//!            1 to chunks       bytes
//!            or 0 alone        id membership 2^64-1:u64 number:u64 hash:u64     in a file
//! vote       0 | 1 peer:u64
//! id         term:u64 index:u64
//! ```
//!
//! Every value ends with a hash:u64 of its bytes, its table and its key: redb hands out what it
//! reads, and the seed differs between stores.

use redb::TableDefinition;
use xxhash_rust::xxh3::Xxh3;

use crate::codec::{DecodeError, Reader, Writer};
use crate::entry::{Entry, Snapshot};
use crate::identity::Identity;
use crate::membership::Membership;
use crate::output::HardState;
use crate::types::{EntryId, Index};

use crate::storage::snapshot_files::SnapshotRef;

use crate::storage::disk::{read_hard_state, read_identity, write_hard_state, write_identity};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    State,
    Log,
    Snapshot,
}

pub(super) type Definition = TableDefinition<'static, u64, &'static [u8]>;

impl Table {
    pub(super) const fn definition(self) -> Definition {
        TableDefinition::new(self.name())
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Log => "log",
            Self::Snapshot => "snapshot",
        }
    }

    /// Adds the hash to a value.
    pub(super) fn seal(self, key: u64, mut value: Vec<u8>, seed: u64) -> Vec<u8> {
        let hash = self.hash(key, &value, seed);
        value.extend_from_slice(&hash.to_le_bytes());
        value
    }

    /// The value without its hash, if it is right.
    pub(super) fn unseal(self, key: u64, sealed: &[u8], seed: u64) -> Option<&[u8]> {
        let (value, stated) = sealed.split_last_chunk()?;
        let found = self.hash(key, value, seed);
        (found == u64::from_le_bytes(*stated)).then_some(value)
    }

    fn hash(self, key: u64, value: &[u8], seed: u64) -> u64 {
        let table: u8 = match self {
            Self::State => 0,
            Self::Log => 1,
            Self::Snapshot => 2,
        };
        let mut hasher = Xxh3::with_seed(seed);
        hasher.update(value);
        hasher.update(&[table]);
        hasher.update(&key.to_le_bytes());
        hasher.digest()
    }
}

/// The state in the rows, without entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The number of the next transaction.
    pub(super) next: u64,
    pub(super) hard_state: HardState,
    /// The last entry, or the snapshot's index.
    pub(super) last: Index,
    pub(super) snapshot: Option<EntryId>,
}

impl State {
    /// The last entry that the snapshot replaces.
    pub(super) fn base(&self) -> EntryId {
        self.snapshot.unwrap_or(EntryId::ZERO)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer(Vec::new());
        writer.u64(self.next);
        write_hard_state(&mut writer, self.hard_state);
        writer.u64(self.last.number());
        writer.u8(u8::from(self.snapshot.is_some()));
        if let Some(id) = self.snapshot {
            writer.entry_id(id);
        }
        writer.0
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, |reader| {
            let (next, hard_state, last) =
                (reader.u64()?, read_hard_state(reader)?, reader.index()?);
            let snapshot = match reader.u8()? {
                0 => None,
                1 => Some(reader.entry_id()?),
                found => return Err(DecodeError::Unknown { what: "snapshot", found }),
            };
            Ok(Self { next, hard_state, last, snapshot })
        })
    }
}

pub(super) fn encode_identity(identity: &Identity) -> Vec<u8> {
    let mut writer = Writer(Vec::new());
    write_identity(&mut writer, identity);
    writer.0
}

pub(super) fn decode_identity(bytes: &[u8]) -> Result<Identity, DecodeError> {
    decode(bytes, read_identity)
}

pub(super) fn encode_entry(entry: &Entry) -> Vec<u8> {
    // Space for the hash.
    let mut writer = Writer(Vec::with_capacity(entry.encoded_len() + 8));
    writer.entry(entry);
    writer.0
}

pub(super) fn decode_entry(index: u64, bytes: &[u8]) -> Result<Entry, DecodeError> {
    decode(bytes, |reader| reader.entry(Index::new(index)))
}

/// The snapshot's first row.
pub(super) struct SnapshotHeader {
    pub(super) last_included: EntryId,
    pub(super) membership: Membership,
    pub(super) data: DataPlace,
}

/// The place of a snapshot's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataPlace {
    /// This many rows that follow.
    Rows(u64),
    /// A file.
    File(SnapshotRef),
}

/// In place of the number of rows: the data is in a file.
const IN_FILE: u64 = u64::MAX;

pub(super) fn encode_header(snapshot: &Snapshot, data: DataPlace) -> Vec<u8> {
    let mut writer = Writer(Vec::new());
    writer.entry_id(snapshot.last_included);
    writer.membership(&snapshot.membership);
    match data {
        DataPlace::Rows(count) => writer.u64(count),
        DataPlace::File(SnapshotRef { number, last_included: _, hash }) => {
            [IN_FILE, number, hash].into_iter().for_each(|word| writer.u64(word));
        }
    }
    writer.0
}

pub(super) fn decode_header(bytes: &[u8]) -> Result<SnapshotHeader, DecodeError> {
    decode(bytes, |reader| {
        let (last_included, membership) = (reader.entry_id()?, reader.membership()?);
        let data = match reader.u64()? {
            IN_FILE => {
                let (number, hash) = (reader.u64()?, reader.u64()?);
                DataPlace::File(SnapshotRef { number, last_included, hash })
            }
            count => DataPlace::Rows(count),
        };
        Ok(SnapshotHeader { last_included, membership, data })
    })
}

/// Number of snapshot bytes in a row. A row of this size fills a page of 128 KiB; redb's pages are
/// powers of two, and a slightly larger row would waste half of one.
pub(super) const CHUNK: usize = (128 << 10) - 256;

/// Decodes all of `bytes`.
fn decode<T>(
    bytes: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut reader = Reader(bytes);
    let value = read(&mut reader)?;
    match reader.0.len() {
        0 => Ok(value),
        rest => Err(DecodeError::TooLong(rest)),
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64_with_seed;

    use super::*;

    /// Version 1 of the format, however the hash is computed.
    #[test]
    fn a_row_ends_with_the_hash_of_value_table_and_key() {
        for length in [0, 1, 16, 128, 240, 241, 1000, CHUNK] {
            let value: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let hashed = [&value[..], &[1], &7_u64.to_le_bytes()].concat();
            let hash = xxh3_64_with_seed(&hashed, 99).to_le_bytes();
            let row = Table::Log.seal(7, value.clone(), 99);
            assert_eq!(row, [&value[..], &hash].concat());
            assert_eq!(Table::Log.unseal(7, &row, 99), Some(&value[..]));
            assert_eq!(Table::Log.unseal(8, &row, 99), None);
            assert_eq!(Table::State.unseal(7, &row, 99), None);
        }
    }
}
