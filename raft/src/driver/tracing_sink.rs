//! Protocol events as `tracing` events, in addition to the log enabled by `VERBOSE`.
//!
//! Their target is `raft::protocol`, and their fields are `peer`, `term`, `role` and those of the
//! event. Roles and leaders are `INFO`, rejected messages `WARN`, heartbeats and timers `TRACE`,
//! everything else `DEBUG`. Contents of messages are left out: `VERBOSE=3` shows them.

use tracing::Level;
use tracing::level_filters::LevelFilter;

use crate::log_limit::LogLimit;
use crate::message::Envelope;
use crate::trace::{Event, RejectReason, Sink, Source, StoreEvent};
use crate::types::Instant;
use crate::verbose::words::{Found, Known, Peers};

/// Passes events to another sink, then to `tracing`.
pub(super) struct TracingSink {
    inner: Option<Box<dyn Sink + Send>>,
    /// Rejected messages, which a broken peer sends again and again.
    rejections: LogLimit,
}

impl TracingSink {
    pub(super) fn new(inner: Option<Box<dyn Sink + Send>>) -> Self {
        Self { inner, rejections: LogLimit::new(5) }
    }
}

impl Sink for TracingSink {
    fn record(&mut self, at: Instant, source: Source, event: &Event<'_>) {
        if let Some(inner) = &mut self.inner {
            inner.record(at, source, event);
        }
        // One load of an atomic without a subscriber.
        if LevelFilter::current() < level(event) {
            return;
        }
        if let Event::Rejected { envelope, reason } = event
            && level(event) == Level::WARN
        {
            if let Some(more) = self.rejections.admit(tokio::time::Instant::now()) {
                emit_rejection(source, envelope, *reason, more);
            }
        } else {
            emit(source, event);
        }
    }
}

fn level(event: &Event<'_>) -> Level {
    let rare = matches!(
        event,
        Event::Started { .. }
            | Event::RoleChanged { .. }
            | Event::LeaderFound { .. }
            | Event::SteppedDown { .. }
            | Event::SnapshotInstalled { .. }
            | Event::MembershipChanged { .. }
            | Event::Store(StoreEvent::Confirmed)
    );
    // The first two are reported once, as a lost store; the others may be late.
    let is_usual = matches!(
        event,
        Event::Rejected {
            reason: RejectReason::OtherStore
                | RejectReason::UnconfirmedStore
                | RejectReason::NotAMember
                | RejectReason::Unasked,
            ..
        }
    );
    if rare {
        Level::INFO
    } else if matches!(event, Event::Rejected { .. } | Event::Store(_) | Event::TermsExhausted)
        && !is_usual
    {
        Level::WARN
    } else if event.is_routine() {
        Level::TRACE
    } else {
        Level::DEBUG
    }
}

/// A level is part of an event's static metadata, so each needs a macro of its own.
macro_rules! at_level {
    ($level:expr, $($field:tt)*) => {
        match $level {
            Level::WARN => tracing::warn!(target: "raft::protocol", $($field)*),
            Level::INFO => tracing::info!(target: "raft::protocol", $($field)*),
            Level::DEBUG => tracing::debug!(target: "raft::protocol", $($field)*),
            _ => tracing::trace!(target: "raft::protocol", $($field)*),
        }
    };
}

fn emit(source: Source, event: &Event<'_>) {
    let (peer, term) = (source.peer.number(), source.term.number());
    let role = source.role.as_str();
    let level = level(event);
    if let Event::Sent(Envelope { id, to, message, .. }) = event {
        let message = message.name();
        at_level!(level, peer, term, role, %id, %to, message, "message sent");
    } else if let Event::Received(Envelope { id, from, message, .. }) = event {
        let message = message.name();
        at_level!(level, peer, term, role, %id, %from, message, "message received");
    } else if let Event::Rejected { envelope, reason } = event {
        let (id, from) = (envelope.id, envelope.from);
        at_level!(level, peer, term, role, %id, %from, ?reason, "message ignored");
    } else if let Event::Store(StoreEvent::Lost { of, kind, .. }) = event {
        let (member, sign) = (of.number(), Found(*kind));
        at_level!(level, peer, term, role, member, %sign, "{}", text::STORE_LOST);
    } else if let Event::Store(StoreEvent::Refused { by, known }) = event {
        let (by, known) = (by.number(), Known(*known));
        at_level!(level, peer, term, role, by, %known, "{}", text::STORE_REFUSED);
    } else if let Event::Store(StoreEvent::Unregistered { missing }) = event {
        let missing = Peers(missing);
        at_level!(level, peer, term, role, %missing, "{}", text::STORE_UNREGISTERED);
    } else if matches!(event, Event::TermsExhausted) {
        at_level!(level, peer, term, role, "{}", text::TERMS_EXHAUSTED);
    } else {
        at_level!(level, peer, term, role, "{event:?}");
    }
}

fn emit_rejection(source: Source, envelope: &Envelope, reason: RejectReason, more: u64) {
    let (peer, term) = (source.peer.number(), source.term.number());
    let role = source.role.as_str();
    let Envelope { id, from, message, .. } = envelope;
    let message = message.name();
    let of_term = matches!(reason, RejectReason::TermJump { .. } | RejectReason::TermTooHigh);
    let what_to_do = if of_term { text::TERM_REFUSED } else { "" };
    tracing::warn!(
        target: "raft::protocol",
        peer, term, role, %id, %from, message, ?reason, more, "message rejected{what_to_do}"
    );
}

/// Warnings with what to do.
mod text {
    pub(super) const TERM_REFUSED: &str = ": no elections can have reached its term; its sender is not \
        of this cluster, or its data is damaged: see \"Terms\" in docs/operations.md";
    pub(super) const TERMS_EXHAUSTED: &str = "no term is left after this peer's: it starts no election \
        any more, and if all peers are like that no leader is elected; stop all of them and lower \
        their terms with `raftctl reset-term`";
    pub(super) const STORE_LOST: &str = "a member lost its data, or two processes run with its id: it \
        has no vote and counts in no quorum; stop the wrong process, or remove the member and add it \
        again, or set `lost_store` to `Reseed`";
    pub(super) const STORE_REFUSED: &str = "this peer's store is not the one that its cluster knows: \
        its data was lost, or data_dir is a wrong one; it does not vote until it was removed from the \
        cluster and added again";
    pub(super) const STORE_UNREGISTERED: &str = "this peer does not vote yet: a new cluster begins \
        once all of `peers` have been started and reach each other; start the missing ones";
}
