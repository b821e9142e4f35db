//! A table with a heavy header, as text.
//!
//! Pure: cells in, lines out. Widths are those of the terminal, not of bytes or characters.

use comfy_table::{CellAlignment, ContentLineStyle, LineStyle, TableStyle};

use crate::text::style::{Paint, TextStyle};

/// The alignment of a column.
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
    /// Its text, in one line without escape sequences.
    pub text: String,
    /// Its style.
    pub style: TextStyle,
}

impl Cell {
    /// A cell in the terminal's own colour.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: TextStyle::Normal }
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
        let mut table = comfy_table::Table::new();
        table.load_style(HEAVY_HEADER).style_text_only();
        table
            .set_header(self.columns.iter().map(|(title, _)| paint.cell(TextStyle::Strong, title)));
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| paint.cell(cell.style, &cell.text)));
        }
        for (column, (_, align)) in table.column_iter_mut().zip(&self.columns) {
            column.set_cell_alignment((*align).into());
        }
        // The cells have decided about colours; the terminal is not asked again.
        table.enforce_styling();
        format!("{table}\n")
    }
}

impl From<Align> for CellAlignment {
    fn from(align: Align) -> Self {
        match align {
            Align::Left => Self::Left,
            Align::Right => Self::Right,
        }
    }
}

const HEAVY_HEADER: TableStyle = TableStyle::new()
    .top_border(LineStyle::new('┏', '━', '┳', '┓'))
    .header_lines(ContentLineStyle::new('┃', '┃', '┃'))
    .header_separator(LineStyle::new('┡', '━', '╇', '┩'))
    .content_lines(ContentLineStyle::new('│', '│', '│'))
    .bottom_border(LineStyle::new('└', '─', '┴', '┘'));

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

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
        table.row(vec![Cell { text: "選挙".into(), style: TextStyle::Bad }]);
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
