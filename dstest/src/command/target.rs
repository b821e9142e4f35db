//! The run that `[CAMPAIGN] [TEST#ITER]` means.

use crate::campaign::StoredCampaign;
use crate::error::Error;
use crate::record::{Class, RunRecord};
use crate::schedule::Job;
use crate::seed::{Iteration, Seed};
use crate::store::{Store, StoreError};

/// The run to be repeated.
pub(super) struct Target {
    pub(super) stored: StoredCampaign,
    pub(super) job: Job,
    /// The run that is repeated; `None` with a seed of the user's own.
    pub(super) before: Option<RunRecord>,
}

/// The stored run that `[CAMPAIGN] [TEST#ITER]` means; by default the first failure.
pub(super) fn recorded_run(
    store: &Store,
    target: &[String],
) -> Result<(StoredCampaign, RunRecord), Error> {
    let Target { stored, before, .. } = find(target, None, store)?;
    let record = before.ok_or_else(|| no_such(&target.join(" ")))?;
    Ok((stored, record))
}

/// The run that `[CAMPAIGN] [TEST#ITER]` means, or `[CAMPAIGN] TEST` with `--seed`; by default the
/// first failure.
pub(super) fn find(target: &[String], seed: Option<Seed>, store: &Store) -> Result<Target, Error> {
    let words: Vec<&str> = target.iter().map(String::as_str).collect();
    let is_campaign = |word: &str| seed.is_none() && parse_run(word).is_none();
    let (campaign, target) = match words.as_slice() {
        [] => (None, None),
        [word] if is_campaign(word) => (Some(*word), None),
        [word] => (None, Some(*word)),
        [campaign, target, ..] => (Some(*campaign), Some(*target)),
    };
    let stored = StoredCampaign::open(store, campaign)?;
    let (job, before) = match (seed, target) {
        (Some(_), target) => {
            (Job { test: named(&stored, target)?, iteration: Iteration::FIRST }, None)
        }
        (None, None) => first_failure(&stored)?,
        (None, Some(word)) => recorded(&stored, word)?,
    };
    Ok(Target { stored, job, before })
}

fn named(stored: &StoredCampaign, target: Option<&str>) -> Result<usize, StoreError> {
    let only = (stored.file.tests.len() == 1).then_some(0);
    let found = target.map_or(only, |name| stored.test(name));
    found.ok_or_else(|| no_such(target.unwrap_or("--seed without a test")))
}

fn first_failure(stored: &StoredCampaign) -> Result<(Job, Option<RunRecord>), StoreError> {
    let mut first = None;
    stored.each(|test, record| {
        if first.is_none() && record.verdict.class() == Class::Fail {
            first = Some((Job { test, iteration: record.iter }, Some(record)));
        }
    })?;
    first.ok_or_else(|| {
        StoreError::Unsuitable("no failed run in that campaign; name a run: TEST#ITER".into())
    })
}

fn recorded(stored: &StoredCampaign, word: &str) -> Result<(Job, Option<RunRecord>), StoreError> {
    let (name, iteration) = parse_run(word).ok_or_else(|| no_such(word))?;
    let test = named(stored, (!name.is_empty()).then_some(name))?;
    let found = stored.find(|index, record| index == test && record.iter == iteration)?;
    let (test, record) = found.ok_or_else(|| no_such(word))?;
    Ok((Job { test, iteration }, Some(record)))
}

fn no_such(what: &str) -> StoreError {
    StoreError::Unsuitable(format!("unknown run `{what}`; runs are TEST#ITER, as in the table"))
}

/// `TEST#ITER` or `#ITER`, as users type them.
fn parse_run(word: &str) -> Option<(&str, Iteration)> {
    let (test, iteration) = word.rsplit_once('#')?;
    Some((test, Iteration::new(iteration.parse().ok()?)?))
}
