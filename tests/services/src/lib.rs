//! Replicated services on the Raft library, and the scenarios of MIT 6.5840's labs 3 and 4 for them
//! in the simulated world.
//!
//! ```text
//! clerk ─► servers (the client's links) ─► request handler ─► replica ─► raft ─► state machine
//! ```
//!
//! | module | contents |
//! |---|---|
//! | [`state_machine`], [`replica`] | the interface of services: what is replicated, and how a request handler reaches it |
//! | [`session`] | exactly-once requests |
//! | [`client`] | repetition of a request until it is answered |
//! | [`key_value`], [`clerk`] | a key-value service, and its client |
//! | [`controller`] | a shard controller, and its client |
//! | [`sharded`], [`sharded_clerk`] | a key-value service of many groups, and its client |
//! | `driver` | replicas that the library's driver runs, for real processes: the feature of that name |
//! | [`world`] | servers and clients in the simulated world |
//! | [`shard_rules`] | rules of the sharded service |
//! | [`history`] | histories of strings, checked for linearizability |
//! | [`lab3`], [`lab4`], `swarm`, [`suites`] | the scenarios, and the table of them |
//!
//! Invariants: services and clients know nothing of the world they run in; nothing here sees real
//! time or iterates over a hash table.
#![forbid(unsafe_code)]

pub mod clerk;
pub mod client;
pub mod controller;
#[cfg(feature = "driver")]
pub mod driver;
pub mod history;
pub mod key_value;
pub mod lab3;
pub mod lab4;
mod recorded_client;
pub mod replica;
pub mod session;
pub mod shard_rules;
pub mod sharded;
pub mod sharded_clerk;
pub mod state_machine;
pub mod suites;
mod swarm;
pub mod world;

pub use suites::run;
