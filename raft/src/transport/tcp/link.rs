//! The outgoing connection to one peer: connect, send, reconnect.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use super::backoff::Backoff;
use super::context::Context;
use super::dial::dial;
use super::error::{ConnectionError, Disconnect, Stores};
use super::handshake::Answer;
use super::metrics::Outgoing;
use super::outbox::Outbox;
use super::process::Conflict;
use super::security::Stream;
use super::wire::{PROBE, VERSION, VERSION_MIN, VERSION_OF_PROCESSES, Verdict};
use crate::cluster_view::{ClusterView, OwnPlace, OwnRejection};
use crate::codec::frame::{FrameWriter, Pieces};
use crate::log_limit::LogLimit;
use crate::message::Envelope;
use crate::transport::{LinkDirection, LinkReport, RefusedLink};
use crate::types::PeerId;

/// Limit on the bulk messages of one write, in bytes, if there is more than one. An urgent message
/// waits for at most this much.
const WRITE_BYTES: usize = 256 * 1024;
/// Capacity above which the buffer shrinks.
const BUFFER_KEPT_BYTES: usize = 1024 * 1024;

/// The sending end of a link.
pub(super) struct Link {
    pub(super) context: Arc<Context>,
    pub(super) to: PeerId,
    pub(super) address: watch::Receiver<String>,
    pub(super) outbox: Arc<Outbox>,
    /// Notified when the peer has connected from its side.
    pub(super) reconnect: Arc<Notify>,
    pub(super) counters: Outgoing,
    /// Receives the address of each connection.
    pub(super) connected: watch::Sender<Option<IpAddr>>,
    pub(super) lines: Lines,
    /// Warnings about messages over the limit, which the protocol sends again and again.
    pub(super) too_large: LogLimit,
}

/// The lines of a link's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// All: the driver has named the peer.
    All,
    /// Few for all such links together: the peer has named itself.
    Few,
}

/// A connection after its handshake.
struct Connected {
    stream: Box<dyn Stream>,
    frames: FrameWriter,
    /// A message that is being written in pieces.
    large: Option<Pieces>,
}

impl Link {
    /// Connects, sends and reconnects until the task is aborted.
    pub(super) async fn run(mut self) {
        let options = &self.context.options;
        let mut backoff = Backoff::new(options.reconnect_min, options.reconnect_max);
        let (mut last_reason, mut version) = (None, VERSION);
        let mut view = self.context.view.subscribe();
        loop {
            let address = self.address.borrow_and_update().clone();
            self.wait_while_removed(&mut view).await;
            let connected = self.connect(&address, version).await;
            if let Err(Disconnect::Error(ConnectionError::VersionMismatch { found })) = connected
                && (VERSION_MIN..version).contains(&found)
            {
                // It is not upgraded yet. Connections after this one try the newest version again.
                version = found;
                continue;
            }
            version = VERSION;
            let end = match connected {
                Ok(connected) => {
                    if let Some(more) = self.admit_line() {
                        let more = (more > 0).then_some(more);
                        tracing::info!(peer = %self.to, address, more, "connected");
                    }
                    self.counters.connects.increment(1);
                    if last_reason.take().is_some() {
                        self.report_cleared();
                    }
                    let since = Instant::now();
                    let end = self.serve(connected).await;
                    // One that ends at once is not a success.
                    if since.elapsed() >= self.context.options.reconnect_max {
                        backoff.reset();
                    }
                    end
                }
                Err(end) => end,
            };
            if self.outbox.is_finishing() {
                return;
            }
            if matches!(end, Disconnect::Moved) {
                continue;
            }
            self.log_end(&address, &end, &mut last_reason);
            self.wait(backoff.next()).await;
        }
    }

    /// Waits as long as this peer knows that it is not a member, unless the other side connects: a
    /// leader that adds it.
    async fn wait_while_removed(&self, view: &mut watch::Receiver<Arc<ClusterView>>) {
        let is_removed = |view: &Arc<ClusterView>| view.own.place == OwnPlace::Removed;
        if is_removed(&view.borrow_and_update()) && !self.outbox.is_finishing() {
            tokio::select! {
                // Its sender lives as long as the context.
                _ = view.wait_for(|view| !is_removed(view)) => {}
                () = self.reconnect.notified() => {}
            }
        }
    }

