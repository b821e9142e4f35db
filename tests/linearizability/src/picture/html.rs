//! Pictures as a page for a browser, with everything that it needs in one file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::bars::lanes;
use super::escape::{self, cut};
use super::telling;
use super::words::{self, CULPRIT, end, several};
use crate::check::{Verdict, states_along};
use crate::explain::PartialOrder;
use crate::history::{Counts, History, KeyVerdict, Mark, Record};
use crate::model::Model;

/// A page with the pictures of all keys: those without an order first.
pub fn html<M: Model>(
    model: &M,
    title: &str,
    history: &History<M::Call>,
    verdicts: &[KeyVerdict<M::State>],
) -> String {
    let Counts { linearizable, illegal, unknown } =
        Counts::of(verdicts.iter().map(|own| &own.verdict));
    let title = escape::html(title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>\n{CSS}</style></head>\n<body><h1>{title}</h1>\n\
         <p>{}, {}: {linearizable} linearizable, <span class=\"bad\">{illegal} not</span>, {unknown} \
         unknown.</p>\n<p class=\"dim\">{LEGEND}</p>\n",
        several(history.calls(), "call"),
        several(history.keys.len(), "key"),
    );
    let is_first = |own: &&KeyVerdict<M::State>| own.verdict == Verdict::Illegal;
    for wanted in [true, false] {
        let keys = history.keys.iter().zip(verdicts);
        for ((key, records), verdict) in keys.filter(|(_, own)| is_first(own) == wanted) {
            let section = Section { model, records, verdict, marks: &history.marks };
            section.write(key, &mut page);
        }
    }
    let _ = write!(page, "<script>\n{JS}</script>\n</body></html>\n");
    page
}

struct Section<'a, M: Model> {
    model: &'a M,
    records: &'a [Record<M::Call>],
    verdict: &'a KeyVerdict<M::State>,
    marks: &'a [Mark],
}

