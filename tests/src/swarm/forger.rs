//! Forged messages: of peers that are no members, and with terms that no elections can have reached.
//!
//! A stranger says everything that a peer may say, a removed peer and one that is not added yet too.
//! Members are imitated only with terms out of reach: what else a false member says, like the entries
//! of a false leader and the false log of a candidate that others may count, is beyond any Raft, and
//! is kept out by the identity of connections.

use raft::message::{
    AppendEntries, AppendEntriesReply, Candidacy, Carried, InstallSnapshot, InstallSnapshotReply,
    ReadIndex, ReadIndexReply, Registration, RequestPreVote, RequestPreVoteReply, RequestVote,
    Vote,
};
use raft::{
    EntryId, Envelope, Incarnation, Index, LogSlice, Message, MessageId, Node, PeerId, RequestId,
    Round, Standing, StoreStamp, Term,
};

use crate::sim::random::{Chance, Stream};
use crate::world::{FIRST_STRANGER, TERM_JUMP_MAX, World, peer_id};

/// The part of a message's sender.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// No peer of this cluster.
    Stranger,
    /// A peer that is no member by the receiver's log.
    Outsider,
    /// A member, with a term out of reach.
    Member,
}

/// Draws a forged message to a running peer.
#[must_use]
pub(super) fn draw(world: &World, to: usize, rng: &mut Stream) -> Option<Envelope> {
    let node = world.node(to)?;
    let out_of_reach = rng.happens(Chance::of(1, 2));
    let (from, role) = sender(world, to, node, out_of_reach, rng);
    let term = term(node, out_of_reach, rng);
    let message = message(node, role, term, rng);
    let store = rng.happens(Chance::of(1, 2)).then(|| StoreStamp {
        incarnation: Incarnation::new(rng.draw()),
        standing: rng.pick(&[Standing::New, Standing::Confirmed]),
    });
    let id = MessageId::new(rng.below(1 << 40));
    Some(Envelope { id, from, to: peer_id(to), term, store, message })
}

fn sender(
    world: &World,
    to: usize,
    node: &Node,
    out_of_reach: bool,
    rng: &mut Stream,
) -> (PeerId, Role) {
    let stranger = PeerId::new(FIRST_STRANGER + rng.below(3));
    let server = (to + 1 + rng.index(world.size().max(2) - 1)) % world.size();
    let from = peer_id(server);
    let is_member = node.address_book().contains_key(&from) || node.status().leader == Some(from);
    if server == to || rng.happens(Chance::of(1, 2)) || (is_member && !out_of_reach) {
        (stranger, Role::Stranger)
    } else if is_member {
        (from, Role::Member)
    } else {
        (from, Role::Outsider)
    }
}

/// A term out of reach, or one of those that the receiver may see next. A peer that knows no member takes
/// any usable term.
fn term(node: &Node, out_of_reach: bool, rng: &mut Stream) -> Term {
    let own = node.status().current_term.number();
    let term = if !out_of_reach {
        own + rng.pick(&[0, 0, 1, 1, 2, 1000])
    } else if node.membership().is_empty() {
        rng.pick(&[Term::MAX.number() + 1, u64::MAX])
    } else {
        let (first, more) = (own + TERM_JUMP_MAX + 1, rng.below(1 << 40));
        rng.pick(&[first, first + more, 1 << 61, 1 << 62, 1 << 63, u64::MAX])
    };
    Term::new(term.max(1))
}

fn message(node: &Node, role: Role, term: Term, rng: &mut Stream) -> Message {
    let last = node.log().last();
    let (round, request) = (Round::new(rng.below(9)), RequestId::new(rng.below(9)));
    let vote = rng.pick(&[Vote::Granted, Vote::Granted, Vote::Rejected]);
    let last_log = claimed_log(node, role, rng);
    match rng.below(13) {
        0 => {
            let candidacy = rng.pick(&[Candidacy::Timeout, Candidacy::Transfer]);
            Message::RequestVote(RequestVote { last_log, candidacy })
        }
        1 => Message::RequestPreVote(RequestPreVote { last_log }),
        2 => Message::RequestVoteReply(vote),
        3 => {
            let request_term = rng.pick(&[node.status().current_term, term]);
            Message::RequestPreVoteReply(RequestPreVoteReply { request_term, vote })
        }
        4 => Message::AppendEntries(AppendEntries {
            slice: LogSlice::empty(rng.pick(&[EntryId::ZERO, last])),
            leader_commit: rng.pick(&[Index::ZERO, last.index, last.index.next()]),
            round,
        }),
        5 | 6 => Message::AppendEntriesReply(acknowledgement(last.index, round, rng)),
        7 => Message::InstallSnapshot(InstallSnapshot {
            last_included: EntryId::new(term, last.index.next()),
            offset: 0,
            chunk: b"forged".as_slice().into(),
            done: None,
            round,
        }),
        8 => Message::InstallSnapshotReply(rng.pick(&[
            InstallSnapshotReply::OldTerm,
            InstallSnapshotReply::Installed { match_index: last.index, round },
            InstallSnapshotReply::Continue { last_included_index: last.index, offset: 1, round },
        ])),
        9 => Message::TimeoutNow,
        10 => Message::ReadIndex(ReadIndex { request }),
        11 => Message::ReadIndexReply(rng.pick(&[
            ReadIndexReply::Ready { request, read_index: Index::ZERO },
            ReadIndexReply::Rejected { request },
        ])),
        // A server that is no member here may have been one at first.
        _ if role == Role::Outsider => Message::TimeoutNow,
        _ => {
            let store = node.store().map_or(Incarnation::new(1), |stamp| stamp.incarnation);
            let registered = Registration::Registered { store };
            match rng.pick(&[None, Some(registered), Some(Registration::Refused { known: None })]) {
                None => Message::Register,
                Some(reply) => Message::RegisterReply(reply),
            }
        }
    }
}

/// The last entry that a candidate claims. A vote for one that others may count must be deserved; and a
/// store without identity that its only peer did not vote for is not started again.
fn claimed_log(node: &Node, role: Role, rng: &mut Stream) -> EntryId {
    let last = node.log().last();
    match role {
        Role::Stranger if node.membership().voters().len() == 1 => EntryId::ZERO,
        Role::Outsider => rng.pick(&[EntryId::ZERO, last]),
        Role::Stranger | Role::Member => {
            rng.pick(&[EntryId::ZERO, last, EntryId::new(last.term, last.index.next())])
        }
    }
}

fn acknowledgement(last: Index, round: Round, rng: &mut Stream) -> AppendEntriesReply {
    let carried = rng.pick(&[Carried::Entries, Carried::Nothing]);
    rng.pick(&[
        AppendEntriesReply::OldTerm,
        AppendEntriesReply::Accepted { match_index: last, carried, round },
        AppendEntriesReply::Rejected { prev_log_index: last, hint: EntryId::ZERO, round },
    ])
}
