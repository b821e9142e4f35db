//! Election Safety (paper §5.2, Figure 3): at most one leader can be elected in a term, and the
//! rules that carry it: a peer gives at most one vote in a term, crashes or not, and a leader has
//! those of a quorum of its configuration.
//!
//! Checked over all time: a term's leader stays its leader after it has crashed.

use std::collections::{BTreeMap, BTreeSet};

use raft::{Incarnation, Membership, PeerId, Term};

use super::configurations::is_quorum;
use super::table::Invariant;
use super::violation::{Violation, Witness};

/// Observed elections.
#[derive(Debug, Default)]
pub struct ElectionSafety {
    leaders: BTreeMap<Term, Witness>,
    votes: BTreeMap<(PeerId, Term), PeerId>,
    /// The stores of the candidates voted for, as far as they are known.
    stores: BTreeMap<(PeerId, Term), (PeerId, Incarnation)>,
    /// Votes of stores that are lost, by voter, term and candidate.
    of_lost_stores: BTreeSet<(PeerId, Term, PeerId)>,
}

impl ElectionSafety {
    /// A peer became leader.
    ///
    /// # Errors
    /// The term has another leader.
    pub fn record_leader(&mut self, term: Term, leader: Witness) -> Result<(), Box<Violation>> {
        let first = *self.leaders.entry(term).or_insert(leader);
        if first.peer == leader.peer {
            return Ok(());
        }
        Err(Invariant::ElectionSafety
            .broken(format_args!("term {term} has two leaders, {first} and {leader}")))
    }

    /// A peer wins an election among these members. Its own vote needs no message.
    ///
    /// # Errors
    /// No quorum gave it a vote in this term.
    pub fn check_majority(
        &self,
        term: Term,
        leader: Witness,
        members: &Membership,
    ) -> Result<(), Box<Violation>> {
        let voted = |voter: PeerId| {
            voter == leader.peer
                || self.votes.get(&(voter, term)) == Some(&leader.peer)
                || self.of_lost_stores.contains(&(voter, term, leader.peer))
        };
        if is_quorum(members, voted) {
            return Ok(());
        }
        let votes = members.all_voters().filter(|voter| voted(*voter)).count();
        Err(Invariant::ElectionSafety.broken(format_args!(
            "{leader} leads term {term} with the votes of {votes} among {members}"
        )))
    }

    /// A peer's store is lost: the next one may vote again in a term, if it is a member.
    pub fn forget_votes(&mut self, voter: PeerId) {
        let of_voter = |(peer, _): &(PeerId, Term)| *peer == voter;
        let lost = self.votes.iter().filter(|(key, _)| of_voter(key));
        self.of_lost_stores.extend(lost.map(|((peer, term), to)| (*peer, *term, *to)));
        self.votes.retain(|key, _| !of_voter(key));
        self.stores.retain(|key, _| !of_voter(key));
    }

    /// A vote of a peer was seen outside of it.
    ///
    /// # Errors
    /// The peer voted for another one in this term.
    pub fn record_vote(
        &mut self,
        voter: Witness,
        term: Term,
        candidate: PeerId,
    ) -> Result<(), Box<Violation>> {
        let first = *self.votes.entry((voter.peer, term)).or_insert(candidate);
        if first == candidate {
            return Ok(());
        }
        Err(Invariant::ElectionSafety.broken(format_args!(
            "{voter} votes for {candidate} in term {term} and has voted for {first} in it before"
        )))
    }

    /// A peer votes for a candidate with this store. The next store of the same peer is another candidate,
    /// which may be elected by others.
    ///
    /// # Errors
    /// The peer voted for another store in this term.
    pub fn record_voted_store(
        &mut self,
        voter: Witness,
        term: Term,
        (candidate, store): (PeerId, Incarnation),
    ) -> Result<(), Box<Violation>> {
        let (peer, first) = *self.stores.entry((voter.peer, term)).or_insert((candidate, store));
        if peer != candidate || first == store {
            return Ok(());
        }
        Err(Invariant::ElectionSafety.broken(format_args!(
            "{voter} votes for {candidate} with store {store} in term {term}, and has voted for it with \
             store {first} before"
        )))
    }

    /// A peer follows a leader.
    ///
    /// # Errors
    /// That leader was not elected in this term.
    pub fn check_follower(
        &self,
        follower: Witness,
        term: Term,
        leader: PeerId,
    ) -> Result<(), Box<Violation>> {
        match self.leaders.get(&term) {
            Some(elected) if elected.peer == leader => Ok(()),
            Some(elected) => Err(Invariant::ElectionSafety.broken(format_args!(
                "{follower} follows {leader} in term {term}, which {elected} leads"
            ))),
            None => Err(Invariant::ElectionSafety.broken(format_args!(
                "{follower} follows {leader} in term {term}, in which no peer was elected"
            ))),
        }
    }
}
