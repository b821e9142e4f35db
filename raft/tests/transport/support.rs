//! Support for tests of transports: peers, messages, captured logs, timeouts.

use std::future::Future;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use raft::message::{AppendEntries, InstallSnapshot, Vote};
use raft::transport::tcp::{
    Answer, Hello, Origin, Process, ProcessStart, TcpOptions, TcpTransport,
};
use raft::transport::{Inbox, Transport};
use raft::{
    Entry, EntryId, Envelope, Index, LogSlice, Message, MessageId, Payload, PeerId, Round,
    StatedIdentity, Term,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tracing::subscriber::DefaultGuard;

/// Fails a test that hangs. No other outcome depends on it.
pub(crate) async fn with_timeout<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it hangs")
}

pub(crate) const fn peer(number: u64) -> PeerId {
    PeerId::new(number)
}

fn envelope(id: u64, from: PeerId, to: PeerId, message: Message) -> Envelope {
    Envelope { id: MessageId::new(id), from, to, term: Term::new(1), store: None, message }
}

/// A small message with a number.
pub(crate) fn vote(id: u64, from: PeerId, to: PeerId) -> Envelope {
    envelope(id, from, to, Message::RequestVoteReply(Vote::Granted))
}

/// A chunk of a snapshot.
pub(crate) fn chunk(id: u64, from: PeerId, to: PeerId, bytes: usize) -> Envelope {
    let chunk = InstallSnapshot {
        last_included: EntryId::new(Term::new(1), Index::new(9)),
        offset: 0,
        chunk: vec![7; bytes].into(),
        done: None,
        round: Round::ZERO,
    };
    envelope(id, from, to, Message::InstallSnapshot(chunk))
}

/// A heartbeat that refers to the entry at this index.
pub(crate) fn heartbeat(id: u64, from: PeerId, to: PeerId, prev: u64) -> Envelope {
    let slice = LogSlice::empty(EntryId::new(Term::new(1), Index::new(prev)));
    let append = AppendEntries { slice, leader_commit: Index::ZERO, round: Round::ZERO };
    envelope(id, from, to, Message::AppendEntries(append))
}

/// An AppendEntries with these commands.
pub(crate) fn append(id: u64, from: PeerId, to: PeerId, commands: &[&[u8]]) -> Envelope {
    let entries = (1..).zip(commands).map(|(index, command)| Entry {
        id: EntryId::new(Term::new(1), Index::new(index)),
        payload: Payload::Command((*command).into()),
    });
    let slice = LogSlice::new(EntryId::ZERO, entries.collect()).expect("indexes follow");
    let append = AppendEntries { slice, leader_commit: Index::ZERO, round: Round::ZERO };
    envelope(id, from, to, Message::AppendEntries(append))
}

pub(crate) const CLUSTER: &str = "test";

/// Options with short reconnects, and timeouts that a busy machine never reaches.
pub(crate) fn options() -> TcpOptions {
    let never = Duration::from_secs(3600);
    TcpOptions {
        cluster: CLUSTER.into(),
        handshake_timeout: never,
        silence_max: never,
        reconnect_min: Duration::from_millis(1),
        reconnect_max: Duration::from_millis(50),
        ..TcpOptions::default()
    }
}

/// A peer with its network, in place of its driver.
pub(crate) struct Peer {
    pub(crate) name: PeerId,
    pub(crate) transport: TcpTransport,
    pub(crate) received: mpsc::Receiver<Envelope>,
}

impl Peer {
    pub(crate) fn plain(number: u64, options: TcpOptions) -> Self {
        let transport = TcpTransport::plain(peer(number), "127.0.0.1:0").expect("a free port");
        Self::start(number, transport.with(options).expect("good settings"), 1024)
    }

    pub(crate) fn start(number: u64, mut transport: TcpTransport, capacity: usize) -> Self {
        let (inbox, received) = Inbox::new(capacity);
        transport.start(inbox).expect("it starts once");
        Self { name: peer(number), transport, received }
    }

