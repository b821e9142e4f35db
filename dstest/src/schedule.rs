//! The sequence of runs, in blocks of some iterations of every test. Pure.
//!
//! Invariant: within a campaign no (test, iteration) comes twice, whatever the rounds; a log is
//! never overwritten.

use std::collections::{HashSet, VecDeque};

use crate::plan::{Order, Rounds};
use crate::seed::Iteration;
use crate::shard::Shard;

/// One run to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// Index of the test in the campaign.
    pub test: usize,
    /// The iteration.
    pub iteration: Iteration,
}

impl Job {
    fn key(self) -> (usize, u32) {
        (self.test, self.iteration.number())
    }
}

/// The runs of a campaign that are still to come.
#[derive(Debug)]
pub struct Schedule(Source);

#[derive(Debug)]
enum Source {
    Blocks(Blocks),
    Listed(VecDeque<Job>),
}

impl Schedule {
    /// Every test, in the number that `rounds` sets.
    #[must_use]
    pub fn new(tests: usize, rounds: Rounds, order: Order) -> Self {
        let length = match (rounds, order) {
            (Rounds::Fixed(count) | Rounds::Growing { first: count, .. }, _) => count.get(),
            (Rounds::Endless, Order::Interleaved) => 1,
            (Rounds::Endless, Order::Sequential) => SEQUENTIAL_BLOCK,
        };
        Self(Source::Blocks(Blocks {
            rounds,
            order,
            tests: (0..tests).collect(),
            base: 0,
            length,
            position: 0,
            shard: Shard::WHOLE,
            done: HashSet::new(),
            first: VecDeque::new(),
        }))
    }

    /// Only the runs of one shard.
    #[must_use]
    pub fn of_shard(mut self, shard: Shard) -> Self {
        if let Source::Blocks(blocks) = &mut self.0 {
            blocks.shard = shard;
        }
        self
    }

    /// All runs but those that are done (test and iteration).
    #[must_use]
    pub fn without(mut self, done: HashSet<(usize, u32)>) -> Self {
        if let Source::Blocks(blocks) = &mut self.0 {
            blocks.done = done;
        }
        self
    }

    /// The same runs, but these before all others; those that are not planned are left out.
    #[must_use]
    pub fn starting_with(mut self, first: &[Job]) -> Self {
        if let Source::Blocks(blocks) = &mut self.0 {
            blocks.first = first.iter().copied().filter(|job| blocks.is_planned(*job)).collect();
            blocks.done.extend(blocks.first.iter().map(|job| job.key()));
        }
        self
    }

    /// Exactly these runs, in this order.
    #[must_use]
    pub fn listed(jobs: impl IntoIterator<Item = Job>) -> Self {
        Self(Source::Listed(jobs.into_iter().collect()))
    }

    /// The number of runs to come; `None` without a limit.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        match &self.0 {
            Source::Blocks(blocks) => blocks.total(),
            Source::Listed(jobs) => Some(jobs.len() as u64),
        }
    }

    /// The next step; `None` at the end. `cost` estimates how long a test runs: within a round of
    /// interleaved tests the slowest come first, so that none is left alone at the end.
    pub fn next(&mut self, cost: impl Fn(usize) -> f64) -> Option<Step> {
        match &mut self.0 {
            Source::Blocks(blocks) => blocks.next(cost),
            Source::Listed(jobs) => jobs.pop_front().map(Step::Run),
        }
    }
}

/// The runs of a campaign that are still to come, in blocks.
#[derive(Debug)]
struct Blocks {
    rounds: Rounds,
    order: Order,
    tests: Vec<usize>,
    /// Iterations done in earlier blocks.
    base: u32,
    /// Iterations of each test in this block.
    length: u32,
    /// Runs handed out in this block, left-out ones included.
    position: u64,
    shard: Shard,
    done: HashSet<(usize, u32)>,
    /// Runs before all others; they count as done for the blocks.
    first: VecDeque<Job>,
}

/// One step of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Run this.
    Run(Job),
    /// A longer round begins (only with growing rounds); ask again.
    Round(u32),
}

impl Blocks {
    fn total(&self) -> Option<u64> {
        let Rounds::Fixed(count) = self.rounds else { return None };
        let own = (1..=count.get()).filter_map(Iteration::new).filter(|i| self.shard.holds(*i));
        let all = own.count() as u64 * self.tests.len() as u64;
        Some(all.saturating_sub(self.done.len() as u64) + self.first.len() as u64)
    }

    fn is_planned(&self, job: Job) -> bool {
        let is_in_rounds = match self.rounds {
            Rounds::Fixed(count) => job.iteration.number() <= count.get(),
            Rounds::Endless | Rounds::Growing { .. } => true,
        };
        is_in_rounds && self.shard.holds(job.iteration) && !self.done.contains(&job.key())
    }

    fn next(&mut self, cost: impl Fn(usize) -> f64) -> Option<Step> {
        if let Some(job) = self.first.pop_front() {
            return Some(Step::Run(job));
        }
        loop {
            let width = self.tests.len() as u64;
            if self.position >= width * u64::from(self.length) {
                match self.next_block()? {
                    Some(step) => return Some(step),
                    None => continue,
                }
            }
            let job = self.job_at(self.position, &cost)?;
            self.position += 1;
            if self.shard.holds(job.iteration) && !self.done.contains(&job.key()) {
                return Some(Step::Run(job));
            }
        }
    }

