//! A table with a heavy header, as text that fits into a width.
//!
//! Pure: cells in, lines out. Widths are those of the terminal, not of bytes or characters. In a narrow
//! terminal names are shortened in their middle, then columns are left out, the least important first.

use std::collections::HashMap;

use comfy_table::{CellAlignment, ContentArrangement, ContentLineStyle, LineStyle, TableStyle};
use unicode_width::UnicodeWidthStr;

use super::sink;
use super::width::{folded, shortened};
use crate::text::style::{Paint, TextStyle};

/// The alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// The treatment of a column in a terminal that is too narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narrow {
    /// It stays as it is.
    Keep,
    /// Its texts are names, which are shortened in the middle.
    Shorten,
    /// Its texts are sentences, which are broken into lines.
    Wrap,
    /// It is left out, after those with a higher number.
    Drop(u8),
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Its text, in one line.
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

/// A column.
#[derive(Debug)]
struct Column {
    title: String,
    align: Align,
    narrow: Narrow,
}

/// A whole table.
#[derive(Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Adds a column; before the rows.
    pub fn column(&mut self, title: impl Into<String>, align: Align, narrow: Narrow) {
        self.columns.push(Column { title: title.into(), align, narrow });
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
    pub fn columns(&self) -> impl Iterator<Item = (&str, Align)> {
        self.columns.iter().map(|column| (column.title.as_str(), column.align))
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// The table as lines, each with its end, within `width` if there is one. Columns that are left
    /// out are named below it.
    #[must_use]
    pub fn render(&self, paint: Paint, width: Option<usize>) -> String {
        let texts: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| sink::screen(&cell.text)).collect())
            .collect();
        let layout = self.layout(&texts, width);
        let mut table = comfy_table::Table::new();
        table.load_style(HEAVY_HEADER).style_text_only();
        table.set_content_arrangement(ContentArrangement::Disabled);
        let titles = layout.iter().map(|(at, _)| &self.columns[*at].title);
        table.set_header(titles.map(|title| paint.cell(TextStyle::Strong, title)));
        let cells: Vec<Vec<String>> =
            layout.iter().map(|(at, width)| self.fitted(*at, *width, &texts)).collect();
        for (number, row) in self.rows.iter().enumerate() {
            let cells = layout.iter().zip(&cells);
            table.add_row(cells.map(|((at, _), texts)| paint.cell(row[*at].style, &texts[number])));
        }
        for (column, (at, _)) in table.column_iter_mut().zip(&layout) {
            column.set_cell_alignment(self.columns[*at].align.into());
        }
        // The cells have decided about colours; the terminal is not asked again.
        table.enforce_styling();
        format!("{table}\n{}", self.left_out(&layout, width))
    }

    /// The columns that are shown, each with its width.
    fn layout(&self, texts: &[Vec<String>], width: Option<usize>) -> Vec<(usize, usize)> {
        let natural = |at: usize| {
            let cells = texts.iter().map(|row| row[at].width());
            cells.max().unwrap_or(0).max(self.columns[at].title.width())
        };
        let layout = |shown: &[usize], least| {
            let mut layout: Vec<(usize, usize)> =
                shown.iter().map(|at| (*at, natural(*at))).collect();
            width.iter().for_each(|width| self.shrink(&mut layout, *width, least));
            layout
        };
        let rank = |at: usize| match self.columns[at].narrow {
            Narrow::Drop(rank) => Some(rank),
            Narrow::Keep | Narrow::Shorten | Narrow::Wrap => None,
        };
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        while width.is_some_and(|width| total(&layout(&shown, LEAST)) > width) {
            let ranks = shown.iter().filter_map(|at| Some((rank(*at)?, *at)));
            let Some((_, least_important)) = ranks.max() else { break };
            shown.retain(|at| *at != least_important);
        }
        let is_enough = width.is_none_or(|width| total(&layout(&shown, LEAST)) <= width);
        if is_enough {
            return layout(&shown, LEAST);
        }
        // Short names, and then numbers from the right, but for the first of them.
        while width.is_some_and(|width| total(&layout(&shown, SHORT)) > width) {
            let is_number = |at: &usize| self.columns[shown[*at]].narrow == Narrow::Keep;
            let Some(last) = (2..shown.len()).rev().find(is_number) else { break };
            shown.remove(last);
        }
        layout(&shown, [1, 1])
    }

    /// Takes from sentences, then from names, what is too much, down to these widths.
    fn shrink(&self, layout: &mut [(usize, usize)], width: usize, least: [usize; 2]) {
        let [name, sentence] = least;
        for (narrow, least) in [(Narrow::Wrap, sentence), (Narrow::Shorten, name)] {
            for place in 0..layout.len() {
                let excess = total(layout).saturating_sub(width);
                let (at, own) = &mut layout[place];
                if self.columns[*at].narrow == narrow {
                    *own = own.saturating_sub(excess).max(least.min(*own));
                }
            }
        }
    }

    /// The texts of a column in this width. Names that would be equal once shortened are broken into
    /// lines instead.
    fn fitted(&self, at: usize, width: usize, texts: &[Vec<String>]) -> Vec<String> {
        let own = || texts.iter().map(|row| row[at].as_str());
        match self.columns[at].narrow {
            Narrow::Keep | Narrow::Drop(_) => own().map(ToOwned::to_owned).collect(),
            Narrow::Wrap => own().map(|text| folded(text, width)).collect(),
            Narrow::Shorten => {
                let mut owners: HashMap<String, usize> = HashMap::new();
                own().for_each(|text| *owners.entry(shortened(text, width)).or_default() += 1);
                let fit = |text: &str| {
                    let short = shortened(text, width);
                    if owners[&short] > 1 { folded(text, width) } else { short }
                };
                own().map(fit).collect()
            }
        }
    }

    fn left_out(&self, layout: &[(usize, usize)], width: Option<usize>) -> String {
        let is_shown = |at: usize| layout.iter().any(|(shown, _)| *shown == at);
        let hidden = self.columns.iter().enumerate().filter(|(at, _)| !is_shown(*at));
        let titles: Vec<&str> = hidden.map(|(_, column)| column.title.as_str()).collect();
        match titles.as_slice() {
            [] => String::new(),
            titles => {
                let line =
                    format!("No room for {} (a wider terminal, or a pipe)", titles.join(", "));
                width.map_or_else(|| line.clone(), |width| folded(&line, width)) + "\n"
            }
        }
    }
}

