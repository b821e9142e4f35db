//! The table of tests, with their rates and the distributions of their times.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{NAME_COLUMNS, Page, class, failures, left_out};
use crate::record::{COLUMNS, Column, Shown, Verdict};
use crate::report::histogram::{CLASSES, Scale};
use crate::report::stats;
use crate::report::summary::{self, percent};
use crate::report::tally::{Tally, TestTally};
use crate::text::duration;
use crate::text::markup::Markup;
use crate::text::style::TextStyle;
use crate::text::width::shortened;

/// The columns that not every table has.
struct Shape {
    others: Vec<(Verdict, &'static str)>,
    metrics: Vec<Column>,
    scale: Option<Scale>,
}

/// Writes the section.
pub(super) fn write(results: &Page<'_>, page: &mut Markup) {
    let tally = results.tally;
    let shape = Shape::of(tally);
    page.add("<section id=\"tests\"><h2>Tests</h2>\n");
    page.add("<p class=\"script\"><label><input id=\"failed\" type=\"checkbox\"> only those that did not pass</label></p>\n");
    page.add("<div class=\"scroll\" tabindex=\"0\"><table class=\"sort\"><thead><tr>");
    shape.head(page);
    page.add("</tr></thead><tbody>\n");
    let mut order: Vec<(usize, &TestTally)> = tally.tests().iter().enumerate().collect();
    order.sort_by_key(|(_, test)| (Reverse(test.failed()), rank(summary::name_style(test))));
    let mut links = HashMap::new();
    for (group, kind) in failures::shown(tally) {
        links.entry(kind.test).or_insert(group);
    }
    for (at, test) in order.iter().take(TESTS_MAX) {
        shape.row(links.get(at), test, page);
    }
    page.add("</tbody></table></div>\n");
    left_out(order.len(), TESTS_MAX, "tests", page);
    page.add("<p class=\"dim\">");
    page.add("Fails in: the share of runs that failed, with its 95 % interval. Time: mean and deviation of runs that passed");
    page.add(if shape.scale.is_some() {
        "; the distribution has a logarithmic axis, the same for all tests.</p>\n"
    } else {
        ".</p>\n"
    });
    page.add("</section>\n");
}

fn rank(style: TextStyle) -> u8 {
    u8::from(style == TextStyle::Good)
}

impl Shape {
    fn of(tally: &Tally) -> Self {
        let others = [(Verdict::Flaky, "Flaky"), (Verdict::Skipped, "Skipped")];
        let has_any = |(verdict, _): &(Verdict, _)| tally.count(*verdict) > 0;
        let is_reported = |column: &Column| {
            column.shown != Shown::Never
                && tally.tests().iter().any(|test| test.metrics.moments(column.key).is_some())
        };
        Self {
            others: others.into_iter().filter(has_any).collect(),
            metrics: COLUMNS.into_iter().filter(is_reported).collect(),
            scale: Scale::of_tally(tally).filter(|_| tally.tests().len() <= DISTRIBUTIONS_MAX),
        }
    }

    fn head(&self, page: &mut Markup) {
        page.add("<th aria-sort=\"none\"><button>Test</button></th>");
        let column = |page: &mut Markup, title: &str, class: &str| {
            page.put(
                "<th aria-sort=\"none\" class=\"num {}\"><button>{}</button></th>",
                &[&class, &title],
            );
        };
        for title in ["Failed", "Runs", "Fails in"] {
            column(page, title, "");
        }
        self.others.iter().for_each(|(_, title)| column(page, title, ""));
        column(page, "Time", "");
        for title in ["p50", "p95", "Max"] {
            column(page, title, "wide");
        }
        if let Some(scale) = &self.scale {
            axis(scale, page);
        }
        self.metrics.iter().for_each(|own| column(page, own.title, "wide"));
    }

