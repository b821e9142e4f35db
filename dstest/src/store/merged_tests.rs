//! The tests of merged campaigns, and the programs that ran them.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::archives::archive_of;
use super::{CampaignDir, CampaignFile, Invocation, Store, StoreError, read_events};
use crate::record::RunRecord;
use crate::relocation::Relocation;
use crate::suite::{Binary, Test};
use crate::trust::Trust;

/// The programs that may have run a test of merged campaigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builds {
    /// One.
    Same,
    /// Several, which are named (`--allow-different-builds`).
    MayDiffer,
}

/// One of the merged campaigns.
pub(super) struct Source {
    pub(super) directory: CampaignDir,
    pub(super) file: CampaignFile,
}

impl Source {
    pub(super) fn read(directory: CampaignDir) -> Result<Self, StoreError> {
        let file = CampaignFile::read(&directory.path)?;
        Ok(Self { directory, file })
    }
}

/// A test that was run by another program than in an earlier campaign.
pub(super) struct DifferentBuild {
    test: String,
    campaign: String,
    program: String,
}

impl DifferentBuild {
    fn of(test: &Test, binary: &Binary, source: &Source) -> Self {
        let hash = hash_of(&binary.path).map(|hash| hash.to_string_lossy().into_owned());
        let program = match hash.as_deref().and_then(|hash| hash.get(..SHOWN_OF_HASH)) {
            Some(hash) => format!("program {hash}"),
            None => binary.path.display().to_string(),
        };
        let origin = source.file.origin.as_ref().map(|origin| format!(" ({})", origin.words()));
        let (test, campaign) = (test.name.clone(), source.directory.short_id.clone());
        Self { test, campaign, program: program + &origin.unwrap_or_default() }
    }

    /// A line about it.
    pub(super) fn words(&self) -> String {
        let Self { test, campaign, program } = self;
        format!("different build: {test} was run in {campaign} by another program: {program}")
    }
}

/// All tests of all campaigns.
pub(super) struct MergedTests {
    pub(super) tests: Vec<Test>,
    binaries: Vec<Binary>,
    index_of: HashMap<String, usize>,
    /// The contents of the commands' files.
    inputs: Vec<String>,
    builds: Builds,
    /// Tests whose programs differ.
    pub(super) differing: Vec<DifferentBuild>,
    /// The places of unpacked archives that were copied.
    moved: Relocation,
}

