//! What a line says of its peer: `key=value` pairs, and sentences that say the same in words.
//!
//! The sentences are data: a table of patterns and what each of them means. A line no rule knows
//! says nothing.

use std::borrow::Cow;

use super::rules::Rules;
use super::sentence::{Captures, match_start};

/// The keys whose last values make up the state of a peer, as they are written.
pub(super) const KEYS: [&str; 6] = ["role", "term", "vote", "commit", "applied", "last"];

/// One of [`KEYS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Role,
    Term,
    Vote,
    Commit,
    Applied,
    Last,
}

impl Key {
    /// The key with this name.
    fn of(name: &[u8]) -> Option<Self> {
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

    /// The key with this place among [`KEYS`].
    pub(super) fn at(place: usize) -> Self {
        let all = [Self::Role, Self::Term, Self::Vote, Self::Commit, Self::Applied, Self::Last];
        all[place]
    }
}

/// The order in which pairs of one line are taken: who becomes leader does so in the line's term,
/// and what is applied is measured by the line's commit index and that by the line's log.
const UPDATE_ORDER: [Key; KEYS.len()] =
    [Key::Term, Key::Role, Key::Vote, Key::Commit, Key::Applied, Key::Last];

/// One thing a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StateUpdate<'a> {
    /// The peer starts anew: what it said before no longer holds.
    Restart,
    /// A key has a value.
    Set(Key, Cow<'a, [u8]>),
    /// A number is one more than it was.
    Increment(Key),
}

/// Gives what a line's text says to `take`, in order.
pub(super) fn state_updates<'a>(
    text: &'a [u8],
    rules: &Rules,
    mut take: impl FnMut(StateUpdate<'a>),
) {
    // Nearly every line is out here, at the cost of two bytes.
    if text.first_chunk::<2>().is_some_and(|first| FIRST_BYTES.contains(&first)) {
        for (pattern, effects) in SENTENCES {
            if let Some(captures) = match_start(pattern, text) {
                effects.iter().filter_map(|effect| effect.apply(&captures)).for_each(&mut take);
            }
        }
    }
    rules.state_updates(text, &UPDATE_ORDER, &mut take);
    let facts = facts(text);
    for key in UPDATE_ORDER {
        if let Some(value) = facts[key as usize] {
            take(StateUpdate::Set(key, value.into()));
        }
    }
}

/// The values of all keys, found in one go.
fn facts(text: &[u8]) -> [Option<&[u8]>; KEYS.len()] {
    let mut facts = [None; KEYS.len()];
    let mut word = 0;
    for equals in memchr::memchr_iter(b'=', text) {
        let blank = text[word..equals].iter().rposition(u8::is_ascii_whitespace);
        let start = blank.map_or(word, |blank| word + blank + 1);
        let key = &text[start..equals];
        if let Some(key) = Key::of(key) {
            facts[key as usize] = text[equals + 1..].split(u8::is_ascii_whitespace).next();
        }
        word = start;
    }
    facts
}

/// The value of a key in a text: of several the last.
pub(super) fn fact<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    memchr::memrchr_iter(b'=', text).find_map(|equals| {
        let before = text[..equals].strip_suffix(key)?;
        if before.last().is_some_and(|byte| !byte.is_ascii_whitespace()) {
            return None;
        }
        text[equals + 1..].split(u8::is_ascii_whitespace).next()
    })
}

/// What a sentence says.
#[derive(Clone, Copy, Debug)]
enum Effect {
    Restart,
    /// A key has this value.
    Fixed(Key, &'static str),
    /// A key has the value in this hole of the sentence.
    Placeholder(Key, usize),
    /// A key has the number before the one in this hole.
    Before(Key, usize),
    Increment(Key),
}

impl Effect {
    fn apply<'a>(self, captures: &Captures<'a>) -> Option<StateUpdate<'a>> {
        Some(match self {
            Self::Restart => StateUpdate::Restart,
            Self::Fixed(key, value) => StateUpdate::Set(key, value.as_bytes().into()),
            Self::Placeholder(key, number) => StateUpdate::Set(key, captures.get(number)?.into()),
            Self::Before(key, number) => {
                let number: u64 = std::str::from_utf8(captures.get(number)?).ok()?.parse().ok()?;
                StateUpdate::Set(key, number.checked_sub(1)?.to_string().into_bytes().into())
            }
            Self::Increment(key) => StateUpdate::Increment(key),
        })
    }
}

