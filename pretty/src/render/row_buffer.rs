//! One buffer between rows and the writer behind them.

use std::io::{self, Write};

/// Collects rows and writes them in large pieces, or when flushed.
#[derive(Debug)]
pub(crate) struct RowBuffer<W> {
    buffer: Vec<u8>,
    rows: usize,
    writer: W,
}

impl<W: Write> RowBuffer<W> {
    pub(crate) fn new(writer: W) -> Self {
        Self { buffer: Vec::with_capacity(BUFFER_BYTES + BUFFER_BYTES / 8), rows: 0, writer }
    }

    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    #[inline]
    pub(crate) fn blanks(&mut self, count: usize) {
        self.buffer.resize(self.buffer.len() + count, b' ');
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
        self.buffer.push(b'\n');
        self.rows += 1;
        if self.buffer.len() >= BUFFER_BYTES { self.hand_on() } else { Ok(()) }
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
        self.writer.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// As much as a pipe takes at once.
const BUFFER_BYTES: usize = 64 * 1024;
