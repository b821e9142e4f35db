//! Leadership is handed over when a caller asks for it, and the caller hears how that ended.

use std::time::Duration;

use raft::TransferError;
use raft::driver::{HandoverError, StopReason};
use tokio::time::Instant;

use crate::support::{Add, Cluster, Counter, FOREVER, counters};

/// Much shorter than an election timeout.
const SOON: Duration = Duration::from_millis(100);

#[tokio::test(start_paused = true)]
async fn the_named_peer_leads_at_once_and_has_all_that_was_answered() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    for _ in 0..100 {
        leader.propose(Add(1)).await.expect("it leads");
    }
    let successor = cluster.others(leader)[1];
    let asked = Instant::now();
    leader.transfer_leadership(Some(successor)).await.expect("the other one is there");
    assert!(leader.status().leader != Some(leader.id()));
    let new = cluster.leader().await;
    assert_eq!(new.id(), successor);
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    assert_eq!(new.propose(Add(1)).await.expect("it leads"), 101);
}

#[tokio::test(start_paused = true)]
async fn without_a_name_it_goes_to_a_peer_that_can_hear() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    let [deaf, hearing] = cluster.others(leader)[..] else { panic!("three peers") };
    cluster.isolate(deaf);
    leader.propose(Add(1)).await.expect("two of three are enough");
    leader.transfer_leadership(None).await.expect("the hearing one is there");
    let led = cluster.leader_among(&[leader.id().number(), hearing.number()]).await;
    assert_eq!(led.id(), hearing);
}

#[tokio::test(start_paused = true)]
async fn a_successor_that_does_not_answer_is_given_up_and_the_leader_leads_on() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    let deaf = cluster.others(leader)[0];
    cluster.isolate(deaf);
    let error = leader.transfer_leadership(Some(deaf)).await.expect_err("nobody takes over");
    assert!(matches!(error, HandoverError::GivenUp { to } if to == deaf), "{error}");
    leader.propose(Add(1)).await.expect("it leads on");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_handed_over_is_said() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    let follower = cluster.raft(cluster.others(leader)[0]);
    for to in [None, Some(follower.id())] {
        let error = follower.transfer_leadership(to).await.expect_err("it follows");
        let expected = TransferError::NotLeader { leader: Some(leader.id()) };
        assert!(matches!(error, HandoverError::Refused(error) if error == expected));
    }
    follower.shutdown().await;
    let error = follower.transfer_leadership(None).await.expect_err("it has ended");
    assert!(matches!(error, HandoverError::Stopped(StopReason::ShutDown)), "{error}");

    let alone = Cluster::start(1, |one| one.state_machine(Counter::default())).await;
    let one = alone.leader().await;
    let error = one.transfer_leadership(None).await.expect_err("there is nobody else");
    assert!(matches!(error, HandoverError::NobodyToLead), "{error}");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_hears_of_the_end_of_the_node() {
    let cluster = counters().await;
    let leader = cluster.leader().await;
    let deaf = cluster.others(leader)[0];
    cluster.isolate(deaf);
    let (handover, ()) =
        tokio::join!(leader.transfer_leadership(Some(deaf)), async { leader.shutdown().await });
    let error = handover.expect_err("the node has ended");
    assert!(matches!(error, HandoverError::Stopped(StopReason::ShutDown)), "{error}");
    leader.wait(|_| true, FOREVER).await.expect("its status can still be read");
}
