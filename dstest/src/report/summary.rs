//! The results of a campaign in words: the table, the distinct failures, the failure rates.
//!
//! Pure: a [`Tally`] in, text out.

use crate::plan::Columns;
use crate::record::passed_line::UNDECIDED;
use crate::record::{COLUMNS, Column, FailureKind, REPORTED_TIME, Shown, Unit, Verdict};
use crate::report::histogram;
use crate::report::stats::{self, Moments};
use crate::report::tally::{Tally, TestTally};
use crate::text::style::{Paint, TextStyle};
use crate::text::table::{Align, Cell, Narrow, Table};
use crate::text::{duration, sink};

/// The table of results as text within a width, with the histogram if selected.
#[must_use]
pub fn table(tally: &Tally, columns: Columns, paint: Paint, width: Option<usize>) -> String {
    let mut text = results(tally, columns).render(paint, width);
    if columns.histogram {
        text.push_str(&histogram::lines(tally));
    }
    text
}

/// The table of those tests alone that have failed or were not run, and the number of the others.
#[must_use]
pub fn failed_table(tally: &Tally, columns: Columns, paint: Paint, width: Option<usize>) -> String {
    let is_shown = |test: &&TestTally| name_style(test) != TextStyle::Good;
    let (all, shown) = (tally.tests().len(), tally.tests().iter().filter(is_shown).count());
    let table = rows(tally, columns, is_shown).render(paint, width);
    let table = if shown > 0 { table } else { String::new() };
    format!("{table}{} of {all} tests passed\n", all - shown)
}

/// The table of results.
#[must_use]
pub fn results(tally: &Tally, columns: Columns) -> Table {
    rows(tally, columns, |_| true)
}

fn rows(tally: &Tally, columns: Columns, is_shown: impl Fn(&&TestTally) -> bool) -> Table {
    let shape = Shape::of(tally, columns);
    let mut table = Table::default();
    table.column("Test", Align::Left, Narrow::Shorten);
    shape.titles().for_each(|(title, narrow)| table.column(title, Align::Right, narrow));
    for test in tally.tests().iter().filter(is_shown) {
        let mut row = vec![Cell { text: test.name.clone(), style: name_style(test) }];
        row.extend(shape.cells(test));
        table.row(row);
    }
    table
}

/// The text under the table; `replay` gives the command that repeats a run.
#[must_use]
pub fn conclusions(
    tally: &Tally,
    paint: Paint,
    replay: impl Fn(usize, crate::seed::Iteration) -> String,
) -> String {
    let mut out = String::new();
    for line in remarks(tally) {
        out.push_str(&paint.apply(TextStyle::Warning, &sink::screen(&line)));
        out.push('\n');
    }
    if tally.failed() > 0 {
        out.push_str(&distinct(tally, FailureKind::Final, paint, &replay));
    }
    if tally.count(Verdict::Flaky) > 0 {
        out.push_str(&distinct(tally, FailureKind::Flaky, paint, &replay));
    }
    out + &rates(tally) + &proof(tally)
}

/// The coverage of situations: all with `--metrics`, else those never reached.
#[must_use]
pub fn coverage(tally: &Tally, columns: Columns, paint: Paint, width: Option<usize>) -> String {
    let coverage = tally.coverage();
    let table = if columns.metrics { coverage.table(paint, width) } else { String::new() };
    table + &coverage.line(paint)
}

/// The columns.
struct Shape {
    columns: Columns,
    /// Verdicts that have a column where there is any.
    others: Vec<Verdict>,
    metrics: Vec<Column>,
}

impl Shape {
    fn of(tally: &Tally, columns: Columns) -> Self {
        let is_shown = |column: &Column| is_shown(*column, tally, columns);
        let others = [Verdict::Flaky, Verdict::Skipped].into_iter();
        let others = others.filter(|verdict| tally.count(*verdict) > 0).collect();
        let metrics = COLUMNS.into_iter().filter(is_shown).collect();
        Self { columns, others, metrics }
    }

    /// Each title, with what becomes of it in a narrow terminal.
    fn titles(&self) -> impl Iterator<Item = (&'static str, Narrow)> {
        let title = |verdict: &Verdict| {
            (if *verdict == Verdict::Flaky { "Flaky" } else { "Skipped" }, Narrow::Keep)
        };
        let others = self.others.iter().map(title);
        let timing = if self.columns.timing { &TIMING[..] } else { &[] };
        let metrics = self.metrics.iter().map(|column| (column.title, Narrow::Drop(METRICS_RANK)));
        let always = COUNTS.into_iter().chain(others).chain([("Time", Narrow::Keep)]);
        always.chain(timing.iter().copied()).chain(metrics)
    }

