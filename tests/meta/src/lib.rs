//! Tests of the simulated world and of all that is built on it, and a model check of the core.
//!
//! They stay apart from `raft-tests`, so that a campaign of its scenarios builds none of the tools
//! they need (stateright, proptest, the log viewer).
//!
//! | test program | checks |
//! |---|---|
//! | `invariants` | each invariant fires on a bad state, and has its row in the table |
//! | `meta` | one seed gives one trace; failures are reported |
//! | `suites`, `kept_cases`, `case_format`, `shrink` | the table of scenarios; cases and their minimising |
//! | `disk_and_network`, `extended_protocol`, `oracle`, `causality` | faults, the checks of clients, the causes of log lines |
//! | `model` | [`model`], searched by [`model_check`] within small bounds |
//!
//! The example `model` searches within larger bounds, the example `swarm` runs the swarm in one
//! process: `cargo run --profile sim -p meta-tests --example swarm -- run 1 1000`.
#![forbid(unsafe_code)]

pub mod model;
pub mod model_check;
