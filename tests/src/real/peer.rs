//! One real peer: a driver that may be down, its store that stays, its place in the network.

use std::path::PathBuf;

use raft::driver::{Raft, RunState, Settings as DriverSettings, SnapshotPolicy, Status};
use raft::storage::DiskStorage;
use raft::transport::tcp::{TcpOptions, TcpTransport};
use raft::{Bytes, EntryId};

use super::Parts;
use super::audited_storage::Account;
use super::service::{Opaque, RealService};
use super::sink::PeerSink;
use crate::failure::Failure;
use crate::world::{PeerJitter, config, peer_id};

/// One peer.
pub(super) struct Peer {
    server: usize,
    pub(super) running: Option<Raft<RealService>>,
    /// How often it has started.
    pub(super) life: u32,
    folder: PathBuf,
    pub(super) account: Account,
}

impl Peer {
    pub(super) fn new(server: usize, folder: PathBuf) -> Self {
        Self { server, running: None, life: 0, folder, account: Account::default() }
    }

    pub(super) const fn runs(&self) -> bool {
        self.running.is_some()
    }

    pub(super) fn status(&self) -> Option<Status> {
        self.running.as_ref().map(Raft::status)
    }

    /// Starts a new life from what the store holds.
    pub(super) fn start(&mut self, parts: &Parts) -> Result<(), Failure> {
        self.life += 1;
        let server = self.server;
        self.running = Some(self.begin(parts).map_err(|error| {
            Failure::expected(format_args!("peer {server} cannot start: {error}"))
        })?);
        Ok(())
    }

    fn begin(
        &self,
        parts: &Parts,
    ) -> Result<Raft<RealService>, Box<dyn std::error::Error + Send + Sync>> {
        let id = peer_id(self.server);
        let settings = &parts.settings;
        let storage = self.account.of(DiskStorage::open(&self.folder, id)?);
        let options = TcpOptions { cluster: parts.cluster.clone(), ..TcpOptions::default() };
        let transport = TcpTransport::plain(id, &parts.address(self.server))?.with(options)?;
        let others = (0..settings.peers).map(|server| (peer_id(server), parts.address(server)));
        let wanted = config(self.server, settings, parts.links.next_message(self.server));
        let builder = Raft::builder(id)
            .peers(others)
            .storage(storage)
            .transport(parts.links.around(transport))
            .clock(parts.clock)
            .jitter(PeerJitter::new(parts.seed, self.server))
            .sink(PeerSink::new(parts.logger.clone(), parts.elections.clone(), parts.given.clone()))
            .state_machine(parts.given.service(self.server, settings.snapshots))
            .configure(|config| *config = wanted)
            .settings(DriverSettings {
                snapshots: SnapshotPolicy::NEVER,
                ..DriverSettings::default()
            });
        Ok(parts.runtime.block_on(builder.start())?)
    }

    /// Ends the life without farewell. Returns when the store is let go.
    pub(super) fn crash(&mut self, parts: &Parts) {
        if let Some(raft) = self.running.take() {
            parts.runtime.block_on(raft.kill());
        }
    }

    /// Offers a command: its place in the log if the peer believes it leads.
    pub(super) fn propose(&self, parts: &Parts, command: Bytes) -> Option<EntryId> {
        let raft = self.running.as_ref()?;
        let appended = parts.runtime.block_on(raft.append(Opaque(command)));
        appended.ok().map(|appended| appended.id())
    }

    /// Why the peer has ended although nobody crashed it.
    pub(super) fn ended(&self) -> Option<Failure> {
        match self.status()?.run {
            RunState::Running => None,
            RunState::Stopped(reason) => {
                let server = self.server;
                Some(Failure::expected(format_args!("peer {server} to go on, it ended: {reason}")))
            }
        }
    }
}
