//! The words of a peer's state: keys and roles in the spellings of programs, data of
//! `pretty/words/state.toml`, of dialects and of the user.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::expression::digits::has_digits;
use crate::meaning::state::{Role, StateKey};

/// Keys and roles by their spellings.
#[derive(Clone, Debug)]
pub(crate) struct StateWords {
    /// By their lengths, in small letters and without marks.
    keys: [Vec<(Box<[u8]>, StateKey)>; LONGEST + 1],
    roles: Vec<(Box<[u8]>, Role)>,
    /// The number of roles that are built in; values in other words are shown in the paper's.
    built_in: usize,
    shortest: usize,
    /// A word has a digit.
    have_digits: bool,
}

/// Words as files have them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WordsFile {
    pub(crate) keys: BTreeMap<StateKey, Vec<String>>,
    pub(crate) roles: BTreeMap<Role, Vec<String>>,
}

static BUILT_IN: LazyLock<StateWords> = LazyLock::new(|| {
    let file: WordsFile = crate::words::read("state", include_str!("../../words/state.toml"));
    let mut words = StateWords {
        keys: [const { Vec::new() }; LONGEST + 1],
        roles: Vec::new(),
        built_in: 0,
        shortest: LONGEST,
        have_digits: false,
    };
    words.add(&file);
    words.built_in = words.roles.len();
    words
});

/// The role in any program's word: `StateLeader`, `LEADING`.
pub(crate) fn role_of(value: &[u8]) -> Option<Role> {
    BUILT_IN.role(value)
}

impl StateWords {
    pub(crate) fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// The same words and others, of the user or a dialect. Words longer than any key are none.
    pub(crate) fn with(mut self, file: &WordsFile) -> Self {
        self.add(file);
        self
    }

    fn add(&mut self, file: &WordsFile) {
        let plain = |word: &String| plain::<LONGEST>(word.as_bytes());
        for (key, words) in &file.keys {
            for (word, length) in words.iter().filter_map(plain) {
                self.have_digits |= has_digits(&word);
                self.keys[length].push((word[..length].into(), *key));
                self.shortest = self.shortest.min(length);
            }
        }
        for (role, words) in &file.roles {
            for (word, length) in words.iter().filter_map(plain) {
                self.have_digits |= has_digits(&word);
                self.roles.push((word[..length].into(), *role));
            }
        }
    }

    /// Tells whether a word has a digit.
    pub(crate) const fn have_digits(&self) -> bool {
        self.have_digits
    }

    /// The key of the state that a key means: `current_term`, `CurTerm`.
    pub(crate) fn key(&self, key: &[u8]) -> Option<StateKey> {
        if key.len() < self.shortest {
            return None;
        }
        let (word, length) = plain::<LONGEST>(key)?;
        let word = &word[..length];
        self.keys[length].iter().find(|(own, _)| **own == *word).map(|(_, key)| *key)
    }

    /// The role that a value means.
    pub(crate) fn role(&self, value: &[u8]) -> Option<Role> {
        self.place(value).map(|at| self.roles[at].1)
    }

    /// The role of a value in a word that is not built in, which nothing else knows.
    pub(crate) fn own_role(&self, value: &[u8]) -> Option<Role> {
        if self.roles.len() == self.built_in {
            return None;
        }
        self.place(value).filter(|at| *at >= self.built_in).map(|at| self.roles[at].1)
    }

    fn place(&self, value: &[u8]) -> Option<usize> {
        let (word, length) = plain::<LONGEST>(value)?;
        let whole = &word[..length];
        let short = whole.strip_prefix(b"state").unwrap_or(whole);
        let short = short.strip_suffix(b"state").unwrap_or(short);
        self.roles.iter().position(|(own, _)| **own == *whole || **own == *short)
    }
}

/// A word in small letters, without `_` and `-`, if it has at most `N` bytes.
fn plain<const N: usize>(word: &[u8]) -> Option<([u8; N], usize)> {
    if word.len() > N {
        return None;
    }
    let (mut plain, mut length) = ([0; N], 0);
    for byte in word.iter().filter(|byte| !b"_-".contains(byte)) {
        plain[length] = byte.to_ascii_lowercase();
        length += 1;
    }
    Some((plain, length))
}

/// More bytes than the longest spelling has.
const LONGEST: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_keys_and_roles_are_words() {
        let words = StateWords::built_in();
        for (word, key) in [
            ("term", StateKey::Term),
            ("currentTerm", StateKey::Term),
            ("voted_for", StateKey::Vote),
            ("Raft-State", StateKey::Role),
            ("lastLogIndex", StateKey::Last),
        ] {
            assert_eq!(words.key(word.as_bytes()), Some(key), "{word}");
        }
        for word in ["", "id", "terms", "the_term_of_a_key_that_is_very_long"] {
            assert_eq!(words.key(word.as_bytes()), None, "{word}");
        }
        for role in
            [Role::Follower, Role::Candidate, Role::PreCandidate, Role::Leader, Role::Learner]
        {
            assert_eq!(words.role(role.name().as_bytes()), Some(role));
            assert_eq!(words.own_role(role.name().as_bytes()), None);
        }
        for word in ["StateLeader", "LEADING", "leader_state", "L"] {
            assert_eq!(words.role(word.as_bytes()), Some(Role::Leader), "{word}");
        }
    }

    #[test]
    fn words_of_the_user_are_added() {
        let file: WordsFile =
            toml::from_str("keys = { term = ['epoch'] }\nroles = { leader = ['captain'] }")
                .unwrap();
        let words = StateWords::built_in().clone().with(&file);
        assert_eq!(words.key(b"Epoch"), Some(StateKey::Term));
        assert_eq!(words.own_role(b"CAPTAIN"), Some(Role::Leader));
        assert_eq!(words.own_role(b"leading"), None);
        assert!(toml::from_str::<WordsFile>("roles = { boss = ['x'] }").is_err());
    }
}
