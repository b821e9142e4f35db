//! Disks that hang while a snapshot is created or read.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use raft::driver::{Settings, SnapshotPolicy};
use raft::snapshot_data::StoredSnapshot;
use raft::storage::{MemoryStorage, SnapshotSpace, SnapshotWriter, Storage, StorageError};
use raft::{PersistentState, Raft, SnapshotData, Write};

use super::{Behaviour, DiskControl, NOT_POISONED, no_disk_timeout};
use crate::support::{Add, Cluster, ElectionOrder, FirstLeads, Saving, TEST_TIMEOUT};

/// Ends the wait of the threads in any case: a runtime waits for them.
struct Answering(DiskControl);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.set(Behaviour::Healthy);
    }
}

/// A store in memory with a space for snapshots, whose files may hang as they are created or read.
#[derive(Clone)]
struct Disk {
    memory: MemoryStorage,
    create: DiskControl,
    read: DiskControl,
}

impl Storage for Disk {
    fn load(&mut self) -> Result<PersistentState, StorageError> {
        self.memory.load()
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        self.memory.write(writes)
    }

    fn snapshot_space(&mut self) -> Option<Box<dyn SnapshotSpace>> {
        Some(Box::new(self.clone()))
    }
}

impl SnapshotSpace for Disk {
    fn create(&mut self) -> Result<Box<dyn SnapshotWriter>, StorageError> {
        self.create.next_behaviour();
        Ok(Box::new(Writer(Arc::new(File { bytes: Mutex::default(), read: self.read.clone() }))))
    }
}

struct File {
    bytes: Mutex<Vec<u8>>,
    read: DiskControl,
}

struct Writer(Arc<File>);

impl SnapshotWriter for Writer {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.0.bytes.lock().expect(NOT_POISONED).extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), StorageError> {
        Ok(())
    }

    fn data(&self) -> SnapshotData {
        let len = self.0.bytes.lock().expect(NOT_POISONED).len() as u64;
        SnapshotData::stored(Arc::<File>::clone(&self.0), len)
    }
}

impl StoredSnapshot for File {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read.next_behaviour();
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let bytes = self.bytes.lock().expect(NOT_POISONED);
        buffer.copy_from_slice(&bytes[start..start + buffer.len()]);
        Ok(())
    }
}

/// Peers on such disks. Peer 1 leads.
async fn start(count: u64) -> (Cluster<Saving<1>>, Vec<Disk>) {
    let mut cluster = Cluster::empty(count);
    let settings = Settings { snapshots: SnapshotPolicy::NEVER, ..no_disk_timeout() };
    let mut disks = Vec::new();
    for id in 1..=count {
        let memory = MemoryStorage::default();
        let disk = Disk { memory, create: DiskControl::new(), read: DiskControl::new() };
        let builder = cluster.without_store(id).state_machine(Saving::<1>::default());
        let builder = builder
            .election_timeout(ElectionOrder::SHORTEST, ElectionOrder::LONGEST)
            .jitter(FirstLeads(id))
            .storage(disk.clone())
            .configure(|config| config.trailing_entries_max = 0)
            .settings(settings.clone());
        cluster.rafts.push(builder.start().await.expect("all parts are there"));
        disks.push(disk);
    }
    (cluster, disks)
}

async fn shut_down(raft: &Raft<Saving<1>>) {
    let end = tokio::time::timeout(TEST_TIMEOUT, raft.shutdown());
    end.await.expect("a thread that hangs is not waited for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_whose_snapshot_cannot_be_created_answers_and_ends() {
    let (cluster, disks) = start(1).await;
    let raft = cluster.leader().await;
    let _answering = Answering(disks[0].create.clone());
    disks[0].create.set(Behaviour::Stuck);
    for value in 1..=3 {
        let answer = tokio::time::timeout(TEST_TIMEOUT, raft.propose(Add(1))).await;
        assert_eq!(answer.expect("only the snapshot waits").expect("it leads"), value);
        disks[0].create.held().await;
    }
    shut_down(raft).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_whose_received_snapshot_cannot_be_created_answers_and_ends() {
    let (cluster, disks) = start(3).await;
    let leader = cluster.leader().await;
    let lagging = cluster.others(leader)[0];
    cluster.isolate(lagging);
    leader.propose(Add(1)).await.expect("two are a majority");
    let made = leader.wait(|status| status.snapshot.number() > 0, TEST_TIMEOUT).await;
    made.expect("every command requests one");
    let create = &disks[lagging.number() as usize - 1].create;
    let _answering = Answering(create.clone());
    create.set(Behaviour::Stuck);
    cluster.faults.clear();
    create.held().await;
    let lagging = cluster.raft(lagging);
    for _ in 0..5 {
        // The leader asks again with every heartbeat.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let answer = tokio::time::timeout(TEST_TIMEOUT, lagging.propose(Add(1))).await;
        answer.expect("only the snapshot waits").expect_err("it follows");
    }
    shut_down(lagging).await;
}

/// Its heartbeats and the questions of reads have no bytes, so they do not wait behind those that do.
#[tokio::test]
async fn a_leader_whose_snapshot_cannot_be_read_goes_on_leading() {
    let (cluster, disks) = start(3).await;
    let leader = cluster.leader().await;
    let [lagging, other] = cluster.others(leader)[..] else { panic!("three peers") };
    let read = &disks[leader.id().number() as usize - 1].read;
    let _answering = Answering(read.clone());
    // From the first chunk on, which is read at once, although it does not reach the follower.
    read.set(Behaviour::Stuck);
    cluster.isolate(lagging);
    leader.propose(Add(1)).await.expect("two are a majority");
    let made = leader.wait(|status| status.snapshot.number() > 0, TEST_TIMEOUT).await;
    let snapshot = made.expect("every command requests one").snapshot;
    read.held().await;
    cluster.faults.clear();
    cluster.isolate(other);
    for _ in 0..3 {
        let value = leader.read(|counter| counter.0.value).await;
        assert_eq!(value.expect("the lagging peer confirms it"), 1);
    }
    read.set(Behaviour::Healthy);
    let lagging = cluster.raft(lagging);
    let installed = lagging.wait(|status| status.last_applied >= snapshot, TEST_TIMEOUT).await;
    assert_eq!(installed.expect("the disk answers again").snapshot, snapshot);
}
