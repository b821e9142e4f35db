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
pub mod build;
mod campaign;
pub mod cli;
mod command;
pub mod config;
pub mod error;
pub mod exit;
pub mod iteration;
pub mod list;
pub mod plan;
pub mod process;
mod progress;
pub mod record;
pub mod report;
pub mod run;
pub mod schedule;
pub mod seed;
pub mod store;
pub mod suite;
pub mod text;

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
            return if error.use_stderr() { Exit::Usage } else { Exit::Success };
        }
    };
    command::execute(cli, typed).unwrap_or_else(|error| {
        text::console::warn(&error.to_string());
        error.exit()
    })
}
