//! Power loss, a full disk and failed flushes at every single step of every store on disk.

use std::io;

use crate::output::Write;
use crate::persistent_state::PersistentState;
use crate::storage::conformance::{self, Script, survivors};
use crate::storage::{Storage, StorageError};

const BATCHES: usize = 8;

/// A fault of a disk from some step on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Every operation fails.
    Off,
    /// Operations that need space fail; a write is done by half.
    Full,
    /// The next flush fails, and its data is never made durable, as on systems that count a page as
    /// clean after the failed attempt.
    FlushFails,
}

/// The part of the data that is not durable and survives power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Survives {
    Nothing,
    Everything,
    /// Random parts, drawn from this seed.
    Parts(u64),
}

/// Draws the parts that survive.
pub(super) struct Survival {
    survives: Survives,
    random: u64,
}

impl Survival {
    pub(super) const fn new(survives: Survives) -> Self {
        let random = match survives {
            Survives::Parts(seed) => seed,
            Survives::Nothing | Survives::Everything => 0,
        };
        Self { survives, random }
    }

    /// Draws whether the next part survives.
    pub(super) fn survives(&mut self) -> bool {
        match self.survives {
            Survives::Nothing => false,
            Survives::Everything => true,
            Survives::Parts(_) => self.below(2) == 0,
        }
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(0x5851_f42d);
        usize::try_from(self.random >> 33).unwrap_or_default() % end
    }
}

/// Counts the steps of a disk and injects a fault.
#[derive(Debug, Default)]
pub(super) struct FaultInjector {
    steps: u64,
    fault: Option<(u64, Fault)>,
    /// True once the fault has happened.
    failed: bool,
}

