//! A stored campaign, read back.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::duration;
use crate::error::Error;
use crate::export::json::Head;
use crate::model::{Iteration, RunRecord, Verdict};
use crate::plan::{Keep, ProcessPlan};
use crate::run::{Campaign, FirstPasses, Seeds};
use crate::store::{CampaignDir, CampaignFile, Store, StoreError, contents, read_events};
use crate::suite::{Binary, Test};
use crate::tally::Tally;
use crate::view;

/// A stored campaign.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) dir: CampaignDir,
    pub(super) file: CampaignFile,
}

impl Stored {
    /// Finds and reads what `wanted` means; see [`Store::find_campaign`].
    pub(super) fn open(store: &Store, wanted: Option<&str>) -> Result<Self, Error> {
        let dir = store.find_campaign(wanted)?;
        let file = CampaignFile::read(&dir.path)?;
        Ok(Self { dir, file })
    }

    /// The index of a test in this campaign.
    pub(super) fn test(&self, name: &str) -> Option<usize> {
        self.file.tests.iter().position(|test| test.name == name)
    }

    /// Feeds every record with the index of its test.
    pub(super) fn each(&self, mut each: impl FnMut(usize, RunRecord)) -> Result<(), StoreError> {
        let names = self.file.tests.iter().enumerate().map(|(index, test)| (&*test.name, index));
        let index_of: HashMap<&str, usize> = names.collect();
        read_events(&self.dir.path, |record| {
            if let Some(index) = index_of.get(record.test.as_str()) {
                each(*index, record);
            }
        })
    }

    /// The tally of everything recorded, and how many seconds were covered.
    pub(super) fn tally(&self) -> Result<(Tally, f64), StoreError> {
        let mut tally = Tally::new(self.file.tests.iter().map(|test| test.name.clone()));
        let mut end_s = 0.0_f64;
        self.each(|test, record| {
            end_s = end_s.max(record.start_ms as f64 / 1000.0 + record.wall_s());
            tally.record(test, &record);
        })?;
        Ok((tally, end_s))
    }

    /// The runs that need not be done again: all but those that were cancelled or not started.
    pub(super) fn done(&self) -> Result<HashSet<(usize, u32)>, StoreError> {
        let mut done = HashSet::new();
        self.each(|test, record| {
            if !matches!(record.verdict, Verdict::Cancelled | Verdict::NotStarted) {
                done.insert((test, record.iter.number()));
            }
        })?;
        Ok(done)
    }

    /// The record of one run; the last one if there are several.
    pub(super) fn find(
        &self,
        wanted: impl Fn(usize, &RunRecord) -> bool,
    ) -> Result<Option<(usize, RunRecord)>, StoreError> {
        let mut found = None;
        self.each(|test, record| {
            if wanted(test, &record) {
                found = Some((test, record));
            }
        })?;
        Ok(found)
    }

    /// What an export says of this campaign beside its tally.
    pub(super) fn head(&self, tally: &Tally, wall_s: f64) -> Head {
        Head {
            seed: self.file.seed,
            started: self.file.started.clone(),
            wall_s,
            interrupted: tally.count(Verdict::Cancelled) > 0,
        }
    }

    /// The programs that are not what they were when the campaign began.
    fn changed(&self) -> impl Iterator<Item = &Path> {
        let has_changed = |binary: &&Binary| {
            binary.contents.is_some() && contents(&binary.path) != binary.contents
        };
        self.file.binaries.iter().filter(has_changed).map(|binary| &*binary.path)
    }

