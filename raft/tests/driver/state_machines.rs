//! Slow, stuck and failing state machines, and their snapshots.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use raft::driver::{
    ApplyOn, MachineError, Outcome, RunState, Settings, SnapshotPolicy, StopReason, UnknownReason,
    WriteError, from_bytes, to_bytes,
};
use raft::{Index, Raft, RoleName, StateMachine};

use crate::support::{Add, Cluster, Counter, TEST_TIMEOUT};

/// A gate that blocks a state machine.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn close(&self) {
        *self.0.0.lock().expect("not poisoned") = true;
    }

    pub(crate) fn open(&self) {
        *self.0.0.lock().expect("not poisoned") = false;
        self.0.1.notify_all();
    }

    pub(crate) fn wait_open(&self) {
        let closed = self.0.0.lock().expect("not poisoned");
        drop(self.0.1.wait_while(closed, |closed| *closed).expect("not poisoned"));
    }
}

/// A counter behind a gate.
#[derive(Default)]
struct GatedCounter {
    counter: Counter,
    gate: Gate,
}

impl StateMachine for GatedCounter {
    type Command = Add;
    type Answer = u64;

    fn apply(&mut self, command: Add) -> u64 {
        self.gate.wait_open();
        assert_ne!(command.0, 666, "the command is invalid");
        self.counter.apply(command)
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        if self.counter.value == 13 {
            return Err("an unlucky number".into());
        }
        to_bytes(&self.counter.value)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        self.counter.value = from_bytes(snapshot)?;
        Ok(())
    }
}

/// Three counters behind one gate.
async fn gated_counters(settings: Settings) -> (Cluster<GatedCounter>, Gate) {
    let gate = Gate::default();
    let cluster = Cluster::start(3, |builder| {
        let machine = GatedCounter { gate: gate.clone(), ..GatedCounter::default() };
        builder
            .state_machine(machine)
            .settings(settings.clone())
            .configure(|config| config.trailing_entries_max = 0)
    })
    .await;
    (cluster, gate)
}

