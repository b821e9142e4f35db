//! How a node is put together: what is missing or wrong is said before anything starts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::apply::{Applier, restore};
use super::call::Room;
use super::clock::{Clock, SystemJitter, TokioClock, first_message_id};
use super::core_task::{Alarm, CoreTask, Timing};
use super::disk::Disk;
use super::error::StartError;
use super::handle::{Raft, Shared};
use super::machine::StateMachine;
use super::mailbox::Mailbox;
use super::outputs::Snapshots;
use super::requests::Request;
use super::settings::Settings;
use super::status::{DiskState, Status};
use super::waiters::Waiters;
use crate::config::{Config, ValidConfig};
use crate::node::{Jitter, Node};
use crate::storage::Storage;
use crate::stored::Stored;
use crate::trace::Sink;
use crate::transport::{Inbox, Transport};
use crate::types::{PeerId, ReadId};
use crate::verbose::{BadVariable, Logger, Settings as Verbose};

/// A peer of the cluster, and where it is reached if that is over a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its name.
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

/// Describes a peer: who the peers are, what is replicated, where it is stored and how messages
/// travel. Everything else has a default.
#[must_use = "a builder does nothing until it is started"]
pub struct Builder<M: StateMachine> {
    id: PeerId,
    peers: Vec<Peer>,
    machine: Option<M>,
    storage: Option<Box<dyn Storage>>,
    transport: Option<Box<dyn Transport>>,
    clock: Arc<dyn Clock>,
    jitter: Box<dyn Jitter + Send>,
    sink: Option<Box<dyn Sink + Send>>,
    config: Config,
    settings: Settings,
}

impl<M: StateMachine> Builder<M> {
    pub(super) fn new(id: PeerId) -> Self {
        Self {
            id,
            peers: Vec::new(),
            machine: None,
            storage: None,
            transport: None,
            clock: Arc::new(TokioClock),
            jitter: Box::new(SystemJitter),
            sink: None,
            config: Config {
                election_timeout_min: Duration::from_millis(500),
                election_timeout_max: Duration::from_millis(1000),
                heartbeat_interval: Duration::from_millis(100),
                commit_notice_delay: Duration::from_millis(1),
                first_message_id: first_message_id(),
                ..Config::new(id, Vec::new())
            },
            settings: Settings::default(),
        }
    }

    /// All peers of the cluster, this one among them: numbers, or numbers with addresses.
    pub fn peers<P: Into<Peer>>(mut self, peers: impl IntoIterator<Item = P>) -> Self {
        self.peers = peers.into_iter().map(Into::into).collect();
        self
    }

    /// What is replicated, in its first state.
    pub fn state_machine(mut self, machine: M) -> Self {
        self.machine = Some(machine);
        self
    }

    /// Keeps term, vote, log and snapshots in this store.
    pub fn storage(mut self, storage: impl Storage) -> Self {
        self.storage = Some(Box::new(storage));
        self
    }

