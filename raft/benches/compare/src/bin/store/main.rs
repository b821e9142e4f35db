//! The durable stores compared with plain redb, fjall and a bare file.
//!
//! ```console
//! $ cargo run --release --bin store -- speed DIRECTORY 5 400   # rounds, batches a round
//! $ cargo run --release --bin store -- reopen DIRECTORY 1000   # megabytes
//! $ cargo run --release --bin store -- damage DIRECTORY
//! ```
//! DIRECTORY must be on the measured disk; it is filled and emptied again.

mod contenders;
mod damage;
mod speed;
mod work;

use std::path::PathBuf;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Fallible<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| match args.get(at) {
        Some(arg) => arg.parse::<usize>(),
        None => Ok(default),
    };
    let usage = "usage: store speed|reopen|damage DIRECTORY [NUMBERS]";
    let directory = PathBuf::from(args.get(1).ok_or(usage)?);
    std::fs::create_dir_all(&directory)?;
    match args[0].as_str() {
        "speed" => speed::appends(&directory, number(2, 5)?, number(3, 400)?),
        "reopen" => speed::reopening(&directory, number(2, 1000)?),
        "damage" => damage::flip_bits(&directory),
        "read" => speed::read(args.get(2).ok_or(usage)?, &directory),
        _ => Err(usage.into()),
    }
}