impl FaultInjector {
    /// Counts a step, and fails it if the fault is due and is one of `hits`.
    pub(super) fn step(&mut self, hits: &[Fault]) -> io::Result<()> {
        self.steps += 1;
        match self.fault {
            Some((after, fault)) if self.steps > after && hits.contains(&fault) => {
                self.failed = true;
                Err(match fault {
                    Fault::Off => io::Error::other("the power is off"),
                    Fault::Full => io::ErrorKind::StorageFull.into(),
                    Fault::FlushFails => {
                        self.fault = None;
                        io::Error::other("input/output error")
                    }
                })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// True if this fault is due.
    pub(super) fn is_next(&self, wanted: Fault) -> bool {
        self.fault.is_some_and(|(after, fault)| fault == wanted && self.steps >= after)
    }

    fn after(&mut self, steps: u64, fault: Fault) {
        self.fault = Some((self.steps + steps, fault));
        self.failed = false;
    }
}

/// A machine with a simulated disk and a store on it.
pub(super) trait SimulatedMachine: Clone + Default {
    type Store: Storage;

    /// Distance of the tested steps.
    const STRIDE: usize;

    /// Starts the store.
    fn open(&self) -> Result<Self::Store, StorageError>;
    /// Accesses the fault injector of the disk.
    fn faults<R>(&self, look: impl FnOnce(&mut FaultInjector) -> R) -> R;
    /// Drops the data that is not durable and does not survive.
    fn lose_power(&self, survives: Survives);

    /// Restarts the process, not the machine.
    fn heal(&self) {
        self.faults(|faults| faults.fault = None);
    }
    /// Restarts the machine.
    fn power_on(&self, survives: Survives) {
        self.heal();
        self.lose_power(survives);
    }
}

/// The reported state and the pending writes of a run at its failure.
struct Crash {
    reported: PersistentState,
    under_way: Vec<Write>,
    error: Option<String>,
    /// True if the fault had happened before the store was closed.
    faulty: bool,
}

/// Writes the batches of a script until one fails. After that every write must be rejected.
fn run<M: SimulatedMachine>(machine: &M, script: &mut Script) -> Crash {
    let crash = |reported, under_way, error| Crash {
        reported,
        under_way,
        error,
        faulty: machine.faults(|faults| faults.failed),
    };
    let mut store = match machine.open() {
        Ok(store) => store,
        Err(error) => return crash(script.model().clone(), Vec::new(), Some(error.to_string())),
    };
    for _ in 0..BATCHES {
        let reported = script.model().clone();
        let under_way = script.batch();
        let writes = match conformance::streamed(&mut store, &under_way) {
            Ok(writes) => writes,
            Err(error) => return crash(reported, under_way, Some(error.to_string())),
        };
        if let Err(error) = store.write(&writes) {
            let again =
                store.write(&Script::new(99).batch()).expect_err("a failed store is closed");
            assert!(again.to_string().contains("after an earlier failure"), "{again}");
            return crash(reported, under_way, Some(error.to_string()));
        }
    }
    crash(script.model().clone(), Vec::new(), None)
}

/// Opens the store and checks that it holds the reported state and at most part of the pending
/// writes.
fn recover<M: SimulatedMachine>(machine: &M, crash: &Crash, case: &str) -> PersistentState {
    let mut store = machine.open().unwrap_or_else(|error| panic!("{case}: {error}"));
    let found = store.load().unwrap_or_else(|error| panic!("{case}: {error}"));
    let possible = survivors(&crash.reported, &crash.under_way);
    assert!(possible.contains(&found), "{case}: found {found:?}, reported {:?}", crash.reported);
    found
}

/// Calls `check` for every step of a number of scripts, with the script's seed and the step.
fn for_every_step<M: SimulatedMachine>(scripts: u64, check: impl Fn(u64, u64)) {
    let dark = M::default();
    dark.faults(|faults| faults.after(0, Fault::Off));
    assert!(dark.open().is_err(), "no store starts without power");
    for seed in 0..scripts {
        let machine = M::default();
        assert_eq!(run(&machine, &mut Script::new(seed)).error, None);
        let steps = machine.faults(|faults| faults.steps);
        (seed..steps).step_by(M::STRIDE).for_each(|step| check(seed, step));
    }
}

/// A crash without pending writes in this state.
fn without_error(found: PersistentState) -> Crash {
    Crash { reported: found, under_way: Vec::new(), error: None, faulty: false }
}

pub(super) fn power_loss_at_any_step<M: SimulatedMachine>() {
    for_every_step::<M>(3, |seed, step| {
        let parts = (0..2).map(|part| Survives::Parts(part << 32 | seed << 16 | step));
        for survives in [Survives::Nothing, Survives::Everything].into_iter().chain(parts) {
            let case = format!("seed {seed}, step {step}, {survives:?}");
            let (machine, mut script) = (M::default(), Script::new(seed));
            machine.faults(|faults| faults.after(step, Fault::Off));
            let crash = run(&machine, &mut script);
            assert!(crash.error.is_some() || !crash.faulty, "{case}");
            machine.power_on(survives);
            let found = recover(&machine, &crash, &case);
            // The state that was read stays, and the store continues from it.
            script.resume_from(found.clone());
            machine.power_on(Survives::Nothing);
            recover(&machine, &without_error(found), &case);
            assert_eq!(run(&machine, &mut script).error, None, "{case}");
            machine.power_on(Survives::Nothing);
            recover(&machine, &without_error(script.model().clone()), &case);
        }
    });
}

pub(super) fn power_loss_at_any_step_of_the_recovery<M: SimulatedMachine>() {
    for_every_step::<M>(1, |seed, step| {
        // Every step of the recovery.
        for second in 0..16 {
            let case = format!("seed {seed}, step {step}, then {second}");
            let machine = M::default();
            machine.faults(|faults| faults.after(step, Fault::Off));
            let crash = run(&machine, &mut Script::new(seed));
            machine.power_on(Survives::Parts(step));
            machine.faults(|faults| faults.after(second, Fault::Off));
            let started = machine.open().map(|mut store| store.load().expect("it was just read"));
            machine.power_on(Survives::Parts(second));
            let found = recover(&machine, &crash, &case);
            if let Ok(started) = started {
                assert_eq!(found, started, "{case}: what was read is no longer there");
            }
        }
    });
}

/// A process that ends without the machine leaves writes in the system's cache, some of which the
/// system may never write again. A start that reads them must make them durable.
pub(super) fn state_read_at_a_start_survives_power_loss<M: SimulatedMachine>() {
    for_every_step::<M>(4, |seed, step| {
        for fault in [Fault::Off, Fault::FlushFails] {
            let case = format!("seed {seed}, step {step}, {fault:?}");
            let machine = M::default();
            machine.faults(|faults| faults.after(step, fault));
            let crash = run(&machine, &mut Script::new(seed));
            machine.heal();
            let reported = recover(&machine, &crash, &case);
            machine.power_on(Survives::Nothing);
            recover(&machine, &without_error(reported), &case);
        }
    });
}

pub(super) fn a_full_disk_is_an_error_with_a_remedy<M: SimulatedMachine>() {
    for_every_step::<M>(4, |seed, step| {
        let case = format!("seed {seed}, step {step}");
        let machine = M::default();
        machine.faults(|faults| faults.after(step, Fault::Full));
        let crash = run(&machine, &mut Script::new(seed));
        // The last steps of a script may need no space.
        if let Some(error) = &crash.error {
            assert!(error.starts_with("cannot write data/"), "{case}: {error}");
            assert!(error.contains("free space on the file system of data_dir"), "{case}: {error}");
        }
        machine.heal();
        recover(&machine, &crash, &case);
    });
}

pub(super) fn a_failed_flush_is_never_retried<M: SimulatedMachine>() {
    for_every_step::<M>(4, |seed, step| {
        let case = format!("seed {seed}, step {step}");
        let machine = M::default();
        machine.faults(|faults| faults.after(step, Fault::FlushFails));
        let crash = run(&machine, &mut Script::new(seed));
        assert_eq!(crash.error.is_some(), crash.faulty, "{case}: every failure is noticed");
        machine.power_on(Survives::Nothing);
        recover(&machine, &crash, &case);
    });
}

pub(super) fn the_simulated_disk_conforms<M: SimulatedMachine>() {
    let new_place = || {
        let machine = M::default();
        move || {
            machine.power_on(Survives::Nothing);
            machine.open()
        }
    };
    conformance::check(new_place).expect("every write is durable when it is reported");
}

/// Defines all tests for a machine.
macro_rules! test_on {
    ($machine:ty: $($test:ident)*) => {$(
        #[test]
        fn $test() {
            crate::storage::simulated::$test::<$machine>();
        }
    )*};
    ($machine:ty) => {
        crate::storage::simulated::test_on!(
            $machine:
            power_loss_at_any_step
            power_loss_at_any_step_of_the_recovery
            state_read_at_a_start_survives_power_loss
            a_full_disk_is_an_error_with_a_remedy
            a_failed_flush_is_never_retried
            the_simulated_disk_conforms
        );
    };
}
pub(super) use test_on;
