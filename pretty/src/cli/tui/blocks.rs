//! A log → blocks of whole lines, for a number of threads to index.

use std::io::{self, Read};

use crate::view::{Part, Source};

/// Cuts a plain file into blocks, without reading more of it than their ends.
#[derive(Debug)]
pub(super) struct Blocks {
    source: Source,
    next: u64,
    buffer: Vec<u8>,
}

impl Blocks {
    /// The blocks of a file from its start on.
    pub(super) fn new(source: Source) -> Self {
        Self { source, next: 0, buffer: Vec::new() }
    }

    /// Where the next block starts.
    pub(super) fn next_start(&self) -> u64 {
        self.next
    }

    /// The next block of about `wanted` bytes in a file that ends at `end`. What follows the last
    /// line end belongs to no block; a line longer than a block is cut.
    ///
    /// # Errors
    /// Those of the file.
    pub(super) fn next(&mut self, wanted: usize, end: u64) -> io::Result<Option<Part>> {
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
    pub(super) fn rest(&mut self, end: u64) -> Option<Part> {
        (self.next < end).then(|| self.take(end))
    }

    fn take(&mut self, end: u64) -> Part {
        let start = std::mem::replace(&mut self.next, end);
        Part { start, length: usize::try_from(end - start).unwrap_or(usize::MAX) }
    }
}

/// The end of a block is looked for in pieces of this size: many lines, few bytes.
const TAIL_BYTES: u64 = 16 * 1024;

/// Reads a stream in blocks of whole lines.
#[derive(Debug, Default)]
pub(super) struct StreamBlocks {
    rest: Vec<u8>,
}

/// When a block of a stream is large enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enough {
    /// As soon as there is a line: the stream may pause.
    Lines,
    /// When it has as many bytes as wanted: the stream never pauses.
    Full,
}

/// Whether a stream has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Yes,
    No,
}

impl StreamBlocks {
    /// Reads a block of about `wanted` bytes; what follows its last line end waits for the next
    /// one. A line longer than a block is cut.
    ///
    /// # Errors
    /// Those of the reader.
    pub(super) fn next(
        &mut self,
        reader: &mut impl Read,
        wanted: usize,
        enough: Enough,
    ) -> io::Result<(Vec<u8>, Ended)> {
        let mut block = std::mem::take(&mut self.rest);
        // Without a line end so far.
        let mut searched = 0;
        loop {
            let filled = block.len();
            block.resize(filled + READ_BYTES, 0);
            let count = match reader.read(&mut block[filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
                read => Some(read?),
            };
            block.truncate(filled + count.unwrap_or(0));
            if count == Some(0) {
                return Ok((block, Ended::Yes));
            }
            if enough == Enough::Full && block.len() < wanted {
                continue;
            }
            if let Some(end) = memchr::memrchr(b'\n', &block[searched..]) {
                self.rest = block.split_off(searched + end + 1);
                return Ok((block, Ended::No));
            }
            searched = block.len();
            if block.len() >= LINE_BYTES_MAX {
                return Ok((block, Ended::No));
            }
        }
    }
}

/// As much as a pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// A longer line is cut, so that memory stays within bounds whatever comes.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

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

    #[test]
    fn streams_are_cut_at_lines_too() {
        let log = b"one\ntwo\nthree\nfour\nlast".to_vec();
        for (step, enough) in (1..30).flat_map(|step| [(step, Enough::Lines), (step, Enough::Full)])
        {
            let mut pieces = log.chunks(step).map(<[u8]>::to_vec);
            let mut reader = Pieces(&mut pieces);
            let (mut stream, mut all) = (StreamBlocks::default(), Vec::new());
            let mut ended = Ended::No;
            while ended == Ended::No {
                let (block, end) = stream.next(&mut reader, 8, enough).unwrap();
                assert!(end == Ended::Yes || block.ends_with(b"\n"), "{step}: {block:?}");
                all.extend_from_slice(&block);
                ended = end;
            }
            assert_eq!(all, log, "{step}");
        }
    }

    /// Gives one piece for each call, as a pipe does.
    struct Pieces<'a>(&'a mut dyn Iterator<Item = Vec<u8>>);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let piece = self.0.next().unwrap_or_default();
            buffer[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }
}
