//! A key-value store with range reads that keeps its state on disk, in redb: a restart reads neither a
//! snapshot nor the entries that it has applied, and the state may be larger than the memory.
//!
//! ```text
//! cargo run -p raft --example disk_kv [DIR]
//! ```
//! Starts three peers in this process, writes a thousand keys, reads a range, stops a peer and starts it
//! again. Their data is in DIR, by default a temporary directory.

#![expect(clippy::print_stdout, reason = "it is a program for a terminal")]

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use raft::driver::{DiskStateMachine, MachineError, OnDisk, SnapshotView};
use raft::transport::memory::Hub;
use raft::{EntryId, Index, PeerId, Raft, Term};
use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};

const VALUES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("values");
/// Term and index of the last entry in the state.
const APPLIED: TableDefinition<'static, (), (u64, u64)> = TableDefinition::new("applied");

/// Batches between two flushes: what a crash takes back is applied again.
const BATCHES_UNFLUSHED: u64 = 64;

#[derive(Serialize, Deserialize)]
enum Change {
    Put(String, Vec<u8>),
    Delete(String),
}

struct Store {
    database: Database,
    batches: u64,
}

impl Store {
    fn open(path: &Path) -> Result<Self, MachineError> {
        let database = Database::create(path)?;
        let write = database.begin_write()?;
        write.open_table(VALUES)?;
        write.open_table(APPLIED)?;
        write.commit()?;
        Ok(Self { database, batches: 0 })
    }

    /// At most `limit` keys from `first` on.
    fn range(&self, first: &str, limit: usize) -> Result<Vec<(String, Vec<u8>)>, MachineError> {
        let values = self.database.begin_read()?.open_table(VALUES)?;
        let rows = values.range(first..)?.take(limit);
        rows.map(|row| {
            let (key, value) = row?;
            Ok((key.value().to_owned(), value.value().to_vec()))
        })
        .collect()
    }
}

impl DiskStateMachine for Store {
    type Command = Change;
    /// The value before.
    type Answer = Option<Vec<u8>>;

    fn applied(&mut self) -> Result<EntryId, MachineError> {
        let applied = self.database.begin_read()?.open_table(APPLIED)?.get(())?;
        let (term, index) = applied.map_or((0, 0), |id| id.value());
        Ok(EntryId::new(Term::new(term), Index::new(index)))
    }

    fn apply(
        &mut self,
        batch: Vec<(EntryId, Change)>,
    ) -> Result<Vec<Option<Vec<u8>>>, MachineError> {
        let mut write = self.database.begin_write()?;
        self.batches += 1;
        if !self.batches.is_multiple_of(BATCHES_UNFLUSHED) {
            write.set_durability(Durability::None)?;
        }
        let mut answers = Vec::new();
        {
            let (mut values, mut applied) = (write.open_table(VALUES)?, write.open_table(APPLIED)?);
            for (id, change) in batch {
                let before = match change {
                    Change::Put(key, value) => values.insert(&*key, &*value)?,
                    Change::Delete(key) => values.remove(&*key)?,
                };
                answers.push(before.map(|value| value.value().to_vec()));
                applied.insert((), (id.term.number(), id.index.number()))?;
            }
        }
        write.commit()?;
        Ok(answers)
    }

    /// A read transaction sees the state of its begin, whatever is written meanwhile.
    fn snapshot(&self) -> Result<SnapshotView, MachineError> {
        let values = self.database.begin_read()?.open_table(VALUES)?;
        Ok(SnapshotView::writer(move |sink| {
            for row in values.iter()? {
                let (key, value) = row?;
                for part in [key.value().as_bytes(), value.value()] {
                    sink.write_all(&u32::try_from(part.len())?.to_le_bytes())?;
                    sink.write_all(part)?;
                }
            }
            Ok(())
        }))
    }

