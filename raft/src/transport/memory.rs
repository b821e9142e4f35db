//! A network inside one process: a sent message is in the receiver's queue at once.
//!
//! For tests, benchmarks and programs that contain a whole cluster. Nothing is encoded or copied: a
//! message is moved, and its entries are shared with the sender's log. A message to a missing peer
//! or a full queue is lost.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Inbox, Transport, TransportError};
use crate::message::Envelope;
use crate::types::PeerId;

/// The network of one process. Clones are the same network.
///
/// ```
/// use raft::transport::{Inbox, Transport, memory::Hub};
/// use raft::{Envelope, Message, MessageId, PeerId, Term, message::Vote};
///
/// let hub = Hub::default();
/// let [one, two] = [1, 2].map(PeerId::new);
/// let (mut sender, mut receiver) = (hub.join(one), hub.join(two));
/// let (inbox, mut received) = Inbox::new(16);
/// receiver.start(inbox)?;
/// let message = Message::RequestVoteReply(Vote::Granted);
/// let id = MessageId::new(1);
/// sender.send(Envelope { id, from: one, to: two, term: Term::new(1), store: None, message });
/// assert_eq!(received.try_recv().map(|envelope| envelope.from), Ok(one));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Hub(Arc<RwLock<BTreeMap<PeerId, Inbox>>>);

impl Hub {
    /// The transport of one peer. A restarted peer joins again, and messages go to the newer
    /// transport.
    #[must_use]
    pub fn join(&self, peer: PeerId) -> MemoryTransport {
        MemoryTransport { hub: self.clone(), id: peer, inbox: None }
    }

    fn deliver(&self, envelope: Envelope) {
        let peers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(inbox) = peers.get(&envelope.to) {
            // The receiver may have stopped.
            let _ = inbox.deliver_or_drop(envelope);
        }
    }

    fn register(&self, peer: PeerId, inbox: Inbox) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(peer, inbox);
    }

    /// Removes `peer`, unless a newer transport of the same id has joined.
    fn leave(&self, peer: PeerId, inbox: &Inbox) {
        let mut peers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if peers.get(&peer).is_some_and(|there| there.is_same_queue(inbox)) {
            peers.remove(&peer);
        }
    }
}

/// One peer's end of a [`Hub`].
#[derive(Debug)]
pub struct MemoryTransport {
    hub: Hub,
    id: PeerId,
    inbox: Option<Inbox>,
}

impl Transport for MemoryTransport {
    fn start(&mut self, inbox: Inbox) -> Result<(), TransportError> {
        self.hub.register(self.id, inbox.clone());
        self.inbox = Some(inbox);
        Ok(())
    }

    fn send(&mut self, envelope: Envelope) {
        self.hub.deliver(envelope);
    }

    /// Addresses are not needed.
    fn set_address(&mut self, _: PeerId, _: &str) {}

    /// There are no connections to end.
    fn remove_peer(&mut self, _: PeerId) {}
}

impl Drop for MemoryTransport {
    fn drop(&mut self) {
        if let Some(inbox) = &self.inbox {
            self.hub.leave(self.id, inbox);
        }
    }
}
