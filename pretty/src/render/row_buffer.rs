//! One buffer between rows and the writer behind them.

use std::io::{self, Write};

use super::code::Code;

/// Collects rows and writes them in large pieces, or when flushed.
#[derive(Debug)]
pub(crate) struct RowBuffer<W> {
    /// Invariant: the first `filled` bytes are rows.
    buffer: Vec<u8>,
    filled: usize,
    rows: usize,
    writer: W,
}

impl<W: Write> RowBuffer<W> {
    pub(crate) fn new(writer: W) -> Self {
        let buffer = vec![0; BUFFER_BYTES + BUFFER_BYTES / 8];
        Self { buffer, filled: 0, rows: 0, writer }
    }

    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).copy_from_slice(bytes);
        self.filled += bytes.len();
    }

    /// A part of a text, from `start` on.
    #[inline]
    pub(crate) fn put_part(&mut self, text: &[u8], start: usize, count: usize) {
        match text[start..].first_chunk() {
            Some(short) if count <= SHORT_BYTES => self.put_start::<SHORT_BYTES>(short, count),
            _ => self.put(&text[start..start + count]),
        }
    }

    #[inline]
    pub(crate) fn put_code(&mut self, code: &Code) {
        self.put_start(code.padded(), code.len());
    }

    #[inline]
    pub(crate) fn blanks(&mut self, count: usize) {
        if count <= BLANKS.len() {
            self.put_start(&BLANKS, count);
        } else {
            self.room(count).fill(b' ');
            self.filled += count;
        }
    }

    /// The first `count` of these bytes. Many a copy is of a few bytes: as an array, whose length is
    /// known wherever this is compiled, they need no call.
    #[inline]
    fn put_start<const N: usize>(&mut self, bytes: &[u8; N], count: usize) {
        if let Some(room) = self.room(N).first_chunk_mut() {
            *room = *bytes;
        }
        self.filled += count;
    }

    /// The next bytes of the buffer, whatever is in them.
    #[inline]
    fn room(&mut self, count: usize) -> &mut [u8] {
        let end = self.filled + count;
        if end > self.buffer.len() {
            self.grow(2 * end);
        }
        &mut self.buffer[self.filled..end]
    }

    #[cold]
    fn grow(&mut self, bytes: usize) {
        self.buffer.resize(bytes, 0);
    }

    pub(crate) fn repeat(&mut self, text: &str, count: usize) {
        (0..count).for_each(|_| self.put(text.as_bytes()));
    }

    /// Ends a row.
    ///
    /// # Errors
    /// Those of the writer, when the buffer is full.
    #[inline]
    pub(crate) fn end_row(&mut self) -> io::Result<()> {
        self.put_start(b"\n", 1);
        self.rows += 1;
        if self.filled >= BUFFER_BYTES { self.hand_on() } else { Ok(()) }
    }

    /// Rows ended so far.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Hands everything on.
    ///
    /// # Errors
    /// Those of the writer.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.writer.flush()
    }

    pub(crate) fn into_writer(self) -> W {
        self.writer
    }

    fn hand_on(&mut self) -> io::Result<()> {
        self.writer.write_all(&self.buffer[..self.filled])?;
        self.filled = 0;
        Ok(())
    }
}

/// As much as a pipe takes at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// Most rows of a text are no longer.
const SHORT_BYTES: usize = 32;

const BLANKS: [u8; 32] = [b' '; 32];
