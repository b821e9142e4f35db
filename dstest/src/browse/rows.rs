//! Rows of the lists: campaigns, tests, failures, runs. Pure.

use super::campaign::{Campaign, LogKind, RunFilter};
use super::list::{Align, Cell, Column, Row};
use crate::record::{Class, FailureKind, RunRecord, Verdict};
use crate::report::histogram::bars;
use crate::report::stats;
use crate::report::summary::percent;
use crate::report::tally::{Tally, TestTally};
use crate::store::open_dir::{DESCRIPTION_BYTES_MAX, read_json};
use crate::store::{CampaignDir, CampaignFile};
use crate::text::style::TextStyle;
use crate::text::{duration, shell};

const fn left(title: &'static str) -> Column {
    Column { title, align: Align::Left }
}

const fn right(title: &'static str) -> Column {
    Column { title, align: Align::Right }
}

const fn fill(title: &'static str) -> Column {
    Column { title, align: Align::Fill }
}

/// The columns of the list of campaigns.
pub(crate) const CAMPAIGNS: &[Column] =
    &[left("Started (UTC)"), left("Id"), right("Failed"), right("Runs"), fill("Command")];

/// The columns of a campaign's tests.
pub(crate) const TESTS: &[Column] = &[
    fill("Test"),
    right("Failed"),
    right("Total"),
    right("Rate (95 %)"),
    right("Kinds"),
    right("p50"),
    right("Max"),
    left("Times"),
];

/// The orders of tests.
pub(crate) const TEST_ORDERS: &[&str] = &["name", "failures", "rate", "time"];

/// The columns of a test's failures.
pub(crate) const FAILURES: &[Column] =
    &[right("Count"), left("First"), left("Known"), fill("Failure")];

/// The columns of runs.
pub(crate) const RUNS: &[Column] =
    &[right("Run"), left("Verdict"), right("Seed"), right("Time"), left("Log"), fill("Failure")];

/// The orders of runs.
pub(crate) const RUN_ORDERS: &[&str] = &["end", "time", "log"];

/// The only order of other lists.
pub(crate) const NO_ORDERS: &[&str] = &["end"];

/// The row of a campaign, as far as its directory can be read.
pub(crate) fn campaign(dir: &CampaignDir) -> Row<CampaignDir> {
    let cells = match CampaignFile::read(&dir.path) {
        Ok(file) => {
            let results = Results::of(dir);
            let style = if results.failed > 0 { TextStyle::Bad } else { TextStyle::Normal };
            let args = file.invocation.args.iter().skip(1).map(|word| shell::quote(word));
            vec![
                Cell::plain(file.started.replace('T', " ").replace('Z', "")),
                Cell::plain(&dir.short_id),
                Cell::new(results.failed.to_string(), style),
                Cell::plain(results.total),
                Cell::plain(format!("dstest {}", args.collect::<Vec<_>>().join(" "))),
            ]
        }
        Err(error) => vec![
            Cell::plain("?"),
            Cell::plain(&dir.short_id),
            Cell::plain(""),
            Cell::plain(""),
            Cell::new(error.to_string(), TextStyle::Warning),
        ],
    };
    Row { item: dir.clone(), cells, keys: Vec::new() }
}

/// The results in the summary of a campaign; a running or killed one has none yet.
struct Results {
    failed: u64,
    total: String,
}

impl Results {
    fn of(dir: &CampaignDir) -> Self {
        let summary: serde_json::Value =
            read_json(&dir.path.join("summary.json"), DESCRIPTION_BYTES_MAX).unwrap_or_default();
        let sum = |key: &str| -> u64 {
            let tests = summary["tests"].as_array().into_iter().flatten();
            tests.filter_map(|test| test[key].as_u64()).sum()
        };
        let done = summary["done"].as_u64().unwrap_or_else(|| sum("total"));
        let total = match (summary.is_object(), summary["planned"].as_u64()) {
            (false, _) => "no summary".to_owned(),
            (true, Some(planned)) if done < planned => format!("{done} of {planned}"),
            (true, _) => done.to_string(),
        };
        Self { failed: sum("failed"), total }
    }
}

/// The tests of a campaign.
pub(crate) fn tests(campaign: &Campaign) -> Vec<Row<usize>> {
    let tally = &campaign.tally;
    tally.tests().iter().enumerate().map(|(at, test)| test_row(tally, at, test)).collect()
}

fn test_row(tally: &Tally, at: usize, test: &TestTally) -> Row<usize> {
    let (failed, total) = (test.failed(), test.total());
    let interval = stats::interval(failed, total);
    let rate = match total {
        0 => "–".to_owned(),
        _ => format!("{}–{}", percent(interval.low), percent(interval.high)),
    };
    let kinds = tally.groups().iter().filter(|group| group.test == at).count();
    let summary = test.time.summary();
    let time = |seconds: Option<f64>| seconds.map_or_else(|| "–".to_owned(), duration::short);
    let name_style = match (failed, total) {
        (_, 0) => TextStyle::Warning,
        (0, _) if test.count(Verdict::Flaky) > 0 => TextStyle::Warning,
        (0, _) => TextStyle::Good,
        (_, _) => TextStyle::Bad,
    };
    let count = |number: u64, style: TextStyle| Cell::new(number.to_string(), style);
    let failed_style = if failed > 0 { TextStyle::Bad } else { TextStyle::Faint };
    Row {
        item: at,
        cells: vec![
            Cell::new(&test.name, name_style),
            count(failed, failed_style),
            count(total, TextStyle::Normal),
            Cell::plain(rate),
            count(kinds as u64, if kinds > 0 { TextStyle::Normal } else { TextStyle::Faint }),
            Cell::plain(time(summary.map(|summary| summary.p50))),
            Cell::plain(time(summary.map(|summary| summary.max))),
            Cell::new(histogram(test.time.values()), TextStyle::Faint),
        ],
        keys: vec![failed as f64, interval.low, summary.map_or(0.0, |summary| summary.p50)],
    }
}

