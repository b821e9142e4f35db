//! A stored campaign, read back.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::case;
use crate::error::Error;
use crate::plan::{Rows, patterns};
use crate::record::{Class, RunRecord};
use crate::report::completion::{Completion, End};
use crate::report::json::{Document, Head};
use crate::report::tally::Tally;
use crate::run::{Campaign, Inputs, ReplaySpec, change_of};
use crate::store::live_dir::is_busy;
use crate::store::marker::refuse_links;
use crate::store::open_dir::{DESCRIPTION_BYTES_MAX, read_json};
use crate::store::{
    CampaignDir, CampaignFile, EventLog, REPLAYS, Store, StoreError, program_hash, read_events,
};
use crate::suite::Test;
use crate::text::console;
use crate::trust::Trust;

/// A stored campaign.
#[derive(Debug, Clone)]
pub(crate) struct StoredCampaign {
    pub(crate) dir: CampaignDir,
    pub(crate) file: CampaignFile,
}

impl StoredCampaign {
    /// Finds and reads the campaign that `wanted` means; see [`Store::find_campaign`].
    pub(crate) fn open(store: &Store, wanted: Option<&str>) -> Result<Self, Error> {
        Ok(Self::read(store.find_campaign(wanted)?)?)
    }

    /// Reads the campaign in this directory.
    pub(crate) fn read(dir: CampaignDir) -> Result<Self, StoreError> {
        let file = dir.description()?;
        Ok(Self { dir, file })
    }

    /// Refuses to run the programs that another user has named, or stored.
    pub(crate) fn check_owner(&self, trust: Trust) -> Result<(), StoreError> {
        self.dir.check_owner(&self.file, trust)
    }

    /// The index of a test in this campaign.
    pub(crate) fn test(&self, name: &str) -> Option<usize> {
        let tests = &self.file.tests;
        let of = |is_it: &dyn Fn(&Test) -> bool| tests.iter().position(is_it);
        of(&|test| test.name == name).or_else(|| of(&|test| test.key == name)).or_else(|| {
            // A longer or shorter name than that of this campaign, if it can mean only one test.
            let mut meant = tests.iter().enumerate().filter(|(_, test)| is_tail(name, test));
            meant.next().map(|(index, _)| index).filter(|_| meant.next().is_none())
        })
    }

    /// Feeds every record with the index of its test.
    pub(crate) fn each(&self, mut each: impl FnMut(usize, RunRecord)) -> Result<(), StoreError> {
        let indexes = self.file.indexes();
        read_events(&self.dir.path, |mut record| {
            if let Some(index) = indexes.get(record.test.as_str()) {
                record.test.clone_from(&self.file.tests[*index].key);
                each(*index, record);
            }
        })
    }

    /// An empty tally of its tests.
    pub(crate) fn empty_tally(&self) -> Tally {
        Tally::of(&self.file.tests)
    }

    /// The tally of everything recorded, and the seconds it took.
    pub(crate) fn tally(&self) -> Result<(Tally, f64), StoreError> {
        let (mut tally, mut end_ms) = (self.empty_tally(), 0);
        self.each(|test, record| {
            end_ms = end_ms.max(record.end_ms());
            tally.record(test, &record);
        })?;
        Ok((tally, end_ms as f64 / 1000.0))
    }

    /// The tally of the table's rows, if they are patterns: each run counts for the first pattern that
    /// matches its test. `None` if they are tests, or the campaign has no patterns.
    pub(crate) fn tally_of_rows(&self, rows: Rows) -> Option<Tally> {
        let typed = &self.file.patterns;
        if rows == Rows::Tests || typed.is_empty() {
            return None;
        }
        let patterns = patterns("PATTERN", typed).ok()?;
        let row = |test: &Test| {
            let binary = &self.file.binaries[test.binary];
            patterns.iter().position(|pattern| test.matches(binary, pattern))
        };
        let row_of: Vec<Option<usize>> = self.file.tests.iter().map(row).collect();
        let mut tally = Tally::new(typed.iter().cloned());
        let read = self.each(|test, record| {
            if let Some(row) = row_of[test] {
                tally.record(row, &record);
            }
        });
        read.ok().map(|()| tally)
    }

    /// The runs that were planned, those done, and the way it ended.
    pub(crate) fn completion(&self, tally: &Tally) -> Completion {
        let end = if is_busy(&self.dir.path) { End::Running } else { self.end() };
        Completion::of(&self.file, tally, end)
    }

