//! A table with a heavy header, as text.
//!
//! Pure: cells in, lines out. Widths are those of the terminal, not of bytes or characters.

use unicode_width::UnicodeWidthStr;

use crate::style::{Paint, Tone};

/// On which side a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What it says, in one line without escape sequences.
    pub text: String,
    /// How it is coloured.
    pub tone: Tone,
}

impl Cell {
    /// A cell in the terminal's own colour.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Normal }
    }
}

/// A whole table.
#[derive(Debug, Default)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Adds a column; before the rows.
    pub fn column(&mut self, title: impl Into<String>, align: Align) {
        self.columns.push((title.into(), align));
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it has not one cell for each column.
    pub fn row(&mut self, cells: Vec<Cell>) {
        assert_eq!(cells.len(), self.columns.len(), "one cell for each column");
        self.rows.push(cells);
    }

    /// Titles and sides of the columns.
    #[must_use]
    pub fn columns(&self) -> &[(String, Align)] {
        &self.columns
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// The table as lines, each with its end.
    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        let widths = self.widths();
        let header: Vec<Cell> = self
            .columns
            .iter()
            .map(|(title, _)| Cell { text: title.clone(), tone: Tone::Strong })
            .collect();
        let mut out = rule(&widths, '━', ['┏', '┳', '┓']);
        out.push_str(&self.line(&header, &widths, '┃', paint));
        out.push_str(&rule(&widths, '━', ['┡', '╇', '┩']));
        for row in &self.rows {
            out.push_str(&self.line(row, &widths, '│', paint));
        }
        out.push_str(&rule(&widths, '─', ['└', '┴', '┘']));
        out
    }

    fn widths(&self) -> Vec<usize> {
        let of_column = |(index, (title, _)): (usize, &(String, Align))| {
            let cells = self.rows.iter().map(|row| row[index].text.width());
            cells.chain([title.width()]).max().unwrap_or(0)
        };
        self.columns.iter().enumerate().map(of_column).collect()
    }

    fn line(&self, cells: &[Cell], widths: &[usize], border: char, paint: Paint) -> String {
        let mut line = String::from(border);
        for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(&self.columns) {
            let padding = " ".repeat(width.saturating_sub(cell.text.width()));
            let text = paint.apply(cell.tone, &cell.text);
            let (before, after) = match align {
                Align::Left => ("", padding.as_str()),
                Align::Right => (padding.as_str(), ""),
            };
            line.push_str(&format!(" {before}{text}{after} {border}"));
        }
        line.push('\n');
        line
    }
}

fn rule(widths: &[usize], dash: char, [left, middle, right]: [char; 3]) -> String {
    let dashes: Vec<String> =
        widths.iter().map(|width| dash.to_string().repeat(width + 2)).collect();
    format!("{left}{}{right}\n", dashes.join(&middle.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_design() {
        let mut table = Table::default();
        table.column("Test", Align::Left);
        table.column("Failed", Align::Right);
        table.column("Total", Align::Right);
        table.column("Time", Align::Right);
        table.row(["initial_election_2a  ", "0", "50", "3.89 ± 0.23"].map(Cell::plain).to_vec());
        let want = "\
┏━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━┳━━━━━━━┳━━━━━━━━━━━━━┓
┃ Test                  ┃ Failed ┃ Total ┃        Time ┃
┡━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━╇━━━━━━━╇━━━━━━━━━━━━━┩
│ initial_election_2a   │      0 │    50 │ 3.89 ± 0.23 │
└───────────────────────┴────────┴───────┴─────────────┘
";
        assert_eq!(table.render(Paint::Plain), want);
    }

    #[test]
    fn wide_characters_and_colours_do_not_shift_borders() {
        let mut table = Table::default();
        table.column("名", Align::Left);
        table.row(vec![Cell { text: "選挙".into(), tone: Tone::Bad }]);
        table.row(vec![Cell::plain("abc")]);
        let text = table.render(Paint::Plain);
        let widths: Vec<usize> = text.lines().map(UnicodeWidthStr::width).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
        assert!(
            table.render(Paint::Colours).contains("\u{1b}[31m選挙")
                || table.render(Paint::Colours).contains("選挙\u{1b}[0m")
        );
    }
}