impl<M: Model> Section<'_, M> {
    fn write(&self, key: &str, page: &mut String) {
        let (class, words) = match self.verdict.verdict {
            Verdict::Linearizable(_) => ("yes", "linearizable"),
            Verdict::Illegal => ("bad", "not linearizable"),
            Verdict::Unknown => ("dim", "not found out within the limit of steps"),
        };
        let _ = writeln!(
            page,
            "<section><h2>key {}: <span class=\"{class}\">{words}</span></h2>",
            escape::html(key)
        );
        self.write_reason(page);
        let orders = self.orders();
        if orders.len() > 1 {
            self.write_choice(page, key, &orders);
        }
        self.write_bars(page, &orders);
        for (number, order) in orders.iter().enumerate() {
            self.write_order(page, number, order);
        }
        page.push_str("</section>\n");
    }

    /// The orders to choose from.
    fn orders(&self) -> Vec<PartialOrder<M::State>> {
        if let Some(explanation) = &self.verdict.explanation {
            return explanation.partial_orders.clone();
        }
        let Verdict::Linearizable(order) = &self.verdict.verdict else { return Vec::new() };
        let calls: Vec<_> = self.records.iter().map(|record| record.timed.as_ref()).collect();
        let states = states_along(self.model, &calls, order).unwrap_or_default();
        vec![order.iter().copied().zip(states).collect()]
    }

    fn write_reason(&self, page: &mut String) {
        let Some(explanation) = &self.verdict.explanation else { return };
        let record = &self.records[explanation.culprit];
        let call = self.describe(&record.timed.call);
        let (called, returned) = record.times();
        let called = escape::html(&called);
        let _ = writeln!(
            page,
            "<p>All calls that returned before <b class=\"bad\">{call}</b> of client {} (called at \
             {called}, returned at {}) can be put in an order. It cannot be added: {}.</p>",
            escape::html(&record.client),
            escape::html(&returned.unwrap_or_default()),
            match explanation.are_all_ends {
                true => "no order ends in a state in which it is possible",
                false =>
                    "no order that was found ends in a state in which it is possible, and there is \
                          none",
            }
        );
        if let Some(core) = words::core(explanation.core.len(), "in another colour") {
            let _ = writeln!(page, "<p>{core}</p>");
        }
    }

    fn write_choice(&self, page: &mut String, key: &str, orders: &[PartialOrder<M::State>]) {
        page.push_str("<p>Orders that end with ");
        for (number, order) in orders.iter().enumerate() {
            let end = end(self.model, order);
            let checked = if number == 0 { " checked" } else { "" };
            let _ = write!(
                page,
                "<label><input type=\"radio\" name=\"{}\" value=\"{number}\"{checked}> {}</label>",
                escape::html(key),
                escape::html(&cut(&end, STATE_MAX))
            );
        }
        page.push_str("</p>\n");
    }

    fn describe(&self, call: &M::Call) -> String {
        escape::html(&self.model.describe_call(call))
    }

    fn write_bars(&self, page: &mut String, orders: &[PartialOrder<M::State>]) {
        let chosen: Vec<usize> = match &self.verdict.explanation {
            Some(explanation) => telling(self.records, explanation, BARS_MAX).into_iter().collect(),
            None => (0..self.records.len().min(BARS_MAX)).collect(),
        };
        let left_out = self.records.len() - chosen.len();
        if left_out > 0 {
            let are = if left_out == 1 { "is not drawn: it is" } else { "are not drawn: they are" };
            let calls = several(left_out, "call");
            let _ = writeln!(
                page,
                "<p class=\"dim\">{calls} of this key {are} earlier, or began later.</p>"
            );
        }
        let scale = Scale::new(self.records, &chosen);
        let lanes = lanes(self.records, chosen.iter().copied());
        let rows: BTreeMap<usize, usize> = (0..)
            .zip(&lanes)
            .flat_map(|(row, lane)| lane.calls.iter().map(move |place| (*place, row)))
            .collect();
        let (width, height) = (scale.width(), TOP + lanes.len() * LANE + 6);
        let _ = writeln!(
            page,
            "<div class=\"scroll\"><svg width=\"{width}\" height=\"{height}\" role=\"img\">"
        );
        self.write_marks(page, &scale, height);
        for (row, lane) in lanes.iter().enumerate() {
            let y = TOP + row * LANE + LANE / 2;
            let _ = writeln!(
                page,
                "<line class=\"lane\" x1=\"{MARGIN}\" x2=\"{width}\" y1=\"{y}\" y2=\"{y}\"/>\
                 <text class=\"client\" x=\"6\" y=\"{y}\">{}</text>",
                escape::html(&cut(lane.client, 14))
            );
        }
        for (place, row) in &rows {
            self.write_bar(page, &scale, *place, *row);
        }
        for (number, order) in orders.iter().enumerate() {
            self.write_path(page, &scale, &rows, number, order);
        }
        page.push_str("</svg></div>\n");
    }

    fn write_marks(&self, page: &mut String, scale: &Scale, height: usize) {
        for mark in self.marks.iter().filter(|mark| scale.shows(mark)) {
            let (from, until) =
                (scale.x(mark.from), scale.x(mark.until).max(scale.x(mark.from) + 3));
            let (width, text) = (until - from, escape::html(&mark.text));
            let _ = writeln!(
                page,
                "<g class=\"mark\"><title>{text}</title><rect x=\"{from}\" y=\"0\" width=\"{width}\" \
                 height=\"{height}\"/><text x=\"{}\" y=\"10\">{text}</text></g>",
                from + 3
            );
        }
    }

    fn write_bar(&self, page: &mut String, scale: &Scale, place: usize, row: usize) {
        let record = &self.records[place];
        let explanation = self.verdict.explanation.as_ref();
        let from = scale.x(record.timed.called());
        let until = scale.x(record.timed.end()).max(from + BAR_MIN);
        let is_culprit = explanation.is_some_and(|own| own.culprit == place);
        let is_core = explanation.is_some_and(|own| own.core.contains(&place));
        let mut class = String::from("bar");
        for (is_it, name) in [
            (is_core, " core"),
            (is_culprit, " culprit"),
            (record.timed.returned().is_none(), " open"),
        ] {
            class.push_str(if is_it { name } else { "" });
        }
        let (call, width) = (self.model.describe_call(&record.timed.call), until - from);
        let (called, returned) = record.times();
        let returned = returned.map_or("did not return".to_owned(), |at| format!("returned {at}"));
        let note = record.note.as_ref().map(|note| format!("\n{note}")).unwrap_or_default();
        let hint = format!("{}: {call}\ncalled {called}, {returned}", record.client);
        let hint = hint.split('\n').chain(note.split('\n').skip(1)).map(escape::html);
        let hint: Vec<String> = hint.collect();
        let y = TOP + row * LANE + 4;
        let label = if is_culprit { format!("{CULPRIT} {call}") } else { call };
        let label = escape::html(&cut(&label, (width.saturating_sub(8) / CHARACTER).max(1)));
        let _ = writeln!(
            page,
            "<g class=\"{class}\" data-call=\"{place}\"><title>{}</title><rect x=\"{from}\" y=\"{y}\" \
             width=\"{width}\" height=\"{}\" rx=\"4\"/><text x=\"{}\" y=\"{}\">{label}</text></g>",
            hint.join("\n"),
            LANE - 8,
            from + 5,
            y + (LANE - 8) / 2,
        );
    }

    /// A line through the calls, in their order.
    fn write_path(
        &self,
        page: &mut String,
        scale: &Scale,
        rows: &BTreeMap<usize, usize>,
        number: usize,
        order: &PartialOrder<M::State>,
    ) {
        let (mut points, mut circles, mut last) = (String::new(), String::new(), 0);
        for (place, _) in order {
            let Some(row) = rows.get(place) else { continue };
            let timed = &self.records[*place].timed;
            let latest = scale.x(timed.end()).saturating_sub(3);
            last = (scale.x(timed.called()) + POINT).max(last + POINT).min(latest.max(last));
            let y = TOP + row * LANE + LANE - 8;
            let _ = write!(points, "{last},{y} ");
            let _ = write!(circles, "<circle cx=\"{last}\" cy=\"{y}\" r=\"3.5\"/>");
        }
        let _ = writeln!(
            page,
            "<g class=\"path\" data-order=\"{number}\"{}><polyline points=\"{points}\"/>{circles}</g>",
            hidden(number)
        );
    }

    fn write_order(&self, page: &mut String, number: usize, order: &PartialOrder<M::State>) {
        let hidden = hidden(number);
        let _ = writeln!(
            page,
            "<table data-order=\"{number}\"{hidden}><tr><th></th><th>client</th><th>call</th>\
             <th>then</th></tr>"
        );
        let culprit = self.verdict.explanation.as_ref().map(|own| own.culprit);
        for row in words::rows(self.model, self.records, order, culprit, ROWS_MAX) {
            let place =
                row.place.map(|place| format!(" data-call=\"{place}\"")).unwrap_or_default();
            let class = match row.place {
                None => " class=\"dim\"",
                place if place == culprit => " class=\"bad\"",
                Some(_) => "",
            };
            let _ = write!(page, "<tr{place}{class}>");
            for cell in [&row.number, &row.client, &row.call, &cut(&row.after, STATE_MAX)] {
                let _ = write!(page, "<td>{}</td>", escape::html(cell));
            }
            page.push_str("</tr>\n");
        }
        page.push_str("</table>\n");
    }
}

