//! The start of a node: check the settings, read the store, open the network, start the tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::network::{Addresses, OpenTransport, Requirements};
use super::{Builder, OpenStorage, StartMode};
use crate::cluster_view::ClusterView;
use crate::config::{Config, ValidConfig};
use crate::driver::admission::Admission;
use crate::driver::apply::job::Job;
use crate::driver::apply::{Applier, applied_through, restore};
use crate::driver::clock::Clock;
use crate::driver::core_task::links::{ViewKey, view_of};
use crate::driver::core_task::request::Request;
use crate::driver::core_task::snapshot_schedule::{self, SnapshotSchedule};
use crate::driver::core_task::{CoreTask, Timeouts, Timer};
use crate::driver::disk::Disk;
use crate::driver::error::StartError;
use crate::driver::handle::Raft;
use crate::driver::machine::Machine;
use crate::driver::mailbox::Mailbox;
use crate::driver::metrics::Metrics;
use crate::driver::settings::Settings;
use crate::driver::shared::Shared;
use crate::driver::snapshots::Snapshots;
use crate::driver::status::{DiskState, Status, StatusCell};
use crate::driver::stored_entries::StoredEntries;
use crate::driver::tracing_sink::TracingSink;
use crate::driver::waiters::Waiters;
use crate::entry::Entry;
use crate::membership::Address;
use crate::node::{Jitter, Node};
use crate::persistent_state::PersistentState;
use crate::storage::{EntryReader, Storage, StorageError};
use crate::trace::Sink;
use crate::transport::{Inbox, InboxSink, Transport};
use crate::types::{EntryId, Index, PeerId, ReadId};
use crate::verbose::{self, BadVariable, Logger};

/// The checked settings of a builder.
pub(super) struct ValidBuilder<M> {
    machine: M,
    store: OpenStorage,
    network: OpenTransport,
    addresses: Addresses,
    config: ValidConfig,
    /// Addresses of known peers, members or not.
    known: BTreeMap<PeerId, Address>,
    clock: Arc<dyn Clock>,
    jitter: Box<dyn Jitter + Send>,
    settings: Settings,
    sink: Option<Box<dyn Sink + Send>>,
}

/// The loaded state, with the state machine restored from its snapshot.
struct Loaded<M> {
    config: ValidConfig,
    storage: Box<dyn Storage>,
    entry_reader: Option<Box<dyn EntryReader>>,
    stored: PersistentState,
    skipped: BTreeSet<EntryId>,
    machine: M,
    /// The last entry in the machine's state.
    last_applied: EntryId,
    /// The entries through the snapshot that it lacks.
    missed: Vec<Entry>,
}

impl<M: Machine> Builder<M> {
    /// Checks everything that needs neither disk nor network.
    pub(super) fn check(self) -> Result<ValidBuilder<M>, StartError> {
        let missing = |what, call| StartError::Missing { what, call };
        if self.peers.is_empty() && self.start == StartMode::Bootstrap {
            return Err(missing("cluster", "peers` or `join"));
        }
        let machine = self.machine.ok_or(missing("state machine", "state_machine"))?;
        let mut stores = self.store.into_iter();
        let store = stores.next().ok_or(missing("store", "data_dir` or `storage"))?;
        if stores.next().is_some() {
            return Err(StartError::Conflict { one: "data_dir", other: "storage" });
        }
        self.settings.check()?;
        let peers: Vec<_> = self.peers.iter().map(|peer| peer.id).collect();
        let known = self.peers.into_iter().filter_map(|peer| Some((peer.id, peer.address?.into())));
        let known: BTreeMap<_, _> = known.collect();
        let command_bytes_max = self.settings.command_bytes_max;
        let required = Requirements { peers: &peers, addresses: &known, command_bytes_max };
        let needed = self.network.addresses();
        let network = self.network.check(&required)?;
        let (peers, addresses) = match self.start {
            StartMode::Bootstrap => (peers, known.clone()),
            StartMode::Join => (Vec::new(), BTreeMap::new()),
        };
        let read_timeout = self.settings.deadline;
        let config = Config { id: self.id, peers, addresses, read_timeout, ..self.config };
        Ok(ValidBuilder {
            machine,
            store,
            network,
            addresses: needed,
            config: config.validate()?,
            known,
            clock: self.clock,
            jitter: self.jitter,
            settings: self.settings,
            sink: self.sink.map_or_else(logger, |sink| Ok(Some(sink)))?,
        })
    }
}

