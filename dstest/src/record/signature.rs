//! Failure signatures: one line for each failure, and a key that equal failures share.
//!
//! [`group_key`] replaces what differs between two instances
//! of one failure (numbers, addresses, times) and keeps what does not (words, file and line).

/// The part of a signature that is the same in every instance of one failure.
///
/// ```
/// use dstest::record::signature::group_key;
/// let a = group_key("two leaders in term 4: 1 and 3 (tests/lab.rs:88:9)");
/// assert_eq!(a, group_key("two leaders in term 17: 0 and 2 (tests/lab.rs:88:9)"));
/// assert_ne!(a, group_key("two leaders in term 4: 1 and 3 (tests/lab.rs:91:9)"));
/// ```
#[must_use]
pub fn group_key(signature: &str) -> String {
    let words: Vec<String> = signature.split_whitespace().map(normalise_word).collect();
    words.join(" ")
}

/// The line as printable text of bounded length, without escape sequences.
#[must_use]
pub fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let visible = strip_escapes(&text);
    visible.trim().chars().take(SIGNATURE_CHARS_MAX).collect()
}

/// Removes terminal escape sequences and control characters.
fn strip_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.next_if_eq(&'[').is_some() {
            while chars.next_if(|c| !('@'..='~').contains(c)).is_some() {}
            chars.next();
        } else if c == '\t' {
            out.push(' ');
        } else if !c.is_control() {
            out.push(c);
        }
    }
    out
}

fn normalise_word(word: &str) -> String {
    if is_location(word) {
        return word.to_owned();
    }
    let bare: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
    if bare.len() >= HEX_DIGITS_MIN
        && bare.chars().all(|c| c.is_ascii_hexdigit())
        && bare.chars().any(|c| c.is_ascii_digit())
    {
        return "#".to_owned();
    }
    normalise_numbers(word)
}

/// Replaces each number, with its sign, fraction and hexadecimal digits, by `#`; digits inside a
/// name (`fig8_2c`, `S1`) belong to the name.
fn normalise_numbers(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut chars = word.chars().peekable();
    let mut in_name = false;
    while let Some(c) = chars.next() {
        if c.is_ascii_digit() && !in_name {
            let is_hex = c == '0' && chars.next_if_eq(&'x').is_some();
            let belongs =
                |c: &char| c.is_ascii_digit() || *c == '.' || is_hex && c.is_ascii_hexdigit();
            while chars.next_if(belongs).is_some() {}
            out.push('#');
        } else {
            in_name = c.is_alphanumeric() || c == '_';
            out.push(c);
        }
    }
    out
}

/// `true` if the word names a line of a source file (`src/a.rs:10:5`).
fn is_location(word: &str) -> bool {
    word.match_indices(':').any(|(at, _)| {
        let after_is_digit = word[at + 1..].starts_with(|c: char| c.is_ascii_digit());
        let name = word[..at].rsplit('/').next().unwrap_or("");
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_extension = (1..=4).contains(&extension.len())
            && extension.chars().all(|c| c.is_ascii_alphabetic());
        after_is_digit && is_extension
    })
}

/// Long enough for a sentence with its numbers, short enough for a few terminal lines.
pub(super) const SIGNATURE_CHARS_MAX: usize = 240;

/// The shortest run of hexadecimal digits taken for a hash or an id rather than a word.
const HEX_DIGITS_MIN: usize = 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn differences_between_instances_are_replaced() {
        let rows = [
            ("term 17 at 0xdeadbeef after 1.5s", "term # at # after #s"),
            ("fig8_2c: S1 lost 3 entries", "fig8_2c: S1 lost # entries"),
            ("hash 0123456789abcdef", "hash #"),
            ("x (src/a.rs:10:5)", "x (src/a.rs:10:5)"),
            ("connect 127.0.0.1:8080", "connect #:#"),
        ];
        for (raw, want) in rows {
            assert_eq!(group_key(raw), want, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in "[ -~]{0,60}") {
            let key = group_key(&text);
            prop_assert_eq!(group_key(&key), key.clone());
        }
    }
}
