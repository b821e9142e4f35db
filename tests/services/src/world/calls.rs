//! Calls of clients, over links like those between peers.
//!
//! A call is one RPC, whatever becomes of it. A client does not learn that a message was lost: it
//! waits until [`CALL_TIMEOUT`]. A server that is down fails a call within that time, as in the
//! labs.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use raft::Instant;
use raft_tests::case::PeerSet;
use raft_tests::sim::network::{Connection, NetworkProfile};
use raft_tests::sim::random::Stream;

use super::group::Group;
use crate::clerk::Servers;
use crate::key_value::{KeyValueStore, Request, handle};
use crate::replica::Rejection;
use crate::session::ClientId;
use crate::state_machine::StateMachine;

/// Longest wait of a client for an answer.
pub const CALL_TIMEOUT: Duration = Duration::from_millis(100);

/// Calls of all clients of a run. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    made: Rc<Cell<u64>>,
}

/// Fate of a call, drawn from its client's stream.
struct Fate {
    request_delay: Duration,
    request_lost: bool,
    reply_lost: bool,
    failure_delay: Duration,
}

impl Calls {
    /// Number of calls.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.made.get()
    }

    /// Calls a server of a group: the handler is given the deadline of the call.
    ///
    /// # Errors
    /// The server's rejection, or no answer.
    pub async fn call<M: StateMachine, T>(
        &self,
        group: &Group<M>,
        server: usize,
        link: Connection,
        rng: &RefCell<Stream>,
        handler: impl AsyncFnOnce(Instant) -> Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        self.made.update(|made| made + 1);
        let cluster = group.cluster();
        let fate = Fate::draw(&cluster.world().network().profile(), &mut rng.borrow_mut());
        let deadline = cluster.now().after(CALL_TIMEOUT);
        let silence = async || {
            cluster.sleep(deadline.since(cluster.now())).await;
            Err(Rejection::NoAnswer)
        };
        if fate.request_delay > Duration::ZERO {
            cluster.sleep(fate.request_delay).await;
        }
        if fate.request_lost {
            return silence().await;
        }
        if link == Connection::Cut || !group.is_reachable(server) {
            cluster.sleep(fate.failure_delay).await;
            return Err(Rejection::NoAnswer);
        }
        let answer = handler(deadline).await;
        if fate.reply_lost || !group.is_reachable(server) {
            return silence().await;
        }
        answer
    }
}

impl Fate {
    fn draw(profile: &NetworkProfile, rng: &mut Stream) -> Self {
        let mut rng = rng.fork();
        Self {
            failure_delay: rng.between(Duration::ZERO, CALL_TIMEOUT),
            request_delay: rng.between(Duration::ZERO, profile.request.delay_max),
            request_lost: rng.happens(profile.request.loss),
            reply_lost: rng.happens(profile.reply.loss),
        }
    }
}

/// Links of one client to the servers of a key-value service.
pub struct Reach {
    /// The servers.
    pub group: Group<KeyValueStore>,
    /// The client.
    pub client: ClientId,
    /// The servers, in the order in which it asks them.
    pub servers: Vec<usize>,
    /// Those that its links reach; a call to another one fails.
    pub enabled: Rc<Cell<PeerSet>>,
    /// The calls of the run.
    pub calls: Calls,
    /// The client's own draws.
    pub rng: Rc<RefCell<Stream>>,
}

impl Servers for Reach {
    fn count(&self) -> usize {
        self.servers.len()
    }

    async fn call(&self, server: usize, request: Request) -> Result<String, Rejection> {
        let at = self.servers[server];
        let handler =
            async |deadline| handle(&self.group.replica(at, self.client, deadline), request).await;
        let enabled = self.enabled.get().contains(at);
        let link = if enabled { Connection::Up } else { Connection::Cut };
        self.calls.call(&self.group, at, link, &self.rng, handler).await.map_err(|rejection| {
            match rejection {
                // Servers name each other by their numbers, clients by their own.
                Rejection::NotLeader { leader: Some(leader) } => Rejection::NotLeader {
                    leader: self.servers.iter().position(|server| *server == leader),
                },
                other @ (Rejection::NotLeader { leader: None }
                | Rejection::LeadershipLost
                | Rejection::NoAnswer) => other,
            }
        })
    }

    async fn pause(&self, duration: Duration) {
        self.group.cluster().sleep(duration).await;
    }

    fn now(&self) -> Duration {
        self.group.cluster().now().since(Instant::START)
    }
}
