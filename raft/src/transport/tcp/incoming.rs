//! Incoming connections: accept, identify, read until the end.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::metrics::Counter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, sleep_until, timeout};

use super::backoff::random;
use super::context::Context;
use super::error::{ConnectionError, Disconnect};
use super::handshake::{Answer, Hello, Origin};
use super::link::Link;
use super::live::Live;
use super::metrics;
use super::process::Conflict;
use super::receiver::{Expected, Received, Receiver};
use super::refusals::{Notice, Refusals};
use super::security::{PeerIdentity, Stream};
use super::socket;
use super::unfinished::{Share, Unfinished};
use super::unidentified::{Ticket, Unidentified};
use super::wire::{PROBE, VERSION_OF_PROCESSES, Verdict};
use crate::log_limit::LogLimit;
use crate::transport::{Closed, Inbox, LinkDirection, LinkReport, RefusalKind, RefusedLink};
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
    pub(super) context: Arc<Context>,
    inbox: Inbox,
    unidentified: Arc<Unidentified>,
    /// Unfinished messages of unknown peers.
    unfinished: Unfinished,
    identified: Mutex<BTreeMap<PeerId, Arc<Live>>>,
    refusals: Refusals,
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
    live: Arc<Live>,
    /// The address on which the peer listens, as it states.
    address: Option<String>,
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
            refusals: Refusals::default(),
            rejected,
            warnings,
        }
    }

    /// Accepts connections until the task is aborted, which also ends them.
    pub(super) async fn run(self, listener: TcpListener) {
        let this = Arc::new(self);
        let mut connections = JoinSet::new();
        let mut view = this.context.view.subscribe();
        let mut summary = tokio::time::interval(SUMMARY_INTERVAL);
        summary.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = summary.tick() => this.log_suppressed(),
                // Its sender lives as long as the context.
                Ok(()) = view.changed() => this.recheck(),
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
        let mut claimed = None;
        let identified = tokio::select! {
            biased;
            identified = timeout(limit, self.identify(stream, address, &ticket, &mut claimed)) => {
                identified
            }
            () = ticket.evicted() => Ok(Err(ConnectionError::Evicted { open }.into())),
        };
        drop(ticket);
        let (peer, end) = match identified {
            Ok(Ok(identified)) => (Some(identified.peer), self.serve(identified).await),
            Ok(Err(end)) => (None, end),
            Err(_) => (None, ConnectionError::HandshakeTimeout { limit }.into()),
        };
        match (&end, claimed) {
            (Disconnect::Error(reason), Some(claimed)) if reason.kind() != RefusalKind::Other => {
                self.log_refused(claimed, address, reason);
            }
            _ => self.log_end(peer, address, &end),
        }
    }

    /// Performs the handshake. The id that the other side states goes to `claimed`.
    async fn identify(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        ticket: &Ticket,
        claimed: &mut Option<PeerId>,
    ) -> Result<Identified, Disconnect> {
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
        let (mut process, mut listens) = (None, None);
        loop {
            let received = match receiver.take_next() {
                Ok(Some(Received::Hello(hello))) => {
                    let admitted = self.admit(&hello, &identity, claimed).await;
                    if let Some(origin) = hello.origin {
                        (process, listens) = (Some(origin.process), origin.address);
                    }
                    admitted.map(|()| Some(Verdict::Accepted))
                }
                Ok(Some(Received::Identified(peer))) => {
                    let live = Live::new(process, address);
                    return Ok(Identified { peer, stream, receiver, live, address: listens });
                }
                Ok(Some(Received::Message(_)) | None) => Ok(None),
                Err(error) => Err(error),
            };
            match received {
                Ok(None) => {
                    read(&mut stream, &mut receiver).await?;
                }
                Ok(Some(verdict)) => {
                    self.answer(&mut stream, receiver.answer_version(), verdict, nonce, None)
                        .await?;
                }
                Err(error) => {
                    let (verdict, conflict) = (error.verdict(), self.conflict(&error, *claimed));
                    // The reason of a rejection comes before a failed answer.
                    let version = receiver.answer_version();
                    let _ = self.answer(&mut stream, version, verdict, nonce, conflict).await;
                    return Err(error.into());
                }
            }
        }
    }

    /// Decides on a hello.
    async fn admit(
        &self,
        hello: &Hello,
        identity: &PeerIdentity,
        claimed: &mut Option<PeerId>,
    ) -> Result<(), ConnectionError> {
        identity.verify(hello.from)?;
        *claimed = Some(hello.from);
        let Some(Origin { process, .. }) = &hello.origin else { return Ok(()) };
        let view = Arc::clone(&self.context.view.borrow());
        view.check(hello.from, &process.identity)?;
        self.check_process(hello.from, process).await
    }

    /// Sends the answer to a hello, also to a rejected one.
    async fn answer(
        &self,
        stream: &mut Box<dyn Stream>,
        version: u8,
        verdict: Verdict,
        nonce: u64,
        conflict: Option<Conflict>,
    ) -> Result<(), Disconnect> {
        let max = self.context.options.frame_bytes_max;
        let frame_bytes_max = u32::try_from(max).unwrap_or(u32::MAX);
        let process = (version >= VERSION_OF_PROCESSES).then(|| self.context.process());
        let answer = Answer { version, verdict, nonce, frame_bytes_max, process, conflict };
        stream.write_all(&answer.encode()).await?;
        Ok(stream.flush().await?)
    }

    async fn serve(&self, mut identified: Identified) -> Disconnect {
        let (peer, live) = (identified.peer, Arc::clone(&identified.live));
        let address = identified.address.take();
        if let Err(error) = self.register(peer, &live) {
            return error.into();
        }
        // The view may have changed since the answer.
        self.recheck();
        if self.refusals.clear(peer) {
            self.context.report(LinkReport::Cleared { peer, direction: LinkDirection::Incoming });
        }
        self.context.reconnect(peer);
        let (link, learned) = address.and_then(|at| self.context.learn(peer, &at)).unzip();
        let end = tokio::select! {
            end = self.receive(&mut identified) => end,
            end = live.ended() => end,
            end = run_learned(link, learned.clone()) => match end {},
        };
        if let Some(learned) = learned {
            self.context.forget(peer, &learned);
        }
        live.end();
        self.unregister(peer, &live);
        end
    }

    /// Keeps one connection per peer: a newer one ends the older, which may belong to a vanished
    /// machine.
    fn register(&self, peer: PeerId, live: &Arc<Live>) -> Result<(), ConnectionError> {
        let mut identified = self.identified();
        let is_new = !identified.contains_key(&peer) && !self.context.is_known(peer);
        if is_new && identified.len() >= CONNECTED_PEERS_MAX {
            let unknown = identified.keys().filter(|peer| !self.context.is_known(**peer)).count();
            if unknown >= CONNECTED_PEERS_MAX {
                return Err(ConnectionError::TooManyPeers { connected: unknown });
            }
        }
        if let Some(older) = identified.insert(peer, Arc::clone(live)) {
            older.replace();
        }
        Ok(())
    }

    fn unregister(&self, peer: PeerId, live: &Arc<Live>) {
        let mut identified = self.identified();
        if identified.get(&peer).is_some_and(|newest| Arc::ptr_eq(newest, live)) {
            identified.remove(&peer);
        }
    }

    pub(super) fn identified(&self) -> MutexGuard<'_, BTreeMap<PeerId, Arc<Live>>> {
        self.identified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the connections of peers that a new view does not accept.
    fn recheck(&self) {
        let view = Arc::clone(&self.context.view.borrow());
        for (peer, live) in &*self.identified() {
            let Some(process) = &live.process else { continue };
            if let Err(reason) = view.check(*peer, &process.identity) {
                live.reject(reason.into());
            }
        }
    }

    /// Delivers messages until the connection ends. A slow driver slows the sender.
    async fn receive(&self, identified: &mut Identified) -> Disconnect {
        let Identified { peer, stream, receiver, live, .. } = identified;
        let received_bytes = metrics::received_bytes(self.context.me, *peer);
        let (mut share, mut deadline) = (self.unfinished.share(), FrameDeadline::default());
        loop {
            if let Err(end) = self.deliver_all(receiver).await {
                return end;
            }
            let limit = self.context.options.silence_max;
            let at = deadline.of(receiver.unfinished(), limit);
            let read = tokio::select! {
                biased;
                read = read(stream, receiver) => read,
                () = live.probed() => {
                    match send_probe(stream).await {
                        Ok(()) => continue,
                        Err(end) => return end,
                    }
                }
                () = too_late(at) => Err(ConnectionError::FrameTimeout { limit }.into()),
            };
            match read.and_then(|bytes| Ok((bytes, self.account(*peer, receiver, &mut share)?))) {
                Ok((bytes, ())) => received_bytes.increment(bytes),
                Err(end) => return end,
            }
            live.heard();
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

    /// Logs and reports a rejected peer, once for each reason.
    fn log_refused(&self, peer: PeerId, address: SocketAddr, error: &ConnectionError) {
        self.rejected.increment(1);
        let (kind, reason) = (error.kind(), error.to_string());
        let more = match self.refusals.note(peer, kind, &reason, Instant::now()) {
            Notice::Known => return,
            Notice::Again(more) => more,
            Notice::New => {
                let (reason, direction) = (reason.as_str().into(), LinkDirection::Incoming);
                let link = RefusedLink { peer, direction, kind, reason };
                self.context.report(LinkReport::Refused(link));
                0
            }
        };
        let more = (more > 0).then_some(more);
        if error.is_expected() {
            tracing::info!(%peer, %address, reason, more, "rejected a peer");
        } else if let Some(others) = self.warnings[1].admit(Instant::now()) {
            let others = (others > 0).then_some(others);
            tracing::warn!(%peer, %address, reason, more, others, "rejected a peer");
        }
    }

    /// Logs the number of warnings left out since the last one, and forgets peers that were rejected
    /// and did not come again.
    fn log_suppressed(&self) {
        for peer in self.refusals.expire(Instant::now()) {
            self.context.report(LinkReport::Cleared { peer, direction: LinkDirection::Incoming });
        }
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
            | Disconnect::NotAccepted(_)
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

/// Runs the link to a peer that was learned, until it is to end, and waits for ever.
async fn run_learned(link: Option<Link>, ended: Option<Arc<Notify>>) -> Infallible {
    if let Some((link, ended)) = link.zip(ended) {
        tokio::select! {
            () = link.run() => {}
            () = ended.notified() => {}
        }
    }
    std::future::pending().await
}

async fn send_probe(stream: &mut Box<dyn Stream>) -> Result<(), Disconnect> {
    stream.write_all(&[PROBE]).await?;
    Ok(stream.flush().await?)
}

/// Waits for a deadline, or for ever without one.
async fn too_late(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
