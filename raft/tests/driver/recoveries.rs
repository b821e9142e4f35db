//! Recovery of a cluster that has lost its quorum, from the directory of one peer, over TCP.

use std::fs;
use std::path::Path;

use raft::driver::{Builder, MemberState, Settings, Status};
use raft::storage::{
    NewClusterError, NewDirectory, StoreKind, StoredDirectory, open_store, recover, skip_entry,
};
use raft::transport::{RefusalKind, RefusedLink};
use raft::{Index, MembershipChange, PeerId, Raft, RoleName};
use tempfile::TempDir;

use crate::support::{Add, Counter, ElectionOrder, FirstLeads, TEST_TIMEOUT, free_addresses};

/// Peers over TCP with directories in one place.
struct Peers {
    kind: StoreKind,
    addresses: [String; 3],
    base: TempDir,
}

impl Peers {
    fn new(kind: StoreKind) -> Self {
        Self { kind, addresses: free_addresses(), base: tempfile::tempdir().expect("a directory") }
    }

    fn directory(&self, name: &str) -> std::path::PathBuf {
        self.base.path().join(name)
    }

    fn builder(&self, id: u64, directory: &str) -> Builder<Counter> {
        let path = self.directory(directory);
        let store = open_store(self.kind, path, PeerId::new(id)).expect("it is whole");
        let disk_timeout = Some(TEST_TIMEOUT);
        Raft::builder(id)
            .listen(&self.addresses[id as usize - 1])
            .storage(store)
            .settings(Settings { deadline: TEST_TIMEOUT, disk_timeout, ..Settings::default() })
            .state_machine(Counter::default())
    }

    fn member(&self, id: u64) -> Builder<Counter> {
        self.builder(id, &id.to_string()).peers((1..).zip(self.addresses.clone()))
    }

    /// Starts a member that was there before.
    async fn restart(&self, id: u64) -> Raft<Counter> {
        self.member(id).start().await.expect("its address is free")
    }

    /// Leaves behind the directories of a cluster of three with the value 7, peer 1 with all of it.
    async fn lose(&self) {
        let mut rafts = Vec::new();
        for id in 1..=3 {
            let builder = self.member(id).jitter(FirstLeads(id));
            let builder = builder.election_timeout(ElectionOrder::SHORTEST, ElectionOrder::LONGEST);
            rafts.push(builder.start().await.expect("its address is free"));
        }
        let led = rafts[0].wait(|status| status.leader.is_some(), TEST_TIMEOUT).await;
        let leader = led.expect("an election").leader.expect("checked by the condition");
        let leader = &rafts[leader.number() as usize - 1];
        leader.propose(Add(7)).await.expect("it leads");
        // The log has configurations, with the id of their cluster.
        leader.add_learner(9, None, TEST_TIMEOUT).await.expect("it leads");
        leader.remove(9, TEST_TIMEOUT).await.expect("it leads");
        let last = leader.status().last_log;
        applies(&rafts[0], last).await;
        for raft in rafts {
            raft.shutdown().await;
        }
    }

    fn recover(&self, from: &str, to: &str) -> Result<raft::storage::NewCluster, NewClusterError> {
        let source = StoredDirectory::open(self.directory(from)).expect("it is whole");
        let (path, address) = (self.directory(to), Some(self.addresses[0].as_str().into()));
        let new = NewDirectory { path, kind: self.kind, peer: source.peer, address };
        recover(&source, &new).map(|(_, cluster)| cluster)
    }
}

fn refuses_other_cluster(status: &Status, peer: u64) -> bool {
    let is = |link: &RefusedLink| {
        link.peer == PeerId::new(peer) && link.kind == RefusalKind::OtherCluster
    };
    status.refused_links.iter().any(is)
}

/// Waits until a peer has applied the entry at an index.
async fn applies(raft: &Raft<Counter>, index: Index) {
    let applied = |status: &Status| status.last_applied >= index;
    raft.wait(applied, TEST_TIMEOUT).await.expect("it follows");
}

