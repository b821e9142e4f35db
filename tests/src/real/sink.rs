//! Sink of a real peer's events: the log, and the invariant that events alone can show.

use std::sync::{Arc, Mutex, PoisonError};

use raft::trace::{Event, Sink, Source};
use raft::verbose::Logger;
use raft::{Instant, RoleName};

use super::service::ServiceRecords;
use crate::invariants::election_safety::ElectionSafety;
use crate::invariants::violation::Witness;

/// Receives the events of one incarnation of a peer, and shares the leaders of all terms with the
/// others.
pub(super) struct PeerSink {
    logger: Option<Logger>,
    elections: Elections,
    records: ServiceRecords,
}

/// Leaders of all terms, over all incarnations of all peers.
#[derive(Clone, Default)]
pub(super) struct Elections(Arc<Mutex<ElectionSafety>>);

impl PeerSink {
    pub(super) const fn new(
        logger: Option<Logger>,
        elections: Elections,
        records: ServiceRecords,
    ) -> Self {
        Self { logger, elections, records }
    }
}

impl Sink for PeerSink {
    fn record(&mut self, at: Instant, source: Source, event: &Event<'_>) {
        if let Some(logger) = &mut self.logger {
            logger.record(at, source, event);
        }
        if matches!(event, Event::RoleChanged { .. }) && source.role == RoleName::Leader {
            let leader = Witness { peer: source.peer, at };
            let mut elections = self.elections.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(violation) = elections.record_leader(source.term, leader) {
                self.records.fail(violation.into());
            }
        }
    }
}
