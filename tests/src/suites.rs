//! The families of runs in which a seed decides everything, as one table: whatever looks for bugs
//! over many seeds goes through it.

use crate::dissertation::DISSERTATION;
use crate::lab2::{SCENARIOS, Scenario};
use crate::run::simulate;
use crate::storm::STORMS;
use crate::swarm::SWARMS;

/// A family of runs.
#[derive(Clone, Copy)]
pub struct Suite {
    /// The family's name.
    pub name: &'static str,
    /// All of its runs on one seed, up to the first that fails.
    pub run: fn(u64) -> Result<(), Caught>,
}

/// What a run saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught {
    /// The run.
    pub by: &'static str,
    /// The rule that was broken, as [`Failure::signature`](crate::failure::Failure::signature)
    /// names it.
    pub rule: &'static str,
    /// What was seen, in a line or more.
    pub text: String,
}

/// All families.
pub const SUITES: [Suite; 3] = [
    Suite {
        name: "scenarios",
        run: |seed| {
            first_failure(&SCENARIOS, seed)?;
            first_failure(&DISSERTATION, seed)
        },
    },
    Suite { name: "storms", run: |seed| first_failure(&STORMS, seed) },
    Suite { name: "swarm", run: |seed| first_failure(&SWARMS, seed) },
];

impl Suite {
    /// The family of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        SUITES.iter().find(|suite| suite.name == name)
    }
}

fn first_failure(scenarios: &[Scenario], seed: u64) -> Result<(), Caught> {
    scenarios.iter().try_for_each(|scenario| match simulate(scenario, seed, None) {
        Ok(_) => Ok(()),
        Err(report) => {
            let rule = report.failure.signature();
            Err(Caught { by: scenario.name, rule, text: report.failure.to_string() })
        }
    })
}
