//! One server's peer: its store, its driver and its replica.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use raft::driver::{Settings, SnapshotPolicy};
use raft::storage::DiskStorage;
use raft::{PeerId, Raft};
use services::driver::{Driven, DriverReplica};
use services::state_machine::StateMachine;
use tokio::net::TcpListener;

use crate::arguments::Place;

/// A running server, before it answers clients.
pub(crate) struct Peer<M: StateMachine> {
    pub(crate) replica: DriverReplica<M>,
    /// HTTP addresses of all servers of the group.
    pub(crate) servers: Arc<[SocketAddr]>,
    pub(crate) listener: TcpListener,
}

/// Starts a server's peer; `observe` is called with each state.
pub(crate) async fn start<M: StateMachine>(
    cluster: String,
    place: Place,
    initial: M,
    observe: impl FnMut(&M) + Send + 'static,
) -> Result<Peer<M>, Box<dyn Error>> {
    let Place { id, directory, peers, election_timeout, snapshot_after } = place;
    let at = usize::try_from(id)?.checked_sub(1).filter(|at| *at < peers.len());
    let at = at
        .ok_or_else(|| format!("ID {id} must be from 1 to {}, the number of PEERs", peers.len()))?;
    let servers: Arc<[_]> = peers.iter().map(|peer| peer.http.0).collect();
    let failed = |error| format!("cannot listen on {}: {error}", servers[at]);
    let listener = TcpListener::bind(servers[at]).await.map_err(failed)?;
    let raft_addresses = peers.iter().map(|peer| peer.raft.0.to_string());
    let timeout = Duration::from_millis(election_timeout);
    let every = SnapshotPolicy { entries: Some(snapshot_after), ..SnapshotPolicy::DEFAULT };
    // Opening reads the whole log, which may take a while.
    let open = move || DiskStorage::open(&directory, PeerId::new(id));
    let store = tokio::task::spawn_blocking(open).await??;
    let raft = Raft::builder(id)
        .cluster(cluster)
        .listen(peers[at].raft.0.to_string())
        .peers((1..).zip(raft_addresses))
        .storage(store)
        .election_timeout(timeout, 2 * timeout)
        .heartbeat_interval(timeout / 5)
        // A shard moves as one command.
        .settings(Settings {
            snapshots: every,
            command_bytes_max: COMMAND_BYTES_MAX,
            ..Settings::default()
        })
        .state_machine(Driven::new(initial, observe))
        .start()
        .await?;
    let replica = DriverReplica { raft, deadline: DEADLINE };
    Ok(Peer { replica, servers, listener })
}

/// The largest shard, a little more than its keys, values and sessions.
const COMMAND_BYTES_MAX: usize = 64 << 20;

/// Longest time for a command.
const DEADLINE: Duration = Duration::from_secs(5);
