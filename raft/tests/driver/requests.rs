//! Answers and errors of writes and reads.

use std::time::Duration;

use raft::driver::{Outcome, ReadError, RunState, Settings, StopReason, UnknownReason, WriteError};
use raft::{Raft, RoleName};

use crate::support::{Add, Cluster, Counter, TEST_TIMEOUT, counters};

#[tokio::test(start_paused = true)]
async fn a_command_is_answered_by_the_state_machine_and_read_back() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    assert_eq!(leader.propose(Add(2)).await.expect("it leads"), 2);
    assert_eq!(leader.propose(Add(3)).await.expect("it leads"), 5);
    assert_eq!(leader.read(|counter| counter.value).await.expect("it leads"), 5);

    let applied = leader.status().last_applied;
    for raft in &cluster.rafts {
        let caught_up = raft.wait(|status| status.last_applied >= applied, TEST_TIMEOUT).await;
        assert_eq!(caught_up.expect("all peers apply it").commit_index, applied);
    }
}

#[tokio::test(start_paused = true)]
async fn commands_are_applied_in_the_order_of_the_requests() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    let calls: Vec<_> = (0..1000).map(|_| leader.propose(Add(1))).collect();
    for (position, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.expect("it leads"), position as u64 + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_follower_names_the_leader_and_its_address() {
    let cluster = counters().await;
    let leader = cluster.leader().await.id();
    let follower = cluster.others(cluster.raft(leader))[0];
    let error = cluster.raft(follower).propose(Add(1)).await.expect_err("it follows");
    let expected = format!("not the leader; peer {leader} at host-{leader}:7000 leads");
    assert_eq!((error.to_string(), error.outcome()), (expected, Outcome::Never));
}

#[tokio::test(start_paused = true)]
async fn reads_on_followers_see_all_answered_writes() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    for value in 1..=20 {
        leader.propose(Add(1)).await.expect("it leads");
        for follower in cluster.others(leader) {
            let read = cluster.raft(follower).read(|counter| counter.value).await;
            assert_eq!(read.expect("it knows the leader"), value);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_on_an_isolated_leader_fails() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    cluster.isolate(leader.id());
    let error = leader.read(|counter| counter.value).await.expect_err("it may be old");
    assert!(matches!(error, ReadError::DeadlineExceeded | ReadError::LeadershipLost), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_command_of_a_deposed_leader_ends_with_unknown_outcome_soon() {
    let cluster = counters().await;
    let old = cluster.leader().await;
    cluster.isolate(old.id());
    let call = old.propose_within(Add(1), TEST_TIMEOUT * 1000);
    let rest: Vec<_> = cluster.others(old).iter().map(|id| id.number()).collect();
    let new = cluster.leader_among(&rest).await;
    assert_eq!(new.propose(Add(10)).await.expect("it leads a majority"), 10);

    // Only the news of the term comes through: the new leader's entries do not.
    cluster.faults.heal_one_way(old.id(), new.id());
    let [one, two] = cluster.others(old)[..] else { panic!("three peers") };
    cluster.faults.heal_one_way(old.id(), one);
    cluster.faults.heal_one_way(old.id(), two);
    let later = if one == new.id() { two } else { one };
    cluster.faults.heal_one_way(later, old.id());
    let error = call.await.expect_err("its leader is gone");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    let lost =
        matches!(error, WriteError::OutcomeUnknown { reason: UnknownReason::LeadershipLost, .. });
    assert!(lost, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_replaced_command_never_happens() {
    let cluster = counters().await;
    let old = cluster.leader().await;
    old.propose(Add(1)).await.expect("it leads");
    cluster.isolate(old.id());
    let call = old.propose_within(Add(100), TEST_TIMEOUT * 1000);
    let rest: Vec<_> = cluster.others(old).iter().map(|id| id.number()).collect();
    let new = cluster.leader_among(&rest).await;
    assert_eq!(new.propose(Add(10)).await.expect("it leads a majority"), 11);
    cluster.faults.clear();
    let error = call.await.expect_err("another entry has its index");
    assert!(matches!(error, WriteError::Replaced { .. }), "{error}");
    assert_eq!(error.outcome(), Outcome::Never);
    let value = new.read(|counter| counter.value).await.expect("it leads");
    assert_eq!(value, 11, "it never happened");
}

#[tokio::test(start_paused = true)]
async fn without_a_majority_a_proposal_ends_with_its_deadline() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    cluster.isolate(leader.id());
    let start = tokio::time::Instant::now();
    let error = leader.propose_within(Add(1), Duration::from_millis(70)).await.expect_err("alone");
    let unknown =
        matches!(error, WriteError::OutcomeUnknown { reason: UnknownReason::DeadlineExceeded, .. });
    assert!(unknown, "{error}");
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    let error = leader.propose_within(Add(1), Duration::ZERO).await.expect_err("too late at once");
    assert!(matches!(error, WriteError::DeadlineExceeded), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_peer_rejects_and_recovers() {
    let settings = Settings { pending_max: 3, ..Settings::default() };
    let cluster = Cluster::start(3, |builder| {
        builder.state_machine(Counter::default()).settings(settings.clone())
    })
    .await;
    let leader = cluster.leader().await;
    let calls: Vec<_> = (0..4).map(|_| leader.propose(Add(1))).collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await);
    }
    let full = answers.pop().expect("four calls").expect_err("one too many");
    assert_eq!(full.outcome(), Outcome::Never);
    assert!(
        full.to_string().starts_with("overloaded: 3 commands of 3 bytes are pending"),
        "{full}"
    );
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(leader.propose(Add(1)).await.expect("requests are admitted again"), 4);
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_all_pending_requests() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    leader.propose(Add(1)).await.expect("it leads");
    cluster.isolate(leader.id());
    let appended = leader.propose(Add(1));
    tokio::task::yield_now().await;
    let question = leader.read(|counter| counter.value);
    let (answer, read, ()) = tokio::join!(appended, question, leader.shutdown());
    let error = answer.expect_err("no majority, then no node");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    assert!(matches!(read, Err(ReadError::Stopped(StopReason::ShutDown))), "{read:?}");

    let error = leader.propose(Add(1)).await.expect_err("the node has stopped");
    assert!(matches!(error, WriteError::Stopped(StopReason::ShutDown)), "{error}");
    assert!(matches!(leader.status().run, RunState::Stopped(StopReason::ShutDown)));
    leader.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_stops_the_node() {
    let cluster = counters().await;
    let mut watch = cluster.rafts[0].watch();
    let clone = cluster.rafts[0].clone();
    drop(cluster);
    assert!(matches!(watch.borrow().run, RunState::Running));
    drop(clone);
    let ended = watch.wait_for(|status| matches!(status.run, RunState::Stopped(_))).await;
    assert!(ended.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_restarted_peer_restores_its_state() {
    let mut cluster = counters().await;
    for value in 1..=5 {
        assert_eq!(cluster.leader().await.propose(Add(1)).await.expect("it leads"), value);
    }
    for raft in &cluster.rafts {
        raft.kill().await;
    }
    cluster.rafts.clear();
    for id in 1..=3 {
        let raft = cluster.builder(id).state_machine(Counter::default()).start().await;
        cluster.rafts.push(raft.expect("its store is whole"));
    }
    let leader = cluster.leader().await;
    assert_eq!(leader.read(|counter| counter.value).await.expect("it leads"), 5);
}

#[tokio::test(start_paused = true)]
async fn a_single_peer_elects_itself() {
    let cluster = Cluster::start(1, |builder| builder.state_machine(Counter::default())).await;
    let raft: &Raft<Counter> = cluster.leader().await;
    assert_eq!(raft.status().role, RoleName::Leader);
    assert_eq!(raft.propose(Add(7)).await.expect("it leads"), 7);
}
