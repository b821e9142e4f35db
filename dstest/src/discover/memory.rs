//! `targets.json` of the store: the tests of each test target, and the cost of past builds.
//!
//! It is a cache: a file that is damaged or of another version is ignored, and written anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::contents::{Contents, Part};
use crate::build::sources::{compiled_from, rust_files};
use crate::build::{Cost, Target, Workspace};
use crate::list::unbuilt;
use crate::plan::BuildPlan;
use crate::store::open_dir::{DESCRIPTION_BYTES_MAX, read_json};
use crate::store::{Store, write_atomically};
use crate::suite::{Harness, Mark, Suite, Test};

/// The memory of one build: of its packages, features and profile.
#[derive(Debug)]
pub(super) struct Memory {
    /// The build's own description.
    key: String,
    entry: Entry,
}

/// The contents of `targets.json`.
#[derive(Debug, Serialize, Deserialize)]
struct MemoryFile {
    schema: u32,
    builds: BTreeMap<String, Entry>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Entry {
    /// The hash of the manifests when all targets were built.
    manifests: Option<String>,
    targets: Vec<Remembered>,
    /// The cost of the last build of each set of targets.
    costs: BTreeMap<String, Past>,
}

/// A target of the workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Remembered {
    pub(super) target: Target,
    /// Its tests; absent if this build does not include it.
    tests: Option<Vec<RememberedTest>>,
    /// The files that decide about its tests.
    sources: Vec<PathBuf>,
    part: Part,
    hash: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RememberedTest {
    id: String,
    harness: Harness,
    mark: Mark,
    #[serde(default = "one")]
    parts_min: usize,
}

const fn one() -> usize {
    1
}

/// The cost of a past build.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Past {
    /// Compiled units, fresh ones included.
    pub(super) units: u64,
    /// The time of the last one that compiled anything.
    seconds: Option<f64>,
}

impl Past {
    pub(super) fn time(self) -> Option<Duration> {
        self.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}

impl Remembered {
    /// `true` if this build includes it.
    pub(super) fn is_built(&self) -> bool {
        self.tests.is_some()
    }

    /// `true` if its list of tests still holds.
    pub(super) fn is_current(&self, contents: &Contents) -> bool {
        self.hash.is_some() && self.hash == contents.hash(&self.sources, self.part)
    }
}

impl Memory {
    /// The memory of this build; empty if there is none.
    pub(super) fn read(store: &Store, workspace: &Workspace, dir: &Path, plan: &BuildPlan) -> Self {
        let key = key(workspace, dir, plan);
        let entry = read(store).remove(&key).unwrap_or_default();
        Self { key, entry }
    }

    /// Writes it, beside that of other builds, if there is a store. It is only a cache, so that a
    /// failure to write costs time and nothing else.
    pub(super) fn write(&self, store: &Store) {
        if store.open_marked().is_err() {
            return;
        }
        let mut builds = read(store);
        if builds.len() >= BUILDS_MAX {
            builds.clear();
        }
        builds.insert(self.key.clone(), self.entry.clone());
        if let Ok(text) = serde_json::to_vec(&MemoryFile { schema: SCHEMA, builds }) {
            let _ = write_atomically(&store.root().join(FILE_NAME), &text);
        }
    }

    /// The targets, if no manifest has changed since they were listed.
    pub(super) fn targets(
        &self,
        workspace: &Workspace,
        contents: &Contents,
    ) -> Option<&[Remembered]> {
        let is_current = self.entry.manifests.is_some()
            && self.entry.manifests == manifests(workspace, contents);
        is_current.then_some(&*self.entry.targets)
    }

    /// The number of targets that this build includes.
    pub(super) fn built_targets(&self) -> usize {
        self.entry.targets.iter().filter(|target| target.is_built()).count()
    }

    /// The remembered tests of all targets but these, as a suite without programs.
    pub(super) fn suite_without(&self, built: &[Target]) -> Suite {
        suite(self.entry.targets.iter().filter(|known| !built.contains(&known.target)))
    }

    /// The cost of the last such build.
    pub(super) fn past(&self, only: Option<&[Target]>) -> Option<Past> {
        self.entry.costs.get(&cost_key(only)).copied()
    }

    /// Notes the cost of a build.
    pub(super) fn record_cost(&mut self, only: Option<&[Target]>, cost: Cost) {
        let before = self.past(only).and_then(|past| past.seconds);
        let seconds = cost.compile.map(|time| time.as_secs_f64()).or(before);
        if self.entry.costs.len() >= BUILDS_MAX {
            self.entry.costs.clear();
        }
        self.entry.costs.insert(cost_key(only), Past { units: cost.units, seconds });
    }