/// Sentences and what they say. The first is of `verbose/1`, the others are those of the Go labs.
const SENTENCES: [(&str, &[Effect]); 13] = [
    ("starts with the log", &[Effect::Restart]),
    (
        "Initializing persistent state",
        &[
            Effect::Restart,
            Effect::Fixed(Key::Role, "Follower"),
            Effect::Fixed(Key::Term, "0"),
            Effect::Fixed(Key::Vote, "none"),
            Effect::Fixed(Key::Commit, "0"),
            Effect::Fixed(Key::Applied, "0"),
            Effect::Fixed(Key::Last, "0"),
        ],
    ),
    (
        "Reading persistent state: curTerm:#, votedFor:#",
        &[
            Effect::Restart,
            Effect::Fixed(Key::Role, "Follower"),
            Effect::Placeholder(Key::Term, 0),
            Effect::Placeholder(Key::Vote, 1),
            Effect::Fixed(Key::Commit, "0"),
            Effect::Fixed(Key::Applied, "0"),
        ],
    ),
    ("Reading persistent state: *SortedIndices:[~]", &[Effect::Placeholder(Key::Last, 0)]),
    ("State change: @ --> @", &[Effect::Placeholder(Key::Role, 1)]),
    // Who stands for election enters the next term without a word about it.
    (
        "State change: @ --> Candidate",
        &[Effect::Increment(Key::Term), Effect::Fixed(Key::Vote, "itself")],
    ),
    (
        "Updating term: # --> #",
        &[Effect::Placeholder(Key::Term, 1), Effect::Fixed(Key::Vote, "none")],
    ),
    ("Vote granted to #", &[Effect::Placeholder(Key::Vote, 0)]),
    ("Update commitIndex: # --> #", &[Effect::Placeholder(Key::Commit, 1)]),
    ("Updating commitIndex: # --> #", &[Effect::Placeholder(Key::Commit, 1)]),
    ("Updated lastApplied: # --> #", &[Effect::Placeholder(Key::Applied, 1)]),
    ("Added command:* to index:#", &[Effect::Placeholder(Key::Last, 0)]),
    ("Deleting Entries from index:#", &[Effect::Before(Key::Last, 0)]),
];

/// What the sentences start with.
const FIRST_BYTES: [&[u8; 2]; 8] = [b"st", b"In", b"Re", b"St", b"Up", b"Vo", b"Ad", b"De"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_is_looked_for() {
        for (pattern, _) in SENTENCES {
            let first = pattern.as_bytes().first_chunk::<2>();
            assert!(first.is_some_and(|first| FIRST_BYTES.contains(&first)), "{pattern}");
        }
    }

    #[test]
    fn keys_have_their_names() {
        for (at, name) in KEYS.iter().enumerate() {
            assert_eq!(Key::of(name.as_bytes()).map(|key| key as usize), Some(at), "{name}");
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

    /// What a text says, in short.
    fn short(text: &str) -> String {
        let mut all = Vec::new();
        state_updates(text.as_bytes(), &Rules::default(), |update| all.push(update));
        let words = all.into_iter().map(|update| match update {
            StateUpdate::Restart => "restart".to_owned(),
            StateUpdate::Increment(key) => format!("{}+1", KEYS[key as usize]),
            StateUpdate::Set(key, value) => {
                format!("{}={}", KEYS[key as usize], String::from_utf8_lossy(&value))
            }
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn sentences_say_what_the_table_says() {
        for (text, says) in [
            (
                "Initializing persistent state.",
                "restart role=Follower term=0 vote=none commit=0 applied=0 last=0",
            ),
            (
                "Reading persistent state: curTerm:3, votedFor:-1, log:{Entries:map[0:0xc] \
                 SortedIndices:[0 1 12] SnapshotLastIndex:-1}.",
                "restart role=Follower term=3 vote=-1 commit=0 applied=0 last=12",
            ),
            ("State change: Candidate --> Leader.", "role=Leader"),
            ("State change: Follower --> Candidate.", "role=Candidate term+1 vote=itself"),
            ("Discovered greater Term (2 > 1)", ""),
            ("Updating term: 1 --> 2", "term=2 vote=none"),
            ("Vote granted to 4.", "vote=4"),
            ("Update commitIndex: 1 --> 2.", "commit=2"),
            ("Updating commitIndex: 1 --> 5.", "commit=5"),
            ("Updated lastApplied: 1 --> 3.", "applied=3"),
            ("Added command:42 with term:1 to index:7", "last=7"),
            ("Deleting Entries from index:7.", "last=6"),
            ("Deleting Entries from index:0.", ""),
            ("starts with the log through 2@1 term=1 commit=0", "restart term=1 commit=0"),
            ("someone says State change: A --> B", ""),
            ("anything else", ""),
            ("a=b=c term=3=4 vote= term=2 last=x", "term=2 vote= last=x"),
            ("=term=1 midterm=1", ""),
        ] {
            assert_eq!(short(text), says, "{text}");
        }
    }
}
