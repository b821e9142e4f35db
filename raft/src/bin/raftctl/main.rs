//! `raftctl`: data directories of stopped peers, and running ones, in an operator's hands.

mod cli;
mod directories;
mod peers;
mod repairs;
mod report;

use std::io;
use std::process::ExitCode;

use clap::Parser as _;
use raft::admin::Change;

use crate::cli::{Cli, Command};
use crate::report::{CommandError, CommandResult, Outcome, Printer};

fn main() -> ExitCode {
    let Cli { command, json } = Cli::parse();
    let printer = Printer::new(json);
    match run(&printer, command) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::NotDone) => ExitCode::FAILURE,
        // The reader of the output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            printer.error(&error);
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &CommandError) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::BrokenPipe)
}

fn run(printer: &Printer, command: Command) -> CommandResult {
    match command {
        Command::Inspect { directories } => directories::inspect(printer, &directories),
        Command::Log { directory, from, to, data } => {
            directories::log(printer, &directory, (from, to), data)
        }
        Command::Verify { paths } => directories::verify(printer, &paths),
        Command::Backup { socket, file, local } => peers::backup(printer, &socket, &file, local),
        Command::Restore { backup, peer, target, store } => {
            repairs::restore(printer, &backup, peer, &target, store)
        }
        Command::Recover { directory, target, consent } => {
            repairs::recover(printer, &directory, &target, &consent)
        }
        Command::Skip { directory, index, consent } => {
            repairs::skip(printer, &directory, index, &consent)
        }
        Command::ResetTerm { directory, term, consent } => {
            repairs::reset_term(printer, &directory, term, &consent)
        }
        Command::Status { sockets } => peers::status(printer, &sockets),
        Command::AddLearner { leader, peer, address } => {
            let change = Change::AddLearner { peer, address };
            peers::change(printer, &leader.socket, leader.deadline(), change)
        }
        Command::Promote { leader, peer } => {
            let change = Change::Promote { peer };
            peers::change(printer, &leader.socket, leader.deadline(), change)
        }
        Command::Remove { leader, peer } => {
            let change = Change::Remove { peer };
            peers::change(printer, &leader.socket, leader.deadline(), change)
        }
        Command::Replace { leader, old, new, address } => {
            let change = Change::Replace { old, new, address };
            peers::change(printer, &leader.socket, leader.deadline(), change)
        }
        Command::UpdateAddress { leader, peer, address } => {
            let change = Change::UpdateAddress { peer, address };
            peers::change(printer, &leader.socket, leader.deadline(), change)
        }
        Command::Transfer { socket, peer } => peers::transfer(printer, &socket, peer),
    }
}
