//! The network of a driver: the [`Transport`] trait, and implementations of it.
//!
//! ```
//! use raft::PeerId;
//! use raft::transport::{Inbox, Transport, memory::Hub};
//!
//! let hub = Hub::default();
//! let mut transport = hub.join(PeerId::new(1));
//! let (inbox, received) = Inbox::new(16);
//! transport.start(inbox)?;
//! assert!(received.is_empty());
//! # Ok::<(), raft::transport::TransportError>(())
//! ```
//!
//! | to | see |
//! |---|---|
//! | connect peers over TCP with mutual TLS (feature `tcp`) | `tcp`, or [`Builder::listen`](crate::driver::Builder::listen) |
//! | run a cluster in one process | [`memory::Hub`] |
//! | inject cuts, loss and delay in tests | [`Faults`], [`FaultyTransport`], [`FaultPolicy`] |
//! | write a transport | [`Transport`], [`Inbox`] |
//!
//! The protocol needs little: messages may be lost, duplicated, delayed and reordered (the contract
//! in [`crate::output`]), so a transport never has to wait, repeat or report.

mod faults;
mod faulty;
pub mod memory;
mod report;
#[cfg(feature = "tcp")]
pub mod tcp;

pub use self::faults::{Faults, LinkFaults};
pub use self::faulty::{Delivery, FaultPolicy, FaultyTransport, LinkState};
pub use self::report::{LinkDirection, LinkReport, RefusalKind, RefusedLink};

use std::fmt;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc};

use crate::cluster_view::ClusterView;
use crate::message::Envelope;
use crate::types::{Index, PeerId};

/// One peer's connection to the network. All methods are called inside the driver's tokio runtime
/// and must not block.
pub trait Transport: Send + 'static {
    /// Starts to receive: messages for this peer go to `inbox`. Called once, before anything is
    /// sent. Everything started here ends when the transport is dropped.
    ///
    /// # Errors
    /// Messages cannot be received, for example because the address is taken.
    fn start(&mut self, inbox: Inbox) -> Result<(), TransportError>;

    /// Sends a message, or drops it if its receiver cannot take it now.
    fn send(&mut self, envelope: Envelope);

    /// Adds a peer, or changes its address.
    fn set_address(&mut self, peer: PeerId, address: &str);

    /// Removes a peer: nothing more is sent to it, and its connections may end once the messages
    /// before are sent, the last of which tell it that it is removed.
    fn remove_peer(&mut self, peer: PeerId);

    /// Passes on this peer's statement about itself and the peers that it accepts, before anything is
    /// sent and with each change. Networks without handshakes need not look at it.
    fn set_view(&mut self, view: &Arc<ClusterView>) {
        let _ = view;
    }

    /// Passes on this peer's commit index, after the view that belongs to it, often: for the handshakes of
    /// peers that the view does not know.
    fn set_commit_index(&mut self, index: Index) {
        let _ = index;
    }
}

/// The bounded queue of received messages.
#[derive(Clone)]
pub struct Inbox {
    queue: Queue,
    /// The driver that takes reports, if any.
    reports: Option<Arc<dyn InboxSink>>,
}

#[derive(Clone)]
enum Queue {
    Channel(mpsc::Sender<Envelope>),
    Driver(Arc<dyn InboxSink>),
}

/// A driver's queue, which also holds its other requests.
pub(crate) trait InboxSink: Send + Sync {
    /// Limit on queued messages.
    fn capacity(&self) -> usize;

    /// Adds a message.
    fn put(&self, envelope: Envelope) -> Result<(), PutError>;

    /// Notified when there is space again after [`PutError::Full`].
    fn space_freed(&self) -> &Notify;

    /// Takes a report about a link.
    fn report(&self, report: LinkReport);
}

/// A message was not queued.
#[derive(Debug)]
pub(crate) enum PutError<T = Envelope> {
    /// The queue is full.
    Full(T),
    /// The driver has stopped.
    Closed,
}

impl Inbox {
    /// A queue of at most `capacity` messages, and its receiver.
    #[must_use]
    pub fn new(capacity: usize) -> (Self, mpsc::Receiver<Envelope>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self { queue: Queue::Channel(sender), reports: None }, receiver)
    }

    /// The queue of a driver.
    pub(crate) fn from_sink(queue: Arc<dyn InboxSink>) -> Self {
        Self { queue: Queue::Driver(Arc::clone(&queue)), reports: Some(queue) }
    }

    /// The same queue, with reports to the driver of another one.
    #[must_use]
    pub fn with_reports_of(self, other: &Self) -> Self {
        Self { reports: other.reports.clone(), ..self }
    }

    /// Reports about a link, to a driver. Reports must be rare: they are not bounded.
    pub fn report(&self, report: LinkReport) {
        if let Some(driver) = &self.reports {
            driver.report(report);
        }
    }

    /// Limit on queued messages.
    #[must_use]
    pub fn capacity(&self) -> usize {
        match &self.queue {
            Queue::Channel(sender) => sender.max_capacity(),
            Queue::Driver(queue) => queue.capacity(),
        }
    }

    /// True if both are the same queue.
    fn is_same_queue(&self, other: &Self) -> bool {
        match (&self.queue, &other.queue) {
            (Queue::Channel(one), Queue::Channel(other)) => one.same_channel(other),
            (Queue::Driver(one), Queue::Driver(other)) => Arc::ptr_eq(one, other),
            (Queue::Channel(_), Queue::Driver(_)) | (Queue::Driver(_), Queue::Channel(_)) => false,
        }
    }

    /// Delivers a message, and waits while the queue is full, which slows the sender of a stream.
    ///
    /// # Errors
    /// The driver has stopped.
    pub async fn deliver(&self, envelope: Envelope) -> Result<(), Closed> {
        match &self.queue {
            Queue::Channel(sender) => sender.send(envelope).await.map_err(|_| Closed),
            Queue::Driver(queue) => put_when_free(queue.as_ref(), envelope).await,
        }
    }

    /// Delivers a message, or drops it if the queue is full.
    ///
    /// # Errors
    /// The driver has stopped.
    pub fn deliver_or_drop(&self, envelope: Envelope) -> Result<(), Closed> {
        match &self.queue {
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
        // Registered before the attempt, so that no notification is missed.
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

/// The driver has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the driver has stopped")]
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
        /// The system's error.
        source: std::io::Error,
    },
    /// An invalid setting.
    #[error("`{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// The valid values.
        problem: &'static str,
    },
    /// It was started before.
    #[error("a transport can be started only once")]
    Started,
    /// A certificate, a key or their files, with the reason.
    #[error("{0}")]
    Tls(String),
    /// An error of a transport outside this library.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}
