//! Text within a number of terminal columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text with its middle left out (`election…_2a`) where it is wider than this.
#[must_use]
pub fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let head = fitting(text.chars(), room.div_ceil(2));
    let tail: Vec<char> = fitting(text.chars().rev(), room / 2).chars().rev().collect();
    format!("{head}…{}", tail.into_iter().collect::<String>())
}

/// The text in lines of at most this width, broken at blanks or punctuation where possible.
#[must_use]
pub fn folded(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    let mut rest = text;
    while rest.width() > width {
        let fits = fitting(rest.chars(), width.max(1)).len();
        // A character wider than a line stands in one of its own.
        let fits = fits.max(rest.chars().next().map_or(1, char::len_utf8));
        let is_break = |(at, c): &(usize, char)| *at > fits / 3 && !c.is_alphanumeric();
        let after = rest[..fits].char_indices().rfind(is_break).map(|(at, c)| at + c.len_utf8());
        let end = after.unwrap_or(fits);
        lines.push(rest[..end].trim_end());
        rest = rest[end..].trim_start();
    }
    lines.push(rest);
    lines.join("\n")
}

/// The first characters that fit into this width.
fn fitting(text: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    text.take_while(|c| {
        used += c.width().unwrap_or(0);
        used <= width
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_sentences() {
        assert_eq!(shortened("initial_election_2a", 11), "initi…on_2a");
        assert_eq!(shortened("short", 11), "short");
        assert_eq!(folded("takes twice as long now", 10), "takes\ntwice as\nlong now");
        assert_eq!(folded("選挙選挙", 5), "選挙\n選挙");
    }

    proptest! {
        #[test]
        fn nothing_is_wider_and_nothing_is_lost(text in "[a-z選_ ]{0,40}", width in 2_usize..20) {
            prop_assert!(shortened(&text, width).width() <= width.max(text.width().min(width)));
            let folded = folded(&text, width);
            prop_assert!(folded.lines().all(|line| line.width() <= width), "{folded:?}");
            let letters = |text: &str| text.replace([' ', '\n'], "");
            prop_assert_eq!(letters(&folded), letters(&text));
        }
    }
}
