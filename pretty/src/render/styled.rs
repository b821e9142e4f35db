//! Writing text in a colour, with parts of it marked.

use std::io::Write;
use std::ops::Range;

use super::code::Code;
use super::{AnsiTheme, RowBuffer};
use crate::text::Safe;

/// A text in one colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StyledText<'a> {
    pub(crate) text: Safe<'a>,
    pub(crate) sgr: &'a Code,
    /// Parts to mark, in order and apart.
    pub(crate) marks: &'a [Range<usize>],
}

/// The escape codes that are the same for every text.
#[derive(Clone, Copy, Debug)]
pub(super) struct StyledWriter {
    mark: [Code; 2],
    pub(super) off: Code,
}

impl StyledWriter {
    pub(super) fn new(ansi: &AnsiTheme) -> Self {
        Self { mark: ansi.mark(), off: ansi.off() }
    }

    #[inline]
    pub(super) fn put<W: Write>(&self, rows: &mut RowBuffer<W>, sgr: &Code, text: &str) {
        if !text.is_empty() {
            rows.put_code(sgr);
            rows.put(text.as_bytes());
            // A text without a colour needs no code after it.
            if !sgr.is_empty() {
                rows.put_code(&self.off);
            }
        }
    }

    fn put_row<W: Write>(&self, rows: &mut RowBuffer<W>, piece: StyledText<'_>, row: Range<usize>) {
        if !row.is_empty() {
            rows.put_code(piece.sgr);
            rows.put_part(piece.text.text().as_bytes(), row.start, row.len());
            if !piece.sgr.is_empty() {
                rows.put_code(&self.off);
            }
        }
    }

    #[inline]
    pub(super) fn put_styled<W: Write>(
        &self,
        rows: &mut RowBuffer<W>,
        piece: StyledText<'_>,
        row: Range<usize>,
    ) {
        if piece.marks.is_empty() {
            return self.put_row(rows, piece, row);
        }
        let bytes = piece.text.text().as_bytes();
        rows.put_code(piece.sgr);
        let mut done = row.start;
        for mark in piece.marks {
            let (start, end) = (mark.start.max(done), mark.end.min(row.end));
            if start < end {
                rows.put(&bytes[done..start]);
                rows.put_code(&self.mark[0]);
                rows.put(&bytes[start..end]);
                rows.put_code(&self.mark[1]);
                done = end;
            }
        }
        rows.put(&bytes[done..row.end]);
        if !piece.sgr.is_empty() {
            rows.put_code(&self.off);
        }
    }
}
