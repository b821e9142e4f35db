//! Seeded bugs that must be caught: builds wrong versions of the core, of the simulated disk and of
//! the services, and runs the test suites of each against them.
//!
//! ```text
//! tests/canaries/bugs/**/*.toml ─► schema (all bugs in one source) ─► workspace, compiler (one build,
//!    in target/) ─► hunt (a process for each bug and suite) ─► table ─► docs/canaries.md, or a
//!    check against it
//! ```
//!
//! A canary is a text file; neither the core nor a normal build knows of it.
#![cfg(unix)]
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the output of a command")]

mod canary;
mod compiler;
mod hunt;
mod schema;
mod table;
mod workspace;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use rayon::prelude::*;

use crate::canary::{Broken, Canary, Subject};
use crate::hunt::{Limits, Outcome, Suite, suites};
use crate::table::{Expected, Row, Table};

/// Run the test suites against seeded bugs: which suite catches which bug, how soon, by which rule
#[derive(Debug, Parser)]
#[command(name = "canaries", after_help = EXAMPLES)]
struct Cli {
    /// Only canaries whose name contains one of these
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Only this suite; may be repeated
    #[arg(long, value_name = "SUITE", value_parser = suite_of)]
    suite: Vec<Suite>,
    /// Seeds per suite and canary at most [default: 100, of services 20 and 400; the model check has no seeds]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// Processes at once [default: the number of cores]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    jobs: usize,
    /// Write docs/canaries.md, from all canaries and suites
    #[arg(long, conflicts_with_all = ["names", "suite", "seeds", "check"])]
    write: bool,
    /// Run only what docs/canaries.md lists as caught, and fail unless all of it is caught again
    #[arg(long)]
    check: bool,
    /// List the canaries and what they do
    #[arg(long, conflicts_with_all = ["write", "check"])]
    list: bool,
}

const EXAMPLES: &str = "Examples:
  canaries                               all canaries, all suites
  canaries snapshot --suite storms       the canaries about snapshots, and the storms
  canaries lease --seeds 1000            a longer search
  canaries --suite services              the canaries of the services, on the scenarios of labs 3 and 4
  canaries --check                       what CI runs
  canaries --write                       after a new canary or a change of the suites

A canary is a file tests/canaries/bugs/NAME.toml, or of the services tests/canaries/bugs/services/NAME.toml;
copy one to add another. A hunt that is stopped by
its limit on CPU time or memory, or that crashes, has not caught its canary, unless the file sets
`hangs = true` (then the limit on CPU time counts as caught).

Exit codes:
  0  all caught
  1  some not caught
  2  bad usage, or a canary that cannot be built";

