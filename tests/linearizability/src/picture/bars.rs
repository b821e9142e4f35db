//! Lanes of bars: the calls of each client, those that overlap in lanes of their own.

use std::collections::BTreeMap;

use crate::history::Record;

/// A lane of calls that do not overlap.
pub(super) struct Lane<'a> {
    pub(super) client: &'a str,
    /// The places of its calls, in the order of their times.
    pub(super) calls: Vec<usize>,
}

/// The lanes of these calls: by client, numbers in their order.
pub(super) fn lanes<C>(
    records: &[Record<C>],
    calls: impl IntoIterator<Item = usize>,
) -> Vec<Lane<'_>> {
    let mut clients: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
    for place in calls {
        let client = records[place].client.as_str();
        clients.entry((client.len(), client)).or_default().push(place);
    }
    let mut lanes = Vec::new();
    for ((_, client), mut calls) in clients {
        calls.sort_by_key(|place| (records[*place].timed.called(), *place));
        let mut own: Vec<Lane<'_>> = Vec::new();
        for place in calls {
            let called = records[place].timed.called();
            let is_free = |lane: &&mut Lane<'_>| {
                lane.calls.last().is_none_or(|last| records[*last].timed.end() < called)
            };
            match own.iter_mut().find(is_free) {
                Some(lane) => lane.calls.push(place),
                None => own.push(Lane { client, calls: vec![place] }),
            }
        }
        lanes.extend(own);
    }
    lanes
}
