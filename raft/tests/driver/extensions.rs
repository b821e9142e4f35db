//! Extensions: snapshots on request, entry ids before answers, sinks of events.

use std::sync::{Arc, Mutex};

use raft::driver::{Outcome, Settings, SnapshotPolicy, WriteError, from_bytes};
use raft::storage::Storage;
use raft::trace::{Event, Sink, Source};
use raft::{Index, Instant, MessageId, PeerId, RoleName};

use crate::support::{Add, Cluster, Counter, Saving, TEST_TIMEOUT, counters};

#[tokio::test(start_paused = true)]
async fn a_requested_snapshot_is_of_the_command_that_requested_it() {
    let settings = Settings { snapshots: SnapshotPolicy::NEVER, ..Settings::default() };
    let cluster = Cluster::start(3, |builder| {
        builder.settings(settings.clone()).state_machine(Saving::<10>::default())
    })
    .await;
    let leader = cluster.leader().await;
    let first = leader.append(Add(1)).await.expect("it leads").id().index;
    // They are applied many at a time, and the last snapshot wanted is in the middle.
    let calls: Vec<_> = (2..=47).map(|_| leader.propose(Add(1))).collect();
    for call in calls {
        call.await.expect("it leads");
    }
    let through = Index::new(first.number() + 39);
    for id in 1..=3 {
        let raft = cluster.raft(PeerId::new(id));
        let made = raft.wait(|status| status.snapshot >= through, TEST_TIMEOUT).await;
        assert_eq!(made.expect("it makes one").snapshot, through, "of peer {id}");
    }
    for id in 1..=3 {
        cluster.raft(PeerId::new(id)).shutdown().await;
        let stored = cluster.stores[id as usize - 1].clone().load().expect("it is in memory");
        let snapshot = stored.snapshot.expect("it was waited for");
        assert_eq!(
            from_bytes::<u64>(snapshot.data.bytes().expect("in memory")).expect("a number"),
            40
        );
    }
}

#[tokio::test(start_paused = true)]
async fn append_returns_the_entry_id_before_the_answer() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    let others = cluster.others(leader);
    cluster.isolate(leader.id());
    let isolated = leader.append(Add(1)).await.expect("it believes that it leads");
    assert_eq!(isolated.id().term, leader.status().current_term);
    assert_eq!(isolated.id().index, leader.status().last_log);

    let rejected = cluster.raft(others[0]).append(Add(1)).await.expect_err("it follows");
    assert_eq!(rejected.outcome(), Outcome::Never);
    let error = isolated.answer().await.expect_err("it is isolated");
    assert!(matches!(error, WriteError::OutcomeUnknown { .. }), "{error}");

    cluster.faults.clear();
    let leader = cluster.leader().await;
    let before = leader.read(|counter| counter.value).await.expect("it leads");
    let placed = leader.append(Add(5)).await.expect("it leads");
    assert_eq!(placed.answer().await.expect("a majority is there"), before + 5);
}

/// The elected leaders.
#[derive(Clone, Default)]
struct Leaders(Arc<Mutex<Vec<PeerId>>>);

impl Sink for Leaders {
    fn record(&mut self, _: Instant, source: Source, event: &Event<'_>) {
        if matches!(event, Event::RoleChanged { .. }) && source.role == RoleName::Leader {
            self.0.lock().expect("not poisoned").push(source.peer);
        }
    }
}

/// The ids of sent messages.
#[derive(Clone, Default)]
struct SentIds(Arc<Mutex<Vec<(PeerId, MessageId)>>>);

impl Sink for SentIds {
    fn record(&mut self, _: Instant, source: Source, event: &Event<'_>) {
        if let Event::Sent(envelope) = event {
            self.0.lock().expect("not poisoned").push((source.peer, envelope.id));
        }
    }
}

/// An answer to a message of an earlier start must not pass for one to a later message.
#[tokio::test(start_paused = true)]
async fn message_ids_rise_over_restarts() {
    let sent = SentIds::default();
    let mut cluster =
        Cluster::start(3, |builder| builder.state_machine(Counter::default()).sink(sent.clone()))
            .await;
    for round in 1..=3 {
        let leader = cluster.leader().await;
        assert_eq!(leader.propose(Add(1)).await.expect("it leads"), round);
        for raft in &cluster.rafts {
            raft.kill().await;
        }
        cluster.rafts.clear();
        for id in 1..=3 {
            let builder = cluster.builder(id).state_machine(Counter::default()).sink(sent.clone());
            cluster.rafts.push(builder.start().await.expect("its store is whole"));
        }
    }
    let sent = sent.0.lock().expect("not poisoned");
    for id in (1..=3).map(PeerId::new) {
        let ids: Vec<_> = sent.iter().filter(|(peer, _)| *peer == id).map(|(_, id)| id).collect();
        assert!(ids.len() > 3, "peer {id} has sent messages");
        assert!(ids.is_sorted_by(|one, next| one < next), "of peer {id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_receives_protocol_events() {
    let leaders = Leaders::default();
    let cluster = Cluster::start(3, |builder| {
        builder.state_machine(Counter::default()).sink(leaders.clone())
    })
    .await;
    let leader = cluster.leader().await.id();
    assert_eq!(leaders.0.lock().expect("not poisoned").last(), Some(&leader));
}