/// The width of a table with these columns: a border and a blank on both sides of each.
fn total(layout: &[(usize, usize)]) -> usize {
    layout.iter().map(|(_, width)| width + 3).sum::<usize>() + 1
}

impl From<Align> for CellAlignment {
    fn from(align: Align) -> Self {
        match align {
            Align::Left => Self::Left,
            Align::Right => Self::Right,
        }
    }
}

/// A name, and a sentence, in fewer columns cannot be read; before that, columns are left out.
const LEAST: [usize; 2] = [24, 24];

/// The same in a terminal that is narrower still: before that, numbers are left out.
const SHORT: [usize; 2] = [8, 12];

const HEAVY_HEADER: TableStyle = TableStyle::new()
    .top_border(LineStyle::new('┏', '━', '┳', '┓'))
    .header_lines(ContentLineStyle::new('┃', '┃', '┃'))
    .header_separator(LineStyle::new('┡', '━', '╇', '┩'))
    .content_lines(ContentLineStyle::new('│', '│', '│'))
    .bottom_border(LineStyle::new('└', '─', '┴', '┘'));

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn results(name: &str) -> Table {
        let mut table = Table::default();
        table.column("Test", Align::Left, Narrow::Shorten);
        table.column("Failed", Align::Right, Narrow::Keep);
        table.column("Total", Align::Right, Narrow::Keep);
        table.column("Time", Align::Right, Narrow::Keep);
        table.column("Max", Align::Right, Narrow::Drop(1));
        table.column("Memory", Align::Right, Narrow::Drop(2));
        for case in 0..2 {
            let name = format!("{name}{case}");
            let cells = [&*name, "0", "50", "3.89 ± 0.23 s", "5.01 s", "12.0 MiB"];
            table.row(cells.map(Cell::plain).to_vec());
        }
        table
    }

    #[test]
    fn the_table_of_the_design() {
        let long = "case_with_a_name_of_more_than_twenty_four_columns_";
        let widths = [None, Some(100), Some(80), Some(60), Some(40)];
        let texts = widths.map(|width| results(long).render(Paint::Plain, width));
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    fn names_that_differ_only_in_the_middle_stay_different() {
        let mut table = Table::default();
        table.column("Test", Align::Left, Narrow::Shorten);
        for name in ["the_same_beginning_one_the_same_end", "the_same_beginning_two_the_same_end"] {
            table.row(vec![Cell::plain(name)]);
        }
        let text = table.render(Paint::Plain, Some(24));
        let letters =
            |text: &str| text.chars().filter(|c| c.is_ascii_alphabetic()).collect::<String>();
        assert!(
            letters(&text).contains("onethesameend") && letters(&text).contains("twothesameend"),
            "{text}"
        );
    }

    #[test]
    fn wide_characters_and_colours_do_not_shift_borders() {
        let mut table = Table::default();
        table.column("名", Align::Left, Narrow::Shorten);
        table.row(vec![Cell { text: "選挙".into(), style: TextStyle::Bad }]);
        table.row(vec![Cell::plain("abc\u{1b}[2J\n")]);
        let text = table.render(Paint::Plain, None);
        let widths: Vec<usize> = text.lines().map(UnicodeWidthStr::width).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
        assert!(
            table.render(Paint::Colours, None).contains("\u{1b}[31m選挙")
                || table.render(Paint::Colours, None).contains("選挙\u{1b}[0m")
        );
    }

    proptest! {
        #[test]
        fn no_table_is_wider_than_the_terminal(name in "[a-z選:_]{1,90}", width in 24_usize..130) {
            let text = results(&name).render(Paint::Plain, Some(width));
            let widest = text.lines().map(UnicodeWidthStr::width).max();
            prop_assert!(widest <= Some(width), "{text}");
        }
    }
}
