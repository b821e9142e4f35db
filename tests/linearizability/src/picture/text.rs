//! Pictures for a terminal.

use std::collections::BTreeMap;

use super::bars::lanes;
use super::escape::{columns, cut, fit, plain};
use super::telling;
use super::words::{self, CULPRIT, Row, end, plural, several};
use crate::check::Verdict;
use crate::explain::{Explanation, PartialOrder};
use crate::history::{Counts, History, KeyVerdict, Record};
use crate::model::Model;

/// The pictures of all keys without an order, and how many keys there are of each verdict.
pub fn text<M: Model>(
    model: &M,
    history: &History<M::Call>,
    verdicts: &[KeyVerdict<M::State>],
    width: usize,
) -> String {
    let counts = Counts::of(verdicts.iter().map(|own| &own.verdict));
    let mut text = format!("{}\n", summary(history, counts));
    let illegal =
        history.keys.iter().zip(verdicts).filter(|(_, own)| own.verdict == Verdict::Illegal);
    for ((key, records), verdict) in illegal {
        text.push('\n');
        text.push_str(&key_text(model, key, records, verdict, width));
    }
    for (wanted, words) in [(Verdict::Unknown, "unknown"), (Verdict::Illegal, "not linearizable")] {
        let keys = history.keys.iter().zip(verdicts).filter(|(_, own)| own.verdict == wanted);
        let names: Vec<String> = keys.map(|((key, _), _)| format!("{key:?}")).collect();
        if !names.is_empty() {
            let list = cut(&names.join(", "), width.saturating_sub(25).max(NAMES_MIN));
            text.push_str(&format!("\n{words}: key{} {list}\n", plural(names.len())));
        }
    }
    text
}

/// The counts in a line.
fn summary<C>(history: &History<C>, counts: Counts) -> String {
    let Counts { linearizable, illegal, unknown } = counts;
    format!(
        "{}: {}, {}: {linearizable} yes, {illegal} no, {unknown} unknown",
        words::verdict(counts),
        several(history.calls(), "call"),
        several(history.keys.len(), "key"),
    )
}

/// The picture of a key without an order.
pub fn key_text<M: Model>(
    model: &M,
    key: &str,
    records: &[Record<M::Call>],
    verdict: &KeyVerdict<M::State>,
    width: usize,
) -> String {
    let width = width.max(WIDTH_MIN);
    let have = if records.len() == 1 { "has" } else { "have" };
    let title = format!("key {}: {} {have} no order", plain(key), several(records.len(), "call"));
    let Some(explanation) = &verdict.explanation else {
        return format!("{}\n  where it fails was not found out in time\n", cut(&title, width));
    };
    let picture = Picture { model, records, explanation, width };
    let lines = [vec![title], picture.bars(), vec![String::new()], picture.order(), picture.ends()];
    let mut text = String::new();
    for line in lines.concat() {
        text.push_str(cut(&line, width).trim_end());
        text.push('\n');
    }
    text
}

struct Picture<'a, M: Model> {
    model: &'a M,
    records: &'a [Record<M::Call>],
    explanation: &'a Explanation<M::State>,
    width: usize,
}

