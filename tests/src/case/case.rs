//! A run as data: everything that is needed to replay it, and nothing else.

use raft::Instant;

use super::decision::Decision;
use super::settings::Settings;

/// A run as a list of decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The test it comes from.
    pub test: String,
    /// What failed when it was written, as [`Failure::identity`](crate::failure::Failure::identity)
    /// names it.
    pub fails: Option<String>,
    /// Where what is usual is drawn from.
    pub seed: u64,
    /// What the world is made of.
    pub settings: Settings,
    /// When the run ends, unless a liveness phase ends it.
    pub end: Instant,
    /// Everything that would not have happened by itself; what is done at a moment is in order.
    pub decisions: Vec<Decision>,
}

impl Case {
    /// The case without its chances: from now on only what is listed happens.
    #[must_use]
    pub fn without_chances(mut self) -> Self {
        use crate::sim::network::{LinkProfile, NetworkProfile};
        let quiet = |profile: LinkProfile| LinkProfile {
            delay_max: profile.delay_max,
            ..LinkProfile::PERFECT
        };
        let NetworkProfile { request, reply } = self.settings.network;
        self.settings.network = NetworkProfile { request: quiet(request), reply: quiet(reply) };
        self.settings.flush_faults = crate::sim::disk::FlushFaultRates::NONE;
        self
    }

    /// How many decisions there are, clocks that go wrong among them.
    #[must_use]
    pub fn size(&self) -> usize {
        let clocks = self.settings.clocks.iter().filter(|permille| **permille != 0);
        self.decisions.len() + clocks.count()
    }
}
