//! Tests of the simulated world and of all that is built on it, and a model check of the core.
//!
//! They stay apart from `raft-tests`, so that a campaign of its scenarios builds none of the tools
//! they need (stateright, proptest, the log viewer).
//!
//! | test program | checks |
//! |---|---|
//! | `invariants` | each invariant fires on a bad state, and has its row in the table |
//! | `world` | one seed gives one trace; the table of scenarios; cases and their minimising; faults; checks of clients; causes of log lines; [`model`], searched by [`model_check`] within small bounds |
//!
//! Its programs build without what its tests need: `model` searches within larger bounds, `swarm`
//! runs the swarm in one process (`cargo run --profile sim -p meta-tests --bin swarm -- run 1 1000`),
//! `campaign` measures the scenarios, and `hunt` is what the command `canaries` runs.
#![forbid(unsafe_code)]

pub mod model;
pub mod model_check;
