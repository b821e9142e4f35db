//! The patterns that select tests.

use regex::{Regex, RegexBuilder, bytes};

use super::error::PlanError;
use crate::cli::TargetArgs;
use crate::suite::{Ignored, Selection};

/// The selection that patterns as typed mean.
///
/// # Errors
/// [`PlanError::BadPattern`].
pub fn selection(
    patterns: &[String],
    skip: &[String],
    target: &TargetArgs,
) -> Result<Selection, PlanError> {
    let ignored = if target.include_ignored { Ignored::Include } else { Ignored::LeaveOut };
    Ok(Selection {
        patterns: self::patterns("PATTERN", patterns)?,
        typed: patterns.to_vec(),
        skip: self::patterns("--skip", skip)?,
        ignored,
    })
}

/// Regular expressions, case ignored; `origin` is the option that gave them.
///
/// # Errors
/// [`PlanError::BadPattern`].
pub fn patterns(origin: &'static str, patterns: &[String]) -> Result<Vec<Regex>, PlanError> {
    patterns.iter().map(|pattern| compile_one(origin, pattern)).collect()
}

pub(super) fn compile_one(origin: &'static str, pattern: &str) -> Result<Regex, PlanError> {
    let compiled = RegexBuilder::new(pattern).case_insensitive(true).build();
    compiled.map_err(|error| bad_pattern(origin, pattern, &error))
}

/// A pattern for output, which need not be UTF-8.
pub(super) fn compile_bytes(
    origin: &'static str,
    pattern: Option<&str>,
) -> Result<Option<bytes::Regex>, PlanError> {
    let Some(pattern) = pattern else { return Ok(None) };
    let compiled = bytes::RegexBuilder::new(pattern).case_insensitive(true).build();
    compiled.map(Some).map_err(|error| bad_pattern(origin, pattern, &error))
}

fn bad_pattern(origin: &'static str, pattern: &str, error: &regex::Error) -> PlanError {
    let reason = last_line(&error.to_string());
    PlanError::BadPattern { origin, pattern: pattern.to_owned(), reason }
}

/// The last line of a parser's message: the reason, below a drawing of the pattern.
fn last_line(message: &str) -> String {
    let line = message.lines().last().unwrap_or("").trim();
    line.trim_start_matches("error: ").to_owned()
}
