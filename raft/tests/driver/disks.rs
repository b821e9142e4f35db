//! Slow, stuck and failing disks.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use raft::driver::{
    Clock, DiskState, Outcome, RunState, Settings, Sleep, StopReason, TokioClock, UnknownReason,
    WriteError,
};
use raft::message::AppendEntries;
use raft::storage::{MemoryStorage, Storage, StorageError, WriteProgress, WriteSpeed};
use raft::transport::Transport as _;
use raft::transport::memory::Hub;
use raft::{
    Entry, EntryId, Envelope, Index, Instant, LogSlice, Message, MessageId, Payload, PeerId,
    PersistentState, Raft, RoleName, Round, Term, Write,
};
use tokio::sync::watch;

use crate::support::{Add, Cluster, Counter, TEST_TIMEOUT};

/// Behaviour of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Healthy,
    /// Writes wait until the behaviour changes.
    Stuck,
    /// Writes wait until the behaviour changes, and show progress meanwhile.
    Crawling,
    /// Every write fails.
    Broken,
    /// The next write fails, and later ones would not.
    BrokenOnce,
    /// The driver has given the store back.
    Released,
    Panicking,
}

const NOT_POISONED: &str = "not poisoned";

/// Controls a disk from a test.
#[derive(Clone)]
struct DiskControl(Arc<ControlState>);

struct ControlState {
    behaviour: Mutex<Behaviour>,
    changed: Condvar,
    /// True while a write has begun and is blocked.
    held: watch::Sender<bool>,
}

impl DiskControl {
    fn new() -> Self {
        let (behaviour, changed) = (Mutex::new(Behaviour::Healthy), Condvar::new());
        Self(Arc::new(ControlState { behaviour, changed, held: watch::Sender::new(false) }))
    }

    fn set(&self, behaviour: Behaviour) {
        *self.0.behaviour.lock().expect(NOT_POISONED) = behaviour;
        self.0.changed.notify_all();
    }

    /// Waits until a write has begun and is held.
    async fn held(&self) {
        let mut held = self.0.held.subscribe();
        held.wait_for(|held| *held).await.expect("the sender is in the control");
    }

    /// Waits for one step of a crawling disk; false once it does not crawl any more.
    fn is_crawling(&self) -> bool {
        let behaviour = self.0.behaviour.lock().expect(NOT_POISONED);
        let step = Duration::from_millis(5);
        let crawling = |behaviour: &mut Behaviour| *behaviour == Behaviour::Crawling;
        let wait = self.0.changed.wait_timeout_while(behaviour, step, crawling);
        wait.expect(NOT_POISONED).1.timed_out()
    }

    /// Blocks the whole runtime until the store is given back.
    fn wait_released(&self) {
        let behaviour = self.0.behaviour.lock().expect(NOT_POISONED);
        let used = |behaviour: &mut Behaviour| *behaviour != Behaviour::Released;
        let wait = self.0.changed.wait_timeout_while(behaviour, TEST_TIMEOUT, used);
        assert!(!wait.expect(NOT_POISONED).1.timed_out(), "the disk thread goes on");
    }

    /// Waits while the disk is stuck; returns the behaviour of the write.
    fn next_behaviour(&self) -> Behaviour {
        let ControlState { behaviour, changed, held } = &*self.0;
        let stuck = |behaviour: &mut Behaviour| {
            held.send_replace(*behaviour == Behaviour::Stuck);
            *behaviour == Behaviour::Stuck
        };
        *changed.wait_while(behaviour.lock().expect(NOT_POISONED), stuck).expect(NOT_POISONED)
    }
}

/// A store in memory that takes time and fails like a disk.
struct Disk {
    memory: MemoryStorage,
    control: DiskControl,
    progress: WriteProgress,
    flushes: Arc<Mutex<Vec<usize>>>,
}

impl Disk {
    fn new(memory: MemoryStorage, control: DiskControl) -> Self {
        Self { memory, control, progress: WriteProgress::default(), flushes: Arc::default() }
    }
}

impl Storage for Disk {
    fn report_progress_to(&mut self, progress: WriteProgress) {
        self.progress = progress;
    }

