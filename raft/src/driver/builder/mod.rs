//! The builder of a node: missing or invalid settings are errors before anything starts.

mod network;
mod start;

use std::sync::Arc;
use std::time::Duration;

use self::network::Network;
use super::clock::{Clock, SystemJitter, TokioClock, first_message_id, incarnation};
use super::error::StartError;
use super::handle::Raft;
use super::machine::Machine;
use super::settings::Settings;
use crate::config::{Config, LostStore};
use crate::node::Jitter;
use crate::storage::{Storage, StorageError};
use crate::trace::Sink;
use crate::transport::Transport;
use crate::types::PeerId;

/// A peer of the cluster, with its address on a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its id.
    pub id: PeerId,
    /// Its address.
    pub address: Option<String>,
}

impl From<PeerId> for Peer {
    fn from(id: PeerId) -> Self {
        Self { id, address: None }
    }
}

impl From<u64> for Peer {
    fn from(id: u64) -> Self {
        Self { id: PeerId::new(id), address: None }
    }
}

impl<I: Into<PeerId>, A: Into<String>> From<(I, A)> for Peer {
    fn from((id, address): (I, A)) -> Self {
        Self { id: id.into(), address: Some(address.into()) }
    }
}

/// Settings of a peer: cluster, state machine, store and network. Everything else has a default.
///
/// The default timeouts are longer than the paper's, which [`Config::new`] has for simulations:
/// real disks and busy machines pause for longer.
#[must_use = "a builder does nothing until it is started"]
pub struct Builder<M: Machine> {
    id: PeerId,
    peers: Vec<Peer>,
    start: StartMode,
    machine: Option<M>,
    store: Vec<OpenStorage>,
    network: Network,
    clock: Arc<dyn Clock>,
    jitter: Box<dyn Jitter + Send>,
    sink: Option<Box<dyn Sink + Send>>,
    config: Config,
    settings: Settings,
}

/// Role of a peer at its first start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StartMode {
    /// A voter of a new cluster.
    Bootstrap,
    /// A non-member that waits to be added to a running cluster.
    Join,
}

/// Opens a peer's store, on a thread that may block.
type OpenStorage = Box<dyn FnOnce(PeerId) -> Result<Box<dyn Storage>, StorageError> + Send>;

impl<M: Machine> Raft<M> {
    /// A builder of a peer.
    pub fn builder(id: impl Into<PeerId>) -> Builder<M> {
        Builder::new(id.into())
    }
}

impl<M: Machine> Builder<M> {
    pub(super) fn new(id: PeerId) -> Self {
        Self {
            id,
            peers: Vec::new(),
            start: StartMode::Bootstrap,
            machine: None,
            store: Vec::new(),
            network: Network::default(),
            clock: Arc::new(TokioClock),
            jitter: Box::new(SystemJitter),
            sink: None,
            config: Config {
                election_timeout_min: Duration::from_millis(500),
                election_timeout_max: Duration::from_millis(1000),
                heartbeat_interval: Duration::from_millis(100),
                commit_notice_delay: Duration::from_millis(1),
                cache_bytes_max: 64 << 20,
                first_message_id: first_message_id(),
                incarnation: Some(incarnation(id)),
                ..Config::new(id, Vec::new())
            },
            settings: Settings::default(),
        }
    }

    /// All peers of a new cluster including this one: ids, or ids with addresses. The same at each of
    /// them: a new cluster begins once all of its peers have been started. They are stored with the
    /// first start; a later one with other peers is an error, as members of a running cluster are
    /// changed by [`Raft::change_membership`].
    pub fn peers<P: Into<Peer>>(mut self, peers: impl IntoIterator<Item = P>) -> Self {
        self.peers = peers.into_iter().map(Into::into).collect();
        self
    }

    /// Joins a running cluster: the peer waits until a leader adds it. `peers` then only gives the
    /// addresses of the others. A peer that has been a member before does not need this.
    pub const fn join(mut self) -> Self {
        self.start = StartMode::Join;
        self
    }

