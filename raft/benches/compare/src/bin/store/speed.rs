//! Time until batches are durable, and time to open a large log.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::Fallible;
use crate::contenders::{self, NAMES};
use crate::work::{self, Change};

/// Batches written by a store before the next one's turn, so that other load of the machine affects
/// all of them.
const TURN: usize = 20;

/// Gives every contender the same batches in a directory of its own, by turns, in each round.
pub(crate) fn appends(directory: &Path, rounds: usize, count: usize) -> Fallible<()> {
    let batches = work::batches(count);
    let mut table: Vec<Vec<Run>> = NAMES.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for (runs, times) in table.iter_mut().zip(one_round(directory, round, &batches)?) {
            runs.push(Run::new(times));
        }
    }
    println!("{rounds} rounds, {count} batches of {} entries of 16 to 256 bytes", work::BATCH);
    println!(
        "| store | batches/s | p50 | p99 | x raw, median (least, most) |\n|---|---|---|---|---|"
    );
    for (name, runs) in NAMES.iter().zip(&table) {
        let middle = |pick: fn(&Run) -> f64| median(runs.iter().map(pick).collect());
        let mut ratios: Vec<f64> =
            runs.iter().zip(&table[0]).map(|(run, raw)| run.rate / raw.rate).collect();
        ratios.sort_by(f64::total_cmp);
        println!(
            "| {name} | {:.0} | {:.2} ms | {:.2} ms | {:.2} ({:.2}, {:.2}) |",
            middle(|run| run.rate),
            middle(|run| run.p50),
            middle(|run| run.p99),
            median(ratios.clone()),
            ratios[0],
            ratios[ratios.len() - 1],
        );
    }
    Ok(())
}

struct Run {
    rate: f64,
    p50: f64,
    p99: f64,
}

impl Run {
    /// From the times of batches, in milliseconds.
    fn new(mut times: Vec<f64>) -> Self {
        let rate = times.len() as f64 * 1e3 / times.iter().sum::<f64>();
        times.sort_by(f64::total_cmp);
        Self { rate, p50: times[times.len() / 2], p99: times[times.len() * 99 / 100] }
    }
}

fn one_round(directory: &Path, round: usize, batches: &[Vec<Change>]) -> Fallible<Vec<Vec<f64>>> {
    let directories = tempfile::tempdir_in(directory)?;
    let open = |name: &&str| contenders::open(name, directories.path());
    let mut stores = NAMES.iter().map(open).collect::<Fallible<Vec<_>>>()?;
    let mut times = vec![Vec::with_capacity(batches.len()); NAMES.len()];
    for (turn, batches) in batches.chunks(TURN).enumerate() {
        for step in 0..NAMES.len() {
            let index = (round + turn + step) % NAMES.len();
            for batch in batches {
                let before = Instant::now();
                stores[index].write(batch)?;
                times[index].push(before.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    Ok(times)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Fills each store with about this many megabytes in large batches, and reopens it in a process of
/// its own.
pub(crate) fn reopening(directory: &Path, megabytes: usize) -> Fallible<()> {
    const BATCHES_JOINED: usize = 64;
    // A batch is about 64 × 136 bytes of payload.
    let batches = work::batches(megabytes * 1_000_000 / (64 * 136));
    for name in &NAMES[1..] {
        let directories = tempfile::tempdir_in(directory)?;
        let mut store = contenders::open(name, directories.path())?;
        for joined in batches.chunks(BATCHES_JOINED) {
            store.write(&joined.concat())?;
        }
        drop(store);
        let mut reader = Command::new(std::env::current_exe()?);
        let output = reader.arg("read").arg(directories.path()).arg(name).output()?;
        let text = String::from_utf8(output.stdout)?;
        print!("{name}: {text}");
    }
    Ok(())
}

/// Opens one store and reads it whole.
pub(crate) fn read(name: &str, directory: &Path) -> Fallible<()> {
    let start = Instant::now();
    let mut store = contenders::open(name, directory)?;
    let opened = start.elapsed().as_secs_f64();
    let (entries, sum) = store.read()?;
    let read = start.elapsed().as_secs_f64();
    let memory = resident()?;
    println!(
        "{entries} entries, sum {sum}, opened in {opened:.2} s, read after {read:.2} s, {memory} MB"
    );
    Ok(())
}

fn resident() -> Fallible<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).ok_or("no VmRSS")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kilobytes / 1024)
}
