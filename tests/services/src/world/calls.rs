//! Calls of clients, over links like those between peers.
//!
//! A call is one RPC, whatever becomes of it. A client does not learn that a message was lost: it
//! waits until [`CALL_TIMEOUT`]. A server that is down fails a call within that time, as in the
//! labs. Beyond the labs, a network that loses requests may also deliver one a second time, when its client
//! has gone on long ago: a handler must not take it for a new one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use raft::Instant;
use raft_tests::case::PeerSet;
use raft_tests::sim::network::{Connection, NetworkProfile};
use raft_tests::sim::random::{Chance, Stream};

use super::group::{CALL_TIMEOUT, Group};
use crate::client::Servers;
use crate::replica::{Rejection, Service};
use crate::session::ClientId;

/// Calls of all clients of a run. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    made: Rc<Cell<u64>>,
    operations: Rc<Cell<u64>>,
}

/// The server that is called, and the link to it.
pub struct Target<'a, M: Service> {
    /// Its group.
    pub group: &'a Group<M>,
    /// The server.
    pub server: usize,
    /// State of the link.
    pub link: Connection,
}

/// Fate of a call, drawn from its client's stream.
struct Fate {
    request_delay: Duration,
    request_lost: bool,
    reply_lost: bool,
    failure_delay: Duration,
    /// Time after which a copy of the request comes, too.
    copy_delay: Option<Duration>,
}

impl Calls {
    /// Number of calls.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.made.get()
    }

    /// Number of operations of clients, each of which may need many calls.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.operations.get()
    }

    /// Counts an operation of a client.
    pub fn begin_operation(&self) {
        self.operations.update(|operations| operations + 1);
    }

    /// Calls a server.
    ///
    /// # Errors
    /// The server's rejection, or no answer.
    pub async fn call<M: Service>(
        &self,
        Target { group, server, link }: Target<'_, M>,
        client: ClientId,
        rng: &RefCell<Stream>,
        request: M::Request,
    ) -> Result<M::Reply, Rejection> {
        self.made.update(|made| made + 1);
        let cluster = group.cluster();
        let fate = Fate::draw(&cluster.world().profile(), &mut rng.borrow_mut());
        let deadline = cluster.now().after(group.call_timeout());
        let silence = async || {
            cluster.sleep(deadline.since(cluster.now())).await;
            Err(Rejection::NoAnswer)
        };
        if let Some(delay) = fate.copy_delay.filter(|_| link == Connection::Up) {
            let copy = deliver_copy(group.clone(), server, client, request.clone(), delay);
            cluster.spawn("copy of a request", copy);
        }
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
        let answer = M::handle(&group.replica(server, client, deadline), request).await;
        if fate.reply_lost || !group.is_reachable(server) {
            return silence().await;
        }
        answer
    }
}

impl Fate {
    fn draw(profile: &NetworkProfile, rng: &mut Stream) -> Self {
        let mut rng = rng.fork();
        let copies = if profile.request.loss == Chance::NEVER { Chance::NEVER } else { COPIES };
        Self {
            failure_delay: rng.between(Duration::ZERO, CALL_TIMEOUT),
            request_delay: rng.between(Duration::ZERO, profile.request.delay_max),
            request_lost: rng.happens(profile.request.loss),
            reply_lost: rng.happens(profile.reply.loss),
            copy_delay: rng.happens(copies).then(|| rng.between(Duration::ZERO, COPY_DELAY_MAX)),
        }
    }
}

/// Lets a request be handled once more; no one waits for the answer.
async fn deliver_copy<M: Service>(
    group: Group<M>,
    server: usize,
    client: ClientId,
    request: M::Request,
    delay: Duration,
) {
    group.cluster().sleep(delay).await;
    if group.is_reachable(server) {
        let deadline = group.cluster().now().after(group.call_timeout());
        drop(M::handle(&group.replica(server, client, deadline), request).await);
    }
}

/// Rate of requests that come twice.
const COPIES: Chance = Chance::percent(5);

/// Longer than clients wait for an answer, and time for some more requests of theirs.
const COPY_DELAY_MAX: Duration = Duration::from_millis(500);

/// Links of one client to the servers of a group.
pub struct Reach<M: Service> {
    /// The servers.
    pub group: Group<M>,
    /// The client.
    pub client: ClientId,
    /// The servers, in the order in which it asks them.
    pub servers: Vec<usize>,
    /// Those that its links reach; a call to another one fails.
    pub enabled: Cell<PeerSet>,
    /// The calls of the run.
    pub calls: Calls,
    /// The client's own draws.
    pub rng: RefCell<Stream>,
}

impl<M: Service> Reach<M> {
    /// Links to these servers, which are asked in a random order.
    #[must_use]
    pub fn new(group: &Group<M>, client: ClientId, calls: &Calls, enabled: PeerSet) -> Self {
        let mut rng = group.cluster().client_rng(client);
        let mut servers: Vec<usize> = (0..group.cluster().size()).collect();
        for position in (1..servers.len()).rev() {
            servers.swap(position, rng.index(position + 1));
        }
        Self {
            group: group.clone(),
            client,
            servers,
            enabled: Cell::new(enabled),
            calls: calls.clone(),
            rng: RefCell::new(rng),
        }
    }
}

impl<M: Service> Servers for Reach<M> {
    type Request = M::Request;
    type Reply = M::Reply;

    fn count(&self) -> usize {
        self.servers.len()
    }

    async fn call(&self, server: usize, request: M::Request) -> Result<M::Reply, Rejection> {
        let at = self.servers[server];
        let enabled = self.enabled.get().contains(at);
        let link = if enabled { Connection::Up } else { Connection::Cut };
        let target = Target { group: &self.group, server: at, link };
        let reply = self.calls.call(target, self.client, &self.rng, request).await;
        reply.map_err(|rejection| match rejection {
            // Servers name each other by their numbers, clients by their own.
            Rejection::NotLeader { leader: Some(leader) } => Rejection::NotLeader {
                leader: self.servers.iter().position(|server| *server == leader),
            },
            other @ (Rejection::NotLeader { leader: None }
            | Rejection::LeadershipLost
            | Rejection::NoAnswer) => other,
        })
    }

    async fn pause(&self, duration: Duration) {
        self.group.cluster().sleep(duration).await;
    }

    fn now(&self) -> Duration {
        self.group.cluster().now().since(Instant::START)
    }
}
