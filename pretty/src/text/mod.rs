//! Text as a terminal may show it: made harmless, measured in columns, broken into rows.

#[cfg(feature = "view")]
pub(crate) mod markup;
mod safe;
mod wrap;

pub use safe::{Charset, Safe, make_safe, make_safe_lines};
pub use wrap::Cut;

/// The bytes, made safe, as a text of their own.
pub(crate) fn safe_text(bytes: &[u8]) -> String {
    make_safe(bytes, &mut String::new()).text().to_owned()
}

/// Columns the bytes take on the screen once they are made safe.
#[inline]
pub(crate) fn columns_of(bytes: &[u8]) -> usize {
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return bytes.len();
    }
    columns(make_safe(bytes, &mut String::new()).text())
}

/// Columns a safe text takes on the screen.
#[inline]
pub(crate) fn columns(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { unicode_width::UnicodeWidthStr::width(text) }
}
