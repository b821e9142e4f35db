//! The history: the rate and the time of each test in the campaigns of the store.

use std::collections::HashSet;

use super::{NAME_COLUMNS, Page, Past, class, left_out};
use crate::report::compare::Direction;
use crate::report::history::{Change, Counts, History, Measure, Point, TestHistory};
use crate::report::summary::{percent, runs};
use crate::text::duration;
use crate::text::markup::Markup;
use crate::text::style::TextStyle;
use crate::text::width::shortened;

/// Writes the section; nothing outside of a store.
pub(super) fn write(results: &Page<'_>, page: &mut Markup) {
    let Some(past) = results.past else { return };
    let history = &past.history;
    page.add("<section id=\"history\"><h2>History</h2>\n");
    if history.campaigns.len() < 2 {
        if past.left_out.is_empty() {
            page.add("<p>There is no earlier campaign to compare with.</p>\n");
        }
    } else {
        let own: HashSet<&str> = results.tally.tests().iter().map(|test| &*test.key).collect();
        let this = history.campaigns.iter().position(|campaign| campaign.id == past.this);
        tests(history, this, &own, page);
        campaigns(past, page);
    }
    for sentence in &past.left_out {
        page.put("<p class=\"warn\">{}</p>\n", &[sentence]);
    }
    page.add("</section>\n");
}

/// The tests of this campaign, those first that have become worse, then others that have changed or failed.
fn tests(history: &History, this: Option<usize>, own: &HashSet<&str>, page: &mut Markup) {
    let mut tests: Vec<&TestHistory> =
        history.tests.iter().filter(|test| own.contains(&*test.key)).collect();
    let has_failed = |test: &TestHistory| test.points.iter().any(|point| point.failed > 0);
    tests.sort_by_key(|test| (!test.is_worse(), test.changes.is_empty(), !has_failed(test)));
    let worse = tests.iter().filter(|test| test.is_worse()).count();
    let count = history.campaigns.len();
    page.put(
        "<p>{} of {} tests worse than before, in {} campaigns; changes at p &lt; 0.05, corrected for all tests and \
         campaigns together</p>\n",
        &[&worse, &tests.len(), &count],
    );
    page.add(HEAD);
    let frame = Frame { campaigns: count, this };
    for test in tests.iter().take(TESTS_MAX) {
        row(history, test, &frame, page);
    }
    page.add("</tbody></table></div>\n");
    left_out(tests.len(), TESTS_MAX, "tests", page);
    page.add(
        "<p class=\"dim\">Numbers are those of this campaign. A point for each campaign, from left to right, with its 95 % interval; faint ones, of other \
         options or machines, count for no change. Times have a logarithmic axis for each test. A line marks the \
         campaign from which on a test was worse or better.</p>\n",
    );
}

fn row(history: &History, test: &TestHistory, frame: &Frame, page: &mut Markup) {
    let newest: Vec<&Change> = [Measure::Failures, Measure::Time, Measure::CpuTime]
        .iter()
        .filter_map(|measure| test.newest_change(*measure))
        .collect();
    page.put("<tr><td class=\"name\">{}</td>", &[&shortened(&test.name, NAME_COLUMNS)]);
    let own = test.points.iter().find(|point| Some(point.campaign) == frame.this);
    let rate = own.map_or(-1.0, Point::rate);
    let words = own.map_or_else(String::new, Point::rate_words);
    page.put("<td class=\"num\" data-v=\"{}\">{}</td>", &[&rate, &words]);
    let with_runs = || test.points.iter().filter(|point| point.total > 0);
    let largest = with_runs().map(|point| point.rate_high).fold(0.0, f64::max);
    page.add("<td class=\"graph\">");
    if with_runs().next().is_some() {
        page.put("<span>{}</span>", &[&percent(largest)]);
    }
    let rates = |point: &Point| {
        let share = |rate: f64| rate / largest;
        (point.total > 0).then(|| [point.rate_low, point.rate(), point.rate_high].map(share))
    };
    frame.graph(test, Counts::Failures, &[Measure::Failures], rates, page);
    let median = own.and_then(|point| point.time).map(|time| time.median);
    let words = median.map_or_else(|| "–".to_owned(), crate::report::history::Quantile::words);
    let value = median.map_or(-1.0, |median| median.value);
    page.put("</td><td class=\"num\" data-v=\"{}\">{}</td>", &[&value, &words]);
    times(test, frame, page);
    page.add("<td class=\"change\">");
    for change in newest {
        let class = class(style(change.direction));
        page.put("<div class=\"{}\">{}</div>", &[&class, &history.words(change)]);
    }
    page.add("</td></tr>\n");
}

