//! The campaigns of a store in the order of time: the rate and the time of each test in each of them,
//! and the campaigns in which one of these has changed.
//!
//! Pure: campaigns in, rows out. A change is a split of the campaigns into earlier and later ones that
//! chance does not explain (`scan.rs`): failures by Fisher's exact test, times as `compare` does and by the
//! differences between campaigns, with what all tests of a campaign have in common taken out. The probabilities are corrected for every split, test
//! and measure that was looked at, so that a store in which nothing changes shows any change at all with
//! a probability of [`SIGNIFICANT`](super::compare::SIGNIFICANT) at most.
//!
//! Campaigns with other options than the newest one of a test are shown and count for no change.

mod conditions;
mod point;
mod pooled;
mod scan;
mod series;

use std::collections::HashMap;

use serde::Serialize;

pub use self::point::{Counts, Point, Quantile, Times};

use self::conditions::Conditions;
use self::pooled::Pooled;
use self::series::{FailureSeries, Measured, TimeSeries};
use super::compare::{Direction, p_words};
use super::completion::{Completion, End};
use super::tally::Tally;
use crate::origin::Commit;
use crate::seed::Seed;
use crate::store::CampaignFile;

/// A stored campaign, as it is read.
#[derive(Debug)]
pub struct Source {
    /// Its id.
    pub id: String,
    /// Its description.
    pub file: CampaignFile,
    /// Its results.
    pub tally: Tally,
    /// The runs that are done, and its end.
    pub completion: Completion,
}

/// The campaigns of a store in the order of time, and each test's results in them.
#[derive(Debug, Serialize)]
pub struct History {
    /// The campaigns, the oldest first.
    pub campaigns: Vec<Campaign>,
    /// The tests of all of them: in the order of the newest campaign, then of the one before it, ….
    pub tests: Vec<TestHistory>,
}

/// One campaign of a history.
#[derive(Debug, Serialize)]
pub struct Campaign {
    /// Its id.
    pub id: String,
    /// Its start (RFC 3339, UTC).
    pub started: String,
    /// The commit of its programs, if it is known.
    pub commit: Option<Commit>,
    /// Its seed.
    pub seed: Seed,
    /// Runs that are done.
    pub done: u64,
    /// Runs that were planned; absent without a number.
    pub planned: Option<u64>,
    /// Its end.
    pub end: End,
    /// Its share of the iterations, as `I/M`; absent for all of them.
    pub shard: Option<String>,
    /// Facts that distinguish it from a whole campaign of a commit, in words.
    pub remarks: Vec<String>,
}

/// One test in all campaigns.
#[derive(Debug, Serialize)]
pub struct TestHistory {
    /// Display name, of the newest campaign.
    pub name: String,
    /// The name that is the same in every campaign.
    pub key: String,
    /// Its results, the oldest first: one for each campaign that it was in.
    pub points: Vec<Point>,
    /// The changes that chance does not explain, the oldest first.
    pub changes: Vec<Change>,
}

/// A measure of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The rate of failures.
    Failures,
    /// The time of runs that passed, beyond what all tests have in common.
    Time,
    /// The same for CPU time.
    CpuTime,
}

/// A change from one campaign on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// The changed measure.
    pub measure: Measure,
    /// Worse or better; unclear of times of a few tests, which the load may have changed as well.
    pub direction: Direction,
    /// The first campaign after the change, by its index: the most likely one.
    pub campaign: usize,
    /// The earliest campaign that is about as likely the first one, by its index.
    pub earliest: usize,
    /// The latest one.
    pub latest: usize,
    /// The value before: a rate, or the mean of the medians in seconds, beyond what all tests of a campaign
    /// have in common; so it is another one than those of the campaigns where the load differs.
    pub before: f64,
    /// The value from then on, up to the next change.
    pub now: f64,
    /// The probability of such a change by chance, corrected for all that was looked at.
    pub p: f64,
}

