//! The words for each protocol event. The `match`es are exhaustive: a new event has no line until
//! somebody writes it.

use std::fmt::{self, Display};

use super::{Fact, Level, Line, Logger, Topic};
use crate::entry::Entry;
use crate::message::{
    AppendEntriesReply, Candidacy, Envelope, InstallSnapshotReply, Message, ReadIndexReply, Vote,
};
use crate::read_index::ReadDropReason;
use crate::trace::{Event, RecordSummary, RejectReason, Source, StepDownReason, VoteRejectReason};
use crate::types::{EntryId, Index, Instant, MessageId, PeerId, ReadId};

/// A message's name in the whole run: its sender and the sender's number for it.
#[derive(Clone, Copy)]
struct WireId(PeerId, MessageId);

impl Display for WireId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// A peer, or `none`.
struct Maybe(Option<PeerId>);

impl Display for Maybe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(peer) => peer.fmt(f),
            None => f.write_str("none"),
        }
    }
}

/// One event of one peer on its way to a line.
struct Teller<'a> {
    logger: &'a Logger,
    at: Instant,
    source: Source,
}

const fn index(index: Index) -> Fact<'static> {
    Fact::Number(index.number())
}

const fn read_fact(read: ReadId) -> (&'static str, Fact<'static>) {
    ("read", Fact::Number(read.number()))
}

const fn peer(peer: PeerId) -> Fact<'static> {
    Fact::Number(peer.number())
}

impl Logger {
    /// Writes the line of an event, whatever the level.
    pub fn event(&self, at: Instant, source: Source, event: &Event<'_>) {
        Teller { logger: self, at, source }.tell(event);
    }
}