    fn report_cleared(&self) {
        let direction = LinkDirection::Outgoing;
        self.context.report(LinkReport::Cleared { peer: self.to, direction });
    }

    /// Reports a link that fails for a reason of the other side, or for this side's check of it.
    fn report_refused(&self, end: &Disconnect, reason: &str) {
        let Disconnect::Error(error) = end else { return self.report_cleared() };
        let (peer, direction, kind) = (self.to, LinkDirection::Outgoing, error.kind());
        let link = RefusedLink { peer, direction, kind, reason: reason.into() };
        self.context.report(LinkReport::Refused(link));
    }

    /// Admits a line, with the number of those left out before it.
    fn admit_line(&self) -> Option<u64> {
        match self.lines {
            Lines::All => Some(0),
            Lines::Few => self.context.learned_links.admit(Instant::now()),
        }
    }

    /// Logs the reason of a missing connection, once for each reason.
    fn log_end(&self, address: &str, end: &Disconnect, last_reason: &mut Option<String>) {
        let (peer, reason) = (self.to, end.to_string());
        if last_reason.as_ref() == Some(&reason) {
            tracing::debug!(%peer, address, reason, "still not connected");
            return;
        }
        self.report_refused(end, &reason);
        if let Some(more) = self.admit_line() {
            let more = (more > 0).then_some(more);
            if end.is_transient() {
                tracing::info!(%peer, address, reason, more, "no connection to peer");
            } else {
                tracing::warn!(%peer, address, reason, more, "cannot send to peer");
            }
        } else {
            tracing::debug!(%peer, address, reason, "no connection to a peer that named itself");
        }
        *last_reason = Some(reason);
    }

