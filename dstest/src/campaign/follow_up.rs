//! Repetitions at the end of a campaign: failures in full detail, and a share of the passed runs.

use std::collections::BTreeMap;

use super::rerun::run_listed;
use super::stored::StoredCampaign;
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::Keep;
use crate::process::signals::Interrupts;
use crate::record::signature::group_key;
use crate::record::{Class, RunRecord, Verdict};
use crate::report::summary::runs;
use crate::run::{Attempts, LogNames, ReplaySpec};
use crate::schedule::Job;
use crate::seed::Iteration;
use crate::store::{REPLAYS, StoreError};
use crate::text::{console, shell, sink};

/// Repeats some runs of a campaign that is over, and returns its exit code, or the worse one of
/// the repetitions.
pub(crate) fn follow_up(
    stored: &StoredCampaign,
    exit: Exit,
    is_verified: bool,
    interrupts: &Interrupts,
) -> Result<Exit, Error> {
    if !matches!(exit, Exit::Success | Exit::SomeFailed) {
        return Ok(exit);
    }
    if exit == Exit::SomeFailed && stored.file.verbose.is_none() {
        let detailed = detail(stored, interrupts)?;
        if detailed != Exit::Success {
            return Ok(detailed);
        }
    }
    if is_verified {
        let verified = verify(stored, interrupts)?;
        return Ok(if verified == Exit::Success { exit } else { verified });
    }
    Ok(exit)
}

/// Repeats a share of a campaign's passed runs and compares their traces.
fn verify(stored: &StoredCampaign, interrupts: &Interrupts) -> Result<Exit, Error> {
    let mut passed = Vec::new();
    stored.each(|test, record| {
        if record.verdict == Verdict::Passed && record.trace.is_some() {
            passed.push((test, record));
        }
    })?;
    let count = passed.len().div_ceil(VERIFY_SHARE).min(VERIFY_RUNS_MAX);
    if count == 0 {
        console::print("nothing to verify: no run that passed has printed a trace\n");
        return Ok(Exit::Success);
    }
    let chosen: Vec<_> = passed.iter().step_by(passed.len() / count).take(count).collect();
    let jobs = chosen.iter().map(|(test, record)| Job { test: *test, iteration: record.iter });
    let (keep, attempts) = (Some(Keep::Failures), Attempts::One);
    let spec = ReplaySpec { keep, attempts, ..ReplaySpec::default() };
    let campaign = stored.campaign(Some("verify"), spec)?;
    let Some(after) = run_listed(campaign, jobs.collect(), stored.file.workers, interrupts)? else {
        return Ok(Exit::Interrupted);
    };
    let mut exit = Exit::Success;
    for (_, before) in chosen {
        let same = |record: &&RunRecord| record.test == before.test && record.iter == before.iter;
        let differences =
            after.iter().find(same).map_or_else(Vec::new, |now| before.differences(now));
        for difference in differences {
            let (test, iter) = (stored.file.name_of(before), before.iter);
            let (test, difference) = (sink::screen(test), sink::screen(&difference));
            console::print(&format!("not reproduced: {test} #{iter}: {difference}\n"));
            exit = Exit::Differed;
        }
    }
    if exit == Exit::Success {
        console::print(&format!("{} repeated: all traces equal\n", runs(count as u64)));
    }
    Ok(exit)
}

/// Repeats the first failure of each kind with VERBOSE on, and for each failing test a run that
/// passed, so that a silent campaign still ends with a full log of everything it found and of what
/// it should be like. Only tests that print a trace are repeated: the others need not be
/// deterministic.
fn detail(stored: &StoredCampaign, interrupts: &Interrupts) -> Result<Exit, Error> {
    let chosen = runs_worth_a_log(stored)?;
    if chosen.is_empty() {
        return Ok(Exit::Success);
    }
    let spec = ReplaySpec {
        verbose: Some(DETAIL),
        keep: Some(Keep::Everything),
        log_names: LogNames::OfReplay,
        attempts: Attempts::One,
        ..ReplaySpec::default()
    };
    let campaign = stored.campaign(Some(REPLAYS), spec)?;
    let dir = shell::relative(&campaign.dir);
    let jobs = chosen.iter().map(|(job, _)| *job).collect();
    let Some(after) = run_listed(campaign, jobs, stored.file.workers, interrupts)? else {
        return Ok(Exit::Interrupted);
    };
    stored.record_replays(&after)?;
    console::print(&format!("Full logs (VERBOSE={DETAIL}) of the first failure of each kind:\n"));
    let (passed, failed): (Vec<_>, Vec<_>) =
        after.iter().partition(|record| record.verdict == Verdict::Passed);
    for now in failed {
        let is_before = |record: &&RunRecord| record.test == now.test && record.iter == now.iter;
        let before = chosen.iter().map(|(_, record)| record).find(is_before);
        let differs = before.is_some_and(|before| !before.differences(now).is_empty());
        let remark = if differs { "  (result differs)" } else { "" };
        let log = sink::screen(&format!("{dir}/{}", now.log.as_deref().unwrap_or("-")));
        let name = sink::screen(stored.file.name_of(now));
        console::print(&format!("  {name} #{}  {log}{remark}\n", now.iter));
    }
    if !passed.is_empty() {
        let count = runs(passed.len() as u64);
        console::print(&format!("  and of {count} that passed, for comparison\n"));
    }
    Ok(Exit::Success)
}

/// The first failure of each kind, and for each test with one the passed run with the nearest
/// number.
fn runs_worth_a_log(stored: &StoredCampaign) -> Result<Vec<(Job, RunRecord)>, StoreError> {
    let mut kinds: BTreeMap<(usize, String), RunRecord> = BTreeMap::new();
    stored.each(|test, record| {
        if record.verdict.class() == Class::Fail && record.trace.is_some() {
            let first = kinds.entry((test, group_key(record.reason())));
            let first = first.or_insert_with(|| record.clone());
            if record.iter < first.iter {
                *first = record;
            }
        }
    })?;
    let of_test = |((test, _), record): ((usize, String), RunRecord)| {
        (Job { test, iteration: record.iter }, record)
    };
    let mut chosen: Vec<_> = kinds.into_iter().map(of_test).collect();
    chosen.sort_by_key(|(job, _)| (job.iteration, job.test));
    chosen.truncate(DETAIL_RUNS_MAX);
    let mut failed: BTreeMap<usize, Iteration> = BTreeMap::new();
    for (job, _) in &chosen {
        failed.entry(job.test).or_insert(job.iteration);
    }
    let mut passed: BTreeMap<usize, RunRecord> = BTreeMap::new();
    stored.each(|test, record| {
        let Some(failure) = failed.get(&test) else { return };
        let distance = |record: &RunRecord| record.iter.number().abs_diff(failure.number());
        let is_nearer = passed.get(&test).is_none_or(|other| distance(&record) < distance(other));
        if record.verdict == Verdict::Passed && record.trace.is_some() && is_nearer {
            passed.insert(test, record);
        }
    })?;
    let passed = passed.into_iter();
    chosen.extend(passed.map(|(test, record)| (Job { test, iteration: record.iter }, record)));
    Ok(chosen)
}

/// With heartbeats: a cause is only found if no message is missing.
const DETAIL: u8 = 2;

/// More kinds of failures than this are read one after the other anyway.
const DETAIL_RUNS_MAX: usize = 20;

/// One in so many passed runs is verified.
const VERIFY_SHARE: usize = 10;

/// More runs prove little more: nondeterminism shows in the first few.
const VERIFY_RUNS_MAX: usize = 100;
