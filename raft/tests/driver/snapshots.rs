//! Snapshots beside the log: written while the node works, sent and received in pieces of files.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use raft::driver::{MachineError, Settings, SnapshotPolicy, SnapshotView, from_bytes, to_bytes};
use raft::storage::{DiskStorage, RedbStorage, Storage};
use raft::{Index, PeerId, Raft, StateMachine};
use tempfile::TempDir;

use crate::state_machines::Gate;
use crate::support::{Cluster, ElectionOrder, FirstLeads, TEST_TIMEOUT};

/// A state of many pages, each of which is shared with views until it changes.
#[derive(Default)]
struct Pages {
    pages: Vec<Arc<Vec<u8>>>,
    gate: Gate,
    /// Number of views whose writing has begun.
    begun: Arc<AtomicUsize>,
    wants: bool,
}

const PAGE: usize = 100_000;

#[derive(serde::Serialize, serde::Deserialize)]
enum Change {
    /// Adds a page of this byte.
    Add(u8),
    /// Adds one, and requests a snapshot.
    AddAndSave(u8),
}

impl StateMachine for Pages {
    type Command = Change;
    type Answer = usize;

    fn apply(&mut self, change: Change) -> usize {
        let (Change::Add(byte) | Change::AddAndSave(byte)) = change;
        self.wants = matches!(change, Change::AddAndSave(_));
        self.pages.push(Arc::new(vec![byte; PAGE]));
        self.pages.len()
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        Err("only as a view".into())
    }

    fn snapshot_view(&self) -> Result<SnapshotView, MachineError> {
        let (pages, gate, begun) = (self.pages.clone(), self.gate.clone(), Arc::clone(&self.begun));
        Ok(SnapshotView::writer(move |sink: &mut dyn Write| {
            begun.fetch_add(1, Ordering::Relaxed);
            gate.wait_open();
            pages.iter().try_for_each(|page| sink.write_all(page)).map_err(Into::into)
        }))
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        self.pages = snapshot.chunks(PAGE).map(|page| Arc::new(page.to_vec())).collect();
        Ok(())
    }

    fn wants_snapshot(&self) -> bool {
        self.wants
    }
}

/// Peers with their directories, and one gate before all snapshots.
struct Durables {
    cluster: Cluster<Pages>,
    gate: Gate,
    begun: Arc<AtomicUsize>,
    directories: Vec<TempDir>,
}

type Open = fn(&Path, PeerId) -> Box<dyn Storage>;

const STORES: [(&str, Open); 2] = [
    ("disk", |path, peer| Box::new(DiskStorage::open(path, peer).expect("it is sound"))),
    ("redb", |path, peer| Box::new(RedbStorage::open(path, peer).expect("it is sound"))),
];

impl Durables {
    async fn start(count: u64, open: Open) -> Self {
        let mut durables = Self {
            cluster: Cluster::empty(count),
            gate: Gate::default(),
            begun: Arc::default(),
            directories: (0..count).map(|_| tempfile::tempdir().expect("a directory")).collect(),
        };
        for id in 1..=count {
            let raft = durables.start_peer(id, open).await;
            durables.cluster.rafts.push(raft);
        }
        durables
    }

    async fn start_peer(&self, id: u64, open: Open) -> Raft<Pages> {
        let directory = self.directories[id as usize - 1].path();
        let (gate, begun) = (self.gate.clone(), Arc::clone(&self.begun));
        let settings = Settings {
            snapshots: SnapshotPolicy::NEVER,
            deadline: TEST_TIMEOUT,
            disk_timeout: Some(TEST_TIMEOUT),
            ..Settings::default()
        };
        let builder = self.cluster.without_store(id);
        let longest = FirstLeads::longest(self.directories.len());
        let builder = builder
            .election_timeout(ElectionOrder::SHORTEST, longest)
            .jitter(FirstLeads(id))
            .state_machine(Pages { gate, begun, ..Pages::default() })
            .storage(open(directory, PeerId::new(id)))
            .configure(|config| config.trailing_entries_max = 0)
            .settings(settings);
        builder.start().await.expect("all parts are there")
    }
}

async fn pages(raft: &Raft<Pages>) -> Vec<u8> {
    raft.wait(|status| status.leader.is_some(), TEST_TIMEOUT).await.expect("an election");
    let read = raft.read(|machine| machine.pages.iter().map(|page| page[0]).collect());
    read.await.expect("the leader is there")
}

