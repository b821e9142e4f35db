//! How messages travel between drivers: what a driver asks of a network.
//!
//! The protocol needs little of it: messages may be lost, doubled, delayed and reordered (the
//! contract in [`crate::output`]), so a transport never has to wait, to repeat or to tell.

mod faults;
mod faulty;
pub mod memory;
#[cfg(feature = "tcp")]
pub mod tcp;

pub use self::faults::{Faults, LinkFaults};
pub use self::faulty::{Delivery, FaultPolicy, FaultyTransport, LinkState};

use std::fmt;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc};

use crate::message::Envelope;
use crate::types::PeerId;

/// A network as one peer sees it. All methods are called inside the driver's tokio runtime, and
/// none may block.
pub trait Transport: Send + 'static {
    /// Starts to receive: whatever comes in for this peer goes to `inbox`. Called once, before
    /// anything is sent. What it starts ends when the transport is dropped.
    ///
    /// # Errors
    /// Nothing can be received, for example because the address is taken.
    fn start(&mut self, inbox: Inbox) -> Result<(), TransportError>;

    /// Sends a message, or drops it if its receiver cannot take it now.
    fn send(&mut self, envelope: Envelope);

    /// A peer is reached at this address from now on.
    fn set_address(&mut self, peer: PeerId, address: &str);

    /// A peer has left: nothing more is sent to it, and its connections may end.
    fn remove_peer(&mut self, peer: PeerId);
}

/// Where a transport puts what it receives: a bounded queue, of a driver or of whoever made it.
#[derive(Clone)]
pub struct Inbox(Queue);

#[derive(Clone)]
enum Queue {
    Channel(mpsc::Sender<Envelope>),
    Driver(Arc<dyn InboxSink>),
}

/// A driver's queue, which its task takes whole, together with everything else that it is told.
pub(crate) trait InboxSink: Send + Sync {
    /// How many messages it holds at most.
    fn capacity(&self) -> usize;

    /// Takes a message.
    fn put(&self, envelope: Envelope) -> Result<(), PutError>;

    /// Tells all waiters when there is room again after [`PutError::Full`].
    fn space_freed(&self) -> &Notify;
}

/// A message was not taken.
#[derive(Debug)]
pub(crate) enum PutError<T = Envelope> {
    /// There is no room for it.
    Full(T),
    /// The driver has ended.
    Closed,
}

impl Inbox {
    /// A queue of at most `capacity` messages, and its other end.
    #[must_use]
    pub fn new(capacity: usize) -> (Self, mpsc::Receiver<Envelope>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self(Queue::Channel(sender)), receiver)
    }

    /// The queue of a driver.
    pub(crate) fn from_sink(queue: Arc<dyn InboxSink>) -> Self {
        Self(Queue::Driver(queue))
    }

    /// How many messages the queue holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        match &self.0 {
            Queue::Channel(sender) => sender.max_capacity(),
            Queue::Driver(queue) => queue.capacity(),
        }
    }

    /// Whether both put messages into the same queue.
    fn is_same_queue(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Queue::Channel(one), Queue::Channel(other)) => one.same_channel(other),
            (Queue::Driver(one), Queue::Driver(other)) => Arc::ptr_eq(one, other),
            (Queue::Channel(_), Queue::Driver(_)) | (Queue::Driver(_), Queue::Channel(_)) => false,
        }
    }

    /// Delivers a message, and waits while the queue is full: the sender of a stream is held back
    /// by it.
    ///
    /// # Errors
    /// The driver has ended.
    pub async fn deliver(&self, envelope: Envelope) -> Result<(), Closed> {
        match &self.0 {
            Queue::Channel(sender) => sender.send(envelope).await.map_err(|_| Closed),
            Queue::Driver(queue) => put_when_free(queue.as_ref(), envelope).await,
        }
    }

    /// Delivers a message unless the queue is full; then it is lost.
    ///
    /// # Errors
    /// The driver has ended.
    pub fn deliver_or_drop(&self, envelope: Envelope) -> Result<(), Closed> {
        match &self.0 {
            Queue::Channel(sender) => match sender.try_send(envelope) {
                Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => Ok(()),
                Err(mpsc::error::TrySendError::Closed(_)) => Err(Closed),
            },
            Queue::Driver(queue) => match queue.put(envelope) {
                Ok(()) | Err(PutError::Full(_)) => Ok(()),
                Err(PutError::Closed) => Err(Closed),
            },
        }
    }
}

async fn put_when_free(queue: &dyn InboxSink, mut envelope: Envelope) -> Result<(), Closed> {
    loop {
        // Hears of all room that comes from here on, also before it is waited for.
        let freed = queue.space_freed().notified();
        match queue.put(envelope) {
            Ok(()) => return Ok(()),
            Err(PutError::Closed) => return Err(Closed),
            Err(PutError::Full(returned)) => envelope = returned,
        }
        freed.await;
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}

/// The driver has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the driver has ended")]
pub struct Closed;

/// A transport that cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A setting that cannot work.
    #[error("`{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What would work.
        problem: &'static str,
    },
    /// It has been started before.
    #[error("a transport can be started only once")]
    Started,
    /// A certificate, a key or their files; says which and why.
    #[error("{0}")]
    Tls(String),
    /// What a transport of somebody else's has to say.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}
