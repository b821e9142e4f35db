//! Drawing lines that are not events, and headers of logs.

use std::io::{self, Write};
use std::mem;

use super::{Printer, Run};
use crate::class::{Class, Owner, is_continuation};
use crate::line::Header;
use crate::parse::date_of;
use crate::render::{Code, StyledText};
use crate::text::make_safe;

impl<W: Write> Printer<W> {
    pub(super) fn show_header(&mut self, header: Header<'_>) -> io::Result<()> {
        self.owner = Owner::None;
        self.draw_all_repeats()?;
        let sgr = self.ansi.bold_sgr(self.ansi.theme.title);
        let text = make_safe(header.text, &mut self.scratch.text);
        self.page.rule(&mut self.rows, StyledText { text, sgr: &sgr, marks: &[] })?;
        self.run = Run::Events;
        self.start_run(header.peers);
        Ok(())
    }

    /// Draws the date of the events that follow.
    pub(super) fn draw_day(&mut self, day: i64) -> io::Result<()> {
        let (year, month, day) = date_of(day);
        let date = format!("{year:04}-{month:02}-{day:02}");
        let sgr = self.ansi.sgr(self.ansi.theme.time);
        let text = make_safe(date.as_bytes(), &mut self.scratch.text);
        self.page.rule(&mut self.rows, StyledText { text, sgr: &sgr, marks: &[] })
    }

    /// A line that continues an event is shown where that is, right below it.
    fn show_continuation(&mut self, line: &[u8]) -> io::Result<()> {
        if self.owner == Owner::Hidden {
            return Ok(());
        }
        self.draw_all_repeats()?;
        let text = make_safe(line, &mut self.scratch.text);
        self.page.line(&mut self.rows, StyledText { text, sgr: &Code::default(), marks: &[] })
    }

    pub(super) fn show_non_event(&mut self, class: Class, line: &[u8]) -> io::Result<()> {
        if self.owner.of_line(class, line) != Owner::None {
            return self.show_continuation(line);
        }
        let sgr = match class {
            Class::Lead => return Ok(()),
            Class::Blank => return self.rows.end_row(),
            Class::Plain => Code::default(),
            Class::Test => self.ansi.bold_sgr(self.ansi.theme.title),
            Class::Passed => self.ansi.bold_sgr(self.ansi.theme.good),
            Class::Failed | Class::Panic | Class::Race => self.ansi.bold_sgr(self.ansi.theme.bad),
        };
        if class == Class::Plain && !is_continuation(line) {
            self.tally.unread += 1;
            if self.first_unread.is_none() {
                self.first_unread = Some(line[..line.len().min(UNREAD_BYTES)].to_vec());
            }
        }
        self.draw_all_repeats()?;
        let run = self.run.then(class);
        let before = mem::replace(&mut self.run, run);
        let is_untitled = before == run || class == Class::Plain && !self.is_output_title_due();
        let text = make_safe(line, &mut self.scratch.text);
        let piece = StyledText { text, sgr: &sgr, marks: &[] };
        if is_untitled {
            return self.page.line(&mut self.rows, piece);
        }
        if matches!(class, Class::Test | Class::Passed | Class::Failed) {
            return self.page.rule(&mut self.rows, piece);
        }
        let mut title = String::new();
        let text = make_safe(class.title().as_bytes(), &mut title);
        self.page.rule(&mut self.rows, StyledText { text, ..piece })?;
        self.page.line(&mut self.rows, piece)
    }

    /// One title a screen is enough if events and unknown lines take turns: more would fill it.
    fn is_output_title_due(&mut self) -> bool {
        let (row, page) = (self.rows.rows(), self.page_rows.unwrap_or(SCREEN_ROWS));
        let due = self.output_title_row.is_none_or(|last| row >= last + page);
        if due {
            self.output_title_row = Some(row);
        }
        due
    }
}

/// The rows of a screen where there is none.
const SCREEN_ROWS: usize = 40;

/// The beginning of a line that is kept for a message.
const UNREAD_BYTES: usize = 120;
