//! `dstest replay`: one run again, by the same program with the same seed, and now in full detail.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::live_session::LiveSession;
use super::project::store_of;
use super::stored::{LogDir, ReplaySpec, Stored, parse_run};
use crate::cli::ReplayArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::model::{Class, Iteration, RunRecord, Verdict};
use crate::plan::{Budget, Keep, Rounds};
use crate::run::{
    self, Campaign, DispatchOptions, Job, Observer, Outcome, RunEvent, Schedule, Seeds, Stop,
};
use crate::seed::Seed;
use crate::shell;
use crate::signals::Interrupts;
use crate::signature::group_key;
use crate::store::{Store, StoreError};
use crate::style::{Paint, TextStyle};
use crate::summary::runs;
use crate::view;

/// What is to be repeated.
pub(super) struct Target {
    pub(super) stored: Stored,
    pub(super) job: Job,
    /// The run that is repeated; `None` with a seed of the user's own.
    pub(super) before: Option<RunRecord>,
}

/// Repeats a run and compares.
pub(super) fn replay(args: &ReplayArgs, interrupts: &Interrupts) -> Result<Exit, Error> {
    let store = store_of(&args.location)?;
    let target = find(&args.which, args.seed, &store)?;
    let campaign = target.stored.campaign(ReplaySpec {
        verbose: Some(args.verbose.max(1)),
        // The record's own seed: in a merged campaign it need not follow from the campaign's.
        seeds: args.seed.or(target.before.as_ref().map(|before| before.seed)).map(Seeds::Fixed),
        keep: Keep::Everything,
        log_dir: LogDir::Subdirectory("replays"),
    })?;
    if args.print {
        view::print(&format!("{}\n", shell_line(&campaign, target.job)));
        return Ok(Exit::Success);
    }
    let Some(after) = run_once(campaign, target.job, interrupts)? else {
        return Ok(Exit::Interrupted);
    };
    let paint = Paint::choose(args.location.store.color, &std::io::stdout());
    let dir = target.stored.dir.path.join("replays");
    view::print(&said(&after, &dir, paint));
    Ok(match &target.before {
        Some(before) => compare(before, &after, paint),
        None if after.verdict.class() == Class::Pass => Exit::Success,
        None => Exit::SomeFailed,
    })
}

/// The stored run that `[RUN] [TEST#ITER]` means; the first failure without a word.
pub(super) fn recorded_run(store: &Store, which: &[String]) -> Result<(Stored, RunRecord), Error> {
    let Target { stored, before, .. } = find(which, None, store)?;
    let record = before.ok_or_else(|| no_such(&which.join(" ")))?;
    Ok((stored, record))
}

/// `[RUN] [TEST#ITER]`, or `[RUN] TEST` with `--seed`; the first failure without a word.
pub(super) fn find(which: &[String], seed: Option<Seed>, store: &Store) -> Result<Target, Error> {
    let words: Vec<&str> = which.iter().map(String::as_str).collect();
    let is_run = |word: &str| seed.is_none() && parse_run(word).is_none();
    let (run, which) = match words.as_slice() {
        [] => (None, None),
        [word] if is_run(word) => (Some(*word), None),
        [word] => (None, Some(*word)),
        [run, which, ..] => (Some(*run), Some(*which)),
    };
    let stored = Stored::open(store, run)?;
    let (job, before) = match (seed, which) {
        (Some(_), which) => {
            (Job { test: named(&stored, which)?, iteration: Iteration::FIRST }, None)
        }
        (None, None) => first_failure(&stored)?,
        (None, Some(word)) => recorded(&stored, word)?,
    };
    Ok(Target { stored, job, before })
}

fn named(stored: &Stored, which: Option<&str>) -> Result<usize, StoreError> {
    let only = (stored.file.tests.len() == 1).then_some(0);
    let found = which.map_or(only, |name| stored.test(name));
    found.ok_or_else(|| no_such(which.unwrap_or("--seed without a test")))
}

fn first_failure(stored: &Stored) -> Result<(Job, Option<RunRecord>), StoreError> {
    let mut first = None;
    stored.each(|test, record| {
        if first.is_none() && record.verdict.class() == Class::Fail {
            first = Some((Job { test, iteration: record.iter }, Some(record)));
        }
    })?;
    first.ok_or_else(|| {
        StoreError::Unsuitable("no run of that campaign failed; name one: TEST#ITER".into())
    })
}

fn recorded(stored: &Stored, word: &str) -> Result<(Job, Option<RunRecord>), StoreError> {
    let (name, iteration) = parse_run(word).ok_or_else(|| no_such(word))?;
    let test = named(stored, (!name.is_empty()).then_some(name))?;
    let found = stored.find(|index, record| index == test && record.iter == iteration)?;
    let (test, record) = found.ok_or_else(|| no_such(word))?;
    Ok((Job { test, iteration }, Some(record)))
}

