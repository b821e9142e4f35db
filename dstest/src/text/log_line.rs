//! Lines of logs for people: with the colours of the program that wrote them on a terminal that has
//! colours, without them anywhere else; everything else that is not text is spelled out.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::style::Paint;
use super::width::fitting;

/// A line, cut at so many columns.
#[must_use]
pub fn log_line(line: &[u8], columns: usize, paint: Paint) -> String {
    let (mut out, mut room, mut rest) = (String::new(), columns, line);
    let mut is_coloured = false;
    while room > 0 && !rest.is_empty() {
        let (text, color, after) = match COLOR.find(rest) {
            Some(found) => (&rest[..found.start()], found.as_bytes(), &rest[found.end()..]),
            None => (rest, &[][..], &[][..]),
        };
        let safe = pretty::make_safe(text, &mut String::new()).text().to_owned();
        let fits = fitting(safe.chars(), room);
        room -= unicode_width::UnicodeWidthStr::width(fits.as_str());
        out.push_str(&fits);
        if fits.len() < safe.len() {
            out.push('…');
            break;
        }
        if paint == Paint::Colours && is_shown(color) {
            out.push_str(&String::from_utf8_lossy(color));
            is_coloured = true;
        }
        rest = after;
    }
    if is_coloured {
        out.push_str("\u{1b}[0m");
    }
    out
}

/// `true` for a colour; to erase the rest of a line, or to hide text, is none.
fn is_shown(sequence: &[u8]) -> bool {
    let Some(codes) = sequence.strip_prefix(b"\x1b[").and_then(|rest| rest.strip_suffix(b"m"))
    else {
        return false;
    };
    !codes.split(|byte| b";:".contains(byte)).any(|code| code == b"8")
}

/// Colours, as pretty reads them.
static COLOR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?-u)\x1b\[[0-9;:]*[mK]").expect("a fixed expression"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_where_there_are_any_and_nothing_else_does() {
        let rows = [
            ("plain", "plain", "plain"),
            ("\x1b[31mred\x1b[0m x", "red x", "\x1b[31mred\x1b[0m x\x1b[0m"),
            ("a\x1b[1;38;5;9mb\x1b[K", "ab", "a\x1b[1;38;5;9mb\x1b[0m"),
            ("\x1b[8mhidden", "hidden", "hidden"),
            ("\x1b[2Jclear \x1b]0;title\x07", r"\x1b[2Jclear \x1b]0;title\x07", ""),
            ("ten\x1b[32m columns, then more", "ten colu…", "ten\x1b[32m colu…\x1b[0m"),
            ("torn \x1b[3", r"torn \x1b…", r"torn \x1b…"),
        ];
        for (line, plain, coloured) in rows {
            let columns = if line.contains("ten") || line.contains("torn") { 8 } else { 80 };
            let columns = if line.contains("torn") { 9 } else { columns };
            assert_eq!(log_line(line.as_bytes(), columns, Paint::Plain), plain, "{line:?}");
            let coloured = if coloured.is_empty() { plain } else { coloured };
            assert_eq!(log_line(line.as_bytes(), columns, Paint::Colours), coloured, "{line:?}");
        }
    }
}
