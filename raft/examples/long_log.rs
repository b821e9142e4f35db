//! A start from a long log: time and memory, with the last entries only and with all of them.
//!
//! ```sh
//! cargo run --release -p raft --features disk --example long_log -- /tmp/long_log write 4   # GiB
//! cargo run --release -p raft --features disk --example long_log -- /tmp/long_log recent
//! cargo run --release -p raft --features disk --example long_log -- /tmp/long_log all
//! ```
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures, and says what")]

use std::error::Error;
use std::time::Instant;

use raft::storage::{DiskStorage, Storage};
use raft::{Entry, EntryId, HardState, Index, Payload, PeerId, Record, Term, Write, WriteId};

const ENTRY_BYTES: usize = 1000;
const BATCH: u64 = 1000;
const TERM: Term = Term::new(1);

/// The driver's default of `cache_bytes_max`.
const CACHE_BYTES: u64 = 64 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let start = Instant::now();
    match words.as_slice() {
        [directory, "write", gib] => write(directory, gib.parse()?)?,
        [directory, how @ ("recent" | "all")] => read(directory, how)?,
        _ => return Err("give a directory, then `write GIB`, `recent` or `all`".into()),
    }
    println!("{:.2} s, {} of memory at most", start.elapsed().as_secs_f64(), memory());
    Ok(())
}

fn write(directory: &str, gib: u64) -> Result<(), Box<dyn Error>> {
    let mut store = DiskStorage::open(directory, PeerId::new(1))?;
    let hard_state = HardState { current_term: TERM, voted_for: None };
    store.write(&[Write { id: WriteId::new(1), record: Record::HardState(hard_state) }])?;
    let batches = (gib << 30) / (ENTRY_BYTES as u64 * BATCH);
    for batch in 0..batches {
        let entry = |index| Entry {
            id: EntryId::new(TERM, Index::new(index)),
            payload: Payload::Command(vec![7; ENTRY_BYTES].into()),
        };
        let first = batch * BATCH + 1;
        let record = Record::Append((first..first + BATCH).map(entry).collect());
        store.write(&[Write { id: WriteId::new(batch + 2), record }])?;
    }
    println!("{} entries of {ENTRY_BYTES} bytes", batches * BATCH);
    Ok(())
}

fn read(directory: &str, how: &str) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let mut store = DiskStorage::open(directory, PeerId::new(1))?;
    println!("opened in {:.3} s, {} of memory", start.elapsed().as_secs_f64(), memory());
    let bytes_max = if how == "all" { u64::MAX } else { CACHE_BYTES };
    let stored = store.load_recent(bytes_max)?;
    println!("{} entries in memory, the last one is {}", stored.entries.len(), stored.last());
    let mut reader = store.entry_reader().ok_or("the store has no reader of entries")?;
    let start = Instant::now();
    let last = stored.last().index;
    let found = reader.read(Index::new(last.number() / 2), last, 8 << 20)?;
    println!(
        "{} entries of the middle read in {:.3} s",
        found.len(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// The most memory that this process has had.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "an unknown amount".to_owned(), |line| line.trim().to_owned())
}
