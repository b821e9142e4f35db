//! A campaign as its runs see it: tests, programs, limits, seeds.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use regex::{RegexBuilder, bytes};

use super::inputs::Inputs;
use crate::plan::{Keep, ProcessPlan, TestRule};
use crate::schedule::Job;
use crate::seed::{Seed, SeedWidth};
use crate::store::{CampaignFile, Rule, StoreError};
use crate::suite::{Binary, Test};

/// The campaign as every worker sees it.
#[derive(Debug)]
pub struct Campaign {
    /// The tests that run.
    pub tests: Vec<Test>,
    /// Their programs, at the paths from which they are run.
    pub binaries: Vec<Binary>,
    /// The start and the end of each run.
    pub process: ProcessPlan,
    /// The command that runs the programs, from cargo's configuration.
    pub runner: Vec<String>,
    /// The source of seeds.
    pub seeds: Seeds,
    /// The logs to keep.
    pub keep: Keep,
    /// The tests with a kept log of a passed run, for comparison.
    pub passes: FirstRuns,
    /// The tests with a kept log of a skipped run.
    pub skips: FirstRuns,
    /// The directory of this campaign's results; logs go below it.
    pub dir: PathBuf,
    /// The names of logs.
    pub log_names: LogNames,
    /// The attempts of runs that fail.
    pub attempts: Attempts,
    /// The files whose edits end the campaign.
    pub inputs: Arc<Inputs>,
    /// The time that earlier runs of the campaign took.
    pub earlier: Duration,
}

/// The names of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogNames {
    /// The log of a run has its number, and replaces one of an unfinished run.
    #[default]
    OfRun,
    /// The log of a replay replaces none.
    OfReplay,
}

/// The attempts of runs that fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Attempts {
    /// As many as `retries` of `dstest.toml` allows.
    #[default]
    AsConfigured,
    /// One: the run is repeated to see its result.
    One,
}

/// The source of a campaign's seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeds {
    /// Each run's seed is derived from this one, in this width.
    Derived(Seed, SeedWidth),
    /// Every run has this seed.
    Fixed(Seed),
    /// The first iteration has this seed, each further one the next.
    Following(Seed),
}

/// The tests with a first run of some kind.
#[derive(Debug)]
pub struct FirstRuns(Vec<AtomicBool>);

impl FirstRuns {
    /// No test of so many.
    #[must_use]
    pub fn none(tests: usize) -> Self {
        Self((0..tests).map(|_| AtomicBool::new(false)).collect())
    }

    /// Records a run; `true` for the first one of the test.
    pub(super) fn is_first(&self, test: usize) -> bool {
        self.0.get(test).is_some_and(|seen| !seen.swap(true, Ordering::Relaxed))
    }
}

/// The settings in which runs differ from those that `campaign.json` describes.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplaySpec {
    /// Another `VERBOSE`.
    pub verbose: Option<u8>,
    /// Other seeds.
    pub seeds: Option<Seeds>,
    /// Other logs to keep.
    pub keep: Option<Keep>,
    /// The names of logs.
    pub log_names: LogNames,
    /// The attempts of runs that fail.
    pub attempts: Attempts,
}

