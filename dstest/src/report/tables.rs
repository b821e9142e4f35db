//! The results as Markdown and as CSV.

use super::junit::{FLAKY, kinds, seed_note};
use super::stats::Moments;
use super::tally::{Tally, TestTally};
use crate::record::{COLUMNS, Column, FailureKind, Verdict};
use crate::seed::Iteration;
use crate::text::sink;
use crate::text::table::{Align, Table};

/// A Markdown table.
#[must_use]
pub fn markdown(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(table.columns().map(|(title, _)| sink::markdown(title)).collect());
    let rule = |align| match align {
        Align::Left => ":--".to_owned(),
        Align::Right => "--:".to_owned(),
    };
    out.push_str(&line(table.columns().map(|(_, align)| rule(align)).collect()));
    for row in table.rows() {
        out.push_str(&line(row.iter().map(|cell| sink::markdown(&cell.text)).collect()));
    }
    out
}

/// The kinds of failures as a Markdown list, each with the command that `replay` gives.
#[must_use]
pub fn markdown_failures(tally: &Tally, replay: impl Fn(usize, Iteration) -> String) -> String {
    let mut out = String::new();
    for (at, test) in tally.tests().iter().enumerate() {
        for kind in kinds(tally, at) {
            let seed = seed_note(test, kind.first);
            let flaky = if kind.kind == FailureKind::Flaky { FLAKY } else { "" };
            out.push_str(&format!(
                "- **{}** × {}: {flaky}{} \\\n  run \\#{}{seed}: <code>{}</code>\n",
                sink::markdown(&test.name),
                kind.count,
                sink::markdown(&kind.signature),
                kind.first,
                sink::markdown(&replay(at, kind.first)),
            ));
        }
    }
    if out.is_empty() { out } else { format!("\n{out}") }
}

/// Comma-separated values (RFC 4180): the same columns for every campaign, numbers in the unit that
/// the column names.
#[must_use]
pub fn csv(tally: &Tally) -> String {
    let line = |cells: Vec<String>| cells.join(",") + "\r\n";
    let metrics = COLUMNS.iter().map(|column| format!("{}_mean", column.key));
    let mut out = line(FIELDS.iter().map(|field| (*field).to_owned()).chain(metrics).collect());
    for test in tally.tests() {
        out.push_str(&line(fields(test)));
    }
    out
}

fn fields(test: &TestTally) -> Vec<String> {
    let seconds =
        |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.6}"));
    let times = test.time.summary();
    let mut fields = vec![
        sink::csv(&test.name),
        sink::csv(&test.key),
        test.failed().to_string(),
        test.total().to_string(),
        test.count(Verdict::Skipped).to_string(),
        test.count(Verdict::TimedOut).to_string(),
        test.count(Verdict::Flaky).to_string(),
        seconds(times.map(|times| times.mean)),
        seconds(times.and_then(|times| times.std)),
        seconds(times.map(|times| times.min)),
        seconds(times.map(|times| times.p50)),
        seconds(times.map(|times| times.p95)),
        seconds(times.map(|times| times.p99)),
        seconds(times.map(|times| times.max)),
        seconds(test.user.mean()),
        seconds(test.system.mean()),
        test.memory_kib.max().map_or_else(String::new, |kib| format!("{kib:.0}")),
    ];
    let mean = |column: &Column| test.metrics.moments(column.key).and_then(Moments::mean);
    fields.extend(COLUMNS.iter().map(|column| seconds(mean(column))));
    fields
}

/// The columns, but for the numbers that tests report.
const FIELDS: [&str; 17] = [
    "test",
    "key",
    "failed",
    "total",
    "skipped",
    "timed_out",
    "flaky",
    "mean_s",
    "std_s",
    "min_s",
    "p50_s",
    "p95_s",
    "p99_s",
    "max_s",
    "user_mean_s",
    "system_mean_s",
    "memory_max_kib",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tally::tests::record;
    use crate::text::table::{Cell, Narrow};

    #[test]
    fn odd_names_do_not_break_the_table() {
        let mut table = Table::default();
        table.column("Test", Align::Left, Narrow::Shorten);
        table.column("Time", Align::Right, Narrow::Keep);
        table.row(["a|b,\"c\"\nx", "1 ± 2 s"].map(Cell::plain).to_vec());
        let want = "| Test | Time |\n| :-- | --: |\n| a\\|b,\"c\"\\\\x0ax | 1 ± 2 s |\n";
        assert_eq!(markdown(&table), want);
    }

    #[test]
    fn raw_numbers_and_failures() {
        let mut tally = Tally::new(["=a,b", "never_run"]);
        for iter in 1..=3 {
            tally.record(0, &record("=a,b", iter, Verdict::Passed, 0.5 * f64::from(iter)));
        }
        tally.record(0, &record("=a,b", 4, Verdict::Failed, 0.1));
        let replay = |test: usize, iter: Iteration| format!("dstest replay 4f2a {test}#{iter}");
        insta::assert_snapshot!(csv(&tally) + &markdown_failures(&tally, replay));
    }
}
