//! The fact `event=<name>` that ends the lines of `verbose/1`: what happened, in a word for
//! programs.
//!
//! It repeats the sentence before it, and so does the `kind=` of a message right before it: columns
//! leave both out.

/// The name in `… event=sent`, if that is the last fact of a text.
///
/// Invariant: names are small letters, digits and underscores.
#[inline]
pub(crate) fn event_name(text: &[u8]) -> Option<&[u8]> {
    let name = last_word(text).1.strip_prefix(b"event=")?;
    let is_name = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    (!name.is_empty() && name.iter().all(is_name)).then_some(name)
}

/// A text in two: up to its `event=`, and ` kind=… event=…` or ` event=…`, which is empty without
/// one.
#[inline]
pub(crate) fn split_event(text: &[u8]) -> (&[u8], &[u8]) {
    if event_name(text).is_none() {
        return (text, b"");
    }
    let (before, _) = last_word(text);
    let (sentence, kind) = last_word(before);
    let end = if kind.starts_with(b"kind=") { sentence.len() } else { before.len() };
    // A text that is nothing else is shown as it is.
    if end == 0 { (text, b"") } else { text.split_at(end) }
}

/// The text before the blank in front of the last word, and that word.
#[inline]
fn last_word(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b' ', text) {
        Some(blank) => (&text[..blank], &text[blank + 1..]),
        None => (b"", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_fact_is_the_name() {
        for (text, name, sentence) in [
            ("grants vote to=2 event=vote_granted", "vote_granted", "grants vote to=2"),
            ("sends X id=0.1 kind=X event=sent", "sent", "sends X id=0.1"),
            ("kind=X sends event=sent", "sent", "kind=X sends"),
            ("event=sent", "sent", "event=sent"),
            ("kind=X event=sent", "sent", "kind=X event=sent"),
        ] {
            let rest = &text[sentence.len()..];
            assert_eq!(event_name(text.as_bytes()), Some(name.as_bytes()), "{text}");
            assert_eq!(
                split_event(text.as_bytes()),
                (sentence.as_bytes(), rest.as_bytes()),
                "{text}"
            );
        }
        for text in ["", "x", "event=sent to=1", "x event=", "x event=Sent", "x revent=sent"] {
            assert_eq!(event_name(text.as_bytes()), None, "{text}");
            assert_eq!(split_event(text.as_bytes()), (text.as_bytes(), &b""[..]), "{text}");
        }
    }
}
