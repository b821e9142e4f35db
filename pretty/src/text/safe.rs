//! Making text harmless: all that could move the cursor, change colours, reorder or hide text is
//! replaced by a visible spelling of itself.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// The characters of a text, as far as breaking it into rows depends on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// One byte, one column.
    Ascii,
    /// Anything else: graphemes have to be found and measured.
    Unicode,
    /// Several lines: a row ends at each line feed.
    Lines,
}

/// A text in which every character is printable.
///
/// Invariant: no control characters, no bidirectional controls, no line separators; only
/// [`make_safe_lines`] leaves line feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Safe<'a> {
    text: &'a str,
    charset: Charset,
}

impl<'a> Safe<'a> {
    /// The text.
    #[must_use]
    pub const fn text(self) -> &'a str {
        self.text
    }

    /// A text that is safe already, because [`make_safe`] made it.
    #[cfg(feature = "view")]
    pub(crate) fn of_safe(text: &'a str) -> Self {
        Self { text, charset: charset_of(text) }
    }

    /// The way to measure it.
    #[must_use]
    pub const fn charset(self) -> Charset {
        self.charset
    }
}

/// Makes `bytes` safe to print; `scratch` is overwritten where they cannot be printed as they
/// are.
///
/// Control characters become `\x1b`, invalid UTF-8 `\xff`, invisible and direction-changing
/// characters `\u{202e}`; tabs become blanks up to the next multiple of 4.
///
/// ```
/// let mut scratch = String::new();
/// let safe = pretty::make_safe(b"\x1b[31m\xff\t|", &mut scratch);
/// assert_eq!(safe.text(), r"\x1b[31m\xff    |");
/// ```
#[inline]
pub fn make_safe<'a>(bytes: &'a [u8], scratch: &'a mut String) -> Safe<'a> {
    if bytes.iter().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'))
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return Safe { text, charset: Charset::Ascii };
    }
    spell_out(bytes, scratch);
    Safe { text: scratch, charset: charset_of(scratch) }
}

/// The same, but for line feeds inside: each begins a new row, as in a stack trace.
///
/// ```
/// let mut scratch = String::new();
/// let safe = pretty::make_safe_lines(b"no quorum\n\tat main\x1b", &mut scratch);
/// let rows: Vec<_> = safe.rows(40).map(|row| &safe.text()[row]).collect();
/// assert_eq!(rows, ["no quorum", r"    at main\x1b"]);
/// ```
pub fn make_safe_lines<'a>(bytes: &'a [u8], scratch: &'a mut String) -> Safe<'a> {
    if memchr::memchr(b'\n', bytes).is_none() {
        return make_safe(bytes, scratch);
    }
    scratch.clear();
    let mut own = String::new();
    for (at, line) in bytes.trim_ascii_end().split(|byte| *byte == b'\n').enumerate() {
        if at > 0 {
            scratch.push('\n');
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        scratch.push_str(make_safe(line, &mut own).text());
    }
    Safe { text: scratch, charset: Charset::Lines }
}

fn charset_of(text: &str) -> Charset {
    match (memchr::memchr(b'\n', text.as_bytes()), text.is_ascii()) {
        (Some(_), _) => Charset::Lines,
        (None, true) => Charset::Ascii,
        (None, false) => Charset::Unicode,
    }
}

fn spell_out(bytes: &[u8], out: &mut String) {
    out.clear();
    let mut column = 0;
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while !rest.is_empty() {
            let plain = rest.bytes().position(|byte| !matches!(byte, b' '..=b'~'));
            let (plain, other) = rest.split_at(plain.unwrap_or(rest.len()));
            out.push_str(plain);
            column += plain.len();
            let mut chars = other.chars();
            if let Some(c) = chars.next() {
                column += push_char(c, column, out);
            }
            rest = chars.as_str();
        }
        for byte in chunk.invalid() {
            column += push_formatted(out, format_args!("\\x{byte:02x}"));
        }
    }
}

/// Appends a character or its spelling; returns about how many columns that took, which only tab
/// stops depend on.
fn push_char(c: char, column: usize, out: &mut String) -> usize {
    match c {
        '\t' => {
            let blanks = TAB_COLUMNS - column % TAB_COLUMNS;
            out.extend(std::iter::repeat_n(' ', blanks));
            blanks
        }
        '\0'..='\u{1f}' | '\u{7f}' => push_formatted(out, format_args!("\\x{:02x}", u32::from(c))),
        c if is_hidden(c) => push_formatted(out, format_args!("{}", c.escape_unicode())),
        c => {
            out.push(c);
            c.width().unwrap_or(0)
        }
    }
}

fn push_formatted(out: &mut String, text: std::fmt::Arguments<'_>) -> usize {
    let before = out.len();
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
    out.len() - before
}

const TAB_COLUMNS: usize = 4;

/// Characters that show nothing themselves but change where or in which order text appears:
/// C1 controls, soft hyphen, direction marks and overrides, separators, fillers, tags. The
/// joiners and variation selectors that emoji are made of stay.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200c}'
        | '\u{200e}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], text: &str) {
        assert_eq!(make_safe(bytes, &mut String::new()).text(), text);
    }

    #[test]
    fn printable_text_stays() {
        check(
            b"plain {Term:1 Command:[a]} a:b:c :100: [/x]",
            "plain {Term:1 Command:[a]} a:b:c :100: [/x]",
        );
        check("日本語 é 👩‍👩‍👧 e\u{301}".as_bytes(), "日本語 é 👩‍👩‍👧 e\u{301}");
    }

    #[test]
    fn harmful_characters_are_spelled_out() {
        check(b"\x1b]0;TITLE\x07", r"\x1b]0;TITLE\x07");
        check(b"\0\x7f\r", r"\x00\x7f\x0d");
        check("\u{9b}31m".as_bytes(), r"\u{9b}31m");
        check(b"\xff\xfe ok \xe6\x97", r"\xff\xfe ok \xe6\x97");
        check("a\u{202e}b\u{2066}c\u{feff}".as_bytes(), r"a\u{202e}b\u{2066}c\u{feff}");
        check("\u{2028}\u{200b}\u{ad}".as_bytes(), r"\u{2028}\u{200b}\u{ad}");
    }

    #[test]
    fn tabs_go_to_the_next_stop() {
        check(b"\ta\tbcd\te", "    a   bcd e");
    }
}
