//! Limits and environment of each run.

use std::collections::BTreeMap;
use std::time::Duration;

use regex::{Regex, bytes};

use super::error::PlanError;
use super::select::{compile_bytes, compile_one};
use crate::cli::{ProcessArgs, Words};
use crate::config::{Config, TestConfig};

/// The start and the end of each run.
#[derive(Debug, Clone)]
pub struct ProcessPlan {
    /// `VERBOSE` for each run; `None` leaves the environment's own.
    pub verbose: Option<u8>,
    /// A run is asked to end after this time.
    pub timeout: Duration,
    /// Exceptions to the timeout; the first match counts.
    pub timeouts: Vec<(Regex, Duration)>,
    /// A run that was asked to end is killed after this time.
    pub grace: Duration,
    /// A run that printed more bytes is killed.
    pub max_output: u64,
    /// Variables set for every run.
    pub env: Vec<(String, String)>,
    /// Further arguments of test programs.
    pub test_args: Vec<String>,
    /// The command that runs each run; empty for none.
    pub wrap: Vec<String>,
    /// Exceptions for some tests.
    pub rules: Vec<TestRule>,
    /// The number of runs at once of each group of tests.
    pub groups: BTreeMap<String, u32>,
    /// A further variable that carries the seed.
    pub seed_env: Option<String>,
    /// Output that means failure whatever the exit code.
    pub fail_regex: Option<bytes::Regex>,
    /// Output that means that a run which did not fail was skipped.
    pub skip_regex: Option<bytes::Regex>,
}

/// An exception for some tests.
#[derive(Debug, Clone)]
pub struct TestRule {
    /// The tests.
    pub pattern: Regex,
    /// Their group.
    pub group: Option<String>,
    /// Workers that each of their runs takes.
    pub threads: Option<u32>,
    /// Further attempts of a run that failed.
    pub retries: Option<u32>,
    /// Variables set for their runs.
    pub env: Vec<(String, String)>,
}

impl ProcessPlan {
    /// The rules that match a test, the first of which counts.
    pub(crate) fn rules_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a TestRule> {
        self.rules.iter().filter(move |rule| rule.pattern.is_match(name))
    }

    /// Options where given, the configuration otherwise.
    pub(super) fn resolve(args: &ProcessArgs, config: &Config) -> Result<Self, PlanError> {
        Ok(Self {
            verbose: (args.verbose > 0).then_some(args.verbose),
            timeout: args.timeout.or(config.run.timeout).unwrap_or(TIMEOUT),
            timeouts: timeouts(&config.test)?,
            grace: args.grace.or(config.run.grace).unwrap_or(GRACE),
            max_output: args.max_output.unwrap_or(OUTPUT_BYTES_MAX),
            env: config.env.clone().into_iter().chain(args.env.clone()).collect(),
            seed_env: args.seed_env.clone().or_else(|| config.run.seed_env.clone()),
            test_args: args.test_arg.clone(),
            wrap: args.wrap.clone().map_or_else(Vec::new, |Words(words)| words),
            rules: rules(config)?,
            groups: config
                .group
                .iter()
                .map(|(name, group)| (name.clone(), group.limit()))
                .collect(),
            fail_regex: compile_bytes("--fail-regex", args.fail_regex.as_deref())?,
            skip_regex: compile_bytes("--skip-regex", args.skip_regex.as_deref())?,
        })
    }
}

fn rules(config: &Config) -> Result<Vec<TestRule>, PlanError> {
    let mut rules = Vec::new();
    for test in &config.test {
        let pattern = compile_one("dstest.toml [[test]] match", &test.pattern)?;
        let (group, env) = (test.group.clone(), test.env.clone().into_iter().collect());
        if let Some(name) = group.as_ref().filter(|name| !config.group.contains_key(*name)) {
            return Err(PlanError::NoGroup(name.clone()));
        }
        let (threads, retries) = (test.threads.map(u32::from), test.retries);
        rules.push(TestRule { pattern, group, threads, retries, env });
    }
    Ok(rules)
}

fn timeouts(tests: &[TestConfig]) -> Result<Vec<(Regex, Duration)>, PlanError> {
    let mut timeouts = Vec::new();
    for test in tests {
        let pattern = compile_one("dstest.toml [[test]] match", &test.pattern)?;
        timeouts.extend(test.timeout.map(|timeout| (pattern, timeout)));
    }
    Ok(timeouts)
}

/// The default of `-T`: the labs' limit for one test.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The default of `--grace`: enough to write a core dump or a last log line.
const GRACE: Duration = Duration::from_secs(2);

/// The default of `--max-output`: a fully verbose run of the longest lab fits.
const OUTPUT_BYTES_MAX: u64 = 64 << 20;