    fn load(&mut self) -> Result<PersistentState, StorageError> {
        self.memory.load()
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        match self.control.next_behaviour() {
            Behaviour::Healthy | Behaviour::Stuck | Behaviour::Released => {}
            Behaviour::Crawling => {
                while self.control.is_crawling() {
                    self.progress.advance();
                }
            }
            Behaviour::BrokenOnce => {
                self.control.set(Behaviour::Healthy);
                return Err(StorageError::Other("I/O error".into()));
            }
            Behaviour::Broken => return Err(StorageError::Other("I/O error".into())),
            Behaviour::Panicking => panic!("no such sector"),
        }
        self.flushes.lock().expect(NOT_POISONED).push(writes.len());
        self.memory.write(writes)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.control.set(Behaviour::Released);
    }
}

/// Three counters on disks, with a control each.
async fn counters_on_disks(settings: Settings) -> (Cluster<Counter>, Vec<DiskControl>) {
    let controls: Vec<_> = (0..3).map(|_| DiskControl::new()).collect();
    let store = |id, store| Disk::new(store, controls[id as usize - 1].clone());
    let cluster = Cluster::start_with(3, settings, store).await;
    (cluster, controls)
}

/// Settings with a disk timeout of a second.
fn short_disk_timeout() -> Settings {
    let disk_timeout = Some(Duration::from_secs(1));
    let outcome_timeout = Some(Duration::from_millis(100));
    Settings { disk_timeout, outcome_timeout, ..Settings::default() }
}

/// Settings with a disk timeout beyond all tests.
fn no_disk_timeout() -> Settings {
    let (disk_timeout, shutdown_timeout) = (Some(TEST_TIMEOUT * 1000), Duration::from_millis(200));
    Settings { disk_timeout, shutdown_timeout, deadline: TEST_TIMEOUT, ..Settings::default() }
}

fn control_of<'a>(controls: &'a [DiskControl], raft: &Raft<Counter>) -> &'a DiskControl {
    &controls[raft.id().number() as usize - 1]
}

fn numbers(cluster: &Cluster<Counter>, without: &Raft<Counter>) -> Vec<u64> {
    cluster.others(without).iter().map(|id| id.number()).collect()
}

#[tokio::test]
async fn commands_commit_on_slow_disks() {
    let (cluster, _switches) = counters_on_disks(no_disk_timeout()).await;
    let leader = cluster.leader().await;
    let calls: Vec<_> = (0..500).map(|_| leader.propose(Add(1))).collect();
    for (position, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.expect("it leads"), position as u64 + 1);
    }
}

#[tokio::test]
async fn writes_during_a_flush_share_the_next_flush() {
    let control = DiskControl::new();
    let flushes = Arc::new(Mutex::new(Vec::new()));
    let cluster = Cluster::start_with(1, no_disk_timeout(), |_, store| {
        let mut disk = Disk::new(store, control.clone());
        disk.flushes = Arc::clone(&flushes);
        disk
    })
    .await;
    let raft = cluster.leader().await;
    raft.propose(Add(1)).await.expect("it leads");
    control.set(Behaviour::Stuck);
    flushes.lock().expect(NOT_POISONED).clear();
    let mut calls = Vec::new();
    for expected in 1..=20 {
        // Each in a write of its own: the node takes it before the next one comes.
        let last_log = raft.status().last_log;
        calls.push(raft.propose(Add(1)));
        let taken = raft.wait(|status| status.last_log > last_log, TEST_TIMEOUT).await;
        assert_eq!(taken.expect("it leads").last_log, last_log.next(), "call {expected}");
    }
    control.set(Behaviour::Healthy);
    for call in calls {
        call.await.expect("the disk came back before it was given up");
    }
    let flushes = flushes.lock().expect(NOT_POISONED);
    assert_eq!(flushes.iter().sum::<usize>(), 20, "{flushes:?}");
    assert!(flushes.len() <= 2, "the first write, then all others at once: {flushes:?}");
}

