//! TCP proxies in front of each process. One can hold back what the other processes send, so that a
//! paused process resumes without having heard from them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::Outcome;

/// A proxy for each process. Dropping this ends them.
pub(crate) struct Proxies {
    _runtime: Runtime,
    proxies: Vec<Proxy>,
}

struct Proxy {
    address: SocketAddr,
    delivery: watch::Sender<Delivery>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    Forward,
    Hold,
}

impl Proxies {
    /// Proxies that forward to these addresses.
    pub(crate) fn start(addresses: impl Iterator<Item = SocketAddr>) -> Outcome<Self> {
        let runtime = Runtime::new()?;
        let mut proxies = Vec::new();
        for to in addresses {
            let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
            let (sender, receiver) = watch::channel(Delivery::Forward);
            proxies.push(Proxy { address: listener.local_addr()?, delivery: sender });
            runtime.spawn(accept(listener, to, receiver));
        }
        Ok(Self { _runtime: runtime, proxies })
    }

    /// The address under which the other processes reach this one.
    pub(crate) fn address(&self, peer: usize) -> SocketAddr {
        self.proxies[peer].address
    }

    /// Holds back what the others send to the process.
    pub(crate) fn hold(&self, peer: usize) {
        self.proxies[peer].delivery.send_replace(Delivery::Hold);
    }

    /// Forwards what was held back, and what follows.
    pub(crate) fn release(&self, peer: usize) {
        self.proxies[peer].delivery.send_replace(Delivery::Forward);
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, delivery: watch::Receiver<Delivery>) {
    loop {
        // There are few connections; if the system has no room for one, the peer tries again.
        if let Ok((from, _)) = listener.accept().await {
            tokio::spawn(forward(from, to, delivery.clone()));
        }
    }
}

/// Forwards one connection until either side ends it.
async fn forward(
    from: TcpStream,
    to: SocketAddr,
    delivery: watch::Receiver<Delivery>,
) -> io::Result<()> {
    let to = TcpStream::connect(to).await?;
    // Votes and heartbeats are small, and must not wait for more of them.
    from.set_nodelay(true)?;
    to.set_nodelay(true)?;
    let ((requests, mut responses_out), (mut responses, requests_out)) =
        (from.into_split(), to.into_split());
    tokio::select! {
        ended = copy(requests, requests_out, delivery) => ended,
        ended = tokio::io::copy(&mut responses, &mut responses_out) => ended.map(drop),
    }
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut delivery: watch::Receiver<Delivery>,
) -> io::Result<()> {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut bytes).await?;
        // The sender lives as long as the runtime.
        let forward = delivery.wait_for(|delivery| *delivery == Delivery::Forward).await.is_ok();
        if read == 0 || !forward {
            return Ok(());
        }
        to.write_all(&bytes[..read]).await?;
    }
}
