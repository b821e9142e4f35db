//! Colours in the input: they are not part of a line. Other escape sequences stay, to be shown as
//! what they are.

use std::borrow::Cow;

/// The line without colours (`ESC [ … m`, and the `ESC [ K` that grep adds) and the times of Buildkite
/// (`ESC _ bk;t=… BEL`), if it has any.
pub(super) fn strip(line: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(ESCAPE, line) else {
        return Cow::Borrowed(line);
    };
    let mut plain = line[..first].to_vec();
    let mut rest = &line[first..];
    while let Some((byte, after)) = rest.split_first() {
        let length = if *byte == ESCAPE { sequence(after) } else { None };
        match length {
            Some(length) => rest = &after[length..],
            None => {
                plain.push(*byte);
                rest = after;
            }
        }
    }
    if plain.len() == line.len() { Cow::Borrowed(line) } else { Cow::Owned(plain) }
}

/// The length of a sequence behind its escape.
fn sequence(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"_bk;t=") {
        return Some(memchr::memchr(BELL, text)? + 1);
    }
    let inner = text.strip_prefix(b"[")?;
    let end = inner.iter().position(|byte| !byte.is_ascii_digit() && !b";:".contains(byte))?;
    matches!(inner[end], b'm' | b'K').then_some(end + 2)
}

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_out() {
        for (line, plain) in [
            ("\x1b[31m000123 VOTE\x1b[0m", "000123 VOTE"),
            ("a\x1b[1;38;5;9mb\x1b[K", "ab"),
            ("\x1b_bk;t=1714637482101\x07a", "a"),
            ("torn \x1b_bk;t=17", "torn \x1b_bk;t=17"),
            ("title \x1b_x\x07", "title \x1b_x\x07"),
            ("clear \x1b[2J", "clear \x1b[2J"),
            ("plain", "plain"),
            ("torn \x1b[", "torn \x1b["),
            ("alone \x1b", "alone \x1b"),
        ] {
            assert_eq!(&*strip(line.as_bytes()), plain.as_bytes(), "{line:?}");
        }
    }
}
