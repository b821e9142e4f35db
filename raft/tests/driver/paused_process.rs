//! A process paused at the worst instruction: right after its driver has read the clock.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use raft::driver::{Clock, ReadError, Sleep, TokioClock};
use raft::{Instant, Reads};
use tokio::sync::oneshot;

use super::support::{Add, Cluster, Counter};

/// A clock that can pause the process right after it was read.
#[derive(Clone, Default)]
struct PausingClock(Arc<Pause>);

#[derive(Default)]
struct Pause {
    /// Total time of pauses, in nanoseconds.
    paused_for: AtomicU64,
    next: Mutex<Option<DuringPause>>,
}

/// Events in the process' sockets during a pause.
type DuringPause = Box<dyn FnOnce() + Send>;

const PAUSE: Duration = Duration::from_secs(10);

impl PausingClock {
    /// Pauses the process after the next read of its clock.
    fn pause(&self, during_pause: impl FnOnce() + Send + 'static) {
        *self.0.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(during_pause));
    }

    fn paused_for(&self) -> Duration {
        Duration::from_nanos(self.0.paused_for.load(Ordering::Relaxed))
    }
}

impl Clock for PausingClock {
    fn now(&self) -> Instant {
        let now = TokioClock.now().after(self.paused_for());
        let next = self.0.next.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(during_pause) = next {
            during_pause();
            self.0.paused_for.fetch_add(PAUSE.as_nanos() as u64, Ordering::Relaxed);
        }
        now
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let since = deadline.since(Instant::START).saturating_sub(self.paused_for());
        TokioClock.sleep_until(Instant::START.after(since))
    }
}

type Reading = Pin<Box<dyn Future<Output = Result<u64, ReadError>> + Send>>;

#[tokio::test(start_paused = true)]
async fn a_read_during_a_pause_is_not_answered_from_an_expired_lease() {
    let clocks = RefCell::new(Vec::new());
    let cluster = Cluster::start(3, |builder| {
        let clock = PausingClock::default();
        clocks.borrow_mut().push(clock.clone());
        let lease = Reads::Lease { clock_drift_max: Duration::ZERO };
        let builder = builder.state_machine(Counter::default()).clock(clock);
        builder.configure(|config| config.reads = lease)
    });
    let cluster = cluster.await;
    let leader = cluster.leader().await.clone();
    leader.propose(Add(1)).await.expect("it leads");
    cluster.isolate(leader.id());
    let value = leader.read(|counter| counter.value).await;
    assert_eq!(value.expect("the lease is valid"), 1);

    let (asked, reading) = oneshot::channel();
    let clock = clocks.borrow()[leader.id().number() as usize - 1].clone();
    clock.pause(move || {
        let mut reading: Reading =
            Box::pin(async move { leader.read(|counter| counter.value).await });
        assert!(reading.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(asked.send(reading).is_ok(), "the test waits for it");
    });
    let reading = reading.await.expect("the leader's clock is read for its heartbeats");
    let answer = reading.await;
    assert!(
        matches!(answer, Err(ReadError::LeadershipLost)),
        "others may have been elected and have written: {answer:?}"
    );
}