impl Teller<'_> {
    fn tell(&self, event: &Event<'_>) {
        let source = self.source;
        match *event {
            Event::Started { snapshot, last, voted_for } => self.started(snapshot, last, voted_for),
            Event::TimerReset { deadline } => self.timer_reset(deadline),
            Event::ElectionTimeout => {
                self.say(Topic::Timr, format_args!("hears no leader, stands for election"), &[]);
            }
            Event::TermChanged { from } => {
                self.say(
                    Topic::Term,
                    format_args!("goes from term {from} to {}", source.term),
                    &[],
                );
            }
            Event::RoleChanged { from } => {
                self.say(Topic::State, format_args!("{from} --> {}", source.role), &[]);
            }
            Event::SteppedDown { reason } => {
                let reason = match reason {
                    StepDownReason::Resigned => "its driver asks it to",
                    StepDownReason::NoQuorum => "it hears from no quorum",
                    StepDownReason::Removed => "the new configuration is without it",
                };
                self.say(Topic::Lead, format_args!("gives up leadership: {reason}"), &[]);
            }
            Event::TransferStarted { to } => {
                let text = format_args!("hands leadership over to {to}");
                self.say(Topic::Lead, text, &[("to", peer(to))]);
            }
            Event::TransferAborted { to } => {
                let text = format_args!("leads on, {to} has not taken over in time");
                self.say(Topic::Lead, text, &[("to", peer(to))]);
            }
            Event::TimeoutNowReceived { by } => {
                let text = format_args!("is asked by {by} to lead, stands for election");
                self.say(Topic::Lead, text, &[("by", peer(by))]);
            }
            Event::LeaderFound { leader } => {
                let facts = [("leader", peer(leader))];
                self.say(Topic::Lead, format_args!("follows leader {leader}"), &facts);
            }
            Event::VoteGranted { to, request } => self.vote_granted(to, request),
            Event::VoteRejected { to, request, reason } => {
                self.vote_refused("vote", to, request, reason);
            }
            Event::PreVoteGranted { to, request } => {
                let facts = [("to", peer(to)), ("id", Fact::Word(&WireId(to, request)))];
                self.say(Topic::Vote, format_args!("would vote for {to}"), &facts);
            }
            Event::PreVoteRejected { to, request, reason } => {
                self.vote_refused("pre-vote", to, request, reason);
            }
            Event::PreVoteCounted { from, votes, majority } => {
                let text =
                    format_args!("would have the vote of {from}, {votes} of {majority} needed");
                self.say(Topic::Vote, text, &[("votes", Fact::Number(votes as u64))]);
            }
            Event::VoteCounted { from, votes, majority } => {
                let text = format_args!("has the vote of {from}, {votes} of {majority} needed");
                self.say(Topic::Vote, text, &[("votes", Fact::Number(votes as u64))]);
            }
            Event::Proposed { entry } => self.appended(entry.index, entry),
            Event::Appended { prev, last } => self.appended(prev.index.next(), last),
            Event::Truncated { from, last } => {
                let text = format_args!("deletes {}: they conflict", Span(from, last.index));
                self.say(Topic::Drop, text, &[("last", index(from.prev()))]);
            }
            Event::Progress { of, match_index, next_index } => {
                self.progress(of, match_index, next_index);
            }
            Event::NextIndexLowered { of, from, next_index } => {
                let facts = [("of", peer(of)), ("next", index(next_index))];
                let text = format_args!("{of} rejected, back from {from} to {next_index}");
                self.say(Topic::Log1, text, &facts);
            }
            Event::MembershipChanged { index: at, membership } => {
                let text = format_args!("goes by the members of entry {at}: {membership}");
                let size = membership.all_voters().count() as u64;
                let facts = [("config", index(at)), ("voters", Fact::Number(size))];
                self.say(Topic::Info, text, &facts);
            }
            Event::Committed { commit_index, .. } => {
                let text = format_args!("commits through {commit_index}");
                self.say(Topic::Cmit, text, &[("commit", index(commit_index))]);
            }
            Event::Applied { first, last } => {
                let text = format_args!("applies {}", Span(first, last));
                self.say(Topic::Cmit, text, &[("applied", index(last))]);
            }
            Event::Persisting { write, what } => self.persisting(write.number(), what),
            Event::Persisted { write } => {
                let fact = ("write", Fact::Number(write.number()));
                self.say(Topic::Pers, format_args!("write {write} is durable"), &[fact]);
            }
            Event::Compacted { through, bytes } => self.compacted(through, bytes),
            Event::SnapshotStarted { to, last_included } => {
                let text = format_args!("begins to send {to} the snapshot through {last_included}");
                self.say(Topic::Snap, text, &[("to", peer(to))]);
            }
            Event::SnapshotInstalled { last_included, bytes } => {
                self.snapshot_installed(last_included, bytes);
            }
            Event::ReadStarted { read } => {
                self.say(Topic::Clnt, format_args!("takes read {read}"), &[read_fact(read)]);
            }
            Event::ReadsForwarded { to, request, reads } => {
                let facts = [("to", peer(to)), ("request", Fact::Number(request.number()))];
                self.say(Topic::Clnt, format_args!("asks {to} about {reads} reads"), &facts);
            }
            Event::RoundStarted { round, read_index } => {
                let text = format_args!("begins round {round} for reads at {read_index}");
                let facts = [("round", Fact::Number(round.number())), ("read", index(read_index))];
                self.say(Topic::Lead, text, &facts);
            }
            Event::RoundConfirmed { round } => {
                let facts = [("round", Fact::Number(round.number()))];
                self.say(
                    Topic::Lead,
                    format_args!("leads still: round {round} is answered"),
                    &facts,
                );
            }
            Event::LeaseUsed { read_index, reads } => {
                let text = format_args!("serves {reads} reads at {read_index} by its lease");
                self.say(Topic::Lead, text, &[("read", index(read_index))]);
            }
            Event::ReadReady { read, index } => {
                let text = format_args!("read {read} may be served at {index}");
                self.say(Topic::Clnt, text, &[read_fact(read)]);
            }
            Event::ReadDropped { read, reason } => self.read_dropped(read, reason),
            Event::Sent(envelope) => self.message("sends", "to", envelope.to, envelope),
            Event::Received(envelope) => self.message("receives", "from", envelope.from, envelope),
            Event::Rejected { envelope, reason } => self.refused(envelope, reason),
        }
    }

    fn started(&self, snapshot: EntryId, last: EntryId, voted_for: Option<PeerId>) {
        let facts = [
            ("last", index(last.index)),
            ("last_term", Fact::Number(last.term.number())),
            ("snapshot", index(snapshot.index)),
            ("applied", index(snapshot.index)),
            ("commit", index(snapshot.index)),
            ("vote", Fact::Word(&Maybe(voted_for))),
        ];
        if last == EntryId::ZERO {
            return self.say(Topic::Info, format_args!("starts with the log empty"), &facts);
        }
        let text = format_args!("starts with the log through {last}, snapshot through {snapshot}");
        self.say(Topic::Info, text, &facts);
    }

    fn timer_reset(&self, deadline: Instant) {
        let wait_us = deadline.since(self.at).as_micros();
        let (ms, us) = (wait_us / 1000, wait_us % 1000);
        self.say(Topic::Timr, format_args!("waits {ms}.{us:03} ms for a leader"), &[]);
    }

    fn vote_granted(&self, to: PeerId, request: MessageId) {
        let id = WireId(to, request);
        let facts = [("vote", peer(to)), ("id", Fact::Word(&id))];
        self.say(Topic::Vote, format_args!("grants vote to {to}"), &facts);
    }

    fn vote_refused(&self, what: &str, to: PeerId, request: MessageId, reason: VoteRejectReason) {
        let reason = match reason {
            VoteRejectReason::AlreadyVoted => "this term's vote is given",
            VoteRejectReason::LogBehind => "its log is behind",
            VoteRejectReason::HasLiveLeader => "there is a leader",
        };
        let facts = [("to", peer(to)), ("id", Fact::Word(&WireId(to, request)))];
        self.say(Topic::Vote, format_args!("refuses {what} to {to}: {reason}"), &facts);
    }

    fn appended(&self, first: Index, last: EntryId) {
        let facts = [("last", index(last.index)), ("last_term", Fact::Number(last.term.number()))];
        self.say(Topic::Repl, format_args!("appends {}", Span(first, last.index)), &facts);
    }

    fn progress(&self, of: PeerId, match_index: Index, next_index: Index) {
        let text = format_args!("{of} matches through {match_index}");
        let facts = [("of", peer(of)), ("match", index(match_index)), ("next", index(next_index))];
        self.say(Topic::Log1, text, &facts);
    }

    fn persisting(&self, write: u64, what: RecordSummary) {
        let write = ("write", Fact::Number(write));
        match what {
            RecordSummary::HardState { voted_for } => self.say(
                Topic::Pers,
                format_args!("writes term and vote"),
                &[("vote", Fact::Word(&Maybe(voted_for))), write],
            ),
            RecordSummary::Append { first, last } => {
                self.say(Topic::Pers, format_args!("writes {}", Span(first, last)), &[write]);
            }
            RecordSummary::Truncate { from } => {
                self.say(
                    Topic::Pers,
                    format_args!("writes the end of the log before {from}"),
                    &[write],
                );
            }
            RecordSummary::Snapshot { last_included } => {
                let text = format_args!("writes the snapshot through {last_included}");
                self.say(Topic::Pers, text, &[write]);
            }
        }
    }

    fn compacted(&self, through: EntryId, bytes: u64) {
        let text = format_args!("compacts the log through {through}");
        let facts = [("snapshot", index(through.index)), ("bytes", Fact::Number(bytes))];
        self.say(Topic::Snap, text, &facts);
    }

    fn snapshot_installed(&self, through: EntryId, bytes: u64) {
        let text = format_args!("installs the snapshot through {through}");
        let facts = [
            ("snapshot", index(through.index)),
            ("last", index(through.index)),
            ("last_term", Fact::Number(through.term.number())),
            ("bytes", Fact::Number(bytes)),
        ];
        self.say(Topic::Snap, text, &facts);
    }

    fn read_dropped(&self, read: ReadId, reason: ReadDropReason) {
        let reason = match reason {
            ReadDropReason::LeaderLost => "its leader is one no longer",
            ReadDropReason::Rejected => "the leader does not take it",
            ReadDropReason::TimedOut => "its time is over",
        };
        self.say(Topic::Clnt, format_args!("gives up read {read}: {reason}"), &[read_fact(read)]);
    }

    fn message(&self, verb: &str, side: &str, other: PeerId, envelope: &Envelope) {
        let message = &envelope.message;
        let (name, term, details) = (message.name(), envelope.term, Details(message));
        let id = WireId(envelope.from, envelope.id);
        let facts = [(side, peer(other)), ("id", Fact::Word(&id))];
        let text = format_args!("{verb} {name} in term {term}{details}");
        if self.logger.level() < Level::Contents {
            self.say(Topic::Rpc, text, &facts);
        } else {
            self.say(Topic::Rpc, format_args!("{text} {message:?}"), &facts);
        }
    }

    fn refused(&self, envelope: &Envelope, reason: RejectReason) {
        let (name, from) = (envelope.message.name(), envelope.from);
        let reason = match reason {
            RejectReason::WrongReceiver => "it is for somebody else",
            RejectReason::FromSelf => "it is from itself",
            RejectReason::TermZero => "no message has term zero",
            RejectReason::TermTooHigh => "no number of elections reaches its term",
            RejectReason::SecondLeader => "the term has another leader",
            RejectReason::EntryTermTooHigh => "its entries are newer than itself",
            RejectReason::ConflictsWithCommitted => "it contradicts committed entries",
            RejectReason::AcknowledgesUnsent => "it acknowledges what was never sent",
            RejectReason::InvalidChunk => "no snapshot has such a chunk",
        };
        self.say(
            Topic::Erro,
            format_args!("refuses {name} from {from}: {reason}"),
            &[("from", peer(from)), ("id", Fact::Word(&WireId(from, envelope.id)))],
        );
    }

    /// Writes a line. `term=` and `role=` are the peer's own; the lines of messages, which have a
    /// term of their own in the text, do without.
    fn say(&self, topic: Topic, text: fmt::Arguments<'_>, facts: &[(&str, Fact<'_>)]) {
        let role = self.source.role;
        let term = ("term", Fact::Number(self.source.term.number()));
        let state = [term, ("role", Fact::Word(&role))];
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
        let all = [own, facts].concat();
        self.logger.line(&Line { at: self.at, topic, peer: &self.source.peer, text, facts: &all });
    }
}

