//! Clients of the sharded service: they repeat each request, with the same number, until it is answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use raft_tests::sim::random::{Domain, Stream};
use services::key_value::{Operation, Write};
use services::session::RequestId;
use ureq::Agent;

use super::deployment::agent;
use super::recorder::{ALL_SHARDS, Recorder};
use crate::Outcome;
use crate::http_client::text;
use crate::process::wait;
use crate::workload::PROGRESS_TIMEOUT;

/// The clients of a run, each a thread.
pub(super) struct Clients {
    pub(super) recorder: Arc<Recorder>,
    servers: Vec<SocketAddr>,
    seed: u64,
    running: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Clients {
    /// Starts clients, a number of them for each of these choices of shards, with a pause between two
    /// calls of one. Their calls are drawn from the seed.
    pub(super) fn start(
        servers: &[SocketAddr],
        seed: u64,
        shards: &[(usize, Vec<usize>)],
        pause: Duration,
    ) -> Self {
        let recorder = Arc::new(Recorder::default());
        recorder.next_round();
        let mut clients = Self {
            recorder,
            servers: servers.to_vec(),
            seed,
            running: Arc::new(AtomicBool::new(true)),
            threads: Vec::new(),
        };
        let each = shards.iter().flat_map(|(count, shards)| std::iter::repeat_n(shards, *count));
        for (name, shards) in (1..).zip(each) {
            let (client, shards) = (clients.client(name), shards.clone());
            let (recorder, running) = (Arc::clone(&clients.recorder), Arc::clone(&clients.running));
            let run = move || client.run(&shards, pause, &recorder, &running);
            clients.threads.push(thread::spawn(run));
        }
        clients
    }

    fn client(&self, name: u64) -> Client {
        Client {
            name,
            serial: 0,
            stream: Stream::new(self.seed, Domain::Client, [name, 0]),
            http: agent(ATTEMPT_TIMEOUT),
            servers: self.servers.clone(),
            targets: [0; ALL_SHARDS.end],
        }
    }

    /// Waits until calls are answered that began after this one.
    pub(super) fn wait_for_progress(&self) -> Outcome {
        // Two for each client: the first one may have begun before.
        let enough = self.recorder.answers() + 2 * self.threads.len();
        wait("calls to be answered", || {
            let failed = self.recorder.check_answers().err();
            failed.map(Err).or_else(|| (self.recorder.answers() >= enough).then_some(Ok(())))
        })?
    }

    /// Ends the clients, reads every key once more and checks every round.
    pub(super) fn finish(&mut self) -> Outcome {
        self.stop()?;
        let mut reader = self.client(0);
        for round in 0..self.recorder.rounds() {
            for shard in ALL_SHARDS {
                let read = |key: &str| Ok(reader.call(key, shard, &Operation::Get)?.0);
                self.recorder.check_key(round, shard, 0, read)?;
            }
            self.recorder.check(round)?;
        }
        Ok(())
    }

    fn stop(&mut self) -> Outcome {
        self.running.store(false, Ordering::Relaxed);
        for client in self.threads.drain(..) {
            client.join().map_err(|_| "a client panicked")?;
        }
        Ok(())
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // A failed run has its own error.
        let _ = self.stop();
    }
}

/// One client.
struct Client {
    name: u64,
    serial: u64,
    stream: Stream,
    http: Agent,
    servers: Vec<SocketAddr>,
    /// The server to ask first, for each shard.
    targets: [usize; ALL_SHARDS.end],
}

/// The result of one attempt.
enum Attempt {
    Answered(String),
    /// Another server is to be asked.
    Redirected(SocketAddr),
    /// A retry may succeed.
    Unanswered,
}

impl Client {
    fn run(mut self, shards: &[usize], pause: Duration, recorder: &Recorder, running: &AtomicBool) {
        while running.load(Ordering::Relaxed) {
            let shard = shards[self.stream.index(shards.len())];
            let value = format!("{}.{};", self.name, self.serial);
            let operation = match self.stream.below(100) {
                0..40 => Operation::Write(Write::Append(value)),
                40..50 => Operation::Write(Write::Put(value)),
                _ => Operation::Get,
            };
            let (open, key) = recorder.begin(self.name, shard, &operation);
            match self.call(&key, shard, &operation) {
                Ok((value, retries)) => recorder.complete(&open, &value, retries),
                Err(violation) => return recorder.violation(violation),
            }
            thread::sleep(pause);
        }
    }

    /// The answer to a request, and the number of attempts that were answered by a reason to try again.
    fn call(
        &mut self,
        key: &str,
        shard: usize,
        operation: &Operation,
    ) -> Result<(String, usize), String> {
        self.serial += 1;
        let id = RequestId { client: self.name, number: self.serial };
        let deadline = Instant::now() + PROGRESS_TIMEOUT;
        let mut retries = 0;
        while Instant::now() < deadline {
            let server = self.servers[self.targets[shard]];
            match self.attempt(server, key, id, operation)? {
                Attempt::Answered(value) => return Ok((value, retries)),
                Attempt::Redirected(to) => {
                    let known = self.servers.iter().position(|server| *server == to);
                    self.targets[shard] =
                        known.ok_or_else(|| format!("{server} sends to {to}, not a server"))?;
                }
                Attempt::Unanswered => {
                    self.targets[shard] = self.stream.index(self.servers.len());
                    retries += 1;
                    thread::sleep(RETRY_INTERVAL);
                }
            }
        }
        Err(format!("no answer to request {} of client {} on {key}", id.number, id.client))
    }

    fn attempt(
        &self,
        server: SocketAddr,
        key: &str,
        RequestId { client, number }: RequestId,
        operation: &Operation,
    ) -> Result<Attempt, String> {
        let url = format!("http://{server}/keys/{key}?client={client}&serial={number}");
        let answer = match operation {
            Operation::Get => self.http.get(url).call(),
            Operation::Write(Write::Put(value)) => self.http.put(url).send(value),
            Operation::Write(Write::Append(more)) => self.http.post(url).send(more),
        };
        // After any error of the connection the outcome is unknown.
        let Ok(answer) = answer else { return Ok(Attempt::Unanswered) };
        let code = answer.status().as_u16();
        let location = answer.headers().get("location").and_then(|to| to.to_str().ok());
        let target =
            location.and_then(|to| to.strip_prefix("http://")?.split_once('/')?.0.parse().ok());
        // A process may die in the middle of its answer.
        let Ok(body) = text(answer) else { return Ok(Attempt::Unanswered) };
        match (code, target) {
            (200, _) => Ok(Attempt::Answered(body)),
            (307, Some(target)) => Ok(Attempt::Redirected(target)),
            (503 | 504, _) => Ok(Attempt::Unanswered),
            _ => Err(format!("{server} answered {code} to a request on {key}: {body}")),
        }
    }
}

/// Longest wait for an answer: longer than a server waits for a shard.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// The time between attempts: rejections come fast, and clients would keep the machine busy.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);
