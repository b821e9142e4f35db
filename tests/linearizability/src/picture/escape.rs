//! Texts of others, made harmless.

use unicode_width::UnicodeWidthChar;

/// The text without anything that moves a cursor, changes a direction or is invisible.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\'' | '"' | '\\' => plain.push(character),
            _ => plain.extend(character.escape_debug()),
        }
    }
    plain
}

/// The text for HTML.
pub(super) fn html(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in plain(text).chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(character),
        }
    }
    html
}

/// The columns that a text takes in a terminal.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
}

/// The text in exactly so many columns, cut with an ellipsis where it is longer.
pub(super) fn fit(text: &str, width: usize) -> String {
    let mut fitting = cut(text, width);
    let missing = width.saturating_sub(columns(&fitting));
    fitting.extend(std::iter::repeat_n(' ', missing));
    fitting
}

/// The text in at most so many columns.
pub(super) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut left = width.saturating_sub(1);
    for character in text.chars() {
        let own = character.width().unwrap_or(0);
        if own > left {
            break;
        }
        left -= own;
        cut.push(character);
    }
    if width > 0 {
        cut.push('…');
    }
    cut
}
