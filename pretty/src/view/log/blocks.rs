//! A log in a file → parts of whole lines, for a number of threads to index.

use std::io;

use crate::view::log::source::{Part, Source};

/// Cuts a plain file into blocks, without reading more of it than their ends.
#[derive(Debug)]
pub(crate) struct Blocks {
    source: Source,
    next: u64,
    buffer: Vec<u8>,
}

impl Blocks {
    /// The blocks of a file from its start on.
    pub(crate) fn new(source: Source) -> Self {
        Self { source, next: 0, buffer: Vec::new() }
    }

    /// The start of the next block.
    #[cfg(feature = "cli")]
    pub(crate) fn next_start(&self) -> u64 {
        self.next
    }

    /// The next block of about `wanted` bytes in a file that ends at `end`. Bytes after the last
    /// line end belongs to no block; a line longer than a block is cut.
    ///
    /// # Errors
    /// Those of the file.
    pub(crate) fn next(&mut self, wanted: usize, end: u64) -> io::Result<Option<Part>> {
        let limit = end.min(self.next + wanted as u64);
        let mut from = limit;
        while from > self.next {
            let to = from;
            from = to.saturating_sub(TAIL_BYTES).max(self.next);
            let length = usize::try_from(to - from).unwrap_or(0);
            self.source.read(Part { start: from, length }, &mut self.buffer)?;
            if let Some(at) = memchr::memrchr(b'\n', &self.buffer) {
                return Ok(Some(self.take(from + at as u64 + 1)));
            }
        }
        Ok((limit < end).then(|| self.take(limit)))
    }

    /// The block of what is left, up to `end`: a line without its end.
    pub(crate) fn rest(&mut self, end: u64) -> Option<Part> {
        (self.next < end).then(|| self.take(end))
    }

    fn take(&mut self, end: u64) -> Part {
        let start = std::mem::replace(&mut self.next, end);
        Part { start, length: usize::try_from(end - start).unwrap_or(usize::MAX) }
    }
}

/// The end of a block is looked for in pieces of this size: many lines, few bytes.
const TAIL_BYTES: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(bytes: &[u8]) -> Source {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Source::new(file)
    }

    /// The blocks of a file, whole.
    fn blocks(bytes: &[u8], wanted: usize) -> Vec<Vec<u8>> {
        let mut blocks = Blocks::new(file(bytes));
        let end = bytes.len() as u64;
        let mut found = Vec::new();
        while let Some(block) = blocks.next(wanted, end).unwrap().or_else(|| blocks.rest(end)) {
            let start = usize::try_from(block.start).unwrap();
            found.push(bytes[start..start + block.length].to_vec());
        }
        found
    }

    #[test]
    fn blocks_end_with_lines() {
        let log = b"one\ntwo\nthree\nfour\nlast";
        for wanted in 6..40 {
            let found = blocks(log, wanted);
            assert_eq!(found.concat(), log);
            let (last, whole) = found.split_last().unwrap();
            assert!(whole.iter().all(|block| block.ends_with(b"\n")), "{wanted}: {found:?}");
            assert_eq!(last, b"last");
        }
        assert!(blocks(b"", 10).is_empty());
    }

    #[test]
    fn a_line_longer_than_a_block_is_cut() {
        let log = [vec![b'x'; 100_000], b"\nnext\n".to_vec()].concat();
        let found = blocks(&log, 30_000);
        assert!(found.concat() == log && found.len() == 4, "{}", found.len());
    }
}
