//! The log of rejected incoming connections, and their reports: at a rate that no flood raises.
//!
//! | connection | lines |
//! |---|---|
//! | of unknown origin | limited for each address, and for all together |
//! | that names a peer | one for each reason (`refusals.rs`), limited for all together |
//!
//! Each line counts those left out before it. Counters count all.

use std::net::SocketAddr;
use std::sync::Arc;

use ::metrics::Counter;
use tokio::time::Instant;

use super::context::Context;
use super::error::{ConnectionError, Disconnect};
use super::metrics;
use super::refusals::{Notice, Refusals};
use super::source_limit::SourceLimit;
use crate::log_limit::LogLimit;
use crate::transport::{LinkDirection, LinkReport, RefusalKind, RefusedLink};
use crate::types::PeerId;

/// The log of one listening peer.
pub(super) struct RejectionLog {
    context: Arc<Context>,
    rejected: Counter,
    refusals: Refusals,
    strangers: SourceLimit,
    named: LogLimit,
    failures: LogLimit,
}

impl RejectionLog {
    pub(super) fn new(context: Arc<Context>) -> Self {
        let rejected = metrics::rejected_connections(context.me);
        Self {
            context,
            rejected,
            refusals: Refusals::default(),
            strangers: SourceLimit::new(),
            named: LogLimit::new(5),
            failures: LogLimit::new(1),
        }
    }

    /// Logs that no connection can be accepted.
    pub(super) fn accept_failed(&self, reason: &std::io::Error) {
        if let Some(more) = self.failures.admit(Instant::now()) {
            let more = (more > 0).then_some(more);
            tracing::warn!(%reason, more, "cannot accept a connection");
        }
    }

    /// Notes that a peer is accepted.
    pub(super) fn accepted(&self, peer: PeerId) {
        if self.refusals.clear(peer) {
            self.clear(peer);
        }
    }

    /// Logs the end of a connection: of a peer, or of one that claimed to be one.
    pub(super) fn ended(
        &self,
        peer: Option<PeerId>,
        claimed: Option<PeerId>,
        address: SocketAddr,
        end: &Disconnect,
    ) {
        match (end, claimed) {
            (Disconnect::Error(reason), Some(claimed)) if reason.kind() != RefusalKind::Other => {
                self.refused(claimed, address, reason);
            }
            (Disconnect::Error(reason), _) => self.failed(peer, address, reason),
            (
                Disconnect::Lost(_)
                | Disconnect::Stalled(_)
                | Disconnect::Replaced
                | Disconnect::NotAccepted(_)
                | Disconnect::Moved
                | Disconnect::Removed
                | Disconnect::Closed,
                _,
            ) => {
                let peer = peer.map(tracing::field::display);
                tracing::debug!(peer, %address, reason = %end, "incoming connection closed");
            }
        }
    }

    /// Logs and reports a rejected peer, once for each reason.
    fn refused(&self, peer: PeerId, address: SocketAddr, error: &ConnectionError) {
        self.rejected.increment(1);
        let (kind, reason) = (error.kind(), error.to_string());
        let more = match self.refusals.note(peer, kind, &reason, Instant::now()) {
            Notice::Known => return,
            Notice::Again(more) => more,
            Notice::New => {
                let (reason, direction) = (reason.as_str().into(), LinkDirection::Incoming);
                let link = RefusedLink { peer, direction, kind, reason };
                self.context.report(LinkReport::Refused(link));
                0
            }
        };
        let Some(others) = self.named.admit(Instant::now()) else { return };
        let [more, others] = [more, others].map(|count| (count > 0).then_some(count));
        if error.is_expected() {
            tracing::info!(%peer, %address, reason, more, others, "rejected a peer");
        } else {
            tracing::warn!(%peer, %address, reason, more, others, "rejected a peer");
        }
    }

    /// Logs a connection that ends for its own fault.
    fn failed(&self, peer: Option<PeerId>, address: SocketAddr, reason: &ConnectionError) {
        self.rejected.increment(1);
        let admitted = match peer {
            Some(_) => self.named.admit(Instant::now()),
            None => self.strangers.admit(address.ip().to_canonical(), Instant::now()),
        };
        let peer = peer.map(tracing::field::display);
        match admitted {
            Some(0) => tracing::warn!(peer, %address, %reason, "rejected an incoming connection"),
            Some(more) => tracing::warn!(
                peer, %address, %reason, "rejected an incoming connection, and {more} more"
            ),
            None => {}
        }
    }

    /// Logs the number of lines left out by a flood that has ended, and forgets peers that were rejected
    /// and did not come again.
    pub(super) fn summarize(&self) {
        let now = Instant::now();
        for peer in self.refusals.expire(now) {
            self.clear(peer);
        }
        let more = self.strangers.take_settled(now) + self.named.take_settled(now);
        if more > 0 {
            tracing::warn!("rejected {more} more incoming connections");
        }
    }

    fn clear(&self, peer: PeerId) {
        self.context.report(LinkReport::Cleared { peer, direction: LinkDirection::Incoming });
    }
}