    fn cells(&self, test: &TestTally) -> Vec<Cell> {
        let failed_style = if test.failed() > 0 { TextStyle::Bad } else { TextStyle::Normal };
        let mut cells = vec![
            Cell { text: test.failed().to_string(), style: failed_style },
            Cell::plain(test.total().to_string()),
        ];
        for verdict in &self.others {
            let count = test.count(*verdict);
            let style = if count > 0 { TextStyle::Warning } else { TextStyle::Normal };
            cells.push(Cell { text: count.to_string(), style });
        }
        cells.push(Cell::plain(spread(test.time.moments())));
        if self.columns.timing {
            cells.extend(timing(test).into_iter().map(Cell::plain));
        }
        cells.extend(self.metrics.iter().map(|column| Cell::plain(metric(*column, test))));
        cells
    }
}

const COUNTS: [(&str, Narrow); 2] = [("Failed", Narrow::Keep), ("Total", Narrow::Keep)];

/// The columns of `--timing`.
const TIMING: [(&str, Narrow); 6] = [
    ("p50", Narrow::Drop(3)),
    ("p95", Narrow::Drop(2)),
    ("Max", Narrow::Drop(1)),
    ("User", Narrow::Drop(5)),
    ("System", Narrow::Drop(6)),
    ("Memory", Narrow::Drop(4)),
];

/// The rank of numbers that tests report: they stay longest, but for the tail of the times.
const METRICS_RANK: u8 = 2;

fn timing(test: &TestTally) -> Vec<String> {
    let time = |seconds: Option<f64>| seconds.map_or_else(nothing, duration::short);
    let memory = test.memory_kib.max().map(|kib| format!("{:.1} MiB", kib / 1024.0));
    let times = test.time.summary();
    vec![
        time(times.map(|times| times.p50)),
        time(times.map(|times| times.p95)),
        time(times.map(|times| times.max)),
        time(test.user.mean()),
        time(test.system.mean()),
        memory.unwrap_or_else(nothing),
    ]
}

fn is_shown(column: Column, tally: &Tally, columns: Columns) -> bool {
    match column.shown {
        Shown::IfReported => tally.tests().iter().any(|t| t.metrics.moments(column.key).is_some()),
        Shown::WithMetrics => columns.metrics,
        Shown::Never => false,
    }
}

pub(super) fn metric(column: Column, test: &TestTally) -> String {
    let moments = test.metrics.moments(column.key).copied().unwrap_or_default();
    match column.unit {
        Unit::Seconds => spread(&moments),
        Unit::Count => count_mean(&moments),
    }
}

pub(super) fn name_style(test: &TestTally) -> TextStyle {
    match (test.failed(), test.total()) {
        (0, 0) => TextStyle::Warning,
        (0, _) if test.count(Verdict::Flaky) > 0 => TextStyle::Warning,
        (0, _) => TextStyle::Good,
        (_, _) => TextStyle::Bad,
    }
}

pub(super) fn spread(moments: &Moments) -> String {
    moments.mean().map_or_else(nothing, |mean| duration::spread(mean, moments.deviation()))
}

fn count_mean(moments: &Moments) -> String {
    moments.mean().map_or_else(nothing, |mean| format!("{mean:.0}"))
}

/// The load of the processors, with `--timing` or if it may have made runs fail. A suite whose own
/// time is faster than the clock is simulated and does not depend on it.
#[must_use]
pub fn load(tally: &Tally, wall_s: f64, cores: Option<u32>, columns: Columns) -> Option<String> {
    let share = tally.busy_s() / (wall_s * f64::from(cores?));
    let is_simulated = tally.tests().iter().any(|test| {
        let reported = test.metrics.moments(REPORTED_TIME).and_then(Moments::mean);
        reported > test.time.moments().mean().map(|wall| 2.0 * wall)
    });
    let is_suspect = share >= BUSY && wall_s >= 1.0 && tally.failed() > 0 && !is_simulated;
    let is_shown = columns.timing && share.is_finite();
    let warning =
        if is_suspect { "; real-time limits may fail from this alone (reduce -p)" } else { "" };
    (is_shown || is_suspect)
        .then(|| format!("CPU load of the runs: {}{warning}\n", percent(share.min(1.0))))
}

/// Above this share of all processors, waiting for a time may become waiting for a processor.
const BUSY: f64 = 0.9;

/// Remarks on runs that are not in the failure rate, or did not check everything.
pub(super) fn remarks(tally: &Tally) -> Vec<String> {
    inconclusive(tally).into_iter().chain(undecided(tally)).collect()
}

