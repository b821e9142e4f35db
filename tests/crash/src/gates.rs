//! Gates on the way to each process: what the other processes send to one can be kept from it for a
//! while, so that it wakes up knowing nothing of what they did.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::Outcome;

/// A gate for each process. They end with this.
pub(crate) struct Gates {
    _runtime: Runtime,
    gates: Vec<Gate>,
}

struct Gate {
    address: SocketAddr,
    passage: watch::Sender<Passage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    Open,
    Shut,
}

impl Gates {
    /// Open gates to these addresses.
    pub(crate) fn before(addresses: impl Iterator<Item = SocketAddr>) -> Outcome<Self> {
        let runtime = Runtime::new()?;
        let mut gates = Vec::new();
        for to in addresses {
            let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
            let (sender, receiver) = watch::channel(Passage::Open);
            gates.push(Gate { address: listener.local_addr()?, passage: sender });
            runtime.spawn(take(listener, to, receiver));
        }
        Ok(Self { _runtime: runtime, gates })
    }

    /// Where others reach a process.
    pub(crate) fn address(&self, peer: usize) -> SocketAddr {
        self.gates[peer].address
    }

    /// From now on nothing that others send reaches the process.
    pub(crate) fn shut(&self, peer: usize) {
        self.gates[peer].passage.send_replace(Passage::Shut);
    }

    /// Lets through what has come in meanwhile, and what comes.
    pub(crate) fn open(&self, peer: usize) {
        self.gates[peer].passage.send_replace(Passage::Open);
    }
}

async fn take(listener: TcpListener, to: SocketAddr, passage: watch::Receiver<Passage>) {
    loop {
        // There are few connections; if the system has no room for one, its peer tries again.
        if let Ok((from, _)) = listener.accept().await {
            tokio::spawn(carry(from, to, passage.clone()));
        }
    }
}

/// One connection, until either side ends it.
async fn carry(
    from: TcpStream,
    to: SocketAddr,
    passage: watch::Receiver<Passage>,
) -> io::Result<()> {
    let to = TcpStream::connect(to).await?;
    // Votes and heartbeats are small, and must not wait for more of them.
    from.set_nodelay(true)?;
    to.set_nodelay(true)?;
    let ((asked, mut answers), (mut answered, asks)) = (from.into_split(), to.into_split());
    tokio::select! {
        ended = pass(asked, asks, passage) => ended,
        ended = tokio::io::copy(&mut answered, &mut answers) => ended.map(drop),
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut passage: watch::Receiver<Passage>,
) -> io::Result<()> {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut bytes).await?;
        // The sender of what is watched lives as long as the runtime.
        let open = passage.wait_for(|passage| *passage == Passage::Open).await.is_ok();
        if read == 0 || !open {
            return Ok(());
        }
        to.write_all(&bytes[..read]).await?;
    }
}
