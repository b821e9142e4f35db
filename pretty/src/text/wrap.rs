//! Breaking a text into rows of a given width, one row at a time.
//!
//! Rows break at blanks; a word too long for a row is folded, after a punctuation mark if one is
//! near. Invariant: the pieces, end to end, are the text; all that a row may leave out is the one
//! blank it breaks at.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::{Charset, Safe};

/// The first row of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bytes shown in the row.
    pub shown: usize,
    /// The start of the next row, in bytes: `shown`, or one more if the row breaks at a blank.
    pub next: usize,
    /// Columns the row takes.
    pub columns: usize,
}

impl Safe<'_> {
    /// The first row of the text from byte `start` on. `width` must not be 0.
    ///
    /// # Panics
    /// If `start` is not the start of a character in the text.
    #[inline]
    #[must_use]
    pub fn cut(self, start: usize, width: usize) -> Cut {
        debug_assert!(width > 0, "a row without columns would never end");
        let rest = &self.text()[start..];
        let cut = match self.charset() {
            Charset::Ascii => cut_ascii(rest, width),
            Charset::Unicode => cut_unicode(rest, width),
            Charset::Lines => cut_line(rest, width),
        };
        debug_assert!(cut.next > 0 || rest.is_empty());
        cut
    }

    /// The rows of the text, as ranges of its bytes; one empty row for an empty text.
    ///
    /// ```
    /// let mut scratch = String::new();
    /// let safe = pretty::make_safe(b"grants vote to 2", &mut scratch);
    /// let rows: Vec<_> = safe.rows(8).map(|row| &safe.text()[row]).collect();
    /// assert_eq!(rows, ["grants", "vote to", "2"]);
    /// ```
    pub fn rows(self, width: usize) -> impl Iterator<Item = Range<usize>> {
        let mut start = Some(0);
        std::iter::from_fn(move || {
            let begin = start?;
            let cut = self.cut(begin, width);
            let next = begin + cut.next;
            start = (next < self.text().len()).then_some(next);
            Some(begin..begin + cut.shown)
        })
    }
}

/// The first row of the first line; the line feed ends it and is in no row.
fn cut_line(text: &str, width: usize) -> Cut {
    let Some(end) = memchr::memchr(b'\n', text.as_bytes()) else {
        return cut_unicode(text, width);
    };
    let cut = cut_unicode(&text[..end], width);
    if cut.next < end { cut } else { Cut { next: end + 1, ..cut } }
}

#[inline]
fn cut_ascii(text: &str, width: usize) -> Cut {
    let bytes = text.as_bytes();
    if bytes.len() <= width {
        return Cut { shown: bytes.len(), next: bytes.len(), columns: bytes.len() };
    }
    // A blank right behind a full row breaks it as well as one inside.
    if let Some(blank) = last_blank(&bytes[..=width]) {
        return Cut { shown: blank, next: blank + 1, columns: blank };
    }
    let end = soft_end(&bytes[..width]).unwrap_or(width);
    Cut { shown: end, next: end, columns: end }
}

/// The last blank with a word before it: breaking at the indentation would leave an empty row.
fn last_blank(row: &[u8]) -> Option<usize> {
    // It is nearly always a few bytes away: a plain loop beats a vectorised search here.
    let blank = row.iter().rposition(|byte| *byte == b' ')?;
    let has_word = row[..blank].iter().any(|byte| *byte != b' ');
    has_word.then_some(blank)
}

/// The place to break a long word: behind the last punctuation mark in its second half.
fn soft_end(row: &[u8]) -> Option<usize> {
    let half = row.len() / 2;
    let mark = row[half..].iter().rposition(|byte| IS_SOFT_END[usize::from(*byte)])?;
    Some(half + mark + 1)
}

/// For each byte whether it is a punctuation mark behind which a word is folded.
const IS_SOFT_END: [bool; 256] = {
    let mut marks = [false; 256];
    let mut rest: &[u8] = b",;:=/|)]}";
    while let [first, more @ ..] = rest {
        marks[*first as usize] = true;
        rest = more;
    }
    marks
};

/// Apart, so that the way of most texts is short enough to stand where it is called.
#[inline(never)]
fn cut_unicode(text: &str, width: usize) -> Cut {
    // Only so much is looked at: a megabyte of marks on one letter must not be measured again for
    // every row. The window holds a row of any sane text.
    let text =
        &text[..text.floor_char_boundary(width * WINDOW_BYTES_PER_COLUMN + WINDOW_BYTES_MIN)];
    let mut columns = 0;
    let mut blank = None;
    let mut has_word = false;
    let mut at = 0;
    while at < text.len() {
        let (length, wide) = first_grapheme(&text[at..]);
        let is_blank = text.as_bytes()[at] == b' ' && length == 1;
        if is_blank && has_word {
            blank = Some(Cut { shown: at, next: at + 1, columns });
        }
        has_word |= !is_blank;
        if columns + wide > width {
            let fold = || fold_at(text, at, columns, width);
            return blank.unwrap_or_else(fold);
        }
        columns += wide;
        at += length;
    }
    Cut { shown: text.len(), next: text.len(), columns }
}

