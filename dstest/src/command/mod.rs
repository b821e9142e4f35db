//! What each subcommand does: plan, then discover, then run, then say.

mod browse;
mod campaign;
mod compare;
mod exports;
mod list;
mod live_session;
mod man;
mod merge;
mod project;
mod recorder;
mod replay;
mod replay_seeds;
mod report;
mod session;
mod shrink;
mod stored;

use clap::CommandFactory;

use crate::cli::{Cli, Command};
use crate::error::Error;
use crate::exit::Exit;
use crate::signals::Interrupts;
use crate::view;

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
        Some(Command::Browse(args)) => browse::browse(&args),
        Some(Command::Show(args)) => browse::show(&args),
        Some(Command::Replay(args)) if args.neighbours.is_some() => {
            replay_seeds::run(&args, argv, &interrupts)
        }
        Some(Command::Replay(args)) => replay::replay(&args, &interrupts),
        Some(Command::Shrink(args)) => shrink::shrink(&args, &interrupts),
        Some(Command::Report(args)) => report::report(&args),
        Some(Command::Resume(args)) => report::resume(&args, &interrupts),
        Some(Command::Compare(args)) => compare::run(&args),
        Some(Command::Merge(args)) => merge::run(&args, argv),
        Some(Command::Prune(args)) => report::prune(&args),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "dstest", &mut script);
            view::print(&String::from_utf8_lossy(&script));
            Ok(Exit::Success)
        }
        Some(Command::Man(args)) => man::run(&args),
    }
}
