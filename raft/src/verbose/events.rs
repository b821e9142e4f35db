//! The line of each protocol event. The `match` is exhaustive: a new event needs a line.

use std::fmt;

use super::words::{self, Details, Found, Known, Maybe, Peers, Span, WireId};
use super::{Fact, Level, Line, Logger, Topic};
use crate::membership::Membership;
use crate::message::Envelope;
use crate::read_index::ReadDropReason;
use crate::role::RoleName;
use crate::trace::{
    Event, RecordSummary, RejectReason, Source, StepDownReason, StoreEvent, VoteRejectReason,
};
use crate::types::{
    EntryId, Index, Instant, MessageId, PeerId, ReadId, RequestId, Round, Term, WriteId,
};

/// Formats one event of one peer as a line.
struct EventFormatter<'a> {
    logger: &'a Logger,
    at: Instant,
    source: Source,
    /// The event's name.
    name: &'static str,
}

type NamedFact<'a> = (&'static str, Fact<'a>);

const fn number(key: &'static str, number: u64) -> NamedFact<'static> {
    (key, Fact::Number(number))
}

const fn index(key: &'static str, index: Index) -> NamedFact<'static> {
    number(key, index.number())
}

const fn peer(key: &'static str, peer: PeerId) -> NamedFact<'static> {
    number(key, peer.number())
}

impl Logger {
    /// Writes the line of an event, whatever the level.
    pub fn event(&self, at: Instant, source: Source, event: &Event<'_>) {
        EventFormatter { logger: self, at, source, name: event.name() }.write(event);
    }
}

impl EventFormatter<'_> {
    fn write(&self, event: &Event<'_>) {
        match *event {
            Event::Started { snapshot, last, voted_for } => self.started(snapshot, last, voted_for),
            Event::TimerReset { deadline } => self.timer_reset(deadline),
            Event::ElectionTimeout => self.election_timeout(),
            Event::TermChanged { from } => self.term_changed(from),
            Event::TermsExhausted => {
                self.line(Topic::Erro, format_args!("no term is left: it starts no election"), &[]);
            }
            Event::RoleChanged { from } => self.role_changed(from),
            Event::SteppedDown { reason } => self.stepped_down(reason),
            Event::TransferStarted { to } => self.transfer_started(to),
            Event::TransferAborted { to } => self.transfer_aborted(to),
            Event::TimeoutNowReceived { by } => self.timeout_now_received(by),
            Event::LeaderFound { leader } => self.leader_found(leader),
            Event::VoteGranted { to, request } => self.vote_granted(to, request),
            Event::VoteRejected { to, request, reason } => {
                self.vote_rejected("vote", to, request, reason);
            }
            Event::VoteCounted { from, votes, majority } => {
                self.vote_counted("has", from, votes, majority);
            }
            Event::PreVoteGranted { to, request } => self.pre_vote_granted(to, request),
            Event::PreVoteRejected { to, request, reason } => {
                self.vote_rejected("pre-vote", to, request, reason);
            }
            Event::PreVoteCounted { from, votes, majority } => {
                self.vote_counted("would have", from, votes, majority);
            }
            Event::Proposed { entry } => self.appended(entry.index, entry),
            Event::Appended { prev, last } => self.appended(prev.index.next(), last),
            Event::Truncated { from, last } => self.truncated(from, last),
            Event::Progress { of, match_index, next_index } => {
                self.progress(of, match_index, next_index);
            }
            Event::NextIndexLowered { of, from, next_index } => {
                self.next_index_lowered(of, from, next_index);
            }
            Event::MembershipChanged { index, membership } => {
                self.membership_changed(index, membership);
            }
            Event::Committed { commit_index, .. } => self.committed(commit_index),
            Event::Applied { first, last } => self.applied(first, last),
            Event::Persisting { write, what } => self.persisting(write, what),
            Event::Persisted { write } => self.persisted(write),
            Event::Compacted { through, bytes } => self.compacted(through, bytes),
            Event::SnapshotStarted { to, last_included } => {
                self.snapshot_started(to, last_included);
            }
            Event::SnapshotInstalled { last_included, bytes } => {
                self.snapshot_installed(last_included, bytes);
            }
            Event::ReadStarted { read } => self.read(read, format_args!("takes read {read}")),
            Event::ReadsForwarded { to, request, reads } => {
                self.reads_forwarded(to, request, reads);
            }
            Event::RoundStarted { round, read_index } => self.round_started(round, read_index),
            Event::RoundConfirmed { round } => self.round_confirmed(round),
            Event::LeaseUsed { read_index, reads } => self.lease_used(read_index, reads),
            Event::ReadReady { read, index } => {
                self.read(read, format_args!("read {read} may be served at {index}"));
            }
            Event::ReadDropped { read, reason } => self.read_dropped(read, reason),
            Event::Removed { by, configuration } => self.removed(by, configuration),
            Event::Store(event) => self.store(event),
            Event::Sent(envelope) => self.message("sends", peer("to", envelope.to), envelope),
            Event::Received(envelope) => {
                self.message("receives", peer("from", envelope.from), envelope);
            }
            Event::Rejected { envelope, reason } => self.rejected(envelope, reason),
        }
    }

    fn started(&self, snapshot: EntryId, last: EntryId, voted_for: Option<PeerId>) {
        let facts = [
            index("last", last.index),
            number("last_term", last.term.number()),
            index("snapshot", snapshot.index),
            index("applied", snapshot.index),
            index("commit", snapshot.index),
            ("vote", Fact::Word(&Maybe(voted_for))),
        ];
        if last == EntryId::ZERO {
            return self.line(Topic::Info, format_args!("starts with the log empty"), &facts);
        }
        let text = format_args!("starts with the log through {last}, snapshot through {snapshot}");
        self.line(Topic::Info, text, &facts);
    }

    fn timer_reset(&self, deadline: Instant) {
        let wait_us = deadline.since(self.at).as_micros();
        let (ms, us) = (wait_us / 1000, wait_us % 1000);
        self.line(Topic::Timr, format_args!("waits {ms}.{us:03} ms for a leader"), &[]);
    }

    fn election_timeout(&self) {
        self.line(Topic::Timr, format_args!("hears no leader, stands for election"), &[]);
    }

    fn term_changed(&self, from: Term) {
        let term = self.source.term;
        self.line(Topic::Term, format_args!("goes from term {from} to {term}"), &[]);
    }

    fn role_changed(&self, from: RoleName) {
        self.line(Topic::State, format_args!("{from} --> {}", self.source.role), &[]);
    }

    fn stepped_down(&self, reason: StepDownReason) {
        let reason = words::step_down(reason);
        self.line(Topic::Lead, format_args!("gives up leadership: {reason}"), &[]);
    }

    fn transfer_started(&self, to: PeerId) {
        let text = format_args!("hands leadership over to {to}");
        self.line(Topic::Lead, text, &[peer("to", to)]);
    }

    fn transfer_aborted(&self, to: PeerId) {
        let text = format_args!("leads on, {to} has not taken over in time");
        self.line(Topic::Lead, text, &[peer("to", to)]);
    }

    fn timeout_now_received(&self, by: PeerId) {
        let text = format_args!("is asked by {by} to lead, stands for election");
        self.line(Topic::Lead, text, &[peer("by", by)]);
    }

    fn leader_found(&self, leader: PeerId) {
        let text = format_args!("follows leader {leader}");
        self.line(Topic::Lead, text, &[peer("leader", leader)]);
    }

    fn vote_granted(&self, to: PeerId, request: MessageId) {
        let facts = [peer("vote", to), ("id", Fact::Word(&WireId(to, request)))];
        self.line(Topic::Vote, format_args!("grants vote to {to}"), &facts);
    }

    fn pre_vote_granted(&self, to: PeerId, request: MessageId) {
        let facts = [peer("to", to), ("id", Fact::Word(&WireId(to, request)))];
        self.line(Topic::Vote, format_args!("would vote for {to}"), &facts);
    }

    fn vote_rejected(&self, what: &str, to: PeerId, request: MessageId, reason: VoteRejectReason) {
        let reason = words::vote_reject(reason);
        let facts = [peer("to", to), ("id", Fact::Word(&WireId(to, request)))];
        self.line(Topic::Vote, format_args!("refuses {what} to {to}: {reason}"), &facts);
    }

    fn vote_counted(&self, has: &str, from: PeerId, votes: usize, majority: usize) {
        let text = format_args!("{has} the vote of {from}, {votes} of {majority} needed");
        self.line(Topic::Vote, text, &[number("votes", votes as u64)]);
    }

    fn appended(&self, first: Index, last: EntryId) {
        let facts = [index("last", last.index), number("last_term", last.term.number())];
        self.line(Topic::Repl, format_args!("appends {}", Span(first, last.index)), &facts);
    }

    fn truncated(&self, from: Index, last: EntryId) {
        let text = format_args!("deletes {}: they conflict", Span(from, last.index));
        self.line(Topic::Drop, text, &[index("last", from.prev())]);
    }

    fn progress(&self, of: PeerId, match_index: Index, next_index: Index) {
        let facts = [peer("of", of), index("match", match_index), index("next", next_index)];
        self.line(Topic::Log1, format_args!("{of} matches through {match_index}"), &facts);
    }

    fn next_index_lowered(&self, of: PeerId, from: Index, next_index: Index) {
        let text = format_args!("{of} rejected, back from {from} to {next_index}");
        self.line(Topic::Log1, text, &[peer("of", of), index("next", next_index)]);
    }

    fn membership_changed(&self, at: Index, membership: &Membership) {
        let text = format_args!("goes by the members of entry {at}: {membership}"); // kept: verbose/1
        let voters = membership.all_voters().count() as u64;
        self.line(Topic::Info, text, &[index("config", at), number("voters", voters)]);
    }

    fn committed(&self, commit_index: Index) {
        let text = format_args!("commits through {commit_index}");
        self.line(Topic::Cmit, text, &[index("commit", commit_index)]);
    }

    fn applied(&self, first: Index, last: Index) {
        let text = format_args!("applies {}", Span(first, last));
        self.line(Topic::Cmit, text, &[index("applied", last)]);
    }

    fn persisting(&self, write: WriteId, what: RecordSummary) {
        let (text, write) = (format_args!("writes {what}"), number("write", write.number()));
        if let RecordSummary::HardState { voted_for } = what {
            let vote = Maybe(voted_for);
            self.line(Topic::Pers, text, &[("vote", Fact::Word(&vote)), write]);
        } else {
            self.line(Topic::Pers, text, &[write]);
        }
    }

    fn persisted(&self, write: WriteId) {
        let text = format_args!("write {write} is durable");
        self.line(Topic::Pers, text, &[number("write", write.number())]);
    }

    fn compacted(&self, through: EntryId, bytes: u64) {
        let text = format_args!("compacts the log through {through}");
        let facts = [index("snapshot", through.index), number("bytes", bytes)];
        self.line(Topic::Snap, text, &facts);
    }

    fn snapshot_started(&self, to: PeerId, last_included: EntryId) {
        let text = format_args!("begins to send {to} the snapshot through {last_included}");
        self.line(Topic::Snap, text, &[peer("to", to)]);
    }

    fn snapshot_installed(&self, through: EntryId, bytes: u64) {
        let facts = [
            index("snapshot", through.index),
            index("last", through.index),
            number("last_term", through.term.number()),
            number("bytes", bytes),
        ];
        self.line(Topic::Snap, format_args!("installs the snapshot through {through}"), &facts);
    }

    fn read(&self, read: ReadId, text: fmt::Arguments<'_>) {
        self.line(Topic::Clnt, text, &[number("read", read.number())]);
    }

    fn read_dropped(&self, read: ReadId, reason: ReadDropReason) {
        let reason = words::read_drop(reason);
        self.read(read, format_args!("gives up read {read}: {reason}"));
    }

    fn reads_forwarded(&self, to: PeerId, request: RequestId, reads: usize) {
        let facts = [peer("to", to), number("request", request.number())];
        self.line(Topic::Clnt, format_args!("asks {to} about {reads} reads"), &facts);
    }

    fn round_started(&self, round: Round, read_index: Index) {
        let text = format_args!("begins round {round} for reads at {read_index}");
        let facts = [number("round", round.number()), index("read", read_index)];
        self.line(Topic::Lead, text, &facts);
    }

    fn round_confirmed(&self, round: Round) {
        let text = format_args!("leads still: round {round} is answered");
        self.line(Topic::Lead, text, &[number("round", round.number())]);
    }

    fn lease_used(&self, read_index: Index, reads: usize) {
        let text = format_args!("serves {reads} reads at {read_index} by its lease");
        self.line(Topic::Lead, text, &[index("read", read_index)]);
    }

    fn removed(&self, by: PeerId, configuration: EntryId) {
        let text = format_args!("was removed, says {by}: no member at {configuration}");
        self.line(Topic::Info, text, &[peer("by", by), index("index", configuration.index)]);
    }

    fn store(&self, event: StoreEvent<'_>) {
        match event {
            StoreEvent::Unregistered { missing } => {
                let text = format_args!("does not vote yet: waits for {}", Peers(missing));
                self.line(Topic::Info, text, &[]);
            }
            StoreEvent::Confirmed => {
                self.line(Topic::Info, format_args!("votes: all know its store"), &[]);
            }
            StoreEvent::Refused { by, known } => {
                let text = format_args!("does not vote: {by} knows {}", Known(known));
                self.line(Topic::Info, text, &[peer("by", by)]);
            }
            StoreEvent::Lost { of, expected, kind } => {
                let (found, expected) = (Found(kind), Known(expected));
                let text = format_args!("{of} {found}, not {expected}");
                self.line(Topic::Lead, text, &[peer("of", of)]);
            }
        }
    }

    fn message(&self, verb: &str, side: NamedFact<'_>, envelope: &Envelope) {
        let message = &envelope.message;
        let (name, term, details) = (message.name(), envelope.term, Details(message));
        let id = WireId(envelope.from, envelope.id);
        let facts = [side, ("id", Fact::Word(&id)), ("kind", Fact::Word(&name))];
        let text = format_args!("{verb} {name} in term {term}{details}");
        if self.logger.level() < Level::Contents {
            self.line(Topic::Rpc, text, &facts);
        } else {
            self.line(Topic::Rpc, format_args!("{text} {message:?}"), &facts);
        }
    }

    fn rejected(&self, envelope: &Envelope, reason: RejectReason) {
        let (name, from) = (envelope.message.name(), envelope.from);
        let (reason, id) = (words::reject(reason), WireId(from, envelope.id));
        let facts = [peer("from", from), ("id", Fact::Word(&id)), ("kind", Fact::Word(&name))];
        self.line(Topic::Erro, format_args!("refuses {name} from {from}: {reason}"), &facts);
    }

    /// Writes a line. `term=` and `role=` are the peer's own; the lines of messages, which have a
    /// term of their own in the text, do without.
    fn line(&self, topic: Topic, text: fmt::Arguments<'_>, facts: &[NamedFact<'_>]) {
        let role = self.source.role;
        let state = [number("term", self.source.term.number()), ("role", Fact::Word(&role))];
        let own = match topic {
            Topic::Info | Topic::Lead | Topic::State | Topic::Term | Topic::Timr | Topic::Vote => {
                state.as_slice()
            }
            Topic::Rpc | Topic::Erro => &[],
            Topic::Clnt
            | Topic::Cmit
            | Topic::Consist
            | Topic::Drop
            | Topic::Log1
            | Topic::Log2
            | Topic::Pers
            | Topic::Repl
            | Topic::Snap
            | Topic::Test => &state[..1],
        };
        let facts = &[own, facts].concat();
        let (at, peer, event) = (self.at, &self.source.peer, self.name);
        self.logger.line(&Line { at, topic, peer, text, facts, event });
    }
}
