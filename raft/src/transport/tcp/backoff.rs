//! The backoff between attempts to connect.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// Waits that double up to a limit, with jitter.
#[derive(Debug)]
pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) const fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, next: min }
    }

    /// The next wait, between half of what has doubled and all of it.
    pub(super) fn next(&mut self) -> Duration {
        let all = self.next;
        self.next = self.next.saturating_mul(2).min(self.max);
        let part = (random() % 1024) as f64 / 1024.0;
        all / 2 + (all / 2).mul_f64(part)
    }

    /// Restarts at the shortest wait, after a success.
    pub(super) const fn reset(&mut self) {
        self.next = self.min;
    }
}

/// An unpredictable number: std seeds each hasher anew.
pub(super) fn random() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_reset() {
        let (min, max) = (Duration::from_millis(20), Duration::from_millis(100));
        let mut backoff = Backoff::new(min, max);
        for all in [20, 40, 80, 100, 100] {
            let (wait, all) = (backoff.next(), Duration::from_millis(all));
            assert!(all / 2 <= wait && wait <= all, "{wait:?} is not about {all:?}");
        }
        backoff.reset();
        assert!(backoff.next() <= min);
    }

    #[test]
    fn waits_differ_between_peers() {
        let mut waits =
            [(); 20].map(|()| Backoff::new(Duration::from_secs(1), Duration::MAX).next());
        waits.sort_unstable();
        assert!(waits[0] < waits[19], "{waits:?}");
    }
}
