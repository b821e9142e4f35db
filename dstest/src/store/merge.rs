//! Merging of campaigns: the union of their runs, as a new campaign.
//!
//! A run is identified by test, iteration and seed, so a run that is in two of the campaigns counts
//! once. Shards of one campaign keep their iterations; those of a campaign with another seed are
//! numbered on from there, since its first iteration is another run.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::open_dir::OpenDir;
use super::shards::{self, Share};
use super::{
    CampaignDir, CampaignFile, EventLog, Invocation, Store, StoreError, io_error, kept_log,
    log_path, read_events,
};
use crate::record::{Class, RunRecord};
use crate::seed::{Iteration, Seed};
use crate::suite::{Binary, Test};
use crate::text::utc::Utc;
use crate::trust::Trust;

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
}

/// One of the merged campaigns.
struct Source {
    directory: CampaignDir,
    file: CampaignFile,
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
        invocation: Invocation,
    ) -> Result<Merged, StoreError> {
        let sources = directories.into_iter().map(Source::read).collect::<Result<Vec<_>, _>>()?;
        let mut merged = MergedTests::of(&sources)?;
        let dedup = Dedup::of(&sources, &merged)?;
        let shares = shares(&sources, &dedup);
        let (problems, planned) = (shards::problems(&shares), shards::planned(&shares));
        for binary in &mut merged.binaries {
            binary.path = self.copy_kept_binary(&binary.path, &sources)?;
        }
        let directory = self.create_campaign(Utc::now())?;
        let written = write(&directory, &sources, &merged, dedup).and_then(|counts| {
            // Written last: without it the directory is not a campaign.
            let file = merged.file(&sources, planned, invocation);
            file.map_or(Ok(()), |file| file.write(&directory.path))?;
            Ok(counts)
        });
        let (runs, duplicates) = written.inspect_err(|_| {
            let _ = fs::remove_dir_all(&directory.path);
        })?;
        Ok(Merged { dir: directory, runs, duplicates, problems })
    }

    /// A copy of a stored program in this store, taken from its path or, if a store has been moved,
    /// from the store of the campaign that names it. A program that is in neither keeps its path.
    fn copy_kept_binary(&self, program: &Path, sources: &[Source]) -> Result<PathBuf, StoreError> {
        let Some(hash) = hash_of(program) else { return Ok(program.to_owned()) };
        let name = program.file_name().unwrap_or_default();
        let moved = sources.iter().filter_map(|source| source.directory.path.parent()?.parent());
        let moved = moved.map(|store| store.join("bin").join(hash).join(name));
        let found = std::iter::once(program.to_owned()).chain(moved).find(|path| path.is_file());
        found.map_or_else(|| Ok(program.to_owned()), |path| self.keep_binary(&path))
    }
}

impl Source {
    fn read(directory: CampaignDir) -> Result<Self, StoreError> {
        let file = CampaignFile::read(&directory.path)?;
        Ok(Self { directory, file })
    }
}

/// All tests of all campaigns.
struct MergedTests {
    tests: Vec<Test>,
    binaries: Vec<Binary>,
    index_of: HashMap<String, usize>,
    /// The contents of the commands' files.
    inputs: Vec<String>,
}

impl MergedTests {
    fn of(sources: &[Source]) -> Result<Self, StoreError> {
        let inputs = sources.first().map_or_else(Vec::new, |source| contents(&source.file));
        let (tests, binaries, index_of) = (Vec::new(), Vec::new(), HashMap::new());
        let mut merged = Self { tests, binaries, index_of, inputs };
        for source in sources {
            for test in &source.file.tests {
                merged.add(test, &source.file.binaries[test.binary], source)?;
            }
        }
        Ok(merged)
    }

