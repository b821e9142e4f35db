//! Tests, the programs that hold them, and selections of tests.
//!
//! The adapters of [`crate::build`] produce a [`Suite`]; the store keeps it, so that a run can
//! be repeated without building or listing anything again.

use std::path::PathBuf;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text::names;

/// Everything an adapter found.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Suite {
    /// The programs.
    pub binaries: Vec<Binary>,
    /// The tests, in the order in which they were listed.
    pub tests: Vec<Test>,
    /// The command that runs the programs, if they cannot run by themselves.
    pub runner: Vec<String>,
    /// Remarks for the user.
    pub notes: Vec<Note>,
}

/// A remark on something that the user may not expect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Note {
    /// A program, by its index, does not list its tests and is one test as a whole.
    Opaque(usize),
    /// The documentation of these packages has examples, which are not run.
    DocTests(Vec<String>),
    /// Cargo's configuration names a command that runs all programs.
    Runner(String),
}

/// A program that holds tests, with the surroundings its own build tool would give it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binary {
    /// Its name, as a prefix of test names that would otherwise be ambiguous.
    pub name: String,
    /// The file; a bare name is looked up in `PATH`.
    pub path: PathBuf,
    /// Working directory.
    pub cwd: PathBuf,
    /// Variables set in addition to the environment.
    pub env: Vec<(String, String)>,
    /// The hash of what was in the file when a campaign began, where the file is not a copy of
    /// dstest's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<String>,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// The shortest clear name among the tests of its campaign: shown and matched.
    pub name: String,
    /// The name that never changes, whatever else is selected: program, `$`, `id`. Results are stored,
    /// compared and exported under it.
    #[serde(default)]
    pub key: String,
    /// The name its harness knows; seeds derive from it.
    pub id: String,
    /// Its program: an index into the suite's (or campaign's) binaries.
    pub binary: usize,
    /// Arguments; in those of a command `{seed}`, `{iter}` and `{test}` stand for a run's own.
    pub args: Vec<String>,
    /// Its harness.
    pub harness: Harness,
    /// Its mark.
    pub mark: Mark,
    /// The least number of parts of its path that name its function; more than one for a case of a
    /// parametrised test.
    #[serde(skip)]
    pub(crate) parts_min: usize,
}

impl Test {
    /// A test that is not named yet.
    pub(crate) fn new(id: String, binary: usize, args: Vec<String>, harness: Harness) -> Self {
        let (name, key) = (String::new(), String::new());
        Self { name, key, id, binary, args, harness, mark: Mark::Normal, parts_min: 1 }
    }

    /// A pattern is tried on the short name, and with `::` in it on the full one too.
    pub(crate) fn matches(&self, binary: &Binary, pattern: &Regex) -> bool {
        let full = || format!("{}::{}", binary.name, self.id);
        pattern.is_match(&self.name)
            || pattern.is_match(&self.id)
            || pattern.as_str().contains("::") && pattern.is_match(&full())
    }

    /// Its key in a program.
    pub(crate) fn key_in(&self, binary: &Binary) -> String {
        // Of versions that gave a library the name of its target as well.
        let name = match binary.name.split_once("::") {
            Some((package, target)) if package.replace('-', "_") == target.replace('-', "_") => {
                package
            }
            _ => &binary.name,
        };
        match self.harness {
            Harness::Libtest | Harness::Go => format!("{name}${}", self.id),
            Harness::Opaque => name.to_owned(),
        }
    }

    /// The subtests of a test of Go that match this pattern.
    fn subtest(&self, pattern: &str) -> Self {
        let with = |text: &str| format!("{text}/{pattern}");
        let mut args = self.args.clone();
        args.iter_mut().take(1).for_each(|run| *run = with(run));
        Self { name: with(&self.name), id: with(&self.id), args, ..self.clone() }
    }

    /// `true` for subtests of a test of Go, of which a run must have at least one.
    #[must_use]
    pub fn is_subtest(&self) -> bool {
        self.harness == Harness::Go && self.id.contains('/')
    }
}

/// The harness of a test, which decides the meaning of its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harness {
    /// Rust's: a pass must be confirmed by the summary line.
    Libtest,
    /// Go's.
    Go,
    /// None that is known: the exit code is the result.
    Opaque,
}

/// The mark of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// No.
    Normal,
    /// Ignored: it runs only on request.
    Ignored,
}

