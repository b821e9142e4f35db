//! `dstest compare`: significant differences of failure rates and times between two campaigns.

use super::location::store_of;
use crate::campaign::StoredCampaign;
use crate::cli::CompareArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::report::stats;
use crate::report::summary::percent;
use crate::report::tally::TestTally;
use crate::text::style::{Paint, TextStyle};
use crate::text::table::{Align, Cell, Table};
use crate::text::{console, duration};

/// Compares test by test.
pub(super) fn run(args: &CompareArgs) -> Result<Exit, Error> {
    let store = store_of(&args.location)?;
    let (old, _) = StoredCampaign::open(&store, Some(&args.old))?.tally()?;
    let (new, _) = StoredCampaign::open(&store, args.new.as_deref())?.tally()?;
    let mut table = Table::default();
    table.column("Test", Align::Left);
    for title in ["Failed before", "Failed now", "Time before", "Time now"] {
        table.column(title, Align::Right);
    }
    table.column("Change", Align::Left);
    for test in new.tests() {
        let before = old.tests().iter().find(|before| before.name == test.name);
        table.row(row(before, test));
    }
    let paint = Paint::choose(args.location.store.color, &std::io::stdout());
    console::print(&table.render(paint));
    Ok(Exit::Success)
}

fn row(before: Option<&TestTally>, now: &TestTally) -> Vec<Cell> {
    let (words, style) =
        before.map_or(("not run before".to_owned(), TextStyle::Faint), |b| verdict(b, now));
    let blank = || Cell::plain("–");
    vec![
        Cell { text: now.name.clone(), style },
        before.map_or_else(blank, |test| Cell::plain(failed(test))),
        Cell::plain(failed(now)),
        before.map_or_else(blank, |test| Cell::plain(time(test))),
        Cell::plain(time(now)),
        Cell { text: words, style },
    ]
}

fn failed(test: &TestTally) -> String {
    format!("{} of {}", test.failed(), test.total())
}

fn time(test: &TestTally) -> String {
    test.time.moments().mean().map_or_else(|| "–".to_owned(), duration::short)
}

/// The significant changes, in words.
fn verdict(before: &TestTally, now: &TestTally) -> (String, TextStyle) {
    let mut words = Vec::new();
    let mut style = TextStyle::Normal;
    let chance = stats::fisher((before.failed(), before.total()), (now.failed(), now.total()));
    let rate = |test: &TestTally| test.failed() as f64 / test.total().max(1) as f64;
    if chance < SIGNIFICANT {
        let is_worse = rate(now) > rate(before);
        style = if is_worse { TextStyle::Bad } else { TextStyle::Good };
        let change = if is_worse { "fails more often" } else { "fails less often" };
        words.push(format!("{change} ({})", p_value(chance)));
    } else if before.failed() + now.failed() > 0 {
        words.push(format!("no significant difference ({})", p_value(chance)));
    }
    let (old, new) = (before.time.moments(), now.time.moments());
    if let (Some(chance), Some(was), Some(is)) = (stats::welch(old, new), old.mean(), new.mean())
        && chance < SIGNIFICANT
    {
        let change = if is > was { "slower" } else { "faster" };
        words.push(format!("{} {change} ({})", percent((is / was - 1.0).abs()), p_value(chance)));
    }
    if words.is_empty() {
        ("no significant difference".to_owned(), style)
    } else {
        (words.join("; "), style)
    }
}

fn p_value(chance: f64) -> String {
    if chance < 0.001 { "p < 0.001".to_owned() } else { format!("p = {chance:.3}") }
}

/// The usual limit: chance alone exceeds it in 1 of 20 comparisons.
const SIGNIFICANT: f64 = 0.05;
