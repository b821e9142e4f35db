//! What peers say of themselves: the `key=value` pairs in their events.
//!
//! The view knows no protocol. It shows the last value of each of a few keys, as the log has it.

use super::LogView;
use super::chunk::PeerId;
use crate::text::make_safe;

/// The keys whose last values make up the state of a peer.
pub(super) const KEYS: [&str; 6] = ["role", "term", "vote", "commit", "applied", "last"];

/// The value of a key in a text.
pub(super) fn fact<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let words = text.split(|byte| byte.is_ascii_whitespace());
    words.rev().find_map(|word| word.strip_prefix(key)?.strip_prefix(b"="))
}

/// The last value of each key.
pub(super) type State = [Option<String>; KEYS.len()];

impl LogView {
    /// What each peer has last said of itself at the selected line, filtered out or not.
    pub(super) fn state(&self) -> Vec<(PeerId, State)> {
        let order = self.store.peer_order().into_iter();
        let mut states: Vec<_> = order.map(|peer| (peer, State::default())).collect();
        let Some(cursor) = self.cursor() else {
            return states;
        };
        for line in (cursor.saturating_sub(LINES_MAX)..=cursor).rev() {
            let Some((_, own)) = self.store.entry(line).event() else {
                continue;
            };
            if let Some((_, state)) = states.iter_mut().find(|(peer, _)| *peer == own) {
                add(state, self.store.bytes(line));
            }
        }
        states
    }
}

fn add(state: &mut State, text: &[u8]) {
    for (value, key) in state.iter_mut().zip(KEYS) {
        if value.is_none() {
            let found = fact(text, key.as_bytes());
            *value = found.map(|fact| make_safe(fact, &mut String::new()).text().to_owned());
        }
    }
}

/// How far back a value is looked for: a few milliseconds' work, done anew for every drawing.
const LINES_MAX: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_words() {
        assert_eq!(fact(b"grants vote term=3 id=17", b"id"), Some(&b"17"[..]));
        assert_eq!(fact(b"grants vote term=3 id=17", b"term"), Some(&b"3"[..]));
        assert_eq!(fact(b"midterm=3", b"term"), None);
        assert_eq!(fact(b"", b"term"), None);
    }
}
