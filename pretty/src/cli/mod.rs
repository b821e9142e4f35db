//! The program around the library: arguments, terminal, input, exit status.
//!
//! ```text
//! argv → args::Cli (as typed) ┬→ Plan (resolved, checked, no I/O) → run: input → output, or tui
//! pretty.toml → config ───────┘
//! ```

mod args;
mod config;
mod error;
mod exit;
mod formats;
mod input;
mod output;
mod plan;
mod run;
mod tui;
mod values;

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{CommandFactory, Parser as _};
use clap_complete::Shell;

use crate::text::safe_text;
pub use args::Cli;
use args::Command;
use error::warn;
pub use exit::Exit;
use output::terminal::Terminal;
use plan::Plan;
use values::Generate;

/// Runs the program on the arguments and environment of this process.
#[must_use]
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    if let Some(what) = cli.generate {
        return print(&generate(what));
    }
    let environment = |name: &str| std::env::var(name).ok();
    let directory = std::env::current_dir().ok();
    let found = config::find(&cli.config_choice(), directory.as_deref(), &environment);
    let found = found.and_then(|mut found| {
        found.add_layers(cli.format.as_deref(), cli.dialect.as_deref())?;
        Ok(found)
    });
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            warn(&error.to_string());
            return Exit::Usage;
        }
    };
    for path in &found.foreign {
        let path = path.display();
        warn(&format!("{path} belongs to another user and is not read (--config {path} reads it)"));
    }
    if cli.print_config {
        return print_config(&found.files);
    }
    if let Some(Command::Formats { check }) = &cli.command
        && !check.is_empty()
    {
        return formats::check(check, &found.config);
    }
    if cli.formats || cli.command.is_some() {
        return print(formats::list(&found.config).as_bytes());
    }
    let plan = match Plan::resolve(&cli, &found.config, &environment, Terminal::current()) {
        Ok(plan) => plan,
        Err(error) => {
            return usage(&Cli::command().error(clap::error::ErrorKind::ValueValidation, error));
        }
    };
    match run::run(plan) {
        Ok(exit) => exit,
        Err(error) if error.is_closed_output() => Exit::Done,
        Err(error) => {
            warn(&error.to_string());
            Exit::Failed
        }
    }
}

/// Prints every setting with its documentation, in a form that is a file of settings itself.
fn print_config(files: &[PathBuf]) -> Exit {
    let mut text = String::new();
    for file in files {
        text += &format!("# read: {}\n", safe_text(file.as_os_str().as_encoded_bytes()));
    }
    if files.is_empty() {
        text += "# no file of settings found\n";
    }
    text += config::EXAMPLE;
    print(text.as_bytes())
}

fn generate(what: Generate) -> Vec<u8> {
    let mut text = Vec::new();
    let mut shell = |shell| {
        clap_complete::generate(shell, &mut Cli::command(), "pretty", &mut text);
    };
    match what {
        Generate::Bash => shell(Shell::Bash),
        Generate::Zsh => shell(Shell::Zsh),
        Generate::Fish => shell(Shell::Fish),
        Generate::Elvish => shell(Shell::Elvish),
        Generate::Powershell => shell(Shell::PowerShell),
        Generate::Man => {
            let written = clap_mangen::Man::new(Cli::command()).render(&mut text);
            debug_assert!(written.is_ok(), "writing to a vector cannot fail");
        }
    }
    text
}

/// Prints to standard output; a reader that has closed it is not an error.
fn print(text: &[u8]) -> Exit {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Failed,
        Ok(()) | Err(_) => Exit::Done,
    }
}

/// Prints help, the version, or what is wrong with the arguments.
fn usage(error: &clap::Error) -> Exit {
    // An error here cannot be reported any more.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}