/// The failures of a test, its passed runs, and its runs without a result.
pub(crate) fn failures(campaign: &Campaign, test: usize) -> Vec<Row<RunFilter>> {
    let groups = campaign.tally.groups().iter().enumerate();
    let mut groups: Vec<_> = groups.filter(|(_, group)| group.test == test).collect();
    groups.sort_by_key(|(_, group)| (group.kind, std::cmp::Reverse(group.count)));
    let row = |(at, group): (usize, &crate::report::tally::Group)| {
        let known = campaign.is_known(test, &group.signature);
        let style = if known { TextStyle::Faint } else { TextStyle::Normal };
        let (count_style, flaky) = match group.kind {
            FailureKind::Final => (TextStyle::Bad, ""),
            FailureKind::Flaky => (TextStyle::Warning, "flaky: "),
        };
        Row {
            item: RunFilter::Failed(at),
            cells: vec![
                Cell::new(format!("{} ×", group.count), count_style),
                Cell::plain(format!("#{}", group.first)),
                Cell::new(if known { "known" } else { "" }, style),
                Cell::new(format!("{flaky}{}", group.signature), style),
            ],
            keys: Vec::new(),
        }
    };
    let mut rows: Vec<Row<RunFilter>> = groups.into_iter().map(row).collect();
    for (which, class, words) in [
        (RunFilter::Passed, Class::Pass, "passed"),
        (RunFilter::Skipped, Class::Skip, "skipped"),
        (RunFilter::Inconclusive, Class::Inconclusive, "cancelled or not started"),
    ] {
        let tally = &campaign.tally.tests()[test];
        let of_class = Verdict::ALL.iter().filter(|verdict| verdict.class() == class);
        let of_class = of_class.filter(|verdict| verdict.failure().is_none());
        let count: u64 = of_class.map(|verdict| tally.count(*verdict)).sum();
        if count > 0 {
            let style = if class == Class::Pass { TextStyle::Good } else { TextStyle::Warning };
            let first = campaign.runs_of(test, &which).first().copied();
            let first = first.map_or_else(String::new, |run| campaign.runs[run].1.iter.to_string());
            let cells = vec![
                Cell::new(format!("{count} ×"), style),
                Cell::plain(format!("#{first}")),
                Cell::plain(""),
                Cell::new(words, style),
            ];
            rows.push(Row { item: which, cells, keys: Vec::new() });
        }
    }
    rows
}

/// Runs of a test, by their places in the campaign.
pub(crate) fn runs(campaign: &Campaign, runs: &[usize]) -> Vec<Row<usize>> {
    runs.iter().map(|run| run_row(campaign, *run)).collect()
}

fn run_row(campaign: &Campaign, run: usize) -> Row<usize> {
    let record = &campaign.runs[run].1;
    let kind = campaign.log_kind(run);
    let (log, style) = match kind {
        LogKind::Full => ("full", TextStyle::Good),
        LogKind::Kept => ("kept", TextStyle::Normal),
        LogKind::None => ("–", TextStyle::Faint),
    };
    Row {
        item: run,
        cells: vec![
            Cell::plain(format!("#{}", record.iter)),
            Cell::new(record.verdict.label(), verdict_style(record)),
            Cell::plain(record.seed.to_string()),
            Cell::plain(duration::short(record.wall_s())),
            Cell::new(log, style),
            Cell::plain(record.signature.as_deref().unwrap_or("")),
        ],
        keys: vec![record.wall_s(), f64::from(kind as u8)],
    }
}

fn verdict_style(record: &RunRecord) -> TextStyle {
    match record.verdict.class() {
        Class::Pass if record.verdict == Verdict::Flaky => TextStyle::Warning,
        Class::Pass => TextStyle::Good,
        Class::Fail => TextStyle::Bad,
        Class::Skip | Class::Inconclusive => TextStyle::Warning,
    }
}

/// A histogram of times from the shortest to the longest, one character a class.
fn histogram(values: &[f32]) -> String {
    let bounds = values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
        (low.min(*value), high.max(*value))
    });
    let (low, high) = bounds;
    if values.len() < 2 || high <= low {
        return String::new();
    }
    let mut counts = [0_usize; BARS];
    for value in values {
        let share = (value - low) / (high - low);
        counts[((share * BARS as f32) as usize).min(BARS - 1)] += 1;
    }
    bars(&counts)
}

/// Enough classes to show two peaks.
const BARS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_shape() {
        assert_eq!(histogram(&[]), "");
        assert_eq!(histogram(&[1.0]), "");
        assert_eq!(histogram(&[1.0, 1.0]), "");
        assert_eq!(histogram(&[1.0, 1.0, 1.0, 1.0, 2.0]), "█          ▂");
        let even: Vec<f32> = (0..120).map(|n| n as f32).collect();
        assert_eq!(histogram(&even), "████████████");
    }
}
