//! Entries that are on the disk alone: sent to a peer that was away, applied after a start, and damaged.

use std::path::Path;

use raft::driver::{RunState, Settings, StopReason};
use raft::storage::{DiskOptions, EntryReader, MemoryStorage, RedbStorage, Storage, StorageError};
use raft::{Entry, Index, PeerId, PersistentState, Raft, Write};
use tempfile::TempDir;

use crate::support::{Add, Cluster, Counter, ElectionOrder, FirstLeads, TEST_TIMEOUT};

type Open = fn(&Path, PeerId) -> Box<dyn Storage>;

const STORES: [(&str, Open); 2] = [
    ("disk", |path, peer| {
        let small = DiskOptions::new().segment_bytes(2000);
        Box::new(small.open(path, peer).expect("it is sound"))
    }),
    ("redb", |path, peer| Box::new(RedbStorage::open(path, peer).expect("it is sound"))),
];

/// A peer that keeps no committed entry in memory.
async fn start_peer(cluster: &Cluster<Counter>, id: u64, storage: impl Storage) -> Raft<Counter> {
    let settings = Settings {
        deadline: TEST_TIMEOUT,
        disk_timeout: Some(TEST_TIMEOUT),
        ..Settings::default()
    };
    let builder = cluster.without_store(id).state_machine(Counter::default());
    let builder = builder
        .election_timeout(ElectionOrder::SHORTEST, FirstLeads::longest(cluster.stores.len()))
        .jitter(FirstLeads(id))
        .configure(|config| {
            config.cache_bytes_max = 0;
            config.in_flight_bytes_max = 200;
        })
        .settings(settings)
        .storage(storage);
    builder.start().await.expect("all parts are there")
}

fn directories(count: usize) -> Vec<TempDir> {
    (0..count).map(|_| tempfile::tempdir().expect("a directory")).collect()
}

#[tokio::test]
async fn a_peer_that_was_away_is_sent_what_its_leader_reads() {
    for (name, open) in STORES {
        let (mut cluster, directories) = (Cluster::empty(3), directories(3));
        for id in 1..=3 {
            let store = open(directories[id as usize - 1].path(), PeerId::new(id));
            let raft = start_peer(&cluster, id, store).await;
            cluster.rafts.push(raft);
        }
        let leader = cluster.leader().await;
        cluster.isolate(PeerId::new(3));
        for _ in 0..30 {
            leader.propose(Add(1)).await.expect(name);
        }
        cluster.faults.clear();
        let away = cluster.raft(PeerId::new(3));
        let last = leader.status().last_log;
        let level = away.wait(|status| status.last_applied >= last, TEST_TIMEOUT).await;
        assert_eq!(level.expect(name).snapshot, Index::ZERO, "{name}");
        assert_eq!(away.read(|counter| counter.value).await.ok(), Some(30), "{name}");
    }
}

/// The directory can be opened at once after the end, also by the database.
#[tokio::test]
async fn a_peer_that_starts_applies_its_log_from_the_disk() {
    for (name, open) in STORES {
        let (cluster, directories) = (Cluster::empty(1), directories(1));
        let mut expected = 0;
        for _ in 0..2 {
            let store = open(directories[0].path(), PeerId::new(1));
            let raft = start_peer(&cluster, 1, store).await;
            let leads = raft.wait(|status| status.leader.is_some(), TEST_TIMEOUT).await;
            leads.expect("it is alone");
            for _ in 0..15 {
                expected += 1;
                let value = raft.propose(Add(1)).await.expect("it leads");
                assert_eq!(value, expected, "{name}");
            }
            raft.shutdown().await;
        }
    }
}

/// A store whose entries are damaged on the disk.
struct Damaged(MemoryStorage);

impl Storage for Damaged {
    fn load(&mut self) -> Result<PersistentState, StorageError> {
        self.0.load()
    }

    fn load_recent(&mut self, bytes_max: u64) -> Result<PersistentState, StorageError> {
        self.0.load_recent(bytes_max)
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        self.0.write(writes)
    }

    fn entry_reader(&mut self) -> Option<Box<dyn EntryReader>> {
        Some(Box::new(Self(self.0.clone())))
    }
}

impl EntryReader for Damaged {
    fn read(&mut self, _: Index, _: Index, _: u64) -> Result<Vec<Entry>, StorageError> {
        Err(StorageError::Damaged("a frame is broken".to_owned()))
    }
}

#[tokio::test]
async fn damage_that_is_found_by_a_read_ends_the_node_before_the_entry_is_used() {
    let cluster = Cluster::empty(1);
    let kept = MemoryStorage::default();
    let raft = start_peer(&cluster, 1, kept.clone()).await;
    raft.wait(|status| status.leader.is_some(), TEST_TIMEOUT).await.expect("it is alone");
    raft.propose(Add(1)).await.expect("it leads");
    raft.shutdown().await;

    let again = start_peer(&cluster, 1, Damaged(kept)).await;
    let ended = again.wait(|status| matches!(status.run, RunState::Stopped(_)), TEST_TIMEOUT).await;
    let ended = ended.expect("it ends");
    let RunState::Stopped(reason) = ended.run else { panic!("it runs") };
    assert!(matches!(reason, StopReason::Storage(_)), "{reason}");
    assert!(reason.to_string().contains("a frame is broken"), "{reason}");
    assert_eq!(ended.last_applied, Index::ZERO);
}
