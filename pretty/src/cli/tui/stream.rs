//! A stream → blocks of whole lines, as they come.

use std::io::{self, Read};

/// Reads a stream in blocks of whole lines.
#[derive(Debug, Default)]
pub(super) struct StreamBlocks {
    rest: Vec<u8>,
}

/// The size at which a block of a stream is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FillPolicy {
    /// As soon as there is a line: the stream may pause.
    Lines,
    /// With as many bytes as asked for: the stream never pauses.
    Full,
}

/// The end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndOfStream {
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
        fill: FillPolicy,
    ) -> io::Result<(Vec<u8>, EndOfStream)> {
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
                return Ok((block, EndOfStream::Yes));
            }
            if fill == FillPolicy::Full && block.len() < wanted {
                continue;
            }
            if let Some(end) = memchr::memrchr(b'\n', &block[searched..]) {
                self.rest = block.split_off(searched + end + 1);
                return Ok((block, EndOfStream::No));
            }
            searched = block.len();
            if block.len() >= LINE_BYTES_MAX {
                return Ok((block, EndOfStream::No));
            }
        }
    }
}

/// As much as a pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// A longer line is cut, so that memory stays within bounds.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_cut_at_lines_too() {
        let log = b"one\ntwo\nthree\nfour\nlast".to_vec();
        for (step, fill) in
            (1..30).flat_map(|step| [(step, FillPolicy::Lines), (step, FillPolicy::Full)])
        {
            let mut pieces = log.chunks(step).map(<[u8]>::to_vec);
            let mut reader = Pieces(&mut pieces);
            let (mut stream, mut all) = (StreamBlocks::default(), Vec::new());
            let mut ended = EndOfStream::No;
            while ended == EndOfStream::No {
                let (block, end) = stream.next(&mut reader, 8, fill).unwrap();
                assert!(end == EndOfStream::Yes || block.ends_with(b"\n"), "{step}: {block:?}");
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
