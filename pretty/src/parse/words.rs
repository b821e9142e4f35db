//! Words of expressions: `{iso}` for a date, `{level}` for a level. They are data:
//! `pretty/words/expressions.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::words::Words;

/// An expression with the words in braces spelled out; only bytes count, not characters.
pub(super) fn with_words(expression: &str) -> String {
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

/// The words with their braces.
static WORDS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let file: Words<BTreeMap<String, String>> =
        Words::read("expressions", include_str!("../../words/expressions.toml"));
    file.words.into_iter().map(|(word, meaning)| (format!("{{{word}}}"), meaning)).collect()
});

/// Words that use others which use others.
const DEPTH_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_spelled_out_to_the_end() {
        for (word, meaning) in WORDS.iter() {
            let text = with_words(word);
            assert!(text.len() >= meaning.len(), "{word}");
            assert!(WORDS.keys().all(|other| !text.contains(&**other)), "{word}: {text}");
            assert!(regex::bytes::Regex::new(&text).is_ok(), "{word}: {text}");
        }
        assert_eq!(with_words("a{9}"), "a{9}");
    }
}
