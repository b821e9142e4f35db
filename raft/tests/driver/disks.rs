//! Disks that are slow, stuck or broken.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use raft::driver::{DiskState, Outcome, RunState, Settings, StopReason, Unknown, WriteError};
use raft::storage::{MemoryStorage, Storage, StorageError};
use raft::{PersistentState, Raft, RoleName, Write};
use tokio::sync::watch;

use crate::support::{Add, Cluster, Counter, FOREVER};

/// What the disks of a test do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Well,
    /// Writes wait until the mood changes.
    Stuck,
    /// Every write fails.
    Broken,
    Panicking,
}

const SOUND: &str = "nobody panics while the lock is held";

/// What a test does to a disk, and sees of it.
#[derive(Clone)]
struct Switch(Arc<Control>);

struct Control {
    mood: Mutex<Mood>,
    changed: Condvar,
    /// Whether a write has begun and waits for a better mood.
    held: watch::Sender<bool>,
}

impl Switch {
    fn new() -> Self {
        let (mood, changed) = (Mutex::new(Mood::Well), Condvar::new());
        Self(Arc::new(Control { mood, changed, held: watch::Sender::new(false) }))
    }

    fn set(&self, mood: Mood) {
        *self.0.mood.lock().expect(SOUND) = mood;
        self.0.changed.notify_all();
    }

    /// Waits until a write has begun and is held.
    async fn held(&self) {
        let mut held = self.0.held.subscribe();
        held.wait_for(|held| *held).await.expect("the sender is in the switch");
    }

    /// What a write is to do.
    fn pass(&self) -> Mood {
        let Control { mood, changed, held } = &*self.0;
        let stuck = |mood: &mut Mood| {
            held.send_replace(*mood == Mood::Stuck);
            *mood == Mood::Stuck
        };
        *changed.wait_while(mood.lock().expect(SOUND), stuck).expect(SOUND)
    }
}

/// A store in memory with the manners of a disk: it takes time, and more than that.
struct Disk {
    memory: MemoryStorage,
    switch: Switch,
    flushes: Arc<Mutex<Vec<usize>>>,
}

impl Disk {
    fn new(memory: MemoryStorage, switch: Switch) -> Self {
        Self { memory, switch, flushes: Arc::default() }
    }
}

impl Storage for Disk {
    fn load(&mut self) -> Result<PersistentState, StorageError> {
        self.memory.load()
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        match self.switch.pass() {
            Mood::Well | Mood::Stuck => {}
            Mood::Broken => return Err(StorageError::Other("the disk is on fire".into())),
            Mood::Panicking => panic!("no such sector"),
        }
        self.flushes.lock().expect(SOUND).push(writes.len());
        self.memory.write(writes)
    }
}

/// Three counters on disks, one switch each.
async fn counters_on_disks(settings: Settings) -> (Cluster<Counter>, Vec<Switch>) {
    let switches: Vec<_> = (0..3).map(|_| Switch::new()).collect();
    let store = |id, store| Disk::new(store, switches[id as usize - 1].clone());
    let cluster = Cluster::start_with(3, settings, store).await;
    (cluster, switches)
}

/// A disk is given up after a second.
fn hasty() -> Settings {
    let disk_timeout = Some(Duration::from_secs(1));
    let outcome_timeout = Some(Duration::from_millis(100));
    Settings { disk_timeout, outcome_timeout, ..Settings::default() }
}

/// No disk is given up.
fn patient() -> Settings {
    let (disk_timeout, shutdown_timeout) = (Some(FOREVER * 1000), Duration::from_millis(200));
    Settings { disk_timeout, shutdown_timeout, deadline: FOREVER, ..Settings::default() }
}

fn switch_of<'a>(switches: &'a [Switch], raft: &Raft<Counter>) -> &'a Switch {
    &switches[raft.id().number() as usize - 1]
}

fn numbers(cluster: &Cluster<Counter>, without: &Raft<Counter>) -> Vec<u64> {
    cluster.others(without).iter().map(|id| id.number()).collect()
}

#[tokio::test]
async fn commands_survive_on_disks_that_take_their_time() {
    let (cluster, _switches) = counters_on_disks(patient()).await;
    let leader = cluster.leader().await;
    let calls: Vec<_> = (0..500).map(|_| leader.propose(Add(1))).collect();
    for (place, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.expect("it leads"), place as u64 + 1);
    }
}