#[tokio::test]
async fn a_leader_with_a_stuck_disk_steps_down_and_returns() {
    let (cluster, controls) = counters_on_disks(short_disk_timeout()).await;
    let old = cluster.leader().await;
    assert_eq!(old.propose(Add(1)).await.expect("it leads"), 1);
    cluster.wait_until_level(old).await;
    let control = control_of(&controls, old);
    control.set(Behaviour::Stuck);
    let call = old.propose_within(Add(10), TEST_TIMEOUT);
    let stuck = |status: &raft::driver::Status| status.disk != DiskState::Healthy;
    let status = old.wait(stuck, TEST_TIMEOUT).await.expect("the disk does not answer");
    assert_eq!(status.role, RoleName::Follower, "it has stepped down");
    let error = old.propose(Add(100)).await.expect_err("the disk is stuck");
    assert!(matches!(error, WriteError::DiskStuck(_)), "{error}");

    let new = cluster.leader_among(&numbers(&cluster, old)).await;
    let value = new.propose(Add(20)).await.expect("it leads a majority");
    let outcome = call.await;
    match (value, &outcome) {
        // The other two had it before their leader gave up, or not.
        (31, Err(error)) => assert_eq!(error.outcome(), Outcome::Unknown, "{error}"),
        (21, Err(_)) => {}
        _ => panic!("{value} {outcome:?}"),
    }
    control.set(Behaviour::Healthy);
    let back = old.wait(|status| status.disk == DiskState::Healthy, TEST_TIMEOUT).await;
    back.expect("the disk answers again");
    let commit_index = new.status().commit_index;
    let caught_up = old.wait(|status| status.last_applied >= commit_index, TEST_TIMEOUT).await;
    caught_up.expect("it takes part again");
    assert_eq!(new.status().role, RoleName::Leader, "no election was caused");
}

#[tokio::test]
async fn a_disk_that_makes_progress_is_slow_not_stuck() {
    let disk_timeout = Duration::from_millis(200);
    let settings = Settings { disk_timeout: Some(disk_timeout), ..no_disk_timeout() };
    let control = DiskControl::new();
    let cluster =
        Cluster::start_with(1, settings, |_, store| Disk::new(store, control.clone())).await;
    let raft = cluster.leader().await;
    raft.propose(Add(1)).await.expect("it leads");
    control.set(Behaviour::Crawling);
    let call = raft.propose(Add(1));
    let stuck = raft.wait(|status| status.disk != DiskState::Healthy, disk_timeout * 5).await;
    assert!(stuck.is_err(), "{stuck:?}");
    control.set(Behaviour::Healthy);
    assert_eq!(call.await.expect("it still leads"), 2);

    control.set(Behaviour::Stuck);
    let call = raft.propose(Add(1));
    let stuck = raft.wait(|status| status.disk != DiskState::Healthy, TEST_TIMEOUT).await;
    stuck.expect("no progress any more");
    control.set(Behaviour::Healthy);
    // It may lead again, alone as it is, and commit the command.
    drop(call);
}

/// A clock that jumps, as after a pause of the whole process.
#[derive(Clone, Default)]
struct JumpingClock(Arc<Mutex<Duration>>);

