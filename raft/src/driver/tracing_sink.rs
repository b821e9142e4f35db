//! Protocol events as `tracing` events, in addition to the log enabled by `VERBOSE`.
//!
//! Their target is `raft::protocol`, and their fields are `peer`, `term`, `role` and those of the
//! event. Roles and leaders are `INFO`, rejected messages `WARN`, heartbeats and timers `TRACE`,
//! everything else `DEBUG`. Contents of messages are left out: `VERBOSE=3` shows them.

use tracing::Level;
use tracing::level_filters::LevelFilter;

use crate::message::Envelope;
use crate::trace::{Event, Sink, Source};
use crate::types::Instant;

/// Passes events to another sink, then to `tracing`.
pub(super) struct TracingSink {
    pub(super) inner: Option<Box<dyn Sink + Send>>,
}

impl Sink for TracingSink {
    fn record(&mut self, at: Instant, source: Source, event: &Event<'_>) {
        if let Some(inner) = &mut self.inner {
            inner.record(at, source, event);
        }
        // One load of an atomic without a subscriber.
        if LevelFilter::current() >= level(event) {
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
    );
    if matches!(event, Event::Rejected { .. }) {
        Level::WARN
    } else if rare {
        Level::INFO
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
        let Envelope { id, from, message, .. } = envelope;
        let message = message.name();
        at_level!(level, peer, term, role, %id, %from, message, ?reason, "message rejected");
    } else {
        at_level!(level, peer, term, role, "{event:?}");
    }
}
