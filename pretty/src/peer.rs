//! The peers of a log, in the order of their columns.

use std::cmp::Ordering;

use crate::line::Event;
use crate::name_hash::NameMap;

/// Peers seen so far.
///
/// Invariant: [`Event::NO_PEER`] is never among them; its lines concern no single column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peers {
    names: Vec<Box<[u8]>>,
    ids: NameMap<usize>,
    /// For each peer in `names` its column; filled by [`Peers::arrange`].
    columns: Vec<usize>,
}

/// The result of adding a name or a width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Known,
    New,
}

impl Peers {
    /// Remembers a name. Beyond [`PEERS_MAX`] names are not remembered: so many never get
    /// columns, and a log may hold any number.
    pub(crate) fn insert(&mut self, name: &[u8]) -> Seen {
        if name == Event::NO_PEER || self.ids.contains_key(name) || self.names.len() >= PEERS_MAX {
            return Seen::Known;
        }
        self.ids.insert(name.into(), self.names.len());
        self.names.push(name.into());
        Seen::New
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Gives every peer a column, in natural order, and returns their names in that order.
    pub(crate) fn arrange(&mut self) -> Vec<&[u8]> {
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_by(|a, b| natural(&self.names[*a], &self.names[*b]));
        self.columns = vec![0; order.len()];
        for (column, id) in order.iter().enumerate() {
            self.columns[*id] = column;
        }
        order.into_iter().map(|id| &*self.names[id]).collect()
    }

    /// The column of a peer since the last [`Peers::arrange`].
    pub(crate) fn column(&self, name: &[u8]) -> Option<usize> {
        let id = *self.ids.get(name)?;
        self.columns.get(id).copied()
    }
}

/// The number at the end of a name.
#[cfg(feature = "view")]
pub(crate) fn trailing_number(name: &[u8]) -> Option<u64> {
    split_number(name).1
}

/// A name before the number at its end, and that number.
fn split_number(name: &[u8]) -> (&[u8], Option<u64>) {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (word, number) = name.split_at(name.len() - digits);
    (word, std::str::from_utf8(number).ok().and_then(|text| text.parse().ok()))
}

/// Numbers before words, `C2` before `C10`.
pub(crate) fn natural(a: &[u8], b: &[u8]) -> Ordering {
    split_number(a).cmp(&split_number(b)).then_with(|| a.cmp(b))
}

const PEERS_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_in_natural_order() {
        let mut peers = Peers::default();
        for name in ["10", "C10", "2", "C2", "-", "-1", "2"] {
            peers.insert(name.as_bytes());
        }
        assert_eq!(peers.arrange(), [&b"2"[..], b"10", b"-1", b"C2", b"C10"]);
        assert_eq!(peers.column(b"C2"), Some(3));
        assert_eq!(peers.column(b"-"), None);
        assert_eq!(peers.insert(b"3"), Seen::New);
        assert_eq!(peers.column(b"3"), None);
    }
}
