//! What a line says of its peer: `key=value` pairs, and sentences that say the same in words.
//!
//! The sentences are data: a table of expressions and what each of them means. A line no rule
//! knows says nothing.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::bytes::{Captures, Regex, RegexSet};

use super::rules::Rules;

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
    /// The key with this place among [`KEYS`].
    pub(super) fn at(place: usize) -> Self {
        let all = [Self::Role, Self::Term, Self::Vote, Self::Commit, Self::Applied, Self::Last];
        all[place]
    }
}

/// The order in which pairs of one line are taken: who becomes leader does so in the line's term,
/// and what is applied is measured by the line's commit index and that by the line's log.
const IN_ORDER: [Key; KEYS.len()] =
    [Key::Term, Key::Role, Key::Vote, Key::Commit, Key::Applied, Key::Last];

/// One thing a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told<'a> {
    /// The peer starts anew: what it said before no longer holds.
    Restart,
    /// A key has a value.
    Is(Key, Cow<'a, [u8]>),
    /// A number is one more than it was.
    OneMore(Key),
}

/// Gives what a line's text says to `take`, in order.
pub(super) fn told<'a>(text: &'a [u8], rules: &Rules, mut take: impl FnMut(Told<'a>)) {
    // Nearly every line is out here, at the cost of a few bytes.
    if FIRST_WORDS.iter().any(|word| text.starts_with(word)) {
        for at in SENTENCES.starts.matches(text) {
            let (rule, regex) = (&TABLE[at], &SENTENCES.each[at]);
            if let Some(groups) = regex.captures(text) {
                rule.iter().filter_map(|saying| saying.of(&groups)).for_each(&mut take);
            }
        }
    }
    rules.told(text, &IN_ORDER, &mut take);
    let facts = facts(text);
    for key in IN_ORDER {
        if let Some(value) = facts[key as usize] {
            take(Told::Is(key, value.into()));
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
        if let Some(at) = KEYS.iter().position(|own| own.as_bytes() == key) {
            facts[at] = text[equals + 1..].split(u8::is_ascii_whitespace).next();
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
enum Saying {
    Restart,
    /// A key has this value.
    Fixed(Key, &'static str),
    /// A key has the value of this group of the expression.
    Group(Key, usize),
    /// A key has the number before the one in this group.
    Before(Key, usize),
    OneMore(Key),
}

impl Saying {
    fn of<'a>(self, groups: &Captures<'a>) -> Option<Told<'a>> {
        let group = |number: usize| groups.get(number).map(|found| found.as_bytes());
        Some(match self {
            Self::Restart => Told::Restart,
            Self::Fixed(key, value) => Told::Is(key, value.as_bytes().into()),
            Self::Group(key, number) => Told::Is(key, group(number)?.into()),
            Self::Before(key, number) => {
                let number: u64 = std::str::from_utf8(group(number)?).ok()?.parse().ok()?;
                Told::Is(key, number.checked_sub(1)?.to_string().into_bytes().into())
            }
            Self::OneMore(key) => Told::OneMore(key),
        })
    }
}

struct Sentences {
    starts: RegexSet,
    each: Vec<Regex>,
}

static SENTENCES: LazyLock<Sentences> = LazyLock::new(|| {
    let expressions = || EXPRESSIONS.iter().map(|expression| format!("(?-u)^(?:{expression})"));
    Sentences {
        starts: RegexSet::new(expressions()).expect("a test compiles the table"),
        each: expressions()
            .map(|expression| Regex::new(&expression).expect("a test compiles the table"))
            .collect(),
    }
});

/// The expressions, each for the beginning of a text; `TABLE` says what each means. The first is
/// of `verbose/1`, the others are the sentences of the Go labs.
const EXPRESSIONS: [&str; 12] = [
    r"starts with the log",
    r"Initializing persistent state",
    r"Reading persistent state: curTerm:(\d+), votedFor:(-?\d+)",
    r"Reading persistent state: .*SortedIndices:\[(?:\d+ )*(\d+)\]",
    r"State change: \w+ --> (\w+)",
    r"State change: \w+ --> Candidate",
    r"Updating term: \d+ --> (\d+)",
    r"Vote granted to (\d+)",
    r"Updat(?:e|ing) commitIndex: \d+ --> (\d+)",
    r"Updated lastApplied: \d+ --> (\d+)",
    r"Added command:.* to index:(\d+)",
    r"Deleting Entries from index:(\d+)",
];

/// What the texts the expressions are for start with.
const FIRST_WORDS: [&[u8]; 8] = [
    b"starts ",
    b"Initializing ",
    b"Reading ",
    b"State ",
    b"Updat",
    b"Vote ",
    b"Added ",
    b"Deleting ",
];

const TABLE: [&[Saying]; EXPRESSIONS.len()] = [
    &[Saying::Restart],
    &[
        Saying::Restart,
        Saying::Fixed(Key::Role, "Follower"),
        Saying::Fixed(Key::Term, "0"),
        Saying::Fixed(Key::Vote, "none"),
        Saying::Fixed(Key::Commit, "0"),
        Saying::Fixed(Key::Applied, "0"),
        Saying::Fixed(Key::Last, "0"),
    ],
    &[
        Saying::Restart,
        Saying::Fixed(Key::Role, "Follower"),
        Saying::Group(Key::Term, 1),
        Saying::Group(Key::Vote, 2),
        Saying::Fixed(Key::Commit, "0"),
        Saying::Fixed(Key::Applied, "0"),
    ],
    &[Saying::Group(Key::Last, 1)],
    &[Saying::Group(Key::Role, 1)],
    // Who stands for election enters the next term without a word about it.
    &[Saying::OneMore(Key::Term), Saying::Fixed(Key::Vote, "itself")],
    &[Saying::Group(Key::Term, 1), Saying::Fixed(Key::Vote, "none")],
    &[Saying::Group(Key::Vote, 1)],
    &[Saying::Group(Key::Commit, 1)],
    &[Saying::Group(Key::Applied, 1)],
    &[Saying::Group(Key::Last, 1)],
    &[Saying::Before(Key::Last, 1)],
];

#[cfg(test)]
mod tests {
    use super::*;

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
        told(text.as_bytes(), &Rules::default(), |told| all.push(told));
        let words = all.into_iter().map(|told| match told {
            Told::Restart => "restart".to_owned(),
            Told::OneMore(key) => format!("{}+1", KEYS[key as usize]),
            Told::Is(key, value) => {
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
