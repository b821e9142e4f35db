//! The scenarios of the labs ask for the paper's protocol; here each runs as the library is deployed,
//! with pre-votes and check-quorum. They forbid none of it.

use raft_tests::case::{Protocol, Settings};
use raft_tests::suites::{LAB2, STORM};
use raft_tests::{Scenario, simulate_in};

fn passes_with_extended_protocol(scenario: &Scenario, seed: u64) {
    let settings = scenario.spec.settings(seed);
    assert_eq!(settings.protocol, Protocol::PAPER, "{}", scenario.name);
    let settings = Settings { protocol: Protocol::EXTENDED, ..settings };
    if let Err(report) = simulate_in(scenario, settings, seed) {
        panic!("{} as deployed, seed {seed}\n{report}", scenario.name);
    }
}

#[test]
fn lab_scenarios_pass_with_the_extended_protocol() {
    for scenario in LAB2 {
        (1..=2).for_each(|seed| passes_with_extended_protocol(scenario, seed));
    }
}

#[test]
fn storms_pass_with_the_extended_protocol() {
    for scenario in STORM {
        (1..=2).for_each(|seed| passes_with_extended_protocol(scenario, seed));
    }
}