/// Entries, by the first and the last of them.
struct Span(Index, Index);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(first, last) = self;
        if first == last {
            write!(f, "entry {first}")
        } else {
            write!(f, "entries {first}..{last}")
        }
    }
}

/// A message's contents, in a few words.
struct Details<'a>(&'a Message);

impl Display for Details<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Message::RequestVote(request) => {
                let why = match request.candidacy {
                    Candidacy::Timeout => "",
                    Candidacy::Transfer => ", its leader wants it",
                };
                write!(f, ": log through {}{why}", request.last_log)
            }
            Message::TimeoutNow => Ok(()),
            Message::RequestVoteReply(Vote::Granted) => f.write_str(": granted"),
            Message::RequestVoteReply(Vote::Rejected) => f.write_str(": refused"),
            Message::RequestPreVote(request) => write!(f, ": log through {}", request.last_log),
            Message::RequestPreVoteReply(reply) => match reply.vote {
                Vote::Granted => f.write_str(": would vote"),
                Vote::Rejected => f.write_str(": would not vote"),
            },
            Message::AppendEntries(append) => {
                let (prev, entries) = (append.slice.prev(), append.slice.entries());
                match (entries.first().map(at), entries.last().map(at)) {
                    (Some(first), Some(last)) => write!(f, ": {}", Span(first, last))?,
                    (None, _) | (_, None) => f.write_str(": heartbeat")?,
                }
                write!(f, " after {prev}, commit {}", append.leader_commit)
            }
            Message::AppendEntriesReply(reply) => match reply {
                AppendEntriesReply::Accepted { match_index, .. } => {
                    write!(f, ": matches {match_index}")
                }
                AppendEntriesReply::Rejected { prev_log_index, hint, .. } => {
                    write!(f, ": no match at {prev_log_index}, perhaps at {hint}")
                }
                AppendEntriesReply::OldTerm => f.write_str(": your term is over"),
            },
            Message::InstallSnapshot(chunk) => {
                let (from, bytes) = (chunk.offset, chunk.chunk.len());
                let end = match &chunk.done {
                    None => "",
                    Some(_) => ", the last",
                };
                write!(f, ": through {}, {bytes} bytes from {from}{end}", chunk.last_included)
            }
            Message::InstallSnapshotReply(reply) => match reply {
                InstallSnapshotReply::Continue { offset, .. } => {
                    write!(f, ": continue at {offset}")
                }
                InstallSnapshotReply::Installed { match_index, .. } => {
                    write!(f, ": matches {match_index}")
                }
                InstallSnapshotReply::OldTerm => f.write_str(": your term is over"),
            },
            Message::ReadIndex(question) => write!(f, ": question {}", question.request),
            Message::ReadIndexReply(ReadIndexReply::Ready { request, read_index }) => {
                write!(f, ": question {request}, read at {read_index}")
            }
            Message::ReadIndexReply(ReadIndexReply::Rejected { request }) => {
                write!(f, ": question {request} refused")
            }
        }
    }
}

const fn at(entry: &Entry) -> Index {
    entry.id.index
}
