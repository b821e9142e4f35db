//! Requests to peers from outside: commands, leadership transfers, resignations.

use std::sync::Arc;

use raft::{Bytes, EntryId, ProposeError};

use super::logging::LogSource;
use super::state::World;
use crate::case::Step;
use crate::coverage::Mark;
use crate::failure::Failure;
use crate::invariants::leader_contact::StepDown;
use crate::invariants::limits;
use crate::invariants::transfer;
use crate::kv::Request;

impl World {
    /// Proposes a command to a peer: its entry's id if the peer believes it leads.
    pub fn propose(&mut self, server: usize, command: Bytes, source: LogSource) -> Option<EntryId> {
        let id = self.propose_unrecorded(server, command.clone(), source)?;
        self.recorder.record_step(self.now, Step::Offer { peer: server, command });
        Some(id)
    }

    /// Asks a peer on behalf of a client: its entry's id if the peer believes it leads.
    pub fn request(&mut self, server: usize, request: &Request, padding: usize) -> Option<EntryId> {
        let source = LogSource::Client(u64::from(request.client));
        let id = self.propose_unrecorded(server, request.encode(padding), source)?;
        self.ledger.record_taken(*request);
        self.open_requests.record_taken(server, request);
        Some(id)
    }

    /// Proposes a command to a peer. A wrong answer ends the run.
    pub(super) fn propose_unrecorded(
        &mut self,
        server: usize,
        command: Bytes,
        source: LogSource,
    ) -> Option<EntryId> {
        if self.is_paused(server) {
            return None;
        }
        let peer = &mut self.peers[server];
        let node = peer.node.as_mut()?;
        let successor = node.transfer_target();
        let answer = node.propose(peer.clock.local_time(self.now), command);
        if let Err(failure) = self.check_answer(server, &answer) {
            self.fail(failure);
        }
        match answer {
            Ok(id) => {
                if successor.is_some() {
                    let violation = transfer::entry_violation(self.witness(server), "command", id);
                    self.fail(violation.into());
                }
                self.trace.number(id.index.number() ^ id.term.number() << 32);
                self.mark_touched(server);
                self.log_proposed(server, id, source);
                Some(id)
            }
            Err(error) => {
                self.cover_proposal_rejection(error);
                None
            }
        }
    }

    fn check_answer(
        &self,
        server: usize,
        answer: &Result<EntryId, ProposeError>,
    ) -> Result<(), Failure> {
        let refused = match answer {
            Ok(_) => None,
            Err(ProposeError::UncommittedFull { command, .. }) => Some(*command),
            Err(_) => return Ok(()),
        };
        let Some(node) = &self.peers[server].node else { return Ok(()) };
        let (log, status) = (node.log(), node.status());
        let limit = self.settings.limits.uncommitted_bytes;
        Ok(limits::uncommitted(self.witness(server), log, &status, refused, limit)?)
    }

    fn cover_proposal_rejection(&mut self, error: ProposeError) {
        match error {
            ProposeError::UncommittedFull { .. } => self.coverage.hit(Mark::RefusedFull),
            ProposeError::TransferInProgress { .. } => self.coverage.hit(Mark::RefusedInTransfer),
            // There is no leader, or another peer leads: the usual.
            ProposeError::NotLeader { .. } | _ => {}
        }
    }

    /// Asks a peer to transfer leadership to another one; nothing happens unless it leads.
    pub fn transfer(&mut self, server: usize, to: usize) {
        if self.is_paused(server) {
            return;
        }
        let (successor, peer) = (self.peer_id(to), &mut self.peers[server]);
        let now = peer.clock.local_time(self.now);
        let Some(node) = &mut peer.node else { return };
        let before = node.transfer_target();
        let begun = node.transfer_leadership(now, successor).is_ok();
        let members = Arc::clone(node.membership());
        self.record(Step::Transfer { peer: server, to });
        if begun {
            let target = transfer::check_target(self.witness(server), successor, before, &members);
            target.unwrap_or_else(|violation| self.fail(violation.into()));
            self.trace.number(server as u64 | 8 << 32 | (to as u64) << 40);
            self.log_test(
                "transfer_requested",
                format_args!("asks {server} to hand leadership over to {to}"),
            );
            self.mark_touched(server);
        }
    }

    /// Asks a peer to step down; nothing happens unless it leads.
    pub fn resign(&mut self, server: usize) {
        if self.is_paused(server) {
            return;
        }
        let peer = &mut self.peers[server];
        let now = peer.clock.local_time(self.now);
        let Some(node) = &mut peer.node else { return };
        node.resign(now);
        peer.step_down = StepDown::Requested;
        self.record(Step::Resign { peer: server });
        self.trace.number(server as u64 | 9 << 32);
        self.log_test("resignation_requested", format_args!("asks {server} to resign"));
        self.mark_touched(server);
    }
}
