//! Facts: the pairs `key=value` and `key: value` of a text.
//!
//! The keys of the paper count in any spelling; punctuation around a value is not part of it.

use crate::meaning::state::{STATE_KEYS, StateKey};
use crate::meaning::words::StateWords;

/// The values of all keys of the state, found in one go; of several of one key the last.
pub(crate) fn state_facts<'a>(
    text: &'a [u8],
    words: &StateWords,
) -> [Option<&'a [u8]>; STATE_KEYS.len()] {
    let mut facts = [None; STATE_KEYS.len()];
    let mut brackets = OpenBrackets::default();
    for at in memchr::memchr2_iter(b'=', b':', text) {
        let key = key_before(text, at);
        let exact = if text[at] == b'=' { StateKey::of(key) } else { None };
        let Some(state_key) = exact.or_else(|| words.key(key)) else { continue };
        let behind = &text[at + 1..];
        // `term:1` and `Term:1` may be those of an entry; `currentTerm:1` is not.
        let is_bare = || key.eq_ignore_ascii_case(STATE_KEYS[state_key as usize].as_bytes());
        let is_tight = text[at] == b':' && !behind.starts_with(b" ");
        if is_tight && state_key != StateKey::Role && is_bare() {
            continue;
        }
        let behind = if text[at] == b':' { behind.trim_ascii_start() } else { behind };
        let value = after_arrow(value(behind), behind);
        if state_key == StateKey::Role && exact.is_none() && words.role(value).is_none() {
            continue;
        }
        // The answer to a request for a vote.
        if state_key == StateKey::Vote && matches!(value, b"true" | b"false") {
            continue;
        }
        // Prose has colons too.
        if text[at] == b':'
            && (value.is_empty() || (state_key != StateKey::Role && !is_number(value)))
        {
            continue;
        }
        if brackets.are_of_list_at(text, at) {
            continue;
        }
        facts[state_key as usize] = Some(value);
    }
    facts
}

/// The brackets that are open at a place of a text. What is in the elements of a list,
/// `entries: [Entry { term: 1 }]`, is said of them.
#[derive(Default)]
struct OpenBrackets {
    place: usize,
    open: Vec<Bracket>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    List,
    /// Square, but at the beginning: `[S1 (term: 1)] …`.
    Head,
    Other,
}

impl OpenBrackets {
    /// Tells whether a place, which is not before the last one, is in an element of a list.
    fn are_of_list_at(&mut self, text: &[u8], at: usize) -> bool {
        for place in self.place..at {
            let bracket = match text[place] {
                b'[' => match text[..place].trim_ascii_end().last() {
                    None | Some(b']') => Bracket::Head,
                    Some(_) => Bracket::List,
                },
                b'{' | b'(' => Bracket::Other,
                b']' | b'}' | b')' => {
                    self.open.pop();
                    continue;
                }
                _ => continue,
            };
            self.open.push(bracket);
        }
        self.place = at;
        self.open.last() == Some(&Bracket::Other) && self.open.contains(&Bracket::List)
    }
}

/// The value of a key in a text: of several the last.
pub(crate) fn fact<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let mut places = memchr::memrchr_iter(b'=', text);
    places.find_map(|at| (key_before(text, at) == key).then(|| value(&text[at + 1..])))
}

/// A text in two: up to the pairs `key=value` that end it, and those pairs.
#[cfg(feature = "cli")]
pub(crate) fn trailing_facts(text: &[u8]) -> (&[u8], Vec<Pair<'_>>) {
    let mut facts = Vec::new();
    let mut rest = text.trim_ascii_end();
    while let Some((start, pair)) = last_pair(rest) {
        facts.push(pair);
        rest = rest[..start].trim_ascii_end();
    }
    facts.reverse();
    (rest, facts)
}

/// A key and its value.
#[cfg(feature = "cli")]
pub(crate) type Pair<'a> = (&'a [u8], &'a [u8]);

/// The pair that ends a text, and where it begins.
#[cfg(feature = "cli")]
fn last_pair(text: &[u8]) -> Option<(usize, Pair<'_>)> {
    let (before, quoted) = match text.strip_suffix(b"\"") {
        Some(inner) => (memchr::memmem::rfind(inner, b"=\"")?, true),
        None => {
            let blank = memchr::memrchr(b' ', text).map_or(0, |at| at + 1);
            (blank + memchr::memchr(b'=', &text[blank..])?, false)
        }
    };
    let key = key_before(text, before);
    let start = before - key.len();
    let is_word = start == 0 || text[start - 1].is_ascii_whitespace();
    let value = if quoted { &text[before + 2..text.len() - 1] } else { &text[before + 1..] };
    (!key.is_empty() && is_word).then_some((start, (key, value)))
}