/// Remarks on runs that are not in the failure rate, or passed with a defect.
fn inconclusive(tally: &Tally) -> Vec<String> {
    let start_error = tally.start_error().unwrap_or("unknown reason");
    let not_started = format!("could not be started: {start_error}");
    let skipped = match tally.skip_reason() {
        Some(reason) => format!("skipped (not counted): {reason}"),
        None => String::new(),
    };
    let rows = [
        (Verdict::NotStarted, not_started.as_str()),
        (Verdict::Skipped, &skipped),
        (Verdict::Leaked, "passed but left processes running (killed)"),
        (Verdict::Cancelled, "cancelled (not counted)"),
    ];
    let remarks = rows.into_iter().map(|(verdict, words)| (tally.count(verdict), words));
    remarks
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{} {words}", runs(count)))
        .collect()
}

/// The keys whose histories were not checked to the end, which passed as far as is known.
fn undecided(tally: &Tally) -> Option<String> {
    let of_tests = tally.tests().iter().filter_map(|test| test.metrics.moments(UNDECIDED));
    let (count, keys) = of_tests.fold((0, 0.0), |(count, keys), moments| {
        let own = moments.count();
        (count + own, keys + moments.mean().unwrap_or(0.0) * own as f64)
    });
    (count > 0).then(|| {
        format!(
            "{} left {keys:.0} keys undecided (--fail-regex '^undecided:' lets such runs fail)",
            runs(count)
        )
    })
}

/// The upper bound of the failure rate after a campaign without failures, of any attempt.
pub(super) fn proof(tally: &Tally) -> String {
    if tally.nothing_tested() {
        return "Nothing was tested: every run was skipped\n".to_owned();
    }
    if tally.failed() + tally.count(Verdict::Flaky) > 0 {
        return String::new();
    }
    let totals = tally.tests().iter().map(TestTally::total).filter(|total| *total > 0);
    let ran = totals.clone().count();
    let Some(fewest) = totals.min() else { return String::new() };
    let bound = percent(stats::interval(0, fewest).high);
    let each = match (tally.tests().len(), ran) {
        (1, _) => "it fails",
        (all, ran) if ran < all => "each test that ran fails",
        (_, _) => "each test fails",
    };
    format!(
        "No failure in {}{}: {each} in less than {bound} of runs (95 % confidence)\n",
        runs(fewest),
        if tally.tests().len() == 1 { "" } else { " of each test" }
    )
}

/// Each distinct failure with its count and the command that replays it.
fn distinct(
    tally: &Tally,
    kind: FailureKind,
    paint: Paint,
    replay: impl Fn(usize, crate::seed::Iteration) -> String,
) -> String {
    let mut groups: Vec<_> = tally.groups().iter().filter(|group| group.kind == kind).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    let kinds =
        if groups.len() == 1 { "one kind".to_owned() } else { format!("{} kinds", groups.len()) };
    let mut out = match (kind, tally.failed(), tally.count(Verdict::Flaky)) {
        (FailureKind::Final, 1, _) => "1 failure:\n".to_owned(),
        (FailureKind::Final, failed, _) => format!("{failed} failures of {kinds}:\n"),
        (FailureKind::Flaky, _, 1) => {
            "1 flaky run: it failed, and passed when repeated (retries):\n".to_owned()
        }
        (FailureKind::Flaky, _, flaky) => format!(
            "{flaky} flaky runs of {kinds}: they failed, and passed when repeated (retries):\n"
        ),
    };
    for group in &groups {
        let count = paint.apply(TextStyle::Bad, &format!("{:>5} ×", group.count));
        let name = sink::screen(&tally.tests()[group.test].name);
        let name = paint.apply(TextStyle::Strong, &name);
        out.push_str(&format!("{count} {name}: {}\n", sink::screen(&group.signature)));
        out.push_str(&format!(
            "{COMMAND_INDENT}{}\n",
            paint.apply(TextStyle::Faint, &replay(group.test, group.first))
        ));
    }
    out
}

/// The beginning of the lines under the table that are commands.
pub const COMMAND_INDENT: &str = "        ";

/// The rates at which tests fail, and at which they pass only when repeated.
fn rates(tally: &Tally) -> String {
    let mut out = String::new();
    for test in tally.tests() {
        let rows = [("fails", test.failed()), ("is flaky", test.count(Verdict::Flaky))];
        for (words, count) in rows.into_iter().filter(|(_, count)| *count > 0) {
            let interval = stats::interval(count, test.total());
            let rate = percent(count as f64 / test.total() as f64);
            let (low, high) = (percent(interval.low), percent(interval.high));
            out.push_str(&format!(
                "{} {words} in {rate} of runs ({count} of {}; 95 % interval {low} to {high})\n",
                sink::screen(&test.name),
                test.total()
            ));
        }
    }
    out
}

/// A share in per cent, with more digits the smaller it is.
#[must_use]
pub fn percent(share: f64) -> String {
    let per_cent = share * 100.0;
    match per_cent {
        0.0 => "0 %".to_owned(),
        small if small < 0.1 => format!("{small:.3} %"),
        small if small < 1.0 => format!("{small:.2} %"),
        all if all >= 99.95 => "100 %".to_owned(),
        other => format!("{other:.1} %"),
    }
}

