//! Processes and signals of the system: groups, orphans, the watchdog, the few unsafe calls.

pub(crate) mod escaped;
pub(crate) mod group;
pub mod signals;
pub(crate) mod stacks;
pub(crate) mod sys;
pub(crate) mod watchdog;
