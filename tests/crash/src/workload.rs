//! The workload: clients that write and read all the time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use raft_tests::kv::Operation;
use raft_tests::sim::random::{Chance, Domain, Stream};

use crate::Outcome;
use crate::http_client::{Call, HttpClient};
use crate::recorder::{KEYS, Recorder, Totals};

/// The clients of a run, each a thread.
pub(crate) struct Workload {
    pub(crate) recorder: Arc<Recorder>,
    peers: Vec<SocketAddr>,
    running: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

/// A kind of client.
#[derive(Clone, Copy)]
enum Kind {
    /// Writes and reads, and soon tries another peer.
    Busy,
    /// The same, and soon gives up: the outcome of its calls is unknown.
    Hasty,
    /// Only reads, from any peer, and waits long for an answer, as of a paused peer.
    Patient,
}

const KINDS: [Kind; 8] = [
    Kind::Busy,
    Kind::Busy,
    Kind::Busy,
    Kind::Busy,
    Kind::Hasty,
    Kind::Hasty,
    Kind::Patient,
    Kind::Patient,
];

/// The number of clients, named from zero; one more reads every key at the end.
pub(crate) const CLIENTS: u16 = KINDS.len() as u16;

/// A run fails after this time without progress, which no slow machine needs.
pub(crate) const PROGRESS_TIMEOUT: Duration = Duration::from_secs(60);

impl Workload {
    /// Starts the clients. Their calls are drawn from the seed.
    pub(crate) fn start(peers: Vec<SocketAddr>, seed: u64) -> Self {
        let recorder = Arc::new(Recorder::new());
        let running = Arc::new(AtomicBool::new(true));
        let clients = (0..).zip(KINDS).map(|(name, kind)| {
            let client = Client {
                name,
                kind,
                stream: Stream::new(seed, Domain::Client, [u64::from(name), 0]),
                serial: 0,
                seen: [0; KEYS as usize],
                http: HttpClient::new(peers.clone(), kind.attempt_timeout()),
            };
            let (recorder, running) = (Arc::clone(&recorder), Arc::clone(&running));
            thread::spawn(move || client.run(&recorder, &running))
        });
        let clients = clients.collect();
        Self { recorder, peers, running, clients }
    }

    /// Waits until writes are acknowledged that began after this call.
    pub(crate) fn wait_for_progress(&self) -> Outcome {
        // One more for each client: the first one may have begun before.
        let enough = self.recorder.acknowledged() + KINDS.len();
        let deadline = Instant::now() + PROGRESS_TIMEOUT;
        while self.recorder.acknowledged() < enough {
            if Instant::now() >= deadline {
                return Err(format!("no write acknowledged within {PROGRESS_TIMEOUT:?}").into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Ends the clients, reads every key once more and checks every round.
    pub(crate) fn finish(&mut self) -> Outcome<Totals> {
        self.stop()?;
        let totals = self.recorder.totals();
        let mut http = HttpClient::new(self.peers.clone(), Kind::Busy.attempt_timeout());
        let reader = CLIENTS;
        for round in 0..self.recorder.rounds() {
            for key in 0..KEYS {
                let (serial, operation) = (u32::from(key), Operation::Get { key });
                let id = self.recorder.begin(round, reader, serial, operation);
                let name = Recorder::key(round, key);
                let call = Call { key: &name, client: reader, serial, operation };
                let seen = http.call(&call, Instant::now() + PROGRESS_TIMEOUT)?;
                let seen =
                    seen.ok_or_else(|| format!("no answer to a read of key {name} at the end"))?;
                self.recorder.complete(id, operation, seen);
            }
            self.recorder.check(round)?;
        }
        Ok(totals)
    }

    fn stop(&mut self) -> Outcome {
        self.running.store(false, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            client.join().map_err(|_| "a client panicked")?;
        }
        Ok(())
    }
}

impl Drop for Workload {
    fn drop(&mut self) {
        // A failed run has its own error.
        let _ = self.stop();
    }
}

struct Client {
    name: u16,
    kind: Kind,
    stream: Stream,
    serial: u32,
    /// The last known value of each key of the round, which a swap expects.
    seen: [u64; KEYS as usize],
    http: HttpClient,
}

impl Client {
    fn run(mut self, recorder: &Recorder, running: &AtomicBool) {
        let mut round = 0;
        while running.load(Ordering::Relaxed) {
            if round != recorder.round() {
                (round, self.seen) = (recorder.round(), [0; KEYS as usize]);
            }
            self.serial += 1;
            let operation = self.draw();
            let key = Recorder::key(round, operation.key());
            let call = Call { key: &key, client: self.name, serial: self.serial, operation };
            let id = recorder.begin(round, self.name, self.serial, operation);
            match self.http.call(&call, Instant::now() + self.kind.call_timeout()) {
                Ok(Some(seen)) => {
                    recorder.complete(id, operation, seen);
                    self.seen[usize::from(operation.key())] = match operation {
                        Operation::Put { value, .. } => value,
                        Operation::Get { .. } | Operation::Read { .. } | Operation::Swap { .. } => {
                            seen
                        }
                    };
                }
                Ok(None) => {}
                Err(violation) => return recorder.violation(violation),
            }
        }
    }

    fn draw(&mut self) -> Operation {
        let key = self.stream.below(u64::from(KEYS)) as u8;
        // No two writes have the same value, and none has zero.
        let value = u64::from(self.serial) << 16 | u64::from(self.name);
        let reads = match self.kind {
            Kind::Busy | Kind::Hasty => Chance::percent(30),
            Kind::Patient => Chance::percent(100),
        };
        if self.stream.happens(reads) {
            if self.stream.happens(Chance::percent(50)) {
                self.http.set_target(self.stream.index(usize::MAX));
            }
            return Operation::Get { key };
        }
        if self.stream.happens(Chance::percent(20)) {
            return Operation::Swap { key, expected: self.seen[usize::from(key)], value };
        }
        Operation::Put { key, value }
    }
}

impl Kind {
    /// The timeout of a call, with all its attempts.
    const fn call_timeout(self) -> Duration {
        match self {
            Self::Busy | Self::Patient => Duration::from_secs(5),
            Self::Hasty => Duration::from_millis(50),
        }
    }

    /// The timeout of one attempt.
    const fn attempt_timeout(self) -> Duration {
        match self {
            Self::Busy => Duration::from_millis(300),
            Self::Hasty => Duration::from_millis(50),
            Self::Patient => Duration::from_secs(5),
        }
    }
}