impl MergedTests {
    /// The tests of these campaigns.
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`] if a test was run by different programs, unless `builds` accepts it.
    pub(super) fn of(sources: &[Source], builds: Builds) -> Result<Self, StoreError> {
        let inputs = sources.first().map_or_else(Vec::new, |source| contents(&source.file));
        let mut merged = Self {
            tests: Vec::new(),
            binaries: Vec::new(),
            index_of: HashMap::new(),
            inputs,
            builds,
            differing: Vec::new(),
            moved: Relocation::default(),
        };
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
            let words = known.args.iter().map(|word| anywhere(word));
            let same = words.eq(test.args.iter().map(|word| anywhere(word)))
                && self.inputs == contents(&source.file)
                && program(&self.binaries[known.binary].path) == program(&binary.path);
            return match self.builds {
                _ if same => Ok(()),
                Builds::Same => Err(other_program(test, source)),
                Builds::MayDiffer => {
                    self.differing.push(DifferentBuild::of(test, binary, source));
                    Ok(())
                }
            };
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

    /// Feeds every record of a campaign with the index of its test.
    pub(super) fn each(
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

    /// Copies the programs into this store, and unpacked archives with all that is in them.
    pub(super) fn copy_programs(
        &mut self,
        store: &Store,
        sources: &[Source],
    ) -> Result<(), StoreError> {
        let mut archives: Vec<(PathBuf, PathBuf)> = Vec::new();
        for binary in &mut self.binaries {
            match archive_of(&binary.cwd).filter(|dir| dir.is_dir()) {
                Some(dir) if archives.iter().any(|(known, _)| known == dir) => {}
                Some(dir) => archives.push((dir.to_owned(), store.take_archive(dir)?)),
                None => binary.path = store.copy_kept_binary(&binary.path, sources)?,
            }
        }
        self.moved = Relocation::new(archives);
        Ok(())
    }

    /// The description of the whole; where the campaigns differ, the first one's values, but none of
    /// where their programs come from.
    pub(super) fn file(
        self,
        store: &Store,
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
        let files = || sources.iter().map(|source| &source.file);
        let commit = first.commit_of_programs();
        let is_of_one = files().all(|file| file.commit_of_programs() == commit);
        let is_of_archive = files().all(|file| file.origin == first.origin);
        let is_one_build = files().all(|file| file.build == first.build);
        let iterations = sources.iter().filter_map(|source| source.file.iterations).max();
        let mut file = CampaignFile {
            started,
            invocation,
            iterations: iterations.filter(|_| is_one),
            planned,
            max_fail_per_test: None,
            shard: None,
            origin: first.origin.clone().filter(|_| is_of_archive),
            commit: commit.cloned().filter(|_| is_of_one),
            build: if is_one_build { first.build.clone() } else { Vec::new() },
            store: Some(store.root.clone()),
            binaries: self.binaries,
            tests: self.tests,
            copied_from_user: foreign,
            ..first.clone()
        };
        file.relocate(&self.moved);
        Some(file)
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
         build, as `dstest archive` makes it; --allow-different-builds merges two of one commit)"
    ))
}

impl Store {
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

/// The identity of a program: the hash of a stored one, the name of any other.
fn program(path: &Path) -> Option<&OsStr> {
    hash_of(path).or(path.file_name())
}

/// A word of a command, with a path in an unpacked archive as it is in any store: from the archive's hash.
fn anywhere(word: &str) -> &Path {
    let path = Path::new(word);
    let archives = archive_of(path).and_then(Path::parent);
    archives.and_then(|archives| path.strip_prefix(archives).ok()).unwrap_or(path)
}

/// `true` for the path of a program that dstest has kept, which is never edited.
pub(crate) fn is_kept(path: &Path) -> bool {
    hash_of(path).is_some()
}

/// The hash in the path of a kept program (`…/bin/<hash>/<name>`).
fn hash_of(path: &Path) -> Option<&OsStr> {
    let directory = path.parent()?;
    let hash = directory.file_name()?;
    let is_hash = hash.len() == 32 && hash.as_encoded_bytes().iter().all(u8::is_ascii_hexdigit);
    (is_hash && directory.parent()?.ends_with("bin")).then_some(hash)
}

/// As many digits of a program's hash as tell two apart.
const SHOWN_OF_HASH: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::{Commit, Origin};
    use crate::store::campaign_file::tests::campaign_file;

    #[test]
    fn a_kept_program_is_known_by_its_hash_wherever_its_store_is() {
        let hash = "0123456789abcdef0123456789abcdef";
        let here = format!("/a/.dstest/bin/{hash}/lab");
        let there = format!("/b/store/bin/{hash}/lab");
        assert_eq!(program(Path::new(&here)), program(Path::new(&there)));
        assert_eq!(program(Path::new("sh")), program(Path::new("/bin/sh")));
        assert_ne!(program(Path::new("/bin/a")), program(Path::new("/bin/b")));
    }

    #[test]
    fn a_merged_campaign_names_no_commit_archive_or_build_that_is_not_of_all() {
        let commit = |letter: &str| Some(Commit { id: letter.repeat(40), modified: false });
        let archive = |letter: &str, created: &str| {
            Some(Origin {
                dstest: "0.1.0".to_owned(),
                created: created.to_owned(),
                architecture: "x86_64-linux".to_owned(),
                toolchain: None,
                commit: commit(letter),
            })
        };
        let [release, debug] = [vec!["--release".to_owned()], Vec::new()];
        // Commit, archive and build of each of two campaigns, then of the whole.
        let rows = [
            [
                (commit("a"), None, release.clone()),
                (commit("a"), None, release.clone()),
                (commit("a"), None, release.clone()),
            ],
            [
                (commit("a"), None, release.clone()),
                (commit("b"), None, debug.clone()),
                (None, None, debug.clone()),
            ],
            [
                (None, archive("a", "1"), debug.clone()),
                (None, archive("a", "1"), debug.clone()),
                (commit("a"), archive("a", "1"), debug.clone()),
            ],
            [
                (None, archive("a", "1"), debug.clone()),
                (None, archive("b", "2"), debug.clone()),
                (None, None, debug.clone()),
            ],
            [
                (None, archive("a", "1"), debug.clone()),
                (commit("a"), None, debug.clone()),
                (commit("a"), None, debug.clone()),
            ],
        ];
        for [first, second, want] in rows {
            let source =
                |(commit, origin, build): &(Option<Commit>, Option<Origin>, Vec<String>)| {
                    let path = PathBuf::from("/nowhere/runs/20260101T000000Z-aaaa");
                    let mut file = campaign_file(&["a"]);
                    (file.commit, file.origin) = (commit.clone(), origin.clone());
                    file.build.clone_from(build);
                    Source { directory: CampaignDir { path, short_id: "aaaa".to_owned() }, file }
                };
            let sources = [source(&first), source(&second)];
            let merged = MergedTests::of(&sources, Builds::MayDiffer).unwrap();
            let (store, by) = (Store::at("/nowhere".into()), sources[0].file.invocation.clone());
            let file = merged.file(&store, &sources, None, by).unwrap();
            assert_eq!((file.commit, file.origin, file.build), want);
        }
    }

    #[test]
    fn a_file_of_an_archive_is_the_same_in_every_store() {
        let [one, two] = ["0123456789abcdef0123456789abcdef", "ffffffffffffffffffffffffffffffff"];
        let of = |store: &str, id: &str, file: &str| format!("{store}/archives/{id}/root/{file}");
        let first = of("/a", one, "t.sh");
        assert_eq!(anywhere(&first), anywhere(&of("/b/c", one, "t.sh")));
        for other in [of("/a", two, "t.sh"), of("/a", one, "u.sh"), "/a/t.sh".to_owned()] {
            assert_ne!(anywhere(&first), anywhere(&other));
        }
        for word in ["{seed}", "--quick", "", "/a/archives/x", "archives"] {
            assert_eq!(anywhere(word), Path::new(word));
        }
    }
}