impl History {
    /// The history of these campaigns, the oldest first.
    #[must_use]
    pub fn of(sources: &[Source]) -> Self {
        let campaigns = sources.iter().map(Campaign::of).collect();
        let mut tests: Vec<TestHistory> = Vec::new();
        let mut index_of: HashMap<&str, usize> = HashMap::new();
        for test in sources.iter().rev().flat_map(|source| source.tally.tests()) {
            index_of.entry(&test.key).or_insert_with(|| {
                tests.push(TestHistory::new(&test.name, &test.key));
                tests.len() - 1
            });
        }
        for (campaign, source) in sources.iter().enumerate() {
            for (place, test) in source.tally.tests().iter().enumerate() {
                tests[index_of[&*test.key]].points.push(Point::of(campaign, place, test));
            }
        }
        let conditions: Vec<Conditions> =
            sources.iter().map(|source| Conditions::of(&source.file)).collect();
        for test in &mut tests {
            test.set_repetitions_aside(sources, &conditions);
            test.set_other_conditions_aside(&conditions);
        }
        find_changes(sources, &mut tests);
        Self { campaigns, tests }
    }

    /// The change in words, with its first campaign: `fails more often since 4f2a: 0.1 % → 3.0 %`.
    #[must_use]
    pub fn words(&self, change: &Change) -> String {
        let value = |value: f64| match change.measure {
            Measure::Failures => crate::report::summary::percent(value),
            Measure::Time | Measure::CpuTime => crate::text::duration::short(value),
        };
        let what = match (change.measure, change.now > change.before) {
            (Measure::Failures, true) => "fails more often",
            (Measure::Failures, false) => "fails less often",
            (Measure::Time, true) => "takes longer",
            (Measure::Time, false) => "takes less time",
            (Measure::CpuTime, true) => "takes more CPU time",
            (Measure::CpuTime, false) => "takes less CPU time",
        };
        let unclear = match change.direction {
            Direction::Unclear => ", by its own doing or by the load",
            Direction::Worse | Direction::Better | Direction::Same => "",
        };
        let name = |index: usize| {
            let Campaign { id, commit, .. } = &self.campaigns[index];
            let commit = commit.as_ref().map(|commit| format!(" ({})", commit.short()));
            id.clone() + &commit.unwrap_or_default()
        };
        let (first, before, now) = (name(change.campaign), value(change.before), value(change.now));
        let (earliest, latest) = (change.earliest, change.latest);
        let range = match earliest == latest {
            true => String::new(),
            false => format!(" (first one: {} to {})", name(earliest), name(latest)),
        };
        format!("{what} since {first}{range}: {before} → {now}{unclear}, {}", p_words(change.p))
    }
}

impl Campaign {
    fn of(source: &Source) -> Self {
        let Source { id, file, completion, .. } = source;
        let commit = file.commit_of_programs().cloned();
        let shard = file.shard.clone();
        let mut remarks = Vec::new();
        if commit.as_ref().is_some_and(|commit| commit.modified) {
            remarks.push("uncommitted changes".to_owned());
        }
        remarks.extend(shard.as_ref().map(|shard| format!("shard {shard}")));
        match completion.end {
            End::Running => remarks.push(format!("running: {}", completion.runs())),
            _ if completion.is_complete() => {}
            End::Interrupted => remarks.push(format!("interrupted: {}", completion.runs())),
            End::Complete | End::Time | End::Failures | End::Stopped => {
                remarks.push(completion.runs());
            }
        }
        Self {
            id: id.clone(),
            started: file.started.clone(),
            commit,
            seed: file.seed,
            done: completion.done,
            planned: completion.planned,
            end: completion.end,
            shard,
            remarks,
        }
    }
}

impl TestHistory {
    fn new(name: &str, key: &str) -> Self {
        let (name, key) = (name.to_owned(), key.to_owned());
        Self { name, key, points: Vec::new(), changes: Vec::new() }
    }

    /// The newest change of a measure.
    #[must_use]
    pub fn newest_change(&self, measure: Measure) -> Option<&Change> {
        self.changes.iter().rev().find(|change| change.measure == measure)
    }

