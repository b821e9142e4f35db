//! A few lines at the end of a terminal that are redrawn in place.
//!
//! Invariant: between two calls the cursor stands at the beginning of the row below the lines, so
//! that what the terminal itself echoes (`^C`) moves no line and is erased with them.

use std::io::Write;

use unicode_width::UnicodeWidthStr;

/// The lines, and where they are written.
#[derive(Debug)]
pub(super) struct Screen<W> {
    out: W,
    /// The display width of each line that is on the terminal.
    shown: Vec<usize>,
}

/// A line to show: its plain text, and the same with colours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScreenLine {
    pub(super) plain: String,
    pub(super) painted: String,
}

impl<W: Write> Screen<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, shown: Vec::new() }
    }

    /// Shows exactly these lines, none of which is wider than the terminal.
    pub(super) fn draw(&mut self, lines: &[ScreenLine], columns: usize) {
        let mut text = self.to_first_row(columns);
        for line in lines {
            text.push_str(&line.painted);
            text.push_str("\x1b[K\n");
        }
        text.push_str("\x1b[J");
        self.shown = lines.iter().map(|line| line.plain.width()).collect();
        self.write(&text);
    }

    /// Takes the lines off the terminal.
    pub(super) fn clear(&mut self, columns: usize) {
        if !self.shown.is_empty() {
            let text = self.to_first_row(columns) + "\x1b[J";
            self.shown.clear();
            self.write(&text);
        }
    }

    /// Moves the cursor to the beginning of the first line. A terminal that has become narrower
    /// has broken the lines into more rows.
    fn to_first_row(&self, columns: usize) -> String {
        let rows: usize =
            self.shown.iter().map(|width| width.div_ceil(columns.max(1)).max(1)).sum();
        if rows == 0 { "\r".to_owned() } else { format!("\r\x1b[{rows}A") }
    }

    fn write(&mut self, text: &str) {
        // A terminal that is gone shows nothing.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Interprets what a screen writes, as a terminal of endless height would.
    fn terminal(bytes: &[u8]) -> Vec<String> {
        let (mut rows, mut row) = (vec![String::new()], 0_usize);
        let mut text = std::str::from_utf8(bytes).unwrap();
        while let Some(c) = text.chars().next() {
            text = &text[c.len_utf8()..];
            match c {
                '\n' => {
                    row += 1;
                    rows.resize(rows.len().max(row + 1), String::new());
                    rows[row].clear();
                }
                '\r' => {}
                '\x1b' => {
                    let end = text.find(char::is_alphabetic).unwrap();
                    let count = text[1..end].parse().unwrap_or(0);
                    match &text[end..=end] {
                        "A" => {
                            row -= count;
                            rows[row].clear();
                        }
                        "J" => rows.truncate(row + 1),
                        _ => {}
                    }
                    text = &text[end + 1..];
                }
                c => rows[row].push(c),
            }
        }
        rows
    }

    fn lines(texts: &[&str]) -> Vec<ScreenLine> {
        let line =
            |text: &&str| ScreenLine { plain: (*text).to_owned(), painted: (*text).to_owned() };
        texts.iter().map(line).collect()
    }

    #[test]
    fn lines_are_replaced_and_nothing_of_them_stays() {
        let mut screen = Screen::new(Vec::new());
        screen.draw(&lines(&["one", "two", "three"]), 80);
        assert_eq!(terminal(&screen.out), ["one", "two", "three", ""]);
        screen.draw(&lines(&["four"]), 80);
        assert_eq!(terminal(&screen.out), ["four", ""]);
        screen.clear(80);
        assert_eq!(terminal(&screen.out), [""]);
    }

    #[test]
    fn an_echoed_interrupt_is_erased_with_the_lines() {
        let mut screen = Screen::new(Vec::new());
        screen.draw(&lines(&["one", "two"]), 80);
        screen.out.extend_from_slice(b"^C");
        assert_eq!(terminal(&screen.out), ["one", "two", "^C"]);
        screen.clear(80);
        assert_eq!(terminal(&screen.out), [""]);
    }

    #[test]
    fn a_narrower_terminal_has_more_rows_to_erase() {
        let mut screen = Screen::new(Vec::new());
        screen.draw(&lines(&[&"x".repeat(79), "", "y"]), 80);
        screen.out.clear();
        screen.clear(40);
        assert_eq!(screen.out, b"\r\x1b[4A\x1b[J");
        screen.out.clear();
        screen.clear(40);
        assert!(screen.out.is_empty(), "what is off the terminal is not erased again");
    }
}
