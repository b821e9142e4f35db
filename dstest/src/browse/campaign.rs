//! A stored campaign for the browser: every run, their tally, and their logs. It grows while the
//! campaign runs.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::known::KnownFailures;
use crate::record::signature::group_key;
use crate::record::{Class, RunPicture, RunRecord, RunReport, Verdict};
use crate::report::completion::{Completion, End};
use crate::report::tally::Tally;
use crate::seed::Iteration;
use crate::store::{CampaignDir, CampaignFile, EventFollower, REPLAYS, StoreError, kept_log};
use crate::suite::Test;

/// A campaign.
#[derive(Debug)]
pub(crate) struct Campaign {
    pub(crate) dir: CampaignDir,
    pub(crate) file: CampaignFile,
    pub(crate) tally: Tally,
    /// Every run that is kept with its test's index, in the order of their ends.
    pub(crate) runs: Vec<(usize, RunRecord)>,
    keeps: fn(&RunRecord) -> bool,
    /// The runs without a result that were run again, as by `resume`.
    repeated: HashSet<usize>,
    /// The last record of each run without a result.
    open: HashMap<(usize, Iteration), usize>,
    pub(crate) known: KnownFailures,
    /// The replays of its runs, in the order of their ends.
    attempts: Vec<RunRecord>,
    follower: EventFollower,
    attempt_follower: EventFollower,
    index_of: HashMap<String, usize>,
}

/// A selection among the runs of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunFilter {
    /// Runs with this failure, by its group.
    Failed(usize),
    /// Runs that passed.
    Passed,
    /// Runs that were skipped.
    Skipped,
    /// Runs without a result.
    Inconclusive,
}

/// A replay of a run.
pub(crate) struct Attempt<'a> {
    pub(crate) record: &'a RunRecord,
    pub(crate) log: Option<PathBuf>,
    /// It went the same way, as its trace shows, so that its log is that of the run, with more in it.
    pub(crate) is_same: bool,
}

/// The log that a run has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LogKind {
    /// No log is stored.
    None,
    /// The output of the run.
    Kept,
    /// Output with VERBOSE: of the run, or of a replay that went the same way.
    Full,
}

impl Campaign {
    /// Reads a campaign.
    ///
    /// # Errors
    /// [`StoreError`] if `campaign.json` cannot be read; unreadable events are only counted.
    pub(crate) fn open(dir: CampaignDir) -> Result<Self, StoreError> {
        Self::read(dir, |_| true)
    }

    /// Reads a campaign, of which only the runs that failed are kept: others may be millions.
    ///
    /// # Errors
    /// As of [`Self::open`].
    pub(crate) fn open_failures(dir: CampaignDir) -> Result<Self, StoreError> {
        Self::read(dir, |record| record.verdict.failure().is_some())
    }

    fn read(dir: CampaignDir, keeps: fn(&RunRecord) -> bool) -> Result<Self, StoreError> {
        let file = dir.description()?;
        let mut campaign = Self {
            tally: Tally::of(&file.tests),
            runs: Vec::new(),
            keeps,
            repeated: HashSet::new(),
            open: HashMap::new(),
            known: KnownFailures::of_store(&dir),
            attempts: Vec::new(),
            follower: EventFollower::new(&dir.path),
            attempt_follower: EventFollower::new(&dir.path.join(REPLAYS)),
            index_of: file.indexes(),
            dir,
            file,
        };
        campaign.poll()?;
        Ok(campaign)
    }

