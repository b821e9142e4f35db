//! `dstest history`: the campaigns of a store in the order of time, and what has changed in them.

use regex::Regex;

use super::location::store_of;
use crate::campaign::{check_files, history, write_export};
use crate::cli::HistoryArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::plan::patterns;
use crate::report::compare::Direction;
use crate::report::history::{Change, Counts, History, Measure, Point, Quantile, TestHistory};
use crate::report::summary::runs;
use crate::report::tables;
use crate::store::StoreError;
use crate::text::console;
use crate::text::duration;
use crate::text::sink;
use crate::text::style::{Paint, TextStyle};
use crate::text::table::{Align, Cell, Narrow, Table};

/// Prints the history of the tests that match: of one its campaigns, of several a line for each.
pub(super) fn run(args: &HistoryArgs) -> Result<Exit, Error> {
    let files =
        [("--export-json", &args.export_json), ("--export-markdown", &args.export_markdown)];
    check_files(files)?;
    let patterns = patterns("TEST", &args.tests)?;
    let store = store_of(&args.location)?;
    let mut history = history(&store)?;
    if !patterns.is_empty() {
        history.tests = selected(std::mem::take(&mut history.tests), &args.tests, &patterns)?;
    }
    let (table, summary) = match history.tests.as_slice() {
        [test] => (campaigns(&history, test), summary_of(&history, test)),
        tests => (overview(&history, tests), summary(&history)),
    };
    let paint = Paint::choose(args.location.store.color, &std::io::stdout());
    console::print(
        &(table.render(paint, console::width()) + &console::folded(&summary, |_| false)),
    );
    if let Some(file) = &args.export_markdown {
        let summary: String = summary.lines().map(|line| sink::markdown(line) + "\n").collect();
        write_export(file, &(tables::markdown(&table) + "\n" + &summary))?;
    }
    if let Some(file) = &args.export_json {
        write_export(file, &json(&history))?;
    }
    Ok(Exit::Success)
}

/// The tests that match any pattern; a name that is typed as it is means this test alone.
fn selected(
    tests: Vec<TestHistory>,
    typed: &[String],
    patterns: &[Regex],
) -> Result<Vec<TestHistory>, StoreError> {
    let is_named = |test: &TestHistory, name: &String| *name == test.name || *name == test.key;
    let is_name = |name| tests.iter().any(|test| is_named(test, name));
    let are_names: Vec<bool> = typed.iter().map(is_name).collect();
    let matches = |test: &TestHistory| {
        typed.iter().zip(&are_names).zip(patterns).any(|((name, is_name), pattern)| match is_name {
            true => is_named(test, name),
            false => pattern.is_match(&test.name) || pattern.is_match(&test.key),
        })
    };
    let found: Vec<bool> = tests.iter().map(matches).collect();
    if !found.contains(&true) {
        let names: Vec<&str> = tests.iter().take(NAMES_MAX).map(|test| &*test.name).collect();
        let (typed, names) = (typed.join("`, `"), names.join(", "));
        let reason = format!("no test of the stored campaigns matches `{typed}`; tests: {names}");
        return Err(StoreError::Unsuitable(reason));
    }
    Ok(tests.into_iter().zip(found).filter_map(|(test, is_it)| is_it.then_some(test)).collect())
}

/// The table of several tests.
fn overview(history: &History, tests: &[TestHistory]) -> Table {
    let mut table = Table::default();
    table.column("Test", Align::Left, Narrow::Shorten);
    table.column("Campaigns", Align::Right, Narrow::Drop(2));
    table.column("Failed", Align::Right, Narrow::Keep);
    table.column("Median time", Align::Right, Narrow::Keep);
    table.column("Rates", Align::Left, Narrow::Drop(1));
    table.column("Change", Align::Left, Narrow::Wrap);
    for test in tests {
        let changes = [Measure::Failures, Measure::Time, Measure::CpuTime];
        let newest: Vec<&Change> =
            changes.iter().filter_map(|measure| test.newest_change(*measure)).collect();
        let style = style_of(newest.iter().map(|change| change.direction));
        let words: Vec<String> = newest.iter().map(|change| history.words(change)).collect();
        let words = if words.is_empty() { nothing() } else { words.join("; ") };
        let since = newest.iter().find(|it| it.measure == Measure::Failures).map(|it| it.campaign);
        let time = test.points.last().and_then(|point| point.time);
        table.row(vec![
            Cell { text: test.name.clone(), style },
            Cell::plain(test.points.len().to_string()),
            Cell::plain(failed_since(test, since)),
            Cell::plain(time.map_or_else(nothing, |time| duration::short(time.median.value))),
            Cell::plain(spark_line(test)),
            Cell { text: words, style },
        ]);
    }
    table
}

/// The failures in the campaigns that count, since the newest change of their rate.
fn failed_since(test: &TestHistory, since: Option<usize>) -> String {
    let is_counted = |point: &&Point| {
        point.counts >= Counts::Failures && since.is_none_or(|since| point.campaign >= since)
    };
    let (mut failed, mut total) = (0, 0);
    for point in test.points.iter().filter(is_counted) {
        (failed, total) = (failed + point.failed, total + point.total);
    }
    format!("{failed} of {total}")
}

