//! Ends of nodes, and of their membership: what status, metrics and callers are told.

use std::collections::BTreeMap;
use std::path::Path;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use raft::driver::{
    MachineError, MemberState, ReadError, RunState, StartError, Status, StopReason, from_bytes,
    to_bytes,
};
use raft::membership_change::MembershipChange;
use raft::storage::{DiskStorage, RedbStorage, Storage, StorageError};
use raft::transport::memory::Hub;
use raft::{Index, PeerId, Raft, RoleName, StateMachine};

use crate::support::{Add, Counter, TEST_TIMEOUT, counters, free_addresses};

/// A counter that panics at 666.
#[derive(Default)]
struct Superstitious(Counter);

impl StateMachine for Superstitious {
    type Command = Add;
    type Answer = u64;

    fn apply(&mut self, command: Add) -> u64 {
        assert_ne!(command.0, 666, "the number of the beast");
        self.0.apply(command)
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        to_bytes(&self.0.value)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        self.0.value = from_bytes(snapshot)?;
        Ok(())
    }
}

/// The reason of a node's end, once it has ended.
async fn end_of<M: StateMachine>(raft: &Raft<M>) -> StopReason {
    let ended = raft.wait(|status| matches!(status.run, RunState::Stopped(_)), TEST_TIMEOUT).await;
    match ended.expect("it ends").run {
        RunState::Stopped(reason) => reason,
        RunState::Running => unreachable!("checked by the condition"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_read_is_that_reads_error_and_nothing_else() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    leader.propose(Add(1)).await.expect("it leads");
    for raft in &cluster.rafts {
        let poisonous = raft.read(|counter| -> u64 { panic!("{} is odd", counter.value) });
        let sound = raft.read(|counter| counter.value);
        let (poisonous, sound) = tokio::join!(poisonous, sound);
        let error = poisonous.expect_err("it panics");
        assert!(matches!(&error, ReadError::Panicked(what) if what == "panicked: 1 is odd"));
        assert_eq!(error.to_string(), "the read panicked: 1 is odd");
        assert_eq!(sound.expect("the state machine is whole"), 1);
        assert!(matches!(raft.status().run, RunState::Running));
    }
    assert_eq!(leader.propose(Add(1)).await.expect("it still leads"), 2);
}

/// An answer that panics when it is dropped.
struct Precious;

impl Drop for Precious {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "the answer was not taken");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_panics_when_it_is_dropped_does_not_end_the_node() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    let mut read = Box::pin(leader.read(|_| Precious));
    assert!(futures_now(&mut read).await, "it waits for a round of messages");
    drop(read);
    assert_eq!(leader.propose(Add(1)).await.expect("it leads"), 1);
    assert!(matches!(leader.status().run, RunState::Running));
}

/// Polls a future once; true if it is pending.
async fn futures_now<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
    })
    .await
}

/// A single peer on a store in a directory.
async fn start_on(store: impl Storage) -> Raft<Superstitious> {
    Raft::builder(1)
        .peers([1])
        .storage(store)
        .transport(Hub::default().join(PeerId::new(1)))
        .state_machine(Superstitious::default())
        .start()
        .await
        .expect("the directory is free")
}

/// The same, leading.
async fn lead_on(store: impl Storage) -> Raft<Superstitious> {
    let raft = start_on(store).await;
    raft.wait(|status| status.leader.is_some(), TEST_TIMEOUT).await.expect("it is alone");
    raft
}

/// Opens a store, and excludes the entry at an index if there is one.
trait Skippable: Storage + Sized {
    fn at(directory: &Path) -> Self;
    fn skip(&mut self, index: Index) -> Result<String, StorageError>;
}

impl Skippable for DiskStorage {
    fn at(directory: &Path) -> Self {
        Self::open(directory, PeerId::new(1)).expect("the directory is free")
    }
    fn skip(&mut self, index: Index) -> Result<String, StorageError> {
        self.skip_entry(index).map(|id| id.to_string())
    }
}

impl Skippable for RedbStorage {
    fn at(directory: &Path) -> Self {
        Self::open(directory, PeerId::new(1)).expect("the directory is free")
    }
    fn skip(&mut self, index: Index) -> Result<String, StorageError> {
        self.skip_entry(index).map(|id| id.to_string())
    }
}

