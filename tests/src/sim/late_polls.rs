//! Late polls: a driver that is busy when an input comes in takes the outputs later, together with
//! those of the inputs that came in meanwhile (`raft::output`, rule 9).
//!
//! A delay depends on nothing but the seed, the peer and the time of the input, so that an input
//! more or less does not move the others.

use std::time::Duration;

use raft::Instant;

use super::random::{Chance, Domain, Stream};

/// Rate and length of late polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatePolls {
    /// Chance that a poll is late.
    pub chance: Chance,
    /// The longest delay.
    pub delay_max: Duration,
}

impl LatePolls {
    /// Outputs are taken after every event.
    pub const NEVER: Self = Self { chance: Chance::NEVER, delay_max: Duration::ZERO };

    /// A driver with other work to do, in the labs' clusters: messages take about as long.
    pub const LAB: Self = Self { chance: Chance::of(1, 16), delay_max: Duration::from_millis(3) };

    /// The delay of the poll after an input to this peer at this time; `None` for a poll at once.
    #[must_use]
    pub fn draw(&self, seed: u64, peer: usize, at: Instant) -> Option<Duration> {
        if self.chance == Chance::NEVER {
            return None;
        }
        let mut rng = Stream::new(seed, Domain::LatePoll, [peer as u64, at.as_nanos()]);
        rng.happens(self.chance).then(|| rng.log_uniform(DELAY_MIN, self.delay_max))
    }

    /// Returns whether a peer that is paused until this time handles all that has waited for it before
    /// its outputs are taken, or one input after the other.
    #[must_use]
    pub fn batches_pause(&self, seed: u64, peer: usize, until: Instant) -> bool {
        let names = [PAUSES | peer as u64, until.as_nanos()];
        *self != Self::NEVER && Stream::new(seed, Domain::LatePoll, names).happens(Chance::of(1, 2))
    }
}

/// Beyond the peers.
const PAUSES: u64 = 1 << 32;

/// Less is not a delay beside that of a message.
const DELAY_MIN: Duration = Duration::from_micros(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_depends_on_the_time_of_its_input_alone() {
        let polls = LatePolls { chance: Chance::of(1, 4), ..LatePolls::LAB };
        let draw = |micros: u64| polls.draw(7, 1, Instant::from_nanos(micros * 1000));
        let all: Vec<_> = (0..4000_u64).map(draw).collect();
        let late: Vec<Duration> = all.iter().copied().flatten().collect();
        assert!((900..1100).contains(&late.len()), "{} of 4000 at 1 in 4", late.len());
        assert!(late.iter().all(|delay| *delay <= polls.delay_max), "{late:?}");
        let every_third: Vec<_> = (0..4000_u64).step_by(3).map(draw).collect();
        assert!(every_third.iter().eq(all.iter().step_by(3)));
        assert_eq!(LatePolls::NEVER.draw(7, 1, Instant::START), None);
        let pauses = (0..400_u64).filter(|ms| polls.batches_pause(7, 1, Instant::from_nanos(*ms)));
        assert!((150..250).contains(&pauses.count()));
        assert!(!LatePolls::NEVER.batches_pause(7, 1, Instant::START));
    }
}