/// A view that takes for ever holds up neither writes nor reads, and is of its own entry.
#[tokio::test]
async fn writes_go_on_while_a_snapshot_is_written() {
    for (name, open) in STORES {
        let durables = Durables::start(1, open).await;
        let raft = durables.cluster.leader().await;
        durables.gate.close();
        for byte in 1..=20 {
            raft.propose(Change::Add(byte)).await.expect("it leads");
        }
        let saved = raft.append(Change::AddAndSave(21)).await.expect("it leads").id().index;
        for byte in 22..=40 {
            assert_eq!(raft.propose(Change::Add(byte)).await.expect(name), usize::from(byte));
        }
        assert_eq!(pages(raft).await.len(), 40);
        assert_eq!(raft.status().snapshot, Index::ZERO, "{name}: it is not written yet");
        durables.gate.open();
        let made = raft.wait(|status| status.snapshot > Index::ZERO, TEST_TIMEOUT).await;
        assert_eq!(made.expect("the gate is open").snapshot, saved, "{name}");
        raft.shutdown().await;

        let again = durables.start_peer(1, open).await;
        again.wait(|status| status.last_applied > saved, TEST_TIMEOUT).await.expect("it is alone");
        assert_eq!(pages(&again).await, (1..=40).collect::<Vec<_>>(), "{name}");
    }
}

/// While one is written, the newest request waits, and those between are dropped.
#[tokio::test]
async fn of_several_requests_the_newest_is_written_next() {
    let (_, open) = STORES[0];
    let durables = Durables::start(1, open).await;
    let raft = durables.cluster.leader().await;
    durables.gate.close();
    let mut last = Index::ZERO;
    for byte in 1..=5 {
        let appended = raft.append(Change::AddAndSave(byte)).await.expect("it leads");
        last = appended.id().index;
        appended.answer().await.expect("it is applied");
    }
    durables.gate.open();
    let made = raft.wait(|status| status.snapshot == last, TEST_TIMEOUT).await;
    made.expect("the newest one is written");
    assert_eq!(durables.begun.load(Ordering::Relaxed), 2, "the first, and the newest");
}

#[tokio::test]
async fn a_large_snapshot_reaches_a_lagging_peer_from_file_to_file() {
    for (name, open) in STORES {
        let mut durables = Durables::start(3, open).await;
        let leader = durables.cluster.leader().await.clone();
        let lagging = durables.cluster.others(&leader)[0];
        durables.cluster.isolate(lagging);
        for byte in 1..=29 {
            leader.propose(Change::Add(byte)).await.expect("two are a majority");
        }
        leader.propose(Change::AddAndSave(30)).await.expect("two are a majority");
        let made = leader.wait(|status| status.snapshot > Index::ZERO, TEST_TIMEOUT).await;
        let snapshot = made.expect("it is requested").snapshot;
        durables.cluster.faults.clear();
        let behind = durables.cluster.raft(lagging);
        let installed = behind.wait(|status| status.last_applied >= snapshot, TEST_TIMEOUT).await;
        assert_eq!(installed.expect("it catches up").snapshot, snapshot, "{name}");
        assert_eq!(pages(behind).await, (1..=30).collect::<Vec<_>>(), "{name}");
        behind.shutdown().await;
        let again = durables.start_peer(lagging.number(), open).await;
        assert!(again.status().last_applied >= snapshot, "{name}: it has it on its disk");
        assert_eq!(pages(&again).await, (1..=30).collect::<Vec<_>>(), "{name}");
        durables.cluster.rafts[lagging.number() as usize - 1] = again;
        let unfinished = durables.directories.iter().flat_map(|directory| {
            std::fs::read_dir(directory.path())
                .expect("a directory")
                .map(|file| file.expect("a file"))
        });
        let unfinished: Vec<_> = unfinished
            .map(|file| file.file_name().to_string_lossy().into_owned())
            .filter(|file| file.ends_with(".tmp"))
            .collect();
        assert!(unfinished.is_empty(), "{name}: {unfinished:?}");
    }
}

