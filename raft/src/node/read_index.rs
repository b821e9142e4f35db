//! Linearizable reads without a log entry (Ongaro's dissertation §6.4), on a leader and on
//! followers.
//!
//! A leader may serve a read at its commit index if it was leader after the read came in. It was,
//! if a quorum answers a message that was sent after that. Messages carry the number of a *round*;
//! the reads that came in since the last poll share a new one. A reply carries the round of its
//! request, so a late or doubled one confirms no later round. The commit index is taken when the
//! round starts, and counts only once an entry of the leader's own term is committed: before, the
//! leader does not know its predecessors' commits (step 1; §5.4.2 of the paper is why).
//!
//! With a lease (dissertation §6.4.1), no round is needed while the lease of an earlier round
//! lasts.
//!
//! A follower requests such an index from its leader and serves the read when its own state machine
//! has applied it. Requests are numbered; a repeated one would be a new one.

use super::Node;
use crate::message::{Envelope, Message, ReadIndex, ReadIndexReply};
use crate::output::Output;
use crate::read_index::{ReadDropReason, ReadOrigin};
use crate::role::Role;
use crate::trace::Event;
use crate::types::{Index, Instant, PeerId, ReadId, Round};

/// A rejected read; it had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No leader is known.
    #[error("no leader known")]
    NoLeader,
    /// This leader's log has no entry of its term, so it does not know what is committed. It does
    /// once it has committed a command; with [`FirstEntry::NoOp`](crate::FirstEntry::NoOp), soon
    /// after its election.
    #[error("no entry of the leader's term yet; propose a command, or set `first_entry: NoOp`")]
    NoEntryOfTerm,
    /// The limit of waiting reads is reached.
    #[error("{waiting} reads are waiting, the limit (`reads_waiting_max`)")]
    TooManyReads {
        /// The number of waiting reads.
        waiting: usize,
    },
}

impl Node {
    /// Requests a linearizable read (dissertation §6.4): the state machine may be read once it
    /// reflects every write answered before this call, on any peer. Any peer with a known leader
    /// accepts reads.
    ///
    /// Either [`Output::ReadReady`] or [`Output::ReadDropped`] follows for each accepted read, at
    /// the latest [`Config::read_timeout`](crate::Config::read_timeout) later, if the driver ticks
    /// at [`poll_timeout`](Node::poll_timeout). The id is chosen by the driver.
    ///
    /// `now` must be read from the clock after the read came in: see the contract of
    /// [`crate::output`].
    ///
    /// # Errors
    /// The reason the read is rejected; no effect.
    pub fn read(&mut self, now: Instant, read: ReadId) -> Result<(), ReadError> {
        self.advance_clock(now);
        let deadline = self.now.after(self.config.settings().read_timeout);
        self.check_read()?;
        match &mut self.role {
            Role::Leader(leader) => leader.reads.waiting.enqueue(ReadOrigin::Local(read), deadline),
            Role::Follower(follower) => follower.reads.enqueue(read, deadline),
            Role::PreCandidate(_) | Role::Candidate(_) => return Err(ReadError::NoLeader),
        }
        self.trace(&Event::ReadStarted { read });
        self.assert_consistent();
        Ok(())
    }

    fn check_read(&self) -> Result<(), ReadError> {
        let unconfirmed = match &self.role {
            Role::Leader(_) if !self.has_entry_of_term() => {
                return Err(ReadError::NoEntryOfTerm);
            }
            Role::Leader(leader) => leader.reads.len(),
            Role::Follower(follower) if follower.leader.is_some() => follower.reads.len(),
            Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => {
                return Err(ReadError::NoLeader);
            }
        };
        let waiting = unconfirmed + self.confirmed_reads.len();
        if waiting >= self.config.settings().reads_waiting_max {
            return Err(ReadError::TooManyReads { waiting });
        }
        Ok(())
    }

