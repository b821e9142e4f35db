//! Keys of structured lines, by their meaning: data of `formats/keys.toml`, and the user's own.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::expression::digits::has_digits;
use crate::words::Words;

/// Names of fields by what they mean.
pub(super) type KeyNames = BTreeMap<Role, Vec<String>>;

/// The meaning of each key.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// By a hash: of any key few others have to be compared.
    buckets: Vec<Vec<(Box<str>, KeyMeaning)>>,
    /// The part before a point of keys that have one: `log` of `log.level`.
    outer: Vec<Box<str>>,
}

/// The meaning of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyMeaning {
    pub(super) role: Role,
    /// Of several keys of one role the lowest rank counts.
    pub(super) rank: u8,
}

impl KeyMeaning {
    /// The value, if such a field can name a peer by it.
    pub(super) fn peer(self, value: &[u8]) -> Option<&[u8]> {
        let is_number = value.iter().all(u8::is_ascii_digit);
        match self.role {
            Role::Peer => as_peer(value),
            Role::Id if value.len() <= if is_number { 3 } else { 12 } => as_peer(value),
            Role::Id
            | Role::Time
            | Role::Level
            | Role::Topic
            | Role::Msg
            | Role::Nested
            | Role::Spans
            | Role::Threads
            | Role::Stack
            | Role::LeftOut => None,
        }
    }
}

/// The role of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    Time,
    Level,
    Topic,
    Msg,
    Peer,
    /// The peer, if it is short.
    Id,
    /// Its members are the fields.
    Nested,
    /// A list of objects, the outermost first.
    Spans,
    /// The name of a thread, which may be that of a peer.
    Threads,
    /// A stack trace, in lines below the text.
    Stack,
    LeftOut,
}

/// The keys of the user, tried before the built-in ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OwnKeys {
    /// Keys of the time.
    pub time: Vec<String>,
    /// Keys of the level.
    pub level: Vec<String>,
    /// Keys of the topic.
    pub topic: Vec<String>,
    /// Keys of the text.
    pub msg: Vec<String>,
    /// Keys of the peer.
    pub peer: Vec<String>,
}

impl OwnKeys {
    /// These keys, and others behind them.
    #[cfg(feature = "cli")]
    pub(crate) fn over(self, others: Self) -> Self {
        Self {
            time: [self.time, others.time].concat(),
            level: [self.level, others.level].concat(),
            topic: [self.topic, others.topic].concat(),
            msg: [self.msg, others.msg].concat(),
            peer: [self.peer, others.peer].concat(),
        }
    }
}

/// The fields that may name the peer of a line.
#[derive(Clone, Copy, Debug)]
pub(super) enum PeerField<'p> {
    /// Any of the known keys.
    Any,
    /// This one.
    Key(&'p str),
    None,
}

impl Keys {
    pub(super) fn new(others: &[&KeyNames], own: &OwnKeys) -> Self {
        let mut keys = Self { buckets: vec![Vec::new(); BUCKETS], outer: Vec::new() };
        let OwnKeys { time, level, topic, msg, peer } = own;
        let own = [
            (Role::Time, time),
            (Role::Level, level),
            (Role::Topic, topic),
            (Role::Msg, msg),
            (Role::Peer, peer),
        ];
        let others = others.iter().flat_map(|keys| keys.iter().map(|(role, names)| (*role, names)));
        for (role, names) in own.into_iter().chain(others) {
            let rank = if role == Role::Id { u8::MAX - 8 } else { keys.count(role) };
            for (rank, name) in (rank..=u8::MAX).zip(names) {
                keys.insert(name, KeyMeaning { role, rank });
            }
        }
        keys
    }

    fn insert(&mut self, name: &str, meaning: KeyMeaning) {
        if let Some((outer, _)) = name.split_once('.')
            && !self.is_outer(outer)
        {
            self.outer.push(outer.into());
        }
        let bucket = &mut self.buckets[bucket_of(name)];
        if bucket.iter().all(|(own, _)| &**own != name) {
            bucket.push((name.into(), meaning));
        }
    }

    fn count(&self, role: Role) -> u8 {
        let all = self.buckets.iter().flatten().filter(|(_, own)| own.role == role);
        u8::try_from(all.count()).unwrap_or(u8::MAX)
    }

    pub(super) fn meaning(&self, key: &str) -> Option<KeyMeaning> {
        let bucket = &self.buckets[bucket_of(key)];
        bucket.iter().find(|(own, _)| &**own == key).map(|(_, meaning)| *meaning)
    }