/// The style of an order that is not the first one: it waits until it is chosen.
const fn hidden(number: usize) -> &'static str {
    if number > 0 { " style=\"display:none\"" } else { "" }
}

/// Places of times: only their order counts, so that the gaps between all are equal.
struct Scale {
    times: Vec<u64>,
    gap: usize,
}

impl Scale {
    fn new<C>(records: &[Record<C>], chosen: &[usize]) -> Self {
        let of_call = |place: &usize| {
            let timed = &records[*place].timed;
            [Some(timed.called()), timed.returned()]
        };
        let mut times: Vec<u64> = chosen.iter().flat_map(of_call).flatten().collect();
        times.sort_unstable();
        times.dedup();
        let gap = (PAGE / times.len().max(1)).clamp(GAP_MIN, GAP_MAX);
        Self { times, gap }
    }

    fn x(&self, time: u64) -> usize {
        MARGIN + self.gap / 4 + self.times.partition_point(|other| *other < time) * self.gap
    }

    fn width(&self) -> usize {
        MARGIN + self.gap * (self.times.len() + 1)
    }

    fn shows(&self, mark: &Mark) -> bool {
        self.times.first().is_some_and(|first| mark.until >= *first)
            && self.times.last().is_some_and(|last| mark.from <= *last)
    }
}

const LEGEND: &str = "A bar is a call, from left to right in the order of times; gaps mean nothing. The line \
    goes through the calls in an order that explains their results. A red frame: this call cannot be next. \
    Dashed: it did not return.";

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");

/// Measures in pixels.
const MARGIN: usize = 120;
const TOP: usize = 20;
const LANE: usize = 32;
/// The gap between two times: wide enough for the words of short calls where there are few.
const GAP_MIN: usize = 44;
const GAP_MAX: usize = 120;
const PAGE: usize = 2400;
const CHARACTER: usize = 8;
const POINT: usize = 7;

/// A call that returned at once is drawn, too.
const BAR_MIN: usize = 14;

/// A browser scrolls through so many without an effort.
const BARS_MAX: usize = 600;
const ROWS_MAX: usize = 200;

/// Longer states are cut.
const STATE_MAX: usize = 120;