    /// The replicated state machine, in its initial state.
    pub fn state_machine(mut self, machine: M) -> Self {
        self.machine = Some(machine);
        self
    }

    /// Keeps term, vote, log and snapshots in this directory, created if missing. See
    /// [`DiskStorage`](crate::storage::DiskStorage).
    #[cfg(feature = "disk")]
    pub fn data_dir(mut self, directory: impl Into<std::path::PathBuf>) -> Self {
        let directory = directory.into();
        let open = move |id| -> Result<Box<dyn Storage>, _> {
            Ok(Box::new(crate::storage::DiskStorage::open(directory, id)?))
        };
        self.store.push(Box::new(open));
        self
    }

    /// Keeps term, vote, log and snapshots in this store.
    pub fn storage(mut self, storage: impl Storage) -> Self {
        self.store.push(Box::new(|_| Ok(Box::new(storage))));
        self
    }

    /// Sends and receives through this transport.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.network.transport = Some(Box::new(transport));
        self
    }

    /// Sends and receives over TCP, listening on this address (`host:port`). Needs [`Builder::tls`]
    /// or [`Builder::plain_tcp`], unless all addresses are loopback addresses.
    #[cfg(feature = "tcp")]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.network.tcp.listen = Some(address.into());
        self
    }

    /// Protects TCP connections by mutual TLS with certificates from these files: peers whose
    /// certificate does not name them are rejected.
    #[cfg(feature = "tcp")]
    pub fn tls(mut self, files: crate::transport::tcp::TlsFiles) -> Self {
        self.network.tcp.security = Some(network::tcp::Security::Tls(files));
        self
    }

    /// Sends messages over TCP unencrypted and unauthenticated: anyone on the network can read and
    /// write the log.
    #[cfg(feature = "tcp")]
    pub fn plain_tcp(mut self) -> Self {
        self.network.tcp.security = Some(network::tcp::Security::Plain);
        self
    }

    /// The cluster's name (default: none). Peers of clusters with other names reject each other.
    #[cfg(feature = "tcp")]
    pub fn cluster(mut self, name: impl Into<String>) -> Self {
        self.network.tcp.cluster = name.into();
        self
    }

    /// The leader's reaction to a member that comes back without its data (default:
    /// [`LostStore::Report`]).
    pub const fn lost_store(mut self, reaction: LostStore) -> Self {
        self.config.lost_store = reaction;
        self
    }

    /// Uses this clock instead of tokio's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Draws election timeouts from this source instead of the system's randomness.
    pub fn jitter(mut self, jitter: impl Jitter + Send + 'static) -> Self {
        self.jitter = Box::new(jitter);
        self
    }

    /// Sends protocol events to this sink instead of the log enabled by `VERBOSE`.
    pub fn sink(mut self, sink: impl Sink + Send + 'static) -> Self {
        self.sink = Some(Box::new(sink));
        self
    }

    /// Bounds of the election timeout, the time without a leader before an election (default: 500
    /// ms and 1 s).
    pub const fn election_timeout(mut self, min: Duration, max: Duration) -> Self {
        self.config.election_timeout_min = min;
        self.config.election_timeout_max = max;
        self
    }

    /// Interval of an idle leader's heartbeats (default: 100 ms).
    pub const fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.config.heartbeat_interval = interval;
        self
    }

    /// Changes any setting of the protocol. `id`, `peers`, `addresses` and `read_timeout` are
    /// overwritten by the builder.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Sets the driver's own limits.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Starts the peer, inside a tokio runtime with its time enabled.
    ///
    /// # Errors
    /// A missing or invalid setting, with the method to call; or an error of the store, the
    /// transport or the state machine.
    pub async fn start(self) -> Result<Raft<M>, StartError> {
        self.check()?.start().await
    }
}
