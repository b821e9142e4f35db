//! Runs in which everything is drawn from the seed: the cluster, its timeouts and limits, the
//! clients, and which kinds of faults happen how badly.
//!
//! ```text
//! seed ─► settings, fault_plan ─► nemesis (faults) ──┐
//!                              └► client (requests) ─┴─► liveness ─► clients::verify (answers)
//! Case ─► replay: the same steps, from a list ───────────┘
//! ```
//!
//! Each kind of fault is absent from about half of all runs: a fault that is always there hides
//! failures that need its absence (swarm testing, Groce et al. 2012). The faults end; a majority is
//! healed and must make progress while the rest stays broken.

pub(crate) mod client;
pub(crate) mod clients;
mod core;
pub(crate) mod deposed_leader;
mod fault_kind;
mod fault_plan;
mod forger;
mod liveness;
mod nemesis;
mod replay;
mod run;
pub(crate) mod settings;

pub use self::fault_kind::FaultKind;
pub use self::fault_plan::Phase;
pub use self::liveness::LIMIT_IN_TIMEOUTS;
pub use self::settings::Family;

pub(crate) use self::deposed_leader::ReadMode;
pub(crate) use self::replay::{replay, steps};
pub(crate) use self::run::run;
