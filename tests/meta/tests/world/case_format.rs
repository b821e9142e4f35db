//! Cases: written ones can be read, and replayed ones repeat the run.

use raft_tests::case::Case;
use raft_tests::sim::trace_hash::hash_of;
use raft_tests::suites::{self, SWARM};
use raft_tests::{Run, RunSummary, Scenario};

fn of(scenario: &Scenario, seed: u64) -> Run {
    Run::of_scenario(scenario, seed, None, None)
}

/// Parts of a summary that are equal for equal runs, in whatever order tasks were woken.
fn comparable(report: &RunSummary) -> (u64, u64, u64, u64) {
    (report.traffic.rpcs, report.traffic.bytes, report.traffic.snapshot_chunks, report.commands)
}

#[test]
fn replaying_a_case_repeats_the_run() {
    for scenario in SWARM {
        for seed in 1..=SEEDS {
            let run = of(scenario, seed);
            let played = Run::of_case(&run.case, None);
            let name = format!("{} seed {seed}", scenario.name);
            let drawn = run.outcome.unwrap_or_else(|report| panic!("{name}\n{report}"));
            let played = played.outcome.unwrap_or_else(|report| panic!("{name} played\n{report}"));
            assert_eq!(comparable(&drawn), comparable(&played), "{name}");
        }
    }
}

/// The labs offer commands and crash their receivers at one time, with a wait in between.
#[test]
fn replaying_a_lab_case_repeats_the_run() {
    for name in ["figure8_2c", "persist2_2c"] {
        let scenario = suites::find(name).expect("a scenario of the table");
        for seed in 1..=LAB_SEEDS {
            let run = of(scenario, seed);
            let played = Run::of_case(&run.case, None);
            let name = format!("{name} seed {seed}");
            let drawn = run.outcome.unwrap_or_else(|report| panic!("{name}\n{report}"));
            let played = played.outcome.unwrap_or_else(|report| panic!("{name} played\n{report}"));
            assert_eq!(comparable(&drawn), comparable(&played), "{name}");
        }
    }
}

#[test]
fn cases_round_trip() {
    for scenario in suites::scenarios() {
        let case = of(scenario, 5).case;
        let text = case.to_string();
        let again: Case = text.parse().unwrap_or_else(|error| panic!("{}: {error}", scenario.name));
        assert_eq!(again, case, "{}", scenario.name);
        assert_eq!(hash_of(again.to_string().as_bytes()), hash_of(text.as_bytes()));
    }
}

const HEAD: &str = "test swarm_small\nseed 7\npeers 3\nend 100\n";

#[test]
fn a_mistake_names_its_line_and_what_is_expected() {
    let rows = [
        ("nonsense", "line 5: \"nonsense\" is not understood; expected a setting"),
        ("peers 0", "line 5: invalid number of peers 0; use 1 to 16"),
        ("peers many", "line 5: \"many\" is not understood; expected a count of peers"),
        (
            "election 300..150",
            "line 5: \"300..150\" is not understood; expected the lower end first",
        ),
        ("disk 1.2345678..3", "expected milliseconds, like 12.5"),
        (
            "late-polls 3 in 2 0..5",
            "line 5: \"3 in 2\" is not understood; expected a chance like 1 in 8",
        ),
        ("snapshots every 0", "invalid snapshot interval 0; use 1 or more"),
        ("first-entry nop", "expected no-op or command"),
        ("lost 0>9 #1", "`lost 0>9 #1` names an unknown peer; there are 3"),
        ("lost 0>1 1", "line 5: \"1\" is not understood; expected a number like #17"),
        ("late 0>1 #1", "line 5: missing milliseconds at the end"),
        ("flush 0 #1 burns", "line 5: \"burns\" is not understood; expected stalls or fails"),
        ("12 crash 1 torn=0", "expected `keep=…`"),
        ("12 explode 1", "line 5: \"explode\" is not understood; expected a step"),
        ("12 cut 0 to 1", "expected > or <> between two groups of peers"),
        ("12 ask C0 #1 put 1", "line 5: missing a value at the end"),
        ("12 start 1 now", "line 5: unexpected \"now\" at the end of the line"),
        ("20 start 1\n12 start 1", "`12 start 1` comes after a later step"),
        ("12 offer 1 abc", "expected bytes as pairs of hexadecimal digits"),
    ];
    for (line, expected) in rows {
        let error = format!("{HEAD}{line}\n").parse::<Case>().expect_err(line).to_string();
        assert!(error.contains(expected), "{line:?} gives {error:?}");
    }
    let error = "seed 7\npeers 3\nend 1\n".parse::<Case>().expect_err("no test").to_string();
    assert_eq!(error, "no line `test …`");
}

#[test]
fn a_case_may_have_comments_and_says_only_what_differs() {
    let text =
        format!("# of mine\n{HEAD}\n  # cut\n10.5 cut 0,1 <> 2\n20 heal 0 > 2\nlost 2>1 #3\n");
    let case: Case = text.parse().expect("the case is well written");
    assert_eq!(case.size(), 3);
    let lines: Vec<String> = case.decisions.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["10.5 cut 0,1 <> 2", "20 heal 0 > 2", "lost 2>1 #3"]);
}

/// Among them are seeds with a crash at the very time of an offer.
const LAB_SEEDS: u64 = 10;

/// Enough for every kind of decision to come about.
const SEEDS: u64 = 4;