    /// Sends and receives by this transport.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Box::new(transport));
        self
    }

    /// Takes moments from this clock instead of tokio's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Draws election timeouts from this source instead of the system's randomness.
    pub fn jitter(mut self, jitter: impl Jitter + Send + 'static) -> Self {
        self.jitter = Box::new(jitter);
        self
    }

    /// Tells this sink what happens in the protocol, instead of the log that `VERBOSE` asks for.
    pub fn sink(mut self, sink: impl Sink + Send + 'static) -> Self {
        self.sink = Some(Box::new(sink));
        self
    }

    /// Stands for election after a time without a leader that is drawn between these two
    /// (default: 500 ms and 1 s).
    pub const fn election_timeout(mut self, min: Duration, max: Duration) -> Self {
        self.config.election_timeout_min = min;
        self.config.election_timeout_max = max;
        self
    }

    /// How often a leader that has nothing to send makes itself heard (default: 100 ms).
    pub const fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.config.heartbeat_interval = interval;
        self
    }

    /// Changes any setting of the protocol. `id`, `peers`, `addresses` and `read_timeout` are the
    /// builder's own.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Sets the driver's own limits and habits.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Starts the peer, inside a tokio runtime with its time enabled.
    ///
    /// # Errors
    /// What is missing or wrong, with the method to call; or what the store, the transport or the
    /// state machine said.
    pub async fn start(self) -> Result<Raft<M>, StartError> {
        let Parts { machine, storage, mut transport, sink, config, plan } = self.check()?;
        let sink = sink.map_or_else(logger, |sink| Ok(Some(sink)))?;
        let Loaded { storage, stored, machine } = load(storage, machine).await?;
        let last_applied = stored.base().index;

        let now = plan.clock.now();
        let timing = Timing::of(&config, &plan.settings);
        let mut node = Node::new(config, stored, now, plan.jitter)?;
        if let Some(sink) = sink {
            node.set_sink(sink);
        }
        let (inbox, received) = Inbox::new(plan.settings.inbox_len);
        let addresses = node.address_book().clone();
        for (peer, address) in addresses.iter().filter(|(peer, _)| **peer != plan.id) {
            if let Some(address) = address {
                transport.learn(*peer, address);
            }
        }
        transport.start(inbox)?;

        let mut status = Status::of(&node);
        status.last_applied = last_applied;
        let shared = Arc::new(Shared {
            id: plan.id,
            room: Arc::new(Room::new(plan.settings.calls_max, plan.settings.bytes_max)),
            settings: plan.settings,
            clock: plan.clock,
            requests: Mailbox::default(),
            jobs: Mailbox::default(),
            waiters: Waiters::default(),
            status: watch::Sender::new(status),
            stopped: std::sync::OnceLock::new(),
        });
        let disk = start_disk(storage, &shared)?;
        let applier = Applier::new(machine, last_applied, Arc::clone(&shared));
        let core = CoreTask {
            node,
            disk,
            disk_state: DiskState::Well,
            transport,
            inbox: received,
            addresses,
            timing,
            now,
            led: None,
            new_waiters: Vec::new(),
            reads: BTreeMap::new(),
            next_read: ReadId::new(1),
            snapshots: Snapshots::new(shared.settings.snapshots),
            stop: None,
            alarm: Alarm::default(),
            envelopes: Vec::new(),
            requests: Vec::new(),
            applier: tokio::spawn(applier.run()),
            shared: Arc::clone(&shared),
        };
        tokio::spawn(core.run());
        Ok(Raft::new(shared))
    }

    /// All that can be wrong without looking at disk or network.
    fn check(self) -> Result<Parts<M>, StartError> {
        let missing = |what, call| StartError::Missing { what, call };
        if self.peers.is_empty() {
            return Err(missing("cluster", "peers"));
        }
        let machine = self.machine.ok_or(missing("state machine", "state_machine"))?;
        let storage = self.storage.ok_or(missing("store", "storage"))?;
        let transport = self.transport.ok_or(missing("network", "transport"))?;
        self.settings.check()?;
        let peers = self.peers.iter().map(|peer| peer.id).collect();
        let addresses = self.peers.into_iter();
        let addresses = addresses.filter_map(|peer| Some((peer.id, peer.address?.into())));
        let config = Config {
            id: self.id,
            peers,
            addresses: addresses.collect(),
            read_timeout: self.settings.deadline,
            ..self.config
        };
        let config = config.validate()?;
        let plan =
            Plan { id: self.id, clock: self.clock, jitter: self.jitter, settings: self.settings };
        Ok(Parts { machine, storage, transport, sink: self.sink, config, plan })
    }
}

/// The log that `VERBOSE` asks for.
fn logger() -> Result<Option<Box<dyn Sink + Send>>, BadVariable> {
    let log = |settings| Logger::new(settings, Box::new(std::io::stdout()));
    Ok(Verbose::from_env()?.map(|settings| Box::new(log(settings)) as Box<dyn Sink + Send>))
}

/// A description that was checked.
struct Parts<M> {
    machine: M,
    storage: Box<dyn Storage>,
    transport: Box<dyn Transport>,
    sink: Option<Box<dyn Sink + Send>>,
    config: ValidConfig,
    plan: Plan,
}

/// The rest of it.
struct Plan {
    id: PeerId,
    clock: Arc<dyn Clock>,
    jitter: Box<dyn Jitter + Send>,
    settings: Settings,
}

/// What a store held, and the state machine in the state of its snapshot.
struct Loaded<M> {
    storage: Box<dyn Storage>,
    stored: Stored,
    machine: M,
}

/// Reads the store and restores its snapshot, on a thread that may block.
async fn load<M: StateMachine>(
    mut storage: Box<dyn Storage>,
    mut machine: M,
) -> Result<Loaded<M>, StartError> {
    let work = tokio::task::spawn_blocking(move || {
        let stored = storage.load()?;
        if let Some(snapshot) = &stored.snapshot {
            restore(&mut machine, snapshot)?;
        }
        Ok(Loaded { storage, stored, machine })
    });
    match work.await {
        Ok(loaded) => loaded,
        Err(error) => Err(StartError::Thread(std::io::Error::other(error))),
    }
}

fn start_disk<M: StateMachine>(
    storage: Box<dyn Storage>,
    shared: &Arc<Shared<M>>,
) -> Result<Disk, StartError> {
    let requests = Arc::clone(shared);
    let report = move |report| {
        // A core task that has ended needs no report.
        let _ = requests.requests.put(Request::Disk(report));
    };
    Disk::start(storage, format!("raft-disk-{}", shared.id), report).map_err(StartError::Thread)
}

impl Timing {
    fn of(config: &ValidConfig, settings: &Settings) -> Self {
        let patience = config.settings().election_timeout_max;
        Self { disk_timeout: settings.disk_timeout.unwrap_or(patience), patience }
    }
}
