//! Coverage that tests say they have been in: which of them a campaign has never reached.
//!
//! A run prints `sometimes: name=count name=count …`, every situation it knows, those it was not in
//! as 0. A campaign that never reaches one of them says little about what happens there.

use serde::{Deserialize, Serialize};

use crate::style::{Paint, TextStyle};
use crate::table::{Align, Cell, Table};

/// What one run has said: situations in its order, and how often it was in each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunCoverage(Vec<(String, u64)>);

/// What many runs have said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    runs: u64,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    name: String,
    runs: u64,
    count: u64,
}

impl RunCoverage {
    /// Reads a line; `None` if it is no such line, or has anything else in it.
    #[must_use]
    pub fn of_line(line: &[u8]) -> Option<Self> {
        let words = line.strip_prefix(PREFIX)?;
        let words = std::str::from_utf8(words).ok()?.split_ascii_whitespace();
        let pair = |word: &str| {
            let (name, count) = word.split_once('=')?;
            (!name.is_empty()).then_some(())?;
            Some((name.to_owned(), count.parse().ok()?))
        };
        let pairs: Vec<_> = words.map(pair).collect::<Option<_>>()?;
        (!pairs.is_empty()).then_some(Self(pairs))
    }
}

impl Coverage {
    /// Takes in what a run has said.
    pub fn add(&mut self, said: &RunCoverage) {
        self.runs += 1;
        for (place, (name, count)) in said.0.iter().enumerate() {
            let row = self.row(place, name);
            row.runs += u64::from(*count > 0);
            row.count += count;
        }
    }

    /// The row of a situation; runs of one test name theirs in one order, so that it is mostly
    /// where it was the last time.
    fn row(&mut self, place: usize, name: &str) -> &mut Row {
        let is_here = self.rows.get(place).is_some_and(|row| row.name == name);
        let found =
            if is_here { Some(place) } else { self.rows.iter().position(|row| row.name == name) };
        let place = found.unwrap_or_else(|| {
            self.rows.push(Row { name: name.to_owned(), runs: 0, count: 0 });
            self.rows.len() - 1
        });
        &mut self.rows[place]
    }

    /// A line: how many situations there are, and which were never reached. Empty if no run has
    /// said anything.
    #[must_use]
    pub fn line(&self, paint: Paint) -> String {
        let never: Vec<&str> =
            self.rows.iter().filter(|row| row.count == 0).map(|row| row.name.as_str()).collect();
        let all = self.rows.len();
        match (all, never.as_slice()) {
            (0, _) => String::new(),
            (_, []) => format!("Sometimes: each of {all} situations came about\n"),
            (_, never) => {
                let reached = all - never.len();
                let never = paint.apply(TextStyle::Warning, &format!("never {}", never.join(", ")));
                format!("Sometimes: {reached} of {all} situations came about; {never}\n")
            }
        }
    }

    /// Each situation with the runs that were in it, and how often in all.
    #[must_use]
    pub fn table(&self, paint: Paint) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut table = Table::default();
        table.column("Sometimes", Align::Left);
        table.column(format!("Of {} runs", self.runs), Align::Right);
        table.column("Times", Align::Right);
        for Row { name, runs, count } in &self.rows {
            let style = if *count == 0 { TextStyle::Warning } else { TextStyle::Normal };
            let numbers = [runs, count].map(|number| Cell { text: number.to_string(), style });
            let mut row = vec![Cell { text: name.clone(), style }];
            row.extend(numbers);
            table.row(row);
        }
        table.render(paint)
    }
}

/// The start of a line that tells coverage.
const PREFIX: &[u8] = b"sometimes:";

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> RunCoverage {
        RunCoverage::of_line(line.as_bytes()).expect(line)
    }

    #[test]
    fn only_a_whole_line_of_counts_is_taken() {
        for line in
            ["sometimes:", "sometimes: a", "sometimes: a=b", "sometimes: =1", "x sometimes: a=1"]
        {
            assert_eq!(RunCoverage::of_line(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn situations_of_many_runs_in_a_table() {
        let mut all = Coverage::default();
        all.add(&said("sometimes: truncation=3 torn=0 duplicate=1"));
        all.add(&said("sometimes: truncation=1 torn=0 duplicate=0"));
        all.add(&said("sometimes: torn=0 other=2"));
        insta::assert_snapshot!(all.table(Paint::Plain) + &all.line(Paint::Plain));
        all.add(&said("sometimes: torn=5"));
        assert_eq!(all.line(Paint::Plain), "Sometimes: each of 4 situations came about\n");
        assert_eq!(Coverage::default().line(Paint::Plain), "");
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let said = said("sometimes: b=1 a=0");
        let text = serde_json::to_string(&said).unwrap();
        assert_eq!(serde_json::from_str::<RunCoverage>(&text).unwrap(), said);
    }
}
