//! The connecting side of handshakes, up to the other side's answer.

use std::net::IpAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::context::Context;
use super::error::Disconnect;
use super::handshake::{Answer, Hello};
use super::security::Stream;
use super::socket;
use super::wire::VERSION_OF_PROCESSES;
use crate::types::PeerId;

/// Connects to a peer and says hello in this version; returns its answer, accepted or not. The address of
/// the connection goes to `connected`.
pub(super) async fn dial(
    context: &Context,
    to: PeerId,
    address: &str,
    version: u8,
    connected: impl FnOnce(IpAddr),
) -> Result<(Box<dyn Stream>, Answer), Disconnect> {
    let Context { options, security, me, .. } = context;
    let stream = TcpStream::connect(address).await?;
    connected(stream.peer_addr()?.ip());
    socket::prepare(&stream, options.silence_max)?;
    let mut stream = security.connect(stream, to, options).await?;
    let origin = (version >= VERSION_OF_PROCESSES).then(|| context.origin());
    let cluster = options.cluster.clone();
    let hello = Hello { version, from: *me, to, cluster, origin };
    stream.write_all(&hello.encode()).await?;
    stream.flush().await?;
    let answer = read_answer(&mut stream, version).await?;
    Ok((stream, answer))
}

async fn read_answer(stream: &mut Box<dyn Stream>, version: u8) -> Result<Answer, Disconnect> {
    let len = Answer::len_of(version);
    let mut bytes = Vec::with_capacity(len);
    loop {
        if let Some(answer) = Answer::decode(&bytes, version)? {
            return Ok(answer);
        }
        let mut rest = stream.take((len - bytes.len()) as u64);
        if rest.read_buf(&mut bytes).await? == 0 {
            return Err(Disconnect::eof());
        }
    }
}