/// A count of runs in words.
#[must_use]
pub fn runs(count: u64) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

/// A further result in a list of counts: `, 2 flaky`; empty if there is none.
#[must_use]
pub(crate) fn further(count: u64, result: &str) -> String {
    if count == 0 { String::new() } else { format!(", {count} {result}") }
}

/// The cell of a mean without values.
fn nothing() -> String {
    "–".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ColumnArgs;
    use crate::report::tally::tests::record;

    fn tally() -> Tally {
        let mut tally = Tally::new(["backup_2b", "figure8_2c", "hang_2d"]);
        for iter in 1..=4 {
            tally.record(0, &record("backup_2b", iter, Verdict::Passed, 0.25 * f64::from(iter)));
        }
        tally.record(1, &record("figure8_2c", 1, Verdict::Passed, 0.5));
        tally.record(1, &record("figure8_2c", 2, Verdict::Failed, 0.9));
        tally.record(1, &record("figure8_2c", 3, Verdict::Failed, 0.9));
        tally.record(2, &record("hang_2d", 1, Verdict::Cancelled, 7.0));
        tally
    }

    fn replay(test: usize, iter: crate::seed::Iteration) -> String {
        format!("dstest replay 4f2a {test}#{iter}")
    }

    #[test]
    fn a_campaign_in_words() {
        let tally = tally();
        let plain = table(&tally, Columns::default(), Paint::Plain, None);
        insta::assert_snapshot!(plain + &conclusions(&tally, Paint::Plain, replay));
    }

    #[test]
    fn every_column() {
        let columns = Columns::new(&ColumnArgs {
            timing: true,
            metrics: true,
            hist: true,
            by_pattern: false,
        });
        let narrow = table(&tally(), columns, Paint::Plain, Some(80));
        insta::assert_snapshot!(table(&tally(), columns, Paint::Plain, None) + &narrow);
    }

    #[test]
    fn a_clean_campaign_has_an_upper_bound_of_its_rate() {
        let mut tally = Tally::new(["a"]);
        for iter in 1..=50 {
            tally.record(0, &record("a", iter, Verdict::Passed, 2.0));
        }
        insta::assert_snapshot!(
            table(&tally, Columns::default(), Paint::Plain, None)
                + &conclusions(&tally, Paint::Plain, replay)
        );
    }

    #[test]
    fn keys_that_were_not_decided_are_said() {
        let mut tally = Tally::new(["a", "b"]);
        for (test, key, keys) in [(0, "a", 2_u64), (0, "a", 1), (1, "b", 4)] {
            let mut record = record(key, 1, Verdict::Passed, 1.0);
            record.metrics = Some([(UNDECIDED, keys.into())].into_iter().collect());
            tally.record(test, &record);
        }
        let text = conclusions(&tally, Paint::Plain, replay);
        assert!(text.starts_with("3 runs left 7 keys undecided (--fail-regex"), "{text}");
    }

    #[test]
    fn a_high_load_is_named_if_it_may_explain_failures() {
        let load_text = |reported_s: Option<f64>, cores, columns| {
            let mut tally = Tally::new(["a"]);
            for iter in 1..=10 {
                let verdict = if iter == 1 { Verdict::Failed } else { Verdict::Passed };
                // Each is busy for 0.7 s of its second.
                let mut record = record("a", iter, verdict, 1.0);
                let time = serde_json::Number::from_f64(reported_s.unwrap_or(1.0)).unwrap();
                record.metrics =
                    record.metrics.map(|_| [(REPORTED_TIME, time)].into_iter().collect());
                tally.record(0, &record);
            }
            load(&tally, 3.6, cores, columns).unwrap_or_default()
        };
        let timing = ColumnArgs { timing: true, metrics: false, hist: false, by_pattern: false };
        let (mean, all) = (Columns::default(), Columns::new(&timing));
        let warning = load_text(None, Some(2), mean);
        assert!(warning.starts_with("CPU load of the runs: 97.2 %; real-time"), "{warning}");
        assert_eq!(load_text(None, Some(8), mean), "");
        assert_eq!(load_text(Some(30.0), Some(2), mean), "", "simulated time");
        assert_eq!(load_text(None, Some(8), all), "CPU load of the runs: 24.3 %\n");
        assert_eq!(load_text(None, None, all), "", "the number of processors is unknown");
    }

    #[test]
    fn shares_in_per_cent() {
        let rows = [
            (0.0, "0 %"),
            (0.000_38, "0.038 %"),
            (0.0038, "0.38 %"),
            (0.071, "7.1 %"),
            (1.0, "100 %"),
        ];
        for (share, want) in rows {
            assert_eq!(percent(share), want);
        }
    }
}
