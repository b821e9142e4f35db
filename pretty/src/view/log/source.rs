//! The bytes of a log: in memory, or in a file of which only what is looked at is read.
//!
//! Nothing here trusts a file to stay as it was. One that has been truncated gives fewer bytes than
//! the index has; lines that are gone are shown as such.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// An open file with a log in it.
#[derive(Clone, Debug)]
pub struct Source(Arc<File>);

impl Source {
    /// A log in a plain file, which may grow meanwhile.
    #[must_use]
    pub fn new(file: File) -> Self {
        Self(Arc::new(file))
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.0
    }

    /// Reads a part of the file into `buffer`, whose content is replaced; fewer bytes if the file
    /// ends before.
    ///
    /// # Errors
    /// Those of the file.
    pub fn read(&self, part: Part, buffer: &mut Vec<u8>) -> io::Result<()> {
        let Part { start, length } = part;
        // Zeroing only what was never there keeps a reused buffer free of charge.
        buffer.resize(length, 0);
        let mut filled = 0;
        while filled < length {
            match self.0.read_at(&mut buffer[filled..], start + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        buffer.truncate(filled);
        Ok(())
    }
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its start, in bytes.
    pub start: u64,
    /// Its length in bytes.
    pub length: usize,
}

/// The bytes of a chunk.
#[derive(Clone, Debug)]
pub(crate) enum Bytes {
    Memory(Vec<u8>),
    File { source: Source, part: Part },
}

impl Bytes {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::File { part, .. } => part.length,
        }
    }

    /// Reads a part into `buffer`; bytes that are no longer there are missing from its end.
    pub(crate) fn read(&self, part: Range<usize>, buffer: &mut Vec<u8>) {
        match self {
            Self::Memory(bytes) => {
                buffer.clear();
                buffer.extend_from_slice(&bytes[part]);
            }
            Self::File { source, part: own } => {
                let part = Part { start: own.start + part.start as u64, length: part.len() };
                if source.read(part, buffer).is_err() {
                    buffer.clear();
                }
            }
        }
    }

    /// Tells whether others follow these without a gap.
    pub(crate) fn is_followed_by(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Memory(_), Self::Memory(_)) => true,
            (Self::File { source, part }, Self::File { source: next, part: more }) => {
                Arc::ptr_eq(&source.0, &next.0) && part.start + part.length as u64 == more.start
            }
            (Self::Memory(_) | Self::File { .. }, _) => false,
        }
    }

    /// Takes over the bytes that follow these.
    pub(crate) fn join(&mut self, next: &Self) {
        debug_assert!(self.is_followed_by(next), "{self:?} {next:?}");
        match (self, next) {
            (Self::Memory(own), Self::Memory(next)) => own.extend_from_slice(next),
            (Self::File { part, .. }, _) => part.length += next.len(),
            (Self::Memory(_), Self::File { .. }) => {}
        }
    }
}

/// A few lines, read.
#[derive(Debug)]
pub(crate) struct Group {
    bytes: Vec<u8>,
    /// The start and end of each line, its line end left out.
    ends: Vec<(usize, usize)>,
    lines: usize,
}

impl Group {
    /// The group of `lines` lines in `bytes`.
    pub(crate) fn new(bytes: Vec<u8>, lines: usize) -> Self {
        let mut start = 0;
        let mut ends = Vec::with_capacity(lines);
        for end in memchr::memchr_iter(b'\n', &bytes) {
            ends.push((start, end));
            start = end + 1;
        }
        if start < bytes.len() {
            ends.push((start, bytes.len()));
        }
        Self { bytes, ends, lines }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// A line, without its line end.
    pub(crate) fn line(&self, at: usize) -> &[u8] {
        debug_assert!(at < self.lines, "{at} of {}", self.lines);
        let Some((start, end)) = self.ends.get(at) else {
            return MISSING_LINE;
        };
        without_return(&self.bytes[*start..*end])
    }
}

/// A line as it stands in the log, for as long as it is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    group: Arc<Group>,
    at: usize,
}

impl Text {
    pub(crate) fn new(group: Arc<Group>, at: usize) -> Self {
        Self { group, at }
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.group.line(self.at)
    }
}

pub(crate) fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The text in place of a line that is no longer in its file.
pub(crate) const MISSING_LINE: &[u8] = b"[no longer in the file]";