#[tokio::test]
async fn what_comes_while_the_disk_is_busy_is_one_flush() {
    let switch = Switch::new();
    let flushes = Arc::new(Mutex::new(Vec::new()));
    let cluster = Cluster::start_with(1, patient(), |_, store| {
        let mut disk = Disk::new(store, switch.clone());
        disk.flushes = Arc::clone(&flushes);
        disk
    })
    .await;
    let raft = cluster.leader().await;
    raft.propose(Add(1)).await.expect("it leads");
    switch.set(Mood::Stuck);
    flushes.lock().expect(SOUND).clear();
    let mut calls = Vec::new();
    for expected in 1..=20 {
        // Each in a write of its own: the node takes it before the next one comes.
        let last_log = raft.status().last_log;
        calls.push(raft.propose(Add(1)));
        let taken = raft.wait(|status| status.last_log > last_log, FOREVER).await;
        assert_eq!(taken.expect("it leads").last_log, last_log.next(), "call {expected}");
    }
    switch.set(Mood::Well);
    for call in calls {
        call.await.expect("the disk came back before it was given up");
    }
    let flushes = flushes.lock().expect(SOUND);
    assert_eq!(flushes.iter().sum::<usize>(), 20, "{flushes:?}");
    assert!(flushes.len() <= 2, "the first write, then all others at once: {flushes:?}");
}

#[tokio::test]
async fn a_leader_whose_disk_is_stuck_gives_way_and_comes_back() {
    let (cluster, switches) = counters_on_disks(hasty()).await;
    let old = cluster.leader().await;
    assert_eq!(old.propose(Add(1)).await.expect("it leads"), 1);
    cluster.is_level(old).await;
    let switch = switch_of(&switches, old);
    switch.set(Mood::Stuck);
    let call = old.propose_within(Add(10), FOREVER);
    let stuck = |status: &raft::driver::Status| status.disk != DiskState::Well;
    let status = old.wait(stuck, FOREVER).await.expect("the disk does not answer");
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
    switch.set(Mood::Well);
    let back = old.wait(|status| status.disk == DiskState::Well, FOREVER).await;
    back.expect("the disk answers again");
    let commit_index = new.status().commit_index;
    let caught_up = old.wait(|status| status.last_applied >= commit_index, FOREVER).await;
    caught_up.expect("it takes part again");
    assert_eq!(new.status().role, RoleName::Leader, "nobody was disturbed");
}

#[tokio::test]
async fn a_disk_that_fails_ends_its_node_with_a_reason_and_the_others_go_on() {
    for (mood, expected) in [
        (Mood::Broken, "the node has ended: the store failed: the disk is on fire"),
        (Mood::Panicking, "the node has ended: the store failed: it panicked: no such sector"),
    ] {
        let (cluster, switches) = counters_on_disks(patient()).await;
        let old = cluster.leader().await;
        cluster.is_level(old).await;
        switch_of(&switches, old).set(mood);
        let error = old.propose(Add(1)).await.expect_err("it cannot be stored");
        let unknown = matches!(
            error,
            WriteError::OutcomeUnknown { why: Unknown::Stopped(StopReason::Storage(_)), .. }
        );
        assert!(unknown, "{error}");
        let ended = old.wait(|status| matches!(status.run, RunState::Stopped(_)), FOREVER).await;
        let RunState::Stopped(reason) = ended.expect("it ends").run else { panic!("it runs") };
        assert!(matches!(reason, StopReason::Storage(_)), "{reason}");
        let error = old.propose(Add(1)).await.expect_err("it has ended");
        assert_eq!((error.to_string().as_str(), error.outcome()), (expected, Outcome::Never));

        let new = cluster.leader_among(&numbers(&cluster, old)).await;
        new.propose(Add(1)).await.expect("two are a majority");
    }
}

#[tokio::test]
async fn a_stuck_disk_holds_a_shutdown_no_longer_than_it_may() {
    let switch = Switch::new();
    let cluster =
        Cluster::start_with(1, patient(), |_, store| Disk::new(store, switch.clone())).await;
    let raft = cluster.leader().await;
    switch.set(Mood::Stuck);
    let call = raft.propose(Add(1));
    tokio::time::timeout(FOREVER, raft.shutdown()).await.expect("it does not wait for ever");
    let error = call.await.expect_err("the node has ended");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    switch.set(Mood::Well);
}

#[tokio::test]
async fn a_shutdown_writes_what_is_queued_and_a_kill_does_not() {
    for (killed, expected) in [(false, 2), (true, 1)] {
        let switch = Switch::new();
        let settings = Settings { shutdown_timeout: FOREVER, ..patient() };
        let cluster =
            Cluster::start_with(1, settings, |_, store| Disk::new(store, switch.clone())).await;
        let raft = cluster.leader().await;
        switch.set(Mood::Stuck);
        let mut calls = Vec::new();
        for _ in 0..2 {
            let last_log = raft.status().last_log;
            calls.push(raft.propose(Add(1)));
            raft.wait(|status| status.last_log > last_log, FOREVER).await.expect("it leads");
            // The first one is on its way to the disk, and the second one is behind it.
            switch.held().await;
        }
        let end = async { if killed { raft.kill().await } else { raft.shutdown().await } };
        let release = async {
            let ended = calls.pop().expect("two calls").await;
            ended.expect_err("the node ends");
            switch.set(Mood::Well);
        };
        tokio::join!(end, release);
        let stored = cluster.stores[0].clone().load().expect("it is in memory");
        let commands = stored.entries.iter().filter(|e| !e.payload.bytes().is_empty()).count();
        assert_eq!(commands, expected, "killed: {killed}");
    }
}
