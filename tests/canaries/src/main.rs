//! Known bugs must be caught: builds wrong versions of the core and of the disk, and shows each to
//! the suites.
//!
//! ```text
//! tests/canaries/bugs/*.toml ─► schema (all bugs in one source) ─► workspace (one build, in target/)
//!    ─► hunt (a process for each bug and suite) ─► table ─► docs/canaries.md, or a check against it
//! ```
//!
//! A canary is a text file; neither the core nor a normal build knows of it.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command talks to whoever runs it"
)]

mod canary;
mod hunt;
mod schema;
mod table;
mod workspace;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use rayon::prelude::*;

use crate::canary::Canary;
use crate::hunt::{HuntError, Outcome, SUITES, Suite};
use crate::table::{Expected, Row, Table};
use crate::workspace::Programs;

/// Shows known bugs to the test suites, and says which suite catches which, how soon, by which rule.
#[derive(Debug, Parser)]
#[command(name = "canaries", after_help = EXAMPLES)]
struct Cli {
    /// Only canaries whose name contains one of these
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Only this suite; may be repeated
    #[arg(long, value_name = "SUITE", value_parser = suite_of)]
    suite: Vec<Suite>,
    /// Try at most this many seeds instead of each suite's own number; a model check has none
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// How many processes run at once; as many as there are cores without it
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    jobs: usize,
    /// Write docs/canaries.md; all canaries and suites must be run for it
    #[arg(long, conflicts_with_all = ["names", "suite", "seeds", "check"])]
    write: bool,
    /// Run what docs/canaries.md says is caught, and fail if something is not caught any more
    #[arg(long)]
    check: bool,
    /// List the canaries and what they do
    #[arg(long, conflicts_with_all = ["write", "check"])]
    list: bool,
}

const EXAMPLES: &str = "Examples:
  canaries                               all canaries, all suites
  canaries snapshot --suite storms       the canaries about snapshots, and the storms
  canaries --check                       what CI runs
  canaries --write                       after a new canary or a change of the suites

Exit: 0 all caught · 1 some not caught · 2 bad usage, or the canaries do not fit the sources";

/// What keeps the command from its work.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Read(#[from] canary::ReadError),
    #[error(transparent)]
    Build(#[from] workspace::BuildError),
    #[error("{canary}, {suite}: {source}")]
    Hunt { canary: String, suite: &'static str, source: HuntError },
    #[error("no canary is named like that; `--list` shows all")]
    NoMatch,
    #[error("docs/canaries.md: {0}")]
    Docs(std::io::Error),
    #[error("docs/canaries.md does not know of {0}; run `canaries --write`")]
    Unknown(String),
    #[error("{0} processes at once are not possible")]
    Jobs(usize),
}

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
    let all = canary::read_all(&root.join("tests/canaries/bugs"))?;
    let asked = |canary: &Canary| {
        cli.names.is_empty() || cli.names.iter().any(|name| canary.name.contains(name))
    };
    let chosen: Vec<(usize, &Canary)> = all
        .iter()
        .enumerate()
        .map(|(place, canary)| (place + 1, canary))
        .filter(|(_, canary)| asked(canary))
        .collect();
    if chosen.is_empty() {
        return Err(Error::NoMatch);
    }
    if cli.list {
        for (_, Canary { name, does, source, .. }) in &chosen {
            println!("{name:30} {does}\n{:30} seen in {source}", "");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let docs = root.join("docs/canaries.md");
    let expected = if cli.check { Some(expected(&docs, &chosen)?) } else { None };
    eprintln!("building {} canaries into one program", all.len());
    let programs = workspace::build(&root, &all)?;
    let table = show_all(cli, &programs, &chosen, expected.as_ref())?;
    println!("{table}\n{}", table.summary());
    if cli.write {
        let text = format!("{INTRODUCTION}\n{}\n\n{table}", table.summary());
        std::fs::write(&docs, text).map_err(Error::Docs)?;
    }
    let code = verdict(&table, expected.as_ref());
    if cli.check && code == ExitCode::SUCCESS {
        println!("Every bug that docs/canaries.md says is caught was caught again.");
    }
    Ok(code)
}

fn expected(docs: &PathBuf, chosen: &[(usize, &Canary)]) -> Result<Expected, Error> {
    let expected = Expected::read(&std::fs::read_to_string(docs).map_err(Error::Docs)?);
    match chosen.iter().find(|(_, canary)| !expected.knows(&canary.name)) {
        Some((_, canary)) => Err(Error::Unknown(canary.name.clone())),
        None => Ok(expected),
    }
}

/// Shows every chosen canary to every suite; with an expectation, to those that must catch it.
fn show_all<'a>(
    cli: &Cli,
    programs: &Programs,
    chosen: &[(usize, &'a Canary)],
    expected: Option<&Expected>,
) -> Result<Table<'a>, Error> {
    let suites = if cli.suite.is_empty() { SUITES.to_vec() } else { cli.suite.clone() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(cli.jobs).build();
    let pool = pool.map_err(|_| Error::Jobs(cli.jobs))?;
    let show = |(number, canary): &(usize, &'a Canary)| {
        let outcomes = suites.iter().map(|suite| {
            if expected.is_some_and(|expected| !expected.must_catch(suite.name, &canary.name)) {
                return Ok(None);
            }
            let seeds = cli.seeds.unwrap_or(suite.seeds_max);
            hunt::hunt(programs.folder(), *suite, seeds, *number).map(Some).map_err(|source| {
                Error::Hunt { canary: canary.name.clone(), suite: suite.name, source }
            })
        });
        let outcomes = outcomes.collect::<Result<Vec<_>, Error>>()?;
        eprintln!("{:30} {}", canary.name, first(&outcomes));
        Ok(Row { canary, outcomes })
    };
    let rows = pool.install(|| chosen.par_iter().map(show).collect::<Result<Vec<_>, Error>>())?;
    Ok(Table { suites, rows })
}

/// What the first suite that caught a canary saw.
fn first(outcomes: &[Option<Outcome>]) -> String {
    let caught = outcomes.iter().flatten().find(|outcome| outcome.is_caught());
    caught.map_or_else(|| "not caught".to_owned(), Outcome::to_string)
}

/// Says what is not caught and must be.
fn verdict(table: &Table<'_>, expected: Option<&Expected>) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for canary in table.missed() {
        eprintln!("not caught by any suite: {} ({})", canary.name, canary.does);
        code = ExitCode::FAILURE;
    }
    for row in table.rows.iter().filter(|_| expected.is_some()) {
        for (suite, outcome) in table.suites.iter().zip(&row.outcomes) {
            if outcome.as_ref().is_some_and(|outcome| !outcome.is_caught()) {
                eprintln!("{} does not catch {} any more", suite.name, row.canary.name);
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn suite_of(name: &str) -> Result<Suite, String> {
    let found = SUITES.iter().find(|suite| suite.name == name).copied();
    found.ok_or_else(|| {
        let names: Vec<_> = SUITES.iter().map(|suite| suite.name).collect();
        format!("use {}", names.join(", "))
    })
}

const INTRODUCTION: &str = "# Canaries

Wrong versions of the core and of the simulated disk, one file each in `tests/canaries/bugs/`, and which
suite catches them: after how many seeds, after how many seconds, by which rule, in which run. The
model check has no seeds: it visits every state within small bounds, once. Written by `cargo run --release -p canaries -- --write`; CI runs `--check` and fails
when a bug that is caught here is not caught any more.
";