impl<M: Model> Picture<'_, M> {
    /// The order that is shown.
    fn longest(&self) -> Option<&PartialOrder<M::State>> {
        self.explanation.partial_orders.first()
    }

    /// The label of each call: its number in the order, or a cross.
    fn labels(&self) -> BTreeMap<usize, String> {
        let order = self.longest().into_iter().flatten();
        let numbers = (1..).zip(order).map(|(number, (place, _))| (*place, format!("{number}")));
        numbers.chain([(self.explanation.culprit, CULPRIT.to_string())]).collect()
    }

    /// A lane for each client, with time from left to right.
    fn bars(&self) -> Vec<String> {
        let Self { records, explanation, width, .. } = self;
        let chosen = telling(records, explanation, SHOWN_MAX);
        let end = records[explanation.culprit].timed.end();
        let mut times: Vec<u64> = Vec::new();
        for place in &chosen {
            let timed = &records[*place].timed;
            times.extend([Some(timed.called()), timed.returned()].into_iter().flatten());
        }
        times.retain(|time| *time <= end);
        times.sort_unstable();
        times.dedup();
        let labels = self.labels();
        let lanes = lanes(records, chosen);
        let names: Vec<String> =
            lanes.iter().map(|lane| cut(&plain(lane.client), NAME_MAX)).collect();
        let margin = names.iter().map(|name| columns(name)).max().unwrap_or(0) + 4;
        let room = width.saturating_sub(margin + 1).max(1);
        let column = |time: u64| {
            let rank = times.partition_point(|other| *other < time);
            rank * (room - 1) / times.len().saturating_sub(1).max(1)
        };
        let mut lines = Vec::new();
        for (lane, name) in lanes.iter().zip(&names) {
            let mut cells = vec![' '; room];
            for place in &lane.calls {
                let timed = &records[*place].timed;
                let until = timed.returned().filter(|time| *time <= end).map(column);
                let strong = explanation.core.contains(place);
                let label = labels.get(place).map_or(PENDING, String::as_str);
                draw(&mut cells, column(timed.called()), until, label, strong);
            }
            let cells: String = cells.into_iter().collect();
            lines.push(format!("  {}  {cells}", fit(name, margin - 4)));
        }
        lines
    }

    /// The last steps of the order that goes furthest, and what cannot follow.
    fn order(&self) -> Vec<String> {
        let Self { model, records, explanation, .. } = self;
        let empty = Vec::new();
        let order = self.longest().unwrap_or(&empty);
        let culprit = Some(explanation.culprit);
        self.table(&words::rows(*model, records, order, culprit, STEPS_SHOWN))
    }

    /// Rows in columns: number, client, call, state.
    fn table(&self, rows: &[Row]) -> Vec<String> {
        let cells =
            |row: &Row| [&row.number, &row.client, &row.call, &row.after].map(|it| plain(it));
        let rows: Vec<[String; 4]> = rows.iter().map(cells).collect();
        let widest = |column: usize, most: usize| {
            rows.iter().map(|row| columns(&row[column])).max().unwrap_or(0).min(most)
        };
        let (number, client) = (widest(0, usize::MAX), widest(1, NAME_MAX));
        let room = self.width.saturating_sub(number + client + 8);
        let state = widest(3, room / 2);
        let call = widest(2, room - state);
        let line = |[place, caller, step, after]: &[String; 4]| {
            let space = " ".repeat(number.saturating_sub(columns(place)));
            let (caller, step) = (fit(caller, client), fit(step, call));
            format!("  {space}{place}  {caller}  {step}  {}", fit(after, state))
        };
        rows.iter().map(line).collect()
    }

    /// Facts beyond the order.
    fn ends(&self) -> Vec<String> {
        let Explanation { are_all_ends, core, .. } = self.explanation;
        let others = self.explanation.partial_orders.iter().skip(1);
        let states: Vec<String> = others.map(|order| plain(&end(self.model, order))).collect();
        let mut lines = vec![String::new()];
        if !states.is_empty() {
            let label = "Other orders of the same calls end with";
            lines.push(format!("{label} {}", states.join(", or ")));
        }
        lines.push(match (states.is_empty(), are_all_ends) {
            (true, true) => "All orders of these calls end in this state.".to_owned(),
            (false, true) => "None of these states allows it, and there are no others.".to_owned(),
            (_, false) => "There may be orders with other ends; none of them allows it.".to_owned(),
        });
        lines.extend(words::core(core.len(), "drawn with ━"));
        lines
    }
}

/// Draws a bar with a label in its middle; one without an end goes on to the right.
fn draw(cells: &mut [char], from: usize, until: Option<usize>, label: &str, strong: bool) {
    let last = until.unwrap_or(cells.len() - 1);
    let [start, line, end] = if strong { ['┝', '━', '┥'] } else { ['├', '─', '┤'] };
    cells[from..=last].fill(line);
    cells[from] = start;
    cells[last] = if until.is_some() { end } else { '→' };
    let label: Vec<char> = label.chars().collect();
    let length = last + 1 - from;
    if length >= label.len() + 2 {
        let middle = from + (length - label.len()).div_ceil(2);
        cells[middle..middle + label.len()].copy_from_slice(&label);
    } else if length >= label.len() {
        cells[from..from + label.len()].copy_from_slice(&label);
    } else {
        // A number that is cut would be another one.
        cells[from] = if label == [CULPRIT] { CULPRIT } else { '▪' };
    }
}

/// The label of a call that is not in the order: it may come later.
const PENDING: &str = "·";

/// With order and notes, a picture fits into a terminal of 24 lines.
const SHOWN_MAX: usize = 14;
const STEPS_SHOWN: usize = 8;

/// Longer names are cut.
const NAME_MAX: usize = 12;

/// Narrower pictures show nothing.
const WIDTH_MIN: usize = 40;

/// The room for names of keys, however narrow the terminal.
const NAMES_MIN: usize = 20;
