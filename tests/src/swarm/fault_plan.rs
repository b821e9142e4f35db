//! The recurring faults and the clients of a run, drawn from the seed before anything happens.

use std::time::Duration;

use super::fault_kind::FaultKind;
use super::settings::{self, Family, is_active};
use crate::sim::random::{Domain, Stream};

/// Plan of recurring faults and of clients, drawn from the seed.
#[derive(Clone, Debug)]
pub(crate) struct FaultPlan {
    /// Duration of the fault phase.
    pub(crate) duration: Duration,
    /// The recurring faults, each with the mean time between two of its kind.
    pub(crate) kinds: Vec<(FaultKind, Duration)>,
    /// Number of clients.
    pub(crate) clients: u16,
    /// Number of keys.
    pub(crate) keys: u8,
    /// The longest a client waits between two requests.
    pub(crate) think_time: Duration,
}

/// The phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Faults are injected.
    Faults,
    /// Faults have ended, and a majority must make progress.
    Liveness,
}

impl FaultPlan {
    /// Draws a plan.
    #[must_use]
    pub(crate) fn draw(family: Family, seed: u64, peers: usize) -> Self {
        let mut rng = Stream::new(seed, Domain::Settings, [2, 0]);
        let timing = settings::draw(family, seed).timing;
        let duration = timing.election_max * rng.pick(&[10, 20, 30]);
        let mut kinds = Vec::new();
        for kind in FaultKind::ALL.iter().copied().filter(|kind| kind.applies_to(family)) {
            let mut own = Stream::new(seed, Domain::Settings, [9, kind as u64]);
            let rng = if kind.is_later() { &mut own } else { &mut rng };
            let in_run = is_active(rng, kind.is_focus(family));
            let gap = rng.log_uniform(timing.election_min / 2, timing.election_max * 8);
            if in_run && (peers > 1 || !kind.needs_two_peers()) {
                kinds.push((kind, gap));
            }
        }
        Self {
            duration,
            kinds,
            clients: rng.pick(&[1, 2, 3, 5]),
            keys: rng.pick(&[1, 2, 5]),
            think_time: duration / rng.pick(&[10, 50, 200]) as u32,
        }
    }
}
