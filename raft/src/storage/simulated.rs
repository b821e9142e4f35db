//! Power that goes away, a disk that is full, a flush that fails: at every single step of every store
//! that keeps its state on a disk.

use std::io;

use crate::output::Write;
use crate::persistent_state::PersistentState;
use crate::storage::conformance::{self, Script, survivors};
use crate::storage::{Storage, StorageError};

const BATCHES: usize = 8;

/// What happens to a disk from some step on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing can be done any more.
    Off,
    /// Whatever needs space fails; of a write, half is done.
    Full,
    /// The next flush fails, and what it should have made durable never is, as on systems that
    /// count a page as clean after the failed attempt.
    FlushFails,
}

/// What of the things that were not durable survives the loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Survives {
    Nothing,
    Everything,
    /// Some, drawn from this seed.
    Parts(u64),
}

/// Draws what survives.
pub(super) struct Luck {
    survives: Survives,
    random: u64,
}

impl Luck {
    pub(super) const fn new(survives: Survives) -> Self {
        let random = match survives {
            Survives::Parts(seed) => seed,
            Survives::Nothing | Survives::Everything => 0,
        };
        Self { survives, random }
    }

    /// Whether the next thing survives.
    pub(super) fn lasts(&mut self) -> bool {
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

/// What is wrong with a disk, and from when on.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    steps: u64,
    fault: Option<(u64, Fault)>,
    /// Whether the fault has happened.
    failed: bool,
}

impl Trouble {
    /// Counts a step, and fails it if it is one of those that the fault hits and its time has come.
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

    /// Whether a step now would be hit by this fault.
    pub(super) fn is_next(&self, wanted: Fault) -> bool {
        self.fault.is_some_and(|(after, fault)| fault == wanted && self.steps >= after)
    }

    fn after(&mut self, steps: u64, fault: Fault) {
        self.fault = Some((self.steps + steps, fault));
        self.failed = false;
    }
}

/// A machine with a simulated disk and a store on it.
pub(super) trait Machine: Clone + Default {
    type Store: Storage;

    /// Every how manieth step is tried.
    const STRIDE: usize;

    /// Starts the store.
    fn open(&self) -> Result<Self::Store, StorageError>;
    /// Looks at the trouble of its disk, or makes some.
    fn trouble<R>(&self, look: impl FnOnce(&mut Trouble) -> R) -> R;
    /// Forgets what was not durable and does not survive.
    fn lose_power(&self, survives: Survives);