async fn a_command_that_panics_at_every_start_is_skipped_offline<S: Skippable>() {
    let temporary = tempfile::tempdir().expect("a directory");
    let directory = temporary.path();
    let raft = lead_on(S::at(directory)).await;
    assert_eq!(raft.propose(Add(5)).await.expect("it leads"), 5);
    let poisonous = raft.append(Add(666)).await.expect("it leads").id();
    let after = raft.propose(Add(7));
    let first_end = end_of(&raft).await.to_string();
    after.await.expect_err("the node has ended before");
    raft.shutdown().await;
    let index = poisonous.index;
    for expected in [
        format!("the state machine failed applying entry {poisonous}: panicked: "),
        "the number of the beast".to_owned(),
        format!("`raftctl skip DIRECTORY {index}`"),
    ] {
        assert!(first_end.contains(&expected), "{first_end:?} should contain {expected:?}");
    }

    let again = start_on(S::at(directory)).await;
    assert_eq!(end_of(&again).await.to_string(), first_end, "at every start");
    again.shutdown().await;

    for (index, expected) in [
        (Index::new(1), "cannot skip entry 1: it is not a command, so the state machine is not"),
        (Index::new(99), "cannot skip entry 99: the log has the entries after 0 through "),
    ] {
        let error = S::at(directory).skip(index).expect_err("nothing to skip").to_string();
        assert!(error.starts_with(expected), "{error:?} should start with {expected:?}");
    }
    let skipped = S::at(directory).skip(index).expect("the log has it");
    assert_eq!(skipped, poisonous.to_string());
    // The node may have ended before 7 was in its log.
    for start in 1..=2 {
        let raft = lead_on(S::at(directory)).await;
        let value = raft.propose(Add(100)).await.expect("it leads");
        assert!([5, 12].map(|sum| sum + 100 * start).contains(&value), "{value} at start {start}");
        assert!(matches!(raft.status().run, RunState::Running));
        raft.shutdown().await;
    }
}

#[tokio::test]
async fn a_command_that_panics_at_every_start_is_skipped_on_disk() {
    a_command_that_panics_at_every_start_is_skipped_offline::<DiskStorage>().await;
}

#[tokio::test]
async fn a_command_that_panics_at_every_start_is_skipped_in_redb() {
    a_command_that_panics_at_every_start_is_skipped_offline::<RedbStorage>().await;
}

