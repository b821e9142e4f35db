//! Messages over TCP.
//!
//! Each peer makes one connection to every other peer and only sends over it; it receives over the
//! connections made by the others. So a connection has one direction, one writer and one reader,
//! and two peers that connect to each other at once need not agree on a connection to keep.
//!
//! ```text
//! send ─► Outbox (two lanes) ─► frames ─► one write ══► read ─► Receiver ─► Inbox
//! ```
//!
//! # Rejected connections
//! An invalid handshake, a peer of another cluster, a frame over the limit, an invalid message, a
//! message with another sender or receiver: each ends its connection with one warning that names
//! the peer, the address and the [`ConnectionError`]. Other connections continue, and the other
//! side reconnects after a while.
//!
//! Peers that are not members, and second processes with one id, are rejected by
//! [`ClusterView`] and [`Process`], with the reason on both sides. What a peer that is not known says of
//! itself is checked with the known members (`inquiry.rs`).
//!
//! # Lost messages
//! Messages to a disconnected peer, messages that find the queue full, and messages in flight when
//! a connection ends. They are neither kept nor repeated here: the protocol does that, with newer
//! contents.
//!
//! # Copies
//! A command's bytes are shared by the log, the messages and the disk of a peer
//! ([`Bytes`](crate::Bytes)). On the way out they are copied once, from there into the buffer that
//! goes to the socket in one write (TLS copies once more as it encrypts). On the way in they are
//! copied once, from the read buffer into the `Bytes` that the receiver's log then keeps. Besides,
//! an incomplete frame moves to the front of the read buffer.
//!
//! This module must not depend on the node or the driver: it handles messages and bytes.

mod backoff;
#[cfg(feature = "certificates")]
pub mod certificates;
mod context;
mod dial;
mod duplicates;
mod error;
mod handshake;
mod identified;
mod identify;
mod incoming;
mod inquiry;
mod link;
mod live;
pub mod metrics;
mod options;
mod outbox;
mod peers;
mod process;
mod receiver;
mod refusals;
mod rejection_log;
mod security;
mod socket;
mod source_limit;
mod tls;
mod unfinished;
mod unidentified;
mod wire;

pub use self::error::{ConnectionError, Stores};
pub use self::handshake::{Answer, Hello, Origin};
pub use self::options::TcpOptions;
pub use self::process::{Conflict, Process, ProcessStart};
pub use self::receiver::{Expected, Received, Receiver};
pub use self::tls::TlsFiles;
pub use self::wire::{CLUSTER_BYTES_MAX, MAGIC, VERSION, VERSION_MIN, Verdict};
pub use crate::codec::frame::{FRAME_HEADER_BYTES, FrameWriter, PIECE_BYTES, Pieces, encode_frame};

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use tokio::task::JoinSet;

use self::context::{Context, Source};
use self::incoming::Incoming;
use self::link::Link;
use self::outbox::Queued;
use self::security::Security;
use self::tls::Tls;
use super::{Inbox, Transport, TransportError};
use crate::cluster_view::ClusterView;
use crate::message::Envelope;
use crate::types::{Index, PeerId};

/// A transport over TCP.
///
/// ```no_run
/// use raft::PeerId;
/// use raft::transport::Transport;
/// use raft::transport::tcp::TcpTransport;
///
/// let mut transport = TcpTransport::plain(PeerId::new(1), "127.0.0.1:7001")?;
/// transport.set_address(PeerId::new(2), "127.0.0.1:7002");
/// # Ok::<(), raft::transport::TransportError>(())
/// ```
#[derive(Debug)]
pub struct TcpTransport {
    context: Arc<Context>,
    local_address: SocketAddr,
    listener: Option<TcpListener>,
    /// Aborted when the transport is dropped.
    tasks: JoinSet<()>,
}