    pub(crate) fn address(&self) -> String {
        self.transport.local_address().to_string()
    }

    pub(crate) fn set_peer(&mut self, other: &Self) {
        self.transport.set_address(other.name, &other.address());
    }

    pub(crate) async fn next(&mut self) -> Envelope {
        with_timeout(self.received.recv()).await.expect("the transport is there")
    }

    /// Sends small messages until one of them arrives, and takes all that arrive.
    pub(crate) async fn wait_connected(&mut self, other: &mut Self) {
        let wait = Duration::from_millis(5);
        with_timeout(async {
            loop {
                self.transport.send(vote(u64::MAX, self.name, other.name));
                // Messages of an older connection do not count.
                while let Ok(next) = tokio::time::timeout(wait, other.received.recv()).await {
                    if next.is_some_and(|envelope| envelope.id.number() == u64::MAX) {
                        return;
                    }
                }
            }
        })
        .await;
        // Another message marks the end of those.
        self.transport.send(vote(u64::MAX - 1, self.name, other.name));
        while other.next().await.id.number() != u64::MAX - 1 {}
    }
}

/// Two peers, 1 connected to 2.
pub(crate) async fn connected(options: &TcpOptions) -> [Peer; 2] {
    let mut peers = [1, 2].map(|number| Peer::plain(number, options.clone()));
    let [one, two] = &mut peers;
    one.set_peer(two);
    one.wait_connected(two).await;
    peers
}

/// The origin of a handshake of this version, of a process that knows nothing.
pub(crate) fn origin(version: u8) -> Option<Origin> {
    let process = Process { start: ProcessStart::new(1), identity: StatedIdentity::default() };
    (version >= 3).then_some(Origin { process, address: None })
}

/// A client with a plain socket that follows no protocol.
pub(crate) struct RawClient(pub(crate) TcpStream);

impl RawClient {
    pub(crate) async fn connect(to: &Peer) -> Self {
        Self(
            with_timeout(TcpStream::connect(to.transport.local_address()))
                .await
                .expect("it listens"),
        )
    }

    /// Connects and completes the handshake.
    pub(crate) async fn after_handshake(from: u64, to: &Peer) -> Self {
        let mut raw = Self::connect(to).await;
        let hello = Hello {
            version: 1,
            from: peer(from),
            to: to.name,
            cluster: CLUSTER.into(),
            origin: None,
        };
        raw.write(&hello.encode()).await;
        let mut answer = [0; Answer::BYTES];
        with_timeout(raw.0.read_exact(&mut answer)).await.expect("it answers");
        let answer = Answer::decode(&answer, 1).expect("it is welcome").expect("it is whole");
        raw.write(&answer.nonce.to_le_bytes()).await;
        raw
    }

    /// Writes as much as the other side accepts.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = with_timeout(self.0.write_all(bytes)).await;
    }

    /// Reads until the other side ends the connection.
    pub(crate) async fn read_to_end(mut self) -> Vec<u8> {
        let mut received = Vec::new();
        // Unread bytes make it a reset, which is an end, too.
        let _ = with_timeout(self.0.read_to_end(&mut received)).await;
        received
    }
}

/// The log of this thread, where all tasks of a test run.
pub(crate) struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<String>>);

impl Lines {
    fn lock(&self) -> MutexGuard<'_, String> {
        self.0.lock().expect("not poisoned")
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.lock().push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn capture() -> Self {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .without_time()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(move || writer.clone())
            .finish();
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The warnings since the last call.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let text = std::mem::take(&mut *self.lines.lock());
        text.lines().filter(|line| line.trim_start().starts_with("WARN")).map(Into::into).collect()
    }

    /// True if a line since the last call of `warnings` has this text.
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.lines.lock().contains(text)
    }

    /// The number of lines with this text since the last call of `warnings`.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.lines.lock().lines().filter(|line| line.contains(text)).count()
    }

    /// Waits for a line with this text.
    pub(crate) async fn wait_for(&self, text: &str) {
        with_timeout(async {
            while !self.contains(text) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }
}
