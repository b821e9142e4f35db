//! Incoming connections: accept, identify, read until the end.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::metrics::Counter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, timeout, timeout_at};

use super::backoff::random;
use super::context::Context;
use super::error::{ConnectionError, Disconnect};
use super::handshake::Answer;
use super::metrics;
use super::receiver::{Expected, Received, Receiver};
use super::security::{PeerIdentity, Stream};
use super::socket;
use super::unfinished::{Share, Unfinished};
use super::unidentified::{Ticket, Unidentified};
use super::wire::Verdict;
use crate::log_limit::LogLimit;
use crate::transport::{Closed, Inbox};
use crate::types::PeerId;

/// Pause after a failed accept, for example without a free socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Interval of summaries of the warnings that were left out.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(10);
/// Limit on connected peers that are not known, above the size of any cluster; without certificates
/// anyone could connect under any number of ids. Known peers are always admitted.
const CONNECTED_PEERS_MAX: usize = 256;
/// Memory of a connection that is not counted: a read, and a frame in version 2.
const FREE_BYTES: usize = 256 * 1024;

/// The listening end of all links of a peer.
pub(super) struct Incoming {
    context: Arc<Context>,
    inbox: Inbox,
    unidentified: Arc<Unidentified>,
    /// Unfinished messages of unknown peers.
    unfinished: Unfinished,
    /// Ends the older connection of a peer that has connected again.
    identified: Mutex<BTreeMap<PeerId, Arc<Notify>>>,
    rejected: Counter,
    /// Warnings about connections of unknown origin, and of those that name a peer: a flood of the
    /// former must not hide the latter.
    warnings: [LogLimit; 2],
}

/// A connection whose handshake is complete.
struct Identified {
    peer: PeerId,
    stream: Box<dyn Stream>,
    receiver: Receiver,
}

impl From<Closed> for Disconnect {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}

impl Incoming {
    pub(super) fn new(context: Arc<Context>, inbox: Inbox) -> Self {
        let unidentified = Arc::new(Unidentified::new(context.options.unidentified_max));
        // One of the largest messages at a time, in two growing buffers.
        let unfinished = Unfinished::new(context.options.frame_bytes_max.saturating_mul(4));
        let rejected = metrics::rejected_connections(context.me);
        let warnings = [(20, 1), (10, 5)]
            .map(|(burst, seconds)| LogLimit::new(burst, Duration::from_secs(seconds)));
        Self {
            context,
            inbox,
            unidentified,
            unfinished,
            identified: Mutex::default(),
            rejected,
            warnings,
        }
    }