/// The log enabled by `VERBOSE`.
fn logger() -> Result<Option<Box<dyn Sink + Send>>, BadVariable> {
    let Some(settings) = verbose::Settings::from_env()? else { return Ok(None) };
    Ok(Some(Box::new(Logger::new(settings, Box::new(std::io::stdout())))))
}

impl<M: Machine> ValidBuilder<M> {
    pub(super) async fn start(self) -> Result<Raft<M>, StartError> {
        let Self { machine, store, network, addresses, config, known, clock, .. } = self;
        let (jitter, settings, sink) = (self.jitter, self.settings, self.sink);
        let id = config.settings().id;
        let loaded = load(store, config, machine).await?;
        let Loaded { config, storage, entry_reader, stored, last_applied, .. } = loaded;
        let last_snapshot = stored.snapshot.as_ref().map_or(0, |snapshot| snapshot.data.len());
        let snapshot_bytes_max = config.settings().snapshot_bytes_max;
        let timeouts = Timeouts::of(&config, &settings);
        let transport = network(config.settings())?;
        let mut node = Node::new(config, stored, clock.now(), jitter)?;
        // It could not even reply to the leader that adds it.
        let knows_none = node.membership().is_empty() && known.keys().all(|peer| *peer == id);
        if addresses == Addresses::Needed && knows_none {
            let what = "addresses of the cluster to join";
            return Err(StartError::Missing { what, call: "peers" });
        }
        node.set_sink(Box::new(TracingSink::new(sink)));
        let mut status = Status::of(&node);
        status.last_applied = last_applied.index;
        let shared = Arc::new(Shared {
            id,
            admission: Arc::new(Admission::new(settings.pending_max, settings.pending_bytes_max)),
            settings,
            clock,
            requests: Mailbox::default(),
            jobs: Mailbox::default(),
            waiters: Waiters::default(),
            status: StatusCell::new(status),
            metrics: Metrics::new(id),
            snapshots: Snapshots::new(snapshot_bytes_max),
            entries: Arc::new(StoredEntries::new(entry_reader)),
            stopped: OnceLock::new(),
        });
        let view = view_of(&node, known.get(&id));
        let transport = connect(transport, &view, &known, &node, &shared)?;
        let disk = start_disk(storage, &shared)?;
        shared.metrics.start();
        let place = snapshot_schedule::rank(id, None, node.membership().voters());
        // Before all others.
        let _ = shared.jobs.put(Job::Apply(loaded.missed.into_iter(), shared.clock.now()));
        let (machine, skipped) = (loaded.machine, loaded.skipped);
        let applier = Applier::new(machine, skipped, last_applied, Arc::clone(&shared));
        let core = CoreTask {
            addresses: node.address_book().clone(),
            view,
            view_key: ViewKey::of(&node),
            now: shared.clock.now(),
            node,
            disk,
            disk_state: DiskState::Healthy,
            member: None,
            transport,
            timeouts,
            led_term: None,
            new_waiters: Vec::new(),
            reads: BTreeMap::new(),
            next_read: ReadId::new(1),
            change: None,
            transfers: Vec::new(),
            snapshots: SnapshotSchedule::new(shared.settings.snapshots, last_snapshot, place),
            snapshot_bytes_max,
            stop: None,
            timer: Timer::default(),
            requests: Vec::new(),
            applier: tokio::spawn(applier.run()),
            shared: Arc::clone(&shared),
        };
        tokio::spawn(core.run());
        Ok(Raft::new(shared))
    }
}

/// Gives the transport all addresses and starts to receive. Stored addresses are newer than the
/// builder's.
fn connect<M: Machine>(
    mut transport: Box<dyn Transport>,
    view: &Arc<ClusterView>,
    known: &BTreeMap<PeerId, Address>,
    node: &Node,
    shared: &Arc<Shared<M>>,
) -> Result<Box<dyn Transport>, StartError> {
    transport.set_view(view);
    let mut addresses = known.clone();
    let book = node.address_book().iter();
    addresses.extend(book.filter_map(|(peer, at)| Some((*peer, Address::clone(at.as_ref()?)))));
    for (peer, address) in addresses.iter().filter(|(peer, _)| **peer != shared.id) {
        transport.set_address(*peer, address);
    }
    let sink: Arc<dyn InboxSink> = Arc::<Shared<M>>::clone(shared);
    transport.start(Inbox::from_sink(sink))?;
    Ok(transport)
}

