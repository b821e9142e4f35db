//! What peers are asked to do from outside: to take a command, to hand leadership over, to resign.

use raft::{Bytes, EntryId, ProposeError};

use super::logging::Speaker;
use super::{World, peer_id};
use crate::case::Step;
use crate::coverage::Mark;
use crate::failure::Failure;
use crate::invariants::leader_contact::Leave;
use crate::invariants::limits;
use crate::invariants::transfer;

impl World {
    /// Offers a command to a peer. What it does wrong in answering ends the run.
    pub(super) fn offer(
        &mut self,
        place: usize,
        command: Bytes,
        speaker: Speaker,
    ) -> Option<EntryId> {
        if self.is_paused(place) {
            return None;
        }
        let peer = &mut self.peers[place];
        let node = peer.node.as_mut()?;
        let successor = node.successor();
        let answer = node.propose(peer.clock.shows(self.now), command);
        if let Err(failure) = self.check_answer(place, &answer) {
            self.fail(failure);
        }
        match answer {
            Ok(id) => {
                if successor.is_some() {
                    self.fail(transfer::takes(self.witness(place), id).into());
                }
                self.trace.number(id.index.number() ^ id.term.number() << 32);
                self.touch(place);
                self.say_proposed(place, id, speaker);
                Some(id)
            }
            Err(error) => {
                self.cover_refusal(error);
                None
            }
        }
    }

    fn check_answer(
        &self,
        place: usize,
        answer: &Result<EntryId, ProposeError>,
    ) -> Result<(), Failure> {
        let refused = match answer {
            Ok(_) => None,
            Err(ProposeError::UncommittedFull { command, .. }) => Some(*command),
            Err(_) => return Ok(()),
        };
        let Some(node) = &self.peers[place].node else { return Ok(()) };
        let (log, status) = (node.log(), node.status());
        let limit = self.settings.limits.uncommitted_bytes;
        Ok(limits::uncommitted(self.witness(place), log, &status, refused, limit)?)
    }

    fn cover_refusal(&mut self, error: ProposeError) {
        match error {
            ProposeError::UncommittedFull { .. } => self.coverage.hit(Mark::RefusedFull),
            ProposeError::TransferInProgress { .. } => self.coverage.hit(Mark::RefusedInTransfer),
            // Nobody leads, or another peer: the usual.
            ProposeError::NotLeader { .. } | _ => {}
        }
    }

    /// Asks a peer to hand leadership over to another one; nothing happens unless it leads.
    pub fn transfer(&mut self, place: usize, to: usize) {
        if self.is_paused(place) {
            return;
        }
        let peer = &mut self.peers[place];
        let now = peer.clock.shows(self.now);
        let Some(node) = &mut peer.node else { return };
        let begun = node.transfer_leadership(now, peer_id(to)).is_ok();
        self.record(Step::Transfer { peer: place, to });
        if begun {
            self.trace.number(place as u64 | 8 << 32 | (to as u64) << 40);
            self.say_test(format_args!("asks {place} to hand leadership over to {to}"));
            self.touch(place);
        }
    }

    /// Asks a peer to give up leadership; nothing happens unless it leads.
    pub fn resign(&mut self, place: usize) {
        if self.is_paused(place) {
            return;
        }
        let peer = &mut self.peers[place];
        let now = peer.clock.shows(self.now);
        let Some(node) = &mut peer.node else { return };
        node.resign(now);
        peer.leave = Leave::Asked;
        self.record(Step::Resign { peer: place });
        self.trace.number(place as u64 | 9 << 32);
        self.say_test(format_args!("asks {place} to resign"));
        self.touch(place);
    }
}