    /// The process starts again; the machine never stopped.
    fn heal(&self) {
        self.trouble(|trouble| trouble.fault = None);
    }
    /// The machine starts again.
    fn power_on(&self, survives: Survives) {
        self.heal();
        self.lose_power(survives);
    }
}

/// What a run up to its failure has been told, and what it was about to do.
struct Cut {
    reported: PersistentState,
    under_way: Vec<Write>,
    error: Option<String>,
    /// Whether the fault had happened before the store was closed.
    faulty: bool,
}

/// Writes the batches of a script until something fails. After that every write must be refused.
fn run<M: Machine>(machine: &M, script: &mut Script) -> Cut {
    let cut = |reported, under_way, error| Cut {
        reported,
        under_way,
        error,
        faulty: machine.trouble(|trouble| trouble.failed),
    };
    let mut store = match machine.open() {
        Ok(store) => store,
        Err(error) => return cut(script.model().clone(), Vec::new(), Some(error.to_string())),
    };
    for _ in 0..BATCHES {
        let reported = script.model().clone();
        let under_way = script.batch();
        if let Err(error) = store.write(&under_way) {
            let again =
                store.write(&Script::new(99).batch()).expect_err("a failed store is closed");
            assert!(again.to_string().contains("after an earlier failure"), "{again}");
            return cut(reported, under_way, Some(error.to_string()));
        }
    }
    cut(script.model().clone(), Vec::new(), None)
}

/// Starts the store and checks that it holds what was reported and maybe part of what was under
/// way.
fn survivor<M: Machine>(machine: &M, cut: &Cut, story: &str) -> PersistentState {
    let mut store = machine.open().unwrap_or_else(|error| panic!("{story}: {error}"));
    let found = store.load().unwrap_or_else(|error| panic!("{story}: {error}"));
    let possible = survivors(&cut.reported, &cut.under_way);
    assert!(possible.contains(&found), "{story}: found {found:?}, reported {:?}", cut.reported);
    found
}

/// Calls `check` for every step of so many scripts, with the script's seed and the step's number.
fn at_every_step<M: Machine>(scripts: u64, check: impl Fn(u64, u64)) {
    let dark = M::default();
    dark.trouble(|trouble| trouble.after(0, Fault::Off));
    assert!(dark.open().is_err(), "no store starts without power");
    for seed in 0..scripts {
        let machine = M::default();
        assert_eq!(run(&machine, &mut Script::new(seed)).error, None);
        let steps = machine.trouble(|trouble| trouble.steps);
        (seed..steps).step_by(M::STRIDE).for_each(|step| check(seed, step));
    }
}

/// The same but for the error and how it came about: what was found is what there is.
fn kept(found: PersistentState) -> Cut {
    Cut { reported: found, under_way: Vec::new(), error: None, faulty: false }
}

pub(super) fn power_may_go_at_any_step<M: Machine>() {
    at_every_step::<M>(3, |seed, step| {
        let parts = (0..2).map(|part| Survives::Parts(part << 32 | seed << 16 | step));
        for survives in [Survives::Nothing, Survives::Everything].into_iter().chain(parts) {
            let story = format!("seed {seed}, step {step}, {survives:?}");
            let (machine, mut script) = (M::default(), Script::new(seed));
            machine.trouble(|trouble| trouble.after(step, Fault::Off));
            let cut = run(&machine, &mut script);
            assert!(cut.error.is_some() || !cut.faulty, "{story}");
            machine.power_on(survives);
            let found = survivor(&machine, &cut, &story);
            // What was read once stays, and the store goes on from it.
            script.go_on_from(found.clone());
            machine.power_on(Survives::Nothing);
            survivor(&machine, &kept(found), &story);
            assert_eq!(run(&machine, &mut script).error, None, "{story}");
            machine.power_on(Survives::Nothing);
            survivor(&machine, &kept(script.model().clone()), &story);
        }
    });
}

pub(super) fn power_may_go_at_any_step_of_the_start_after_a_crash<M: Machine>() {
    at_every_step::<M>(1, |seed, step| {
        // All steps of a start are tried on one of its places in the script.
        for second in 0..12 {
            let story = format!("seed {seed}, step {step}, then {second}");
            let machine = M::default();
            machine.trouble(|trouble| trouble.after(step, Fault::Off));
            let cut = run(&machine, &mut Script::new(seed));
            machine.power_on(Survives::Parts(step));
            machine.trouble(|trouble| trouble.after(second, Fault::Off));
            let started = machine.open().map(|mut store| store.load().expect("it was just read"));
            machine.power_on(Survives::Parts(second));
            let found = survivor(&machine, &cut, &story);
            if let Ok(started) = started {
                assert_eq!(found, started, "{story}: what was read is no longer there");
            }
        }
    });
}

/// A process that ends without the machine leaves writes that the system knows and the disk does
/// not, maybe such as the system will not try to write again. A start that reads them must make
/// them durable.
pub(super) fn what_a_start_reads_outlives_the_next_loss_of_power<M: Machine>() {
    at_every_step::<M>(4, |seed, step| {
        for fault in [Fault::Off, Fault::FlushFails] {
            let story = format!("seed {seed}, step {step}, {fault:?}");
            let machine = M::default();
            machine.trouble(|trouble| trouble.after(step, fault));
            let cut = run(&machine, &mut Script::new(seed));
            machine.heal();
            let reported = survivor(&machine, &cut, &story);
            machine.power_on(Survives::Nothing);
            survivor(&machine, &kept(reported), &story);
        }
    });
}

pub(super) fn a_full_disk_is_an_error_that_says_what_to_do<M: Machine>() {
    at_every_step::<M>(4, |seed, step| {
        let story = format!("seed {seed}, step {step}");
        let machine = M::default();
        machine.trouble(|trouble| trouble.after(step, Fault::Full));
        let cut = run(&machine, &mut Script::new(seed));
        // The last steps of a script may need no space.
        if let Some(error) = &cut.error {
            assert!(error.starts_with("cannot write data/"), "{story}: {error}");
            assert!(
                error.contains("free space on the file system of data_dir"),
                "{story}: {error}"
            );
        }
        machine.heal();
        survivor(&machine, &cut, &story);
    });
}

pub(super) fn a_flush_that_failed_is_never_tried_again<M: Machine>() {
    at_every_step::<M>(4, |seed, step| {
        let story = format!("seed {seed}, step {step}");
        let machine = M::default();
        machine.trouble(|trouble| trouble.after(step, Fault::FlushFails));
        let cut = run(&machine, &mut Script::new(seed));
        assert_eq!(cut.error.is_some(), cut.faulty, "{story}: every failure is noticed");
        machine.power_on(Survives::Nothing);
        survivor(&machine, &cut, &story);
    });
}

pub(super) fn a_simulated_disk_conforms<M: Machine>() {
    let place = || {
        let machine = M::default();
        move || {
            machine.power_on(Survives::Nothing);
            machine.open()
        }
    };
    conformance::check(place).expect("every write is durable when it is reported");
}

/// Makes a test of each story for a machine.
macro_rules! tell_for {
    ($machine:ty: $($story:ident)*) => {$(
        #[test]
        fn $story() {
            crate::storage::simulated::$story::<$machine>();
        }
    )*};
    ($machine:ty) => {
        crate::storage::simulated::tell_for!(
            $machine:
            power_may_go_at_any_step
            power_may_go_at_any_step_of_the_start_after_a_crash
            what_a_start_reads_outlives_the_next_loss_of_power
            a_full_disk_is_an_error_that_says_what_to_do
            a_flush_that_failed_is_never_tried_again
            a_simulated_disk_conforms
        );
    };
}
pub(super) use tell_for;
