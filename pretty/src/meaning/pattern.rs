//! Patterns for sentences: a text with placeholders. A few bytes decide for nearly every line,
//! where a regular expression would cost more than all the rest of indexing.
//!
//! | placeholder | matches |
//! |---|---|
//! | `#` | a number, which may be negative |
//! | `@` | a word |
//! | `~` | numbers with blanks between them, of which the last counts |
//! | `*` | anything, up to the last occurrence of the rest |

/// The texts at the placeholders `#`, `@` and `~` of a pattern, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Captures<'a>([Option<&'a [u8]>; PLACEHOLDERS_MAX]);

impl<'a> Captures<'a> {
    /// The text at a placeholder, counted from 0.
    pub(crate) fn get(&self, number: usize) -> Option<&'a [u8]> {
        self.0.get(number).copied().flatten()
    }
}

/// Fits a pattern to the beginning of a text.
pub(crate) fn match_start<'a>(pattern: &str, text: &'a [u8]) -> Option<Captures<'a>> {
    let mut found = Captures::default();
    let mut placeholders = found.0.iter_mut();
    let mut rest = text;
    let mut pattern = pattern.as_bytes();
    while let Some((sign, after)) = pattern.split_first() {
        pattern = after;
        let length = match sign {
            b'#' => number_length(rest)?,
            b'@' => span(rest, |byte| byte.is_ascii_alphanumeric() || *byte == b'_')?,
            b'~' => span(rest, |byte| byte.is_ascii_digit() || *byte == b' ')?,
            b'*' => {
                let next = literal(pattern);
                rest = &rest[memchr::memmem::rfind(rest, next)?..];
                continue;
            }
            _ => {
                rest = rest.strip_prefix(&[*sign])?;
                continue;
            }
        };
        let (filling, after) = rest.split_at(length);
        if let Some(number) = placeholders.next() {
            *number = filling.rsplit(|byte| *byte == b' ').next();
        }
        rest = after;
    }
    Some(found)
}

fn number_length(text: &[u8]) -> Option<usize> {
    let sign = usize::from(text.first() == Some(&b'-'));
    span(&text[sign..], u8::is_ascii_digit).map(|digits| sign + digits)
}

/// The number of bytes of a kind, if any.
fn span(text: &[u8], of_kind: impl Fn(&u8) -> bool) -> Option<usize> {
    let length = text.iter().take_while(|byte| of_kind(byte)).count();
    (length > 0).then_some(length)
}

/// A pattern up to its next number.
fn literal(pattern: &[u8]) -> &[u8] {
    let end = pattern.iter().position(|byte| b"#@~*".contains(byte));
    &pattern[..end.unwrap_or(pattern.len())]
}

/// More than any pattern has.
const PLACEHOLDERS_MAX: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(pattern: &str, text: &str) -> Option<Vec<String>> {
        let found = match_start(pattern, text.as_bytes())?;
        let words = found.0.into_iter().flatten();
        Some(words.map(|word| String::from_utf8_lossy(word).into_owned()).collect())
    }

    #[test]
    fn holes_are_filled() {
        for (pattern, text, found) in [
            ("Vote to #", "Vote to 4.", Some(&["4"][..])),
            ("Vote to #", "Vote to -1", Some(&["-1"])),
            ("Vote to #", "Vote to -", None),
            ("Vote to #", "Vote to you", None),
            ("Vote to #", "Vote", None),
            ("@ --> @", "Candidate --> Leader.", Some(&["Candidate", "Leader"])),
            ("a * to #", "a to b to c to 7", Some(&["7"])),
            ("a * to #", "a to c", None),
            ("x:[~]", "x:[0 1 12]", Some(&["12"])),
            ("x:[~]", "x:[]", None),
            ("plain", "plain text", Some(&[])),
            ("", "", Some(&[])),
        ] {
            let found = found.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
            assert_eq!(fitted(pattern, text), found, "{pattern} in {text}");
        }
    }
}