/// The medians of a test.
fn times(test: &TestHistory, frame: &Frame, page: &mut Markup) {
    let ends = |point: &Point| {
        let median = point.time?.median;
        Some([
            median.low.unwrap_or(median.value),
            median.value,
            median.high.unwrap_or(median.value),
        ])
    };
    let all = || test.points.iter().filter_map(ends);
    let low = all().map(|[low, ..]| low).fold(f64::MAX, f64::min).max(1e-6);
    let high = all().map(|[.., high]| high).fold(0.0, f64::max).max(low * RATIO_MIN);
    page.add("<td class=\"graph\">");
    if all().next().is_some() {
        page.put("<span>{}</span>", &[&duration::short(high)]);
    }
    let place = |time: f64| (time.max(low) / low).ln() / (high / low).ln();
    let measures = [Measure::Time, Measure::CpuTime];
    frame.graph(test, Counts::Everything, &measures, |point| Some(ends(point)?.map(place)), page);
    page.add("</td>");
}

/// The frame that all rows have in common.
struct Frame {
    campaigns: usize,
    /// The campaign of the page, by its index.
    this: Option<usize>,
}

impl Frame {
    fn x(&self, campaign: usize) -> f64 {
        let step = f64::from(WIDTH - 6) / (self.campaigns - 1).max(1) as f64;
        (3.0 + step * campaign as f64).round()
    }

    /// A graph of places between 0 and 1: lower end, value, upper end.
    fn graph(
        &self,
        test: &TestHistory,
        counts: Counts,
        measures: &[Measure],
        places: impl Fn(&Point) -> Option<[f64; 3]>,
        page: &mut Markup,
    ) {
        page.put("<svg width=\"{}\" height=\"{}\">", &[&WIDTH, &HEIGHT]);
        for change in test.changes.iter().filter(|change| measures.contains(&change.measure)) {
            let class = class(style(change.direction));
            let x = f64::midpoint(self.x(change.campaign - 1), self.x(change.campaign));
            page.put("<path class=\"since {}\" d=\"M{} 0v{}\"/>", &[&class, &x, &HEIGHT]);
        }
        let is_counted = |point: &&Point| point.counts >= counts;
        let (counted, aside): (Vec<&Point>, Vec<&Point>) = test.points.iter().partition(is_counted);
        for (points, class) in [(aside, "aside"), (counted, "")] {
            let drawn: Vec<(f64, [f64; 3])> = points
                .into_iter()
                .filter_map(|point| Some((self.x(point.campaign), places(point)?.map(y))))
                .collect();
            if drawn.is_empty() {
                continue;
            }
            page.put("<path class=\"interval {}\" d=\"", &[&class]);
            for (x, [low, _, high]) in &drawn {
                page.put("M{} {}V{}", &[x, low, high]);
            }
            page.put("\"/><path class=\"points {}\" d=\"", &[&class]);
            for (x, [_, value, _]) in &drawn {
                page.put("M{} {}h0", &[x, value]);
            }
            page.add("\"/>");
        }
        page.add("</svg>");
    }
}

/// The y of a place.
fn y(place: f64) -> f64 {
    let y = 3.0 + (1.0 - place) * (f64::from(HEIGHT) - 6.0);
    (y * 10.0).round() / 10.0
}

/// The campaigns, the newest first.
fn campaigns(past: &Past, page: &mut Markup) {
    page.put("<details><summary>The {} campaigns</summary>\n", &[&past.history.campaigns.len()]);
    page.add(
        "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th>Campaign</th><th>Started</th><th>Commit</th>\
         <th class=\"num\">Done</th><th>Remarks</th></tr></thead><tbody>\n",
    );
    for campaign in past.history.campaigns.iter().rev() {
        let commit =
            campaign.commit.as_ref().map_or_else(|| "–".to_owned(), |commit| commit.short());
        let this = if campaign.id == past.this { "this one" } else { "" };
        let remarks = campaign.remarks.iter().map(String::as_str).chain([this]);
        let remarks: Vec<&str> = remarks.filter(|remark| !remark.is_empty()).collect();
        page.put(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"num\">{}</td><td>{}</td></tr>\n",
            &[&campaign.id, &campaign.started, &commit, &runs(campaign.done), &remarks.join("; ")],
        );
    }
    page.add("</tbody></table></div></details>\n");
}

fn style(direction: Direction) -> TextStyle {
    match direction {
        Direction::Worse => TextStyle::Bad,
        Direction::Better => TextStyle::Good,
        Direction::Unclear => TextStyle::Warning,
        Direction::Same => TextStyle::Normal,
    }
}

const HEAD: &str = "<div class=\"scroll\" tabindex=\"0\"><table class=\"sort\"><thead><tr>\
<th aria-sort=\"none\"><button>Test</button></th>\
<th aria-sort=\"none\" class=\"num\"><button>Fails in</button></th><th class=\"graph\">Rates</th>\
<th aria-sort=\"none\" class=\"num\"><button>Median time</button></th><th class=\"graph\">Times</th>\
<th>Changes</th></tr></thead><tbody>\n";

const WIDTH: u32 = 160;
const HEIGHT: u32 = 30;

/// Times within this ratio look alike.
const RATIO_MIN: f64 = 1.5;

/// Room for the tests of most campaigns; those that changed come first.
const TESTS_MAX: usize = 300;
