//! Oracles: guarantees to clients, checked from their requests and answers.
//!
//! - [`ledger`]: no command out of nothing, none applied twice;
//! - [`history`]: what was answered is never lost, and answers are those of one store;
//! - [`linearizability`], a package of its own: reads and writes look as if done one after the other.

pub mod history;
pub mod ledger;

pub use linearizability;
