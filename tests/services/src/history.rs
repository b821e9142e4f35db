//! Histories of strings, checked for linearizability.
//!
//! A value is kept as its length and a hash that grows with it: histories of values that are
//! appended to would not fit into memory otherwise. Values that were read are kept as they are, but for
//! those with which others begin: they show the order of appends, which concurrent appends alone leave
//! open.

use std::collections::BTreeMap;

use crate::session::ClientId;
use linearizability::history::Record;
use linearizability::{Effect, Model, Timed};
use raft_tests::failure::Failure;
use raft_tests::oracle::history::check_keys;

/// A value: its length, and the hash of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest {
    bytes: usize,
    /// Hash of the whole words.
    hash: u64,
    /// Bytes of the word that is not whole yet.
    rest: u64,
}

impl Digest {
    /// The empty string's.
    pub const EMPTY: Self = Self { bytes: 0, hash: 0x517c_c1b7_2722_0a95, rest: 0 };

    /// The digest of a value.
    #[must_use]
    pub fn of(value: &str) -> Self {
        Self::EMPTY.and(value)
    }

    /// The digest of this value and more at its end.
    #[must_use]
    pub fn and(mut self, more: &str) -> Self {
        let missing = (WORD - self.bytes % WORD) % WORD;
        let (first, more) = more.as_bytes().split_at(missing.min(more.len()));
        first.iter().for_each(|byte| self.add_byte(*byte));
        let (words, rest) = more.as_chunks::<WORD>();
        for word in words {
            self.hash = fold(self.hash, u64::from_le_bytes(*word));
        }
        self.bytes += words.len() * WORD;
        rest.iter().for_each(|byte| self.add_byte(*byte));
        self
    }

    fn add_byte(&mut self, byte: u8) {
        self.rest |= u64::from(byte) << (8 * (self.bytes % WORD));
        self.bytes += 1;
        if self.bytes.is_multiple_of(WORD) {
            self.hash = fold(self.hash, std::mem::take(&mut self.rest));
        }
    }
}

const WORD: usize = size_of::<u64>();

const fn fold(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A call on a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// The value it returned, unless it did not return.
    Get(Option<Digest>),
    /// Replaced the value.
    Put(String),
    /// Added to the value.
    Append(String),
}

/// The calls of a run, by key.
#[derive(Clone, Debug, Default)]
pub struct History {
    keys: BTreeMap<String, Key>,
    /// Calls and returns so far: no two happen at one time.
    events: u64,
    calls: u64,
}

/// The calls on a key.
#[derive(Clone, Debug, Default)]
struct Key {
    /// A history of this key alone: its model knows what was read last.
    history: linearizability::history::History<Call>,
    reads: Reads,
}

/// The values that were read from a key.
#[derive(Clone, Debug, Default)]
struct Reads {
    /// The longest values: every other one is a beginning of one of them.
    longest: Vec<String>,
    /// Each value, and the place of one of the longest that begins with it.
    all: Vec<(Digest, usize)>,
}

impl Reads {
    /// Adds a value. A write that replaces the value begins another one; reads that overlap it may see
    /// either.
    fn add(&mut self, digest: Digest, value: &str) {
        let recent = self.longest.len().saturating_sub(RECENT)..self.longest.len();
        let place = recent.rev().find(|place| {
            let known = &self.longest[*place];
            known.starts_with(value) || value.starts_with(known)
        });
        let place = place.unwrap_or(self.longest.len());
        match self.longest.get_mut(place) {
            Some(known) if known.len() < value.len() => value.clone_into(known),
            Some(_) => {}
            None => self.longest.push(value.to_owned()),
        }
        self.all.push((digest, place));
    }
}

/// Values that reads at one time may see.
const RECENT: usize = 4;

/// Name of a call that has not returned yet.
#[derive(Debug)]
pub struct Open {
    key: String,
    position: usize,
}