    fn job_at(&mut self, position: u64, cost: &impl Fn(usize) -> f64) -> Option<Job> {
        let width = self.tests.len() as u64;
        let (test, round) = match self.order {
            Order::Interleaved => (position % width, position / width),
            Order::Sequential => {
                (position / u64::from(self.length), position % u64::from(self.length))
            }
        };
        if self.order == Order::Interleaved && test == 0 {
            self.tests.sort_by(|a, b| cost(*b).total_cmp(&cost(*a)).then(a.cmp(b)));
        }
        let iteration = u64::from(self.base) + round + 1;
        let iteration = Iteration::new(u32::try_from(iteration).ok()?)?;
        Some(Job { test: self.tests[usize::try_from(test).ok()?], iteration })
    }

    /// Moves to the next block; the outer `None` is the end.
    #[expect(clippy::option_option, reason = "the end, and a block without a step, are different")]
    fn next_block(&mut self) -> Option<Option<Step>> {
        let done = self.base.checked_add(self.length)?;
        let step = match self.rounds {
            Rounds::Fixed(_) => return None,
            Rounds::Endless => None,
            Rounds::Growing { growth, .. } => {
                self.length = self.length.saturating_mul(growth.get());
                Some(Step::Round(self.length))
            }
        };
        self.base = done;
        self.position = 0;
        (!self.tests.is_empty()).then_some(step)
    }
}

/// Iterations of each test in turn, in a sequential campaign without a limit.
const SEQUENTIAL_BLOCK: u32 = 10;

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    fn n(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    /// `test.iteration` words of the first steps, rounds as `|n`.
    fn words(mut schedule: Schedule, cost: impl Fn(usize) -> f64, limit: usize) -> String {
        let mut words = Vec::new();
        while words.len() < limit
            && let Some(step) = schedule.next(&cost)
        {
            words.push(match step {
                Step::Run(job) => format!("{}.{}", job.test, job.iteration),
                Step::Round(length) => format!("|{length}"),
            });
        }
        words.join(" ")
    }

    #[test]
    fn orders() {
        let fixed = Rounds::Fixed(n(2));
        let growing = Rounds::Growing { first: n(1), growth: n(2) };
        let rows = [
            (fixed, Order::Interleaved, "0.1 1.1 0.2 1.2"),
            (fixed, Order::Sequential, "0.1 0.2 1.1 1.2"),
            (Rounds::Endless, Order::Interleaved, "0.1 1.1 0.2 1.2 0.3 1.3 0.4 1.4 0.5"),
            (growing, Order::Interleaved, "0.1 1.1 |2 0.2 1.2 0.3 1.3 |4 0.4"),
            (growing, Order::Sequential, "0.1 1.1 |2 0.2 0.3 1.2 1.3 |4 0.4"),
        ];
        for (rounds, order, want) in rows {
            assert_eq!(words(Schedule::new(2, rounds, order), |_| 0.0, 9), want);
        }
    }

    #[test]
    fn the_slowest_test_comes_first() {
        let schedule = Schedule::new(3, Rounds::Fixed(n(1)), Order::Interleaved);
        assert_eq!(words(schedule, |test| [1.0, 9.0, 5.0][test], 9), "1.1 2.1 0.1");
    }

    #[test]
    fn done_runs_and_other_shards_are_left_out() {
        let done = HashSet::from([(0, 1), (1, 2)]);
        let (fixed, order) = (Rounds::Fixed(n(2)), Order::Interleaved);
        let schedule = Schedule::new(2, fixed, order).without(done);
        assert_eq!(schedule.total(), Some(2));
        assert_eq!(words(schedule, |_| 0.0, 9), "1.1 0.2");
        let (five, shard) = (Rounds::Fixed(n(5)), Shard::new(2, 2).unwrap());
        let schedule = Schedule::new(1, five, order).of_shard(shard);
        assert_eq!(schedule.total(), Some(2));
        assert_eq!(words(schedule, |_| 0.0, 9), "0.2 0.4");
        assert_eq!(Shard::new(3, 2), None);
    }

    #[test]
    fn some_runs_come_first_and_only_once() {
        let job = |test, number| Job { test, iteration: Iteration::new(number).unwrap() };
        let (fixed, order) = (Rounds::Fixed(n(2)), Order::Interleaved);
        let first = [job(1, 2), job(0, 3)];
        let schedule = Schedule::new(2, fixed, order).starting_with(&first);
        assert_eq!(schedule.total(), Some(4), "the third iteration is not planned");
        assert_eq!(words(schedule, |_| 0.0, 9), "1.2 0.1 1.1 0.2");
        let endless = Schedule::new(1, Rounds::Endless, order).starting_with(&[job(0, 3)]);
        assert_eq!(words(endless, |_| 0.0, 4), "0.3 0.1 0.2 0.4");
    }

    proptest! {
        #[test]
        fn nothing_comes_twice_and_shards_together_are_everything(
            tests in 1_usize..5, count in 1_u32..9, shards in 1_u32..4, sequential: bool,
        ) {
            let order = if sequential { Order::Sequential } else { Order::Interleaved };
            let mut seen = HashSet::new();
            for index in 1..=shards {
                let shard = Shard::new(index, shards).unwrap();
                let rounds = Rounds::Fixed(n(count));
                let mut schedule = Schedule::new(tests, rounds, order).of_shard(shard);
                while let Some(Step::Run(job)) = schedule.next(|test| test as f64) {
                    prop_assert!(seen.insert((job.test, job.iteration)));
                }
            }
            prop_assert_eq!(seen.len(), tests * count as usize);
        }
    }
}
