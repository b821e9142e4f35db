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
use super::refusals::{Line, Refusals, Report};
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
    failures: LogLimit,
}

impl RejectionLog {
    pub(super) fn new(context: Arc<Context>) -> Self {
        let rejected = metrics::rejected_connections(context.me);
        Self {
            context,
            rejected,
            refusals: Refusals::new(),
            strangers: SourceLimit::new(),
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
        if self.refusals.clear(peer, Instant::now()) {
            self.report_cleared(peer);
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
        let (line, report) = self.refusals.note(peer, kind, &reason, Instant::now());
        if report == Report::Due {
            let (reason, direction) = (reason.as_str().into(), LinkDirection::Incoming);
            self.context.report(LinkReport::Refused(RefusedLink { peer, direction, kind, reason }));
        }
        let Some(Line { more, others }) = line else { return };
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
            Some(_) => self.refusals.admit(Instant::now()),
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
        let mut more = self.strangers.take_settled(now) + self.refusals.take_settled(now);
        for (peer, unsaid) in self.refusals.expire(now) {
            self.report_cleared(peer);
            more += unsaid;
        }
        if more > 0 {
            tracing::warn!("rejected {more} more incoming connections");
        }
    }

    fn report_cleared(&self, peer: PeerId) {
        self.context.report(LinkReport::Cleared { peer, direction: LinkDirection::Incoming });
    }
}