/// The rates of the newest campaigns that count, as bars: the lowest is none, the highest the largest rate.
fn spark_line(test: &TestHistory) -> String {
    let counted = test.points.iter().filter(|point| point.counts >= Counts::Failures);
    let rates: Vec<f64> = counted.map(Point::rate).collect();
    let rates = &rates[rates.len().saturating_sub(SPARKS_MAX)..];
    let largest = rates.iter().copied().fold(0.0, f64::max);
    let bar = |rate: &f64| match rate {
        0.0 => '▁',
        rate => BARS[(rate / largest * (BARS.len() - 1) as f64).round() as usize],
    };
    rates.iter().map(bar).collect()
}

/// The table of one test.
fn campaigns(history: &History, test: &TestHistory) -> Table {
    let mut table = Table::default();
    table.column("Campaign", Align::Left, Narrow::Keep);
    table.column("Date", Align::Left, Narrow::Drop(2));
    table.column("Commit", Align::Left, Narrow::Drop(0));
    table.column("Failed", Align::Right, Narrow::Keep);
    table.column("Rate (95 %)", Align::Right, Narrow::Keep);
    table.column("Median (95 %)", Align::Right, Narrow::Drop(1));
    table.column("p95 (95 %)", Align::Right, Narrow::Drop(3));
    table.column("Remarks", Align::Left, Narrow::Wrap);
    for point in &test.points {
        let campaign = &history.campaigns[point.campaign];
        let here: Vec<&Change> =
            test.changes.iter().filter(|change| change.campaign == point.campaign).collect();
        let mark = |change: &&Change| mark(change);
        let remarks = here.iter().map(mark);
        let remarks = remarks.chain(campaign.remarks.iter().chain(&point.remarks).cloned());
        let remarks: Vec<String> = remarks.collect();
        let style = match (point.counts, here.is_empty()) {
            (_, false) => style_of(here.iter().map(|change| change.direction)),
            (Counts::Nothing, true) => TextStyle::Faint,
            (Counts::Failures | Counts::Everything, true) => TextStyle::Normal,
        };
        let commit = campaign.commit.as_ref().map_or_else(nothing, |commit| {
            format!("{}{}", commit.short(), if commit.modified { "+" } else { "" })
        });
        let quantile = |quantile: Option<Quantile>| quantile.map_or_else(nothing, Quantile::words);
        let texts = [
            campaign.id.clone(),
            date(&campaign.started),
            commit,
            format!("{} of {}", point.failed, point.total),
            point.rate_words(),
            quantile(point.time.map(|time| time.median)),
            quantile(point.time.map(|time| time.p95)),
            remarks.join("; "),
        ];
        table.row(texts.into_iter().map(|text| Cell { text, style }).collect());
    }
    table
}

/// `2026-11-30 21:04` of a time in RFC 3339.
fn date(started: &str) -> String {
    started.chars().take(16).collect::<String>().replace('T', " ")
}

fn mark(change: &Change) -> String {
    let what = match change.measure {
        Measure::Failures => "rate",
        Measure::Time => "time",
        Measure::CpuTime => "CPU time",
    };
    match change.direction {
        Direction::Worse => format!("▲ {what} worse from here"),
        Direction::Better | Direction::Same => format!("▼ {what} better from here"),
        Direction::Unclear => format!("◆ {what} or load changed from here"),
    }
}

/// The line below the table of one test.
fn summary_of(history: &History, test: &TestHistory) -> String {
    let (name, mut text) = (sink::screen(&test.name), String::new());
    for change in &test.changes {
        text.push_str(&format!("{name}: {}\n", sink::screen(&history.words(change))));
    }
    if test.changes.is_empty() {
        text.push_str(&format!("{name}: no significant change\n"));
    }
    text + &footer(history)
}

/// The line below the table of several tests.
fn summary(history: &History) -> String {
    let worse = history.tests.iter().filter(|test| test.is_worse()).count();
    let total = history.tests.len();
    format!("{worse} of {total} tests worse than before\n") + &footer(history)
}

fn footer(history: &History) -> String {
    let done = history.campaigns.iter().map(|campaign| campaign.done).sum();
    let campaigns = match history.campaigns.len() {
        1 => "1 campaign".to_owned(),
        count => format!("{count} campaigns"),
    };
    format!(
        "{campaigns}, {}; changes at p < 0.05, corrected for all tests and campaigns together\n",
        runs(done)
    )
}

fn style_of(directions: impl Iterator<Item = Direction>) -> TextStyle {
    let directions: Vec<Direction> = directions.collect();
    let styles = [
        (Direction::Worse, TextStyle::Bad),
        (Direction::Unclear, TextStyle::Warning),
        (Direction::Better, TextStyle::Good),
    ];
    let style = styles.into_iter().find(|(direction, _)| directions.contains(direction));
    style.map_or(TextStyle::Normal, |(_, style)| style)
}

fn nothing() -> String {
    "–".to_owned()
}

fn json(history: &History) -> String {
    let document = serde_json::json!({ "schema": 1, "history": history });
    format!("{document:#}\n")
}

/// Rates shown as bars.
const SPARKS_MAX: usize = 20;

/// From the smallest rate above 0 to the largest.
const BARS: [char; 7] = ['▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// More names would fill the screen.
const NAMES_MAX: usize = 10;
