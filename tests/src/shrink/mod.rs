//! Makes a failing run small: fewer decisions, peers and requests, shorter delays, rounder numbers.
//!
//! ```text
//! Run that fails ─► its Case ─► passes: end, kinds, peers, single decisions, settings, times ─► Case
//!                                   each change is kept only if the same failure comes back
//! ```
//!
//! The same failure is one with the same [`identity`](crate::failure::Failure::identity). The effort
//! is bounded by events, not by time: a failure shrinks to the same case on every machine.

mod attempts;
mod decisions;
mod error;
mod peers;
mod settings;
mod times;

use std::fmt;

pub use self::error::ShrinkError;

use self::attempts::Attempts;
use crate::case::Case;
use crate::report::FailureReport;
use crate::run::Run;

/// A small case and how it was found.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The case.
    pub case: Case,
    /// Number of decisions of the failing run.
    pub from: usize,
    /// Number of cases tried.
    pub tried: u64,
    /// Result of each pass.
    pub passes: Vec<String>,
    /// Report of the small case.
    pub report: Box<FailureReport>,
}

/// Shrinks a run that fails.
///
/// # Errors
/// It does not fail, or playing its decisions does not fail in the same way.
pub fn shrink(run: &Run) -> Result<Shrunk, ShrinkError> {
    let Some(expected) = run.case.fails.clone() else { return Err(ShrinkError::Passes) };
    let mut attempts = Attempts::new(&run.case, expected)?;
    let mut passes = Vec::new();
    for (name, pass) in PASSES {
        let before = attempts.best.size();
        pass(&mut attempts);
        attempts.trim();
        let (after, tried) = (attempts.best.size(), attempts.tried);
        passes.push(format!("{name:<20} {before:>5} -> {after:<5} after {tried} runs"));
    }
    let from = run.case.size();
    let Attempts { best, tried, report, .. } = attempts;
    Ok(Shrunk { case: best, from, tried, passes, report })
}

type Pass = fn(&mut Attempts);

/// Passes in order: cheap ones that remove much come first; some come again because others made
/// room for them.
const PASSES: &[(&str, Pass)] = &[
    ("end of the run", |attempts| attempts.trim()),
    ("kinds of decisions", decisions::remove_kinds),
    ("peers", peers::remove),
    ("single decisions", decisions::remove_single),
    ("peers again", peers::remove),
    ("settings", settings::simplify),
    ("single decisions", decisions::remove_single),
    ("any seed", decisions::remove_single_any_seed),
    ("settings again", settings::simplify),
    ("any seed again", decisions::remove_single_any_seed),
    ("peers again", peers::remove),
    ("lengths", times::shorten),
    ("times", times::round_all),
    ("single decisions", decisions::remove_single),
    ("times again", times::round_all),
];

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, from, tried, passes, report } = self;
        writeln!(f, "SHRINK     {from} decisions -> {}, {tried} runs", case.size())?;
        for pass in passes {
            writeln!(f, "           {pass}")?;
        }
        writeln!(f, "MINIMAL")?;
        for line in case.to_string().lines() {
            writeln!(f, "           {line}")?;
        }
        write!(f, "{report}")
    }
}
