//! The durable stores beside redb as it comes, fjall and a bare file.
//!
//! ```console
//! $ cargo run --release --bin store -- speed FOLDER 5 400   # rounds, batches a round
//! $ cargo run --release --bin store -- reopen FOLDER 1000   # megabytes
//! $ cargo run --release --bin store -- damage FOLDER
//! ```
//! FOLDER must be on the disk to measure and is filled and emptied again.

mod contenders;
mod damage;
mod speed;
mod work;

use std::path::PathBuf;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Fallible<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, usual: usize| match words.get(place) {
        Some(word) => word.parse::<usize>(),
        None => Ok(usual),
    };
    let usage = "usage: store speed|reopen|damage FOLDER [NUMBERS]";
    let folder = PathBuf::from(words.get(1).ok_or(usage)?);
    std::fs::create_dir_all(&folder)?;
    match words[0].as_str() {
        "speed" => speed::appends(&folder, number(2, 5)?, number(3, 400)?),
        "reopen" => speed::reopening(&folder, number(2, 1000)?),
        "damage" => damage::flips(&folder),
        "read" => speed::read(words.get(2).ok_or(usage)?, &folder),
        _ => Err(usage.into()),
    }
}
