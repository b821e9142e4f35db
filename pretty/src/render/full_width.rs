//! Drawing across the whole width: rules with titles, and lines as they are.

use std::io::{self, Write};

use super::styled::{StyledText, StyledWriter};
use super::{AnsiTheme, RowBuffer};

/// A screen without columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FullWidth {
    width: usize,
    writer: StyledWriter,
}

impl FullWidth {
    /// A page of this width; at least one column.
    pub(crate) fn new(width: usize, ansi: &AnsiTheme) -> Self {
        Self { width, writer: StyledWriter::new(ansi) }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Draws a line across the screen with a title in it; a title too long for one row follows it.
    ///
    /// # Errors
    /// Those of the writer.
    pub(crate) fn rule<W: Write>(
        &self,
        rows: &mut RowBuffer<W>,
        title: StyledText<'_>,
    ) -> io::Result<()> {
        let room = self.width.saturating_sub(6);
        let cut = title.text.cut(0, room.max(1));
        let fits = cut.shown == title.text.text().len() && cut.columns <= room;
        rows.put_code(title.sgr);
        if fits {
            rows.put("── ".as_bytes());
            rows.put(title.text.text().as_bytes());
            rows.put(b" ");
            rows.repeat("─", self.width - 4 - cut.columns);
        } else {
            rows.repeat("─", self.width);
        }
        rows.put_code(&self.writer.off);
        rows.end_row()?;
        if fits { Ok(()) } else { self.line(rows, title) }
    }

    /// Draws a line as it is, over the whole width.
    ///
    /// # Errors
    /// Those of the writer.
    pub(crate) fn line<W: Write>(
        &self,
        rows: &mut RowBuffer<W>,
        piece: StyledText<'_>,
    ) -> io::Result<()> {
        for row in piece.text.rows(self.width) {
            self.writer.put_styled(rows, piece, row);
            rows.end_row()?;
        }
        Ok(())
    }
}