    /// Accepts connections until the task is aborted, which also ends them.
    pub(super) async fn run(self, listener: TcpListener) {
        let this = Arc::new(self);
        let mut connections = JoinSet::new();
        let mut summary = tokio::time::interval(SUMMARY_INTERVAL);
        summary.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = summary.tick() => this.log_suppressed(),
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => this.take(stream, address, &mut connections),
                    Err(error) => {
                        if let Some(more) = this.warnings[0].admit(Instant::now()) {
                            tracing::warn!(reason = %error, more, "cannot accept a connection");
                        }
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    fn take(self: &Arc<Self>, stream: TcpStream, address: SocketAddr, tasks: &mut JoinSet<()>) {
        let members = self.context.known_addresses();
        let ticket = self.unidentified.admit(address.ip().to_canonical(), &members);
        tasks.spawn(Arc::clone(self).connection(stream, address, ticket));
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, address: SocketAddr, ticket: Ticket) {
        let limit = self.context.options.handshake_timeout;
        let open = self.context.options.unidentified_max;
        let identified = tokio::select! {
            biased;
            identified = timeout(limit, self.identify(stream, &ticket)) => identified,
            () = ticket.evicted() => Ok(Err(ConnectionError::Evicted { open }.into())),
        };
        drop(ticket);
        let (peer, end) = match identified {
            Ok(Ok(identified)) => (Some(identified.peer), self.serve(identified).await),
            Ok(Err(end)) => (None, end),
            Err(_) => (None, ConnectionError::HandshakeTimeout { limit }.into()),
        };
        self.log_end(peer, address, &end);
    }

    /// Performs the handshake.
    async fn identify(&self, stream: TcpStream, ticket: &Ticket) -> Result<Identified, Disconnect> {
        let Context { me, options, security, .. } = &*self.context;
        socket::prepare(&stream, options.silence_max)?;
        first_byte(&stream, options.handshake_timeout / 2).await?;
        ticket.has_sent();
        let (mut stream, identity) = security.accept(stream, options).await?;
        let expected = Expected {
            me: *me,
            cluster: options.cluster.clone(),
            nonce: random(),
            frame_bytes_max: options.frame_bytes_max,
        };
        let nonce = expected.nonce;
        let mut receiver = Receiver::new(expected);
        loop {
            match self.receive_and_answer(&mut receiver, &mut stream, &identity, nonce).await? {
                Some(Received::Identified(peer)) => {
                    return Ok(Identified { peer, stream, receiver });
                }
                Some(Received::Hello { .. } | Received::Message(_)) => {}
                None => {
                    read(&mut stream, &mut receiver).await?;
                }
            }
        }
    }

    /// Takes the next item and answers a hello, also a rejected one, at once.
    async fn receive_and_answer(
        &self,
        receiver: &mut Receiver,
        stream: &mut Box<dyn Stream>,
        identity: &PeerIdentity,
        nonce: u64,
    ) -> Result<Option<Received>, Disconnect> {
        let received = match receiver.take_next() {
            Ok(Some(Received::Hello { from, version })) => {
                identity.verify(from).map(|()| Some(Received::Hello { from, version }))
            }
            received => received,
        };
        let verdict = match &received {
            Ok(Some(Received::Hello { .. })) => Verdict::Accepted,
            Ok(_) => return Ok(received?),
            Err(error) => error.verdict(),
        };
        let max = self.context.options.frame_bytes_max;
        let frame_bytes_max = u32::try_from(max).unwrap_or(u32::MAX);
        let version = receiver.answer_version();
        let answer = Answer { version, verdict, nonce, frame_bytes_max };
        let sent = send_answer(stream, &answer).await;
        // The reason of a rejection comes before a failed answer.
        let received = received?;
        sent?;
        Ok(received)
    }

    async fn serve(&self, mut identified: Identified) -> Disconnect {
        let (peer, replaced) = (identified.peer, Arc::new(Notify::new()));
        if let Err(error) = self.register(peer, &replaced) {
            return error.into();
        }
        self.context.reconnect(peer);
        let end = tokio::select! {
            end = self.receive(&mut identified) => end,
            () = replaced.notified() => Disconnect::Replaced,
        };
        self.unregister(peer, &replaced);
        end
    }

    /// Keeps one connection per peer: a newer one ends the older, which may belong to a vanished
    /// machine.
    fn register(&self, peer: PeerId, replaced: &Arc<Notify>) -> Result<(), ConnectionError> {
        let mut identified = self.identified();
        let is_new = !identified.contains_key(&peer) && !self.context.is_known(peer);
        if is_new && identified.len() >= CONNECTED_PEERS_MAX {
            let unknown = identified.keys().filter(|peer| !self.context.is_known(**peer)).count();
            if unknown >= CONNECTED_PEERS_MAX {
                return Err(ConnectionError::TooManyPeers { connected: unknown });
            }
        }
        if let Some(older) = identified.insert(peer, Arc::clone(replaced)) {
            older.notify_one();
        }
        Ok(())
    }

    fn unregister(&self, peer: PeerId, replaced: &Arc<Notify>) {
        let mut identified = self.identified();
        if identified.get(&peer).is_some_and(|newest| Arc::ptr_eq(newest, replaced)) {
            identified.remove(&peer);
        }
    }

    fn identified(&self) -> MutexGuard<'_, BTreeMap<PeerId, Arc<Notify>>> {
        self.identified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers messages until the connection ends. A slow driver slows the sender.
    async fn receive(&self, identified: &mut Identified) -> Disconnect {
        let Identified { peer, stream, receiver } = identified;
        let received_bytes = metrics::received_bytes(self.context.me, *peer);
        let (mut share, mut deadline) = (self.unfinished.share(), FrameDeadline::default());
        loop {
            if let Err(end) = self.deliver_all(receiver).await {
                return end;
            }
            let limit = self.context.options.silence_max;
            let read = match deadline.of(receiver.unfinished(), limit) {
                None => read(stream, receiver).await,
                Some(at) => timeout_at(at, read(stream, receiver))
                    .await
                    .unwrap_or_else(|_| Err(ConnectionError::FrameTimeout { limit }.into())),
            };
            match read.and_then(|bytes| Ok((bytes, self.account(*peer, receiver, &mut share)?))) {
                Ok((bytes, ())) => received_bytes.increment(bytes),
                Err(end) => return end,
            }
        }
    }

    /// Counts the memory of a large unfinished message of an unknown peer.
    fn account(
        &self,
        peer: PeerId,
        receiver: &Receiver,
        share: &mut Share<'_>,
    ) -> Result<(), ConnectionError> {
        let bytes = receiver.memory_bytes();
        let counted = bytes > FREE_BYTES && !self.context.is_known(peer);
        share.set(if counted { bytes } else { 0 })
    }

    async fn deliver_all(&self, receiver: &mut Receiver) -> Result<(), Disconnect> {
        while let Some(received) = receiver.take_next()? {
            if let Received::Message(envelope) = received {
                self.inbox.deliver(envelope).await?;
            }
        }
        Ok(())
    }

    /// Logs the number of warnings left out since the last one.
    fn log_suppressed(&self) {
        let more: u64 = self.warnings.iter().map(LogLimit::take_suppressed).sum();
        if more > 0 {
            tracing::warn!("rejected {more} more incoming connections");
        }
    }

    /// Logs the reason of a connection's end.
    fn log_end(&self, peer: Option<PeerId>, address: SocketAddr, end: &Disconnect) {
        let peer = peer.map(tracing::field::display);
        match end {
            Disconnect::Error(reason) => {
                self.rejected.increment(1);
                match self.warnings[usize::from(peer.is_some())].admit(Instant::now()) {
                    Some(0) => {
                        tracing::warn!(peer, %address, %reason, "rejected an incoming connection");
                    }
                    Some(more) => tracing::warn!(
                        peer, %address, %reason, "rejected an incoming connection, and {more} more"
                    ),
                    None => {}
                }
            }
            Disconnect::Lost(_)
            | Disconnect::Stalled(_)
            | Disconnect::Replaced
            | Disconnect::Moved
            | Disconnect::Removed
            | Disconnect::Closed => {
                tracing::debug!(peer, %address, reason = %end, "incoming connection closed");
            }
        }
    }
}

/// The time limit of an unfinished frame, which begins anew with its progress.
#[derive(Debug, Default)]
struct FrameDeadline(Option<(u64, Instant)>);

impl FrameDeadline {
    /// The deadline of a frame with this progress.
    fn of(&mut self, progress: Option<u64>, limit: Duration) -> Option<Instant> {
        self.0 = progress.map(|progress| match self.0 {
            Some((earlier, deadline)) if earlier == progress => (progress, deadline),
            Some(_) | None => (progress, Instant::now() + limit),
        });
        self.0.map(|(_, deadline)| deadline)
    }
}

/// Waits for the first byte, which a peer sends as soon as it is connected.
async fn first_byte(stream: &TcpStream, limit: Duration) -> Result<(), Disconnect> {
    match timeout(limit, stream.peek(&mut [0])).await {
        Err(_) => Err(ConnectionError::Silent { limit }.into()),
        Ok(Err(error)) => Err(error.into()),
        Ok(Ok(0)) => Err(Disconnect::eof()),
        Ok(Ok(_)) => Ok(()),
    }
}

/// Reads available bytes; returns their number.
async fn read(stream: &mut Box<dyn Stream>, receiver: &mut Receiver) -> Result<u64, Disconnect> {
    match stream.read_buf(receiver.buffer()).await? {
        0 => Err(Disconnect::eof()),
        bytes => Ok(bytes as u64),
    }
}

async fn send_answer(stream: &mut Box<dyn Stream>, answer: &Answer) -> Result<(), Disconnect> {
    stream.write_all(&answer.encode()).await?;
    Ok(stream.flush().await?)
}
