//! Lines held back until the first layout.

/// A few lines, end to end.
#[derive(Debug, Default)]
pub(super) struct Lookahead {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Lookahead {
    pub(super) fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.ends.len() >= LINES_MAX || self.bytes.len() >= BYTES_MAX
    }
}

/// Enough for a line of every peer of a cluster.
const LINES_MAX: usize = 512;
const BYTES_MAX: usize = 64 * 1024;
