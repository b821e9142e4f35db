//! Writes that fail: the node stops, and nothing is written any more.

use std::sync::{Arc, Mutex};

use raft::driver::{Outcome, RunState, StopReason, UnknownReason, WriteError};
use raft::message::AppendEntries;
use raft::storage::{MemoryStorage, Storage, StorageError, WriteSpeed};
use raft::transport::Transport as _;
use raft::transport::memory::Hub;
use raft::{
    Entry, EntryId, Envelope, Index, LogSlice, Message, MessageId, Payload, PeerId,
    PersistentState, Raft, Round, Term, Write,
};

use super::{
    Behaviour, Disk, DiskControl, NOT_POISONED, control_of, counters_on_disks, no_disk_timeout,
    numbers,
};
use crate::support::{Add, Cluster, Counter, TEST_TIMEOUT};

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
