//! Directories of a version without identities of stores: the current one takes them over, with all of
//! their data, once.
//!
//! The files in `format_1/` were written by that version: three counters, added 1 to 12, with a snapshot
//! through entry 8.

use std::fs;
use std::path::Path;
use std::time::Duration;

use raft::driver::{MachineError, StartError, Status, from_bytes, to_bytes};
use raft::transport::memory::Hub;
use raft::{Index, PeerId, Raft, Standing, StateMachine};
use tempfile::TempDir;

use crate::stores::Durable;

const TIMEOUT: Duration = Duration::from_secs(60);
const PEERS: [u64; 3] = [1, 2, 3];
/// The sum of 1 to 12.
pub(crate) const VALUE: u64 = 78;

#[derive(Default)]
pub(crate) struct Counter(pub(crate) u64);

#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct Add(u64);

impl StateMachine for Counter {
    type Command = Add;
    type Answer = u64;

    fn apply(&mut self, Add(count): Add) -> u64 {
        self.0 += count;
        self.0
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        to_bytes(&self.0)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        self.0 = from_bytes(snapshot)?;
        Ok(())
    }
}

/// The directory of a peer as the earlier version left it.
pub(crate) fn old_directory(durable: Durable, peer: u64, at: &Path) {
    let name = match durable {
        Durable::Disk => "disk",
        Durable::Redb => "redb",
    };
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/storage/format_1");
    let text = fs::read_to_string(fixtures.join(format!("{name}_{peer}.hex"))).expect("a fixture");
    fs::create_dir(at).expect("a new directory");
    for file in text.split("\nfile ").skip(1) {
        let (name, content) = file.split_once('\n').expect("a name");
        let bytes: Vec<u8> = content.lines().flat_map(decode).collect();
        fs::write(at.join(name), bytes).expect("it is written");
    }
}

/// Hexadecimal digits, or `COUNT x BYTE`.
fn decode(line: &str) -> Vec<u8> {
    let byte = |digits: &str| u8::from_str_radix(digits, 16).expect("two digits");
    match line.split_once(" x ") {
        Some((count, digits)) => vec![byte(digits); count.parse().expect("a number")],
        None => (0..line.len()).step_by(2).map(|at| byte(&line[at..at + 2])).collect(),
    }
}

/// The directories of all three.
fn old_directories(durable: Durable) -> TempDir {
    let base = tempfile::tempdir().expect("a directory");
    PEERS
        .iter()
        .for_each(|peer| old_directory(durable, *peer, &base.path().join(peer.to_string())));
    base
}

async fn start(
    durable: Durable,
    base: &Path,
    hub: &Hub,
    id: u64,
    peers: &[u64],
) -> Result<Raft<Counter>, StartError> {
    let peer = PeerId::new(id);
    let store = durable.open_as(&base.join(id.to_string()), peer).expect("it is whole");
    Raft::builder(id)
        .peers(peers.iter().copied())
        .storage(store)
        .transport(hub.join(peer))
        .state_machine(Counter::default())
        .start()
        .await
}

async fn start_all(durable: Durable, base: &Path) -> Vec<Raft<Counter>> {
    let hub = Hub::default();
    let mut rafts = Vec::new();
    for id in PEERS {
        rafts.push(start(durable, base, &hub, id, &PEERS).await.expect("the same peers"));
    }
    rafts
}

/// The leader, once its store votes and all have its log.
async fn leader(rafts: &[Raft<Counter>]) -> &Raft<Counter> {
    let led = |status: &Status| status.leader.is_some();
    let known = rafts[0].wait(led, TIMEOUT).await.expect("an election succeeds").leader;
    let leader = rafts.iter().find(|raft| Some(raft.id()) == known).expect("one of them");
    let level = |status: &Status| {
        status.peers.len() == 2 && status.peers.iter().all(|it| it.match_index == status.last_log)
    };
    leader.wait(level, TIMEOUT).await.expect("all follow it");
    leader
}

#[test]
fn an_old_directory_opens_with_all_of_its_data() {
    for durable in Durable::ALL {
        let base = old_directories(durable);
        for peer in PEERS {
            let at = base.path().join(peer.to_string());
            let identity = || fs::read_to_string(at.join("IDENTITY")).expect("it is text");
            assert!(identity().contains("format 1\n") && !at.join("DURABLE").exists());
            let open = || durable.open_as(&at, PeerId::new(peer)).expect("it is whole");
            for _ in 0..2 {
                let stored = open().load().expect("it is whole");
                let base = stored.base().index;
                assert_eq!((base, stored.last().index), (Index::new(8), Index::new(13)));
                assert_eq!(stored.identity, None, "only a start with `peers` can make one");
                assert!(identity().contains("format 3\n") && at.join("DURABLE").exists());
            }
        }
    }
}

#[tokio::test]
async fn a_cluster_goes_on_and_each_store_gets_one_identity() {
    for durable in Durable::ALL {
        let base = old_directories(durable);
        let mut identities = Vec::new();
        for round in 0..3 {
            let rafts = start_all(durable, base.path()).await;
            let leader = leader(&rafts).await;
            let value = leader.read(|counter| counter.0).await.expect("it leads");
            assert_eq!(value, VALUE + round, "{durable:?}");
            assert_eq!(leader.propose(Add(1)).await.expect("it leads"), VALUE + round + 1);
            let recorded = |status: &Status| status.membership.stores().len() == 3;
            let mut found = Vec::new();
            for raft in &rafts {
                let status = raft.wait(recorded, TIMEOUT).await.expect("the leader records them");
                let store = status.store.expect("it has an identity");
                assert_eq!(store.standing, Standing::Confirmed, "it has voted before");
                found.push(store.incarnation);
            }
            if round > 0 {
                assert_eq!(found, identities, "{durable:?}: an identity is made once");
            }
            identities = found;
            for raft in &rafts {
                raft.shutdown().await;
            }
        }
        for other in [&[1][..], &[1, 2], &[1, 2, 3, 4]] {
            let refused = start(durable, base.path(), &Hub::default(), 1, other).await;
            let error = refused.expect_err("other peers").to_string();
            assert!(error.contains("the store of peer 1 belongs to a cluster of 1 2 3"), "{error}");
        }
        for raft in start_all(durable, base.path()).await {
            raft.shutdown().await;
        }
    }
}

/// Its snapshot names the members, whatever this start lists.
#[tokio::test]
async fn an_old_directory_is_not_taken_over_as_a_cluster_of_its_own() {
    for durable in Durable::ALL {
        let base = old_directories(durable);
        let alone = start(durable, base.path(), &Hub::default(), 1, &[1]).await;
        let alone = alone.expect("its log says who the members are");
        let leads = alone.wait(|status| status.leader.is_some(), Duration::from_secs(3)).await;
        assert!(leads.is_err(), "{durable:?}: it leads without the others");
        assert_eq!(alone.status().membership.voters().len(), 3);
        alone.shutdown().await;
        for raft in start_all(durable, base.path()).await {
            raft.shutdown().await;
        }
    }
}
