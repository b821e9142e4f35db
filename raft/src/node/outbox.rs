//! Outputs for the driver, and messages that wait for the disk.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use crate::identity::StoreStamp;
use crate::message::{Direction, Envelope, Message};
use crate::output::Output;
use crate::types::{MessageId, PeerId, Term, WriteId};

/// Outputs in their order. Messages that promise something are held until their write is durable.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    ready: VecDeque<Output>,
    /// Invariant: write ids never fall.
    held: VecDeque<(WriteId, Envelope)>,
    next_id: MessageId,
}

/// The header of a message: sender, receiver, term and the sender's store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) from: PeerId,
    pub(crate) to: PeerId,
    pub(crate) term: Term,
    pub(crate) store: Option<StoreStamp>,
}

impl Outbox {
    pub(crate) const fn new(next_id: MessageId) -> Self {
        Self { ready: VecDeque::new(), held: VecDeque::new(), next_id }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.ready.pop_front()
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.ready.push_back(output);
    }

    /// Sends a message that promises nothing.
    pub(crate) fn send(&mut self, header: Header, message: Message) {
        let envelope = self.envelope(header, message);
        self.ready.push_back(Output::Send(envelope));
    }

    /// Sends a message once `write` is durable.
    pub(crate) fn send_after(&mut self, write: WriteId, header: Header, message: Message) {
        let envelope = self.envelope(header, message);
        self.held.push_back((write, envelope));
    }

    /// Releases messages held for writes through `durable`.
    pub(crate) fn release(&mut self, durable: WriteId) {
        while let Some((_, envelope)) = self.held.pop_front_if(|(write, _)| *write <= durable) {
            self.ready.push_back(Output::Send(envelope));
        }
    }

    /// Drops the requests that are held: vote requests of an election that is over. Once their write
    /// is durable, their receivers may have left the configuration.
    pub(crate) fn drop_held_requests(&mut self) {
        self.held.retain(|(_, envelope)| envelope.message.direction() == Direction::Reply);
    }

    /// See [`Node::behaviour_hash`](super::Node::behaviour_hash).
    pub(crate) fn behaviour_hash<H: Hasher>(&self, durable: WriteId, hasher: &mut H) {
        let Self { ready, held, next_id: _ } = self;
        (ready, held.len()).hash(hasher);
        for (write, Envelope { id: _, from, to, term, store, message }) in held {
            (write.since(durable), from, to, term, store, message).hash(hasher);
        }
    }

    fn envelope(&mut self, header: Header, message: Message) -> Envelope {
        let id = self.next_id;
        self.next_id = id.next();
        let Header { from, to, term, store } = header;
        Envelope { id, from, to, term, store, message }
    }
}
