//! The clock of a real run: times count from its beginning, as in the simulation.

use std::time::{Duration, Instant as StdInstant};

use raft::Instant;
use raft::driver::{Clock, Sleep};

/// The clock that tester, peers and log share.
#[derive(Clone, Copy, Debug)]
pub(super) struct RealClock {
    start: StdInstant,
}

impl RealClock {
    #[expect(clippy::disallowed_methods, reason = "the real world lives on a real clock")]
    pub(super) fn start() -> Self {
        Self { start: StdInstant::now() }
    }

    /// Time left until `time`.
    pub(super) fn until(&self, time: Instant) -> Duration {
        time.since(self.now())
    }
}

impl Clock for RealClock {
    fn now(&self) -> Instant {
        Instant::START.after(self.start.elapsed())
    }

    fn sleep_until(&self, time: Instant) -> Sleep {
        let at = self.start + time.since(Instant::START);
        Box::pin(tokio::time::sleep_until(at.into()))
    }
}
