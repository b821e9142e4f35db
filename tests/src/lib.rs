//! The deterministic world in which the Raft core is tested, and the scenarios it is tested with.
//!
//! ```text
//! lab2, storm (what happens) ─► cluster (the tester's operations) ─► world ─► raft::Node
//!                                                               ├► sim: queue, links, disks
//!                                                               ├► service: what is applied
//!                                                               └► invariants, after every event
//! run: one seed, one scenario ─► report
//! ```
//!
//! Invariants: one seed gives one trace, byte for byte, in any process on any machine; nothing in
//! this crate sees real time, starts a thread or iterates over a hash table. The world knows the
//! core only by its public interface.
#![forbid(unsafe_code)]

pub mod cluster;
pub mod exile;
pub mod failure;
pub mod invariants;
pub mod lab2;
pub mod model;
pub mod report;
pub mod run;
pub mod service;
pub mod sim;
pub mod storm;
pub mod suites;
pub mod world;

pub use lab2::{SCENARIOS, Scenario};
pub use run::{Report, run, simulate};
pub use storm::STORMS;
pub use suites::SUITES;
