//! What the world decides beside the usual, so that a run can be listed, edited and replayed.
//!
//! ```text
//! seed ─► drawn decisions ─► world ─► FaultRecorder (every decision that was taken) ─► Case ─► text
//! text ─► Case ─► Script decisions ─► world
//! ```
//!
//! A run is a test and a seed; or a [`Case`]: the settings, the seed (from which only what is usual
//! is drawn: election timeouts, usual delays, usual flushes) and a list of all decisions. Playing
//! the list of a run gives that run. Invariant: a decision has a name of its own (a message by its
//! number on its link, a flush by its number on its disk, everything else by its moment), so that
//! the others stay what they are when one is taken out.

mod case;
mod decision;
mod format;
mod parse;
mod peers;
mod recorder;
mod settings;
mod tokens;

pub use self::case::Case;
pub use self::decision::{Change, Decision, MessageName, Step};
pub use self::format::CaseError;
pub use self::peers::{LinkDirection, Links, PeerSet};
pub use self::recorder::{FaultRecorder, Script};
pub use self::settings::{Limits, Protocol, Settings, Timing};
