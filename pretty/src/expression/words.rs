//! Words of expressions, which stand for others: `{zone}` in `^{iso}{zone}?`.
//!
//! They are most of nearly every built-in expression, so that each is read once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex_syntax::hir::{Hir, HirKind};

use super::digits::rebuilt;
use super::set::read;
use crate::words::Words;

/// An expression with the words in braces spelled out.
pub(crate) fn with_words(expression: &str) -> String {
    let mut text = expression.to_owned();
    for _ in 0..DEPTH_MAX {
        let before = text.len();
        for (word, meaning) in WORDS.iter() {
            if text.contains(&**word) {
                text = text.replace(&**word, meaning);
            }
        }
        if text.len() == before {
            break;
        }
    }
    text
}

/// Reads an expression of bytes with words in it.
///
/// # Errors
/// If it is not an expression.
pub(super) fn read_with_words(expression: &str) -> Result<Hir, Box<regex_syntax::Error>> {
    // Flags would count in the words, too, and bytes may be marks of words.
    if has_flags(expression) || expression.contains(r"\x") {
        return read(&of_bytes(&with_words(expression)));
    }
    let mut text = of_bytes(expression);
    for (word, mark) in WORDS.keys().zip(FIRST_MARK..) {
        text = text.replace(&**word, &format!("(?:\\x{mark:x}\\xff)"));
    }
    read(&text).map(|hir| with_meanings(&hir))
}

/// The expression for which bytes count, not characters: much less to compile, and as much as logs need.
pub(super) fn of_bytes(expression: &str) -> String {
    format!("(?-u){expression}")
}

fn has_flags(expression: &str) -> bool {
    let mut groups = expression.split("(?").skip(1);
    groups.any(|group| !group.starts_with([':', '<', 'P']))
}

/// The same with the meanings of words in the place of their marks.
fn with_meanings(hir: &Hir) -> Hir {
    let HirKind::Literal(literal) = hir.kind() else { return rebuilt(hir, &with_meanings) };
    let (mut parts, mut rest) = (Vec::new(), &*literal.0);
    while let Some(end) = rest.windows(2).position(|pair| pair[1] == MARK_END) {
        let (text, word) = (&rest[..end], usize::from(rest[end].wrapping_sub(FIRST_MARK)));
        parts.extend([Hir::literal(text), MEANINGS.get(word).cloned().unwrap_or_else(Hir::fail)]);
        rest = &rest[end + 2..];
    }
    parts.push(Hir::literal(rest));
    Hir::concat(parts)
}

/// The first of the bytes that stand for words, and the one behind them, as bytes alone would become a
/// class: no text in UTF-8 has any of them.
const FIRST_MARK: u8 = 0xf5;
const MARK_END: u8 = 0xff;

/// The words with their braces.
static WORDS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let file: Words<BTreeMap<String, String>> =
        Words::read("expressions", include_str!("../../words/expressions.toml"));
    file.words.into_iter().map(|(word, meaning)| (format!("{{{word}}}"), meaning)).collect()
});

/// The meanings of the words, in their order.
static MEANINGS: LazyLock<Vec<Hir>> = LazyLock::new(|| {
    let meaning = |text: &String| read(&of_bytes(&with_words(text)));
    // A test reads them all.
    WORDS.values().map(|text| meaning(text).unwrap_or_else(|_| Hir::fail())).collect()
});

/// Words that use others which use others.
const DEPTH_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_spelled_out_to_the_end() {
        assert!(WORDS.len() <= usize::from(MARK_END - FIRST_MARK), "{} words", WORDS.len());
        for (word, meaning) in WORDS.iter() {
            let text = with_words(word);
            assert!(text.len() >= meaning.len(), "{word}");
            assert!(WORDS.keys().all(|other| !text.contains(&**other)), "{word}: {text}");
            assert!(regex::bytes::Regex::new(&text).is_ok(), "{word}: {text}");
        }
        assert_eq!(with_words("a{9}"), "a{9}");
    }

    /// Class: an expression read word by word is another one than its text.
    #[test]
    fn words_are_read_as_they_are_spelled_out() {
        for text in [
            "{iso}",
            "^a{zone}?b",
            "x{zone}{zone}y",
            "(?i:{level}|é)",
            "^{role}(?<peer>é|{LEVEL}z){2}$",
            r"\xef\xbb\xbf{date}",
        ] {
            let whole = read(&of_bytes(&with_words(text))).expect(text);
            assert_eq!(read_with_words(text).expect(text), whole, "{text}");
        }
    }
}