/// Reads the store and restores its snapshot, on a thread that may block.
async fn load<M: Machine>(
    store: OpenStorage,
    config: ValidConfig,
    mut machine: M,
) -> Result<Loaded<M>, StartError> {
    let work = tokio::task::spawn_blocking(move || {
        let mut storage = store(config.settings().id)?;
        let stored = storage.load_recent(config.settings().cache_bytes_max)?;
        let mut entry_reader = storage.entry_reader();
        let config = match entry_reader {
            Some(_) => config,
            None => config.without_cache_limit(),
        };
        let skipped = storage.skipped_entries()?;
        let applied = applied_through(&mut machine)?;
        let kept = config.settings().trailing_bytes_max;
        let missed = missed_entries(&stored, entry_reader.as_deref_mut(), applied, kept)?;
        let last_applied = match &stored.snapshot {
            Some(snapshot) if snapshot.index() > applied.index && missed.is_empty() => {
                restore(&mut machine, snapshot)?;
                snapshot.last_included
            }
            Some(_) | None => {
                check_applied(&stored, applied)?;
                applied
            }
        };
        Ok(Loaded { config, storage, entry_reader, stored, skipped, machine, last_applied, missed })
    });
    match work.await {
        Ok(loaded) => loaded,
        Err(error) => Err(StartError::Thread(std::io::Error::other(error))),
    }
}

/// The entries that lead from the state machine's own state to the snapshot, if the log has kept them, and they
/// have fewer bytes than the snapshot.
///
/// Those that are not in memory are read, up to `bytes_max`.
///
/// # Errors
/// They cannot be read.
fn missed_entries(
    stored: &PersistentState,
    reader: Option<&mut (dyn EntryReader + 'static)>,
    applied: EntryId,
    bytes_max: u64,
) -> Result<Vec<Entry>, StorageError> {
    let Some(snapshot) = &stored.snapshot else { return Ok(Vec::new()) };
    let (from, through) = (applied.index, snapshot.index());
    if from == Index::ZERO || stored.term_at(from) != Some(applied.term) {
        return Ok(Vec::new());
    }
    let in_store = stored.earlier.runs.last().is_some_and(|last| last.index > from);
    let missed = match reader {
        Some(reader) if in_store && from < through => {
            reader.read(from.next(), through, bytes_max.min(snapshot.data.len()))?
        }
        Some(_) | None => stored.read(from.next(), through, snapshot.data.len()),
    };
    let bytes: u64 = missed.iter().map(|entry| entry.encoded_len() as u64).sum();
    let is_whole = missed.len() as u64 == through.since(from) && bytes < snapshot.data.len();
    Ok(if is_whole { missed } else { Vec::new() })
}

/// Checks that the store holds the last entry in the state machine's own state: it was applied from there.
fn check_applied(stored: &PersistentState, applied: EntryId) -> Result<(), StartError> {
    let held = stored.term_at(applied.index).map(|term| EntryId::new(term, applied.index));
    if held == Some(applied) {
        return Ok(());
    }
    let end = || format!("ends with {}", stored.last());
    let held = held.map_or_else(end, |it| format!("has {it} there"));
    Err(StartError::OtherState { applied, held })
}

fn start_disk<M: Machine>(
    storage: Box<dyn Storage>,
    shared: &Arc<Shared<M>>,
) -> Result<Disk, StartError> {
    let requests = Arc::clone(shared);
    let report = move |report| {
        // The core task may have ended.
        let _ = requests.requests.put(Request::Disk(report));
    };
    let started = Disk::start(storage, format!("raft-disk-{}", shared.id), report);
    let (disk, space) = started.map_err(StartError::Thread)?;
    shared.snapshots.use_space(space);
    Ok(disk)
}

impl Timeouts {
    fn of(config: &ValidConfig, settings: &Settings) -> Self {
        let leader_wait = config.settings().election_timeout_max;
        Self {
            disk_timeout: settings.disk_timeout.unwrap_or(leader_wait),
            outcome_timeout: settings.outcome_timeout.unwrap_or(leader_wait),
            leader_wait,
        }
    }
}
