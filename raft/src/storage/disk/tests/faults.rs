//! Power that goes away, a disk that is full, a flush that fails: at every single step.

use super::simulated::{Fault, SimulatedFolder, Survives};
use super::{LENGTHS, open};
use crate::output::Write;
use crate::storage::Storage;
use crate::storage::conformance::{self, Script, survivors};
use crate::stored::Stored;

const BATCHES: usize = 8;

/// What a run up to its failure has been told, and what it was about to do.
struct Cut {
    reported: Stored,
    under_way: Vec<Write>,
    error: Option<String>,
}

/// Writes the batches of a script until something fails. After that every write must be refused.
fn run(folder: &SimulatedFolder, script: &mut Script) -> Cut {
    let mut cut = Cut { reported: script.model().clone(), under_way: Vec::new(), error: None };
    let mut store = match open(folder) {
        Ok(store) => store,
        Err(error) => return Cut { error: Some(error.to_string()), ..cut },
    };
    for _ in 0..BATCHES {
        cut.reported = script.model().clone();
        cut.under_way = script.batch();
        if let Err(error) = store.write(&cut.under_way) {
            let again =
                store.write(&Script::new(99).batch()).expect_err("a failed store is closed");
            assert!(again.to_string().contains("after an earlier failure"), "{again}");
            return Cut { error: Some(error.to_string()), ..cut };
        }
    }
    Cut { reported: script.model().clone(), under_way: Vec::new(), error: None }
}

/// Opens the folder and checks that it holds what was reported and maybe part of what was under
/// way.
fn survivor(folder: &SimulatedFolder, cut: &Cut, story: &str) -> Stored {
    let mut store = open(folder).unwrap_or_else(|error| panic!("{story}: {error}"));
    let found = store.load().unwrap_or_else(|error| panic!("{story}: {error}"));
    let possible = survivors(&cut.reported, &cut.under_way);
    assert!(possible.contains(&found), "{story}: found {found:?}, reported {:?}", cut.reported);
    found
}

/// Calls `check` for every step of so many scripts, with the script's seed and the step's number.
fn at_every_step(scripts: u64, check: impl Fn(u64, u64)) {
    for seed in 0..scripts {
        let folder = SimulatedFolder::default();
        assert!(run(&folder, &mut Script::new(seed)).error.is_none());
        (0..folder.steps()).for_each(|step| check(seed, step));
    }
}

#[test]
fn power_may_go_at_any_step() {
    at_every_step(3, |seed, step| {
        let parts = (0..2).map(|part| Survives::Parts(part << 32 | seed << 16 | step));
        for survives in [Survives::Nothing, Survives::Everything].into_iter().chain(parts) {
            let story = format!("seed {seed}, step {step}, {survives:?}");
            let (folder, mut script) = (SimulatedFolder::default(), Script::new(seed));
            folder.fails_after(step, Fault::Off);
            let cut = run(&folder, &mut script);
            assert!(cut.error.is_some(), "{story}");
            folder.power_on(survives);
            let found = survivor(&folder, &cut, &story);
            // What was read once stays, and the store goes on from it.
            script.go_on_from(found.clone());
            folder.power_on(Survives::Nothing);
            let kept = Cut { reported: found, under_way: Vec::new(), error: None };
            survivor(&folder, &kept, &story);
            assert_eq!(run(&folder, &mut script).error, None, "{story}");
            folder.power_on(Survives::Nothing);
            let end = Cut { reported: script.model().clone(), ..kept };
            survivor(&folder, &end, &story);
        }
    });
}

#[test]
fn power_may_go_at_any_step_of_the_start_after_a_crash() {
    at_every_step(1, |seed, step| {
        // All steps of a start are tried on one of its places in the script.
        for second in 0..12 {
            let story = format!("seed {seed}, step {step}, then {second}");
            let folder = SimulatedFolder::default();
            folder.fails_after(step, Fault::Off);
            let cut = run(&folder, &mut Script::new(seed));
            folder.power_on(Survives::Parts(step));
            folder.fails_after(second, Fault::Off);
            let started = open(&folder).map(|mut store| store.load().expect("it was just read"));
            folder.power_on(Survives::Parts(second));
            let found = survivor(&folder, &cut, &story);
            if let Ok(started) = started {
                assert_eq!(found, started, "{story}: what was read is no longer there");
            }
        }
    });
}

/// A process that ends without the machine leaves writes that the system knows and the disk does
/// not, maybe such as the system will not try to write again. A start that reads them must make
/// them durable.
#[test]
fn what_a_start_reads_outlives_the_next_loss_of_power() {
    at_every_step(4, |seed, step| {
        for fault in [Fault::Off, Fault::FlushFails] {
            let story = format!("seed {seed}, step {step}, {fault:?}");
            let folder = SimulatedFolder::default();
            folder.fails_after(step, fault);
            let cut = run(&folder, &mut Script::new(seed));
            folder.heal();
            let reported = survivor(&folder, &cut, &story);
            folder.power_on(Survives::Nothing);
            survivor(&folder, &Cut { reported, under_way: Vec::new(), error: None }, &story);
        }
    });
}

#[test]
fn a_full_disk_is_an_error_that_says_what_to_do() {
    at_every_step(4, |seed, step| {
        let story = format!("seed {seed}, step {step}");
        let folder = SimulatedFolder::default();
        folder.fails_after(step, Fault::Full);
        let cut = run(&folder, &mut Script::new(seed));
        // The last steps of a script may need no space.
        if let Some(error) = &cut.error {
            assert!(error.starts_with("cannot write data/"), "{story}: {error}");
            assert!(
                error.contains("free space on the file system of data_dir"),
                "{story}: {error}"
            );
        }
        folder.heal();
        survivor(&folder, &cut, &story);
    });
}

#[test]
fn a_flush_that_failed_is_never_tried_again() {
    at_every_step(4, |seed, step| {
        let story = format!("seed {seed}, step {step}");
        let folder = SimulatedFolder::default();
        folder.fails_after(step, Fault::FlushFails);
        let cut = run(&folder, &mut Script::new(seed));
        assert_eq!(
            cut.error.is_some(),
            !folder.waits_to_fail(),
            "{story}: every failure is noticed"
        );
        folder.power_on(Survives::Nothing);
        survivor(&folder, &cut, &story);
    });
}

#[test]
fn a_simulated_disk_conforms() {
    let place = || {
        let folder = SimulatedFolder::default();
        move || {
            folder.power_on(Survives::Nothing);
            super::Store::open(folder.clone(), super::PEER, LENGTHS)
        }
    };
    conformance::check(place).expect("every write is durable when it is reported");
}
