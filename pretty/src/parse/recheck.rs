//! The moments to find the layers of a log out again: where its lines stop fitting those of its start.

use std::collections::VecDeque;

/// The last of the lines that no layer reads, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Recheck {
    last: VecDeque<Vec<u8>>,
    count: usize,
    /// The number of them at which they are looked at.
    wanted: usize,
}

impl Default for Recheck {
    fn default() -> Self {
        Self { last: VecDeque::new(), count: 0, wanted: LINES }
    }
}

impl Recheck {
    /// Takes a line into account; gives the lines to look at, if it is time.
    pub(super) fn add(&mut self, line: &[u8], is_unread: bool) -> Option<Vec<u8>> {
        if !is_unread {
            if self.count > 0 {
                *self = Self::default();
            }
            return None;
        }
        if self.last.len() == LINES {
            self.last.pop_front();
        }
        self.last.push_back(line[..line.len().min(LINE_BYTES_MAX)].to_vec());
        self.count += 1;
        if self.count < self.wanted {
            return None;
        }
        (self.count, self.wanted) = (0, (2 * self.wanted).min(LINES_BETWEEN_MAX));
        Some(self.last.iter().flat_map(|line| [&**line, b"\n"].concat()).collect())
    }
}

/// Lines that are looked at: more than a banner has.
const LINES: usize = 64;

/// Lines of prose may be many, and looking costs as much as reading a few hundred of them.
const LINES_BETWEEN_MAX: usize = 256;

/// The beginning of a line that tells its layers.
const LINE_BYTES_MAX: usize = 4096;