    /// The end that its summary has; without a summary it was killed.
    fn end(&self) -> End {
        match read_json::<Document>(&self.dir.path.join(SUMMARY), DESCRIPTION_BYTES_MAX) {
            Some(Document { end: Some(end), .. }) => end,
            Some(summary) if !summary.interrupted => End::Complete,
            Some(_) | None => End::Interrupted,
        }
    }

    /// The runs that are not repeated by `resume`, all but those that were cancelled or could not
    /// be started; and their tally.
    pub(crate) fn done(&self) -> Result<(HashSet<(usize, u32)>, Tally), StoreError> {
        let (mut done, mut tally) = (HashSet::new(), self.empty_tally());
        self.each(|test, record| {
            if record.verdict.class() != Class::Inconclusive {
                done.insert((test, record.iter.number()));
                tally.record(test, &record);
            }
        })?;
        Ok((done, tally))
    }

    /// The last record that fits, with the index of its test.
    pub(crate) fn find(
        &self,
        fits: impl Fn(usize, &RunRecord) -> bool,
    ) -> Result<Option<(usize, RunRecord)>, StoreError> {
        let mut found = None;
        self.each(|test, record| {
            if fits(test, &record) {
                found = Some((test, record));
            }
        })?;
        Ok(found)
    }

    /// Keeps the records of replays beside those of the campaign.
    pub(crate) fn record_replays(&self, records: &[RunRecord]) -> Result<(), StoreError> {
        let mut log = EventLog::open(&self.dir.path.join(REPLAYS))?;
        records.iter().try_for_each(|record| log.append(record))
    }

    /// The head of an export of this campaign.
    pub(crate) fn head(&self, tally: &Tally, wall_s: f64) -> Head {
        Head {
            seed: self.file.seed,
            started: self.file.started.clone(),
            wall_s,
            completion: self.completion(tally),
        }
    }

    /// The campaign to run again, with logs among the others (`None`) or in a subdirectory.
    ///
    /// # Errors
    /// [`StoreError::ProgramGone`], [`Error::NoCase`].
    pub(crate) fn campaign(
        &self,
        subdirectory: Option<&str>,
        spec: ReplaySpec,
    ) -> Result<Campaign, Error> {
        // There may be some since it was read.
        refuse_links(&self.dir.path)?;
        self.check_programs()?;
        let dir = subdirectory.map_or(self.dir.path.clone(), |name| self.dir.path.join(name));
        let mut campaign = Campaign::new(&self.file, dir, spec)?;
        campaign.process.env.extend(case::of_environment()?);
        Ok(campaign)
    }

    /// Refuses programs that are gone, and notes those that have changed.
    fn check_programs(&self) -> Result<(), StoreError> {
        for binary in &self.file.binaries {
            if binary.path.is_absolute() && !binary.path.is_file() {
                return Err(StoreError::ProgramGone(binary.path.clone()));
            }
            let is_input = self.file.inputs.iter().any(|input| input.path == binary.path);
            let is_edited =
                binary.contents.is_some() && program_hash(&binary.path) != binary.contents;
            if is_edited && !is_input {
                note_edited(&binary.path);
            }
        }
        if let Some(file) = Inputs::new(&self.file).edited() {
            note_edited(file);
        }
        Ok(())
    }
}

fn note_edited(path: &Path) {
    let (change, path) = (change_of(path), path.display());
    console::warn(&format!("{path} {change} since the campaign; its result may differ"));
}

/// The summary of a campaign that has ended; a campaign that begins again removes it.
pub(super) const SUMMARY: &str = "summary.json";

/// `true` if a name as typed is the end of a test's path, or its path the end of the name.
fn is_tail(name: &str, test: &Test) -> bool {
    let path = test.key.replace('$', "::");
    path.strip_suffix(name).is_some_and(|before| before.ends_with("::")) || path == name
}

/// The mean time of each test in the newest campaign of the store, in seconds; 0 if unknown. It
/// only decides the order of runs, so a summary that cannot be read counts as unknown.
pub(crate) fn known_times(store: &Store, tests: &[Test]) -> Vec<f64> {
    let read = || -> Option<serde_json::Value> {
        let newest = store.find_campaign(None).ok()?;
        read_json(&newest.path.join(SUMMARY), DESCRIPTION_BYTES_MAX)
    };
    let summary = read().unwrap_or_default();
    let known = summary["tests"].as_array().map_or(&[][..], Vec::as_slice);
    let times = known
        .iter()
        .filter_map(|test| Some((test["key"].as_str()?, test["time"]["mean"].as_f64()?)));
    let times: HashMap<&str, f64> = times.collect();
    tests.iter().map(|test| times.get(test.key.as_str()).copied().unwrap_or(0.0)).collect()
}
