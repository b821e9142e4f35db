//! `000123 VOTE S1 text`: three words, then text.
//!
//! Prose can begin with a number too, so the words must look right: an upper-case topic, and a
//! peer that is a letter or two and a number.

use super::text_fields::{TextFields, is_name};

/// The four fields of an event; `None` if the line has not this shape.
pub(super) fn fields(line: &[u8]) -> Option<TextFields<'_>> {
    let mut words = line.splitn(4, |byte| *byte == b' ');
    let (time, topic, peer) = (words.next()?, words.next()?, words.next()?);
    if !is_topic(topic) || !is_peer(peer) {
        return None;
    }
    Some(TextFields { time, topic, peer: short(peer), text: words.next().unwrap_or_default() })
}

fn is_topic(word: &[u8]) -> bool {
    is_name(word)
        && word[0].is_ascii_uppercase()
        && word.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
}

/// `S1`, `C12`, `G100.2`.
fn is_peer(word: &[u8]) -> bool {
    let letters = word.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let number = &word[letters..];
    is_name(word)
        && (1..=2).contains(&letters)
        && number.first().is_some_and(u8::is_ascii_digit)
        && number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// A server is named by its number alone, as in the other formats.
fn short(peer: &[u8]) -> &[u8] {
    peer.strip_prefix(b"S").unwrap_or(peer)
}