/// A view that fails or grows beyond the limit costs the snapshot, not the node.
#[tokio::test]
async fn a_view_that_fails_leaves_the_log_as_it_is() {
    struct Failing(u64);

    impl StateMachine for Failing {
        type Command = u64;
        type Answer = u64;

        fn apply(&mut self, count: u64) -> u64 {
            self.0 += count;
            self.0
        }

        fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
            to_bytes(&self.0)
        }

        fn snapshot_view(&self) -> Result<SnapshotView, MachineError> {
            let value = self.0;
            Ok(SnapshotView::writer(move |sink| match value {
                10 => Err("the file is gone".into()),
                20 => panic!("out of range"),
                30 => Ok(sink.write_all(&[0; 2000])?),
                // What it holds back is written as it is dropped, and the error is lost.
                40 => Ok(BufWriter::new(sink).write_all(&[0; 2000])?),
                _ => Ok(sink.write_all(&to_bytes(&value)?)?),
            }))
        }

        fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
            self.0 = from_bytes(snapshot)?;
            Ok(())
        }

        fn wants_snapshot(&self) -> bool {
            self.0.is_multiple_of(10)
        }
    }

    let directory = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::<Failing>::empty(1);
    let settings = Settings {
        snapshots: SnapshotPolicy::NEVER,
        disk_timeout: Some(Duration::from_secs(60)),
        ..Settings::default()
    };
    let builder = cluster.without_store(1).data_dir(directory.path()).settings(settings);
    let builder = builder.configure(|config| config.snapshot_bytes_max = 1000);
    let raft = builder.state_machine(Failing(0)).start().await.expect("all parts are there");
    raft.wait(|status| status.leader.is_some(), TEST_TIMEOUT).await.expect("it is alone");
    for value in 1..=49 {
        assert_eq!(raft.propose(1).await.expect("it leads"), value);
    }
    assert_eq!(raft.status().snapshot, Index::ZERO);
    let last = raft.append(1).await.expect("it leads").id().index;
    let made = raft.wait(|status| status.snapshot > Index::ZERO, TEST_TIMEOUT).await;
    assert_eq!(made.expect("the fifth one succeeds").snapshot, last);
}

/// A leader's newer snapshot arrives while a peer writes its own, which then is of no use.
#[tokio::test]
async fn only_snapshots_that_shorten_the_log_are_counted() {
    let (_, open) = STORES[0];
    let mut durables = Durables::start(3, open).await;
    let leader = durables.cluster.leader().await.clone();
    let lagging = durables.cluster.others(&leader)[0];
    let at = lagging.number() as usize - 1;
    durables.cluster.raft(lagging).shutdown().await;
    let (leaders_gate, recorder) = (durables.gate.clone(), DebuggingRecorder::new());
    durables.gate = Gate::default();
    let snapshotter = recorder.snapshotter();
    let guard = metrics::set_default_local_recorder(&recorder);
    durables.cluster.rafts[at] = durables.start_peer(lagging.number(), open).await;
    drop(guard);
    let raft = durables.cluster.raft(lagging);
    durables.gate.close();
    leaders_gate.close();
    leader.propose(Change::AddAndSave(1)).await.expect("it leads");
    let applied = leader.status().last_applied;
    raft.wait(|status| status.last_applied >= applied, TEST_TIMEOUT).await.expect("it follows");
    durables.cluster.isolate(lagging);
    leader.propose(Change::Add(2)).await.expect("two are a majority");
    let appended = leader.append(Change::AddAndSave(3)).await.expect("it leads");
    let newest = appended.id().index;
    appended.answer().await.expect("two are a majority");
    leaders_gate.open();
    leader.wait(|status| status.snapshot == newest, TEST_TIMEOUT).await.expect("it is written");
    durables.cluster.faults.clear();
    raft.wait(|status| status.snapshot == newest, TEST_TIMEOUT).await.expect("it is received");
    durables.gate.open();
    // It must not receive the leader's before it has made its own.
    leaders_gate.close();
    leader.propose(Change::AddAndSave(4)).await.expect("it leads");
    raft.wait(|status| status.snapshot > newest, TEST_TIMEOUT).await.expect("its own");
    leaders_gate.open();
    let counted = snapshotter.snapshot().into_vec().into_iter().find_map(|(key, _, _, value)| {
        (key.key().name() == "raft_snapshots_total").then_some(value)
    });
    assert_eq!(counted, Some(DebugValue::Counter(1)));
}