impl TcpTransport {
    /// Listens on `listen_address` (`host:port`; port 0 takes a free one) for the peer `me`, with
    /// unencrypted connections: anyone who reaches the address can read them and impersonate peers.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub fn plain(me: PeerId, listen_address: &str) -> Result<Self, TransportError> {
        Self::new(me, listen_address, Security::Plain)
    }

    /// Listens on `listen_address` (`host:port`; port 0 takes a free one) for the peer `me`, with
    /// mutual TLS: both sides of a connection prove their id by a certificate of the cluster's CA.
    /// See [`TlsFiles`] for the required certificates and their creation.
    ///
    /// # Errors
    /// A file cannot be read or used, the certificate would be rejected by the other peers, or the
    /// address cannot be listened on.
    pub fn tls(me: PeerId, listen_address: &str, files: TlsFiles) -> Result<Self, TransportError> {
        let tls = Tls::read(me, files)?;
        Self::new(me, listen_address, Security::Tls(Arc::new(tls)))
    }

    fn new(me: PeerId, listen_address: &str, security: Security) -> Result<Self, TransportError> {
        let listener = socket::listen(listen_address)?;
        let listen_error =
            |source| TransportError::Listen { address: listen_address.into(), source };
        let local_address = listener.local_addr().map_err(listen_error)?;
        let options = TcpOptions::default();
        let context = Arc::new(Context::new(me, options, security));
        Ok(Self { context, local_address, listener: Some(listener), tasks: JoinSet::new() })
    }

    /// Replaces the default options.
    ///
    /// # Errors
    /// The first invalid setting.
    pub fn with(self, options: TcpOptions) -> Result<Self, TransportError> {
        options.check()?;
        let Context { me, security, .. } = &*self.context;
        let context = Arc::new(Context::new(*me, options, security.clone()));
        Ok(Self { context, ..self })
    }

    /// The listening address, with the actual port.
    #[must_use]
    pub const fn local_address(&self) -> SocketAddr {
        self.local_address
    }
}

impl Transport for TcpTransport {
    fn start(&mut self, inbox: Inbox) -> Result<(), TransportError> {
        let listener = self.listener.take().ok_or(TransportError::Started)?;
        let address = self.local_address.to_string();
        let listener = tokio::net::TcpListener::from_std(listener)
            .map_err(|source| TransportError::Listen { address, source })?;
        self.context.report_to(inbox.clone());
        self.tasks.spawn(Incoming::new(Arc::clone(&self.context), inbox).run(listener));
        Ok(())
    }

    fn send(&mut self, envelope: Envelope) {
        let peers = self.context.peers();
        let (to, message) = (envelope.to, envelope.message.name());
        let Some(peer) = peers.get(&to) else {
            tracing::debug!(peer = %to, message, "message dropped: no address of its receiver");
            return;
        };
        let queued = peer.outbox.push(envelope);
        if queued != Queued::Accepted {
            peer.counters.dropped.increment(1);
        }
        if queued == Queued::Full {
            tracing::debug!(peer = %to, message, "message dropped: the queue is full");
        }
    }

    fn set_address(&mut self, peer: PeerId, address: &str) {
        if peer == self.context.me {
            return;
        }
        let mut peers = self.context.peers();
        match peers.get(&peer).map(|known| (&known.source, &known.address)) {
            Some((Source::Driver(_), known)) => {
                known.send_if_modified(|old| {
                    let moved = old != address;
                    address.clone_into(old);
                    moved
                });
                return;
            }
            Some((Source::Connection(ended), _)) => ended.notify_one(),
            None => {}
        }
        let tasks = &mut self.tasks;
        let spawn = |link: Link| Source::Driver(tasks.spawn(link.run()));
        self.context.add(&mut peers, peer, address, spawn);
    }

    fn remove_peer(&mut self, peer: PeerId) {
        let Some(known) = self.context.peers().remove(&peer) else { return };
        match known.source {
            // The last messages tell the peer that it is removed.
            Source::Driver(task) if !known.outbox.finish() => task.abort(),
            Source::Driver(_) => {}
            Source::Connection(ended) => ended.notify_one(),
        }
    }

    fn set_view(&mut self, view: &Arc<ClusterView>) {
        self.context.view.send_replace(Arc::clone(view));
    }

    fn set_commit_index(&mut self, index: Index) {
        self.context.set_commit_index(index);
    }
}
