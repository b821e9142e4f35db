//! The compared stores, each used in the simplest way of its interface: every batch is durable when
//! `write` returns.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use raft::storage::{DiskStorage, RedbStorage, Storage};
use raft::{Entry, EntryId, HardState, Index, Payload, PeerId, Record, Term, Write, WriteId};
use redb::{ReadableDatabase, ReadableTable, TableDefinition};

use crate::Fallible;
use crate::work::Change;

pub(crate) trait Contender {
    fn write(&mut self, batch: &[Change]) -> Fallible<()>;
    /// Reads everything: the number of entries, and the sum of their bytes.
    fn read(&mut self) -> Fallible<(u64, u64)>;
}

pub(crate) const NAMES: [&str; 5] =
    ["raw append + fdatasync", "DiskStorage", "RedbStorage", "redb", "fjall"];

pub(crate) fn open(name: &str, directory: &Path) -> Fallible<Box<dyn Contender>> {
    Ok(match name {
        "raw append + fdatasync" => Box::new(Raw::open(directory)?),
        "DiskStorage" => {
            Box::new(RaftStore(Box::new(DiskStorage::open(directory.join("disk"), PEER)?)))
        }
        "RedbStorage" => {
            Box::new(RaftStore(Box::new(RedbStorage::open(directory.join("raft-redb"), PEER)?)))
        }
        "redb" => Box::new(Redb::open(directory)?),
        "fjall" => Box::new(Fjall::open(directory)?),
        name => return Err(format!("unknown contender {name}").into()),
    })
}

fn value(term: u64, payload: &[u8]) -> Vec<u8> {
    [&term.to_le_bytes(), &[1][..], payload].concat()
}

/// An append-only file, the minimum of a log. It reads nothing back.
struct Raw {
    file: File,
    buffer: Vec<u8>,
}

impl Raw {
    fn open(directory: &Path) -> Fallible<Self> {
        let file = File::options().create(true).append(true).open(directory.join("raw"))?;
        Ok(Self { file, buffer: Vec::new() })
    }
}

impl Contender for Raw {
    fn write(&mut self, batch: &[Change]) -> Fallible<()> {
        self.buffer.clear();
        for change in batch {
            match change {
                Change::Term(number) | Change::TruncateFrom(number) => {
                    self.buffer.extend_from_slice(&number.to_le_bytes());
                }
                Change::Append { index, term, payload } => {
                    self.buffer.extend_from_slice(&index.to_le_bytes());
                    self.buffer.extend_from_slice(&term.to_le_bytes());
                    self.buffer.extend_from_slice(payload);
                }
            }
        }
        self.file.write_all(&self.buffer)?;
        Ok(self.file.sync_data()?)
    }

    fn read(&mut self) -> Fallible<(u64, u64)> {
        Ok((0, 0))
    }
}

/// A store of this library.
struct RaftStore(Box<dyn Storage>);

const PEER: PeerId = PeerId::new(1);

impl Contender for RaftStore {
    fn write(&mut self, batch: &[Change]) -> Fallible<()> {
        let mut writes = Vec::new();
        let mut entries = Vec::new();
        for change in batch {
            let record = match change {
                Change::Term(term) => Record::HardState(HardState {
                    current_term: Term::new(*term),
                    voted_for: Some(PEER),
                }),
                Change::TruncateFrom(from) => Record::Truncate { from: Index::new(*from) },
                Change::Append { index, term, payload } => {
                    let id = EntryId::new(Term::new(*term), Index::new(*index));
                    entries.push(Entry { id, payload: Payload::Command(Arc::clone(payload)) });
                    continue;
                }
            };
            writes.push(Record::Append(std::mem::take(&mut entries)));
            writes.push(record);
        }
        writes.push(Record::Append(entries));
        let number = |record| Write { id: WriteId::ZERO, record };
        Ok(self.0.write(&writes.into_iter().map(number).collect::<Vec<_>>())?)
    }

    fn read(&mut self) -> Fallible<(u64, u64)> {
        let entries = self.0.load()?.entries;
        let bytes = |entry: &Entry| -> u64 {
            let term = entry.id.term.number().to_le_bytes();
            let all = term.iter().chain(&[1]).chain(entry.payload.bytes());
            all.map(|byte| u64::from(*byte)).sum()
        };
        Ok((entries.len() as u64, entries.iter().map(bytes).sum()))
    }
}

struct Redb {
    database: redb::Database,
}

const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
const STATE: TableDefinition<'_, u8, u64> = TableDefinition::new("state");

impl Redb {
    fn open(directory: &Path) -> Fallible<Self> {
        Ok(Self { database: redb::Database::create(directory.join("redb"))? })
    }
}

impl Contender for Redb {
    fn write(&mut self, batch: &[Change]) -> Fallible<()> {
        let transaction = self.database.begin_write()?;
        {
            let mut log = transaction.open_table(LOG)?;
            for change in batch {
                match change {
                    Change::Term(term) => {
                        transaction.open_table(STATE)?.insert(0, term)?;
                    }
                    Change::TruncateFrom(from) => log.retain_in(*from.., |_, _| false)?,
                    Change::Append { index, term, payload } => {
                        log.insert(index, value(*term, payload).as_slice())?;
                    }
                }
            }
        }
        Ok(transaction.commit()?)
    }

    fn read(&mut self) -> Fallible<(u64, u64)> {
        let log = self.database.begin_read()?.open_table(LOG)?;
        let mut sum = (0, 0);
        for row in log.iter()? {
            let (_, value) = row?;
            sum.0 += 1;
            sum.1 += value.value().iter().map(|byte| u64::from(*byte)).sum::<u64>();
        }
        Ok(sum)
    }
}

struct Fjall {
    database: Database,
    log: Keyspace,
    state: Keyspace,
    last: u64,
}

impl Fjall {
    fn open(directory: &Path) -> Fallible<Self> {
        let database = Database::builder(directory.join("fjall")).open()?;
        let log = database.keyspace("log", KeyspaceCreateOptions::default)?;
        let state = database.keyspace("state", KeyspaceCreateOptions::default)?;
        Ok(Self { database, log, state, last: 0 })
    }
}

impl Contender for Fjall {
    fn write(&mut self, batch: &[Change]) -> Fallible<()> {
        let mut writes = self.database.batch().durability(Some(PersistMode::SyncData));
        for change in batch {
            match change {
                Change::Term(term) => writes.insert(&self.state, [0], term.to_le_bytes()),
                Change::TruncateFrom(from) => {
                    (*from..=self.last).for_each(|index| {
                        writes.remove(&self.log, index.to_be_bytes());
                    });
                }
                Change::Append { index, term, payload } => {
                    self.last = *index;
                    writes.insert(&self.log, index.to_be_bytes(), value(*term, payload));
                }
            }
        }
        Ok(writes.commit()?)
    }

    fn read(&mut self) -> Fallible<(u64, u64)> {
        let mut sum = (0, 0);
        for row in self.log.iter() {
            sum.0 += 1;
            sum.1 += row.value()?.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        }
        Ok(sum)
    }
}