#[tokio::test]
async fn an_unreadable_list_of_skipped_entries_is_a_start_error() {
    let temporary = tempfile::tempdir().expect("a directory");
    drop(DiskStorage::at(temporary.path()));
    std::fs::write(temporary.path().join("SKIPPED"), "everything\n").expect("a file");
    let builder = Raft::builder(1)
        .peers([1])
        .data_dir(temporary.path())
        .transport(Hub::default().join(PeerId::new(1)))
        .state_machine(Counter::default());
    let error = builder.start().await.expect_err("the list is unreadable");
    assert!(matches!(error, StartError::Storage(_)));
    assert!(error.to_string().contains("SKIPPED, line 1: `everything`, expected"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_node_leads_nowhere_in_status_and_metrics() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let guard = metrics::set_default_local_recorder(&recorder);
    let cluster = counters().await;
    let leader = cluster.leader().await;
    leader.shutdown().await;
    drop(guard);
    let Status { role, leader: known, peers, run, .. } = leader.status();
    assert_eq!((role, known, peers.len()), (RoleName::Follower, None, 0));
    assert_eq!(run.to_string(), "stopped: shut down");

    let gauges: BTreeMap<String, f64> = { snapshotter.snapshot().into_vec().into_iter() }
        .filter_map(|(key, _, _, value)| {
            let labels = key.key().labels().map(|label| label.value().to_owned());
            let name = [vec![key.key().name().to_owned()], labels.collect()].concat().join(" ");
            let DebugValue::Gauge(value) = value else { return None };
            Some((name, value.into_inner()))
        })
        .collect();
    let of = |name: &str, rest: &str| gauges[&format!("{name} {}{rest}", leader.id())];
    assert_eq!(of("raft_is_leader", ""), 0.0);
    for reason in StopReason::NAMES {
        let expected = f64::from(u8::from(reason == "shut-down"));
        assert_eq!(of("raft_stopped", &format!(" {reason}")), expected, "{reason}");
    }
}

#[test]
fn a_node_whose_runtime_has_ended_says_so() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let raft = runtime.block_on(async { counters().await.rafts.remove(0) });
    assert!(matches!(raft.status().run, RunState::Running));
    drop(runtime);
    assert_eq!(raft.status().run.to_string(), "stopped: the tokio runtime has ended");
}

/// Class: a task that its runtime drops before the first poll.
#[test]
fn a_node_whose_runtime_ends_before_its_first_turn_says_so() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let builder = Raft::builder(1)
        .peers([1])
        .storage(raft::storage::MemoryStorage::default())
        .transport(Hub::default().join(PeerId::new(1)))
        .state_machine(Counter::default());
    let raft = runtime.block_on(builder.start()).expect("a valid builder");
    drop(runtime);
    assert_eq!(raft.status().run.to_string(), "stopped: the tokio runtime has ended");
    let error = raft.propose(Add(1));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let error = runtime.block_on(error).expect_err("no peer is there to take it");
    assert!(error.to_string().contains("the tokio runtime has ended"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_removed_peer_knows_it_and_starts_no_elections() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    let removed = cluster.raft(cluster.others(leader)[0]);
    assert_eq!(removed.status().member, MemberState::Voter);
    let change = MembershipChange::Remove { peer: removed.id() };
    leader.change_membership(change).await.expect("one may go");
    let is_removed = |status: &Status| status.member == MemberState::Removed;
    removed.wait(is_removed, TEST_TIMEOUT).await.expect("it is told");
    let term = removed.status().current_term;
    tokio::time::sleep(TEST_TIMEOUT).await;
    assert_eq!(removed.status().current_term, term);
    assert_eq!(leader.status().role, RoleName::Leader, "undisturbed");
}

/// Over TCP, the removed peer's connection goes with the news of its removal.
#[tokio::test]
async fn members_are_added_by_address_and_removed_over_tcp() {
    let addresses: [String; 4] = free_addresses();
    let builder = |id: u64, known: usize| {
        let peers = (1..).zip(addresses.iter().take(known).cloned());
        Raft::builder(id)
            .peers(peers)
            .storage(raft::storage::MemoryStorage::default())
            .listen(&addresses[id as usize - 1])
            .state_machine(Counter::default())
    };
    let mut rafts = Vec::new();
    for id in 1..=3 {
        rafts.push(builder(id, 3).start().await.expect("the address is free"));
    }
    let error = builder(4, 0).join().start().await.expect_err("it could not reply to a leader");
    assert_eq!(error.to_string(), "no addresses of the cluster to join: call `peers`");
    let joining = builder(4, 3).join().start().await.expect("the address is free");
    assert_eq!(joining.status().member, MemberState::Joining);
    let led = rafts[0].wait(|status| status.leader.is_some(), TEST_TIMEOUT).await;
    let leader = led.expect("an election").leader.expect("checked by the condition");
    let leader = &rafts[leader.number() as usize - 1];
    leader.wait(|status| status.role == RoleName::Leader, TEST_TIMEOUT).await.expect("it leads");
    leader.propose(Add(7)).await.expect("it leads");
    let new = joining.id();
    let add =
        MembershipChange::AddLearner { peer: new, address: Some(addresses[3].as_str().into()) };
    leader.change_membership(add).await.expect("it leads");
    let level = |status: &Status| {
        status.peers.iter().any(|peer| peer.id == new && peer.match_index == status.last_log)
    };
    leader.wait(level, TEST_TIMEOUT).await.expect("the new peer is reached at its address");
    leader.change_membership(MembershipChange::Promote { peer: new }).await.expect("it is level");
    assert_eq!(joining.status().member, MemberState::Voter);

    let removed = rafts.iter().find(|raft| raft.id() != leader.id()).expect("three peers");
    let change = MembershipChange::Remove { peer: removed.id() };
    leader.change_membership(change).await.expect("one may go");
    let is_removed = |status: &Status| status.member == MemberState::Removed;
    removed.wait(is_removed, TEST_TIMEOUT).await.expect("it is told before its connection ends");
    for raft in rafts.iter().chain([&joining]) {
        raft.shutdown().await;
    }
}