fn no_such(what: &str) -> StoreError {
    StoreError::Unsuitable(format!(
        "`{what}` is no run of that campaign (TEST#ITER, as in its table)"
    ))
}

/// Keeps the few records there will be.
#[derive(Default)]
struct Collector(Vec<RunRecord>);

impl Observer for Collector {
    fn event(&mut self, event: &RunEvent<'_>) -> ControlFlow<()> {
        if let RunEvent::Finished { record, .. } = event {
            self.0.push((*record).clone());
        }
        ControlFlow::Continue(())
    }
}

/// Runs a share of a campaign's passed runs again and compares their traces.
pub(super) fn verify(
    stored: &Stored,
    workers: usize,
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    let mut passed = Vec::new();
    stored.each(|test, record| {
        if record.verdict == Verdict::Passed && record.trace.is_some() {
            passed.push((test, record));
        }
    })?;
    let again = passed.len().div_ceil(VERIFY_SHARE).min(VERIFY_RUNS_MAX);
    if again == 0 {
        view::print("nothing to verify: no run that passed has printed a trace\n");
        return Ok(Exit::Success);
    }
    let chosen: Vec<_> = passed.iter().step_by(passed.len() / again).take(again).collect();
    let jobs = chosen.iter().map(|(test, record)| Job { test: *test, iteration: record.iter });
    let how = ReplaySpec {
        verbose: None,
        seeds: None,
        keep: Keep::Failures,
        log_dir: LogDir::Subdirectory("verify"),
    };
    let Some(after) = run_listed(stored.campaign(how)?, jobs.collect(), workers, interrupts)?
    else {
        return Ok(Exit::Interrupted);
    };
    let mut exit = Exit::Success;
    for (_, before) in chosen {
        let same = |record: &&RunRecord| record.test == before.test && record.iter == before.iter;
        for difference in
            after.iter().find(same).map_or_else(Vec::new, |now| differences(before, now))
        {
            view::print(&format!("not the same: {} #{}: {difference}\n", before.test, before.iter));
            exit = Exit::Differed;
        }
    }
    if exit == Exit::Success {
        view::print(&format!("{} again: every trace is the same\n", runs(again as u64)));
    }
    Ok(exit)
}

/// Repeats the first failure of each kind with VERBOSE on, and of each failing test a run that
/// passed beside it, so that a campaign that ran silently still ends with a full log of everything
/// it found and of what it should be like. Only tests that print a trace are repeated: the others
/// do not claim to go the same way twice.
pub(super) fn detail(
    stored: &Stored,
    workers: usize,
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    let chosen = runs_worth_a_log(stored)?;
    if chosen.is_empty() {
        return Ok(Exit::Success);
    }
    let how = ReplaySpec {
        verbose: Some(DETAIL),
        seeds: None,
        keep: Keep::Everything,
        log_dir: LogDir::Subdirectory("replays"),
    };
    let campaign = stored.campaign(how)?;
    let dir = shell::relative(&campaign.dir);
    let jobs = chosen.iter().map(|(job, _)| *job).collect();
    let Some(after) = run_listed(campaign, jobs, workers, interrupts)? else {
        return Ok(Exit::Interrupted);
    };
    view::print(&format!("Full logs (VERBOSE={DETAIL}) of the first of each kind:\n"));
    let (passed, failed): (Vec<_>, Vec<_>) =
        after.iter().partition(|record| record.verdict == Verdict::Passed);
    for now in failed {
        let is_before = |record: &&RunRecord| record.test == now.test && record.iter == now.iter;
        let before = chosen.iter().map(|(_, record)| record).find(is_before);
        let differs = before.is_some_and(|before| !differences(before, now).is_empty());
        let remark = if differs { "  (went differently this time)" } else { "" };
        let log = now.log.as_deref().unwrap_or("-");
        view::print(&format!("  {} #{}  {dir}/{log}{remark}\n", now.test, now.iter));
    }
    if !passed.is_empty() {
        let count = runs(passed.len() as u64);
        view::print(&format!("  and of {count} that passed, to compare them with\n"));
    }
    Ok(Exit::Success)
}

/// The first failure of each kind, and of each test with one the passed run with the nearest
/// number.
fn runs_worth_a_log(stored: &Stored) -> Result<Vec<(Job, RunRecord)>, StoreError> {
    let mut kinds = HashSet::new();
    let mut chosen: Vec<(Job, RunRecord)> = Vec::new();
    stored.each(|test, record| {
        let is_traced = record.verdict.class() == Class::Fail && record.trace.is_some();
        let has_room = chosen.len() < DETAIL_RUNS_MAX;
        if is_traced && has_room && kinds.insert((test, group_key(record.reason()))) {
            chosen.push((Job { test, iteration: record.iter }, record));
        }
    })?;
    let mut failed: BTreeMap<usize, Iteration> = BTreeMap::new();
    for (job, _) in &chosen {
        failed.entry(job.test).or_insert(job.iteration);
    }
    let mut passed: BTreeMap<usize, RunRecord> = BTreeMap::new();
    stored.each(|test, record| {
        let Some(failure) = failed.get(&test) else { return };
        let far = |record: &RunRecord| record.iter.number().abs_diff(failure.number());
        let is_nearer = passed.get(&test).is_none_or(|other| far(&record) < far(other));
        if record.verdict == Verdict::Passed && record.trace.is_some() && is_nearer {
            passed.insert(test, record);
        }
    })?;
    let passed = passed.into_iter();
    chosen.extend(passed.map(|(test, record)| (Job { test, iteration: record.iter }, record)));
    Ok(chosen)
}