impl JumpingClock {
    fn ahead(&self) -> Duration {
        *self.0.lock().expect(NOT_POISONED)
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Instant {
        TokioClock.now().after(self.ahead())
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let since = deadline.since(Instant::START).saturating_sub(self.ahead());
        TokioClock.sleep_until(Instant::START.after(since))
    }
}

#[tokio::test]
async fn a_pause_of_the_process_is_not_blamed_on_the_disk() {
    let (control, clock) = (DiskControl::new(), JumpingClock::default());
    let disk_timeout = Some(Duration::from_secs(20));
    let store = Disk::new(MemoryStorage::default(), control.clone());
    let raft = Raft::builder(1)
        .peers([1])
        .storage(store)
        .transport(Hub::default().join(PeerId::new(1)))
        .state_machine(Counter::default())
        .settings(Settings { disk_timeout, ..no_disk_timeout() })
        .clock(clock.clone())
        .start()
        .await
        .expect("all parts are there");
    raft.wait(|status| status.role == RoleName::Leader, TEST_TIMEOUT).await.expect("it is alone");
    raft.propose(Add(1)).await.expect("it leads");
    control.set(Behaviour::Stuck);
    let held = raft.propose_within(Add(1), TEST_TIMEOUT * 1000);
    control.held().await;
    *clock.0.lock().expect(NOT_POISONED) += Duration::from_secs(60);
    let last_log = raft.status().last_log;
    let after = raft.propose_within(Add(1), TEST_TIMEOUT * 1000);
    let taken = raft.wait(|status| status.last_log > last_log, TEST_TIMEOUT).await;
    assert_eq!(taken.expect("it leads").disk, DiskState::Healthy, "right after SIGCONT");
    control.set(Behaviour::Healthy);
    assert_eq!(held.await.expect("it still leads"), 2);
    assert_eq!(after.await.expect("it still leads"), 3);
}

#[tokio::test]
async fn a_failed_disk_stops_its_node_with_a_reason_and_the_others_continue() {
    for (behaviour, expected) in [
        (Behaviour::Broken, "the node has stopped: the store failed: I/O error"),
        (Behaviour::Panicking, "the node has stopped: the store failed: panicked: no such sector"),
    ] {
        let (cluster, controls) = counters_on_disks(no_disk_timeout()).await;
        let old = cluster.leader().await;
        cluster.wait_until_level(old).await;
        control_of(&controls, old).set(behaviour);
        let error = old.propose(Add(1)).await.expect_err("it cannot be stored");
        let unknown = matches!(
            error,
            WriteError::OutcomeUnknown {
                reason: UnknownReason::Stopped(StopReason::Storage(_)),
                ..
            }
        );
        assert!(unknown, "{error}");
        let ended =
            old.wait(|status| matches!(status.run, RunState::Stopped(_)), TEST_TIMEOUT).await;
        let RunState::Stopped(reason) = ended.expect("it ends").run else { panic!("it runs") };
        assert!(matches!(reason, StopReason::Storage(_)), "{reason}");
        let error = old.propose(Add(1)).await.expect_err("it has ended");
        assert_eq!((error.to_string().as_str(), error.outcome()), (expected, Outcome::Never));

        let new = cluster.leader_among(&numbers(&cluster, old)).await;
        new.propose(Add(1)).await.expect("two are a majority");
    }
}

/// A second flush may succeed without the bytes that the first one lost.
#[tokio::test]
async fn nothing_is_written_after_a_failed_flush() {
    let control = DiskControl::new();
    let cluster =
        Cluster::start_with(1, no_disk_timeout(), |_, store| Disk::new(store, control.clone()))
            .await;
    let raft = cluster.leader().await;
    raft.propose(Add(1)).await.expect("it leads");
    let commands = || {
        let stored = cluster.stores[0].clone().load().expect("it is in memory");
        stored.entries.iter().filter(|entry| !entry.payload.bytes().is_empty()).count()
    };
    assert_eq!(commands(), 1);
    control.set(Behaviour::Stuck);
    let mut calls = Vec::new();
    for _ in 0..3 {
        let last_log = raft.status().last_log;
        calls.push(raft.propose(Add(1)));
        raft.wait(|status| status.last_log > last_log, TEST_TIMEOUT).await.expect("it leads");
        // The first one is on its way to the disk, and the others are behind it.
        control.held().await;
    }
    control.set(Behaviour::BrokenOnce);
    // No other task learns of the failure before the disk thread is done.
    control.wait_released();
    assert_eq!(commands(), 1, "what was queued is not written");
    for call in calls {
        let error = call.await.expect_err("the store has failed");
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    }
}

/// A store that is called in place, whose next write fails on request.
struct Inline {
    memory: MemoryStorage,
    fails: Arc<Mutex<bool>>,
}

impl Storage for Inline {
    fn load(&mut self) -> Result<PersistentState, StorageError> {
        self.memory.load()
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        if std::mem::take(&mut *self.fails.lock().expect(NOT_POISONED)) {
            return Err(StorageError::Other("I/O error".into()));
        }
        self.memory.write(writes)
    }

