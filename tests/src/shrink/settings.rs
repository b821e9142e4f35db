//! Plainer settings: true clocks, no delays, no limits, as far as the failure does not need them.

use std::time::Duration;

use raft::FirstEntry;

use super::attempts::Attempts;
use crate::case::Settings;
use crate::service::Snapshots;
use crate::sim::disk::Latency;
use crate::sim::late_polls::LatePolls;
use crate::sim::network::NetworkProfile;

/// Tries each plainer setting on its own.
pub(super) fn simplify(attempts: &mut Attempts) {
    for peer in 0..attempts.best.settings.clocks.len() {
        change(attempts, |settings| settings.clocks[peer] = 0);
    }
    for plain in SIMPLIFICATIONS {
        change(attempts, plain);
    }
}

fn change(attempts: &mut Attempts, change: impl Fn(&mut Settings)) {
    let mut case = attempts.best.clone();
    change(&mut case.settings);
    attempts.try_case(case);
}

const SIMPLIFICATIONS: [fn(&mut Settings); 15] = [
    |settings| settings.late_polls = LatePolls::NEVER,
    |settings| settings.padding = 0,
    |settings| settings.snapshots = sooner(settings.snapshots, 5),
    |settings| settings.snapshots = sooner(settings.snapshots, 2),
    |settings| settings.snapshots = Snapshots::Never,
    |settings| settings.limits.append_bytes = 64 * 1024,
    |settings| settings.limits.in_flight = 64,
    |settings| settings.limits.chunk_bytes = 64 * 1024,
    |settings| settings.limits.trailing = (0, 0),
    |settings| settings.limits.cache_bytes = u64::MAX,
    |settings| settings.timing.commit_notice = Duration::ZERO,
    |settings| settings.first_entry = FirstEntry::NoOp,
    |settings| settings.network = NetworkProfile::LAB_RELIABLE,
    |settings| {
        settings.latency = Latency { min: Duration::from_millis(1), max: Duration::from_millis(1) };
    },
    |settings| {
        settings.timing.election_min = Duration::from_millis(150);
        settings.timing.election_max = Duration::from_millis(300);
        settings.timing.heartbeat = Duration::from_millis(50);
    },
];

/// Snapshots that need fewer commands.
fn sooner(snapshots: Snapshots, count: u64) -> Snapshots {
    match snapshots {
        Snapshots::Every(every) => Snapshots::Every(every.min(count)),
        Snapshots::Never => Snapshots::Never,
    }
}