/// The length and the width of the first grapheme of a text without control characters.
fn first_grapheme(text: &str) -> (usize, usize) {
    match text.as_bytes() {
        // No character of ASCII is part of the grapheme of another one before it.
        [first, second, ..] if first.is_ascii() && second.is_ascii() => (1, 1),
        [first] if first.is_ascii() => (1, 1),
        _ => {
            let first = text.graphemes(true).next().unwrap_or(text);
            (first.len(), first.width())
        }
    }
}

const WINDOW_BYTES_PER_COLUMN: usize = 8;
const WINDOW_BYTES_MIN: usize = 256;

/// Ends the row before the grapheme at byte `at`; a grapheme that no row could hold is itself
/// taken apart, for it would otherwise make the row too wide or never end.
fn fold_at(text: &str, at: usize, columns: usize, width: usize) -> Cut {
    if at > 0 {
        return Cut { shown: at, next: at, columns };
    }
    let mut shown = 0;
    for c in text.chars() {
        let end = shown + c.len_utf8();
        if shown > 0 && text[..end].width() > width {
            break;
        }
        shown = end;
    }
    Cut { shown, next: shown, columns: text[..shown].width() }
}

#[cfg(test)]
mod tests {
    use crate::text::make_safe;

    #[track_caller]
    fn check(text: &str, width: usize, expected: &[&str]) {
        let mut scratch = String::new();
        let safe = make_safe(text.as_bytes(), &mut scratch);
        let rows: Vec<_> = safe.rows(width).map(|row| &safe.text()[row]).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn rows_break_at_blanks() {
        check("", 5, &[""]);
        check("abc", 5, &["abc"]);
        check("abcde fgh", 5, &["abcde", "fgh"]);
        check("ab cd ef", 5, &["ab cd", "ef"]);
        check("ab  cd", 3, &["ab ", "cd"]);
        check("  abcdefg", 5, &["  abc", "defg"]);
        check("é ab cd", 4, &["é ab", "cd"]);
    }

    #[test]
    fn long_words_are_folded_not_cut() {
        check("nextIndex=(6,7)", 12, &["nextIndex=", "(6,7)"]);
        check("abcdefghijkl", 5, &["abcde", "fghij", "kl"]);
        check("日本語のログ", 5, &["日本", "語の", "ログ"]);
        check("ééééé", 2, &["éé", "éé", "é"]);
    }

    proptest::proptest! {
        /// Class: a text is cut inside a grapheme where letters of ASCII are next to others.
        #[test]
        fn graphemes_are_those_of_the_whole_text(
            text in "( |[a-z]|é|\u{301}|\u{200d}|\u{600}|日|\u{1f1e9}|\u{1f468}|\u{fe0f}|\u{915}|\u{94d}|\u{1100}|\u{1161}){0,12}"
        ) {
            use unicode_segmentation::UnicodeSegmentation as _;
            let mut rest = &*text;
            let mut found = Vec::new();
            while !rest.is_empty() {
                let (length, wide) = super::first_grapheme(rest);
                proptest::prop_assert_eq!(wide, unicode_width::UnicodeWidthStr::width(&rest[..length]));
                found.push(&rest[..length]);
                rest = &rest[length..];
            }
            proptest::prop_assert_eq!(found, text.graphemes(true).collect::<Vec<_>>());
        }
    }

    #[test]
    fn combining_marks_stay_with_their_letter() {
        check("e\u{301}e\u{301}e\u{301}", 2, &["e\u{301}e\u{301}", "e\u{301}"]);
    }

    #[test]
    fn any_number_of_marks_is_shown() {
        let zalgo = format!("a{}", "\u{301}".repeat(10_000));
        let mut scratch = String::new();
        let safe = make_safe(zalgo.as_bytes(), &mut scratch);
        assert_eq!(safe.rows(10).map(|row| &safe.text()[row]).collect::<String>(), zalgo);
    }

    #[test]
    fn a_grapheme_wider_than_the_row_is_taken_apart() {
        let jamos = "\u{1100}".repeat(6);
        check(&jamos, 4, &["\u{1100}\u{1100}"; 3]);
    }
}