/// The bytes of all files, in order.
fn contents(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(directory).expect("it is there").map(|file| {
        let path = file.expect("it is readable").path();
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        (name, fs::read(&path).expect("it is readable"))
    });
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

#[tokio::test]
async fn one_peer_goes_on_alone_the_others_are_kept_out_and_come_back_empty() {
    for kind in [StoreKind::Log, StoreKind::Redb] {
        let peers = Peers::new(kind);
        peers.lose().await;
        let before = contents(&peers.directory("1"));
        let source = StoredDirectory::open(peers.directory("1")).expect("it is whole");
        let stored = source.read().expect("it is whole");
        drop(source);
        let cluster = peers.recover("1", "recovered").expect("two of three are lost");
        assert!(contents(&peers.directory("1")) == before, "the old directory is as it was");
        assert_ne!(Some(cluster.cluster), stored.membership().and_then(|it| it.cluster()));

        let alone = peers.builder(1, "recovered").peers([(1, &peers.addresses[0])]);
        let alone = alone.start().await.expect("it is alone");
        alone.wait(|status| status.role == RoleName::Leader, TEST_TIMEOUT).await.expect("it leads");
        assert_eq!(alone.read(|counter| counter.value).await.expect("it leads"), 7);
        alone.propose(Add(1)).await.expect("it leads");

        // Both others come back as if nothing had happened.
        let [two, three] = [peers.restart(2).await, peers.restart(3).await];
        for old in [&two, &three] {
            old.wait(|status| refuses_other_cluster(status, 1), TEST_TIMEOUT).await.expect("by id");
        }
        alone.wait(|status| refuses_other_cluster(status, 2), TEST_TIMEOUT).await.expect("by id");
        let change = |peer| MembershipChange::AddLearner {
            peer: PeerId::new(peer),
            address: Some(peers.addresses[peer as usize - 1].as_str().into()),
        };
        alone.change_membership(change(2)).await.expect("it is added, and does not answer");
        applies(&two, stored.last().index).await;
        let old = two.read_local(|counter| counter.value).await.expect("it is its own");
        assert_eq!(old.value, 7, "nothing of the new cluster has reached it");
        three.shutdown().await;
        two.shutdown().await;

        let joined = peers.builder(2, "2-empty").join().peers([(1, &peers.addresses[0])]);
        let joined = joined.start().await.expect("it joins");
        let is_member = |status: &Status| status.member == MemberState::Learner;
        joined.wait(is_member, TEST_TIMEOUT).await.expect("it was added before");
        applies(&joined, alone.status().commit_index).await;
        let value = joined.read_local(|counter| counter.value).await.expect("it is its own");
        assert_eq!(value.value, 8);
        joined.shutdown().await;
        alone.shutdown().await;
    }
}

#[tokio::test]
async fn what_needs_no_recovery_or_cannot_be_recovered_is_refused_by_name() {
    let peers = Peers::new(StoreKind::Log);
    peers.lose().await;
    peers.recover("1", "recovered").expect("two of three are lost");
    let error = peers.recover("recovered", "again").expect_err("it has its quorum");
    assert!(matches!(error, NewClusterError::HasQuorum { .. }), "{error}");
    let error = peers.recover("2", "recovered").expect_err("it is there").to_string();
    assert!(error.contains("name a new or an empty directory"), "{error}");
    drop(open_store(StoreKind::Log, peers.directory("5"), PeerId::new(5)).expect("a new store"));
    let error = peers.recover("5", "again").expect_err("it knows nothing");
    assert!(matches!(error, NewClusterError::NoMember { .. }), "{error}");
    let running = open_store(StoreKind::Log, peers.directory("3"), PeerId::new(3));
    let error = StoredDirectory::open(peers.directory("3")).expect_err("it runs").to_string();
    assert!(error.contains("is in use by another process"), "{error}");
    drop(running);
    assert!(!peers.directory("again").exists());
}

#[tokio::test]
async fn skipped_entries_stay_skipped() {
    for kind in [StoreKind::Log, StoreKind::Redb] {
        let peers = Peers::new(kind);
        peers.lose().await;
        let directory = StoredDirectory::open(peers.directory("1")).expect("it is whole");
        let stored = directory.read().expect("it is whole");
        drop(directory);
        let is_command = |entry: &&raft::Entry| matches!(entry.payload, raft::Payload::Command(_));
        let command = stored.entries.iter().find(is_command).expect("it was applied").id;
        let skipped = skip_entry(peers.directory("1"), command.index).expect("a command");
        assert_eq!(skipped, command);
        peers.recover("1", "recovered").expect("two of three are lost");
        let alone = peers.builder(1, "recovered").peers([(1, &peers.addresses[0])]);
        let alone = alone.start().await.expect("it is alone");
        alone.wait(|status| status.role == RoleName::Leader, TEST_TIMEOUT).await.expect("it leads");
        assert_eq!(alone.read(|counter| counter.value).await.expect("it leads"), 0);
        alone.shutdown().await;
    }
}
