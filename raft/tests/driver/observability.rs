//! Status, metrics, protocol events, membership changes and leadership transfers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use raft::driver::metrics::NAMES;
use raft::driver::{LeadershipTransferError, MembershipError, Settings, StopReason, WaitError};
use raft::membership_change::MembershipChange;
use raft::progress::LossKind;
use raft::storage::MemoryStorage;
use raft::{PeerId, RoleName};
use tracing::subscriber::DefaultGuard;

use crate::support::{Add, Cluster, Counter, TEST_TIMEOUT, counters};

#[tokio::test(start_paused = true)]
async fn the_status_shows_the_leaders_view_of_its_followers() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    for _ in 0..10 {
        leader.propose(Add(1)).await.expect("it leads");
    }
    let all_have_all =
        |s: &raft::driver::Status| s.peers.iter().all(|peer| peer.match_index == s.last_log);
    let status = leader.wait(all_have_all, TEST_TIMEOUT).await.expect("nothing is lost");
    assert_eq!(status.role, RoleName::Leader);
    assert_eq!(status.peers.iter().map(|p| p.id).collect::<Vec<_>>(), cluster.others(leader));
    assert_eq!(status.membership.voters().len(), 3);
    let follower = cluster.raft(cluster.others(leader)[0]).status();
    assert_eq!((follower.role, follower.peers.len()), (RoleName::Follower, 0));
    assert_eq!(follower.leader, Some(leader.id()));
}

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_commits() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    let mut watch = leader.watch();
    let before = watch.borrow_and_update().commit_index;
    leader.propose(Add(1)).await.expect("it leads");
    let seen = watch.wait_for(|status| status.last_applied > before).await;
    assert_eq!(seen.expect("it runs").last_applied, before.next());
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_its_deadline() {
    let cluster = counters().await;
    let raft = &cluster.rafts[0];
    let error = raft.wait(|_| false, TEST_TIMEOUT).await.expect_err("it never comes true");
    assert!(matches!(error, WaitError::DeadlineExceeded(TEST_TIMEOUT)), "{error}");
    let (waited, ()) = tokio::join!(raft.wait(|_| false, TEST_TIMEOUT), raft.shutdown());
    assert!(matches!(waited.expect_err("the node has ended"), WaitError::Stopped(_)));
}

#[tokio::test(start_paused = true)]
async fn metrics_count_requests_and_messages() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let guard = metrics::set_default_local_recorder(&recorder);
    let cluster = counters().await;
    let leader = cluster.leader().await;
    for _ in 0..10 {
        leader.propose(Add(1)).await.expect("it leads");
    }
    leader.read(|counter| counter.value).await.expect("it leads");
    let other = cluster.raft(cluster.others(leader)[0]);
    other.propose(Add(1)).await.expect_err("it follows");
    drop(guard);

    let seen = values(&snapshotter);
    let of = |peer: PeerId, name: &str| &seen[&(name.to_owned(), peer.to_string())];
    for (name, _, _) in NAMES {
        of(leader.id(), name);
    }
    assert_eq!(*of(leader.id(), "raft_commands_appended_total"), DebugValue::Counter(10));
    assert_eq!(*of(other.id(), "raft_commands_refused_total"), DebugValue::Counter(1));
    assert_eq!(*of(leader.id(), "raft_entries_applied_total"), DebugValue::Counter(11));
    assert_eq!(*of(leader.id(), "raft_reads_total"), DebugValue::Counter(1));
    assert_eq!(*of(leader.id(), "raft_is_leader"), DebugValue::Gauge(1.0.into()));
    assert_eq!(*of(other.id(), "raft_is_leader"), DebugValue::Gauge(0.0.into()));
    let DebugValue::Histogram(writes) = of(leader.id(), "raft_write_seconds") else {
        panic!("a histogram")
    };
    assert_eq!(writes.len(), 10);
    for name in ["raft_messages_sent_total", "raft_messages_received_total"] {
        assert!(matches!(of(other.id(), name), DebugValue::Counter(1..)), "{name}");
    }
}

/// The values of all metrics, by name and peer.
fn values(snapshotter: &Snapshotter) -> BTreeMap<(String, String), DebugValue> {
    let mut seen = BTreeMap::new();
    for (key, unit, text, value) in snapshotter.snapshot().into_vec() {
        let key = key.key();
        let peer = key.labels().next().map(|label| label.value().to_owned()).unwrap_or_default();
        assert!(unit.is_some() && text.is_some(), "{} is described", key.name());
        seen.insert((key.name().to_owned(), peer), value);
    }
    seen
}

