//! Situations of many runs: the ones a campaign has reached, and the ones it never has.

use crate::record::RunCoverage;
use crate::text::sink;
use crate::text::style::{Paint, TextStyle};
use crate::text::table::{Align, Cell, Narrow, Table};

/// The situations of many runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    runs: u64,
    rows: Vec<Row>,
}

/// A situation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: String,
    /// The runs that reached it.
    pub(super) runs: u64,
    pub(super) count: u64,
}

impl Coverage {
    /// Adds the situations of a run.
    pub fn add(&mut self, run: &RunCoverage) {
        self.runs += 1;
        for (place, (name, count)) in run.situations().enumerate() {
            let row = self.row(place, name);
            row.runs += u64::from(count > 0);
            row.count += count;
        }
    }

    /// The row of a situation, mostly at the same place as in the run before.
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

    /// The situations, in the order of the runs.
    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The runs that reported any.
    pub(super) const fn runs(&self) -> u64 {
        self.runs
    }

    /// One line: the number of situations, and the ones never reached. Empty without any.
    #[must_use]
    pub fn line(&self, paint: Paint) -> String {
        let never: Vec<&str> =
            self.rows.iter().filter(|row| row.count == 0).map(|row| row.name.as_str()).collect();
        let all = self.rows.len();
        match (all, never.as_slice()) {
            (0, _) => String::new(),
            (_, []) => format!("Sometimes: all {all} situations reached\n"),
            (_, never) => {
                let reached = all - never.len();
                let never = paint.apply(
                    TextStyle::Warning,
                    &sink::screen(&format!("never: {}", never.join(", "))),
                );
                format!("Sometimes: {reached} of {all} situations reached; {never}\n")
            }
        }
    }

    /// A table of situations, each with the runs that reached it and its count.
    #[must_use]
    pub fn table(&self, paint: Paint, width: Option<usize>) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut table = Table::default();
        table.column("Sometimes", Align::Left, Narrow::Shorten);
        table.column(format!("Of {} runs", self.runs), Align::Right, Narrow::Keep);
        table.column("Times", Align::Right, Narrow::Keep);
        for Row { name, runs, count } in &self.rows {
            let style = if *count == 0 { TextStyle::Warning } else { TextStyle::Normal };
            let numbers = [runs, count].map(|number| Cell { text: number.to_string(), style });
            let mut row = vec![Cell { text: name.clone(), style }];
            row.extend(numbers);
            table.row(row);
        }
        table.render(paint, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn situations(line: &str) -> RunCoverage {
        RunCoverage::of_line(line.as_bytes()).expect(line)
    }

    #[test]
    fn situations_of_many_runs_in_a_table() {
        let mut all = Coverage::default();
        all.add(&situations("sometimes: truncation=3 torn=0 duplicate=1"));
        all.add(&situations("sometimes: truncation=1 torn=0 duplicate=0"));
        all.add(&situations("sometimes: torn=0 other=2"));
        insta::assert_snapshot!(all.table(Paint::Plain, None) + &all.line(Paint::Plain));
        all.add(&situations("sometimes: torn=5"));
        assert_eq!(all.line(Paint::Plain), "Sometimes: all 4 situations reached\n");
        assert_eq!(Coverage::default().line(Paint::Plain), "");
    }
}
