//! Invariants about membership, those of the simulated world applied to one step of one peer: the
//! configuration in force, its successor, and the quorum by which a leader commits.

use std::sync::Arc;

use raft::{EntryId, Index, Instant, Membership, MembershipChange, PeerId, Role, RoleName};

use super::bounds::Bounds;
use super::history::{ModelInvariant, configurations, last_common};
use super::peer::Peer;
use super::state::State;
use raft_tests::invariants::commit_rule::{self, Advance};
use raft_tests::invariants::configurations::{
    CommittedConfigurations, PeerConfigurations, is_quorum,
};
use raft_tests::invariants::durability;
use raft_tests::invariants::violation::Witness;

impl Bounds {
    /// The voters of the first configuration, as this peer knows them.
    pub(super) fn first_voters(&self, server: usize) -> Vec<PeerId> {
        let known = if server < self.initial_members { self.initial_members } else { 0 };
        (0..known as u64).map(PeerId::new).collect()
    }
}

impl State {
    /// Requests a change from a leader; returns whether it begins.
    pub(super) fn request_change(
        &mut self,
        server: usize,
        change: MembershipChange,
    ) -> Result<bool, ModelInvariant> {
        let mut begun = false;
        self.change(server, |peer| {
            begun = peer.node.change_membership(Instant::START, change).is_ok();
        })?;
        Ok(begun)
    }

    /// Returns whether a change of voters was committed to its end.
    #[must_use]
    pub fn has_change(&self) -> bool {
        let committed = self.history.committed.iter().map(|commit| &commit.entry);
        let mut joint = configurations(committed).skip_while(|(_, members)| !members.is_joint());
        joint.any(|(_, members)| !members.is_joint())
    }

    /// Checks the configurations of a peer after an action.
    pub(super) fn check_configurations(
        &self,
        server: usize,
        before: &Peer,
    ) -> Result<(), ModelInvariant> {
        let peer = &self.peers[server];
        let witness = Witness { peer: peer.status.id, at: Instant::START };
        // A snapshot holds the configuration in force, and no case combines snapshots with changes
        // of members.
        if peer.base.max(before.base) > Index::ZERO {
            return Ok(());
        }
        let first = Arc::new(Membership::of_voters(self.left.first_voters(server)));
        let unneeded = CommittedConfigurations::default();
        let mut own = PeerConfigurations::default();
        let new_after = before.with_node(|before| {
            own.start(&first, &unneeded, before.log());
            peer.with_node(|node| last_common(before.log(), node.log()))
        });
        let kept = peer.with_node(|node| {
            own.log_changed(witness, &peer.status, &unneeded, node.log(), new_after)?;
            own.check_in_force(witness, &peer.status, node.membership())
        });
        kept.map_err(|_| ModelInvariant::Configurations)
    }

    /// Checks a leader that has committed something: a quorum of the configuration it went by holds
    /// that.
    pub(super) fn check_commit_quorum(
        &self,
        server: usize,
        before: &Peer,
    ) -> Result<(), ModelInvariant> {
        let (was, is) = (before.status, self.peers[server].status);
        let leads = [was, is].iter().all(|status| status.role == RoleName::Leader);
        if !leads || was.current_term != is.current_term || was.commit_index == is.commit_index {
            return Ok(());
        }
        let (term, index) = (is.current_term, is.commit_index);
        let entry = self.peers[server].with_node(|node| node.log().term_at(index));
        let advance = Advance { term, entry: EntryId::new(entry.unwrap_or_default(), index) };
        let witness = Witness { peer: is.id, at: Instant::START };
        let members = before.with_node(|node| Arc::clone(node.membership()));
        commit_rule::check(witness, advance, &members, |peer| self.holds(peer, advance.entry))
            .map_err(|_| ModelInvariant::Configurations)
    }

    /// Checks what a leader counts its followers as holding against their disks. A follower that has lost
    /// data is served again, which would hide a wrong count.
    pub(super) fn check_match_indexes(&self, server: usize) -> Result<(), ModelInvariant> {
        let status = self.peers[server].status;
        let (term, witness) =
            (status.current_term, Witness { peer: status.id, at: Instant::START });
        self.peers[server].with_node(|node| {
            let Role::Leader(leader) = node.role() else { return Ok(()) };
            for (follower, progress) in &leader.followers {
                let place = usize::try_from(follower.number()).unwrap_or(usize::MAX);
                let index = progress.match_index;
                if let (Some(entry), Some(peer)) =
                    (node.log().term_at(index), self.peers.get(place))
                {
                    let matched = EntryId::new(entry, index);
                    commit_rule::check_match_index(witness, term, *follower, matched, &peer.disk)
                        .map_err(|_| ModelInvariant::MatchIndex)?;
                }
            }
            Ok(())
        })
    }

    /// Checks that committed entries stay on the disks of a quorum: of the last committed
    /// configuration, of its successor, or of one that follows it in some log.
    pub(super) fn check_commits_durable(&self) -> Result<(), ModelInvariant> {
        let first = Membership::of_voters(self.left.first_voters(0));
        let (since, members) = self.history.members().unwrap_or((Index::ZERO, &first));
        let mut in_force = vec![members.clone(), members.leave_joint()];
        for peer in &self.peers {
            peer.with_node(|node| {
                let log = node.log();
                let later =
                    configurations(log.range(since.max(log.base().index), log.last().index));
                in_force.extend(
                    later.flat_map(|(_, members)| [members.clone(), members.leave_joint()]),
                );
            });
        }
        let kept = |id| in_force.iter().any(|it| is_quorum(it, |peer| self.holds(peer, id)));
        match self.history.committed.iter().find(|commit| !kept(commit.entry.id)) {
            Some(_) => Err(ModelInvariant::LostCommit),
            None => Ok(()),
        }
    }

    fn holds(&self, peer: PeerId, entry: EntryId) -> bool {
        let server = usize::try_from(peer.number()).unwrap_or(usize::MAX);
        self.peers.get(server).is_some_and(|peer| durability::holds(&peer.disk, entry))
    }
}
