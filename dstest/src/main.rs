//! The `dstest` command: everything it does lives in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    dstest::run(std::env::args_os()).into()
}
