//! A peer's own clock, which may go faster or slower than the world's.

use raft::Instant;

/// A clock that started with the world and goes at a rate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    permille: i64,
}

impl Clock {
    /// A clock that is right.
    pub const EXACT: Self = Self { permille: 0 };

    /// A clock that goes this many thousandths faster than the world; slower if negative.
    ///
    /// # Panics
    /// The clock would stop or go back.
    #[must_use]
    pub fn with_drift(permille: i32) -> Self {
        assert!(permille > -1000, "a clock that goes {permille} thousandths faster goes back");
        Self { permille: i64::from(permille) }
    }

    /// Local time at a time of the world.
    #[must_use]
    pub const fn local_time(self, world: Instant) -> Instant {
        if self.permille == 0 {
            return world;
        }
        let nanos = world.as_nanos() as i128 * self.rate();
        Instant::from_nanos((nanos / 1000) as u64)
    }

    /// The first time of the world at which the clock shows at least this.
    #[must_use]
    pub const fn world_time(self, local: Instant) -> Instant {
        if self.permille == 0 {
            return local;
        }
        let nanos = local.as_nanos() as i128 * 1000 + self.rate() - 1;
        Instant::from_nanos((nanos / self.rate()) as u64)
    }

    /// Thousandths of a second it shows for each second of the world.
    const fn rate(self) -> i128 {
        1000 + self.permille as i128
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn world_time_is_the_first_time_at_which_the_clock_reaches_it() {
        for permille in [-500, -3, 0, 1, 250, 1000] {
            let clock = Clock::with_drift(permille);
            for nanos in [0, 1, 7, 999, 1_000_001, 123_456_789_012] {
                let time = clock.world_time(Instant::from_nanos(nanos));
                assert!(clock.local_time(time).as_nanos() >= nanos, "{permille} {nanos}");
                if let Some(before) = time.as_nanos().checked_sub(1) {
                    let before = clock.local_time(Instant::from_nanos(before));
                    assert!(before.as_nanos() < nanos, "{permille} {nanos}");
                }
            }
        }
        let local = Clock::with_drift(250).local_time(Instant::from_nanos(1000));
        assert_eq!(local, Instant::from_nanos(1250));
    }
}