/// The record; `None` if the user interrupted it.
pub(super) fn run_once(
    campaign: Campaign,
    job: Job,
    interrupts: &Interrupts,
) -> Result<Option<RunRecord>, Error> {
    let records = run_listed(campaign, vec![job], 1, interrupts)?;
    Ok(records.and_then(|mut records| records.pop()))
}

/// The records of these runs; `None` if the user interrupted them.
fn run_listed(
    campaign: Campaign,
    jobs: Vec<Job>,
    workers: usize,
    interrupts: &Interrupts,
) -> Result<Option<Vec<RunRecord>>, Error> {
    let live_session = LiveSession::replay(&campaign.dir)?;
    let once = std::num::NonZeroU32::MIN;
    let options = DispatchOptions {
        schedule: Schedule::listed(jobs),
        budget: Budget { rounds: Rounds::Fixed(once), duration: None, max_fail: None },
        workers,
        expected_duration: Arc::new(|_| 0.0),
        live: &live_session.live,
    };
    let mut only = Collector::default();
    let outcome = run::dispatch(&Arc::new(campaign), options, interrupts, &mut only);
    let Outcome { stop, .. } = outcome.map_err(Error::system("start the run"))?;
    Ok((stop != Stop::Interrupted).then_some(only.0))
}

fn said(record: &RunRecord, dir: &std::path::Path, paint: Paint) -> String {
    let style =
        if record.verdict.class() == Class::Pass { TextStyle::Good } else { TextStyle::Bad };
    let verdict = paint.apply(style, record.verdict.label());
    let why = record.signature.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    let seed = record.seed;
    let log = record
        .log
        .as_ref()
        .map_or_else(String::new, |log| format!("  log  {}\n", shell::relative(&dir.join(log))));
    format!("{} #{}, seed {seed}, {verdict}{why}\n{log}", record.test, record.iter)
}

/// Whether a run went as before: verdict, kind of failure, and trace where there is one.
fn compare(before: &RunRecord, after: &RunRecord, paint: Paint) -> Exit {
    let differences = differences(before, after);
    if differences.is_empty() {
        let trace = after.trace.map_or_else(String::new, |trace| format!(", trace {trace}"));
        view::print(&paint.apply(TextStyle::Good, &format!("the same as before{trace}\n")));
        return Exit::Success;
    }
    for difference in differences {
        view::print(&paint.apply(TextStyle::Warning, &format!("not the same: {difference}\n")));
    }
    Exit::Differed
}

/// In what two runs with one seed differ, as sentences.
fn differences(before: &RunRecord, after: &RunRecord) -> Vec<String> {
    let mut differences = Vec::new();
    if before.verdict != after.verdict {
        let (old, new) = (before.verdict.label(), after.verdict.label());
        differences.push(format!("it {old} before and {new} now"));
    } else if group_key(before.reason()) != group_key(after.reason()) {
        differences.push(format!("it failed in another way before: {}", before.reason()));
    }
    if before.trace != after.trace {
        let hex = |record: &RunRecord| {
            record.trace.map_or_else(|| "none".to_owned(), |trace| trace.to_string())
        };
        differences.push(format!("its trace was {} and is {}", hex(before), hex(after)));
    }
    differences
}

/// The run as a line for a shell.
fn shell_line(campaign: &Campaign, job: Job) -> String {
    let launch = run::launch(campaign, job);
    let words = launch.env.iter().map(|(name, value)| format!("{name}={}", shell::quote(value)));
    let words: Vec<String> = words.collect();
    let command: Vec<String> = launch.argv.iter().map(|word| shell::quote(word)).collect();
    let cwd = shell::quote(&launch.cwd.to_string_lossy());
    format!("cd {cwd} && env {} {}", words.join(" "), command.join(" "))
}

/// With the heartbeats: what led to a failure is only known if no message is missing.
const DETAIL: u8 = 2;

/// More kinds of failures than this are read one after the other anyway.
const DETAIL_RUNS_MAX: usize = 20;

/// One in so many passed runs is verified.
const VERIFY_SHARE: usize = 10;

/// More runs prove little more: a source of chance shows in the first few.
const VERIFY_RUNS_MAX: usize = 100;