/// A failure before or between hunts.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Read(#[from] canary::ReadError),
    #[error(transparent)]
    Build(#[from] workspace::BuildError),
    #[error("{canary}, {suite}: cannot start the hunt: {source}")]
    Hunt { canary: String, suite: &'static str, source: io::Error },
    #[error("no canary of these suites matches; `--list` shows all")]
    NoMatch,
    #[error("docs/canaries.md: {0}")]
    Docs(io::Error),
    #[error("docs/canaries.md has no row for {0}; run `canaries --write`")]
    Unknown(String),
    #[error("docs/canaries.md is not written: {0} of the canaries cannot be built")]
    Incomplete(usize),
    #[error("cannot start {0} threads")]
    Jobs(usize),
}

/// The canaries that were asked for, with their numbers.
type Chosen<'a> = Vec<(usize, &'a Canary)>;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("canaries: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli) -> Result<ExitCode, Error> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let all = canary::read_all(&root)?;
    let suites = if cli.suite.is_empty() { suites() } else { cli.suite.clone() };
    let matches = |canary: &Canary| {
        (cli.names.is_empty() || cli.names.iter().any(|name| canary.name.contains(name)))
            && suites.iter().any(|suite| suite.subject == canary.subject)
    };
    let mut chosen: Chosen<'_> = (1..).zip(&all).filter(|(_, canary)| matches(canary)).collect();
    if chosen.is_empty() {
        return Err(Error::NoMatch);
    }
    if cli.list {
        for (_, Canary { name, does, source, .. }) in &chosen {
            println!("{name:30} {does}\n{:30} seen in {source}", "");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let docs = root.join(DOCS);
    let expected = if cli.check { Some(expected(&docs, &chosen)?) } else { None };
    eprintln!("building {} canaries into one program", all.len());
    let build = workspace::build(&root, &all)?;
    build.broken.iter().for_each(|broken| eprintln!("{broken}"));
    let asked = chosen.len();
    chosen
        .retain(|(_, canary)| !build.broken.iter().any(|Broken { name, .. }| *name == canary.name));
    let broken = asked - chosen.len();
    if cli.write && broken > 0 {
        return Err(Error::Incomplete(broken));
    }
    let mut tables = Vec::new();
    for subject in Subject::ALL {
        let of_subject = |suite: &&Suite| suite.subject == subject;
        let suites: Vec<Suite> = suites.iter().filter(of_subject).copied().collect();
        let chosen = chosen.iter().filter(|(_, canary)| canary.subject == subject);
        let chosen: Chosen<'_> = chosen.copied().collect();
        if !chosen.is_empty() {
            let table = hunt_all(cli, &build.programs, suites, &chosen, expected.as_ref())?;
            println!("{table}\n{}\n", table.summary());
            tables.push((subject, table));
        }
    }
    if cli.write {
        std::fs::write(&docs, document(&tables)).map_err(Error::Docs)?;
    }
    let missed: Vec<_> =
        tables.iter().flat_map(|(_, table)| missed(table, expected.as_ref())).collect();
    missed.iter().for_each(|line| eprintln!("{line}"));
    if broken > 0 {
        eprintln!("{broken} of {asked} canaries cannot be built");
        return Ok(ExitCode::from(2));
    }
    if cli.check && missed.is_empty() {
        println!("all bugs that docs/canaries.md lists as caught were caught again");
    }
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn expected(docs: &Path, chosen: &Chosen<'_>) -> Result<Expected, Error> {
    let expected = Expected::read(&std::fs::read_to_string(docs).map_err(Error::Docs)?);
    match chosen.iter().find(|(_, canary)| !expected.has(&canary.name)) {
        Some((_, canary)) => Err(Error::Unknown(canary.name.clone())),
        None => Ok(expected),
    }
}

/// The tables as docs/canaries.md.
fn document(tables: &[(Subject, Table<'_>)]) -> String {
    let mut text = INTRODUCTION.to_owned();
    for (subject, table) in tables {
        text += &format!("\n## {}\n\n{}\n\n{table}", subject.heading(), table.summary());
    }
    text
}

/// Runs these suites against every chosen canary; with an expectation, those that must catch it.
fn hunt_all<'a>(
    cli: &Cli,
    programs: &Path,
    suites: Vec<Suite>,
    chosen: &Chosen<'a>,
    expected: Option<&Expected>,
) -> Result<Table<'a>, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(cli.jobs).build();
    let pool = pool.map_err(|_| Error::Jobs(cli.jobs))?;
    let hunt = |(number, canary): &(usize, &'a Canary)| {
        let outcomes = suites.iter().map(|suite| {
            if expected.is_some_and(|expected| !expected.must_catch(suite.name, &canary.name)) {
                return Ok(None);
            }
            let limits = Limits::new(*suite, cli.seeds.or(canary.seeds));
            let outcome = hunt::hunt(programs, *suite, limits, *number).map_err(|source| {
                Error::Hunt { canary: canary.name.clone(), suite: suite.name, source }
            })?;
            Ok(Some(if canary.hangs { outcome.with_hang_caught(limits) } else { outcome }))
        });
        let outcomes = outcomes.collect::<Result<Vec<_>, Error>>()?;
        eprintln!("{:30} {}", canary.name, first(&outcomes));
        Ok(Row { canary, outcomes })
    };
    let rows = pool.install(|| chosen.par_iter().map(hunt).collect::<Result<Vec<_>, Error>>())?;
    Ok(Table { suites, rows })
}

/// The verdict of the first suite that caught a canary.
fn first(outcomes: &[Option<Outcome>]) -> String {
    let caught = outcomes.iter().flatten().find(|outcome| outcome.is_caught());
    caught.map_or_else(|| "not caught".to_owned(), Outcome::to_string)
}

/// Bugs that must be caught and are not, a line each.
fn missed(table: &Table<'_>, expected: Option<&Expected>) -> Vec<String> {
    let names: Vec<_> = table.suites.iter().map(|suite| suite.name).collect();
    let subject = table.suites.first().map(|suite| suite.subject);
    let all = suites().iter().filter(|suite| Some(suite.subject) == subject).count();
    let by = if names.len() == all { "any suite".to_owned() } else { names.join(", ") };
    let mut lines: Vec<String> = table
        .missed()
        .map(|Canary { name, does, .. }| format!("not caught by {by}: {name} ({does})"))
        .collect();
    for row in table.rows.iter().filter(|_| expected.is_some()) {
        for (suite, outcome) in table.suites.iter().zip(&row.outcomes) {
            if let Some(outcome) = outcome.as_ref().filter(|outcome| !outcome.is_caught()) {
                let (suite, canary) = (suite.name, &row.canary.name);
                lines.push(format!("no longer caught by {suite}: {canary} ({outcome})"));
            }
        }
    }
    lines
}

fn suite_of(name: &str) -> Result<Suite, String> {
    suites().into_iter().find(|suite| suite.name == name).ok_or_else(|| {
        let names: Vec<_> = suites().iter().map(|suite| suite.name).collect();
        format!("suites: {}", names.join(", "))
    })
}

/// The table, from the root of the repository.
const DOCS: &str = "docs/canaries.md";

const INTRODUCTION: &str = "# Canaries

A canary is a seeded bug that must be caught: a wrong version of the core, of the simulated disk or of
the services, one file each in `tests/canaries/bugs/`. For each suite the table has the number of seeds and seconds
until a run failed, the rule that was broken, and the run. The model check has no seeds: it visits
every state within small bounds, once. `not in 20` means that none of 20 seeds failed: canaries may name a
number of seeds of their own, and rows were written at different times, with different numbers. `stopped`
means that a limit or a crash ended the hunt; it does not count as caught. `–`: the suite was not run.

Written by `cargo run -p canaries -- --write`. CI runs `--check`, which fails when a bug that
is caught here is no longer caught.
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hunt::Cause;

    /// A new canary without a row, or a row without its canary, fails here.
    #[test]
    fn the_docs_have_a_row_for_each_canary() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let docs = std::fs::read_to_string(root.join(DOCS)).unwrap();
        assert!(docs.starts_with(INTRODUCTION), "{DOCS} has another introduction");
        let canaries = canary::read_all(&root).unwrap();
        let mut names: Vec<&str> = canaries.iter().map(|canary| canary.name.as_str()).collect();
        names.sort_unstable();
        let expected = Expected::read(&docs);
        assert_eq!(expected.names().collect::<Vec<_>>(), names, "run `canaries --write`");
        for suite in suites() {
            let caught = names.iter().filter(|name| expected.must_catch(suite.name, name)).count();
            assert!(caught > 0, "{DOCS} has no column for {}, or it is empty", suite.name);
        }
    }

    #[test]
    fn a_hunt_that_was_stopped_is_reported() {
        let text = "does = 'loops'\nsource = 'x'\nchange = []";
        let canary = Canary { name: "loops".to_owned(), ..toml::from_str(text).unwrap() };
        let stopped = Outcome::Stopped { seed: 3, cause: Cause::CpuTime };
        let caught = stopped.clone().with_hang_caught(Limits::new(suites()[0], None));
        let row = |outcome| Row { canary: &canary, outcomes: vec![Some(outcome)] };
        let table = |outcome| Table { suites: suites()[..1].to_vec(), rows: vec![row(outcome)] };
        assert_eq!(
            missed(&table(stopped), Some(&Expected::default())),
            [
                "not caught by scenarios: loops (loops)",
                "no longer caught by scenarios: loops (stopped in seed 3: limit on CPU time)",
            ]
        );
        assert!(missed(&table(caught), Some(&Expected::default())).is_empty());
    }
}