    fn write_speed(&self) -> WriteSpeed {
        WriteSpeed::Immediate
    }
}

#[tokio::test]
async fn nothing_is_written_after_a_failed_write_in_place() {
    let (memory, fails) = (MemoryStorage::default(), Arc::new(Mutex::new(true)));
    let (hub, [one, two]) = (Hub::default(), [1, 2].map(PeerId::new));
    let raft = Raft::builder(one)
        .peers([one, two])
        .storage(Inline { memory: memory.clone(), fails })
        .transport(hub.join(one))
        .state_machine(Counter::default())
        .election_timeout(TEST_TIMEOUT, TEST_TIMEOUT * 2)
        .start()
        .await
        .expect("all parts are there");
    // Its term is a write, and its entry is another one.
    let term = Term::new(5);
    let entry = Entry { id: EntryId::new(term, Index::new(1)), payload: Payload::NoOp };
    let slice = LogSlice::new(EntryId::ZERO, vec![entry]).expect("it is the first one");
    let append = AppendEntries { slice, leader_commit: Index::ZERO, round: Round::ZERO };
    let (id, message) = (MessageId::new(1), Message::AppendEntries(append));
    hub.join(two).send(Envelope { id, from: two, to: one, term, store: None, message });
    let ended = raft.wait(|status| matches!(status.run, RunState::Stopped(_)), TEST_TIMEOUT).await;
    ended.expect("the store has failed");
    assert_eq!(memory.clone().load().expect("it is in memory"), PersistentState::default());
}

#[tokio::test]
async fn a_peer_with_a_stuck_disk_hears_nothing() {
    let (cluster, controls) = counters_on_disks(short_disk_timeout()).await;
    let leader = cluster.leader().await;
    leader.propose(Add(1)).await.expect("it leads");
    cluster.wait_until_level(leader).await;
    let [stuck, other] = cluster.others(leader)[..] else { panic!("three peers") };
    let (stuck, other) = (cluster.raft(stuck), cluster.raft(other));
    control_of(&controls, stuck).set(Behaviour::Stuck);
    leader.propose(Add(1)).await.expect("two are a majority");
    let is_stuck = |status: &raft::driver::Status| status.disk != DiskState::Healthy;
    let before = stuck.wait(is_stuck, TEST_TIMEOUT).await.expect("a write is owed");
    leader.transfer_leadership(other.id()).await.expect("it has everything");
    for value in 3..=5 {
        assert_eq!(other.propose(Add(1)).await.expect("two are a majority"), value);
    }
    let after = stuck.status();
    assert_eq!(
        (after.current_term, after.last_log, after.commit_index),
        (before.current_term, before.last_log, before.commit_index),
        "messages of the new leader are dropped, so that no promises pile up"
    );
    assert!(other.status().current_term > before.current_term);
    control_of(&controls, stuck).set(Behaviour::Healthy);
    let through = other.status().commit_index;
    let caught_up = stuck.wait(|status| status.last_applied >= through, TEST_TIMEOUT).await;
    caught_up.expect("it takes part again");
}

#[tokio::test]
async fn a_stuck_disk_delays_a_shutdown_by_the_shutdown_timeout_at_most() {
    let control = DiskControl::new();
    let cluster =
        Cluster::start_with(1, no_disk_timeout(), |_, store| Disk::new(store, control.clone()))
            .await;
    let raft = cluster.leader().await;
    control.set(Behaviour::Stuck);
    let call = raft.propose(Add(1));
    tokio::time::timeout(TEST_TIMEOUT, raft.shutdown()).await.expect("the wait is limited");
    let error = call.await.expect_err("the node has ended");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    control.set(Behaviour::Healthy);
}

#[tokio::test]
async fn a_shutdown_writes_the_queue_and_a_kill_does_not() {
    for (killed, expected) in [(false, 2), (true, 1)] {
        let control = DiskControl::new();
        let settings = Settings { shutdown_timeout: TEST_TIMEOUT, ..no_disk_timeout() };
        let cluster =
            Cluster::start_with(1, settings, |_, store| Disk::new(store, control.clone())).await;
        let raft = cluster.leader().await;
        control.set(Behaviour::Stuck);
        let mut calls = Vec::new();
        for _ in 0..2 {
            let last_log = raft.status().last_log;
            calls.push(raft.propose(Add(1)));
            raft.wait(|status| status.last_log > last_log, TEST_TIMEOUT).await.expect("it leads");
            // The first one is on its way to the disk, and the second one is behind it.
            control.held().await;
        }
        let end = async { if killed { raft.kill().await } else { raft.shutdown().await } };
        let release = async {
            let ended = calls.pop().expect("two calls").await;
            ended.expect_err("the node ends");
            control.set(Behaviour::Healthy);
        };
        tokio::join!(end, release);
        let stored = cluster.stores[0].clone().load().expect("it is in memory");
        let commands = stored.entries.iter().filter(|e| !e.payload.bytes().is_empty()).count();
        assert_eq!(commands, expected, "killed: {killed}");
    }
}
