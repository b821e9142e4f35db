//! Runs tests in parallel, many times, each with its own seed; keeps, counts and replays failures.
//!
//! A *campaign* is many runs; a *run* is one process of one test. dstest knows processes, exit
//! codes, environment variables and log lines, and nothing of what the tests test, but for one
//! table of words (`record/passed_line.rs`). The `dstest` command is [`run`](run()); `dstest --help` lists
//! its options.
//!
//! # The path of a campaign
//!
//! `command/run.rs` is the whole path in one function.
//!
//! | step | module | from → to |
//! |---|---|---|
//! | arguments | [`cli`], [`config`] | command line, `dstest.toml` → values as typed |
//! | plan | [`plan`] | those → [`plan::Plan`], checked, without I/O |
//! | discover | `discover/` | patterns, remembered tests → targets to build, selected tests |
//! | build | [`build`] | a cargo project, a Go module or a command → test programs |
//! | list | [`mod@list`], [`suite`] | programs → tests, and the selected ones |
//! | create | `campaign/create.rs`, [`store`] | plan → `campaign.json` → [`run::Campaign`] |
//! | schedule | [`schedule`], [`seed`], [`shard`] | tests → the sequence of runs, each with a seed |
//! | run | [`mod@run`], [`process`] | a run → its process, limits, verdict |
//! | record | [`record`], `campaign/recorder.rs` | its output → a line of `events.jsonl` |
//! | report | [`report`], `progress` | records → table, failures, rates, exports, exit code |
//!
//! Later commands start from the store: `replay`, `resume` and `shrink` make a [`run::Campaign`]
//! from `campaign.json` with the same constructor, `browse` shows the store in the terminal. `watch`
//! walks the whole path again after every save.
//!
//! # Index
//!
//! | term | place |
//! |---|---|
//! | timeout, output limit | `run/timeout.rs` |
//! | failure limit, `--for`, interrupts | `run/stop.rs` |
//! | worker, scheduling | `run/worker.rs`, `schedule.rs` |
//! | process group, survivors, signals, Ctrl-C, watchdog | `process/` |
//! | environment of a run | `run/launch.rs` |
//! | remembered tests, fewer targets built | `discover/memory.rs`, `discover/narrow.rs` |
//! | progress of the build | `build/progress.rs` |
//! | verdict from exit status and log | `run/judge.rs` |
//! | log parsing, trace hash, coverage, panic messages | `record/log_scan.rs` and its neighbours |
//! | the labs' Passed line | `record/passed_line.rs` |
//! | equal failures, signatures | `record/signature.rs` |
//! | result table, percentiles, confidence intervals | `report/summary.rs`, `report/stats.rs` |
//! | campaigns over time, the first one that got worse | `report/history.rs`, `report/history/` |
//! | JSON, JUnit, Markdown, CSV | `report/json.rs`, `report/junit.rs`, `report/tables.rs` |
//! | campaigns on many machines: scripts, Slurm, Kubernetes | `submit/`, `command/status.rs` |
//! | archives: packed, unpacked; paths of another machine | `archive/`, `store/archives.rs`; `relocation.rs` |
//! | store format, retention, merging | `store/` |
//! | progress bar | `progress/live.rs` |
//! | terminal UI, keys, diff of two runs | `browse/` |
//! | changed sources, debouncing, known failures | `watch/` |
//! | files and stores of other users | `trust.rs`, `store/marker.rs` |
//! | exit codes, errors | `exit.rs`, `error.rs` |
//! | help texts | `cli/` |
//!
//! # Invariants
//!
//! - Only the dispatcher of [`mod@run`] decides what is started and what is ended.
//! - The output of a test never passes through memory as a whole.
//! - Every number that is shown comes from stored records.
//! - Unsafe code is in `process/sys.rs` and nowhere else.
//! - Files depend on each other in one direction.
//!
//! # Example
//!
//! Failure counts of every stored campaign:
//!
//! ```
//! use dstest::report::tally::Tally;
//! use dstest::store::{CampaignFile, Store, StoreError, read_events};
//!
//! fn print_failures(store: &Store) -> Result<(), StoreError> {
//!     for campaign in store.campaigns() {
//!         let file = CampaignFile::read(&campaign.path)?;
//!         let (mut tally, tests) = (Tally::of(&file.tests), file.indexes());
//!         read_events(&campaign.path, |record| {
//!             if let Some(test) = tests.get(&record.test) {
//!                 tally.record(*test, &record);
//!             }
//!         })?;
//!         println!("{}: {} of {} failed", campaign.short_id, tally.failed(), tally.total());
//!     }
//!     Ok(())
//! }
//!
//! assert!(print_failures(&Store::at(".dstest".into())).is_ok());
//! ```

pub mod archive;
pub mod bisect;
mod browse;
pub mod build;
mod campaign;
pub mod cli;
mod command;
pub mod config;
mod discover;
pub mod engine;
pub mod error;
pub mod exit;
mod git;
pub mod list;
pub mod origin;
pub mod plan;
pub mod process;
mod progress;
pub mod record;
mod relocation;
pub mod report;
pub mod run;
pub mod schedule;
pub mod seed;
pub mod shard;
pub mod store;
pub mod submit;
pub mod suite;
pub mod text;
pub mod trust;
pub mod watch;

use std::ffi::OsString;

use clap::Parser;

use crate::cli::Cli;
use crate::exit::Exit;

/// Runs dstest with these arguments, the first of which is the program's own name, and reports
/// errors on standard error.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    if let [_, command, dir] = args.as_slice()
        && command == process::watchdog::COMMAND
    {
        process::watchdog::watch(dir.as_ref());
        return Exit::Success;
    }
    let typed = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are such errors too, with success as their exit code.
            let _ = error.print();
            return match error.use_stderr() {
                // A mistake must not be a bad commit for `git bisect run`.
                true if is_step(&args) => Exit::NoStep,
                true => Exit::Usage,
                false => Exit::Success,
            };
        }
    };
    command::execute(cli, typed).unwrap_or_else(|error| {
        text::console::warn(&error.to_string());
        error.exit()
    })
}

/// `true` for a step of `git bisect run`.
fn is_step(args: &[OsString]) -> bool {
    let own = args.iter().take_while(|arg| *arg != "--");
    let words: Vec<_> = own.map(|arg| arg.to_string_lossy()).collect();
    let is_decision = |word: &str| word == "--decide" || word.starts_with("--decide=");
    words.iter().any(|word| word == "bisect") && words.iter().any(|word| is_decision(word))
}
