//! Terms that no elections reach, as operators see them, and the way out of the last one.

use std::path::Path;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use raft::message::{Candidacy, RequestVote};
use raft::storage::{DiskStorage, MemoryStorage, RedbStorage, Storage, reset_term, stored_term};
use raft::transport::Transport;
use raft::transport::memory::Hub;
use raft::{Envelope, HardState, Message, MessageId, PeerId, Raft, Record, Term, Write, WriteId};

use crate::support::{Add, Counter, TEST_TIMEOUT};

async fn start(
    peers: impl IntoIterator<Item = u64>,
    hub: &Hub,
    store: impl Storage,
) -> Raft<Counter> {
    Raft::builder(1)
        .peers(peers)
        .storage(store)
        .transport(hub.join(PeerId::new(1)))
        .state_machine(Counter::default())
        .start()
        .await
        .expect("all parts are there")
}

#[tokio::test(start_paused = true)]
async fn a_forged_term_is_refused_and_shown() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let guard = metrics::set_default_local_recorder(&recorder);
    let hub = Hub::default();
    let raft = start([1, 2, 3], &hub, MemoryStorage::default()).await;
    drop(guard);
    let (from, to) = (PeerId::new(9), PeerId::new(1));
    let request = RequestVote { last_log: Default::default(), candidacy: Candidacy::Transfer };
    let message = Message::RequestVote(request);
    let id = MessageId::new(1);
    hub.join(from).send(Envelope { id, from, to, term: Term::MAX, store: None, message });
    let seen = raft.wait(|status| status.refused_term.is_some(), TEST_TIMEOUT).await;
    let status = seen.expect("the message arrives");
    let refused = status.refused_term.expect("as waited for");
    assert_eq!((refused.from, refused.term, refused.count), (from, Term::MAX, 1));
    assert_eq!((status.current_term, status.terms_exhausted), (Term::ZERO, false));
    let counted = snapshotter.snapshot().into_vec().into_iter().find_map(|(key, _, _, value)| {
        (key.key().name() == "raft_terms_refused_total").then_some(value)
    });
    assert_eq!(counted, Some(DebugValue::Counter(1)));
}

/// The procedure of docs/operations.md, on a cluster of one.
async fn a_store_in_the_last_term_leads_again_after_a_reset<S: Storage>(open: fn(&Path) -> S) {
    let temporary = tempfile::tempdir().expect("a directory");
    let directory = temporary.path();
    let hub = Hub::default();
    let raft = start([1], &hub, open(directory)).await;
    raft.wait(|status| status.leader.is_some(), TEST_TIMEOUT).await.expect("it is alone");
    assert_eq!(raft.propose(Add(5)).await.expect("it leads"), 5);
    raft.shutdown().await;

    let mut store = open(directory);
    let last = stored_term(&mut store).expect("it was closed").last;
    let hard_state = HardState { current_term: Term::MAX, voted_for: None };
    let write = Write { id: WriteId::new(1), record: Record::HardState(hard_state) };
    store.write(&[write]).expect("there is room");
    drop(store);

    let raft = start([1], &hub, open(directory)).await;
    raft.wait(|status| status.terms_exhausted, TEST_TIMEOUT).await.expect("it says so");
    assert_eq!(raft.status().leader, None);
    raft.shutdown().await;

    let mut store = open(directory);
    let error = reset_term(&mut store, last.term).expect_err("a leader had it").to_string();
    assert!(error.contains("must be a later one, on all peers"), "{error}");
    let before = reset_term(&mut store, last.term.next()).expect("it is later");
    assert_eq!((before.current_term, before.last), (Term::MAX, last));
    drop(store);
    let raft = start([1], &hub, open(directory)).await;
    raft.wait(|status| status.leader.is_some(), TEST_TIMEOUT).await.expect("it is alone");
    assert_eq!(raft.propose(Add(7)).await.expect("it leads"), 12, "nothing is lost");
    assert_eq!(raft.status().current_term, last.term.next().next());
    raft.shutdown().await;
}

#[tokio::test]
async fn a_log_in_the_last_term_leads_again_after_a_reset() {
    a_store_in_the_last_term_leads_again_after_a_reset(|directory| {
        DiskStorage::open(directory, PeerId::new(1)).expect("the directory is free")
    })
    .await;
}

#[tokio::test]
async fn a_database_in_the_last_term_leads_again_after_a_reset() {
    a_store_in_the_last_term_leads_again_after_a_reset(|directory| {
        RedbStorage::open(directory, PeerId::new(1)).expect("the directory is free")
    })
    .await;
}
