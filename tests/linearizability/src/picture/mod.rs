//! Pictures of histories: calls as bars by client and key, the order that goes furthest, and the call
//! at which it ends.

mod bars;
mod escape;
mod html;
mod text;
mod words;

use std::collections::BTreeSet;

use crate::explain::Explanation;
use crate::history::Record;

pub use self::escape::plain;
pub use self::html::html;
pub use self::text::{key_text, text};

/// The calls of a key that show why it has no order: those that have none by themselves, those that
/// overlap the culprit, and the latest before it.
fn telling<C, S>(
    records: &[Record<C>],
    explanation: &Explanation<S>,
    most: usize,
) -> BTreeSet<usize> {
    let Explanation { culprit, core, .. } = explanation;
    let (begin, end) = (records[*culprit].timed.called(), records[*culprit].timed.end());
    let mut chosen: BTreeSet<usize> = core.iter().copied().chain([*culprit]).collect();
    let mut others: Vec<usize> =
        (0..records.len()).filter(|place| records[*place].timed.called() <= end).collect();
    others.sort_by_key(|place| {
        let timed = &records[*place].timed;
        let overlaps = timed.end() >= begin;
        std::cmp::Reverse((overlaps && timed.returned().is_some(), timed.end().min(end), *place))
    });
    for place in others {
        if chosen.len() >= most {
            break;
        }
        chosen.insert(place);
    }
    chosen
}
