//! One real peer: a driver that may be down, its store that stays, its address.

use std::path::PathBuf;

use raft::driver::{
    Raft, RunState, Settings as DriverSettings, SnapshotPolicy, StateMachine, Status,
};
use raft::storage::DiskStorage;
use raft::transport::tcp::{TcpOptions, TcpTransport};
use raft::{Bytes, EntryId};

use super::audited_storage::DurabilityAudit;
use super::context::RunContext;
use super::service::Opaque;
use super::sink::PeerSink;
use crate::failure::Failure;
use crate::world::{PeerJitter, config, peer_id};

/// One peer.
pub(super) struct Peer<S: StateMachine> {
    server: usize,
    pub(super) running: Option<Raft<S>>,
    /// Number of starts.
    pub(super) life: u32,
    directory: PathBuf,
    pub(super) audit: DurabilityAudit,
}

impl<S: StateMachine<Command = Opaque>> Peer<S> {
    pub(super) fn new(server: usize, directory: PathBuf) -> Self {
        Self { server, running: None, life: 0, directory, audit: DurabilityAudit::default() }
    }

    pub(super) const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub(super) fn status(&self) -> Option<Status> {
        self.running.as_ref().map(Raft::status)
    }

    /// Starts a new incarnation from the store.
    pub(super) fn start(&mut self, context: &RunContext, machine: S) -> Result<(), Failure> {
        self.life += 1;
        let server = self.server;
        self.running = Some(self.build(context, machine).map_err(|error| {
            Failure::expected(format_args!("peer {server} cannot start: {error}"))
        })?);
        Ok(())
    }

    fn build(
        &self,
        context: &RunContext,
        machine: S,
    ) -> Result<Raft<S>, Box<dyn std::error::Error + Send + Sync>> {
        let number = |server| peer_id(context.first_peer + server);
        let id = number(self.server);
        let settings = &context.settings;
        let storage = self.audit.of(DiskStorage::open(&self.directory, id)?);
        let options = TcpOptions { cluster: context.cluster.clone(), ..TcpOptions::default() };
        let transport = TcpTransport::plain(id, &context.address(self.server))?.with(options)?;
        let others = (0..settings.peers).map(|server| (number(server), context.address(server)));
        let wanted = config(
            context.first_peer,
            self.server,
            settings,
            context.links.next_message(self.server),
        );
        let builder = Raft::builder(id)
            .peers(others)
            .storage(storage)
            .transport(context.links.wrap(transport))
            .clock(context.clock)
            .jitter(PeerJitter::new(context.seed, self.server))
            .sink(PeerSink::new(
                context.logger.clone(),
                context.elections.clone(),
                context.records.clone(),
            ))
            .state_machine(machine)
            .configure(|config| *config = wanted)
            .settings(DriverSettings {
                snapshots: SnapshotPolicy::NEVER,
                ..DriverSettings::default()
            });
        Ok(context.runtime.block_on(builder.start())?)
    }

    /// Kills the driver without a shutdown. Returns when the store is released.
    pub(super) fn crash(&mut self, context: &RunContext) {
        if let Some(raft) = self.running.take() {
            context.runtime.block_on(raft.kill());
        }
    }

    /// Proposes a command: its entry's id if the peer believes it leads.
    pub(super) fn propose(&self, context: &RunContext, command: Bytes) -> Option<EntryId> {
        let raft = self.running.as_ref()?;
        let appended = context.runtime.block_on(raft.append(Opaque(command)));
        appended.ok().map(|appended| appended.id())
    }

    /// Failure of a peer that ended without being crashed.
    pub(super) fn unexpected_exit(&self) -> Option<Failure> {
        match self.status()?.run {
            RunState::Running => None,
            RunState::Stopped(reason) => {
                let server = self.server;
                Some(Failure::expected(format_args!("peer {server} to run on, it ended: {reason}")))
            }
        }
    }
}
