//! Folding: lines a peer writes again and again become one line with a count.
//!
//! A line is a repeat if, but for its numbers, it is one of the last few different lines of its
//! peer; so a cycle of several lines, such as a heartbeat, folds as well. Lines of note end it:
//! nothing is folded across a change of term or role, an error, or a line that is not an event.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hasher as _};
use std::ops::Range;

use crate::line::{Event, Line};
use crate::meaning::topics::NEVER_FOLDED;
use crate::view::log::bitmap::Bitmap;
use crate::view::log::ids::PeerId;
use crate::view::log::store::Store;

/// Folded lines and their counts.
#[derive(Debug, Default)]
pub(crate) struct Folding {
    /// Lines that are repeats of others.
    pub(crate) folded: Bitmap,
    /// The first line that has not been looked at.
    next: usize,
    buffer: Vec<u8>,
    recent: HashMap<PeerId, VecDeque<(u64, u32)>>,
    /// The number of times each line with repeats occurs.
    times: HashMap<u32, u32>,
}

impl Folding {
    /// Looks at some more of those lines that pass the filters; returns which, or `None` if none
    /// are left.
    pub(crate) fn step(
        &mut self,
        store: &Store,
        passes: impl Fn(usize) -> bool,
    ) -> Option<Range<usize>> {
        let first = self.next;
        if first >= store.len() {
            return None;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let after =
            store.each_wanted(first, STEP_BYTES, &mut buffer, passes, |line, read| {
                match (store.kind(line).event(), read, u32::try_from(line)) {
                    (Some((_, peer)), Line::Event(event), Ok(number)) => {
                        if self.is_repeat(number, peer, event) {
                            self.folded.insert(line);
                        }
                    }
                    _ => self.interrupt(),
                }
            });
        self.buffer = buffer;
        self.next = store.first_line(after);
        Some(first..self.next)
    }

    /// Tells whether an event is a repeat, and counts it if so.
    fn is_repeat(&mut self, line: u32, peer: PeerId, event: &Event<'_>) -> bool {
        let recent = self.recent.entry(peer).or_default();
        if NEVER_FOLDED.contains(&&*event.topic) {
            recent.clear();
            return false;
        }
        let signature = signature(event);
        if let Some((_, first)) = recent.iter().find(|(own, _)| *own == signature) {
            *self.times.entry(*first).or_insert(1) += 1;
            return true;
        }
        if recent.len() == RECENT_MAX {
            recent.pop_front();
        }
        recent.push_back((signature, line));
        false
    }

    /// A line that is not an event: every peer starts again.
    fn interrupt(&mut self) {
        self.recent.clear();
    }

    /// The number of times a line occurs, if more than once.
    pub(crate) fn times(&self, line: usize) -> Option<u32> {
        self.times.get(&u32::try_from(line).ok()?).copied()
    }
}

fn signature(event: &Event<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(&event.topic);
    for part in event.text.split(u8::is_ascii_digit) {
        if !part.is_empty() {
            hasher.write(part);
            hasher.write_u8(0);
        }
    }
    hasher.finish()
}

/// A few milliseconds' work.
const STEP_BYTES: usize = 512 * 1024;

/// The lines of a heartbeat with a handful of peers, on the leader's side.
const RECENT_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(lines: &[(&str, &str)]) -> (Vec<bool>, Folding) {
        let mut folding = Folding::default();
        let repeats = lines.iter().enumerate().map(|(line, (topic, text))| {
            let event = Event {
                topic: topic.as_bytes().into(),
                peer: b"0".into(),
                text: text.as_bytes().into(),
                ..Event::default()
            };
            folding.is_repeat(u32::try_from(line).expect("few"), PeerId(0), &event)
        });
        (repeats.collect(), folding)
    }

    #[test]
    fn cycles_fold_and_new_lines_do_not() {
        let (repeats, folding) = folded(&[
            ("RPC", "sends to 1 id=1"),
            ("RPC", "hears from 1 id=7"),
            ("RPC", "sends to 2 id=22"),
            ("RPC", "hears from 1 id=9"),
            ("RPC", "sends to 1 id=3"),
            ("TERM", "goes from 1 to 2"),
            ("RPC", "sends to 1 id=4"),
        ]);
        assert_eq!(repeats, [false, false, true, true, true, false, false]);
        assert_eq!((folding.times(0), folding.times(1)), (Some(3), Some(2)));
        assert_eq!(folding.times(6), None);
    }
}
