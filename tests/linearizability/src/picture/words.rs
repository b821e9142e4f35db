//! Words of the pictures, in a terminal and on a page.

use crate::explain::PartialOrder;
use crate::history::{Counts, Record};
use crate::model::Model;

/// A number with its word.
pub(super) fn several(count: usize, word: &str) -> String {
    format!("{count} {word}{}", plural(count))
}

/// The end of a word for so many.
pub(super) const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The sentence on the calls that have no order by themselves, and on how they are drawn.
pub(super) fn core(count: usize, drawn: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("The call {drawn} has no order by itself.")),
        _ => Some(format!("The {count} calls {drawn} have no order by themselves.")),
    }
}

/// The verdict on all keys.
pub(super) const fn verdict(counts: Counts) -> &'static str {
    match counts {
        Counts { illegal: 1.., .. } => "not linearizable",
        Counts { unknown: 1.., .. } => "unknown",
        Counts { .. } => "linearizable",
    }
}

/// A step of an order: a call, and the state after it.
pub(super) struct Row {
    /// The place of the call in the history, unless this is the state before the first one.
    pub(super) place: Option<usize>,
    pub(super) number: String,
    pub(super) client: String,
    pub(super) call: String,
    pub(super) after: String,
}

/// The last steps of an order, with the state before them, and the call that cannot follow.
pub(super) fn rows<M: Model>(
    model: &M,
    records: &[Record<M::Call>],
    order: &PartialOrder<M::State>,
    culprit: Option<usize>,
    most: usize,
) -> Vec<Row> {
    let first = order.len().saturating_sub(most);
    let row = |place: usize, number: String, after: String| Row {
        place: Some(place),
        number,
        client: records[place].client.clone(),
        call: model.describe_call(&records[place].timed.call),
        after,
    };
    let before = Row {
        place: None,
        number: String::new(),
        client: String::new(),
        call: match first {
            0 => "at the beginning".to_owned(),
            count => format!("after {}", several(count, "call")),
        },
        after: end(model, &order[..first]),
    };
    let steps = (1..).zip(order).skip(first);
    let steps = steps.map(|(number, (place, state))| {
        row(*place, format!("{number}"), model.describe_state(state))
    });
    let last = culprit.map(|place| row(place, CULPRIT.to_string(), "cannot be next".to_owned()));
    [before].into_iter().chain(steps).chain(last).collect()
}

/// The state at the end of an order.
pub(super) fn end<M: Model>(model: &M, order: &[(usize, M::State)]) -> String {
    match order.last() {
        Some((_, state)) => model.describe_state(state),
        None => model.describe_state(&model.start()),
    }
}

pub(super) const CULPRIT: char = '✗';
