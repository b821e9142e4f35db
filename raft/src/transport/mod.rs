//! How messages travel between drivers: what a driver asks of a network.
//!
//! The protocol needs little of it: messages may be lost, doubled, delayed and reordered (the
//! contract in [`crate::output`]), so a transport never has to wait, to repeat or to tell.

mod faults;
mod faulty;
pub mod memory;
#[cfg(feature = "tcp")]
pub mod tcp;

pub use self::faults::{Faults, Weather};
pub use self::faulty::{Fate, Fates, FaultyTransport, Passage};

use tokio::sync::mpsc;

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
    fn learn(&mut self, peer: PeerId, address: &str);

    /// A peer has left: nothing more is sent to it, and its connections may end.
    fn forget(&mut self, peer: PeerId);
}

/// Where a transport puts what it receives: the bounded queue of a driver.
#[derive(Clone, Debug)]
pub struct Inbox(mpsc::Sender<Envelope>);

impl Inbox {
    /// A queue of at most `capacity` messages, and its other end.
    #[must_use]
    pub fn new(capacity: usize) -> (Self, mpsc::Receiver<Envelope>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self(sender), receiver)
    }

    /// How many messages the queue holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.max_capacity()
    }

    /// Whether both put messages into the same queue.
    fn is_the_queue_of(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }

    /// Delivers a message, and waits while the queue is full: the sender of a stream is held back
    /// by it.
    ///
    /// # Errors
    /// The driver has ended.
    pub async fn deliver(&self, envelope: Envelope) -> Result<(), Closed> {
        self.0.send(envelope).await.map_err(|_| Closed)
    }

    /// Delivers a message unless the queue is full; then it is lost.
    ///
    /// # Errors
    /// The driver has ended.
    pub fn deliver_or_drop(&self, envelope: Envelope) -> Result<(), Closed> {
        match self.0.try_send(envelope) {
            Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Closed),
        }
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
