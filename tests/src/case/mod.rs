//! Runs as data: every decision of a world beside the usual, to be listed, edited and replayed.
//!
//! ```text
//! seed ─► drawn decisions ─► world ─► FaultRecorder (every decision that was taken) ─► Case ─► text
//! text ─► Case ─► Script decisions ─► world
//! ```
//!
//! A run is a test and a seed; or a [`Case`]: the settings, the seed (from which only what is usual
//! is drawn: election timeouts, usual delays and flushes, late polls) and a list of all decisions.
//! Replaying the list of a run repeats that run. Invariant: a decision has a name of its own (a
//! message by its number on its link, a flush by its number on its disk, everything else by its
//! time), so that the others keep their meaning when one is removed.

mod decision;
mod format;
mod parse;
mod peers;
mod recorder;
mod settings;
mod tokens;

pub use self::decision::{Change, Decision, MessageName, Step};
pub use self::format::CaseError;
pub use self::peers::{LinkDirection, Links, PeerSet};
pub use self::recorder::{FaultRecorder, Script};
pub use self::settings::{Limits, Protocol, Settings, Stores, Timing};

use raft::Instant;

use crate::sim::disk::FlushFaultRates;
use crate::sim::network::{LinkProfile, NetworkProfile};

/// A run as a list of decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The test it comes from.
    pub test: String,
    /// The failure it showed when it was written, as
    /// [`Failure::identity`](crate::failure::Failure::identity) names it.
    pub fails: Option<String>,
    /// Seed of everything usual.
    pub seed: u64,
    /// Settings of the world.
    pub settings: Settings,
    /// End of the run, unless a liveness phase ends it.
    pub end: Instant,
    /// Everything that would not happen by itself; steps are in order of time.
    pub decisions: Vec<Decision>,
}

impl Case {
    /// The case without random faults: only listed decisions happen from now on.
    #[must_use]
    pub fn without_chances(mut self) -> Self {
        let quiet = |profile: LinkProfile| LinkProfile {
            delay_max: profile.delay_max,
            ..LinkProfile::PERFECT
        };
        let NetworkProfile { request, reply } = self.settings.network;
        self.settings.network = NetworkProfile { request: quiet(request), reply: quiet(reply) };
        self.settings.flush_faults = FlushFaultRates::NONE;
        self
    }

    /// Number of decisions, clocks that drift included.
    #[must_use]
    pub fn size(&self) -> usize {
        let clocks = self.settings.clocks.iter().filter(|permille| **permille != 0);
        self.decisions.len() + clocks.count()
    }
}
