//! The table bug × suite, as it is printed and kept in `docs/canaries.md`, and the list of what must
//! be caught that is read from it.

use std::collections::BTreeMap;
use std::fmt;

use crate::canary::Canary;
use crate::hunt::{Outcome, Suite};

/// A canary and the verdict of each suite; `None` where the suite was not run.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) canary: &'a Canary,
    pub(crate) outcomes: Vec<Option<Outcome>>,
}

/// The table.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    pub(crate) suites: Vec<Suite>,
    pub(crate) rows: Vec<Row<'a>>,
}

/// The canaries that each suite caught when the table was last written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    suites: Vec<String>,
    caught: BTreeMap<String, Vec<bool>>,
}

impl Row<'_> {
    fn caught(&self) -> impl Iterator<Item = (u64, f64)> {
        self.outcomes.iter().flatten().filter_map(|outcome| match outcome {
            Outcome::Caught { seeds, seconds, .. } => Some((*seeds, *seconds)),
            Outcome::Passed { .. } | Outcome::Stopped { .. } => None,
        })
    }
}

impl Table<'_> {
    /// Canaries that no suite caught.
    pub(crate) fn missed(&self) -> impl Iterator<Item = &Canary> {
        self.rows.iter().filter(|row| row.caught().next().is_none()).map(|row| row.canary)
    }

    /// The number of caught canaries, and how soon the fastest suite catches them.
    pub(crate) fn summary(&self) -> String {
        let best = |row: &Row<'_>| row.caught().min_by(|a, b| a.1.total_cmp(&b.1));
        let mut caught: Vec<(u64, f64)> = self.rows.iter().filter_map(best).collect();
        let slowest = caught.iter().map(|(_, seconds)| *seconds).fold(0.0, f64::max);
        caught.sort_by_key(|(seeds, _)| *seeds);
        let median = caught.get(caught.len() / 2).map_or(0, |(seeds, _)| *seeds);
        format!(
            "{} of {} canaries caught; median {median} seeds, slowest {slowest:.1} s.",
            caught.len(),
            self.rows.len()
        )
    }
}

/// As Markdown, with columns that line up.
impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.suites.iter().map(|suite| suite.name);
        let header: Vec<String> = ["canary"]
            .into_iter()
            .chain(names)
            .chain(["what it does", "source"])
            .map(str::to_owned)
            .collect();
        let line = |row: &Row<'_>| -> Vec<String> {
            let cell = |outcome: &Option<Outcome>| {
                outcome.as_ref().map_or_else(|| NOT_RUN.to_owned(), Outcome::to_string)
            };
            let cells = row.outcomes.iter().map(cell);
            let Canary { name, does, source, .. } = row.canary;
            let about = [does.clone(), source.clone()];
            [name.clone()].into_iter().chain(cells).chain(about).collect()
        };
        let lines: Vec<Vec<String>> = self.rows.iter().map(line).collect();
        let width = |column: usize| {
            let cells = lines.iter().chain([&header]).map(|line| line[column].chars().count());
            cells.max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..header.len()).map(width).collect();
        write_line(f, &header, &widths)?;
        let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        write_line(f, &rules, &widths)?;
        lines.iter().try_for_each(|line| write_line(f, line, &widths))
    }
}

fn write_line(f: &mut fmt::Formatter<'_>, cells: &[String], widths: &[usize]) -> fmt::Result {
    for (cell, width) in cells.iter().zip(widths) {
        write!(f, "| {cell:width$} ")?;
    }
    writeln!(f, "|")
}

impl Expected {
    /// Reads a table that was written before, and skips the text around it.
    pub(crate) fn read(text: &str) -> Self {
        let mut expected = Self::default();
        for line in text.lines() {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            match cells[..] {
                ["", "canary", ref suites @ .., "what it does", "source", ""] => {
                    expected.suites = suites.iter().map(|name| (*name).to_owned()).collect();
                }
                ["", name, ref outcomes @ .., _, _, ""] if !name.starts_with('-') => {
                    // The number of seeds.
                    let caught = |cell: &&str| cell.starts_with(|c: char| c.is_ascii_digit());
                    let caught = outcomes.iter().map(caught).collect();
                    expected.caught.insert(name.to_owned(), caught);
                }
                _ => {}
            }
        }
        expected
    }

    /// True if the table has a row for this canary.
    pub(crate) fn has(&self, canary: &str) -> bool {
        self.caught.contains_key(canary)
    }

    /// The canaries of the table.
    #[cfg(test)]
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.caught.keys().map(String::as_str)
    }

    /// True if this suite must catch this canary.
    pub(crate) fn must_catch(&self, suite: &str, canary: &str) -> bool {
        let column = self.suites.iter().position(|name| name == suite);
        let row = self.caught.get(canary);
        row.zip(column).and_then(|(row, column)| row.get(column)).is_some_and(|caught| *caught)
    }
}

/// The cell of a suite that was not run.
const NOT_RUN: &str = "–";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hunt::{Cause, suites};

    fn canary(name: &str) -> Canary {
        let (does, source) = ("does wrong".to_owned(), "paper §5".to_owned());
        Canary {
            name: name.to_owned(),
            does,
            source,
            hangs: false,
            seeds: None,
            changes: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_is_what_must_be_caught() {
        let (one, two) = (canary("one"), canary("two"));
        let caught = Outcome::Caught {
            seeds: 3,
            seconds: 1.25,
            rule: "applier".to_owned(),
            by: "storm_of_five".to_owned(),
        };
        let passed = Some(Outcome::Passed { seeds: 100 });
        let stopped = Some(Outcome::Stopped { seed: 1, cause: Cause::CpuTime });
        let table = Table {
            suites: suites()[..3].to_vec(),
            rows: vec![
                Row { canary: &one, outcomes: vec![passed.clone(), Some(caught), None] },
                Row { canary: &two, outcomes: vec![passed, None, stopped] },
            ],
        };
        let expected = Expected::read(&format!("# Canaries\n\n{table}\n{}\n", table.summary()));
        assert!(expected.must_catch("storms", "one"));
        assert!(!expected.must_catch("scenarios", "one"));
        assert!(!expected.must_catch("storms", "two"));
        assert!(!expected.must_catch("swarm", "two"), "a hunt that was stopped caught nothing");
        assert!(expected.has("two") && !expected.has("three"));
        assert_eq!(table.missed().map(|canary| canary.name.as_str()).collect::<Vec<_>>(), ["two"]);
        assert_eq!(table.summary(), "1 of 2 canaries caught; median 3 seeds, slowest 1.2 s.");
    }
}
