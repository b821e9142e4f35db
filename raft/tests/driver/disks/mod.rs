//! Slow, stuck and failing disks.

mod failed;
mod hanging_snapshots;
mod shutdown;
mod slow;
mod stuck;

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use raft::driver::Settings;
use raft::storage::{MemoryStorage, Storage, StorageError, WriteProgress};
use raft::{PersistentState, Raft, Write};
use tokio::sync::watch;

use crate::support::{Cluster, Counter, TEST_TIMEOUT};

/// Behaviour of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Healthy,
    /// Operations wait until the behaviour changes.
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
    /// True while an operation has begun and is blocked.
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

    /// Waits until an operation has begun and is held.
    async fn held(&self) {
        let mut held = self.0.held.subscribe();
        let held = tokio::time::timeout(TEST_TIMEOUT, held.wait_for(|held| *held));
        held.await.expect("it is tried").expect("the sender is in the control");
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

    /// Waits while the disk is stuck; returns the behaviour of the operation.
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