/// Output of a subscriber.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        let bytes = self.0.lock().expect("not poisoned").clone();
        String::from_utf8(bytes).expect("text")
    }
}

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes of this thread's subscriber, up to a level.
fn subscribe(level: tracing::Level) -> (Written, (DefaultGuard, tracing::Dispatch)) {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone());
    // While there is only one subscriber, tracing asks that of the thread which first comes to an
    // event, and the other tests' threads have none.
    let another = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    (written, (tracing::subscriber::set_default(subscriber.finish()), another))
}

#[tokio::test(start_paused = true)]
async fn a_peer_of_a_new_cluster_says_which_peers_it_waits_for() {
    let (written, guard) = subscribe(tracing::Level::WARN);
    let cluster = Cluster::<Counter>::empty(3);
    let start = async |id| {
        let builder = cluster.builder(id).state_machine(Counter::default());
        builder.start().await.expect("all parts are there")
    };
    let first = start(1).await;
    assert_eq!(first.status().waits_for, [2, 3].map(PeerId::new).into());
    let second = start(2).await;
    let one_left = |status: &raft::driver::Status| status.waits_for == [PeerId::new(3)].into();
    first.wait(one_left, TEST_TIMEOUT).await.expect("it has registered");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let text = written.text();
    for id in [1, 2] {
        let warning = "WARN raft::protocol: this peer does not vote yet: a new cluster begins";
        let is_it = |line: &&str| {
            line.trim_start().starts_with(warning) && line.contains(&format!("peer={id} "))
        };
        let line = text.lines().find(is_it);
        let line = line.unwrap_or_else(|| panic!("no warning of peer {id}:\n{text}"));
        assert!(line.contains("start the missing ones") && line.contains("missing=3"), "{line}");
    }
    let third = start(3).await;
    for raft in [first, second, third] {
        let begun = raft.wait(|status| status.leader.is_some(), TEST_TIMEOUT).await;
        assert!(begun.expect("all have been started").waits_for.is_empty());
    }
    drop(guard);
}

#[tokio::test(start_paused = true)]
async fn a_peer_without_its_data_says_so_and_not_that_it_waits() {
    let recorder = DebuggingRecorder::new();
    let metrics_guard = metrics::set_default_local_recorder(&recorder);
    let mut cluster = counters().await;
    let leader = cluster.leader().await.id();
    let id = cluster.others(cluster.raft(leader))[0].number();
    cluster.rafts[id as usize - 1].shutdown().await;
    cluster.stores[id as usize - 1] = MemoryStorage::default();
    let (written, guard) = subscribe(tracing::Level::WARN);
    let builder = cluster.builder(id).state_machine(Counter::default());
    let empty = builder.start().await.expect("all parts are there");
    let refused = |status: &raft::driver::Status| status.refused.is_some();
    let status = empty.wait(refused, TEST_TIMEOUT).await.expect("both know its former store");
    let store = status.store.expect("it has one");
    tokio::time::sleep(Duration::from_secs(30)).await;
    drop((guard, metrics_guard));
    let found = Some(LossKind::OtherStore { found: Some(store.incarnation) });
    let peers = cluster.raft(leader).status().peers;
    let losses: Vec<_> = peers.iter().filter(|it| it.loss.is_some()).collect();
    assert!(matches!(losses[..], [it] if it.id.number() == id && it.loss == found), "{losses:?}");
    let seen = values(&recorder.snapshotter());
    let of = |name: &str, peer: u64| &seen[&(name.to_owned(), peer.to_string())];
    assert_eq!(*of("raft_members_lost", leader.number()), DebugValue::Gauge(1.0.into()));
    assert_eq!(*of("raft_store_new", id), DebugValue::Gauge(1.0.into()));
    let text = written.text();
    let lines = |peer: u64, words: &str| {
        let peer = format!("peer={peer} ");
        text.lines().filter(|line| line.contains(&peer) && line.contains(words)).count()
    };
    let times = lines(id, "this peer's store is not the one that its cluster knows");
    assert!((3..10).contains(&times), "again at times, and rarely: {times} times in\n{text}");
    assert_eq!(lines(id, "a new cluster begins"), 0, "{text}");
    let sign = format!("sign=answers from store {}", store.incarnation);
    assert!(lines(leader.number(), "a member lost its data") > 0, "{text}");
    assert!(lines(leader.number(), &sign) > 0, "no {sign:?} in\n{text}");
}

