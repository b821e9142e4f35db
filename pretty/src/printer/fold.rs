//! Repeats: lines a peer writes again and again, heartbeats above all.
//!
//! A repeat is an event whose topic and text are, but for message ids, those of one of the last
//! few different events of the same peer: so a cycle of several lines folds as well as a single
//! one. Nothing that differs in any other byte is ever folded.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hasher as _};
use std::mem;

use crate::line::Event;

/// The last different events of each peer.
#[derive(Debug, Default)]
pub(super) struct Folds(BTreeMap<Box<[u8]>, Fold>);

/// An event among the last ones of its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folded {
    /// New, right after something new.
    New,
    /// New, after this number of repeats.
    After(usize),
    /// A repeat, not to be shown.
    Repeat,
}

#[derive(Debug, Default)]
struct Fold {
    recent: VecDeque<u64>,
    repeats: usize,
}

impl Folds {
    pub(super) fn take(&mut self, event: &Event<'_>) -> Folded {
        let fold = match self.0.get_mut(&*event.peer) {
            Some(fold) => fold,
            None => self.0.entry((*event.peer).into()).or_default(),
        };
        let signature = signature(event);
        if fold.recent.contains(&signature) {
            fold.repeats += 1;
            return Folded::Repeat;
        }
        if fold.recent.len() == RECENT_MAX {
            fold.recent.pop_front();
        }
        fold.recent.push_back(signature);
        match mem::take(&mut fold.repeats) {
            0 => Folded::New,
            repeats => Folded::After(repeats),
        }
    }

    /// All counts not yet shown; every peer starts again.
    pub(super) fn take_all(&mut self) -> Vec<(Box<[u8]>, usize)> {
        let folds = mem::take(&mut self.0).into_iter();
        folds.map(|(peer, fold)| (peer, fold.repeats)).filter(|(_, repeats)| *repeats > 0).collect()
    }
}

fn signature(event: &Event<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(&event.topic);
    hasher.write_u8(0);
    for word in event.text.split(|byte| *byte == b' ') {
        let is_id = word
            .strip_prefix(b"id=")
            .is_some_and(|id| id.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'));
        hasher.write(if is_id { b"id=" } else { word });
        hasher.write_u8(b' ');
    }
    hasher.finish()
}

/// The lines of a heartbeat with a handful of peers, on the leader's side.
const RECENT_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_message_ids_may_differ() {
        let mut folds = Folds::default();
        let mut take = |text: &str| {
            let text = text.as_bytes().into();
            let (topic, peer) = (b"RPC".into(), b"0".into());
            folds.take(&Event { topic, peer, text, ..Event::default() })
        };
        assert_eq!(take("sends x to=1 id=0.7"), Folded::New);
        assert_eq!(take("sends x to=1 id=0.8"), Folded::Repeat);
        assert_eq!(take("sends x to=1 id=9"), Folded::Repeat);
        assert_eq!(take("sends x to=2 id=0.9"), Folded::After(2));
        assert_eq!(take("sends x to=1 id=a"), Folded::New);
    }
}
