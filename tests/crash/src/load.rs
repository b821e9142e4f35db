//! Clients that write and read all the time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use raft_tests::kv::Operation;
use raft_tests::sim::random::{Chance, Domain, Stream};

use crate::Outcome;
use crate::record::{KEYS, Record, Totals};
use crate::remote::{Call, Remote};

/// The clients of a run, each a thread.
pub(crate) struct Load {
    pub(crate) record: Arc<Record>,
    peers: Vec<SocketAddr>,
    running: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

/// What a client is like.
#[derive(Clone, Copy)]
enum Kind {
    /// Writes and reads, and asks another peer soon.
    Busy,
    /// The same, and gives up soon: nobody knows what became of its calls.
    Hasty,
    /// Only reads, from any peer, and waits long for an answer: of a peer that was paused, too.
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

/// How many clients there are, named from zero; the next one reads everything at the end.
pub(crate) const CLIENTS: u16 = KINDS.len() as u16;

/// A machine that is this slow has other worries: a run that makes no progress for so long fails.
pub(crate) const HANG: Duration = Duration::from_secs(60);

impl Load {
    /// Starts the clients. What they do is drawn from the seed.
    pub(crate) fn start(peers: Vec<SocketAddr>, seed: u64) -> Self {
        let record = Arc::new(Record::new());
        let running = Arc::new(AtomicBool::new(true));
        let clients = (0..).zip(KINDS).map(|(name, kind)| {
            let client = Client {
                name,
                kind,
                stream: Stream::new(seed, Domain::Client, [u64::from(name), 0]),
                serial: 0,
                seen: [0; KEYS as usize],
                remote: Remote::new(peers.clone(), kind.attempt_timeout()),
            };
            let (record, running) = (Arc::clone(&record), Arc::clone(&running));
            thread::spawn(move || client.run(&record, &running))
        });
        let clients = clients.collect();
        Self { record, peers, running, clients }
    }

    /// Waits until writes are acknowledged that began after this call.
    pub(crate) fn wait_for_progress(&self) -> Outcome {
        // One more for each client: the first one may have begun before.
        let enough = self.record.acknowledged() + KINDS.len();
        let hangs = Instant::now() + HANG;
        while self.record.acknowledged() < enough {
            if Instant::now() >= hangs {
                return Err(format!("no write was acknowledged within {HANG:?}").into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Ends the clients, reads every key once more and checks all there is to check.
    pub(crate) fn finish(&mut self) -> Outcome<Totals> {
        self.stop()?;
        let totals = self.record.totals();
        let mut remote = Remote::new(self.peers.clone(), Kind::Busy.attempt_timeout());
        let reader = CLIENTS;
        for round in 0..self.record.rounds() {
            for key in 0..KEYS {
                let (serial, operation) = (u32::from(key), Operation::Get { key });
                let place = self.record.begins(round, reader, serial, operation);
                let name = Record::key(round, key);
                let call = Call { key: &name, client: reader, serial, operation };
                let seen = remote.call(&call, Instant::now() + HANG)?;
                let seen = seen.ok_or_else(|| format!("nobody knows the key {name} at the end"))?;
                self.record.is_answered(place, operation, seen);
            }
            self.record.check(round)?;
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

impl Drop for Load {
    fn drop(&mut self) {
        // A run that fails has a better reason.
        let _ = self.stop();
    }
}

struct Client {
    name: u16,
    kind: Kind,
    stream: Stream,
    serial: u32,
    /// What each key of the round may have, which a swap expects.
    seen: [u64; KEYS as usize],
    remote: Remote,
}

impl Client {
    fn run(mut self, record: &Record, running: &AtomicBool) {
        let mut round = 0;
        while running.load(Ordering::Relaxed) {
            if round != record.round() {
                (round, self.seen) = (record.round(), [0; KEYS as usize]);
            }
            self.serial += 1;
            let operation = self.draw();
            let key = Record::key(round, operation.key());
            let call = Call { key: &key, client: self.name, serial: self.serial, operation };
            let place = record.begins(round, self.name, self.serial, operation);
            match self.remote.call(&call, Instant::now() + self.kind.patience()) {
                Ok(Some(seen)) => {
                    record.is_answered(place, operation, seen);
                    self.seen[usize::from(operation.key())] = match operation {
                        Operation::Put { value, .. } => value,
                        Operation::Get { .. } | Operation::Read { .. } | Operation::Swap { .. } => {
                            seen
                        }
                    };
                }
                Ok(None) => {}
                Err(wrong) => return record.is_wrong(wrong),
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
                self.remote.prefer(self.stream.index(usize::MAX));
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
    /// How long a call may take, with all its attempts.
    const fn patience(self) -> Duration {
        match self {
            Self::Busy | Self::Patient => Duration::from_secs(5),
            Self::Hasty => Duration::from_millis(50),
        }
    }

    /// How long one attempt may take.
    const fn attempt_timeout(self) -> Duration {
        match self {
            Self::Busy => Duration::from_millis(300),
            Self::Hasty => Duration::from_millis(50),
            Self::Patient => Duration::from_secs(5),
        }
    }
}