    fn add(&mut self, test: &Test, binary: &Binary, source: &Source) -> Result<(), StoreError> {
        if let Some(&known) = self.index_of.get(&test.key) {
            let known = &self.tests[known];
            let same = known.args == test.args
                && self.inputs == contents(&source.file)
                && program(&self.binaries[known.binary].path) == program(&binary.path);
            return if same { Ok(()) } else { Err(other_program(test, source)) };
        }
        let place = self.binaries.iter().position(|known| known == binary);
        let binary = place.unwrap_or_else(|| {
            self.binaries.push(binary.clone());
            self.binaries.len() - 1
        });
        // Short names hold for the campaign that gave them.
        let is_taken = self.tests.iter().any(|known| known.name == test.name);
        let name = if is_taken { test.key.replace('$', "::") } else { test.name.clone() };
        self.index_of.insert(test.key.clone(), self.tests.len());
        self.tests.push(Test { binary, name, ..test.clone() });
        Ok(())
    }

    fn each(
        &self,
        source: &Source,
        mut each: impl FnMut(usize, RunRecord),
    ) -> Result<(), StoreError> {
        let indexes = source.file.indexes();
        read_events(&source.directory.path, |mut record| {
            let own = indexes.get(&record.test).map(|index| &source.file.tests[*index].key);
            if let Some((key, &test)) = own.and_then(|key| Some((key, self.index_of.get(key)?))) {
                record.test.clone_from(key);
                each(test, record);
            }
        })
    }

    /// The description of the whole; where the campaigns differ, the first one's values.
    fn file(
        self,
        sources: &[Source],
        planned: Option<u64>,
        invocation: Invocation,
    ) -> Option<CampaignFile> {
        let first = &sources.first()?.file;
        let is_one = sources.iter().all(|source| source.file.seed == first.seed);
        let started = sources.iter().map(|source| &source.file.started).min()?.clone();
        // The copy belongs to the user, and yet others have named its programs.
        let foreign = sources.iter().find_map(|Source { directory, file }| {
            directory.foreign_user(file, Trust::OwnFiles).map(|(_, user)| user)
        });
        let iterations = sources.iter().filter_map(|source| source.file.iterations).max();
        Some(CampaignFile {
            started,
            invocation,
            iterations: iterations.filter(|_| is_one),
            planned,
            max_fail_per_test: None,
            shard: None,
            binaries: self.binaries,
            tests: self.tests,
            copied_from_user: foreign,
            ..first.clone()
        })
    }
}

fn contents(file: &CampaignFile) -> Vec<String> {
    file.inputs.iter().map(|input| input.contents.clone()).collect()
}

fn other_program(test: &Test, source: &Source) -> StoreError {
    let (name, id) = (&test.name, &source.directory.short_id);
    StoreError::Unsuitable(format!(
        "{name} is another program, or has other arguments, in {id}: its results are those of \
         another test (`dstest compare` sets them side by side; shards of one campaign need one \
         build, since a build in another directory is another program)"
    ))
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

/// The identity of a program: the hash of a stored one, the name of any other.
fn program(path: &Path) -> Option<&OsStr> {
    hash_of(path).or(path.file_name())
}

/// The hash in the path of a kept program (`…/bin/<hash>/<name>`).
fn hash_of(path: &Path) -> Option<&OsStr> {
    let directory = path.parent()?;
    let hash = directory.file_name()?;
    let is_hash = hash.len() == 32 && hash.as_encoded_bytes().iter().all(u8::is_ascii_hexdigit);
    (is_hash && directory.parent()?.ends_with("bin")).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_program_is_known_by_its_hash_wherever_its_store_is() {
        let hash = "0123456789abcdef0123456789abcdef";
        let here = format!("/a/.dstest/bin/{hash}/lab");
        let there = format!("/b/store/bin/{hash}/lab");
        assert_eq!(program(Path::new(&here)), program(Path::new(&there)));
        assert_eq!(program(Path::new("sh")), program(Path::new("/bin/sh")));
        assert_ne!(program(Path::new("/bin/a")), program(Path::new("/bin/b")));
    }
}
