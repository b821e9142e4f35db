//! The subcommands, one file each.

mod archive;
mod archived;
mod bisect;
mod browse;
mod compare;
mod history;
mod list;
mod location;
mod man;
mod merge;
mod prune;
mod replay;
mod replay_seeds;
mod report;
mod resume;
mod run;
mod show;
mod shrink;
mod status;
mod submit;
mod target;
mod watch;

use clap::CommandFactory;

use crate::cli::{Cli, Command};
use crate::error::Error;
use crate::exit::Exit;
use crate::process::signals::Interrupts;
use crate::text::{console, names};

/// Runs the command that the command line names.
///
/// # Errors
/// See [`Error`].
pub(crate) fn execute(cli: Cli, argv: Vec<String>) -> Result<Exit, Error> {
    let interrupts = Interrupts::install().map_err(Error::system("listen to signals"))?;
    match cli.command {
        None => {
            refuse_mistyped_command(&cli.run.patterns)?;
            run::run(cli.run, argv, &interrupts)
        }
        Some(Command::Run(args)) => run::run(*args, argv, &interrupts),
        Some(Command::Ci(args)) => run::run(args.into_run(), argv, &interrupts),
        Some(Command::Watch(args)) => watch::run(*args, &argv, &interrupts),
        Some(Command::List(args)) => list::run(&args, &interrupts),
        Some(Command::Browse(args)) => browse::run(&args),
        Some(Command::Show(args)) => show::run(&args),
        Some(Command::Replay(args)) => match args.seeds {
            Some(count) => replay_seeds::run(&args, count, argv, &interrupts),
            None => replay::replay(&args, &interrupts),
        },
        Some(Command::Shrink(args)) => shrink::run(&args, &interrupts),
        Some(Command::Report(args)) => report::run(args),
        Some(Command::Resume(args)) => resume::run(&args, &interrupts),
        Some(Command::Compare(args)) => compare::run(&args),
        Some(Command::Bisect(args)) => bisect::run(&args, &argv, &interrupts),
        Some(Command::History(args)) => history::run(&args),
        Some(Command::Merge(args)) => merge::run(&args, argv),
        Some(Command::Archive(args)) => archive::run(&args, &argv, &interrupts),
        Some(Command::Submit(args)) => submit::run(&args, &argv, &interrupts),
        Some(Command::Status(args)) => status::run(&args, &interrupts),
        Some(Command::Prune(args)) => prune::run(&args),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "dstest", &mut script);
            console::print_data(&String::from_utf8_lossy(&script));
            Ok(Exit::Success)
        }
        Some(Command::Man(args)) => man::run(&args),
    }
}

/// Refuses a first pattern that is one slip of the finger away from a command's name. Building takes
/// minutes, and no test would match.
fn refuse_mistyped_command(patterns: &[String]) -> Result<(), Error> {
    let Some(typed) = patterns.first() else { return Ok(()) };
    let mut cli = Cli::command();
    cli.build();
    let commands = cli.get_subcommands().map(clap::Command::get_name);
    let near = commands.into_iter().find(|command| names::is_slip(typed, command));
    near.map_or(Ok(()), |command| {
        let (typed, command) = (typed.clone(), command.to_owned());
        Err(Error::MistypedCommand { typed, command })
    })
}
