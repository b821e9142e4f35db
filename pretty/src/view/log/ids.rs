//! Names of topics and peers as small numbers.

use std::collections::HashMap;

use crate::text::safe_text;

/// A topic, by its place among the names of a chunk or store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TopicId(pub(crate) u16);

/// A peer, likewise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PeerId(pub(crate) u16);

/// Names and their numbers, in order of appearance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    ids: HashMap<Box<[u8]>, u16>,
    names: Vec<Box<[u8]>>,
}

impl Names {
    /// The number of a name. The last number stands for all names there is no number for: a log
    /// with so many needs no distinction between the rest.
    pub(crate) fn id(&mut self, name: &[u8]) -> u16 {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        if self.names.len() == NAMES_MAX {
            return u16::try_from(NAMES_MAX - 1).unwrap_or(u16::MAX);
        }
        let id = u16::try_from(self.names.len()).unwrap_or(u16::MAX);
        self.ids.insert(name.into(), id);
        self.names.push(name.into());
        id
    }

    pub(crate) fn all(&self) -> &[Box<[u8]>] {
        &self.names
    }

    pub(crate) fn name(&self, id: u16) -> &[u8] {
        &self.names[usize::from(id)]
    }

    pub(crate) fn safe_name(&self, id: u16) -> String {
        safe_text(self.name(id))
    }
}

/// The number of distinct names.
const NAMES_MAX: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_names_than_numbers_share_the_last_one() {
        let mut names = Names::default();
        let ids: Vec<_> =
            (0..70_000).map(|name: u32| names.id(name.to_string().as_bytes())).collect();
        assert_eq!((ids[0], ids[1], ids[65_535], ids[69_999]), (0, 1, 65_535, 65_535));
        assert_eq!(names.id(b"1"), 1);
        assert_eq!((names.name(65_535), names.all().len()), (&b"65535"[..], 65_536));
    }
}
