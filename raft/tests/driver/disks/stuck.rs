//! Disks that answer no more, and those that only seem so.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use raft::driver::{Clock, DiskState, Outcome, Settings, Sleep, TokioClock, WriteError};
use raft::storage::MemoryStorage;
use raft::transport::memory::Hub;
use raft::{Instant, PeerId, Raft, RoleName};

use super::{
    Behaviour, Disk, DiskControl, NOT_POISONED, control_of, counters_on_disks, no_disk_timeout,
    numbers, short_disk_timeout,
};
use crate::support::{Add, Cluster, Counter, TEST_TIMEOUT};

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
