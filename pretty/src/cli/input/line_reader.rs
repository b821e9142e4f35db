//! Bytes of a stream → lines, without copying them more than once.

use std::io::{self, Read};
use std::ops::Range;

/// The result of reading more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    Some,
    End,
}

/// The unread part of a stream, cut into lines.
///
/// Invariant: `done <= searched <= filled <= buffer.len()`, and no line end lies in
/// `done..searched`.
#[derive(Debug)]
pub(crate) struct LineReader {
    buffer: Vec<u8>,
    done: usize,
    searched: usize,
    filled: usize,
}

impl LineReader {
    pub(crate) fn new() -> Self {
        Self { buffer: vec![0; READ_BYTES], done: 0, searched: 0, filled: 0 }
    }

    /// Reads once; blocks if nothing is there.
    ///
    /// # Errors
    /// Those of the reader.
    pub(crate) fn fill(&mut self, reader: &mut impl Read) -> io::Result<Fill> {
        self.make_room();
        loop {
            match reader.read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Ok(Fill::End),
                Ok(count) => {
                    self.filled += count;
                    return Ok(Fill::Some);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next whole line, without its line end (`\n` or `\r\n`). A line of more than
    /// [`LINE_BYTES_MAX`] comes in pieces.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<&[u8]> {
        let found = memchr::memchr(b'\n', &self.buffer[self.searched..self.filled]);
        if let Some(at) = found {
            let end = self.searched + at;
            let line = self.done..end;
            self.done = end + 1;
            self.searched = self.done;
            return Some(self.without_return(line));
        }
        self.searched = self.filled;
        if self.filled - self.done >= LINE_BYTES_MAX { self.rest() } else { None }
    }

    /// All that has been read and not taken.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.buffer[self.done..self.filled]
    }

    /// The bytes after the last line end.
    pub(crate) fn rest(&mut self) -> Option<&[u8]> {
        let rest = self.done..self.filled;
        self.done = self.filled;
        self.searched = self.filled;
        (!rest.is_empty()).then(|| &self.buffer[rest])
    }

    fn without_return(&self, line: Range<usize>) -> &[u8] {
        let line = &self.buffer[line];
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// Moves the unread part to the front, and grows the buffer if it is full nevertheless.
    fn make_room(&mut self) {
        self.buffer.copy_within(self.done..self.filled, 0);
        self.filled -= self.done;
        self.searched -= self.done;
        self.done = 0;
        if self.filled == self.buffer.len() {
            self.buffer.resize(2 * self.filled, 0);
        }
    }
}

const READ_BYTES: usize = 64 * 1024;

/// The longest line that is kept whole. Memory stays within a few times of it.
const LINE_BYTES_MAX: usize = 2 * 1024 * 1024;

const _: () = assert!(READ_BYTES < LINE_BYTES_MAX);

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything from a reader that gives `step` bytes at a time.
    fn lines_of(input: &[u8], step: usize) -> Vec<Vec<u8>> {
        let mut lines = LineReader::new();
        let mut found = Vec::new();
        for mut chunk in input.chunks(step) {
            while !chunk.is_empty() {
                assert_eq!(lines.fill(&mut chunk).unwrap(), Fill::Some);
                while let Some(line) = lines.next() {
                    found.push(line.to_vec());
                }
            }
        }
        assert_eq!(lines.fill(&mut io::empty()).unwrap(), Fill::End);
        found.extend(lines.rest().map(<[u8]>::to_vec));
        found
    }

    #[test]
    fn line_ends_of_all_kinds() {
        for step in 1..10 {
            let found = lines_of(b"a\n\nbc\r\n\r\nd\rd\nlast", step);
            assert_eq!(found, [&b"a"[..], b"", b"bc", b"", b"d\rd", b"last"], "{step}");
        }
        assert!(lines_of(b"", 1).is_empty());
    }

    #[test]
    fn a_megabyte_is_one_line() {
        let long = vec![b'x'; 1024 * 1024];
        let found = lines_of(&[&long, &b"\nnext"[..]].concat(), 60_000);
        assert!(found == [&long[..], b"next"], "{:?}", found.iter().map(Vec::len));
    }

    #[test]
    fn more_than_the_limit_comes_in_pieces() {
        let long = vec![b'x'; 3 * LINE_BYTES_MAX];
        let found = lines_of(&long, 64 * 1024);
        assert!(found.len() > 1);
        assert!(found.concat() == long);
    }
}
