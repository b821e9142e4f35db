//! The listening side of handshakes: a connection from its first byte until its peer is accepted.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::backoff::random;
use super::context::Context;
use super::error::{ConnectionError, Disconnect};
use super::handshake::{Answer, Hello};
use super::identified::{Identified, read};
use super::incoming::Incoming;
use super::live::Live;
use super::process::Conflict;
use super::receiver::{Expected, Received, Receiver};
use super::security::{PeerIdentity, Stream};
use super::socket;
use super::unidentified::Ticket;
use super::wire::{VERSION_OF_PROCESSES, Verdict};
use crate::types::PeerId;

impl Incoming {
    /// Performs the handshake. The id that the other side states goes to `claimed`.
    pub(super) async fn identify(
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
        let process = hello.origin.as_ref().map(|origin| &origin.process);
        self.inquiry.check(&self.context, hello.from, process).await?;
        match process {
            Some(process) => self.check_process(hello.from, process).await,
            None => Ok(()),
        }
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