    /// The row of a test, with a link to its first kind of failure that is on the page.
    fn row(&self, kind: Option<&usize>, test: &TestTally, page: &mut Markup) {
        let style = summary::name_style(test);
        let name = shortened(&test.name, NAME_COLUMNS);
        page.put("<tr class=\"{}\"><td class=\"name\">", &[&class(style)]);
        match kind {
            Some(group) => page.put("<a href=\"#k{}\">{}</a></td>", &[group, &name]),
            None => page.put("{}</td>", &[&name]),
        }
        let number = |page: &mut Markup, class: &str, value: Option<f64>, text: &str| {
            let value = value.unwrap_or(-1.0);
            page.put("<td class=\"num {}\" data-v=\"{}\">{}</td>", &[&class, &value, &text]);
        };
        let count = |page: &mut Markup, count: u64| {
            number(page, "", Some(count as f64), &count.to_string());
        };
        count(page, test.failed());
        count(page, test.total());
        rate(test, page);
        self.others.iter().for_each(|(verdict, _)| count(page, test.count(*verdict)));
        let moments = test.time.moments();
        number(page, "", moments.mean(), &summary::spread(moments));
        let times = test.time.summary();
        for time in [times.map(|t| t.p50), times.map(|t| t.p95), times.map(|t| t.max)] {
            number(page, "wide", time, &time.map_or_else(|| "–".to_owned(), duration::short));
        }
        if let Some(scale) = &self.scale {
            distribution(scale, test, page);
        }
        for column in &self.metrics {
            let mean = test.metrics.moments(column.key).and_then(stats::Moments::mean);
            number(page, "wide", mean, &summary::metric(*column, test));
        }
        page.add("</tr>\n");
    }
}

/// The rate of failures and its interval; of a test that never failed, the upper bound.
fn rate(test: &TestTally, page: &mut Markup) {
    let (failed, total) = (test.failed(), test.total());
    if total == 0 {
        return page.add("<td class=\"num\" data-v=\"-1\">–</td>");
    }
    let interval = stats::interval(failed, total);
    let (rate, high) = (failed as f64 / total as f64, percent(interval.high));
    page.put("<td class=\"num\" data-v=\"{}\">", &[&rate]);
    match failed {
        0 => page.put("<span class=\"interval\">&lt; {}</span></td>", &[&high]),
        _ => {
            let low = percent(interval.low);
            page.put(
                "{} <span class=\"interval\">{} to {}</span></td>",
                &[&percent(rate), &low, &high],
            );
        }
    }
}

/// The head of the distributions: the ends of their axis, the powers of ten between them, and lines
/// there, which the rows use.
fn axis(scale: &Scale, page: &mut Markup) {
    let [low, high] = scale.ends();
    page.put(
        "<th class=\"times\"><svg width=\"{}\" height=\"30\"><defs><path id=\"decades\" d=\"",
        &[&WIDTH],
    );
    let decades =
        || scale.decades().map(|time| ((scale.place(time) * f64::from(WIDTH)).round(), time));
    decades().for_each(|(x, _)| page.put("M{} 0v20", &[&x]));
    page.put("\"/></defs><text x=\"0\" y=\"12\">{}</text>", &[&low]);
    page.put("<text x=\"{}\" y=\"12\" class=\"end\">{}</text>", &[&WIDTH, &high]);
    // As many names as have room.
    let of_each = f64::from(WIDTH) / scale.decades().count().max(1) as f64;
    for (x, time) in decades().step_by((LABEL_WIDTH / of_each).ceil() as usize) {
        page.put("<text x=\"{}\" y=\"27\" class=\"middle\">{}</text>", &[&x, &decade(time)]);
    }
    page.add("</svg></th>");
}

/// `1 ms`, `10 s`.
fn decade(seconds: f64) -> String {
    match seconds {
        s if s < 0.9e-3 => format!("{:.0} µs", s * 1e6),
        s if s < 0.9 => format!("{:.0} ms", s * 1e3),
        s => format!("{s:.0} s"),
    }
}

fn distribution(scale: &Scale, test: &TestTally, page: &mut Markup) {
    let counts = scale.counts(test.time.values());
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    page.put(
        "<td class=\"times\"><svg width=\"{}\" height=\"20\"><use href=\"#decades\"/><path d=\"",
        &[&WIDTH],
    );
    let bars = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    for (class, count) in bars {
        // Even a single run of thousands is seen.
        let height = (count * BAR).div_ceil(most).max(2);
        page.put(
            "M{} 20v-{}h{}v{}z",
            &[&(class * CLASS_WIDTH), &height, &(CLASS_WIDTH - 1), &height],
        );
    }
    page.add("\"/></svg></td>");
}

/// The height of the highest bar.
const BAR: usize = 18;

const CLASS_WIDTH: usize = 4;

const WIDTH: u32 = (CLASS_WIDTH * CLASSES) as u32;

/// The width of `100 ms` and a gap.
const LABEL_WIDTH: f64 = 44.0;

/// More rows make a page that browsers open slowly; those that failed come first.
const TESTS_MAX: usize = 5000;

/// With more tests, a page of distributions would be too large.
const DISTRIBUTIONS_MAX: usize = 1000;
