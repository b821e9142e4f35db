//! `dstest compare`: significant differences of failure rates and times between two campaigns.

use super::location::store_of;
use crate::campaign::{StoredCampaign, check_files, write_export};
use crate::cli::CompareArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::report::compare::{Change, Clock, Comparison, Direction, Row, Side, p_words};
use crate::report::tables;
use crate::store::StoreError;
use crate::text::style::{Paint, TextStyle};
use crate::text::table::{Align, Cell, Narrow, Table};
use crate::text::{console, duration};

/// Compares test by test.
pub(super) fn run(args: &CompareArgs) -> Result<Exit, Error> {
    let files =
        [("--export-json", &args.export_json), ("--export-markdown", &args.export_markdown)];
    check_files(files)?;
    let store = store_of(&args.location)?;
    let old = StoredCampaign::open(&store, Some(&args.old))?;
    let new = StoredCampaign::open(&store, args.new.as_deref())?;
    if old.dir.path == new.dir.path {
        let id = &old.dir.short_id;
        let reason = format!("{id} would be compared with itself; name an older campaign, or two");
        return Err(StoreError::Unsuitable(reason).into());
    }
    let comparison = Comparison::new(&old.tally()?.0, &new.tally()?.0);
    let paint = Paint::choose(args.location.store.color, &std::io::stdout());
    let table = table(&comparison);
    let summary = summary(&comparison);
    console::print(&(table.render(paint, console::width()) + &summary));
    if let Some(file) = &args.export_markdown {
        write_export(file, &(tables::markdown(&table) + "\n" + &summary))?;
    }
    if let Some(file) = &args.export_json {
        write_export(file, &json(&comparison, &old, &new))?;
    }
    let fails = args.fail_on_worse && comparison.is_worse();
    Ok(if fails { Exit::SomeFailed } else { Exit::Success })
}

fn table(comparison: &Comparison) -> Table {
    let mut table = Table::default();
    table.column("Test", Align::Left, Narrow::Shorten);
    table.column("Failed", Align::Right, Narrow::Keep);
    table.column("Median time", Align::Right, Narrow::Keep);
    table.column("Change", Align::Left, Narrow::Wrap);
    comparison.tests.iter().for_each(|test| table.row(row(test)));
    table
}

fn row(test: &Row) -> Vec<Cell> {
    let failed = |side: Side| format!("{} of {}", side.failed, side.total);
    let time = |side: Side| side.median_s.map_or_else(nothing, duration::short);
    let both = |text: &dyn Fn(Side) -> String| {
        let [before, now] = [test.before, test.now].map(|side| side.map_or_else(nothing, text));
        format!("{before} → {now}")
    };
    let (words, style) = changes(test);
    vec![
        Cell { text: test.name.clone(), style },
        Cell::plain(both(&failed)),
        Cell::plain(both(&time)),
        Cell { text: words, style },
    ]
}

fn nothing() -> String {
    "–".to_owned()
}

/// The significant changes, in words.
fn changes(test: &Row) -> (String, TextStyle) {
    match (test.before, test.now) {
        (None, _) => return ("new".to_owned(), TextStyle::Faint),
        (_, None) => return ("not run now".to_owned(), TextStyle::Warning),
        (Some(before), Some(now)) if before.total == 0 || now.total == 0 => {
            return ("no result to compare".to_owned(), TextStyle::Warning);
        }
        (Some(_), Some(_)) => {}
    }
    let failures = test.failures.filter(|it| it.direction != Direction::Same).map(|change| {
        let words = match change.direction {
            Direction::Worse => "fails more often",
            Direction::Better | Direction::Same | Direction::Unclear => "fails less often",
        };
        format!("{words} ({})", p_words(change.p))
    });
    let time = test.time.filter(|it| it.direction != Direction::Same).map(|change| {
        let unclear = if change.direction == Direction::Unclear { UNCLEAR } else { "" };
        format!("takes {} as long{unclear} ({})", ratio(change), p_words(change.p))
    });
    let cpu = test.cpu.filter(|it| it.direction != Direction::Same);
    let cpu =
        cpu.map(|change| format!("takes {} the CPU time ({})", ratio(change), p_words(change.p)));
    let style = match (test.is(Direction::Worse), test.is(Direction::Better)) {
        (true, _) => TextStyle::Bad,
        (false, true) => TextStyle::Good,
        (false, false) if test.is(Direction::Unclear) => TextStyle::Warning,
        (false, false) => TextStyle::Normal,
    };
    let words: Vec<String> = failures.into_iter().chain(time).chain(cpu).collect();
    (
        if words.is_empty() { "no significant difference".to_owned() } else { words.join("; ") },
        style,
    )
}

/// The numbers of tests that differ, and what all have in common.
fn summary(comparison: &Comparison) -> String {
    let tests = &comparison.tests;
    let count = |direction| tests.iter().filter(|row| row.is(direction)).count();
    let mut text =
        format!("{} worse, {} better", count(Direction::Worse), count(Direction::Better));
    let new = tests.iter().filter(|row| row.before.is_none()).count();
    let gone = tests.iter().filter(|row| row.now.is_none()).count();
    for (number, words) in [(new, "new"), (gone, "not run now")] {
        if number > 0 {
            text.push_str(&format!(", {number} {words}"));
        }
    }
    text.push_str(&format!(
        " of {} (p < 0.05, corrected for {}; times beyond what the load may have changed)\n",
        tests_word(tests.len()),
        if tests.len() == 1 { "one test" } else { "all tests together" },
    ));
    let cpu = comparison.common_cpu_ratio.map(|ratio| format!("{} the CPU time", times(ratio)));
    let long = comparison.common_ratio.map(|ratio| format!("{} as long", times(ratio)));
    let common: Vec<String> = long.into_iter().chain(cpu).collect();
    if !common.is_empty() {
        text.push_str(&format!(
            "All tests took {}: the machine was busier or idler, or everything changed; ratios of \
             single tests are beyond that\n",
            common.join(", ")
        ));
    }
    text.push_str(match comparison.clock {
        Clock::Disturbed => {
            "The load of the machine changed so much that only CPU times of single tests say anything\n"
        }
        Clock::Unknown if count(Direction::Unclear) > 0 => {
            "With less than ten tests a change of the machine's load looks like one of the tests\n"
        }
        Clock::Steady | Clock::Unknown => "",
    });
    text
}

fn tests_word(count: usize) -> String {
    if count == 1 { "1 test".to_owned() } else { format!("{count} tests") }
}

/// The words after a time that may be that of the machine.
const UNCLEAR: &str = ", by its own doing or by the load";

fn ratio(change: Change) -> String {
    times(change.ratio.unwrap_or(1.0))
}

fn times(ratio: f64) -> String {
    format!("{ratio:.2} ×")
}

fn json(comparison: &Comparison, old: &StoredCampaign, new: &StoredCampaign) -> String {
    let name = |stored: &StoredCampaign| {
        stored.dir.path.file_name().map(|n| n.to_string_lossy().into_owned())
    };
    let document = serde_json::json!({
        "schema": 1, "before": name(old), "now": name(new), "comparison": comparison,
    });
    format!("{document:#}\n")
}
