//! The deterministic world in which the Raft core is tested, and the scenarios it is tested with.
//!
//! ```text
//! lab2, storm, swarm (what happens) ─► cluster (the tester's operations) ─► world ─► raft::Node
//!                                                          or real ─► raft::driver, for lab2
//!
//!                                                         world ┬► sim: queue, links, disks
//!                                                               ├► plan: decisions, as they are taken
//!                                                               ├► service: what is applied
//!                                                               └► invariants, after every event
//! run: one seed, one scenario ─► report, or a case ─► shrink
//! oracle: what clients were told     coverage: what a campaign came into
//! harness: a run inside a test, as the environment asks for it
//! ```
//!
//! Invariants: one seed gives one trace, byte for byte, in any process on any machine; nothing in
//! this crate sees real time, starts a thread or iterates over a hash table, but the module `real`,
//! which is only there with the feature of that name. The world knows the core only by its public
//! interface.
#![forbid(unsafe_code)]

pub mod case;
pub mod cluster;
pub mod coverage;
mod dissertation;
pub mod failure;
pub mod harness;
pub mod invariants;
mod isolated_leader;
pub mod kv;
mod lab2;
pub mod model;
pub mod oracle;
#[cfg(feature = "real")]
pub mod real;
pub mod report;
pub mod run;
pub mod scenario;
pub mod service;
pub mod shrink;
pub mod sim;
mod storm;
pub mod suites;
pub mod swarm;
pub mod world;

pub use harness::run;
pub use report::RunSummary;
pub use run::{Run, simulate, simulate_case, simulate_in};
pub use scenario::Scenario;
