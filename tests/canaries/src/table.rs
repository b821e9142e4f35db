//! The table bug × suite, as it is printed and kept in `docs/canaries.md`, and the list of what must
//! be caught that is read from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::canary::Canary;
use crate::hunt::{Outcome, Suite};

/// A canary and the verdict of each suite; `None` where the suite was not run.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) canary: &'a Canary,
    pub(crate) outcomes: Vec<Option<Outcome>>,
}

/// The table of one program under test.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    pub(crate) suites: Vec<Suite>,
    pub(crate) rows: Vec<Row<'a>>,
}

/// The suites that caught each canary when the tables were last written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    caught: BTreeMap<String, BTreeSet<String>>,
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

    /// The number of caught canaries, how soon the fastest suite catches them, and which takes longest.
    pub(crate) fn summary(&self) -> String {
        let best = |row: &Row<'_>| row.caught().min_by(|a, b| a.1.total_cmp(&b.1));
        let mut caught: Vec<(u64, f64, &str)> = self
            .rows
            .iter()
            .filter_map(|row| best(row).map(|(seeds, seconds)| (seeds, seconds, &*row.canary.name)))
            .collect();
        let (count, all) = (caught.len(), self.rows.len());
        let Some((_, seconds, name)) = caught.iter().max_by(|a, b| a.1.total_cmp(&b.1)).copied()
        else {
            return format!("0 of {all} canaries caught.");
        };
        caught.sort_by_key(|(seeds, ..)| *seeds);
        let median = caught[count / 2].0;
        let s = if median == 1 { "" } else { "s" };
        format!(
            "{count} of {all} canaries caught; median {median} seed{s}, slowest {seconds:.1} s ({name})."
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
    /// Reads tables that were written before, and skips the text around them.
    pub(crate) fn read(text: &str) -> Self {
        let (mut columns, mut caught) = (Vec::new(), BTreeMap::new());
        for line in text.lines() {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            match cells[..] {
                ["", "canary", ref suites @ .., "what it does", "source", ""] => {
                    columns = suites.to_vec();
                }
                ["", name, ref outcomes @ .., _, _, ""] if !name.starts_with('-') => {
                    // The number of seeds.
                    let is_caught = |cell: &str| cell.starts_with(|c: char| c.is_ascii_digit());
                    let row = columns.iter().zip(outcomes);
                    let suites = row.filter(|(_, cell)| is_caught(cell));
                    let suites = suites.map(|(suite, _)| (*suite).to_owned()).collect();
                    caught.insert(name.to_owned(), suites);
                }
                _ => {}
            }
        }
        Self { caught }
    }

    /// True if a table has a row for this canary.
    pub(crate) fn has(&self, canary: &str) -> bool {
        self.caught.contains_key(canary)
    }

    /// The canaries of the tables.
    #[cfg(test)]
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.caught.keys().map(String::as_str)
    }

    /// True if this suite must catch this canary.
    pub(crate) fn must_catch(&self, suite: &str, canary: &str) -> bool {
        self.caught.get(canary).is_some_and(|suites| suites.contains(suite))
    }
}

/// The cell of a suite that was not run.
const NOT_RUN: &str = "–";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::Subject;
    use crate::hunt::{Cause, suites};

    fn canary(name: &str) -> Canary {
        let (does, source) = ("does wrong".to_owned(), "paper §5".to_owned());
        Canary {
            name: name.to_owned(),
            subject: Subject::Library,
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
        let other = canary("three");
        let more = Table {
            suites: suites().into_iter().filter(|it| it.subject == Subject::Services).collect(),
            rows: vec![Row {
                canary: &other,
                outcomes: vec![table.rows[0].outcomes[1].clone(), None],
            }],
        };
        let text = format!("# Canaries\n\n{table}\n{}\n\n## More\n\n{more}", table.summary());
        let expected = Expected::read(&text);
        assert!(expected.must_catch("storms", "one"));
        assert!(!expected.must_catch("scenarios", "one"));
        assert!(!expected.must_catch("storms", "two"));
        assert!(!expected.must_catch("swarm", "two"), "a hunt that was stopped caught nothing");
        assert!(expected.has("two") && !expected.has("four"));
        assert!(expected.must_catch(more.suites[0].name, "three"), "a table has suites of its own");
        assert!(!expected.must_catch("scenarios", "three"));
        assert_eq!(table.missed().map(|canary| canary.name.as_str()).collect::<Vec<_>>(), ["two"]);
        let summary = "1 of 2 canaries caught; median 3 seeds, slowest 1.2 s (one).";
        assert_eq!(table.summary(), summary);
    }
}