impl Campaign {
    /// The campaign that a `campaign.json` describes, with its logs below `dir`. Fresh, resumed and
    /// replayed campaigns are all made here, so that a replay cannot differ from the first run.
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`] if a stored pattern is not a regular expression.
    pub fn new(file: &CampaignFile, dir: PathBuf, spec: ReplaySpec) -> Result<Self, StoreError> {
        let keep = if file.archive { Keep::Everything } else { Keep::Failures };
        let seeds =
            file.following.map_or(Seeds::Derived(file.seed, file.seed_bits), Seeds::Following);
        let mut process = process_plan(file)
            .map_err(|error: regex::Error| StoreError::Unsuitable(error.to_string()))?;
        process.verbose = spec.verbose.or(process.verbose);
        Ok(Self {
            tests: file.tests.clone(),
            binaries: file.binaries.clone(),
            process,
            runner: file.runner.clone(),
            seeds: spec.seeds.unwrap_or(seeds),
            keep: spec.keep.unwrap_or(keep),
            passes: FirstRuns::none(file.tests.len()),
            skips: FirstRuns::none(file.tests.len()),
            dir,
            log_names: spec.log_names,
            attempts: spec.attempts,
            inputs: Arc::default(),
            earlier: Duration::ZERO,
        })
    }

    /// The seed of a run.
    #[must_use]
    pub fn seed_of(&self, job: Job) -> Seed {
        match self.seeds {
            Seeds::Derived(seed, width) => {
                seed.derive(&self.tests[job.test].id, job.iteration, width)
            }
            Seeds::Fixed(seed) => seed,
            Seeds::Following(first) => first.plus(job.iteration.number() - 1),
        }
    }
}

impl Campaign {
    /// The timeout of a test: that of the first exception that matches it, or the general one.
    #[must_use]
    pub fn timeout_of(&self, test: usize) -> Duration {
        let name = &self.tests[test].name;
        let exception = self.process.timeouts.iter().find(|(pattern, _)| pattern.is_match(name));
        exception.map_or(self.process.timeout, |(_, timeout)| *timeout)
    }
}

impl Campaign {
    /// The number of further attempts of a run of a test that fails.
    pub(super) fn retries_of(&self, test: usize) -> u32 {
        match self.attempts {
            Attempts::AsConfigured => {
                let mut rules = self.process.rules_of(&self.tests[test].name);
                rules.find_map(|rule| rule.retries).unwrap_or(0)
            }
            Attempts::One => 0,
        }
    }

    /// The workers that a run of a test takes, and the group whose limit counts for it.
    pub(super) fn needs_of(&self, test: usize) -> Needs {
        let name = &self.tests[test].name;
        let threads = self.process.rules_of(name).find_map(|rule| rule.threads).unwrap_or(1);
        let group = self.process.rules_of(name).find_map(|rule| rule.group.clone());
        let limit = group.as_ref().and_then(|group| self.process.groups.get(group)).copied();
        Needs { threads, group: group.zip(limit) }
    }
}

/// The share of the workers that runs of a test take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needs {
    /// Workers.
    pub(super) threads: u32,
    /// The group, and the number of its runs at once.
    pub(super) group: Option<(String, u32)>,
}

/// Limits and environment of each run, as described.
fn process_plan(file: &CampaignFile) -> Result<ProcessPlan, regex::Error> {
    let limits = &file.limits;
    let exception = |(pattern, millis): &(String, u64)| {
        let pattern = RegexBuilder::new(pattern).case_insensitive(true).build()?;
        Ok((pattern, Duration::from_millis(*millis)))
    };
    let compile = |text: &String| bytes::RegexBuilder::new(text).case_insensitive(true).build();
    Ok(ProcessPlan {
        verbose: file.verbose,
        timeout: Duration::from_millis(limits.timeout_ms),
        timeouts: limits.exceptions.iter().map(exception).collect::<Result<_, _>>()?,
        grace: Duration::from_millis(limits.grace_ms),
        max_output: limits.max_output,
        env: file.env.clone(),
        seed_env: file.seed_env.clone(),
        test_args: file.test_args.clone(),
        wrap: file.wrap.clone(),
        rules: file.rules.iter().map(rule).collect::<Result<_, _>>()?,
        groups: file.groups.clone(),
        fail_regex: limits.fail_regex.as_ref().map(compile).transpose()?,
        skip_regex: limits.skip_regex.as_ref().map(compile).transpose()?,
    })
}

fn rule(rule: &Rule) -> Result<TestRule, regex::Error> {
    let pattern = RegexBuilder::new(&rule.pattern).case_insensitive(true).build()?;
    let (group, env) = (rule.group.clone(), rule.env.clone());
    let (threads, retries) = (rule.threads, rule.retries);
    Ok(TestRule { pattern, group, threads, retries, env })
}
