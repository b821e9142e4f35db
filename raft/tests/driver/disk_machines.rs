//! State machines that keep their state themselves.

use std::io::Read;
use std::sync::{Arc, Mutex};

use raft::driver::{
    DiskStateMachine, MachineError, OnDisk, RunState, Settings, SnapshotPolicy, SnapshotView,
    Status, StopReason, from_bytes, to_bytes,
};
use raft::storage::Storage as _;
use raft::{EntryId, Index, PeerId, Raft, Term};

use crate::support::{Add, Cluster, ElectionOrder, FirstLeads, TEST_TIMEOUT};

/// A state that outlives its process.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct State {
    applied: (u64, u64),
    numbers: Vec<u64>,
}

/// All numbers that were added, on a disk of its own.
#[derive(Clone, Default)]
struct Ledger {
    disk: Arc<Mutex<State>>,
    /// Every entry that was passed to it, by its process.
    given: Arc<Mutex<Vec<u64>>>,
}

impl Ledger {
    fn state(&self) -> State {
        self.disk.lock().expect("not poisoned").clone()
    }

    fn put(&self, state: State) {
        *self.disk.lock().expect("not poisoned") = state;
        self.given.lock().expect("not poisoned").clear();
    }

    fn given(&self) -> Vec<u64> {
        self.given.lock().expect("not poisoned").clone()
    }
}

impl DiskStateMachine for Ledger {
    type Command = Add;
    type Answer = u64;

    fn applied(&mut self) -> Result<EntryId, MachineError> {
        let (term, index) = self.state().applied;
        Ok(EntryId::new(Term::new(term), Index::new(index)))
    }

    fn apply(&mut self, batch: Vec<(EntryId, Add)>) -> Result<Vec<u64>, MachineError> {
        let mut disk = self.disk.lock().expect("not poisoned");
        let mut given = self.given.lock().expect("not poisoned");
        let mut answers = Vec::new();
        for (id, Add(number)) in batch {
            if number == 666 {
                return Err("the disk is full".into());
            }
            disk.numbers.push(number);
            disk.applied = (id.term.number(), id.index.number());
            given.push(id.index.number());
            answers.push(disk.numbers.iter().sum());
        }
        Ok(answers)
    }

    fn snapshot(&self) -> Result<SnapshotView, MachineError> {
        let state = self.state();
        Ok(SnapshotView::writer(move |sink| Ok(sink.write_all(&to_bytes(&state)?)?)))
    }

    fn restore(&mut self, through: EntryId, stream: &mut dyn Read) -> Result<(), MachineError> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let state: State = from_bytes(&bytes)?;
        let applied = (through.term.number(), through.index.number());
        *self.disk.lock().expect("not poisoned") = State { applied, ..state };
        Ok(())
    }
}

async fn start(cluster: &Cluster<OnDisk<Ledger>>, ledger: &Ledger) -> Raft<OnDisk<Ledger>> {
    let snapshots = SnapshotPolicy { entries: Some(50), ..SnapshotPolicy::NEVER };
    let settings = Settings { snapshots, deadline: TEST_TIMEOUT, ..Settings::default() };
    let builder = cluster.builder(1).state_machine(OnDisk(ledger.clone())).settings(settings);
    let raft = builder.start().await.expect("all parts are there");
    raft.wait(|status| status.leader.is_some(), TEST_TIMEOUT).await.expect("it is alone");
    raft
}

/// A hundred and twenty numbers, added; the snapshot is through one of the first hundred.
async fn written(cluster: &Cluster<OnDisk<Ledger>>, ledger: &Ledger) -> Vec<State> {
    let raft = start(cluster, ledger).await;
    let mut states = vec![ledger.state()];
    for number in 1..=120 {
        raft.propose(Add(number)).await.expect("it leads");
        states.push(ledger.state());
    }
    let made = raft.wait(|status| status.snapshot > Index::new(60), TEST_TIMEOUT).await;
    made.expect("every fifty entries");
    raft.shutdown().await;
    states
}

#[tokio::test]
async fn a_restart_applies_what_the_state_lacks_and_no_more() {
    // The state as after so many numbers: whole, older than the log's end, older than the snapshot, empty.
    for kept in [120, 119, 110, 10, 0] {
        let (cluster, ledger) = (Cluster::empty(1), Ledger::default());
        let states = written(&cluster, &ledger).await;
        ledger.put(states[kept].clone());
        let raft = start(&cluster, &ledger).await;
        let sum = raft.propose(Add(1000)).await.expect("it leads");
        assert_eq!(sum, (1..=120).sum::<u64>() + 1000, "from {kept}");
        let given = ledger.given();
        assert!(given.is_sorted() && !given.is_empty(), "from {kept}: {given:?}");
        if kept > 100 {
            assert_eq!(given.len(), 120 - kept + 1, "from {kept}: {given:?}");
        } else {
            assert!(given.len() <= 70, "from {kept}, by the snapshot: {given:?}");
        }
        let numbers = raft.read(|ledger| ledger.state().numbers).await.expect("it leads");
        assert_eq!(numbers, (1..=120).chain([1000]).collect::<Vec<_>>(), "from {kept}");
    }
}

