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

/// The text, cut with a sign where it is wider than this.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    match width {
        0 => String::new(),
        width => fitting(text.chars(), width - 1) + "…",
    }
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

/// A line of a report in lines of at most this width, broken between words. Further lines begin
/// below the text, which is behind the first gap of several blanks: that of `FAILURE    no leader`.
#[must_use]
pub fn folded_report(line: &str, width: usize) -> Vec<String> {
    let gap = line.find("  ").map_or(0, |at| at + line[at..].len() - line[at..].trim_start().len());
    let indent = painted_width(&line[..gap]);
    let is_label = indent <= LABEL_MAX.min(width / 2);
    let (label, text) = line.split_at(if is_label { gap } else { 0 });
    let indent = if is_label { indent } else { 0 };
    let mut lines = vec![label.to_owned()];
    for word in text.split_inclusive(' ') {
        let used = lines.last().map_or(0, |line| painted_width(line));
        if used > indent && used + painted_width(word.trim_end()) > width {
            lines.push(" ".repeat(indent));
        }
        lines.iter_mut().last().into_iter().for_each(|line| line.push_str(word));
    }
    // A word that is wider than a line, such as a path, is broken anywhere.
    let broken = |line: String| -> Vec<String> {
        let mut parts = vec![];
        let mut rest = line.trim_end();
        while painted_width(rest) > width && !rest.contains(ESCAPE) {
            let fits = fitting(rest.chars(), width.max(1)).len();
            let fits = fits.max(rest.chars().next().map_or(1, char::len_utf8));
            parts.push(rest[..fits].to_owned());
            rest = &rest[fits..];
        }
        if parts.is_empty() || !rest.is_empty() {
            parts.push(rest.to_owned());
        }
        parts
    };
    lines.into_iter().flat_map(broken).collect()
}

/// The columns of a text with colours.
fn painted_width(text: &str) -> usize {
    let mut parts = text.split(ESCAPE);
    let plain = parts.next().map_or(0, UnicodeWidthStr::width);
    let behind_code = |part: &str| part.split_once('m').map_or(0, |(_, text)| text.width());
    plain + parts.map(behind_code).sum::<usize>()
}

/// The beginning of a colour's code, which ends with an `m`.
const ESCAPE: char = '\u{1b}';

/// No label of a report is wider.
const LABEL_MAX: usize = 16;

/// The first characters that fit into this width.
pub(crate) fn fitting(text: impl Iterator<Item = char>, width: usize) -> String {
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

    #[test]
    fn reports_are_folded_between_words_below_their_text() {
        let rows = [
            (
                "FAILURE    two leaders in term one",
                24,
                "FAILURE    two leaders\n           in term one",
            ),
            ("           a tail of a log here", 22, "           a tail of a\n           log here"),
            ("one two three", 8, "one two\nthree"),
            ("a /very/long/path/of/a/file", 10, "a\n/very/long\n/path/of/a\n/file"),
            (
                "    2 × sh: no leader in term one",
                18,
                "    2 × sh: no\n    leader in term\n    one",
            ),
            (
                "\u{1b}[31m    2 ×\u{1b}[0m sh: no leader",
                16,
                "\u{1b}[31m    2 ×\u{1b}[0m sh: no\n    leader",
            ),
            ("short", 80, "short"),
            ("", 80, ""),
            ("x", 0, "x"),
        ];
        for (line, width, want) in rows {
            assert_eq!(folded_report(line, width).join("\n"), want, "{line}");
        }
    }

    #[test]
    fn what_is_cut_has_a_sign() {
        assert_eq!(["選挙", "abcd"].map(|text| cut(text, 3)), ["選…", "ab…"]);
        assert_eq!(["ab"; 3].map(|text| cut(text, text.len())), ["ab"; 3]);
        assert_eq!((cut("ab", 1), cut("ab", 0)), ("…".to_owned(), String::new()));
    }
}
