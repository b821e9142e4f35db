//! The table as Markdown and as CSV.

use crate::text::table::{Align, Table};

/// A Markdown table.
#[must_use]
pub fn markdown(table: &Table) -> String {
    let escape = |text: &str| text.replace('|', "\\|");
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(table.columns().iter().map(|(title, _)| escape(title)).collect());
    let rule = |align: &Align| match align {
        Align::Left => ":--".to_owned(),
        Align::Right => "--:".to_owned(),
    };
    out.push_str(&line(table.columns().iter().map(|(_, align)| rule(align)).collect()));
    for row in table.rows() {
        out.push_str(&line(row.iter().map(|cell| escape(&cell.text)).collect()));
    }
    out
}

/// Comma-separated values as in RFC 4180.
#[must_use]
pub fn csv(table: &Table) -> String {
    let quote = |text: &str| {
        let is_plain = !text.contains([',', '"', '\n', '\r']);
        if is_plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
    };
    let line = |cells: Vec<String>| cells.join(",") + "\r\n";
    let mut out = line(table.columns().iter().map(|(title, _)| quote(title)).collect());
    for row in table.rows() {
        out.push_str(&line(row.iter().map(|cell| quote(&cell.text)).collect()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::table::Cell;

    #[test]
    fn odd_names_do_not_break_the_table() {
        let mut table = Table::default();
        table.column("Test", Align::Left);
        table.column("Time", Align::Right);
        table.row(["a|b,\"c\"", "1 ± 2"].map(Cell::plain).to_vec());
        assert_eq!(markdown(&table), "| Test | Time |\n| :-- | --: |\n| a\\|b,\"c\" | 1 ± 2 |\n");
        assert_eq!(csv(&table), "Test,Time\r\n\"a|b,\"\"c\"\"\",1 ± 2\r\n");
    }
}