/// The word in front of a place; empty if it is not a key.
fn key_before(text: &[u8], at: usize) -> &[u8] {
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.@".contains(byte);
    let length = text[..at].iter().rev().take_while(|byte| is_key(byte)).count();
    // In `a=b=c` nothing is named `b`.
    let is_value = text[..at - length].last() == Some(&b'=');
    if is_value { b"" } else { &text[at - length..at] }
}

/// The word here, without what stands around it.
fn value(text: &[u8]) -> &[u8] {
    let start = text.iter().take_while(|byte| b"\"'([{<".contains(byte)).count();
    let rest = &text[start..];
    let end =
        rest.iter().position(|byte| byte.is_ascii_whitespace() || b",;\"')]}>".contains(byte));
    let word = &rest[..end.unwrap_or(rest.len())];
    word.strip_suffix(b".").unwrap_or(word)
}

/// The new value in `old -> new`.
fn after_arrow<'a>(value: &'a [u8], text: &'a [u8]) -> &'a [u8] {
    let Some(rest) = text.strip_prefix(value) else { return value };
    let rest = rest.trim_ascii_start();
    let arrows = [&b"->"[..], b"-->", b"=>", b"\xe2\x86\x92"];
    match arrows.into_iter().find_map(|arrow| rest.strip_prefix(arrow)) {
        Some(after) => self::value(after.trim_ascii_start()),
        None => value,
    }
}

fn is_number(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit)
}

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

    #[test]
    fn punctuation_is_no_part_of_a_value() {
        for text in [
            "becomes leader, term=3, role=leader, commit=7",
            "(term=3 role=leader commit=7)",
            "{term=3 role=leader commit=7}",
            "[term=3] [role=leader] [commit=7]",
            "term: 3, role: leader, commit: 7",
            "currentTerm=3 state=leader commitIndex=7",
            "current_term:3 raft_state=\"leader\" commit_index=7.",
            "term: 2 -> 3 role: leader commit=7",
        ] {
            let facts = state_facts(text.as_bytes(), StateWords::built_in());
            let text_of = |key: StateKey| {
                facts[key as usize].map(|own| String::from_utf8_lossy(own).into_owned())
            };
            let found = [StateKey::Term, StateKey::Role, StateKey::Commit].map(text_of);
            assert_eq!(found, ["3", "leader", "7"].map(|own| Some(own.to_owned())), "{text}");
        }
        for text in [
            "state=running",
            "state: the art",
            "terms: of use",
            "n.state:LEADING",
            "vote: yes please",
            "vote=true",
        ] {
            let facts = state_facts(text.as_bytes(), StateWords::built_in());
            assert_eq!(facts, [None; STATE_KEYS.len()], "{text}");
        }
    }

    #[test]
    fn the_terms_of_entries_are_not_those_of_their_peer() {
        let go = "AppendEntries from 4. args:&{Term:5 LeaderId:4 Entries:[{Term:1 Index:1} {Term:2 Index:2}] \
                  LeaderCommit:1}";
        for (text, term) in [
            (go, None),
            ("appends [{Term: 1 Index: 1} {Term: 2 Index: 2}]", None),
            ("AppendEntriesArgs { entries: [Entry { term: 1, index: 2 }], term: 3 }", Some("3")),
            ("Raft { term: 3, log: [Entry { term: 1 }, Entry { term: 2 }] }", Some("3")),
            ("currentTerm:3 log:[{Term:1 Command:7}] votedFor:1", Some("3")),
            ("term=3 entries=[LogEntry(term=1, index=2), LogEntry(term=2, index=3)]", Some("3")),
            ("[S1 (term: 3)] becomes leader", Some("3")),
            ("[raft_state=\"hard_state {term: 3 vote: 5}\"] [peer_id=7]", Some("3")),
            ("newRaft 1 [peers: [1,2], term: 3, commit: 5]", Some("3")),
        ] {
            let facts = state_facts(text.as_bytes(), StateWords::built_in());
            assert_eq!(facts[StateKey::Term as usize], term.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn facts_at_the_end_are_apart() {
        let (message, facts) = trailing_facts(b"a=1 grants vote to=2 why=\"two words\" term=3");
        assert_eq!(message, b"a=1 grants vote");
        assert_eq!(facts, [(&b"to"[..], &b"2"[..]), (b"why", b"two words"), (b"term", b"3")]);
        assert_eq!(trailing_facts(b"no facts"), (&b"no facts"[..], Vec::new()));
        assert_eq!(trailing_facts(b"x=1").0, b"");
    }
}
