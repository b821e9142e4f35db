//! An HTTP client of the service, which finds the leader among three addresses.

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use raft_tests::kv::{Operation, Seen};
use serde::Deserialize;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

/// A client of the service.
pub(crate) struct HttpClient {
    agent: Agent,
    peers: Vec<SocketAddr>,
    /// The peer of the next attempt.
    target: usize,
}

/// One call.
pub(crate) struct Call<'a> {
    pub(crate) key: &'a str,
    pub(crate) client: u16,
    pub(crate) serial: u32,
    pub(crate) operation: Operation,
}

/// The answer to a write.
#[derive(Deserialize)]
struct WriteResponse {
    before: Option<String>,
}

/// The result of one attempt.
enum Attempt {
    Answered(Seen),
    /// Another peer is the leader.
    Redirected(usize),
    /// The outcome is unknown, or the peer cannot answer now.
    Unanswered,
}

/// The time between attempts: rejections come fast, and clients would keep the machine busy.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

impl HttpClient {
    /// A client with this timeout of a single attempt.
    pub(crate) fn new(peers: Vec<SocketAddr>, attempt_timeout: Duration) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(attempt_timeout))
            .max_redirects(0)
            .http_status_as_error(false)
            .build();
        Self { agent: config.into(), peers, target: 0 }
    }

    /// Sends the next attempt to this peer.
    pub(crate) fn set_target(&mut self, peer: usize) {
        self.target = peer % self.peers.len();
    }

    /// Tries until there is an answer, or until `deadline`; then the outcome is unknown.
    ///
    /// # Errors
    /// An answer that is never correct.
    pub(crate) fn call(
        &mut self,
        call: &Call<'_>,
        deadline: Instant,
    ) -> Result<Option<Seen>, String> {
        loop {
            match self.attempt(call)? {
                Attempt::Answered(seen) => return Ok(Some(seen)),
                Attempt::Redirected(peer) => self.target = peer,
                Attempt::Unanswered => {
                    self.target = (self.target + 1) % self.peers.len();
                    std::thread::sleep(RETRY_INTERVAL);
                }
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
        }
    }

    /// A peer's status.
    pub(crate) fn status(&self, peer: usize) -> Option<Value> {
        let url = format!("http://{}/status", self.peers[peer]);
        serde_json::from_str(&text(self.agent.get(url).call().ok()?).ok()?).ok()
    }

    fn attempt(&self, call: &Call<'_>) -> Result<Attempt, String> {
        let Call { key, client, serial, operation } = call;
        let url = format!("http://{}/keys/{key}", self.peers[self.target]);
        let session = format!("client={client}&serial={serial}");
        let response = match operation {
            Operation::Get { .. } | Operation::Read { .. } => self.agent.get(url).call(),
            Operation::Put { value, .. } => {
                self.agent.put(format!("{url}?{session}")).send(value.to_string())
            }
            Operation::Swap { expected, value, .. } => {
                let expected = if *expected == 0 { String::new() } else { expected.to_string() };
                let url = format!("{url}?{session}&if={expected}");
                self.agent.put(url).send(value.to_string())
            }
        };
        // After any error of the connection the outcome is unknown.
        let Ok(response) = response else { return Ok(Attempt::Unanswered) };
        let answer = format!("peer {} answered {}", self.target + 1, response.status());
        self.interpret(response, *operation).map_err(|error| format!("{answer}: {error}"))
    }

    fn interpret(
        &self,
        response: Response<Body>,
        operation: Operation,
    ) -> Result<Attempt, Box<dyn Error>> {
        let code = response.status().as_u16();
        let location = response.headers().get("location").map(|to| to.as_bytes().to_vec());
        // A process may die in the middle of its answer.
        let Ok(text) = text(response) else { return Ok(Attempt::Unanswered) };
        match (code, operation) {
            (200, Operation::Get { .. } | Operation::Read { .. }) => {
                Ok(Attempt::Answered(text.parse()?))
            }
            (404, Operation::Get { .. } | Operation::Read { .. }) => Ok(Attempt::Answered(0)),
            (200, _) | (412, Operation::Swap { .. }) => {
                let WriteResponse { before } = serde_json::from_str(&text)?;
                Ok(Attempt::Answered(before.map_or(Ok(0), |before| before.parse())?))
            }
            (307, _) => {
                let to = String::from_utf8(location.ok_or("redirect without location")?)?;
                let here = |peer: &SocketAddr| to.starts_with(&format!("http://{peer}/"));
                let peer = self.peers.iter().position(here);
                Ok(Attempt::Redirected(
                    peer.ok_or(format!("redirect to {to}, not an address of a peer"))?,
                ))
            }
            (429 | 503 | 504, _) => Ok(Attempt::Unanswered),
            _ => Err(text.into()),
        }
    }
}

pub(crate) fn text(mut response: Response<Body>) -> Result<String, ureq::Error> {
    response.body_mut().read_to_string()
}