#[tokio::test(start_paused = true)]
async fn protocol_events_are_tracing_events() {
    let (written, guard) = subscribe(tracing::Level::DEBUG);
    let cluster = counters().await;
    let leader = cluster.leader().await;
    leader.propose(Add(1)).await.expect("it leads");
    drop(guard);

    let text = written.text();
    let id = leader.id();
    for (level, what) in
        [("INFO", "RoleChanged"), ("DEBUG", "message sent"), ("DEBUG", "Committed")]
    {
        let matches = |line: &str| {
            line.trim_start().starts_with(&format!("{level} raft::protocol: "))
                && line.contains(what)
                && line.contains(&format!("peer={id} "))
        };
        assert!(text.lines().any(matches), "{level} {what} of peer {id} is not in:\n{text}");
    }
    assert!(!text.contains("TRACE"), "heartbeats are TRACE events");
}

#[tokio::test(start_paused = true)]
async fn a_peer_is_added_promoted_and_another_removed() {
    let mut cluster = counters().await;
    let leader = cluster.leader().await.clone();
    leader.propose(Add(7)).await.expect("it leads");
    let (new, old) = (PeerId::new(4), cluster.others(&leader)[0]);
    let builder = cluster.builder(4).join().state_machine(Counter::default());
    let joining = builder.start().await.expect("a store, a network and a state machine");
    cluster.rafts.push(joining.clone());

    let add = MembershipChange::AddLearner { peer: new, address: Some("host-4:7000".into()) };
    leader.change_membership(add).await.expect("it leads");
    let applied = leader.status().commit_index;
    joining.wait(|status| status.last_applied >= applied, TEST_TIMEOUT).await.expect("it learns");
    leader.change_membership(MembershipChange::Promote { peer: new }).await.expect("it has all");
    leader.change_membership(MembershipChange::Remove { peer: old }).await.expect("one may go");
    let status = leader.status();
    assert!(status.membership.is_voter(new) && !status.membership.contains(old), "{status:?}");
    assert_eq!(joining.read(|counter| counter.value).await.expect("it knows the leader"), 7);

    let follower = cluster.raft(new);
    let change = MembershipChange::Remove { peer: new };
    let error = follower.change_membership(change).await.expect_err("it follows");
    assert!(matches!(error, MembershipError::Rejected(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_membership_change_without_a_majority_has_an_unknown_outcome() {
    let cluster: Cluster<Counter> = counters().await;
    let leader = cluster.leader().await;
    cluster.isolate(leader.id());
    let change = MembershipChange::Remove { peer: cluster.others(leader)[0] };
    let error = leader.change_membership(change).await.expect_err("it is isolated");
    assert!(matches!(error, MembershipError::OutcomeUnknown(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn leadership_is_transferred() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    leader.propose(Add(1)).await.expect("it leads");
    let successor = cluster.raft(cluster.others(leader)[1]);
    let error = successor.transfer_leadership(leader.id()).await.expect_err("it follows");
    assert!(matches!(error, LeadershipTransferError::Rejected(_)), "{error}");
    leader.transfer_leadership(successor.id()).await.expect("it has everything");
    assert_eq!(successor.propose(Add(1)).await.expect("it leads"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_transfer_to_an_unreachable_peer_is_aborted() {
    let settings = Settings { deadline: TEST_TIMEOUT * 1000, ..Settings::default() };
    let cluster = Cluster::start(3, |builder| {
        builder.state_machine(Counter::default()).settings(settings.clone())
    })
    .await;
    let leader = cluster.leader().await;
    let [successor, other] = cluster.others(leader)[..] else { panic!("three peers") };
    cluster.isolate(successor);
    let calls = [leader.clone(), leader.clone()].map(|raft| async move {
        let error = raft.transfer_leadership(successor).await.expect_err("it is isolated");
        assert!(
            matches!(error, LeadershipTransferError::Aborted { to } if to == successor),
            "{error}"
        );
    });
    let [one, two] = calls;
    tokio::join!(one, two);
    assert_eq!(leader.propose(Add(1)).await.expect("it remains leader"), 1);
    leader.transfer_leadership(other).await.expect("this one is there");

    let leader = cluster.raft(other);
    let (moved, ()) = tokio::join!(leader.transfer_leadership(successor), leader.shutdown());
    assert!(
        matches!(moved, Err(LeadershipTransferError::Stopped(StopReason::ShutDown))),
        "{moved:?}"
    );
}
