//! The queue of messages to one peer: two lanes, urgent messages before bulk ones.
//!
//! Votes, replies and heartbeats are urgent; entries and chunks of snapshots are bulk. So a vote
//! waits for one write of the connection, not for the megabytes queued on a slow one, nor for a large
//! message in pieces. Each lane keeps its order, and so do most AppendEntries: one without entries
//! that refers to the end of the log would be rejected if it overtook the entries before it. It need
//! not: those are heartbeats themselves. One that refers to an entry before all that are queued
//! is a heartbeat during a large command, and overtakes.
//!
//! Both lanes are bounded. A message that finds its lane full is dropped, as is every message
//! without a connection: the protocol repeats what still matters by then.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::options::TcpOptions;
use crate::codec;
use crate::message::{Carried, Envelope, Message};
use crate::types::Index;

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
    /// The large message that is being written in pieces.
    large: Option<Bulk>,
    /// Bytes in the bulk lane.
    bytes: usize,
    bytes_max: usize,
    messages_max: usize,
}

#[derive(Debug)]
struct Bulk {
    envelope: Envelope,
    bytes: usize,
}

impl Bulk {
    /// The entry that the entries in the message follow, if it has any.
    fn prev(&self) -> Option<Index> {
        let Message::AppendEntries(append) = &self.envelope.message else { return None };
        Some(append.slice.prev().index)
    }
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
            large: None,
            bytes: 0,
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
        (lanes.bytes, lanes.large) = (0, None);
    }

    /// Waits until the queue is not empty, or the link is to end.
    pub(super) async fn filled(&self) {
        while self.lock().is_idle() {
            self.filled.notified().await;
        }
    }

    /// Takes the messages of one write: all urgent ones, then bulk ones up to `bytes`, but at least
    /// one; none while a large one is being written.
    pub(super) fn take(&self, bytes: usize, batch: &mut Vec<Envelope>) {
        self.lock().take(bytes, batch);
    }

    /// Notes that the large message taken last goes in pieces, so that those behind it wait.
    pub(super) fn begin_large(&self, envelope: Envelope) {
        let bytes = codec::encoded_len_max(&envelope);
        self.lock().large = Some(Bulk { envelope, bytes });
    }

    /// Notes that the large message is written.
    pub(super) fn end_large(&self) {
        self.lock().large = None;
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
            // The log's index before all entries that are queued.
            let floor = self.large.iter().chain(&self.bulk).find_map(Bulk::prev);
            let overtakes = floor.is_none_or(|floor| append.slice.prev().index <= floor);
            append.carried() == Carried::Entries || !overtakes
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
        // One larger than the whole queue can still be sent alone. The protocol may repeat it
        // before it has arrived.
        let fits = if bytes > self.bytes_max {
            self.bulk.is_empty() && self.large.is_none()
        } else {
            self.bulk.is_empty() || self.bytes + bytes <= self.bytes_max
        };
        if !fits || self.bulk.len() >= self.messages_max {
            return Queued::Full;
        }
        self.bytes += bytes;
        self.bulk.push_back(Bulk { envelope, bytes });
        Queued::Accepted
    }

    fn take(&mut self, bytes: usize, batch: &mut Vec<Envelope>) {
        batch.extend(self.urgent.drain(..));
        if self.large.is_some() {
            return;
        }
        let mut remaining = bytes;
        while let Some(next) =
            self.bulk.pop_front_if(|next| next.bytes <= remaining || remaining == bytes)
        {
            remaining = remaining.saturating_sub(next.bytes);
            self.bytes -= next.bytes;
            batch.push(next.envelope);
        }
    }
}
