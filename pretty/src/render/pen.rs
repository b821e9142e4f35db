//! Writing text in a colour, with parts of it marked.

use std::io::Write;
use std::ops::Range;

use super::{Paint, Sink};
use crate::text::Safe;

/// A text in one colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) text: Safe<'a>,
    pub(crate) ink: &'a [u8],
    /// Parts to mark, in order and apart.
    pub(crate) marks: &'a [Range<usize>],
}

/// The escape codes that are the same for every text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pen {
    mark: [&'static [u8]; 2],
    pub(super) off: &'static [u8],
}

impl Pen {
    pub(super) fn new(paint: &Paint) -> Self {
        Self { mark: paint.mark(), off: paint.off() }
    }

    #[inline]
    pub(super) fn put<W: Write>(self, sink: &mut Sink<W>, ink: &[u8], text: &str) {
        if !text.is_empty() {
            sink.put(ink);
            sink.put(text.as_bytes());
            // A text in no colour at all needs no end of it.
            sink.put(if ink.is_empty() { b"" } else { self.off });
        }
    }

    #[inline]
    pub(super) fn put_piece<W: Write>(
        self,
        sink: &mut Sink<W>,
        piece: Piece<'_>,
        row: Range<usize>,
    ) {
        if piece.marks.is_empty() {
            return self.put(sink, piece.ink, &piece.text.text()[row]);
        }
        let bytes = piece.text.text().as_bytes();
        sink.put(piece.ink);
        let mut done = row.start;
        for mark in piece.marks {
            let (start, end) = (mark.start.max(done), mark.end.min(row.end));
            if start < end {
                sink.put(&bytes[done..start]);
                sink.put(self.mark[0]);
                sink.put(&bytes[start..end]);
                sink.put(self.mark[1]);
                done = end;
            }
        }
        sink.put(&bytes[done..row.end]);
        sink.put(if piece.ink.is_empty() { b"" } else { self.off });
    }
}