/// The state machines block on a thread, while the test's clock advances through many heartbeats
/// and election timeouts.
#[tokio::test(start_paused = true)]
async fn a_hanging_state_machine_neither_ends_leadership_nor_blocks_callers() {
    let settings = Settings { apply_on: ApplyOn::Thread, ..Settings::default() };
    let (cluster, gate) = gated_counters(settings).await;
    let leader = cluster.leader().await;
    assert_eq!(leader.propose(Add(1)).await.expect("it leads"), 1);
    let term = leader.status().current_term;
    gate.close();
    let call = leader.propose_within(Add(2), Duration::from_secs(30));
    let last_log = leader.wait(|s| s.commit_index > s.last_applied, TEST_TIMEOUT).await;
    let committed = last_log.expect("the leader commits").commit_index;
    // The paused clock does not advance while a thread works, so the test advances it.
    for _ in 0..400 {
        tokio::time::advance(Duration::from_millis(100)).await;
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    let status = leader.status();
    assert_eq!((status.role, status.current_term), (RoleName::Leader, term), "for 40 s");
    let error = call.await.expect_err("the deadline has passed");
    let late =
        matches!(error, WriteError::OutcomeUnknown { reason: UnknownReason::DeadlineExceeded, .. });
    assert!(late, "{error}");
    gate.open();
    let caught_up = leader.wait(|status| status.last_applied >= committed, TEST_TIMEOUT).await;
    caught_up.expect("it was only late");
    assert_eq!(leader.propose(Add(4)).await.expect("it leads"), 7);
}

/// Remembers the order of commands.
#[derive(Default)]
struct Recorder {
    seen: Vec<u64>,
    gate: Gate,
}

impl StateMachine for Recorder {
    type Command = Add;
    type Answer = usize;

    fn apply(&mut self, Add(number): Add) -> usize {
        self.gate.wait_open();
        self.seen.push(number);
        self.seen.len()
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        to_bytes(&self.seen)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        self.seen = from_bytes(snapshot)?;
        Ok(())
    }
}

/// A slow state machine works on one entry at a time, and further jobs queue up behind the rest of
/// its batch: entries, and reads that must not see later ones.
#[tokio::test]
async fn a_slow_state_machine_gets_entries_and_reads_in_the_order_of_the_log() {
    const BATCHES: u64 = 5;
    const BATCH: u64 = 200;
    let gate = Gate::default();
    let settings =
        Settings { apply_on: ApplyOn::Thread, deadline: TEST_TIMEOUT, ..Settings::default() };
    let cluster = Cluster::start(1, |builder| {
        let machine = Recorder { gate: gate.clone(), ..Recorder::default() };
        builder.state_machine(machine).settings(settings.clone())
    })
    .await;
    let leader = cluster.leader().await.clone();
    gate.close();
    let (mut calls, mut reads) = (Vec::new(), Vec::new());
    for batch in 0..BATCHES {
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        calls.extend(numbers.map(|number| leader.propose(Add(number))));
        let all = leader.status().last_log.number();
        let committed = |status: &raft::driver::Status| {
            status.commit_index == status.last_log && status.last_log.number() >= all + BATCH
        };
        leader.wait(committed, TEST_TIMEOUT).await.expect("it is alone");
        let reader = leader.clone();
        reads.push(tokio::spawn(async move { reader.read(|machine| machine.seen.clone()).await }));
        tokio::task::yield_now().await;
    }
    gate.open();
    for (position, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.expect("it leads"), position + 1);
    }
    for (batch, read) in (1..).zip(reads) {
        let seen = read.await.expect("it does not panic").expect("it leads");
        assert!(seen.len() as u64 >= batch * BATCH, "read {batch} saw {} entries", seen.len());
        assert_eq!(seen, (0..seen.len() as u64).collect::<Vec<_>>(), "the order of the log");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panicking_state_machine_stops_its_node_with_a_reason() {
    let (cluster, _door) = gated_counters(Settings::default()).await;
    let leader = cluster.leader().await;
    let error = leader.propose(Add(666)).await.expect_err("it panics");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    let ended =
        leader.wait(|status| matches!(status.run, RunState::Stopped(_)), TEST_TIMEOUT).await;
    let RunState::Stopped(reason) = ended.expect("it ends").run else { panic!("it runs") };
    let StopReason::StateMachine(failure) = reason else { panic!("{reason}") };
    assert!(failure.to_string().contains("the command is invalid"), "{failure}");
    let error = leader.propose(Add(1)).await.expect_err("it has ended");
    assert_eq!(error.outcome(), Outcome::Never);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_compacts_the_log_and_catches_up_a_lagging_peer() {
    let snapshots = SnapshotPolicy { entries: Some(50), ..SnapshotPolicy::NEVER };
    let settings = Settings { snapshots, ..Settings::default() };
    let (mut cluster, _door) = gated_counters(settings.clone()).await;
    let leader = cluster.leader().await.clone();
    let lagging = cluster.others(&leader)[0];
    cluster.isolate(lagging);
    for value in 1..=200 {
        assert_eq!(leader.propose(Add(1)).await.expect("two are a majority"), value);
    }
    let compacted = leader.wait(|status| status.snapshot >= Index::new(150), TEST_TIMEOUT).await;
    compacted.expect("every 50 entries there is a snapshot");
    cluster.faults.clear();
    let through = leader.status().commit_index;
    let caught_up = cluster.raft(lagging).wait(|s| s.last_applied >= through, TEST_TIMEOUT).await;
    assert!(caught_up.expect("by the snapshot").snapshot >= Index::new(150));

    // It starts again from the snapshot that it was sent.
    let id = lagging.number();
    cluster.raft(lagging).kill().await;
    let machine = GatedCounter::default();
    let again = cluster.builder(id).state_machine(machine).settings(settings).start().await;
    let again = again.expect("its store is whole");
    assert!(again.status().last_applied >= Index::new(150), "before any message");
    again.wait(|status| status.last_applied >= through, TEST_TIMEOUT).await.expect("it catches up");
    let value = again.read(|machine: &GatedCounter| machine.counter.value).await;
    assert_eq!(value.expect("the leader is there"), 200);
    cluster.rafts[id as usize - 1] = again;
}

#[tokio::test(start_paused = true)]
async fn a_failed_snapshot_is_retried() {
    let snapshots = SnapshotPolicy { bytes: Some(13), ..SnapshotPolicy::NEVER };
    let settings = Settings { snapshots, ..Settings::default() };
    let (cluster, _door) = gated_counters(settings).await;
    let leader = cluster.leader().await;
    for _ in 0..13 {
        leader.propose(Add(1)).await.expect("it leads");
    }
    assert_eq!(leader.status().snapshot, Index::ZERO, "13 bytes, and the state is 13");
    for _ in 0..13 {
        leader.propose(Add(1)).await.expect("it leads");
    }
    let made = leader.wait(|status| status.snapshot > Index::ZERO, TEST_TIMEOUT).await;
    made.expect("13 bytes later it is asked again");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_over_the_limit_is_discarded_where_it_is_made() {
    let snapshots = SnapshotPolicy { entries: Some(5), ..SnapshotPolicy::NEVER };
    let settings = Settings { snapshots, ..Settings::default() };
    for (limit, compacted) in [(1, false), (2, true)] {
        let cluster = Cluster::start(1, |builder| {
            builder
                .state_machine(Counter::default())
                .settings(settings.clone())
                .configure(|config| config.snapshot_bytes_max = limit)
        })
        .await;
        let leader = cluster.leader().await;
        for value in 1..=20 {
            let value = value * 1000; // two bytes, encoded
            assert_eq!(leader.propose(Add(1000)).await.expect("it leads"), value);
        }
        assert_eq!(leader.status().snapshot > Index::ZERO, compacted, "limit {limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_over_the_limit_is_refused_with_the_limit() {
    /// Takes any bytes.
    #[derive(Default)]
    struct Sink;

    impl StateMachine for Sink {
        type Command = Vec<u8>;
        type Answer = usize;

        fn apply(&mut self, command: Vec<u8>) -> usize {
            command.len()
        }

        fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
            Ok(Vec::new())
        }

        fn restore(&mut self, _: &[u8]) -> Result<(), MachineError> {
            Ok(())
        }
    }

    let cluster = Cluster::start(3, |builder| builder.state_machine(Sink)).await;
    let leader: &Raft<Sink> = cluster.leader().await;
    let limit = Settings::default().command_bytes_max;
    let error = leader.propose(vec![0; limit]).await.expect_err("its length is encoded, too");
    let expected = format!("the command has {} bytes, `command_bytes_max` is {limit}", limit + 4);
    assert_eq!((error.to_string(), error.outcome()), (expected, Outcome::Never));
    assert_eq!(limit, 8 << 20);
    let largest = leader.propose(vec![0; limit - 4]).await;
    assert_eq!(largest.expect("what is accepted works"), limit - 4);
}

#[tokio::test(start_paused = true)]
async fn an_invalid_snapshot_is_a_start_error() {
    /// A counter that knows no snapshot of its own.
    struct Forgetful;

    impl StateMachine for Forgetful {
        type Command = Add;
        type Answer = ();

        fn apply(&mut self, _: Add) {}

        fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
            Ok(Vec::new())
        }

        fn restore(&mut self, _: &[u8]) -> Result<(), MachineError> {
            Err("never seen it".into())
        }
    }

    let snapshots = SnapshotPolicy { entries: Some(5), ..SnapshotPolicy::NEVER };
    let settings = Settings { snapshots, ..Settings::default() };
    let cluster =
        Cluster::start(1, |b| b.state_machine(Forgetful).settings(settings.clone())).await;
    let raft: &Raft<Forgetful> = cluster.leader().await;
    for _ in 0..10 {
        raft.propose(Add(1)).await.expect("it leads");
    }
    raft.wait(|status| status.snapshot > Index::ZERO, TEST_TIMEOUT).await.expect("every 5 entries");
    raft.kill().await;
    let error = cluster.builder(1).state_machine(Forgetful).start().await;
    let error = error.expect_err("the state is lost").to_string();
    assert!(error.ends_with(": never seen it"), "{error}");
    assert!(error.starts_with("the state machine failed restoring the snapshot"), "{error}");
}
