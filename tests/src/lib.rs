//! A deterministic simulated world for the Raft core, with its scenarios, invariants and oracles.
//!
//! One process simulates a whole cluster: network, disks, clocks and clients. A run is a scenario and
//! a seed; the same seed gives the same trace, byte for byte, in any process on any machine. After
//! every event all invariants are checked, and a failing run is reported with its causes, replayed
//! from its seed, and shrunk to the few decisions that matter.
//!
//! ```text
//! suites ─► scenario body ─► cluster (operations of the tester) ─► world ─► raft::Node
//!                                                        or real ─► raft::driver, for the labs
//! world ─┬► sim: event queue, network, disks, clocks, random streams, task executor
//!        ├► case: every decision, recorded
//!        ├► service: the commands that are applied; hosted: services of other packages
//!        └► invariants, after every event
//! run ─► report (text, JSON) and case ─► shrink
//! ```
//!
//! # Contents
//!
//! | term of the field | where |
//! |---|---|
//! | scenario, test operations | [`suites`] (the table of all), [`scenario`], [`cluster`] |
//! | nemesis, fault plan, swarm testing | [`swarm`]: kinds of faults in `fault_kind`, injected by `nemesis` as `fault_plan` says, then `liveness` |
//! | network: partition, loss, delay, duplication, reordering | [`sim::network`], [`cluster::Cluster::disconnect`], [`cluster::Cluster::set_links`] |
//! | disk: latency, stalls, failed flushes, torn writes | [`sim::disk`] |
//! | clock drift, pauses | [`sim::clock`], [`cluster::Cluster::pause`] |
//! | randomness, seeds | [`sim::random`] |
//! | invariants | [`invariants`]: one file each, all in the table [`invariants::Invariant`] |
//! | oracle, linearizability | [`oracle`] |
//! | coverage ("sometimes") | [`coverage`] |
//! | failure report, evidence | [`report`] |
//! | replay, kept cases | [`case`], [`mod@run`] |
//! | shrinking | [`mod@shrink`] |
//! | the same scenarios on real peers | `real`, with the feature of that name |
//! | environment variables of a run | [`harness`] |
//!
//! # A scenario
//!
//! A body takes a [`cluster::Cluster`], and returns an error where an expectation is not met:
//!
//! ```
//! use raft_tests::cluster::{Cluster, Command, Retry};
//! use raft_tests::failure::Failure;
//! use raft_tests::scenario::{ClusterSpec, Part, Scenario};
//!
//! /// A follower that was disconnected catches up.
//! async fn catches_up(cluster: Cluster) -> Result<(), Failure> {
//!     let leader = cluster.check_one_leader().await?;
//!     let follower = cluster.after(leader, 1);
//!     cluster.disconnect(follower);
//!     cluster.one(&Command::number(1), 2, Retry::No).await?;
//!     cluster.connect(follower);
//!     cluster.one(&Command::number(2), 3, Retry::Yes).await?;
//!     Ok(())
//! }
//!
//! let scenario = Scenario {
//!     name: "catches_up",
//!     former_name: None,
//!     part: Part::B,
//!     description: "a disconnected follower catches up",
//!     spec: ClusterSpec::lab(3).unreliable(),
//!     body: |cluster| Box::pin(catches_up(cluster)),
//! };
//! for seed in 1..=3 {
//!     let run = || raft_tests::simulate(&scenario, seed, None);
//!     let summary = run().unwrap_or_else(|report| panic!("{report}"));
//!     assert_eq!(run().map(|again| again.trace).ok(), Some(summary.trace), "one seed, one trace");
//! }
//! ```
//!
//! To keep it: put the body into a file of its suite, for instance `tests/src/lab2/agreement.rs` (or
//! `dissertation/`), and add its row to `tests/src/suites.rs`. That makes it a test, which
//! `dstest catches_up -n 1000` runs on a thousand seeds, and lets it hunt for canaries. A body in no
//! row is reported by the compiler.
//!
//! # An invariant
//!
//! A check in a file of `tests/src/invariants/`, called by the world; a row in `table.rs` there; a
//! test in `tests/meta/tests/invariants/` that breaks it by hand. A test names whatever is missing.
//!
//! # Another system
//!
//! [`sim`] depends on Raft only by the direction of a message and the records of its disk. Queue,
//! clock, network, executor and random streams are a base for simulating a system of your own, as
//! [`world`] does it: pop an event, hand it to the system, send what it sends, check.
//!
//! ```
//! use raft::Instant;
//! use raft::message::Direction;
//! use raft_tests::sim::network::{Network, NetworkProfile, Verdict};
//! use raft_tests::sim::queue::{Queue, Source};
//!
//! // Two peers count up by messages, over the labs' unreliable network.
//! let seed = 7;
//! let mut network = Network::new(seed, 2, NetworkProfile::LAB_UNRELIABLE);
//! let mut queue = Queue::new(seed);
//! queue.push(Instant::START, Source::timer(0), (0, 1));
//! let mut highest = 0;
//! while let Some(event) = queue.pop() {
//!     let (peer, number) = event.event;
//!     assert!(number > highest, "an invariant of this system");
//!     highest = number;
//!     let other = 1 - peer;
//!     match network.send(peer, other, Direction::Request).verdict() {
//!         Verdict::Deliver(delay) | Verdict::DeliverTwice(delay, _) => {
//!             queue.push(event.at.after(delay), Source::link(peer, other), (other, number + 1));
//!         }
//!         Verdict::Lose(_) => break,
//!     }
//! }
//! assert!(highest > 0);
//! ```
//!
//! [`oracle::linearizability`] checks the history of any object that implements
//! [`Model`](oracle::linearizability::Model).
//!
//! Invariants of this crate: nothing here sees real time, starts a thread or iterates over a hash
//! table, but the module `real`. The world knows the core only by its public interface.
#![forbid(unsafe_code)]

pub mod case;
pub mod cluster;
pub mod coverage;
mod dissertation;
pub mod failure;
pub mod harness;
pub mod hosted;
pub mod invariants;
mod isolated_leader;
pub mod kv;
mod lab2;
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