impl History {
    /// Number of calls.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// A call of a client begins.
    pub fn call(&mut self, client: ClientId, key: &str, call: Call) -> Open {
        self.events += 1;
        self.calls += 1;
        let history = &mut self.keys.entry(key.to_owned()).or_default().history;
        let calls = history.keys.entry(format!("{key:?}")).or_default();
        calls.push(Record::new(format!("C{client}"), Timed::pending(call, self.events)));
        Open { key: key.to_owned(), position: calls.len() - 1 }
    }

    /// A call returns; with the value, if it was a Get.
    pub fn returned(&mut self, open: &Open, value: &str) {
        self.events += 1;
        let Some(key) = self.keys.get_mut(&open.key) else { return };
        let Some(calls) = key.history.keys.values_mut().next() else { return };
        let timed = &mut calls[open.position].timed;
        timed.returns(self.events).unwrap_or_else(|error| panic!("{timed:?}: {error}"));
        if let Call::Get(told) = &mut timed.call {
            let digest = Digest::of(value);
            *told = Some(digest);
            key.reads.add(digest, value);
        }
    }

    /// Checks the calls of each key, and returns the number of keys whose search was abandoned.
    ///
    /// # Errors
    /// The calls of a key cannot be put in an order.
    pub fn check(&self) -> Result<u64, Failure> {
        let mut undecided = 0;
        for Key { history, reads } in self.keys.values() {
            undecided += check_keys(&StringValue::new(reads), history, "call")?;
        }
        Ok(undecided)
    }
}

/// A string that is read, replaced and appended to.
struct StringValue {
    /// For each of the longest values that were read, the digests of all its beginnings.
    longest: Vec<Vec<Digest>>,
    /// By length, the values that were read, each with the place of one of the longest that begins with it.
    read: Vec<Vec<(Digest, usize)>>,
}

impl StringValue {
    fn new(Reads { longest, all }: &Reads) -> Self {
        let beginnings = |value: &String| {
            let grow = |digest: &mut Digest, byte| {
                digest.add_byte(byte);
                Some(*digest)
            };
            [Digest::EMPTY].into_iter().chain(value.bytes().scan(Digest::EMPTY, grow)).collect()
        };
        let length_max = longest.iter().map(String::len).max().unwrap_or_default();
        let mut read = vec![Vec::new(); length_max + 1];
        for (digest, place) in all {
            let same_length: &mut Vec<(Digest, usize)> = &mut read[digest.bytes];
            if same_length.iter().all(|(other, _)| other != digest) {
                same_length.push((*digest, *place));
            }
        }
        Self { longest: longest.iter().map(beginnings).collect(), read }
    }

    /// `false` if a value that was read does not begin with this one.
    fn may_begin(&self, beginning: &Digest, value: &Digest) -> bool {
        let same_length = self.read.get(value.bytes).into_iter().flatten();
        let longest = same_length.filter(|(read, _)| read == value).map(|(_, place)| *place).next();
        longest.is_none_or(|place| self.longest[place].get(beginning.bytes) == Some(beginning))
    }
}

impl Model for StringValue {
    type State = Digest;
    type Call = Call;

    fn start(&self) -> Digest {
        Digest::EMPTY
    }

    fn after(&self, state: &Digest, call: &Call) -> Option<Digest> {
        match call {
            Call::Get(Some(told)) => (told == state).then_some(*state),
            Call::Get(None) => Some(*state),
            Call::Put(value) => Some(Digest::of(value)),
            Call::Append(more) => Some(state.and(more)),
        }
    }

    fn effect(&self, call: &Call) -> Effect<Digest> {
        match call {
            Call::Get(told) => Effect::Read(*told),
            Call::Put(value) => Effect::Write(Digest::of(value)),
            Call::Append(_) => Effect::Update,
        }
    }

    fn reaches(&self, from: &Digest, to: &Digest) -> bool {
        from.bytes <= to.bytes && self.may_begin(from, to)
    }

    fn describe_call(&self, call: &Call) -> String {
        match call {
            Call::Get(None) => "get -> ?".to_owned(),
            Call::Get(Some(told)) => format!("get -> {}", self.describe_state(told)),
            Call::Put(value) => format!("put {value:?}"),
            Call::Append(more) => format!("append {more:?}"),
        }
    }