    /// `true` if any measure was last seen to get worse.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        let measures = [Measure::Failures, Measure::Time, Measure::CpuTime];
        let newest = measures.iter().filter_map(|measure| self.newest_change(*measure));
        newest.into_iter().any(|change| change.direction == Direction::Worse)
    }

    /// Lets runs count once that are in several campaigns: shards that were merged, and repetitions with
    /// the same seed, commit and options.
    fn set_repetitions_aside(&mut self, sources: &[Source], conditions: &[Conditions]) {
        let has_runs_of = |point: &Point, other: &Point| {
            let (own, whole) = (&sources[point.campaign].file, &sources[other.campaign].file);
            if own.seed != whole.seed {
                return false;
            }
            let (commit, of_whole) = (own.commit_of_programs(), whole.commit_of_programs());
            // What was merged of several commits has none.
            let is_share = own.shard.is_some()
                && whole.shard.is_none()
                && (of_whole.is_none() || commit == of_whole);
            let is_again = own.shard == whole.shard
                && commit.is_some_and(|commit| !commit.modified)
                && commit == of_whole
                && (point.total, point.campaign) < (other.total, other.campaign);
            let [of_own, of_whole] = [point, other].map(|it| &conditions[it.campaign]);
            (is_share || is_again) && of_own.has_options_of(point.test, of_whole, other.test)
        };
        let holder = |point: &Point| self.points.iter().find(|other| has_runs_of(point, other));
        let holders: Vec<Option<usize>> =
            self.points.iter().map(|point| holder(point).map(|it| it.campaign)).collect();
        for (point, holder) in self.points.iter_mut().zip(holders) {
            if let Some(holder) = holder {
                point.counts = Counts::Nothing;
                point.remarks.push(format!("its runs are in {}", sources[holder].id));
            }
        }
    }

    /// Lets points of other conditions than those of the newest one count for nothing, or not for times.
    fn set_other_conditions_aside(&mut self, conditions: &[Conditions]) {
        let Some((newest, test)) = self.points.last().map(|it| (&conditions[it.campaign], it.test))
        else {
            return;
        };
        for point in &mut self.points {
            let own = &conditions[point.campaign];
            let options = own.options_unlike(point.test, newest, test);
            let machine = own.machine_unlike(newest);
            if !options.is_empty() {
                point.counts = Counts::Nothing;
                point.remarks.push(format!("other options: {}", options.join(", ")));
            }
            if !machine.is_empty() {
                point.counts = point.counts.min(Counts::Failures);
                point.remarks.push(machine.join(", "));
            }
        }
    }
}

/// Looks for changes of every test and measure, corrected for all of them together.
fn find_changes(sources: &[Source], tests: &mut [TestHistory]) {
    let (measured, pooled) = (Measured::of(sources.len(), tests), Pooled::of(sources));
    let mut found = Vec::new();
    for (index, test) in tests.iter().enumerate() {
        let of = |least: Counts| -> Vec<&Point> {
            let counts = |point: &&Point| point.total > 0 && point.counts >= least;
            test.points.iter().filter(counts).collect()
        };
        let (failures, times) = (of(Counts::Failures), of(Counts::Everything));
        found.push((index, scan::Search::Failures(FailureSeries::of(&failures))));
        for measure in [Measure::Time, Measure::CpuTime] {
            let series = TimeSeries::of(&pooled, &measured, &test.key, &times, measure);
            found.extend(series.map(|series| (index, scan::Search::Times(series))));
        }
    }
    let series = found.iter().filter(|(_, search)| search.len() > 1).count();
    let changes = found.iter().map(|(index, search)| (*index, search.changes(series)));
    let changes: Vec<(usize, Vec<Change>)> = changes.collect();
    for (index, changes) in changes {
        tests[index].changes.extend(changes);
    }
    tests.iter_mut().for_each(|test| test.changes.sort_by_key(|it| (it.campaign, it.measure)));
}

#[cfg(test)]
mod tests;
