//! The queue of messages to one peer: two lanes, urgent messages before bulk ones.
//!
//! Votes, replies and heartbeats are urgent; entries and chunks of snapshots are bulk. So a vote
//! waits for one write of the connection, not for the megabytes queued on a slow one. Each lane
//! keeps its order, and so do all AppendEntries: one without entries refers to the end of the log,
//! and would be rejected if it overtook the entries before it. It need not: those are heartbeats
//! themselves.
//!
//! Both lanes are bounded. A message that finds its lane full is dropped, as is every message
//! without a connection: the protocol repeats what still matters by then.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::options::TcpOptions;
use crate::codec;
use crate::message::{Carried, Envelope, Message};

/// The queue of one peer.
#[derive(Debug)]
pub(super) struct Outbox {
    lanes: Mutex<Lanes>,
    filled: Notify,
}

#[derive(Debug)]
struct Lanes {
    state: State,
    urgent: VecDeque<Envelope>,
    bulk: VecDeque<Bulk>,
    /// Bytes in the bulk lane.
    bytes: usize,
    /// Number of AppendEntries in the bulk lane.
    appends: usize,
    bytes_max: usize,
    messages_max: usize,
}

#[derive(Debug)]
struct Bulk {
    envelope: Envelope,
    bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connected,
    /// Messages are dropped.
    Disconnected,
    /// Queued messages are still sent, further ones are dropped.
    Finishing,
}

/// Result of queueing a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queued {
    Accepted,
    /// There is no connection.
    Disconnected,
    /// The lane is full.
    Full,
}

impl Outbox {
    pub(super) fn new(options: &TcpOptions) -> Self {
        let lanes = Lanes {
            state: State::Disconnected,
            urgent: VecDeque::new(),
            bulk: VecDeque::new(),
            bytes: 0,
            appends: 0,
            bytes_max: options.queue_bytes_max,
            messages_max: options.queue_messages_max,
        };
        Self { lanes: Mutex::new(lanes), filled: Notify::new() }
    }

    /// Queues a message, or drops it.
    pub(super) fn push(&self, envelope: Envelope) -> Queued {
        let queued = self.lock().push(envelope);
        if queued == Queued::Accepted {
            self.filled.notify_one();
        }
        queued
    }

    /// Accepts messages.
    pub(super) fn open(&self) {
        self.lock().state = State::Connected;
    }

    /// Accepts no further messages, and lets the link end once the queued ones are sent. Returns
    /// whether there is a connection to send them over.
    pub(super) fn finish(&self) -> bool {
        let mut lanes = self.lock();
        let connected = lanes.state == State::Connected;
        if connected {
            lanes.state = State::Finishing;
            self.filled.notify_one();
        }
        connected
    }

    /// True if the link is to end.
    pub(super) fn is_finishing(&self) -> bool {
        self.lock().state == State::Finishing
    }

    /// Drops queued and further messages; a finishing link stays one.
    pub(super) fn close(&self) {
        let mut lanes = self.lock();
        if lanes.state == State::Connected {
            lanes.state = State::Disconnected;
        }
        lanes.urgent.clear();
        lanes.bulk.clear();
        (lanes.bytes, lanes.appends) = (0, 0);
    }

    /// Waits until the queue is not empty, or the link is to end.
    pub(super) async fn filled(&self) {
        while self.lock().is_idle() {
            self.filled.notified().await;
        }
    }

    /// Takes the messages of one write: all urgent ones, then bulk ones up to `bytes`, but at least
    /// one.
    pub(super) fn take(&self, bytes: usize, batch: &mut Vec<Envelope>) {
        self.lock().take(bytes, batch);
    }

    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lanes {
    fn is_idle(&self) -> bool {
        self.urgent.is_empty() && self.bulk.is_empty() && self.state != State::Finishing
    }

    fn push(&mut self, envelope: Envelope) -> Queued {
        match self.state {
            State::Connected => {}
            State::Disconnected | State::Finishing => return Queued::Disconnected,
        }
        if self.is_bulk(&envelope.message) {
            self.push_bulk(envelope)
        } else {
            self.push_urgent(envelope)
        }
    }

    /// True for messages of the bulk lane.
    fn is_bulk(&self, message: &Message) -> bool {
        if let Message::AppendEntries(append) = message {
            append.carried() == Carried::Entries || self.appends > 0
        } else if let Message::InstallSnapshot(chunk) = message {
            !chunk.chunk.is_empty()
        } else {
            false
        }
    }

    fn push_urgent(&mut self, envelope: Envelope) -> Queued {
        if self.urgent.len() >= self.messages_max {
            return Queued::Full;
        }
        self.urgent.push_back(envelope);
        Queued::Accepted
    }

    fn push_bulk(&mut self, envelope: Envelope) -> Queued {
        let bytes = codec::encoded_len_max(&envelope);
        // One larger than the whole queue can still be sent alone.
        let fits = self.bulk.is_empty() || self.bytes + bytes <= self.bytes_max;
        if !fits || self.bulk.len() >= self.messages_max {
            return Queued::Full;
        }
        self.bytes += bytes;
        self.appends += usize::from(is_append(&envelope));
        self.bulk.push_back(Bulk { envelope, bytes });
        Queued::Accepted
    }

    fn take(&mut self, bytes: usize, batch: &mut Vec<Envelope>) {
        batch.extend(self.urgent.drain(..));
        let mut remaining = bytes;
        while let Some(next) =
            self.bulk.pop_front_if(|next| next.bytes <= remaining || remaining == bytes)
        {
            remaining = remaining.saturating_sub(next.bytes);
            self.bytes -= next.bytes;
            self.appends -= usize::from(is_append(&next.envelope));
            batch.push(next.envelope);
        }
    }
}

fn is_append(envelope: &Envelope) -> bool {
    matches!(envelope.message, Message::AppendEntries(_))
}
