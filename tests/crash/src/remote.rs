//! The service as a client sees it: three addresses, one of which leads.

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use raft_tests::kv::{Operation, Seen};
use serde::Deserialize;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

/// A client's view of the service.
pub(crate) struct Remote {
    agent: Agent,
    peers: Vec<SocketAddr>,
    /// The peer that is asked next.
    ask: usize,
}

/// One call, as it is sent.
pub(crate) struct Call<'a> {
    pub(crate) key: &'a str,
    pub(crate) client: u16,
    pub(crate) serial: u32,
    pub(crate) operation: Operation,
}

/// What a write is answered with.
#[derive(Deserialize)]
struct Written {
    before: Option<String>,
}

/// What one attempt gave.
enum Attempt {
    Answered(Seen),
    /// Another peer leads.
    Elsewhere(usize),
    /// Nobody knows, or nobody can now.
    Unanswered,
}

/// A refusal comes so fast that a client would do nothing but ask.
const PAUSE: Duration = Duration::from_millis(5);

impl Remote {
    /// `attempt_timeout` is how long a single attempt may take.
    pub(crate) fn new(peers: Vec<SocketAddr>, attempt_timeout: Duration) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(attempt_timeout))
            .max_redirects(0)
            .http_status_as_error(false)
            .build();
        Self { agent: config.into(), peers, ask: 0 }
    }

    /// Asks this peer first.
    pub(crate) fn prefer(&mut self, peer: usize) {
        self.ask = peer % self.peers.len();
    }

    /// Asks until there is an answer, or until `deadline`: then nobody knows.
    ///
    /// # Errors
    /// The service said what it must never say.
    pub(crate) fn call(
        &mut self,
        call: &Call<'_>,
        deadline: Instant,
    ) -> Result<Option<Seen>, String> {
        loop {
            match self.attempt(call)? {
                Attempt::Answered(seen) => return Ok(Some(seen)),
                Attempt::Elsewhere(peer) => self.ask = peer,
                Attempt::Unanswered => {
                    self.ask = (self.ask + 1) % self.peers.len();
                    std::thread::sleep(PAUSE);
                }
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
        }
    }

    /// What a peer says of itself.
    pub(crate) fn status(&self, peer: usize) -> Option<Value> {
        let url = format!("http://{}/status", self.peers[peer]);
        serde_json::from_str(&text(self.agent.get(url).call().ok()?).ok()?).ok()
    }

    fn attempt(&self, call: &Call<'_>) -> Result<Attempt, String> {
        let Call { key, client, serial, operation } = call;
        let url = format!("http://{}/keys/{key}", self.peers[self.ask]);
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
        // Whatever went wrong with a connection: what became of the request is not known.
        let Ok(response) = response else { return Ok(Attempt::Unanswered) };
        let said = format!("peer {} said {}", self.ask + 1, response.status());
        self.understand(response, *operation).map_err(|error| format!("{said}: {error}"))
    }

    fn understand(
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
                let Written { before } = serde_json::from_str(&text)?;
                Ok(Attempt::Answered(before.map_or(Ok(0), |before| before.parse())?))
            }
            (307, _) => {
                let to = String::from_utf8(location.ok_or("no location")?)?;
                let here = |peer: &SocketAddr| to.starts_with(&format!("http://{peer}/"));
                let peer = self.peers.iter().position(here);
                Ok(Attempt::Elsewhere(peer.ok_or(format!("nobody is at {to}"))?))
            }
            (429 | 503 | 504, _) => Ok(Attempt::Unanswered),
            _ => Err(text.into()),
        }
    }
}

fn text(mut response: Response<Body>) -> Result<String, ureq::Error> {
    response.body_mut().read_to_string()
}
