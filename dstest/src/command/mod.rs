//! What each subcommand does: plan, then discover, then run, then say.

mod campaign;
mod list;
mod project;
mod recorder;

use crate::cli::{Cli, Command};
use crate::error::Error;
use crate::exit::Exit;
use crate::signals::Interrupts;

/// Does what the command line says.
///
/// # Errors
/// See [`Error`].
pub(crate) fn execute(cli: Cli, argv: Vec<String>) -> Result<Exit, Error> {
    let interrupts = Interrupts::install().map_err(Error::system("listen to signals"))?;
    match cli.command {
        None => campaign::run(&cli.run, argv, &interrupts),
        Some(Command::Run(args)) => campaign::run(&args, argv, &interrupts),
        Some(Command::List(args)) => list::run(&args, &interrupts),
    }
}