    /// Handles a follower's request for a read index.
    pub(super) fn on_read_index(&mut self, envelope: &Envelope, ReadIndex { request }: ReadIndex) {
        let deadline = self.now.after(self.config.settings().read_timeout);
        let taken = self.check_read().is_ok();
        match &mut self.role {
            Role::Leader(leader) if taken && leader.followers.contains_key(&envelope.from) => {
                leader
                    .reads
                    .waiting
                    .enqueue(ReadOrigin::Follower(envelope.from, request), deadline);
            }
            Role::Leader(_) | Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => {
                let reply = ReadIndexReply::Rejected { request };
                self.reply(envelope.from, Message::ReadIndexReply(reply));
            }
        }
    }

    /// Handles the leader's reply with a read index.
    pub(super) fn on_read_index_reply(&mut self, reply: ReadIndexReply) {
        let Role::Follower(follower) = &mut self.role else { return };
        match reply {
            ReadIndexReply::Ready { request, read_index } => {
                if !follower.reads.is_pending(request) {
                    return;
                }
                while let Some((read, deadline)) = follower.reads.pop_through(request) {
                    self.confirmed_reads.wait_for(read_index, read, deadline);
                }
            }
            ReadIndexReply::Rejected { request } => {
                for read in follower.reads.remove(request) {
                    self.drop_read(read, ReadDropReason::Rejected);
                }
            }
        }
    }

    /// Serves reads by the lease, or starts a round or a request for new ones.
    pub(super) fn advance_reads(&mut self) {
        match &mut self.role {
            Role::Leader(_) => {
                self.read_by_lease();
                self.start_round();
            }
            Role::Follower(follower) => {
                let Some(to) = follower.leader.filter(|_| follower.reads.has_unassigned()) else {
                    return;
                };
                let request = self.next_request;
                self.next_request = request.next();
                let reads = follower.reads.assign(request);
                self.trace(&Event::ReadsForwarded { to, request, reads });
                let header = self.header(to);
                self.outbox.send(header, Message::ReadIndex(ReadIndex { request }));
            }
            Role::PreCandidate(_) | Role::Candidate(_) => {}
        }
    }

    /// Serves all reads now, if the leader has a lease: the present is between each read's call and
    /// its answer, for reads with a round in progress, too.
    fn read_by_lease(&mut self) {
        let (now, read_index) = (self.now, self.commit_index);
        let committed_in_term = self.has_committed_in_term();
        let Role::Leader(leader) = &mut self.role else { return };
        let reads = leader.reads.len();
        if reads == 0 || !committed_in_term || !leader.reads.lease().holds(now) {
            return;
        }
        self.trace(&Event::LeaseUsed { read_index, reads });
        while let Role::Leader(leader) = &mut self.role
            && let Some((origin, deadline)) = leader.reads.pop()
        {
            self.confirm_read(origin, read_index, deadline);
        }
    }

    /// Starts a round for new reads, unless the leader must commit in its term first, or too many
    /// rounds are in progress; or one to extend the lease.
    fn start_round(&mut self) {
        let rounds_max = self.config.settings().messages_in_flight_max as u64;
        let committed_in_term = self.has_committed_in_term();
        let (now, read_index) = (self.now, self.commit_index);
        let interval = self.config.settings().heartbeat_interval;
        let Role::Leader(leader) = &mut self.role else { return };
        let reads = &mut leader.reads;
        let under_way = reads.round().since(reads.confirmed_round());
        if reads.waiting.has_unassigned() && committed_in_term && under_way < rounds_max {
            let round = reads.start_read_round(now, read_index);
            self.trace(&Event::RoundStarted { round, read_index });
        } else if reads.lease().needs_round(now, interval) {
            reads.start_round(now);
        } else {
            return;
        }
        // A leader confirms its own rounds at once, and may be a quorum by itself.
        self.confirm_rounds();
    }

    /// Notes a follower's reply to a message of this round.
    pub(super) fn on_round(&mut self, of: PeerId, round: Round) {
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.followers.get_mut(&of) else { return };
        progress.round_answered = progress.round_answered.max(round);
        if round > leader.reads.confirmed_round() {
            self.confirm_rounds();
        }
    }

