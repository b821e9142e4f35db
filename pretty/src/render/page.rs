//! Drawing across the whole width: rules with titles, and lines as they come.

use std::io::{self, Write};

use super::pen::{Pen, Piece};
use super::{Paint, Sink};

/// A screen without columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    width: usize,
    pen: Pen,
}

impl Page {
    /// A page so many columns wide; at least one.
    pub(crate) fn new(width: usize, paint: &Paint) -> Self {
        Self { width, pen: Pen::new(paint) }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Draws a line across the screen with a title in it; a title too long for one row follows it.
    ///
    /// # Errors
    /// Those of the writer.
    pub(crate) fn rule<W: Write>(&self, sink: &mut Sink<W>, title: Piece<'_>) -> io::Result<()> {
        let room = self.width.saturating_sub(6);
        let cut = title.text.cut(0, room.max(1));
        let fits = cut.shown == title.text.text().len() && cut.columns <= room;
        sink.put(title.ink);
        if fits {
            sink.put("── ".as_bytes());
            sink.put(title.text.text().as_bytes());
            sink.put(b" ");
            sink.repeat("─", self.width - 4 - cut.columns);
        } else {
            sink.repeat("─", self.width);
        }
        sink.put(self.pen.off);
        sink.end_row()?;
        if fits { Ok(()) } else { self.line(sink, title) }
    }

    /// Draws a line as it came, over the whole width.
    ///
    /// # Errors
    /// Those of the writer.
    pub(crate) fn line<W: Write>(&self, sink: &mut Sink<W>, piece: Piece<'_>) -> io::Result<()> {
        for row in piece.text.rows(self.width) {
            self.pen.put_piece(sink, piece, row);
            sink.end_row()?;
        }
        Ok(())
    }
}
