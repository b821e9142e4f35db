//! A list with a selection, a filter and sort orders. It knows rows, not their meaning.

use crate::text::sink;
use crate::text::style::TextStyle;

/// One cell of a row; its text is safe for the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) style: TextStyle,
}

impl Cell {
    /// A cell of any text.
    pub(crate) fn new(text: impl Into<String>, style: TextStyle) -> Self {
        Self { text: sink::screen(&text.into()), style }
    }

    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, TextStyle::Normal)
    }
}

/// One row: its item, its cells, its sort keys.
#[derive(Debug, Clone)]
pub(crate) struct Row<T> {
    pub(crate) item: T,
    pub(crate) cells: Vec<Cell>,
    /// One key for each order of the list; larger comes first.
    pub(crate) keys: Vec<f64>,
}

/// A column: its title and alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) align: Align,
}

/// The alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
    /// At the left, as wide as possible; at most one column of a list.
    Fill,
}

/// A list. Invariant: `cursor` is an index of `shown`, or 0 if nothing is shown.
#[derive(Debug)]
pub(crate) struct List<T> {
    pub(crate) columns: &'static [Column],
    /// The orders of the rows; the first is the original one.
    orders: &'static [&'static str],
    rows: Vec<Row<T>>,
    shown: Vec<usize>,
    cursor: usize,
    top: usize,
    order: usize,
    filter: String,
}

/// A step through a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Lines(isize),
    First,
    Last,
}

/// The operations on a list that do not depend on its items.
pub(crate) trait AnyList {
    /// Scrolls until the selection is on a screen of so many rows.
    fn scroll(&mut self, height: usize);

    /// Moves the selection.
    fn step(&mut self, step: Step);

    /// Selects the row at this line of the screen; `false` if it is empty.
    fn click(&mut self, row: usize) -> bool;

    /// Sorts by the next order, and returns its name.
    fn next_order(&mut self) -> &'static str;

    /// The text that shown rows have.
    fn filter(&self) -> &str;

    /// Shows only rows with this text in some cell, in any case.
    fn set_filter(&mut self, filter: &str);
}

impl<T: Clone + PartialEq> List<T> {
    /// An empty list.
    pub(crate) fn new(columns: &'static [Column], orders: &'static [&'static str]) -> Self {
        let (rows, shown, filter) = (Vec::new(), Vec::new(), String::new());
        Self { columns, orders, rows, shown, cursor: 0, top: 0, order: 0, filter }
    }

    /// Replaces the rows; the selection stays on its item if that is still present.
    pub(crate) fn set(&mut self, rows: Vec<Row<T>>) {
        let selected = self.selected().cloned();
        self.rows = rows;
        self.arrange(selected.as_ref());
    }

    /// The selected item.
    pub(crate) fn selected(&self) -> Option<&T> {
        self.shown.get(self.cursor).map(|row| &self.rows[*row].item)
    }

    /// The index of the selected row, from 0, and the number of rows.
    pub(crate) fn place(&self) -> (usize, usize) {
        (self.cursor, self.shown.len())
    }

    /// The rows on a screen of so many, and the place of the selected one among them.
    pub(crate) fn visible(&self, height: usize) -> (Vec<&Row<T>>, usize) {
        let top = self.top.min(self.shown.len());
        let end = self.shown.len().min(top + height);
        let rows = self.shown[top..end].iter().map(|row| &self.rows[*row]).collect();
        (rows, self.cursor.saturating_sub(top))
    }

    /// Selects an item, if it is shown.
    pub(crate) fn select(&mut self, item: &T) {
        if let Some(at) = self.shown.iter().position(|row| self.rows[*row].item == *item) {
            self.cursor = at;
        }
    }

    fn arrange(&mut self, selected: Option<&T>) {
        let wanted = self.filter.to_lowercase();
        let has = |row: &Row<T>| {
            wanted.is_empty()
                || row.cells.iter().any(|cell| cell.text.to_lowercase().contains(&wanted))
        };
        self.shown = (0..self.rows.len()).filter(|row| has(&self.rows[*row])).collect();
        if let Some(order) = self.order.checked_sub(1) {
            let key = |row: &usize| self.rows[*row].keys.get(order).copied().unwrap_or(0.0);
            self.shown.sort_by(|a, b| key(b).total_cmp(&key(a)));
        }
        let at = |item: &T| self.shown.iter().position(|row| self.rows[*row].item == *item);
        let last = self.shown.len().saturating_sub(1);
        self.cursor = selected.and_then(at).unwrap_or(self.cursor.min(last));
    }
}

impl<T: Clone + PartialEq> AnyList for List<T> {
    fn scroll(&mut self, height: usize) {
        let last_top = self.shown.len().saturating_sub(height);
        let lowest = self.cursor.saturating_sub(height.saturating_sub(1));
        self.top = self.top.clamp(lowest, self.cursor).min(last_top.max(lowest));
    }

    fn step(&mut self, step: Step) {
        let last = self.shown.len().saturating_sub(1);
        self.cursor = match step {
            Step::Lines(lines) => self.cursor.saturating_add_signed(lines).min(last),
            Step::First => 0,
            Step::Last => last,
        };
    }

    fn click(&mut self, row: usize) -> bool {
        let at = self.top + row;
        let is_there = at < self.shown.len();
        if is_there {
            self.cursor = at;
        }
        is_there
    }

    fn next_order(&mut self) -> &'static str {
        self.order = (self.order + 1) % self.orders.len().max(1);
        let selected = self.selected().cloned();
        self.arrange(selected.as_ref());
        self.orders.get(self.order).copied().unwrap_or("nothing else")
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn set_filter(&mut self, filter: &str) {
        filter.clone_into(&mut self.filter);
        let selected = self.selected().cloned();
        self.arrange(selected.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(count: usize) -> List<usize> {
        let mut list = List::new(&[], &["as they come", "size"]);
        let row = |item: usize| Row {
            item,
            cells: vec![Cell::plain(format!("Row {item}"))],
            keys: vec![item as f64],
        };
        list.set((0..count).map(row).collect());
        list
    }

    #[test]
    fn the_selection_is_always_on_the_screen() {
        let mut list = list(100);
        for (step, selected) in [
            (Step::Lines(30), 30),
            (Step::Lines(-5), 25),
            (Step::Last, 99),
            (Step::Lines(5), 99),
            (Step::First, 0),
            (Step::Lines(-1), 0),
        ] {
            list.step(step);
            assert_eq!(list.selected(), Some(&selected));
            list.scroll(10);
            let (rows, at) = list.visible(10);
            assert_eq!((rows.len(), rows[at].item), (10, selected));
        }
        let (rows, _) = list.visible(0);
        assert!(rows.is_empty());
    }

    #[test]
    fn a_filter_and_an_order_keep_the_selection() {
        let mut list = list(20);
        list.select(&12);
        list.set_filter("ROW 1");
        assert_eq!((list.selected(), list.place()), (Some(&12), (3, 11)));
        assert_eq!(list.next_order(), "size");
        assert_eq!((list.selected(), list.place()), (Some(&12), (7, 11)));
        assert_eq!(list.next_order(), "as they come");
        list.set_filter("nothing");
        assert_eq!((list.selected(), list.place()), (None, (0, 0)));
        list.set_filter("");
        assert_eq!(list.place().1, 20);
    }
}
