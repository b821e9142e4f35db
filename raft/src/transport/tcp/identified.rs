//! Incoming connections after the handshake: registered, and read until their end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::error::{ConnectionError, Disconnect};
use super::incoming::Incoming;
use super::link::Link;
use super::live::Live;
use super::metrics;
use super::receiver::{Received, Receiver};
use super::security::Stream;
use super::unfinished::Share;
use super::wire::PROBE;
use crate::transport::Closed;
use crate::types::PeerId;

/// Limit on connected peers that are not known, above the size of any cluster; without certificates
/// anyone could connect under any number of ids. Known peers are always admitted.
const CONNECTED_PEERS_MAX: usize = 256;
/// Memory of a connection that is not counted: a read, and a frame in version 2.
const FREE_BYTES: usize = 256 * 1024;

/// A connection whose handshake is complete.
pub(super) struct Identified {
    pub(super) peer: PeerId,
    pub(super) stream: Box<dyn Stream>,
    pub(super) receiver: Receiver,
    pub(super) live: Arc<Live>,
    /// The address on which the peer listens, as it states.
    pub(super) address: Option<String>,
}

impl From<Closed> for Disconnect {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}

impl Incoming {
    /// Receives from a peer until its connection ends.
    pub(super) async fn serve(&self, mut identified: Identified) -> Disconnect {
        let (peer, live) = (identified.peer, Arc::clone(&identified.live));
        let address = identified.address.take();
        if let Err(error) = self.register(peer, &live) {
            return error.into();
        }
        self.rejections.accepted(peer);
        self.context.reconnect(peer);
        let (link, learned) = address.and_then(|at| self.context.learn(peer, &at)).unzip();
        let end = tokio::select! {
            end = self.receive(&mut identified) => end,
            end = live.ended() => end,
            reason = self.inquiry.rejected(&self.context, peer, live.process.as_ref()) => {
                Disconnect::NotAccepted(reason)
            }
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

/// Reads available bytes; returns their number.
pub(super) async fn read(
    stream: &mut Box<dyn Stream>,
    receiver: &mut Receiver,
) -> Result<u64, Disconnect> {
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
