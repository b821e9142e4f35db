//! Merging of campaigns: the union of their runs, as a new campaign.
//!
//! A run is identified by test, iteration and seed, so a run that is in two of the campaigns counts
//! once. Shards of one campaign keep their iterations; those of a campaign with another seed are
//! numbered on from there, since its first iteration is another run.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::merged_tests::{Builds, DifferentBuild, MergedTests, Source};
use super::open_dir::OpenDir;
use super::shards::{self, Share};
use super::{CampaignDir, EventLog, Invocation, Store, StoreError, io_error, kept_log, log_path};
use crate::record::{Class, RunRecord};
use crate::seed::{Iteration, Seed};
use crate::text::utc::Utc;

/// The result of a merge.
#[derive(Debug)]
pub struct Merged {
    /// The new campaign.
    pub dir: CampaignDir,
    /// Runs in it.
    pub runs: u64,
    /// Records left out, because the same run is present already.
    pub duplicates: u64,
    /// Problems of the shards: missing, double, unfinished or foreign ones.
    pub problems: Vec<String>,
    /// The tests that were run by another program in a later campaign, each with that program.
    pub differing: Vec<String>,
}

/// The identity of a run: its test, by index, its iteration and its seed.
type Key = (usize, Iteration, Seed);

impl Store {
    /// Merges campaigns into a new one in this store.
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`] if a test was run by different programs; errors of reading or
    /// writing.
    pub fn merge(
        &self,
        directories: Vec<CampaignDir>,
        builds: Builds,
        invocation: Invocation,
    ) -> Result<Merged, StoreError> {
        let sources = directories.into_iter().map(Source::read).collect::<Result<Vec<_>, _>>()?;
        let mut merged = MergedTests::of(&sources, builds)?;
        let dedup = Dedup::of(&sources, &merged)?;
        let shares = shares(&sources, &dedup);
        let (problems, planned) = (shards::problems(&shares), shards::planned(&shares));
        merged.copy_programs(self, &sources)?;
        let differing = std::mem::take(&mut merged.differing);
        let directory = self.create_campaign(Utc::now())?;
        let written = write(&directory, &sources, &merged, dedup).and_then(|counts| {
            // Written last: without it the directory is not a campaign.
            let file = merged.file(self, &sources, planned, invocation);
            file.map_or(Ok(()), |file| file.write(&directory.path))?;
            Ok(counts)
        });
        let (runs, duplicates) = written.inspect_err(|_| {
            let _ = fs::remove_dir_all(&directory.path);
        })?;
        let differing = differing.iter().map(DifferentBuild::words).collect();
        Ok(Merged { dir: directory, runs, duplicates, problems, differing })
    }
}

/// The source of each run, and the offset of each campaign's iterations.
struct Dedup {
    from: HashMap<Key, (usize, Class)>,
    offsets: Vec<u32>,
    /// Runs with a result in each campaign.
    done: Vec<u64>,
    /// Milliseconds from the start of each campaign to the end of its last run.
    length_ms: Vec<u64>,
}

impl Dedup {
    fn of(sources: &[Source], merged: &MergedTests) -> Result<Self, StoreError> {
        let mut from: HashMap<Key, (usize, Class)> = HashMap::new();
        let mut longest = vec![0_u32; sources.len()];
        let (mut done, mut length_ms) = (vec![0; sources.len()], vec![0; sources.len()]);
        for (index, source) in sources.iter().enumerate() {
            merged.each(source, |test, record| {
                longest[index] = longest[index].max(record.iter.number());
                let class = record.verdict.class();
                done[index] += u64::from(class != Class::Inconclusive);
                length_ms[index] = record.end_ms().max(length_ms[index]);
                let chosen = from.entry((test, record.iter, record.seed)).or_insert((index, class));
                // A run that was cancelled in one campaign may have ended in another.
                if chosen.1 == Class::Inconclusive && class != Class::Inconclusive {
                    *chosen = (index, class);
                }
            })?;
        }
        Ok(Self { from, offsets: offsets(sources, &longest), done, length_ms })
    }

    /// Takes a record; `true` once for each run.
    fn take(&mut self, source: usize, test: usize, record: &RunRecord) -> bool {
        let key = (test, record.iter, record.seed);
        let is_chosen = self.from.get(&key) == Some(&(source, record.verdict.class()));
        is_chosen && self.from.remove(&key).is_some()
    }
}

fn shares<'a>(sources: &'a [Source], dedup: &Dedup) -> Vec<Share<'a>> {
    let share = |(source, done): (&'a Source, &u64)| Share {
        id: &source.directory.short_id,
        file: &source.file,
        done: *done,
    };
    sources.iter().zip(&dedup.done).map(share).collect()
}

/// The offset of each campaign's iterations, so that different runs have different numbers.
fn offsets(sources: &[Source], longest: &[u32]) -> Vec<u32> {
    let mut seeds: Vec<(Seed, u32)> = Vec::new();
    let mut next = 0_u32;
    for source in sources {
        let seed = source.file.seed;
        if seeds.iter().any(|(known, _)| *known == seed) {
            continue;
        }
        seeds.push((seed, next));
        let same = sources.iter().zip(longest).filter(|(other, _)| other.file.seed == seed);
        next = next.saturating_add(same.map(|(_, longest)| *longest).max().unwrap_or(0));
    }
    let offset = |source: &Source| {
        seeds.iter().find(|(seed, _)| *seed == source.file.seed).map_or(0, |(_, offset)| *offset)
    };
    sources.iter().map(offset).collect()
}

/// Writes the chosen records and their logs; returns their number, and that of duplicates.
fn write(
    directory: &CampaignDir,
    sources: &[Source],
    merged: &MergedTests,
    mut dedup: Dedup,
) -> Result<(u64, u64), StoreError> {
    let mut log = EventLog::open(&directory.path)?;
    let (mut runs, mut duplicates) = (0, 0);
    let mut earlier_ms = 0;
    for (index, source) in sources.iter().enumerate() {
        let mut appended = Ok(());
        merged.each(source, |test, record| {
            if !dedup.take(index, test, &record) {
                duplicates += 1;
            } else if appended.is_ok() {
                runs += 1;
                let name = &merged.tests[test].name;
                let mut record = record;
                // As if one had been run after the other: times of several machines add up.
                record.start_ms += earlier_ms;
                appended = renumbered(record, name, dedup.offsets[index], source, directory)
                    .and_then(|record| log.append(&record));
            }
        })?;
        appended?;
        earlier_ms += dedup.length_ms[index];
    }
    Ok((runs, duplicates))
}

/// The record with its new number, its log copied.
fn renumbered(
    mut record: RunRecord,
    name: &str,
    offset: u32,
    source: &Source,
    directory: &CampaignDir,
) -> Result<RunRecord, StoreError> {
    let campaign = &source.directory.path;
    let old = kept_log(campaign, record.log.as_ref());
    let number = record.iter.number().checked_add(offset).and_then(Iteration::new);
    record.iter =
        number.ok_or_else(|| StoreError::Unsuitable("too many iterations in total".into()))?;
    record.log = None;
    let copy = |old: Option<PathBuf>, log: String| -> Result<Option<String>, StoreError> {
        let Some(old) = old.filter(|old| old.symlink_metadata().is_ok()) else { return Ok(None) };
        let old = old.strip_prefix(campaign).unwrap_or(&old);
        let new = directory.path.join(&log);
        copy_log(campaign, old, &new).map_err(io_error("write", &new))?;
        Ok(Some(log))
    };
    let iter = record.iter;
    record.log = copy(old, log_path(name, iter))?;
    for (retry, number) in record.retries.iter_mut().zip(SECOND_ATTEMPT..) {
        let log = format!("{}-{number}.log", log_path(name, iter).trim_end_matches(".log"));
        retry.log = copy(kept_log(campaign, retry.log.as_ref()), log)?;
    }
    Ok(record)
}

/// Retries are numbered from here, as the attempts that they are.
const SECOND_ATTEMPT: u32 = 2;

/// Copies a log, and the directory of the run's own files. Links are not followed: a campaign may
/// have come from anywhere, and its copy goes on to others.
fn copy_log(campaign: &Path, log: &Path, new: &Path) -> io::Result<()> {
    if let Some(parent) = new.parent() {
        fs::create_dir_all(parent)?;
    }
    let campaign = OpenDir::open(campaign)?;
    io::copy(&mut campaign.file(log)?, &mut File::create_new(new)?)?;
    match campaign.dir_below(&log.with_extension("dir")) {
        Ok(files) => copy_dir(&files, &new.with_extension("dir")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Copies files and directories; links, pipes and sockets are left out.
fn copy_dir(old: &OpenDir, new: &Path) -> io::Result<()> {
    fs::create_dir(new)?;
    for entry in old.entries()? {
        let to = new.join(&entry.name);
        if entry.kind() == FileType::Directory {
            copy_dir(&old.dir(&entry.name)?, &to)?;
        } else if entry.kind() == FileType::RegularFile {
            io::copy(&mut old.file(Path::new(&entry.name))?, &mut File::create_new(to)?)?;
        }
    }
    Ok(())
}