/// A selection of tests.
#[derive(Debug, Default)]
pub struct Selection {
    /// A test matches if any of these does; without patterns all tests match.
    pub patterns: Vec<Regex>,
    /// The patterns as typed, for messages.
    pub typed: Vec<String>,
    /// A test that matches one of these is left out.
    pub skip: Vec<Regex>,
    /// The treatment of tests marked as ignored.
    pub ignored: Ignored,
}

/// The treatment of tests marked as ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ignored {
    /// Leave them out.
    #[default]
    LeaveOut,
    /// Run them like all others.
    Include,
}

/// Reasons why no test is selected.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectError {
    /// The project has no tests at all.
    #[error("no tests found{hint}")]
    NoTests {
        /// A hint, or nothing.
        hint: String,
    },
    /// A pattern matches no test, as a mistyped one does.
    #[error("no test matches `{pattern}`{hint}")]
    NoMatch {
        /// The pattern as typed.
        pattern: String,
        /// The nearest names.
        hint: String,
    },
    /// Tests match, but every one is left out.
    #[error(
        "all matching tests are left out by --skip or #[ignore]; --include-ignored runs ignored ones"
    )]
    AllLeftOut,
}

impl Note {
    /// The remark with another index of its program; `None` if that is left out.
    pub(crate) fn renumbered(&self, place: impl Fn(usize) -> Option<usize>) -> Option<Self> {
        match self {
            Self::Opaque(binary) => place(*binary).map(Self::Opaque),
            Self::DocTests(_) | Self::Runner(_) => Some(self.clone()),
        }
    }
}

impl Suite {
    /// The selected tests, in listed order; every pattern must match a test.
    ///
    /// # Errors
    /// See [`SelectError`].
    pub fn select(&self, selection: &Selection) -> Result<Vec<Test>, SelectError> {
        if self.tests.is_empty() {
            return Err(SelectError::NoTests { hint: self.notes_hint() });
        }
        for (pattern, typed) in selection.patterns.iter().zip(&selection.typed) {
            let is_subtest = || !self.subtests(typed, selection).is_empty();
            if !self.tests.iter().any(|test| self.matches(test, pattern)) && !is_subtest() {
                return Err(self.no_match(typed));
            }
        }
        let whole = self.tests.iter().filter(|test| self.is_selected(test, selection)).cloned();
        let parts = selection.typed.iter().flat_map(|typed| self.subtests(typed, selection));
        let selected: Vec<Test> = whole.chain(parts).collect();
        if selected.is_empty() { Err(SelectError::AllLeftOut) } else { Ok(selected) }
    }

    /// The tests that `TestX/case` means, as `go test -run` reads it: those that match the part before
    /// the slash, each with only its subtests that match the rest. No program lists subtests.
    fn subtests(&self, typed: &str, selection: &Selection) -> Vec<Test> {
        let Some((test, subtest)) = typed.split_once('/') else { return Vec::new() };
        let Ok(pattern) = RegexBuilder::new(test).case_insensitive(true).build() else {
            return Vec::new();
        };
        let is_wanted = |test: &&Test| {
            let is_skipped = selection.skip.iter().any(|skip| self.matches(test, skip));
            test.harness == Harness::Go && self.matches(test, &pattern) && !is_skipped
        };
        self.tests.iter().filter(is_wanted).map(|test| test.subtest(subtest)).collect()
    }

    /// Remarks on a selection. With patterns, only those on the programs of selected tests.
    #[must_use]
    pub fn notes_on(&self, selection: &Selection, tests: &[Test]) -> Vec<String> {
        let concerns = |note: &&Note| match note {
            Note::Opaque(binary) => tests.iter().any(|test| test.binary == *binary),
            Note::DocTests(_) => selection.patterns.is_empty(),
            Note::Runner(_) => true,
        };
        let notes = self.notes.iter().filter(concerns).map(|note| self.words(note));
        notes.chain(self.left_out(selection)).collect()
    }

    /// A remark on the number of matching tests that are left out as ignored.
    fn left_out(&self, selection: &Selection) -> Option<String> {
        let is_ignored = |test: &&Test| test.mark == Mark::Ignored;
        let ignored = self.tests.iter().filter(is_ignored);
        let count = ignored.filter(|test| self.matches_selection(test, selection)).count();
        let is_said = count > 0 && selection.ignored == Ignored::LeaveOut;
        is_said.then(|| format!("{count} marked #[ignore] left out (--include-ignored)"))
    }

