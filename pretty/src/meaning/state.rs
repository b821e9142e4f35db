//! The state of a peer as lines give it: keys, their values, and changes of them.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;

/// The keys whose last values make up the state of a peer, as they are written.
pub(crate) const STATE_KEYS: [&str; 6] = ["role", "term", "vote", "commit", "applied", "last"];

/// One of [`STATE_KEYS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StateKey {
    Role,
    Term,
    Vote,
    Commit,
    Applied,
    Last,
}

impl StateKey {
    /// The key with this name.
    pub(crate) fn of(name: &[u8]) -> Option<Self> {
        // A match, because it looks at the length first: most keys are others.
        Some(match name {
            b"role" => Self::Role,
            b"term" => Self::Term,
            b"vote" => Self::Vote,
            b"commit" => Self::Commit,
            b"applied" => Self::Applied,
            b"last" => Self::Last,
            _ => return None,
        })
    }

    /// Tells whether it is the role, the term or the vote: their changes are steps of an election.
    pub(crate) const fn is_role_term_or_vote(self) -> bool {
        matches!(self, Self::Role | Self::Term | Self::Vote)
    }
}

/// A role in the paper's words, and those of its dissertation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Follower,
    Candidate,
    PreCandidate,
    Leader,
    Learner,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Follower => "follower",
            Self::Candidate => "candidate",
            Self::PreCandidate => "precandidate",
            Self::Leader => "leader",
            Self::Learner => "learner",
        }
    }
}

/// The order in which pairs of one line are taken: a new leader leads in the line's term,
/// and the applied index is compared with the line's commit index, that with the line's log.
const UPDATE_ORDER: [StateKey; STATE_KEYS.len()] = [
    StateKey::Term,
    StateKey::Role,
    StateKey::Vote,
    StateKey::Commit,
    StateKey::Applied,
    StateKey::Last,
];

/// A change of a peer's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StateUpdate<'a> {
    /// The peer restarts: no value before holds.
    Restart,
    /// A key has a value.
    Set(StateKey, Cow<'a, [u8]>),
    /// A number is one more than it was.
    Increment(StateKey),
    /// The peer, or another one, is `down` or `cut`, or no longer.
    Status(Option<Cow<'a, [u8]>>, Option<Cow<'a, [u8]>>),
}

/// The meaning of a text for the state of its peer, without the text: where its words are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StateMeaning {
    pub(super) restart: bool,
    pub(super) values: [Option<Word>; STATE_KEYS.len()],
    pub(super) increments: [bool; STATE_KEYS.len()],
    /// `down` or `cut`; empty if the peer is neither any more.
    pub(super) status: Option<Word>,
    /// The peer of the status, if it is another one.
    pub(super) of: Option<Word>,
}

/// A word, by its place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    At(Range<usize>),
    /// One less than the number at this place; the other word if there is no such number.
    LessOne(Range<usize>, Option<Box<Self>>),
    /// A word of a rule.
    Given(Box<[u8]>),
}

impl Word {
    pub(super) fn in_text<'a>(&self, text: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::At(place) => Some(Cow::Borrowed(&text[place.clone()])),
            Self::LessOne(place, otherwise) => match less_one(&text[place.clone()]) {
                Some(before) => Some(Cow::Owned(before.into())),
                None => otherwise.as_ref()?.in_text(text),
            },
            Self::Given(word) => Some(Cow::Owned(word.to_vec())),
        }
    }
}

/// The number before the one that is written.
pub(super) fn less_one(number: &[u8]) -> Option<Box<[u8]>> {
    let number: u64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    Some(number.checked_sub(1)?.to_string().into_bytes().into())
}

impl StateMeaning {
    /// Gives the changes to `take`, in order, for the text that has this meaning.
    pub(super) fn updates<'a>(&self, text: &'a [u8], mut take: impl FnMut(StateUpdate<'a>)) {
        let word = |word: &Option<Word>| word.as_ref()?.in_text(text);
        if self.restart {
            take(StateUpdate::Restart);
        }
        for key in UPDATE_ORDER {
            if self.increments[key as usize] {
                take(StateUpdate::Increment(key));
            } else if let Some(value) = word(&self.values[key as usize]) {
                take(StateUpdate::Set(key, value));
            }
        }
        if let Some(status) = word(&self.status) {
            let status = (!status.is_empty()).then_some(status);
            take(StateUpdate::Status(word(&self.of), status));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_names() {
        for (at, name) in STATE_KEYS.iter().enumerate() {
            assert_eq!(StateKey::of(name.as_bytes()).map(|key| key as usize), Some(at), "{name}");
        }
    }
}
