//! The `pretty` program; everything it does is in [`pretty::cli`].
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    pretty::cli::main().into()
}
