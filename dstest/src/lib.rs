//! Runs tests in parallel, many times, each with its own seed, and keeps what failed.
//!
//! ```text
//! argv → cli (as typed) → plan (checked, no I/O) → discover (build once, list) → run (processes)
//!      → records → {store, tally → table, view, exports} → exit code
//! ```
//!
//! It knows processes, exit codes, environment variables and log lines; it knows nothing of what
//! the tests test. Every number it shows comes from the records it stores.
//!
//! Invariants:
//! - only [`run`](mod@run)'s dispatcher decides what starts and what is ended;
//! - the output of a test never passes through memory as a whole;
//! - unsafe code is in `sys` and nowhere else.

mod browse;
pub mod cli;
mod command;
pub mod config;
pub mod coverage;
pub mod discover;
pub mod duration;
pub mod error;
pub mod exit;
pub mod export;
mod histogram;
pub mod live;
pub mod log_scan;
pub mod model;
pub mod names;
mod orphans;
pub mod plan;
pub mod run;
pub mod run_report;
pub mod seed;
pub mod shell;
pub mod signals;
pub mod signature;
pub mod stats;
pub mod store;
pub mod style;
pub mod suite;
pub mod summary;
mod sys;
pub mod table;
pub mod tally;
pub mod time;
pub mod view;
mod watchdog;

use std::ffi::OsString;

use clap::Parser;

use crate::cli::Cli;
use crate::exit::Exit;

/// Runs dstest with these arguments, the first of which is the program's own name, and reports
/// errors on standard error.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    if let [_, command, dir] = args.as_slice()
        && command == watchdog::COMMAND
    {
        watchdog::watch(dir.as_ref());
        return Exit::Success;
    }
    let typed = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are such errors too, with success as their exit code.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Success };
        }
    };
    command::execute(cli, typed).unwrap_or_else(|error| {
        view::note(&format!("dstest: {error}"));
        error.exit()
    })
}
