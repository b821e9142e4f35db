//! Open reads: those that peers have accepted and not ended yet.
//!
//! A read must see everything that was committed anywhere when it was asked for (Ongaro's
//! dissertation §6.4). Clients alone could not check that: they see only answers.

use raft::role::Role;
use raft::{Index, ReadDropReason, ReadId, RoleName};

use super::open_reads::{OpenRead, Reader};
use super::state::World;
use crate::case::PeerSet;
use crate::coverage::Mark;
use crate::failure::Failure;
use crate::invariants::read_deadline::{self, AcceptedRead};
use crate::invariants::read_index::{self, ServedRead};
use crate::kv::Request;

impl World {
    /// Asks a peer for a read on behalf of a client: its name if the peer takes it.
    pub fn request_read(&mut self, server: usize, request: &Request) -> Option<ReadId> {
        let name = self.begin_read(server, Reader::Client(*request))?;
        self.open_requests.record_read(request.client, request.serial);
        Some(name)
    }

    /// Asks a peer for a read on behalf of its hosted service: its name if the peer takes it. The
    /// service is told when it may be served.
    pub fn begin_service_read(&mut self, server: usize) -> Option<ReadId> {
        self.begin_read(server, Reader::Service)
    }

    fn begin_read(&mut self, server: usize, reader: Reader) -> Option<ReadId> {
        if self.is_paused(server) {
            return None;
        }
        let name = ReadId::new(self.reads.next);
        let peer = &mut self.peers[server];
        let local = peer.clock.local_time(self.now);
        peer.node.as_mut()?.read(local, name).ok()?;
        self.reads.next += 1;
        let (committed, asked_at) = (self.committed, self.now);
        let deadline = local.after(self.settings.timing.read());
        let read = OpenRead { server, reader, committed, asked_at, deadline };
        self.reads.open.insert(name, read);
        self.trace.number(name.number() ^ (server as u64) << 32 ^ 8 << 40);
        self.cover_read(server);
        self.mark_touched(server);
        Some(name)
    }

    /// Returns whether a read has not ended yet.
    #[must_use]
    pub fn is_read_open(&self, read: ReadId) -> bool {
        self.reads.open.contains_key(&read)
    }

    /// Checks that no healthy peer keeps a read for longer than its limit.
    ///
    /// # Errors
    /// One does.
    pub fn check_hanging_reads(&self, well: PeerSet) -> Result<(), Failure> {
        // The slowest clock goes at half the world's rate.
        let limit = self.settings.timing.read() * 2 + self.settings.late_polls.delay_max;
        let hangs =
            self.reads.open.iter().find(|(_, read)| {
                well.contains(read.server) && self.now.since(read.asked_at) > limit
            });
        hangs.map_or(Ok(()), |(name, read)| {
            Err(Failure::Liveness(format!(
                "read {name} of {} hangs: peer {} has had it for {:?}",
                read.reader,
                read.server,
                self.now.since(read.asked_at)
            )))
        })
    }

    /// Completes a read that a peer serves.
    pub(super) fn complete_read(
        &mut self,
        server: usize,
        name: ReadId,
        index: Index,
    ) -> Result<(), Failure> {
        let witness = self.witness(server);
        let service = &self.peers[server].service;
        let Some(read) = self.reads.open.remove(&name).filter(|read| read.server == server) else {
            return Err(Failure::expected(format_args!(
                "{witness} serves read {name}, which is not open"
            )));
        };
        let OpenRead { reader, committed, .. } = read;
        let applied = service.last_applied();
        let served = ServedRead { committed, index, applied };
        read_index::check(witness, format_args!("read {name} of {reader}"), served)?;
        match reader {
            Reader::Client(Request { client, serial, operation, .. }) => {
                let value = service.value(operation.key()).unwrap_or_default();
                self.open_requests.record_served(client, serial, self.events, value);
            }
            Reader::Service => {
                service.hosted().iter().for_each(|service| service.borrow_mut().read_ready(name));
            }
        }
        self.trace.number(name.number() ^ index.number() << 32 ^ 9 << 40);
        if self.status(server).is_some_and(|status| status.role != RoleName::Leader) {
            self.coverage.hit(Mark::ReadByFollower);
        }
        Ok(())
    }

    /// Ends a read that a peer drops.
    pub(super) fn drop_read(
        &mut self,
        server: usize,
        name: ReadId,
        reason: ReadDropReason,
    ) -> Result<(), Failure> {
        let witness = self.witness(server);
        let Some(read) = self.reads.open.remove(&name).filter(|read| read.server == server) else {
            return Err(Failure::expected(format_args!(
                "{witness} drops read {name}, which is not open"
            )));
        };
        if reason == ReadDropReason::TimedOut {
            let dropped = AcceptedRead { read: name, deadline: read.deadline };
            let at = self.peers[server].clock.local_time(self.now);
            read_deadline::check_dropped(witness, dropped, at)?;
        }
        self.trace.number(name.number() ^ (server as u64) << 32 ^ 10 << 40);
        if let Some(service) = self.peers[server].service.hosted() {
            service.borrow_mut().read_dropped(name, reason);
        }
        match reason {
            ReadDropReason::LeaderLost => self.coverage.hit(Mark::ReadDropped),
            ReadDropReason::TimedOut => self.coverage.hit(Mark::ReadTimedOut),
            ReadDropReason::Rejected | _ => {}
        }
        Ok(())
    }

    /// Checks the reads that a peer has left after its outputs were taken.
    pub(super) fn check_open_reads(&mut self, server: usize) -> Result<(), Failure> {
        let ticked_at = self.peers[server].ticked_at.take();
        let Some(open) = self.reads.oldest(server) else { return Ok(()) };
        let timer = self.peers[server].node.as_ref().and_then(raft::Node::poll_timeout);
        let witness = self.witness(server);
        Ok(read_deadline::check_open(witness, open, timer, ticked_at)?)
    }

    fn cover_read(&mut self, server: usize) {
        let Some(node) = self.peers[server].node.as_ref() else { return };
        let status = node.status();
        let leads = status.role == RoleName::Leader;
        if leads && node.log().term_at(status.commit_index) != Some(status.current_term) {
            self.coverage.hit(Mark::ReadWaits);
        }
        let shown = self.peers[server].clock.local_time(self.now);
        if let Role::Leader(leader) = node.role()
            && let Some(until) = leader.reads.lease().until()
        {
            let mark = if shown < until { Mark::ReadByLease } else { Mark::LeaseOver };
            self.coverage.hit(mark);
        }
    }
}