    /// Tells whether a key with other digits may have another meaning.
    pub(super) fn tell_digits_apart(&self) -> bool {
        let mut keys = self.buckets.iter().flatten().map(|(key, _)| key).chain(&self.outer);
        keys.any(|key| has_digits(key.as_bytes()))
    }

    /// Tells whether members of an object with this key have meanings.
    pub(super) fn is_outer(&self, key: &str) -> bool {
        self.outer.iter().any(|own| **own == *key)
    }

    /// The peer named by a `key=value` in a text.
    pub(super) fn peer_in<'a>(&self, text: &'a [u8], field: PeerField<'_>) -> Option<&'a [u8]> {
        match field {
            PeerField::None => None,
            PeerField::Key(wanted) => pairs(text)
                .find(|(key, _)| *key == wanted.as_bytes())
                .and_then(|(_, value)| as_peer(value)),
            PeerField::Any => {
                let ranked = pairs(text).filter_map(|(key, value)| {
                    let meaning = self.meaning(std::str::from_utf8(key).ok()?)?;
                    Some((meaning.rank, meaning.peer(value)?))
                });
                ranked.min_by_key(|(rank, _)| *rank).map(|(_, value)| value)
            }
        }
    }

    /// All keys in a text that may name a peer, with their values.
    pub(super) fn peers_in(&self, text: &[u8]) -> Vec<(u8, String, Vec<u8>)> {
        let found = pairs(text).filter_map(|(key, value)| {
            let key = std::str::from_utf8(key).ok()?;
            let meaning = self.meaning(key)?;
            Some((meaning.rank, key.to_owned(), meaning.peer(value)?.to_vec()))
        });
        found.collect()
    }
}

/// The pairs `key=value` and `key: value` of a text, without the punctuation around values.
fn pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    memchr::memchr2_iter(b'=', b':', text).filter_map(|at| {
        let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
        let length = text[..at].iter().rev().take_while(|byte| is_key(byte)).count();
        let key = &text[at - length..at];
        let value = &text[at + 1..];
        let value = match text[at] {
            b':' => value.strip_prefix(b" ")?,
            _ => value,
        };
        if let Some(quoted) = value.strip_prefix(b"\"") {
            let end = memchr::memchr(b'"', quoted)?;
            return (!key.is_empty()).then_some((key, &quoted[..end]));
        }
        let end = value
            .iter()
            .position(|byte| byte.is_ascii_whitespace() || b",;\"'()[]{}".contains(byte));
        (!key.is_empty()).then_some((key, &value[..end.unwrap_or(value.len())]))
    })
}

/// The value, if it can name a peer.
pub(super) fn as_peer(value: &[u8]) -> Option<&[u8]> {
    let is_word =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:@/".contains(byte) || *byte >= 0x80;
    let fits = (1..=super::record::NAME_BYTES_MAX).contains(&value.len());
    (fits && value.iter().all(is_word)).then_some(value)
}

/// The peer in the name of a thread: `node-3`, `Server_2`.
fn peer_of_thread(name: &[u8]) -> Option<&[u8]> {
    let letters = name.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, rest) = name.split_at(letters);
    let number = rest.strip_prefix(b"-").or_else(|| rest.strip_prefix(b"_")).unwrap_or(rest);
    let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    let is_peer = || PEER_WORDS.words.iter().any(|own| word.eq_ignore_ascii_case(own.as_bytes()));
    (is_number && is_peer()).then_some(name)
}

/// The word in a text that is the name of a peer: `node1`, `[server-2]`.
pub(super) fn peer_word(text: &[u8]) -> Option<&[u8]> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
    text.split(|byte| !is_name(byte)).find_map(peer_of_thread)
}

/// Words that programs name peers with.
static PEER_WORDS: LazyLock<Words<Vec<String>>> =
    LazyLock::new(|| Words::read("peers", include_str!("../../words/peers.toml")));

/// The length and both ends of a key tell nearly all apart.
#[inline]
fn bucket_of(key: &str) -> usize {
    let bytes = key.as_bytes();
    let end = |byte: Option<&u8>| byte.map_or(0, |byte| usize::from(*byte));
    (bytes.len() * 7 + end(bytes.first()) * 5 + end(bytes.last()) * 11) % BUCKETS
}

const BUCKETS: usize = 256;