    /// The campaign as it can be run again.
    ///
    /// # Errors
    /// [`StoreError::ProgramGone`].
    pub(super) fn campaign(&self, spec: ReplaySpec) -> Result<Campaign, StoreError> {
        let gone = |path: &&std::path::PathBuf| path.is_absolute() && !path.is_file();
        if let Some(path) = self.file.binaries.iter().map(|binary| &binary.path).find(gone) {
            return Err(StoreError::ProgramGone(path.clone()));
        }
        self.changed().for_each(|path| {
            let path = path.display();
            view::note(&format!(
                "dstest: {path} has changed since the campaign: it may act otherwise"
            ));
        });
        let file = &self.file;
        let dir = match spec.log_dir {
            LogDir::Campaign => self.dir.path.clone(),
            LogDir::Subdirectory(name) => self.dir.path.join(name),
        };
        Ok(Campaign {
            passes: FirstPasses::none(file.tests.len()),
            tests: file.tests.clone(),
            binaries: file.binaries.clone(),
            process: process_plan(file, spec.verbose)?,
            seeds: spec.seeds.unwrap_or_else(|| {
                file.following.map_or(Seeds::Derived(file.seed), Seeds::Following)
            }),
            keep: spec.keep,
            dir,
        })
    }
}

/// How a stored campaign is run again.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReplaySpec {
    pub(super) verbose: Option<u8>,
    pub(super) seeds: Option<Seeds>,
    pub(super) keep: Keep,
    pub(super) log_dir: LogDir,
}

/// Where the logs of runs that are done again go.
#[derive(Debug, Clone, Copy)]
pub(super) enum LogDir {
    /// Among the others.
    Campaign,
    /// Into a directory below the campaign's, so that nothing is overwritten.
    Subdirectory(&'static str),
}

fn process_plan(file: &CampaignFile, verbose: Option<u8>) -> Result<ProcessPlan, StoreError> {
    let limits = &file.limits;
    let unsuitable = |error: regex::Error| StoreError::Unsuitable(error.to_string());
    let exception = |(pattern, millis): &(String, u64)| {
        let pattern = regex::RegexBuilder::new(pattern).case_insensitive(true).build()?;
        Ok((pattern, std::time::Duration::from_millis(*millis)))
    };
    let timeouts = limits.exceptions.iter().map(exception).collect::<Result<_, _>>();
    let timeouts = timeouts.map_err(unsuitable)?;
    let compile =
        |text: &String| regex::bytes::RegexBuilder::new(text).case_insensitive(true).build();
    let fail_regex = limits.fail_regex.as_ref().map(compile).transpose();
    Ok(ProcessPlan {
        verbose: verbose.or(file.verbose),
        timeout: std::time::Duration::from_millis(limits.timeout_ms),
        timeouts,
        grace: std::time::Duration::from_millis(limits.grace_ms),
        max_output: limits.max_output,
        env: file.env.clone(),
        seed_env: file.seed_env.clone(),
        fail_regex: fail_regex.map_err(unsuitable)?,
    })
}

/// `TEST#ITER`, `#ITER` or `ITER`-less words as users type them.
pub(super) fn parse_run(word: &str) -> Option<(&str, Iteration)> {
    let (test, iteration) = word.rsplit_once('#')?;
    Some((test, Iteration::new(iteration.parse().ok()?)?))
}

/// The mean time of each test in the newest campaign of the store, in seconds; 0 where nobody
/// knows. It only decides what is started first, so whatever cannot be read is nothing known.
pub(super) fn known_times(store: &Store, tests: &[Test]) -> Vec<f64> {
    let read = || -> Option<serde_json::Value> {
        let run = store.find_campaign(None).ok()?;
        let text = std::fs::read(run.path.join("summary.json")).ok()?;
        serde_json::from_slice(&text).ok()
    };
    let summary = read().unwrap_or_default();
    let known = summary["tests"].as_array().map_or(&[][..], Vec::as_slice);
    let times = known
        .iter()
        .filter_map(|test| Some((test["name"].as_str()?, test["time"]["mean"].as_f64()?)));
    let times: HashMap<&str, f64> = times.collect();
    tests.iter().map(|test| times.get(test.name.as_str()).copied().unwrap_or(0.0)).collect()
}

/// How long a campaign took, in words.
pub(super) fn took(seconds: f64) -> String {
    duration::human(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default())
}
