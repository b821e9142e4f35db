//! Copies of a node, and a hash of its future behaviour: for model checkers, which explore every
//! order of events and must recognise equal states.
//!
//! Both name every field of [`Node`], so that a new field does not compile until it is handled.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use super::{Jitter, Node};
use crate::progress::{Flow, Progress};
use crate::role::{Candidate, Follower, IncomingSnapshot, Leader, PreCandidate, Role};
use crate::types::Instant;

impl Node {
    /// An independent copy: it draws from another source, and has no sink.
    #[must_use]
    pub fn fork(&self, jitter: Box<dyn Jitter + Send>) -> Self {
        let Self {
            config,
            jitter: _,
            sink: _,
            now,
            hard_state,
            role,
            last_leader_contact,
            election_timeout,
            log,
            membership_history,
            snapshot,
            commit_index,
            last_applied,
            restoring,
            confirmed_reads,
            next_request,
            address_book,
            due,
            writes,
            entry_reads,
            outbox,
            identity,
            formation,
            voted_store,
            removed_at,
            refused_term,
        } = self;
        Self {
            config: config.clone(),
            jitter,
            sink: None,
            now: *now,
            hard_state: *hard_state,
            role: role.clone(),
            last_leader_contact: *last_leader_contact,
            election_timeout: *election_timeout,
            log: log.clone(),
            membership_history: membership_history.clone(),
            snapshot: snapshot.clone(),
            commit_index: *commit_index,
            last_applied: *last_applied,
            restoring: restoring.clone(),
            confirmed_reads: confirmed_reads.clone(),
            next_request: *next_request,
            address_book: address_book.clone(),
            due: *due,
            writes: writes.clone(),
            entry_reads: entry_reads.clone(),
            outbox: outbox.clone(),
            identity: identity.clone(),
            formation: formation.clone(),
            voted_store: *voted_store,
            removed_at: *removed_at,
            refused_term: *refused_term,
        }
    }

    /// Hashes everything that determines this node's behaviour from here on: two nodes of one
    /// configuration with equal hashes answer all inputs alike, given the same randomness.
    ///
    /// Times count from the newest one passed in and writes from the durable one, and message
    /// numbers do not count, so that nodes with the same future but another past are equal. Whether
    /// due outputs were searched does not count either.
    pub fn behaviour_hash<H: Hasher>(&self, hasher: &mut H) {
        let Self {
            config,
            jitter: _,
            sink: _,
            now,
            hard_state,
            role,
            last_leader_contact,
            election_timeout,
            log,
            membership_history,
            snapshot,
            commit_index,
            last_applied,
            restoring,
            confirmed_reads,
            next_request,
            address_book,
            due: _,
            writes,
            entry_reads,
            outbox,
            identity,
            formation,
            voted_store,
            removed_at,
            refused_term: _,
        } = self;
        (identity, voted_store, removed_at).hash(hasher);
        formation.behaviour_hash(*now, hasher);
        (hard_state, election_timeout, log, membership_history, snapshot, address_book)
            .hash(hasher);
        (commit_index, last_applied, next_request).hash(hasher);
        confirmed_reads.behaviour_hash(*now, hasher);
        let settings = config.settings();
        let leader_live_until =
            last_leader_contact.map(|at| at.after(settings.election_timeout_min));
        leader_live_until.map(|until| time_left(until, *now)).hash(hasher);
        hash_role(role, *now, settings.election_timeout_max, hasher);
        let durable = writes.durable();
        restoring.as_ref().map(|(write, snapshot)| (write.since(durable), snapshot)).hash(hasher);
        writes.behaviour_hash(hasher);
        entry_reads.hash(hasher);
        outbox.behaviour_hash(durable, hasher);
    }
}

/// Contacts longer than `contact_timeout` ago are equal.
fn hash_role<H: Hasher>(role: &Role, now: Instant, contact_timeout: Duration, hasher: &mut H) {
    role.name().hash(hasher);
    match role {
        Role::Follower(Follower { leader, election_deadline, incoming, early, reads }) => {
            (leader, time_left(*election_deadline, now), early).hash(hasher);
            let incoming = incoming.as_ref();
            incoming
                .map(|IncomingSnapshot { last_included, data }| (last_included, data))
                .hash(hasher);
            reads.behaviour_hash(now, hasher);
        }
        Role::PreCandidate(PreCandidate { tally, election_deadline })
        | Role::Candidate(Candidate { tally, election_deadline }) => {
            (tally, time_left(*election_deadline, now)).hash(hasher);
        }
        Role::Leader(Leader {
            followers,
            commit_notice_due,
            quorum_check_due,
            transfer,
            timeout_now_sent_at,
            // Follows from the log and the commit index.
            uncommitted_bytes: _,
            reads,
        }) => {
            commit_notice_due.map(|due| time_left(due, now)).hash(hasher);
            quorum_check_due.map(|due| time_left(due, now)).hash(hasher);
            transfer.map(|it| (it.to, time_left(it.deadline, now))).hash(hasher);
            timeout_now_sent_at.map(|at| time_left(at.after(contact_timeout), now)).hash(hasher);
            reads.behaviour_hash(now, hasher);
            for (peer, progress) in followers {
                peer.hash(hasher);
                time_left(progress.last_contact.after(contact_timeout), now).hash(hasher);
                hash_progress(progress, now, hasher);
            }
        }
    }
}

fn hash_progress<H: Hasher>(progress: &Progress, now: Instant, hasher: &mut H) {
    let Progress {
        match_index,
        next_index,
        commit_sent,
        round_sent,
        round_answered,
        probed_since,
        last_contact: _,
        heartbeat_due,
        flow,
        fetch,
        store,
        loss,
        suspicion,
    } = progress;
    fetch.hash(hasher);
    (store, suspicion, loss.map(|loss| (loss.kind, now.since(loss.seen_at)))).hash(hasher);
    (round_sent, round_answered, probed_since).hash(hasher);
    (match_index, next_index, commit_sent, time_left(*heartbeat_due, now)).hash(hasher);

    std::mem::discriminant(flow).hash(hasher);
    match flow {
        Flow::Probe(probe) => probe.hash(hasher),
        Flow::Replicate(in_flight) => in_flight.behaviour_hash(now, hasher),
        Flow::Snapshot(transfer) => transfer.behaviour_hash(now, hasher),
    }
}

/// The time until `moment`; zero once it has come.
const fn time_left(moment: Instant, now: Instant) -> Duration {
    moment.since(now)
}