    /// Notes the tests of the targets that were built, which are all or some.
    pub(super) fn record(
        &mut self,
        workspace: &Workspace,
        is_all: bool,
        built: &[Target],
        suite: &Suite,
        contents: &Contents,
    ) {
        if is_all {
            self.entry.manifests = manifests(workspace, contents);
            let all = workspace.test_targets().map(|(target, _)| target);
            self.entry.targets = all.map(Remembered::not_built).collect();
        }
        for (index, target) in built.iter().enumerate() {
            let fresh = Remembered::built(target, index, workspace, suite, contents);
            match self.entry.targets.iter_mut().find(|known| known.target == *target) {
                Some(known) => *known = fresh,
                None => self.entry.targets.push(fresh),
            }
        }
    }
}

impl Remembered {
    fn not_built(target: Target) -> Self {
        Self { target, tests: None, sources: Vec::new(), part: Part::Whole, hash: None }
    }

    /// The target of the program with this index.
    fn built(
        target: &Target,
        index: usize,
        workspace: &Workspace,
        suite: &Suite,
        contents: &Contents,
    ) -> Self {
        let tests: Vec<RememberedTest> = (suite.tests.iter().filter(|test| test.binary == index))
            .map(|test| RememberedTest {
                id: test.id.clone(),
                harness: test.harness,
                mark: test.mark,
                parts_min: test.parts_min,
            })
            .collect();
        let mut sources = compiled_from(&suite.binaries[index].path, &workspace.root);
        let part = match Writing::of(&tests, &sources) {
            Writing::Functions => Part::Outline,
            Writing::Names => Part::Whole,
            Writing::Elsewhere => {
                sources.extend(workspace.library_dirs().flat_map(rust_files));
                Part::Whole
            }
        };
        let hash = contents.hash(&sources, part);
        Self { target: target.clone(), tests: Some(tests), sources, part, hash }
    }
}

/// The tests of these targets, as a suite without programs.
pub(super) fn suite<'a>(targets: impl Iterator<Item = &'a Remembered>) -> Suite {
    unbuilt(targets.filter_map(|known| {
        let tests = known.tests.as_ref()?.iter();
        let test = |test: &RememberedTest| Test {
            mark: test.mark,
            parts_min: test.parts_min,
            ..Test::new(test.id.clone(), 0, Vec::new(), test.harness)
        };
        Some((known.target.program_name(), tests.map(test).collect()))
    }))
}

/// The place where a target's tests are written.
enum Writing {
    /// Each is a function in its sources.
    Functions,
    /// Each has its name in its sources, as an argument of a macro may.
    Names,
    /// A macro or a table of a library may have made some, and decides about the list too.
    Elsewhere,
}

impl Writing {
    fn of(tests: &[RememberedTest], sources: &[PathBuf]) -> Self {
        let texts = sources.iter().filter_map(|path| fs::read_to_string(path).ok());
        let texts: Vec<String> = texts.collect();
        let all_have = |prefix: &str| {
            tests.iter().all(|test| {
                let name = format!("{prefix}{}", test.id.rsplit("::").next().unwrap_or(&test.id));
                texts.iter().any(|text| text.contains(&name))
            })
        };
        let is_listed = tests.iter().all(|test| test.harness != Harness::Opaque);
        match (is_listed, all_have("fn "), all_have("")) {
            (true, true, _) => Self::Functions,
            // A program that lists nothing is one test, whatever its sources are.
            (false, _, _) | (_, _, true) => Self::Names,
            (true, false, false) => Self::Elsewhere,
        }
    }
}

fn manifests(workspace: &Workspace, contents: &Contents) -> Option<String> {
    let mut files = workspace.manifests();
    files.retain(|file| file.is_file());
    // Cargo itself may write the lock file while it builds.
    let lock = Contents::default().hash(&[workspace.root.join("Cargo.lock")], Part::Whole);
    contents.hash(&files, Part::Whole).map(|hash| hash + &lock.unwrap_or_default())
}

fn read(store: &Store) -> BTreeMap<String, Entry> {
    let file = read_json(&store.root().join(FILE_NAME), DESCRIPTION_BYTES_MAX);
    let known = file.filter(|file: &MemoryFile| file.schema == SCHEMA);
    known.map_or_else(BTreeMap::new, |file| file.builds)
}

/// Everything that decides which targets a build has, and which tests they have, but for files.
fn key(workspace: &Workspace, dir: &Path, plan: &BuildPlan) -> String {
    let flags = COMPILER_VARIABLES.map(std::env::var_os);
    format!("{} {} {plan:?} {flags:?}", workspace.root.display(), dir.display())
}

fn cost_key(only: Option<&[Target]>) -> String {
    let name = |targets: &[Target]| targets.iter().map(ToString::to_string).collect::<Vec<_>>();
    only.map_or_else(|| "all".to_owned(), |targets| name(targets).join(", "))
}

/// The name of the file in the store.
const FILE_NAME: &str = "targets.json";

/// The version of the file.
const SCHEMA: u32 = 1;

/// More builds of one workspace than are in use at a time.
const BUILDS_MAX: usize = 32;

/// Variables that change what is compiled.
const COMPILER_VARIABLES: [&str; 6] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "RUSTUP_TOOLCHAIN",
    "RUSTC",
];
