//! Frames of a log file, read one after the other.

use std::io;

use super::format::{self, Frame, HEADER};
use crate::storage::directory::ReadableFile;

/// A position in a log file.
pub(super) struct FrameReader {
    file: Box<dyn ReadableFile>,
    seed: u64,
    /// The file's length when it was opened.
    length: u64,
    /// The byte of the next frame.
    at: u64,
    /// Bytes that have been read, from `at` on after the first `used`.
    bytes: Vec<u8>,
    used: usize,
}

/// Bytes read at once, unless a frame is longer: few at first, as one frame may be enough, then twice as
/// many as before.
const READ_BYTES: [usize; 2] = [4 << 10, 256 << 10];

impl FrameReader {
    /// Reads frames from this byte on.
    pub(super) fn new(mut file: Box<dyn ReadableFile>, at: u64, seed: u64) -> io::Result<Self> {
        let length = file.len()?;
        Ok(Self { file, seed, length, at, bytes: Vec::new(), used: 0 })
    }

    /// The byte of the next frame.
    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    /// The next frame; none if the bytes there are not a valid one.
    pub(super) fn next(&mut self) -> io::Result<Option<Frame<'_>>> {
        self.fill(HEADER)?;
        let Some(len) = format::frame_len(&self.bytes[self.used..], self.seed) else {
            return Ok(None);
        };
        self.fill(len)?;
        let start = self.used;
        let frame = format::frame(&self.bytes[start..], self.seed);
        if frame.is_some() {
            self.at += len as u64;
            self.used += len;
        }
        Ok(frame)
    }

    /// Returns whether only zeros follow.
    pub(super) fn is_empty_after(&mut self) -> io::Result<bool> {
        loop {
            self.fill(1)?;
            let rest = &self.bytes[self.used..];
            if rest.is_empty() {
                return Ok(true);
            }
            if rest.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            self.at += rest.len() as u64;
            self.used = self.bytes.len();
        }
    }

    /// Reads at least so many bytes from `at` on, if the file has them.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        let held = self.bytes.len() - self.used;
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        if held >= wanted || left < wanted {
            return Ok(());
        }
        let [least, most] = READ_BYTES;
        let amount = (self.bytes.len() * 2).clamp(least, most);
        self.bytes.drain(..self.used);
        self.used = 0;
        self.bytes.resize(wanted.max(amount).min(left), 0);
        self.file.read_at(self.at + held as u64, &mut self.bytes[held..])
    }
}
