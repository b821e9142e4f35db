//! The program around the library: arguments, terminal, input, exit status.
//!
//! ```text
//! argv → Cli (as typed) → Plan (resolved, checked, no I/O) → run
//! ```

mod args;
mod follow;
mod input;
mod lines;
mod merge;
mod plan;
mod run;
mod signal;
mod terminal;
mod tui;

use std::process::ExitCode;

use clap::{CommandFactory, Parser as _};

pub use args::Cli;
use plan::Plan;
use terminal::Terminal;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything was shown, or its reader wanted no more.
    Done,
    /// Something could not be read or written.
    Failed,
    /// The arguments make no sense.
    Usage,
    /// The user insisted on an end.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Interrupted => 130,
        })
    }
}

/// Runs the program on the arguments and environment of this process.
#[must_use]
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let plan = match Plan::resolve(&cli, &|name| std::env::var(name).ok(), Terminal::look()) {
        Ok(plan) => plan,
        Err(error) => {
            return usage(&Cli::command().error(clap::error::ErrorKind::ValueValidation, error));
        }
    };
    match run::run(plan) {
        Ok(exit) => exit,
        Err(error) if error.is_closed_output() => Exit::Done,
        Err(error) => {
            complain(&error.to_string());
            Exit::Failed
        }
    }
}

/// Prints help, the version, or what is wrong with the arguments.
fn usage(error: &clap::Error) -> Exit {
    // There is nobody left to tell if this fails.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}

fn complain(message: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "pretty: {message}");
}
