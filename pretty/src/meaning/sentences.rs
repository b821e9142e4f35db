//! Sentences of logs whose lines carry no `event=`: the Go labs', and `verbose/1` as it was.
//!
//! This is data. No other file of the crate matches the words of a program.

use crate::meaning::state::StateKey;

/// The effect of a sentence on the state of its peer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Effect {
    Restart,
    /// A key has this value.
    Fixed(StateKey, &'static str),
    /// A key has the value in this placeholder of the sentence.
    Placeholder(StateKey, usize),
    /// A key has the number before the one in this placeholder.
    Before(StateKey, usize),
    Increment(StateKey),
}

/// Sentences and their effects. The first is of `verbose/1`, the others are those of the Go labs.
pub(crate) const STATE: [(&str, &[Effect]); 13] = [
    ("starts with the log", &[Effect::Restart]),
    (
        "Initializing persistent state",
        &[
            Effect::Restart,
            Effect::Fixed(StateKey::Role, "Follower"),
            Effect::Fixed(StateKey::Term, "0"),
            Effect::Fixed(StateKey::Vote, "none"),
            Effect::Fixed(StateKey::Commit, "0"),
            Effect::Fixed(StateKey::Applied, "0"),
            Effect::Fixed(StateKey::Last, "0"),
        ],
    ),
    (
        "Reading persistent state: curTerm:#, votedFor:#",
        &[
            Effect::Restart,
            Effect::Fixed(StateKey::Role, "Follower"),
            Effect::Placeholder(StateKey::Term, 0),
            Effect::Placeholder(StateKey::Vote, 1),
            Effect::Fixed(StateKey::Commit, "0"),
            Effect::Fixed(StateKey::Applied, "0"),
        ],
    ),
    ("Reading persistent state: *SortedIndices:[~]", &[Effect::Placeholder(StateKey::Last, 0)]),
    ("State change: @ --> @", &[Effect::Placeholder(StateKey::Role, 1)]),
    // A candidate enters the next term without a line about it.
    (
        "State change: @ --> Candidate",
        &[Effect::Increment(StateKey::Term), Effect::Fixed(StateKey::Vote, "itself")],
    ),
    (
        "Updating term: # --> #",
        &[Effect::Placeholder(StateKey::Term, 1), Effect::Fixed(StateKey::Vote, "none")],
    ),
    ("Vote granted to #", &[Effect::Placeholder(StateKey::Vote, 0)]),
    ("Update commitIndex: # --> #", &[Effect::Placeholder(StateKey::Commit, 1)]),
    ("Updating commitIndex: # --> #", &[Effect::Placeholder(StateKey::Commit, 1)]),
    ("Updated lastApplied: # --> #", &[Effect::Placeholder(StateKey::Applied, 1)]),
    ("Added command:* to index:#", &[Effect::Placeholder(StateKey::Last, 0)]),
    ("Deleting Entries from index:#", &[Effect::Before(StateKey::Last, 0)]),
];

/// The first two bytes of all sentences in [`STATE`].
pub(crate) const FIRST_BYTES: [&[u8; 2]; 8] =
    [b"st", b"In", b"Re", b"St", b"Up", b"Vo", b"Ad", b"De"];

/// The beginnings of lines at which an election timer has run out.
pub(crate) const ELECTION_TIMEOUTS: [&[u8]; 2] = [b"hears no leader", b"Election timeout"];

/// The topic of messages sent and received.
pub(crate) const MESSAGE_TOPIC: &[u8] = b"RPC";

/// The topic of messages lost.
pub(crate) const LOSS_TOPIC: &[u8] = b"DROP";

/// The topic of clients; `to=` is the peer they act on.
pub(crate) const CLIENT_TOPIC: &[u8] = b"CLNT";

/// The topic of lines that are errors whatever their text.
pub(crate) const ERROR_TOPIC: &[u8] = b"ERRO";

/// The topics whose lines are never folded.
pub(crate) const NEVER_FOLDED: [&[u8]; 7] =
    [ERROR_TOPIC, b"TERM", b"STATE", b"LEAD", b"VOTE", LOSS_TOPIC, b"TEST"];

/// Words before the kind of a message that has an `id=`.
pub(crate) const MESSAGE_VERBS: [&[u8]; 2] = [b"sends", b"receives"];

/// Messages of the Go labs. The first group of each is their kind, the last the other peer.
pub(crate) const MESSAGES_WITHOUT_ID: [&str; 3] =
    ["Sending ([A-Z]\\w+) to", "([A-Z]\\w+) from", "Received ([A-Z]\\w+) response from"];

/// Words before the peer that has answered.
pub(crate) const RESPONSE: &[u8] = b" response from ";

/// The beginnings of lines at which a test with terms of its own starts.
pub(crate) const TEST_STARTS: [&[u8]; 2] = [b"Test (", b"=== RUN"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_of_every_sentence_are_listed() {
        for (pattern, _) in STATE {
            let first = pattern.as_bytes().first_chunk::<2>();
            assert!(
                first.is_some_and(|first| FIRST_BYTES.contains(&first)),
                "{pattern}: add its first two bytes to FIRST_BYTES"
            );
        }
    }
}
