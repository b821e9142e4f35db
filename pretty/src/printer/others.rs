//! Drawing lines that are no events, and headers of logs.

use std::io::{self, Write};
use std::mem;

use super::{Printer, Run};
use crate::class::Class;
use crate::line::Header;
use crate::render::Piece;
use crate::text::make_safe;

impl<W: Write> Printer<W> {
    pub(super) fn show_header(&mut self, header: Header<'_>) -> io::Result<()> {
        self.draw_all_repeats()?;
        let ink = self.paint.bold_ink(self.paint.theme.title);
        let text = make_safe(header.text, &mut self.scratch.text);
        self.page.rule(&mut self.sink, Piece { text, ink: &ink, marks: &[] })?;
        self.run = Run::Events;
        self.start_over(header.peers);
        Ok(())
    }

    pub(super) fn show_other(&mut self, class: Class, line: &[u8]) -> io::Result<()> {
        let ink = match class {
            Class::Blank => return self.sink.end_row(),
            Class::Plain => Box::default(),
            Class::Test => self.paint.bold_ink(self.paint.theme.title),
            Class::Passed => self.paint.bold_ink(self.paint.theme.good),
            Class::Failed | Class::Panic | Class::Race => self.paint.bold_ink(self.paint.theme.bad),
        };
        self.draw_all_repeats()?;
        let run = self.run.then(class);
        let before = mem::replace(&mut self.run, run);
        let text = make_safe(line, &mut self.scratch.text);
        let piece = Piece { text, ink: &ink, marks: &[] };
        if before == run {
            return self.page.line(&mut self.sink, piece);
        }
        if matches!(class, Class::Test | Class::Passed | Class::Failed) {
            return self.page.rule(&mut self.sink, piece);
        }
        let mut title = String::new();
        let text = make_safe(class.title().as_bytes(), &mut title);
        self.page.rule(&mut self.sink, Piece { text, ..piece })?;
        self.page.line(&mut self.sink, piece)
    }
}