    /// Reads what has been stored since the last call; `false` if nothing has.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(crate) fn poll(&mut self) -> Result<bool, StoreError> {
        let before = self.runs.len() + self.attempts.len();
        let Self { file, tally, runs, index_of, follower, attempts, attempt_follower, .. } = self;
        let (open, repeated, keeps) = (&mut self.open, &mut self.repeated, self.keeps);
        follower.poll(|mut record| {
            if let Some(test) = index_of.get(&record.test) {
                record.test.clone_from(&file.tests[*test].key);
                tally.record(*test, &record);
                if !keeps(&record) {
                    return;
                }
                repeated.extend(open.remove(&(*test, record.iter)));
                if record.verdict.class() == Class::Inconclusive {
                    open.insert((*test, record.iter), runs.len());
                }
                runs.push((*test, record));
            }
        })?;
        attempt_follower.poll(|record| attempts.push(record))?;
        Ok(self.runs.len() + self.attempts.len() > before)
    }

    /// The runs that were planned, and those that are done.
    pub(crate) fn completion(&self) -> Completion {
        Completion::of(&self.file, &self.tally, End::Running)
    }

    /// The number of unreadable lines in the store.
    pub(crate) const fn unreadable(&self) -> u64 {
        self.follower.unreadable()
    }

    /// The indexes of the selected runs of a test, in the order of their ends.
    pub(crate) fn runs_of(&self, test: usize, filter: &RunFilter) -> Vec<usize> {
        let group = match filter {
            RunFilter::Failed(group) => self.tally.groups().get(*group),
            RunFilter::Passed | RunFilter::Skipped | RunFilter::Inconclusive => None,
        };
        let group = group.map(|group| (group.kind, group_key(&group.signature)));
        let is_of_group = |record: &RunRecord| {
            let is_it = |(kind, key): &(_, String)| {
                record.verdict.failure() == Some(*kind) && group_key(record.reason()) == *key
            };
            group.as_ref().is_some_and(is_it)
        };
        let is_wanted = |record: &RunRecord| match (filter, record.verdict.class()) {
            (RunFilter::Failed(_), _) => is_of_group(record),
            (RunFilter::Passed, Class::Pass) => record.verdict != Verdict::Flaky,
            (RunFilter::Skipped, class) => class == Class::Skip,
            (RunFilter::Inconclusive, class) => class == Class::Inconclusive,
            (RunFilter::Passed, _) => false,
        };
        let runs = self.runs.iter().enumerate();
        let selected = runs.filter(|(at, (own, record))| {
            *own == test && is_wanted(record) && !self.repeated.contains(at)
        });
        selected.map(|(at, _)| at).collect()
    }

    /// The first run of the first failure of a test.
    pub(crate) fn first_failure(&self, test: usize) -> Option<usize> {
        let group = self.tally.groups().iter().position(|group| group.test == test)?;
        self.runs_of(test, &RunFilter::Failed(group)).first().copied()
    }

    /// A name for the runs that a filter selects.
    pub(crate) fn filter_title(&self, filter: &RunFilter) -> String {
        match filter {
            RunFilter::Failed(group) => {
                self.tally.groups().get(*group).map_or_else(String::new, |group| {
                    let mut words = group.signature.split_whitespace();
                    let shown: Vec<&str> = words.by_ref().take(4).collect();
                    let rest = if words.next().is_some() { "…" } else { "" };
                    format!("{} × {}{rest}", group.count, shown.join(" "))
                })
            }
            RunFilter::Passed => "passed".to_owned(),
            RunFilter::Skipped => "skipped".to_owned(),
            RunFilter::Inconclusive => "cancelled".to_owned(),
        }
    }

    /// The passed run whose number is nearest to another run's of the same test.
    pub(crate) fn nearest_pass(&self, run: usize) -> Option<usize> {
        let (test, record) = &self.runs[run];
        let passed = self.runs_of(*test, &RunFilter::Passed).into_iter();
        passed.min_by_key(|at| self.runs[*at].1.iter.number().abs_diff(record.iter.number()))
    }

    /// The most detailed log of a run: that of a replay only if it went the same way.
    pub(crate) fn log(&self, run: usize) -> Option<PathBuf> {
        let repeated = self.attempts_of(run).filter(|attempt| attempt.is_same);
        let repeated: Vec<PathBuf> = repeated.filter_map(|attempt| attempt.log).collect();
        repeated.into_iter().rev().chain(self.kept_log(run)).find(|path| path.is_file())
    }

    /// The log of the run itself.
    fn kept_log(&self, run: usize) -> Option<PathBuf> {
        kept_log(&self.dir.path, self.runs[run].1.log.as_ref())
    }

    /// The kind of that log.
    pub(crate) fn log_kind(&self, run: usize) -> LogKind {
        match self.log(run) {
            None => LogKind::None,
            Some(path) if path.starts_with(self.dir.path.join(REPLAYS)) => LogKind::Full,
            // With VERBOSE from the start, the first log is a full one.
            Some(_) if self.file.verbose.is_some() => LogKind::Full,
            Some(_) => LogKind::Kept,
        }
    }

    /// The replays of a run with the same seed, in the order of their ends.
    pub(crate) fn attempts_of(&self, run: usize) -> impl DoubleEndedIterator<Item = Attempt<'_>> {
        let (_, original) = &self.runs[run];
        let replays = self.dir.path.join(REPLAYS);
        let is_of_run = |attempt: &&RunRecord| {
            attempt.test == original.test
                && attempt.iter == original.iter
                && attempt.seed == original.seed
        };
        self.attempts.iter().filter(is_of_run).map(move |record| Attempt {
            record,
            log: kept_log(&replays, record.log.as_ref()),
            // Without a trace, equal results may come about in different ways.
            is_same: original.trace.is_some() && original.differences(record).is_empty(),
        })
    }

    /// The name of a log: that of the run, and of the replay if it is the log of one.
    pub(crate) fn log_name(&self, run: usize, log: &Path) -> String {
        let name = self.name(run);
        let mut attempts = (1..).zip(self.attempts_of(run));
        let is_it = |attempt: &Attempt<'_>| attempt.log.as_deref() == Some(log);
        match attempts.find(|(_, attempt)| is_it(attempt)) {
            Some((number, attempt)) => {
                format!("{name}, replay {number}: {}", attempt.record.verdict.label())
            }
            None => name,
        }
    }

    /// The report that a run wrote about its failure, or a replay that went the same way.
    pub(crate) fn report(&self, run: usize) -> Option<RunReport> {
        self.directories(run).find_map(|dir| RunReport::read(&dir))
    }

    /// The picture that a run left, or a replay that went the same way.
    pub(crate) fn picture(&self, run: usize) -> Option<RunPicture> {
        self.directories(run).find_map(|dir| RunPicture::read(&dir))
    }

    /// The kept directories of a run, and of the replays that went the same way.
    fn directories(&self, run: usize) -> impl Iterator<Item = PathBuf> + '_ {
        let repeated = self.attempts_of(run).filter(|attempt| attempt.is_same);
        let logs = self.kept_log(run).into_iter().chain(repeated.filter_map(|a| a.log));
        logs.map(|log| log.with_extension("dir"))
    }

    /// Deletes the logs of a run and of its replays.
    ///
    /// # Errors
    /// [`StoreError`], also if dstest has not made the store.
    pub(crate) fn delete_logs(&self, run: usize) -> Result<(), StoreError> {
        let repeated = self.attempts_of(run).filter_map(|attempt| attempt.log);
        let retries = self.runs[run].1.retries.iter();
        let retries = retries.filter_map(|retry| kept_log(&self.dir.path, retry.log.as_ref()));
        let logs = self.kept_log(run).into_iter().chain(retries).chain(repeated);
        let logs: Vec<PathBuf> = logs.collect();
        self.dir.own_store().remove_logs(&self.dir, &logs)
    }

    /// The run as users name it: `TEST#ITER`.
    pub(crate) fn name(&self, run: usize) -> String {
        let (test, record) = &self.runs[run];
        format!("{}#{}", self.file.tests[*test].name, record.iter)
    }

    /// `true` if this failure of the test has been marked as known.
    pub(crate) fn is_known(&self, test: usize, signature: &str) -> bool {
        let Test { key, name, .. } = &self.file.tests[test];
        self.known.contains([key, name], signature)
    }
}
