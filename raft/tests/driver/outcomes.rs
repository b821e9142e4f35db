//! Outcomes told to callers when others decide the fate of their entries: never more than is known.

use raft::driver::{
    MembershipError, Outcome, Settings, SnapshotPolicy, Status, UnknownReason, WriteError,
};
use raft::membership_change::MembershipChange;
use raft::{Index, Raft, RoleName};

use crate::support::{Add, Cluster, Counter, TEST_TIMEOUT};

/// Callers wait for as long as it takes.
fn patient() -> Settings {
    let forever = TEST_TIMEOUT * 1000;
    Settings { deadline: forever, outcome_timeout: Some(forever), ..Settings::default() }
}

async fn counters_with(settings: Settings) -> Cluster<Counter> {
    Cluster::start(3, |builder| {
        builder
            .state_machine(Counter::default())
            .settings(settings.clone())
            .configure(|config| config.trailing_entries_max = 0)
    })
    .await
}

/// The leader that the others elect without this one.
async fn leader_without<'a>(
    cluster: &'a Cluster<Counter>,
    old: &Raft<Counter>,
) -> &'a Raft<Counter> {
    let rest: Vec<_> = cluster.others(old).iter().map(|id| id.number()).collect();
    cluster.leader_among(&rest).await
}

/// Waits until a peer has applied everything that another has committed.
async fn caught_up(raft: &Raft<Counter>, with: &Raft<Counter>) {
    let through = with.status().commit_index;
    let caught_up = raft.wait(|status| status.last_applied >= through, TEST_TIMEOUT).await;
    caught_up.expect("the links are whole");
}

/// The command is committed by the next leader, and the one that took it learns its effect by a
/// snapshot only. Told that it never happened, its caller would write twice.
#[tokio::test(start_paused = true)]
async fn a_snapshot_over_a_callers_entry_leaves_its_outcome_unknown() {
    let snapshots = SnapshotPolicy { entries: Some(10), ..SnapshotPolicy::NEVER };
    let cluster = counters_with(Settings { snapshots, ..patient() }).await;
    let old = cluster.leader().await;
    cluster.wait_until_level(old).await;
    // Its entries go out, and no answers come back.
    for other in cluster.others(old) {
        cluster.faults.cut_one_way(other, old.id());
    }
    let call = old.append(Add(1000)).await.expect("it leads");
    let index = call.id().index;
    for other in cluster.others(old) {
        let has_it = |status: &Status| status.last_log >= index;
        cluster.raft(other).wait(has_it, TEST_TIMEOUT).await.expect("it is sent there");
    }
    cluster.isolate(old.id());
    let new = leader_without(&cluster, old).await;
    for expected in 1001..=1050 {
        assert_eq!(new.propose(Add(1)).await.expect("two are a majority"), expected);
    }
    let compacted = |status: &Status| status.snapshot >= Index::new(index.number() + 20);
    new.wait(compacted, TEST_TIMEOUT).await.expect("every ten entries");
    cluster.faults.clear();
    caught_up(old, new).await;
    let error = call.answer().await.expect_err("its answer is in no snapshot");
    assert_eq!(error.outcome(), Outcome::Unknown, "it was applied: {error}");
    assert_eq!(old.read(|counter| counter.value).await.expect("it follows"), 1050);
}

/// Entries of an earlier leadership that the log has lost since, without another one committed at
/// their indexes before this peer leads again.
#[tokio::test(start_paused = true)]
async fn callers_overtaken_by_a_later_leadership_of_their_peer_are_told_so() {
    let cluster = counters_with(patient()).await;
    let old = cluster.leader().await;
    cluster.wait_until_level(old).await;
    cluster.isolate(old.id());
    let mut calls = Vec::new();
    for _ in 0..6 {
        calls.push(old.append(Add(1000)).await.expect("it believes that it leads"));
    }
    let first = calls[0].id().index;
    let new = leader_without(&cluster, old).await;
    cluster.faults.clear();
    caught_up(old, new).await;
    assert_eq!(old.status().last_log, first, "one entry of the new leader replaced six");
    new.transfer_leadership(old.id()).await.expect("it has everything");
    assert_eq!(old.propose(Add(1)).await.expect("it leads again"), 1);

    let mut outcomes = Vec::new();
    for call in calls {
        let error = call.answer().await.expect_err("none was committed");
        let unknown =
            WriteError::OutcomeUnknown { id: None, reason: UnknownReason::LeadershipLost };
        outcomes.push(match error.to_string() == unknown.to_string() {
            true => "unknown",
            false if matches!(error, WriteError::Replaced { .. }) => "replaced",
            false => panic!("{error}"),
        });
    }
    // The first two indexes have entries of the later leaders, the no-ops of their terms.
    assert_eq!(outcomes, ["replaced", "replaced", "unknown", "unknown", "unknown", "unknown"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_membership_change_is_not_reported_as_done() {
    let cluster = counters_with(patient()).await;
    let old = cluster.leader().await.clone();
    cluster.wait_until_level(&old).await;
    let victim = cluster.others(&old)[0];
    cluster.isolate(old.id());
    let before = old.status().last_log;
    let (calling, remove) = (old.clone(), MembershipChange::Remove { peer: victim });
    let call = tokio::spawn(async move { calling.change_membership(remove).await });
    let begun = |status: &Status| status.last_log > before;
    old.wait(begun, TEST_TIMEOUT).await.expect("it believes that it leads");
    let new = leader_without(&cluster, &old).await;
    for expected in 1..=3 {
        assert_eq!(new.propose(Add(1)).await.expect("two are a majority"), expected);
    }
    cluster.faults.clear();
    caught_up(&old, new).await;
    let told = call.await.expect("it does not panic");
    let lost = MembershipError::OutcomeUnknown(UnknownReason::LeadershipLost).to_string();
    assert_eq!(told.expect_err("nothing was removed").to_string(), lost);
    for raft in &cluster.rafts {
        assert!(raft.status().membership.is_voter(victim), "at peer {}", raft.id());
    }
    assert_eq!(old.status().role, RoleName::Follower);
}