#[tokio::test]
async fn a_restart_applies_kept_entries_before_the_snapshot_where_they_are_few() {
    let (cluster, ledger) = (Cluster::empty(1), Ledger::default());
    let states = written(&cluster, &ledger).await;
    let stored = cluster.stores[0].clone().load().expect("it is in memory");
    let snapshot = stored.snapshot.expect("every fifty entries").index().number();
    let is_older = |state: &&State| state.applied.1 == snapshot - 2;
    ledger.put(states.iter().find(is_older).expect("one entry each").clone());
    let raft = start(&cluster, &ledger).await;
    let sum = raft.propose(Add(1000)).await.expect("it leads");
    assert_eq!(sum, (1..=120).sum::<u64>() + 1000);
    assert_eq!(ledger.given()[..3], [snapshot - 1, snapshot, snapshot + 1]);
}

/// The store was deleted or put back from a copy, or the state is another peer's.
#[tokio::test]
async fn a_state_that_the_store_does_not_know_is_refused() {
    let (cluster, ledger) = (Cluster::empty(1), Ledger::default());
    let state = written(&cluster, &ledger).await.pop().expect("the last");
    let (term, last) = state.applied;
    let rows = [
        (
            (term, last + 7),
            format!(
                "the state machine contains entry {}@{term}, and the store ends with",
                last + 7
            ),
        ),
        (
            (term + 1, last),
            format!("contains entry {last}@{}, and the store has {last}@{term} there", term + 1),
        ),
    ];
    for (applied, expected) in rows {
        ledger.put(State { applied, ..state.clone() });
        let builder = cluster.builder(1).state_machine(OnDisk(ledger.clone()));
        let error = builder.start().await.expect_err(&expected).to_string();
        assert!(error.contains(&expected), "{error}");
        assert!(error.contains("delete both"), "{error}");
    }
    ledger.put(state);
    let empty = Cluster::<OnDisk<Ledger>>::empty(1);
    let error = empty.builder(1).state_machine(OnDisk(ledger)).start().await;
    let error = error.expect_err("its store is gone").to_string();
    assert!(error.contains("and the store ends with 0@0"), "{error}");
}

#[tokio::test]
async fn a_lagging_state_is_replaced_by_a_stream() {
    let ledgers: Vec<Ledger> = (0..3).map(|_| Ledger::default()).collect();
    let mut cluster = Cluster::empty(3);
    let snapshots = SnapshotPolicy { entries: Some(50), ..SnapshotPolicy::NEVER };
    for (id, ledger) in (1..).zip(&ledgers) {
        let settings = Settings { snapshots, deadline: TEST_TIMEOUT, ..Settings::default() };
        let builder = cluster.builder(id).state_machine(OnDisk(ledger.clone()));
        // A peer that lacks entries gets the snapshot.
        let builder = builder
            .configure(|config| config.trailing_entries_max = 0)
            .election_timeout(ElectionOrder::SHORTEST, ElectionOrder::LONGEST)
            .jitter(FirstLeads(id));
        cluster.rafts.push(builder.settings(settings).start().await.expect("all parts are there"));
    }
    let leader = cluster.leader().await.clone();
    let lagging = cluster.others(&leader)[0];
    cluster.isolate(lagging);
    for number in 1..=200 {
        leader.propose(Add(number)).await.expect("two are a majority");
    }
    let made = leader.wait(|status| status.snapshot >= Index::new(100), TEST_TIMEOUT).await;
    made.expect("every fifty entries");
    cluster.faults.clear();
    let through = leader.status().commit_index;
    let behind = cluster.raft(lagging);
    let caught_up = behind.wait(|status| status.last_applied >= through, TEST_TIMEOUT).await;
    caught_up.expect("by the snapshot");
    let ledger = &ledgers[lagging.number() as usize - 1];
    assert_eq!(ledger.state().numbers, (1..=200).collect::<Vec<_>>());
    assert!(ledger.given().len() < 150, "not entry by entry");
    assert_eq!(ledger.state().applied.1, through.number());
}

#[tokio::test]
async fn a_state_that_cannot_be_written_stops_its_node() {
    let (cluster, ledger) = (Cluster::empty(1), Ledger::default());
    let raft = start(&cluster, &ledger).await;
    raft.propose(Add(1)).await.expect("it leads");
    let error = raft.propose(Add(666)).await.expect_err("it fails").to_string();
    assert!(error.contains("unknown"), "{error}");
    let stopped = |status: &Status| matches!(status.run, RunState::Stopped(_));
    let ended = raft.wait(stopped, TEST_TIMEOUT).await.expect("it ends");
    let RunState::Stopped(StopReason::StateMachine(failure)) = ended.run else {
        panic!("{:?}", ended.run)
    };
    let text = failure.to_string();
    assert!(text.starts_with("the state machine failed applying entries"), "{text}");
    assert!(text.ends_with("the disk is full"), "{text}");
    assert_eq!(raft.id(), PeerId::new(1));
}
