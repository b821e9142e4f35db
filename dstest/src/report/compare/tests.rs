//! Comparisons of synthetic campaigns: nothing is found where nothing has changed, and what has is.

use super::*;
use crate::record::Verdict;
use crate::report::tally::tests::record;
use crate::seed::Random;

/// The load of the machine, in runnable processes a processor, as it wanders during a campaign.
#[derive(Clone, Copy)]
enum Load {
    /// The same all the time.
    Steady(f64),
    /// From anywhere to anywhere.
    Wandering,
}

/// A campaign of `tests` tests with 40 runs each, of which every twentieth fails. Tests compute for
/// a share of their time and wait for the rest; computing is stretched by the load, and takes a
/// little more CPU time on a busy machine. The first test does `factor` as much of everything.
fn campaign(seed: u64, tests: usize, load: Load, factor: f64) -> Tally {
    let mut random = Random(seed);
    let mut tally = Tally::new((0..tests).map(|test| format!("test_{test}")));
    let mut others = match load {
        Load::Steady(others) => others,
        Load::Wandering => 8.0 * random.uniform(),
    };
    for run in 1..=40 {
        for test in 0..tests {
            if let Load::Wandering = load {
                others = (others + 0.4 * (random.uniform() - 0.5)).clamp(0.0, 8.0);
            }
            let factor = if test == 0 { factor } else { 1.0 };
            let noise = 0.3 / (random.uniform() + 0.02).sqrt();
            let share = [1.0, 0.7, 0.3, 0.05][test % 4];
            let cpu_s =
                factor * 0.002 * share * (1.0 + 0.15 * (others / 8.0)) * (1.0 + 0.1 * noise);
            let wait_s = factor * 0.002 * (1.0 - share) * (1.0 + 0.1 * noise);
            let wall_s = cpu_s * (1.0 + others * 2.0 * random.uniform()) * noise + wait_s;
            let verdict = if random.uniform() < 0.05 { Verdict::Failed } else { Verdict::Passed };
            let mut record = record("test", run, verdict, wall_s);
            (record.user_us, record.sys_us) = ((cpu_s * 1e6) as u64, 0);
            tally.record(test, &record);
        }
    }
    tally
}

/// The number of comparisons, of so many, that show any difference between equal campaigns.
fn different(comparisons: u64, tests: usize, load: Load) -> u64 {
    let differs = |seed: &u64| {
        let before = campaign(2 * seed + 1_000_000, tests, load, 1.0);
        let now = campaign(2 * seed + 1_000_001, tests, load, 1.0);
        Comparison::new(&before, &now).is_different()
    };
    (0..comparisons).filter(differs).count() as u64
}

#[test]
fn a_suite_compared_with_itself_shows_a_difference_in_one_of_twenty_comparisons_at_most() {
    for load in [Load::Steady(0.0), Load::Steady(4.0), Load::Wandering] {
        let found = different(100, 40, load);
        assert!(found <= 5, "{found} of 100");
    }
    let found = different(200, 3, Load::Wandering);
    assert!(found <= 10, "{found} of 200 with few tests");
}

#[test]
fn a_test_that_became_slower_is_found_whatever_the_load() {
    let row = |tests, [before, now]: [Load; 2], factor: f64| {
        let before = campaign(1, tests, before, 1.0);
        let mut comparison = Comparison::new(&before, &campaign(2, tests, now, factor));
        (comparison.tests.swap_remove(0), comparison)
    };
    let (quiet, busy) = (Load::Steady(0.0), Load::Wandering);
    for loads in [[quiet, quiet], [quiet, busy], [busy, quiet], [busy, busy]] {
        let (slower, comparison) = row(40, loads, 2.5);
        assert_eq!(slower.cpu.unwrap().direction, Direction::Worse, "{slower:?}");
        assert!((2.0..3.0).contains(&slower.cpu.unwrap().ratio.unwrap()), "{slower:?}");
        assert!(!comparison.is_different(), "no other test");
        let (faster, _) = row(40, loads, 0.4);
        assert!(faster.is(Direction::Better) && !faster.is(Direction::Worse), "{faster:?}");
    }
    let (few, comparison) = row(3, [quiet, quiet], 2.5);
    assert_eq!(few.cpu.unwrap().direction, Direction::Worse);
    assert_eq!(few.time.unwrap().direction, Direction::Unclear, "the load is not known");
    assert_eq!(comparison.clock, Clock::Unknown);
}

#[test]
fn a_test_that_waits_longer_is_found_on_a_steady_machine_only() {
    let compare = |load| {
        let slower = |seed, factor: f64| {
            let mut tally = Tally::new((0..20).map(|test| format!("test_{test}")));
            let before = campaign(seed, 20, load, 1.0);
            for (at, test) in before.tests().iter().enumerate() {
                for (run, (wall, cpu)) in
                    (1..).zip(test.time.values().iter().zip(test.cpu.values()))
                {
                    let factor = if at == 3 { factor } else { 1.0 };
                    let mut record =
                        record("test", run, Verdict::Passed, f64::from(*wall) * factor);
                    (record.user_us, record.sys_us) = ((f64::from(*cpu) * 1e6) as u64, 0);
                    tally.record(at, &record);
                }
            }
            tally
        };
        Comparison::new(&slower(1, 1.0), &slower(2, 3.0))
    };
    let steady = compare(Load::Steady(0.0));
    assert_eq!(steady.clock, Clock::Steady);
    assert_eq!(steady.tests[3].time.unwrap().direction, Direction::Worse);
    assert_eq!(steady.tests[3].cpu.unwrap().direction, Direction::Same);
    assert!(steady.is_worse());
    let disturbed = compare(Load::Wandering);
    assert_eq!(disturbed.clock, Clock::Disturbed);
    assert!(!disturbed.is_different());
}

#[test]
fn a_change_of_all_tests_is_said_once() {
    let (quiet, busy) = (Load::Steady(0.0), Load::Steady(1.0));
    let comparison = Comparison::new(&campaign(1, 40, quiet, 1.0), &campaign(2, 40, busy, 1.0));
    assert!(!comparison.is_different());
    assert!(comparison.common_ratio.unwrap() > 1.2, "{:?}", comparison.common_ratio);
}

#[test]
fn new_and_vanished_tests_stay_in_sight() {
    let tally = |names: &[&str], failed: u32| {
        let mut tally = Tally::new(names.iter().copied());
        for run in 1..=20 {
            let verdict = if run <= failed { Verdict::Failed } else { Verdict::Passed };
            tally.record(0, &record(names[0], run, verdict, 0.1));
        }
        tally
    };
    let comparison = Comparison::new(&tally(&["a", "gone"], 0), &tally(&["a", "new"], 12));
    let names: Vec<_> = comparison.tests.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["a", "new", "gone"]);
    assert_eq!(comparison.tests[0].failures.unwrap().direction, Direction::Worse);
    assert!(comparison.tests[1].before.is_none() && comparison.tests[2].now.is_none());
    assert!(comparison.is_worse());
}
