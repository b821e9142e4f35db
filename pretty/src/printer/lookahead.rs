//! Lines held back until the first layout.

/// A few lines, end to end.
#[derive(Debug, Default)]
pub(super) struct Lookahead {
    bytes: Vec<u8>,
    /// The source of each line, and its end.
    ends: Vec<(usize, usize)>,
}

impl Lookahead {
    pub(super) fn push(&mut self, source: usize, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push((source, self.bytes.len()));
    }

    /// The lines, each with its source.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        starts.zip(&self.ends).map(|(start, (source, end))| (*source, &self.bytes[start..*end]))
    }

    /// The lines, each with its line end.
    pub(super) fn sample(&self) -> Vec<u8> {
        self.lines().flat_map(|(_, line)| [line, b"\n"]).flatten().copied().collect()
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
