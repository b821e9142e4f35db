//! `linearizability`: checks histories of any program, written as JSON lines.
#![forbid(unsafe_code)]

mod command;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::main()
}
