//! The state of a peer as lines give it: keys, their values, and changes of them.

use std::borrow::Cow;

/// The keys whose last values make up the state of a peer, as they are written.
pub(crate) const STATE_KEYS: [&str; 6] = ["role", "term", "vote", "commit", "applied", "last"];

/// One of [`STATE_KEYS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

    /// The key with this place among [`STATE_KEYS`].
    pub(crate) fn at(place: usize) -> Self {
        let all = [Self::Role, Self::Term, Self::Vote, Self::Commit, Self::Applied, Self::Last];
        all[place]
    }
}

/// Tells whether a value of `role` is that of a leader.
pub(crate) fn is_leader(role: &str) -> bool {
    role.eq_ignore_ascii_case("leader")
}

/// The order in which pairs of one line are taken: a new leader leads in the line's term,
/// and the applied index is compared with the line's commit index, that with the line's log.
pub(crate) const UPDATE_ORDER: [StateKey; STATE_KEYS.len()] = [
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
}

/// The values of all keys, found in one go.
pub(crate) fn state_facts(text: &[u8]) -> [Option<&[u8]>; STATE_KEYS.len()] {
    let mut facts = [None; STATE_KEYS.len()];
    let mut word = 0;
    for equals in memchr::memchr_iter(b'=', text) {
        let blank = text[word..equals].iter().rposition(u8::is_ascii_whitespace);
        let start = blank.map_or(word, |blank| word + blank + 1);
        let key = &text[start..equals];
        if let Some(key) = StateKey::of(key) {
            facts[key as usize] = text[equals + 1..].split(u8::is_ascii_whitespace).next();
        }
        word = start;
    }
    facts
}

/// The value of a key in a text: of several the last.
pub(crate) fn fact<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    memchr::memrchr_iter(b'=', text).find_map(|equals| {
        let before = text[..equals].strip_suffix(key)?;
        if before.last().is_some_and(|byte| !byte.is_ascii_whitespace()) {
            return None;
        }
        text[equals + 1..].split(u8::is_ascii_whitespace).next()
    })
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

    #[test]
    fn facts_are_words() {
        assert_eq!(fact(b"grants vote term=3 id=17", b"id"), Some(&b"17"[..]));
        assert_eq!(fact(b"grants vote term=3 id=17", b"term"), Some(&b"3"[..]));
        assert_eq!(fact(b"term=3 term=4", b"term"), Some(&b"4"[..]));
        assert_eq!(fact(b"midterm=3", b"term"), None);
        assert_eq!(fact(b"term", b"term"), None);
        assert_eq!(fact(b"", b"term"), None);
    }
}