    /// Waits before the next attempt, unless the peer connects or moves.
    async fn wait(&mut self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.reconnect.notified() => {}
            changed = self.address.changed() => if changed.is_err() { std::future::pending().await },
        }
    }

    async fn connect(&self, address: &str, version: u8) -> Result<Connected, Disconnect> {
        let limit = self.context.options.handshake_timeout;
        match timeout(limit, self.handshake(address, version)).await {
            Ok(connected) => connected,
            Err(_) => Err(ConnectionError::HandshakeTimeout { limit }.into()),
        }
    }

    async fn handshake(&self, address: &str, version: u8) -> Result<Connected, Disconnect> {
        let options = &self.context.options;
        let connected = |ip| {
            self.connected.send_replace(Some(ip));
        };
        let (mut stream, answer) =
            dial(&self.context, self.to, address, version, connected).await?;
        self.check(&answer)?;
        stream.write_all(&answer.nonce.to_le_bytes()).await?;
        stream.flush().await?;
        let theirs = usize::try_from(answer.frame_bytes_max).unwrap_or(usize::MAX);
        let message_bytes_max = theirs.min(options.frame_bytes_max);
        let frames = FrameWriter { version, nonce: answer.nonce, message_bytes_max };
        Ok(Connected { stream, frames, large: None })
    }

    /// Checks an answer: its verdict, then the other side's identity.
    fn check(&self, answer: &Answer) -> Result<(), ConnectionError> {
        let rejected = ConnectionError::RejectedByPeer(answer.verdict);
        let view = Arc::clone(&self.context.view.borrow());
        let identity = answer.process.map(|process| process.identity).unwrap_or_default();
        if answer.verdict == Verdict::Accepted {
            return Ok(view.check_cluster(self.to, &identity)?);
        }
        if answer.verdict == Verdict::OtherCluster
            && let Some((theirs, ours)) = identity.cluster.zip(view.own.cluster)
        {
            return Err(ConnectionError::OtherCluster { theirs, ours });
        }
        if answer.verdict == Verdict::DuplicateProcess
            && let Some(Conflict { store, address, .. }) = answer.conflict
        {
            let stores = if store == view.own.store { Stores::Same } else { Stores::Different };
            return Err(ConnectionError::OtherProcess { address, stores });
        }
        if answer.verdict != Verdict::NotAMember || answer.process.is_none() {
            return Err(rejected);
        }
        let rejection = view.explain_rejection(&identity);
        if rejection == OwnRejection::Removed {
            let (by, committed) = (self.to, identity.committed);
            self.context.report(LinkReport::Removed { by, committed });
        }
        Err(ConnectionError::NotAcceptedAsMember { rejection })
    }

    async fn serve(&mut self, connected: Connected) -> Disconnect {
        self.outbox.open();
        let end = self.send_all(connected).await;
        self.outbox.close();
        end
    }

    /// Sends what is queued until the connection ends.
    async fn send_all(&mut self, mut connected: Connected) -> Disconnect {
        let (mut batch, mut bytes) = (Vec::new(), Vec::new());
        loop {
            let Connected { stream, frames, large } = &mut connected;
            let mut is_probed = false;
            tokio::select! {
                // First, so that nothing more goes to an old address.
                biased;
                changed = self.address.changed(), if !self.outbox.is_finishing() => {
                    if changed.is_ok() {
                        return Disconnect::Moved;
                    }
                }
                heard = hear(stream, frames.version) => match heard {
                    Ok(()) => is_probed = true,
                    Err(end) => return end,
                },
                () = self.outbox.filled(), if large.is_none() => {}
                () = std::future::ready(()), if large.is_some() => {}
            }
            self.outbox.take(WRITE_BYTES, &mut batch);
            if batch.is_empty() && large.is_none() && !is_probed {
                return Disconnect::Removed;
            }
            if is_probed {
                frames.alive(&mut bytes);
            }
            self.encode(&mut batch, *frames, large, &mut bytes);
            if let Some(pieces) = large
                && frames.next_piece(pieces, &mut bytes)
            {
                *large = None;
                self.outbox.end_large();
            }
            if let Err(end) = self.write(stream, &bytes).await {
                return end;
            }
            self.counters.sent_bytes.increment(bytes.len() as u64);
            if large.is_some() {
                // A fast connection takes one piece after the other; the node has work to do, too.
                tokio::task::yield_now().await;
            }
            bytes.clear();
            bytes.shrink_to(BUFFER_KEPT_BYTES);
        }
    }

    /// Encodes a batch: the only copy of an outgoing entry, but for those that go in pieces.
    fn encode(
        &self,
        batch: &mut Vec<Envelope>,
        frames: FrameWriter,
        large: &mut Option<Pieces>,
        bytes: &mut Vec<u8>,
    ) {
        for envelope in batch.drain(..) {
            match frames.encode(&envelope, bytes) {
                Ok(None) => {}
                Ok(Some(pieces)) => {
                    // One at a time: an unusually long urgent message does not wait for one.
                    if let Some(mut earlier) = large.replace(pieces) {
                        while !frames.next_piece(&mut earlier, bytes) {}
                    }
                    self.outbox.begin_large(envelope);
                }
                Err(found) => self.drop_too_large(&envelope, found, frames.message_bytes_max),
            }
        }
    }

    fn drop_too_large(&self, envelope: &Envelope, bytes: usize, frame_bytes_max: usize) {
        self.counters.dropped.increment(1);
        let (peer, message) = (self.to, envelope.message.name());
        if let Some(more) = self.too_large.admit(Instant::now()) {
            tracing::warn!(
                %peer, message, bytes, frame_bytes_max, more,
                "message dropped: too large; raise `frame_bytes_max` on both sides",
            );
        }
    }

    /// Writes everything; the receiver may be slow, but must accept something within `silence_max`.
    async fn write(
        &self,
        stream: &mut Box<dyn Stream>,
        mut bytes: &[u8],
    ) -> Result<(), Disconnect> {
        let silence_max = self.context.options.silence_max;
        let stuck = |_| Disconnect::Stalled(silence_max);
        while !bytes.is_empty() {
            match timeout(silence_max, stream.write(bytes)).await.map_err(stuck)?? {
                0 => return Err(Disconnect::eof()),
                written => bytes = &bytes[written..],
            }
        }
        Ok(timeout(silence_max, stream.flush()).await.map_err(stuck)??)
    }
}

/// Waits for a probe of the receiver. It sends nothing else after its answer.
async fn hear(stream: &mut Box<dyn Stream>, version: u8) -> Result<(), Disconnect> {
    match stream.read_u8().await {
        Ok(PROBE) if version >= VERSION_OF_PROCESSES => Ok(()),
        Ok(_) => Err(ConnectionError::NotRaft.into()),
        Err(error) => Err(error.into()),
    }
}
