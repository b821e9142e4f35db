//! Seeded randomness in independent streams.
//!
//! Every link, disk, peer and workload draws from a stream of its own, derived from the run's seed
//! and its name, so that a fault that is removed in one place leaves all other draws as they were.
//! The generator is SplitMix64 (Steele, Lea, Flood 2014), written out here because its output must
//! never change: seeds of old failures have to keep their meaning.

use std::fmt;
use std::time::Duration;

/// Purpose of a stream; streams of different domains share nothing. The numbers name streams: they
/// never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The order of events of one instant.
    Tie = 0,
    /// One directed link: sender and receiver.
    Link = 1,
    /// One peer's disk.
    Disk = 2,
    /// One peer's election timeouts.
    Jitter = 3,
    /// The tester's own pauses.
    Tester = 4,
    /// The commands a scenario proposes.
    Commands = 5,
    /// The faults a scenario injects.
    Faults = 6,
    /// One concurrent client.
    Client = 7,
    /// Damage of a crash to pending writes.
    Damage = 8,
    /// The settings of a swarm run.
    Settings = 9,
    /// One kind of fault of a swarm run.
    Nemesis = 10,
    /// Late polls of one peer.
    LatePoll = 11,
    /// Flipped bits of one directed link's messages.
    Flip = 12,
    /// One peer's reads of entries.
    EntryRead = 13,
}

/// A sequence of random numbers that belongs to one thing in the world.
#[derive(Clone, Debug)]
pub struct Stream {
    state: u64,
}

/// A probability as a fraction.
///
/// ```
/// use raft_tests::sim::random::Chance;
/// assert_eq!(Chance::percent(10), Chance::of(10, 100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance {
    wins: u64,
    draws: u64,
}

impl Chance {
    /// It never happens.
    pub const NEVER: Self = Self { wins: 0, draws: 1 };

    /// It happens `wins` times in `draws`.
    ///
    /// # Panics
    /// If it would happen more often than it is tried.
    #[must_use]
    pub const fn of(wins: u64, draws: u64) -> Self {
        assert!(wins <= draws && draws > 0, "a chance lies between 0 and 1");
        Self { wins, draws }
    }

    /// It happens this many times in a hundred.
    #[must_use]
    pub const fn percent(percent: u64) -> Self {
        Self::of(percent, 100)
    }
}

/// In words: `2 in 3`.
impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.wins, self.draws)
    }
}

impl Stream {
    /// The stream of the entity named by `names` within `domain`.
    #[must_use]
    pub const fn new(seed: u64, domain: Domain, names: [u64; 2]) -> Self {
        let state = mix(mix(mix(mix(seed) ^ domain as u64) ^ names[0]) ^ names[1]);
        Self { state }
    }

    /// A stream that starts from one draw of another, for a group of draws that must not shift
    /// what comes after them.
    #[must_use]
    pub const fn fork(&mut self) -> Self {
        Self { state: self.draw() }
    }

    /// A number, uniform over all of `u64`.
    pub const fn draw(&mut self) -> u64 {
        let number = mix(self.state);
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        number
    }

    /// A number below `bound`; zero if the bound is zero.
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.draw() as u128 * bound as u128) >> 64) as u64
    }

    /// An index into something of this length; zero if it is empty.
    pub const fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// Draws whether an event of this chance happens.
    pub const fn happens(&mut self, chance: Chance) -> bool {
        self.below(chance.draws) < chance.wins
    }

    /// One of these.
    ///
    /// # Panics
    /// There is none.
    pub const fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// A duration between the two, every factor as likely as any other: half as likely to be twice
    /// as long.
    pub fn log_uniform(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let (low, high) = (nanos(shortest).max(1), nanos(longest).max(1));
        let doublings = (high / low).max(1).ilog2();
        let low = low << self.below(u64::from(doublings) + 1);
        Duration::from_nanos((low + self.below(low)).min(high))
    }

    /// A duration of at least `shortest` and less than `longest`.
    pub const fn between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let shortest = nanos(shortest);
        Duration::from_nanos(shortest + self.below(nanos(longest).saturating_sub(shortest)))
    }
}

/// SplitMix64's finaliser over the next state: every bit of the input reaches every bit of the
/// output.
#[must_use]
pub const fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(GOLDEN_GAMMA);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The simulated durations are far below 584 years, where `u64` nanoseconds end.
const fn nanos(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        // The reference implementation's first numbers from state 1234567.
        let mut stream = Stream { state: 1_234_567 };
        let numbers: Vec<u64> = (0..3).map(|_| stream.draw()).collect();
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn streams_of_different_names_share_nothing() {
        let mut firsts: Vec<u64> = Vec::new();
        for domain in [Domain::Tie, Domain::Link, Domain::Disk, Domain::Jitter, Domain::Client] {
            for names in [[0, 0], [0, 1], [1, 0], [1, 1]] {
                for seed in [0, 1] {
                    firsts.push(Stream::new(seed, domain, names).draw());
                }
            }
        }
        let total = firsts.len();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), total);
    }

    #[test]
    fn a_fork_takes_one_draw_however_much_is_drawn_from_it() {
        let mut quiet = Stream::new(7, Domain::Link, [1, 2]);
        let mut busy = quiet.clone();
        let _ = quiet.fork();
        let mut fork = busy.fork();
        for _ in 0..100 {
            fork.draw();
        }
        assert_eq!(quiet.draw(), busy.draw());
    }

    #[test]
    fn chances_and_ranges_are_about_right() {
        let mut stream = Stream::new(42, Domain::Tester, [0, 0]);
        let hits = (0..30_000).filter(|_| stream.happens(Chance::of(2, 3))).count();
        assert!((19_500..20_500).contains(&hits), "{hits} of 30000 at 2 in 3");
        let (low, high) = (Duration::from_millis(450), Duration::from_millis(550));
        for _ in 0..1_000 {
            let pause = stream.between(low, high);
            assert!(low <= pause && pause < high, "{pause:?}");
        }
        assert!(!stream.happens(Chance::NEVER));
        assert_eq!(stream.below(0), 0);
    }
}