    fn words(&self, note: &Note) -> String {
        match note {
            Note::Opaque(binary) => {
                let name = &self.binaries[*binary].name;
                format!("{name} does not list its tests; it runs as one test")
            }
            Note::Runner(command) => {
                format!("programs are run by `{command}`, as cargo's configuration says")
            }
            Note::DocTests(packages) => {
                let packages = packages.join(", ");
                format!("doc tests of {packages} are left out: `cargo test --doc` runs them")
            }
        }
    }

    fn is_selected(&self, test: &Test, selection: &Selection) -> bool {
        let ignored = test.mark == Mark::Ignored && selection.ignored == Ignored::LeaveOut;
        !ignored && self.matches_selection(test, selection)
    }

    /// `true` if a pattern matches the test and it is not skipped, whatever its mark.
    pub(crate) fn matches_selection(&self, test: &Test, selection: &Selection) -> bool {
        let wanted = selection.patterns.is_empty()
            || selection.patterns.iter().any(|pattern| self.matches(test, pattern));
        wanted && !selection.skip.iter().any(|pattern| self.matches(test, pattern))
    }

    fn matches(&self, test: &Test, pattern: &Regex) -> bool {
        test.matches(&self.binaries[test.binary], pattern)
    }

    fn no_match(&self, typed: &str) -> SelectError {
        let names = self.tests.iter().map(|test| test.name.as_str());
        let hint = match names::nearest(typed, names, SUGGESTIONS).as_slice() {
            [] => "; `dstest list` shows all names".to_owned(),
            near => format!("; did you mean {}?", near.join(", ")),
        };
        SelectError::NoMatch { pattern: typed.to_owned(), hint }
    }

    fn notes_hint(&self) -> String {
        self.notes.iter().map(|note| format!("; {}", self.words(note))).collect()
    }
}

/// More suggestions would be hard to take in.
const SUGGESTIONS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn suite(ids: &[&str]) -> Suite {
        let test = |id: &&str| Test {
            name: id.rsplit("::").next().unwrap().to_owned(),
            mark: if id.contains("slow") { Mark::Ignored } else { Mark::Normal },
            ..Test::new((*id).to_owned(), 0, vec![], Harness::Libtest)
        };
        let (name, path, cwd, env) = ("lab2".into(), "x".into(), "/".into(), vec![]);
        let binary = Binary { name, path, cwd, env, contents: None };
        Suite { binaries: vec![binary], tests: ids.iter().map(test).collect(), ..Suite::default() }
    }

    fn select(args: &[&str]) -> Result<Vec<String>, SelectError> {
        let suite = suite(&["e::initial_2a", "e::again_2a", "b::backup_2b", "b::slow_2b"]);
        let cli = crate::cli::Cli::try_parse_from(std::iter::once(&"dstest").chain(args)).unwrap();
        let run = cli.run;
        let selection =
            crate::plan::selection(&run.patterns, &run.budget.skip, &run.target).unwrap();
        suite.select(&selection).map(|tests| tests.into_iter().map(|test| test.name).collect())
    }

    #[test]
    fn patterns_select() {
        let rows: [(&[&str], &[&str]); 7] = [
            (&[], &["initial_2a", "again_2a", "backup_2b"]),
            (&["2B"], &["backup_2b"]),
            (&["2A", "back"], &["initial_2a", "again_2a", "backup_2b"]),
            (&["^initial_2a$"], &["initial_2a"]),
            (&["lab2::b::"], &["backup_2b"]),
            (&["2", "--skip", "2A"], &["backup_2b"]),
            (&["2B", "--include-ignored"], &["backup_2b", "slow_2b"]),
        ];
        for (args, want) in rows {
            assert_eq!(select(args).unwrap(), want, "{args:?}");
        }
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_an_error_even_beside_one_that_does() {
        let error = select(&["2A", "bakcup_2b"]).unwrap_err();
        assert_eq!(error.to_string(), "no test matches `bakcup_2b`; did you mean backup_2b?");
        assert_eq!(select(&["2A", "--skip", "2a"]), Err(SelectError::AllLeftOut));
        assert_eq!(select(&["slow"]), Err(SelectError::AllLeftOut));
    }
}