    fn describe_state(&self, state: &Digest) -> String {
        let Digest { bytes, hash, rest } = state;
        format!("{bytes} bytes #{:04x}", (hash ^ rest) & 0xffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_get_that_misses_an_append_is_found() {
        let mut history = History::default();
        let append = history.call(1, "k", Call::Append("a".to_owned()));
        history.returned(&append, "");
        let mut wrong = history.clone();
        for (history, value) in [(&mut history, "a"), (&mut wrong, "")] {
            let get = history.call(2, "k", Call::Get(None));
            history.returned(&get, value);
        }
        assert_eq!(history.check(), Ok(0));
        let failure = wrong.check().expect_err("a stale read");
        assert_eq!(failure.signature(), "linearizability");
        assert!(
            failure.to_string().contains("the 2 calls for key \"k\" have no order: get ->"),
            "{failure}"
        );
    }

    #[test]
    fn a_digest_grows_like_its_value() {
        let value = "the quick brown fox jumps over the lazy dog";
        for (first, second) in [(0, 0), (0, 43), (1, 2), (3, 20), (8, 16), (7, 43)] {
            let parts = [&value[..first], &value[first..second], &value[second..]];
            let grown = parts.iter().fold(Digest::EMPTY, |digest, part| digest.and(part));
            assert_eq!(grown, Digest::of(value), "{first} {second}");
        }
        assert_ne!(Digest::of("a"), Digest::of("a\0"));
    }

    #[test]
    fn the_last_value_decides_the_order_of_concurrent_appends() {
        let mut history = History::default();
        let first = history.call(1, "k", Call::Put(String::new()));
        history.returned(&first, "");
        let appends: Vec<_> =
            (0..40).map(|n| history.call(1, "k", Call::Append(format!("{n} ")))).collect();
        appends.iter().for_each(|open| history.returned(open, ""));
        let mut values: Vec<_> = (0..40).map(|n| format!("{n} ")).collect();
        values.reverse();
        let read = |value: &str| {
            let mut history = history.clone();
            let get = history.call(1, "k", Call::Get(None));
            history.returned(&get, value);
            history.check()
        };
        assert_eq!(read(&values.concat()), Ok(0));
        assert!(read(&values[1..].concat()).is_err(), "one is missing");
        values[1] = values[0].clone();
        assert!(read(&values.concat()).is_err(), "one is there twice");
    }

    /// Values that a write replaced show the order of the appends before it.
    #[test]
    fn every_value_that_was_read_decides_an_order() {
        let mut history = History::default();
        for round in 0..3 {
            let put = history.call(1, "k", Call::Put(format!("{round}:")));
            history.returned(&put, "");
            let texts: Vec<_> = (0..40).map(|n| format!("{n} ")).collect();
            let appends: Vec<_> =
                texts.iter().map(|text| history.call(1, "k", Call::Append(text.clone()))).collect();
            appends.iter().for_each(|open| history.returned(open, ""));
            let texts = texts.into_iter().rev();
            let value: String = [format!("{round}:")].into_iter().chain(texts).collect();
            let get = history.call(2, "k", Call::Get(None));
            history.returned(&get, &value);
        }
        let put = history.call(1, "k", Call::Put(String::new()));
        history.returned(&put, "");
        let get = history.call(1, "k", Call::Get(None));
        history.returned(&get, "");
        assert_eq!(history.check(), Ok(0));
    }

    #[test]
    fn an_append_that_happens_twice_is_found_by_the_next_get() {
        let mut history = History::default();
        for (call, value) in [
            (Call::Append("a".to_owned()), ""),
            (Call::Get(None), "a"),
            (Call::Append("b".to_owned()), ""),
            (Call::Get(None), "aba"),
        ] {
            let open = history.call(1, "k", call);
            history.returned(&open, value);
        }
        assert!(history.check().is_err());
    }
}