    /// One transaction: a crash leaves the state before.
    fn restore(&mut self, through: EntryId, stream: &mut dyn Read) -> Result<(), MachineError> {
        let write = self.database.begin_write()?;
        write.delete_table(VALUES)?;
        {
            let mut values = write.open_table(VALUES)?;
            while let Some(key) = part(stream)? {
                let value = part(stream)?.ok_or("a key without a value")?;
                values.insert(&*String::from_utf8(key)?, &*value)?;
            }
            let applied = (through.term.number(), through.index.number());
            write.open_table(APPLIED)?.insert((), applied)?;
        }
        Ok(write.commit()?)
    }
}

/// The next key or value; none at the end. A stream that ends within one is not a snapshot.
fn part(stream: &mut dyn Read) -> Result<Option<Vec<u8>>, MachineError> {
    let mut len = Vec::new();
    (&mut *stream).take(4).read_to_end(&mut len)?;
    if len.is_empty() {
        return Ok(None);
    }
    let len = len.try_into().map_err(|_| "the snapshot ends within a length")?;
    let len = u32::from_le_bytes(len);
    let mut bytes = Vec::new();
    stream.take(len.into()).read_to_end(&mut bytes)?;
    if bytes.len() < len as usize {
        return Err(format!("the snapshot ends after {} of {len} bytes", bytes.len()).into());
    }
    Ok(Some(bytes))
}

type Peer = Raft<OnDisk<Store>>;

async fn start(base: &Path, hub: &Hub, id: u64) -> Result<Peer, MachineError> {
    let directory = base.join(id.to_string());
    std::fs::create_dir_all(&directory)?;
    let store = Store::open(&directory.join("state.redb"))?;
    let raft = Raft::builder(id)
        .peers([1, 2, 3])
        .data_dir(directory.join("raft"))
        .transport(hub.join(PeerId::new(id)))
        .state_machine(OnDisk(store))
        .start()
        .await?;
    Ok(raft)
}

#[tokio::main]
async fn main() -> Result<(), MachineError> {
    let temporary = tempfile::tempdir()?;
    let given = std::env::args_os().nth(1);
    let base = given.as_deref().map_or(temporary.path(), Path::new);
    let (hub, second) = (Hub::default(), Duration::from_secs(10));
    let mut peers = Vec::new();
    for id in 1..=3 {
        peers.push(start(base, &hub, id).await?);
    }
    let leader = peers[0].wait(|status| status.leader.is_some(), second).await?.leader;
    let leader = &peers[leader.map_or(0, |leader| leader.number() as usize - 1)];
    let calls: Vec<_> = (0..1000)
        .map(|key| leader.propose(Change::Put(format!("key {key:03}"), vec![b'v'; 1000])))
        .collect();
    for call in calls {
        call.await?;
    }
    leader.propose(Change::Delete("key 501".to_owned())).await?;
    let rows = peers[2].read(|store| store.range("key 500", 3)).await??;
    rows.iter().for_each(|(key, value)| println!("{key}: {} bytes", value.len()));

    let before = peers[2].status().last_applied;
    peers[2].shutdown().await;
    drop(peers.remove(2));
    let again = start(base, &hub, 3).await?;
    println!(
        "applied through {before}, and after a restart through {}",
        again.status().last_applied
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_that_was_cut_is_refused_and_leaves_the_state() -> Result<(), MachineError> {
        let directory = tempfile::tempdir()?;
        let mut store = Store::open(&directory.path().join("state.redb"))?;
        let id = |index| EntryId::new(Term::new(1), Index::new(index));
        store.apply(vec![(id(1), Change::Put("key".to_owned(), b"value".to_vec()))])?;
        let mut bytes = Vec::new();
        let SnapshotView::Writer(write) = store.snapshot()? else { panic!("it is a writer") };
        write(&mut bytes)?;
        for cut in 1..bytes.len() {
            let restored = store.restore(id(9), &mut &bytes[..cut]);
            assert!(restored.is_err(), "{cut} of {} bytes", bytes.len());
            assert_eq!(store.range("", 9)?, [("key".to_owned(), b"value".to_vec())]);
            assert_eq!(store.applied()?, id(1));
        }
        store.restore(id(9), &mut bytes.as_slice())?;
        assert_eq!((store.range("", 9)?.len(), store.applied()?), (1, id(9)));
        Ok(())
    }
}