    /// Confirms the rounds that a quorum has answered, which with other members may be earlier ones.
    pub(super) fn confirm_rounds(&mut self) {
        let Role::Leader(leader) = &self.role else { return };
        let own = leader.reads.round();
        let round = self.reached_by_quorum(leader, own, |progress| progress.round_answered);
        let Role::Leader(leader) = &mut self.role else { return };
        if round <= leader.reads.confirmed_round() {
            return;
        }
        let has_reads = !leader.reads.is_empty();
        leader.reads.confirm(round, self.now);
        if has_reads {
            self.trace(&Event::RoundConfirmed { round });
        }
        while let Role::Leader(leader) = &mut self.role
            && let Some((origin, read_index, deadline)) = leader.reads.pop_confirmed()
        {
            self.confirm_read(origin, read_index, deadline);
        }
    }

    fn confirm_read(&mut self, origin: ReadOrigin, read_index: Index, deadline: Instant) {
        match origin {
            ReadOrigin::Local(read) => self.confirmed_reads.wait_for(read_index, read, deadline),
            ReadOrigin::Follower(to, request) => {
                let reply = ReadIndexReply::Ready { request, read_index };
                self.reply(to, Message::ReadIndexReply(reply));
            }
        }
    }

    /// Reports the reads whose entries were passed to the state machine.
    pub(super) fn release_reads(&mut self) {
        while let Some((index, read)) = self.confirmed_reads.pop_applied(self.last_applied) {
            self.trace(&Event::ReadReady { read, index });
            self.outbox.push(Output::ReadReady { read, index });
        }
    }

    /// Drops the reads that have waited too long.
    pub(super) fn expire_reads(&mut self) {
        let now = self.now;
        while let Some(read) = self.confirmed_reads.pop_expired(now) {
            self.drop_read(read, ReadDropReason::TimedOut);
        }
        loop {
            let expired = match &mut self.role {
                Role::Leader(leader) => leader.reads.waiting.pop_expired(now),
                Role::Follower(follower) => follower.reads.pop_expired(now).map(ReadOrigin::Local),
                Role::PreCandidate(_) | Role::Candidate(_) => None,
            };
            match expired {
                Some(ReadOrigin::Local(read)) => self.drop_read(read, ReadDropReason::TimedOut),
                // The follower has the same timeout.
                Some(ReadOrigin::Follower(..)) => {}
                None => return,
            }
        }
    }

    /// Drops the reads that waited in an earlier role. Confirmed reads stay: their entries are
    /// committed, under any later leader.
    pub(super) fn drop_reads_of(&mut self, role: Role) {
        match role {
            Role::Leader(leader) => {
                for origin in leader.reads.waiting.into_origins() {
                    match origin {
                        ReadOrigin::Local(read) => self.drop_read(read, ReadDropReason::LeaderLost),
                        // The follower sees the new term itself.
                        ReadOrigin::Follower(..) => {}
                    }
                }
            }
            Role::Follower(follower) => {
                for read in follower.reads.into_origins() {
                    self.drop_read(read, ReadDropReason::LeaderLost);
                }
            }
            Role::PreCandidate(_) | Role::Candidate(_) => {}
        }
    }

    fn drop_read(&mut self, read: ReadId, reason: ReadDropReason) {
        self.trace(&Event::ReadDropped { read, reason });
        self.outbox.push(Output::ReadDropped { read, reason });
    }

    /// The first deadline of a waiting read.
    pub(super) fn read_deadline(&self) -> Option<Instant> {
        let unconfirmed = match &self.role {
            Role::Leader(leader) => leader.reads.waiting.deadline(),
            Role::Follower(follower) => follower.reads.deadline(),
            Role::PreCandidate(_) | Role::Candidate(_) => None,
        };
        unconfirmed.into_iter().chain(self.confirmed_reads.deadline()).min()
    }
}
