//! Drawing: a title line, the page, and a line for messages and keys. Nothing here changes state.

use pretty::{Background, Depth};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{
    Block, Cell as TableCell, Clear, Row as TableRow, StatefulWidget, Table, TableState,
    Widget as _,
};
use unicode_width::UnicodeWidthStr;

use super::app::App;
use super::colors::ColorScheme;
use super::diff_page::DiffPage;
use super::keys;
use super::layout::{diff_areas, diff_facts, rows_of, short};
use super::list::{Align, AnyList, Column, List, Row};
use super::page::Page;
use super::text_page::TextPage;
use crate::text::sink;
use crate::text::style::TextStyle;
use crate::text::width::{cut, folded_report, shortened};

impl App {
    /// Draws everything; [`App::fit`] comes first.
    pub(crate) fn draw(&self, area: Rect, buffer: &mut Buffer) {
        let [title, body, foot] = rows_of(area);
        let colors = self.colors;
        let titles: Vec<String> = self.pages.iter().map(|p| p.title(&self.campaign)).collect();
        put(buffer, title, &breadcrumb(&titles, title.width.into()), bar());
        match self.page() {
            Page::Campaigns(list) => draw_list(list, body, buffer, colors),
            Page::Tests(list) | Page::Runs { list, .. } => draw_list(list, body, buffer, colors),
            Page::Failures { list, .. } => draw_list(list, body, buffer, colors),
            Page::Text(text) => draw_text(text, body, buffer),
            Page::Log(log) => log.view.draw(body, buffer),
            Page::Diff(diff) => draw_diff(diff, body, buffer, colors),
        }
        put(buffer, foot, &self.foot(foot.width.into()), bar());
        if let Some(top) = self.help {
            draw_help(&keys::help(|action| self.unavailable(action).is_none()), top, area, buffer);
        }
    }

    /// The message of the last key, or else the keys of the page.
    fn foot(&self, width: usize) -> String {
        if let Some(prompt) = &self.prompt {
            return format!(" /{prompt}▏");
        }
        if let Some(busy) = &self.busy {
            return format!(" {busy} … Esc stops");
        }
        if !self.note.is_empty() {
            return format!(" {}", self.note);
        }
        let hints = self.page().hints().split("  ").filter(|hint| self.is_possible(hint));
        fitting_hints(hints.collect(), width)
    }

    /// `false` for a hint whose key would do nothing now.
    fn is_possible(&self, hint: &str) -> bool {
        let key = hint.chars().next().filter(|_| hint.chars().nth(1) == Some(' '));
        let action = key.and_then(|key| keys::action(KeyCode::Char(key).into()));
        action.is_none_or(|action| self.unavailable(action).is_none())
    }
}

/// The titles of the pages, the first of them left out where there is no room: the last one says
/// what is on the screen.
fn breadcrumb(titles: &[String], width: usize) -> String {
    let path = |from: usize| {
        let left_out = if from > 0 { "… › " } else { "" };
        format!(" {left_out}{}", titles[from..].join(" › "))
    };
    let mut paths = (0..titles.len()).map(path);
    paths.find(|path| path.width() <= width).unwrap_or_else(|| {
        let last = titles.last().map_or("", String::as_str);
        shortened(&format!(" {last}"), width)
    })
}

/// As many of the hints as there is room for: the last two, which show all keys and close the page,
/// come first.
fn fitting_hints(mut hints: Vec<&str>, width: usize) -> String {
    let line = |hints: &[&str]| hints.iter().map(|hint| format!(" {hint} ")).collect::<String>();
    if line(&hints).width() <= width {
        return line(&hints);
    }
    let at = |hints: &[&str]| hints.len().saturating_sub(2);
    hints.insert(at(&hints), "…");
    while line(&hints).width() > width && hints.len() > 3 {
        hints.remove(hints.len() - 4);
    }
    line(&hints)
}

fn bar() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}

/// A text over a whole row, cut with a sign where the row ends.
fn put(buffer: &mut Buffer, row: Rect, text: &str, style: Style) {
    if row.height == 0 || row.y >= buffer.area.bottom() {
        return;
    }
    buffer.set_style(row, style);
    let blank = " ".repeat(row.width.into());
    buffer.set_stringn(row.x, row.y, blank, row.width.into(), style);
    let text = cut(&sink::screen(text), row.width.into());
    buffer.set_stringn(row.x, row.y, text, row.width.into(), style);
}

fn draw_list<T: Clone + PartialEq>(
    list: &List<T>,
    area: Rect,
    buffer: &mut Buffer,
    colors: ColorScheme,
) {
    let columns = list.columns;
    let height = usize::from(area.height.saturating_sub(1));
    let (place, filter) = (list.place(), list.filter().to_owned());
    let (rows, selected) = list.visible(height);
    if rows.is_empty() {
        let reason = if filter.is_empty() { "empty" } else { "no row with this text" };
        put(buffer, Rect { height: 1, ..area }, &format!(" {reason}"), Style::new());
        return;
    }
    let fits = fitting(columns, &rows, area.width);
    let table_rows = rows.iter().map(|row| table_row(columns, &fits, row, colors));
    let titles = fits.iter().map(|fit| {
        let column = &columns[fit.column];
        TableCell::from(aligned(column.title, fit.width, column.align))
    });
    let header = TableRow::new(titles).style(Style::new().add_modifier(Modifier::BOLD));
    let constraints = fits.iter().map(|fit| Constraint::Length(fit.width));
    let table = Table::new(table_rows, constraints)
        .header(header)
        .column_spacing(GAP)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let mut state = TableState::new().with_selected(Some(selected));
    StatefulWidget::render(table, area, buffer, &mut state);
    if place.1 > height {
        let text = format!(" {}/{} ", place.0 + 1, place.1);
        let width = short(text.width());
        let x = area.right().saturating_sub(width);
        buffer.set_stringn(x, area.y, text, width.into(), Style::new());
    }
}

fn table_row<'a, T>(
    columns: &[Column],
    fits: &[Fit],
    row: &'a Row<T>,
    colors: ColorScheme,
) -> TableRow<'a> {
    let cells = fits.iter().filter_map(|fit| {
        let cell = row.cells.get(fit.column)?;
        let text = cut(&cell.text, fit.width.into());
        let text = aligned(&text, fit.width, columns[fit.column].align);
        Some(TableCell::from(text).style(cell_style(cell.style, colors)))
    });
    TableRow::new(cells)
}

/// A column that is shown, with its width.
#[derive(Debug, Clone, Copy)]
struct Fit {
    column: usize,
    width: u16,
}

/// The width of every column: that of its cells, and for the filling one all that is left. On a
/// narrow screen columns at the right are dropped, but never the filling one.
fn fitting<T>(columns: &[Column], rows: &[&Row<T>], total: u16) -> Vec<Fit> {
    let widest = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.cells.get(at));
        let widest = cells.map(|cell| cell.text.width()).max().unwrap_or(0);
        short(widest.max(columns[at].title.width()))
    };
    let fills = |at: usize| columns[at].align == Align::Fill;
    let fit = |at: usize| Fit { column: at, width: if fills(at) { FILL_MIN } else { widest(at) } };
    let mut fits: Vec<Fit> = (0..columns.len()).map(fit).collect();
    let needed = |fits: &[Fit]| {
        let gaps = GAP * short(fits.len().saturating_sub(1));
        fits.iter().map(|fit| fit.width).sum::<u16>().saturating_add(gaps)
    };
    while needed(&fits) > total
        && let Some(last) = fits.iter().rposition(|fit| !fills(fit.column))
    {
        fits.remove(last);
    }
    let spare = total.saturating_sub(needed(&fits));
    if let Some(fill) = fits.iter_mut().find(|fit| fills(fit.column)) {
        fill.width = (fill.width + spare).min(total);
    }
    fits
}

fn aligned(text: &str, width: u16, align: Align) -> String {
    let blank = " ".repeat(usize::from(width).saturating_sub(text.width()));
    match align {
        Align::Left | Align::Fill => text.to_owned(),
        Align::Right => blank + text,
    }
}

/// The style of a cell; the text says the same, so that nothing depends on colour alone.
fn cell_style(style: TextStyle, colors: ColorScheme) -> Style {
    let color = |dark: Color, light: Color| match (colors.depth, colors.background) {
        (Depth::None, _) => Style::new(),
        (_, Background::Dark) => Style::new().fg(dark),
        (_, Background::Light) => Style::new().fg(light),
    };
    match style {
        TextStyle::Normal => Style::new(),
        TextStyle::Strong => Style::new().add_modifier(Modifier::BOLD),
        TextStyle::Faint => Style::new().add_modifier(Modifier::DIM),
        TextStyle::Good => color(Color::Indexed(10), Color::Indexed(22)),
        TextStyle::Bad => color(Color::Indexed(203), Color::Indexed(124)),
        TextStyle::Warning => color(Color::Indexed(11), Color::Indexed(94)),
    }
}

fn draw_text(text: &TextPage, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width.max(1));
    let rows = text.lines[text.top..].iter().flat_map(|line| folded_report(line, width));
    for (y, row) in (area.y..area.bottom()).zip(rows) {
        buffer.set_stringn(area.x, y, row, width, Style::new());
    }
}

fn draw_diff(diff: &DiffPage, area: Rect, buffer: &mut Buffer, colors: ColorScheme) {
    let (facts_area, logs) = diff_areas(diff, area);
    for (y, line) in (facts_area.y..facts_area.bottom()).zip(diff_facts(diff)) {
        let safe = |span: Span<'_>| Span::styled(sink::screen(&span.content), span.style);
        let line: Line<'_> = line.into_iter().map(safe).collect();
        buffer.set_line(area.x, y, &line, area.width);
    }
    for (side, [title, body]) in logs.into_iter().enumerate() {
        let mark = if side == diff.side { "▶" } else { " " };
        let style = cell_style(TextStyle::Strong, colors).add_modifier(Modifier::UNDERLINED);
        put(buffer, title, &format!("{mark} {}", diff.names[side]), style);
        diff.views[side].draw(body, buffer);
    }
}

fn draw_help(lines: &[(String, &str)], top: usize, area: Rect, buffer: &mut Buffer) {
    let widest = lines.iter().map(|(keys, _)| keys.width()).max().unwrap_or(0);
    let texts: Vec<String> =
        lines.iter().map(|(keys, help)| format!(" {keys:>widest$}  {help} ")).collect();
    let width = short(texts.iter().map(|text| text.width()).max().unwrap_or(0) + 2).min(area.width);
    let height = short(texts.len() + 2).min(area.height);
    let frame = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    Clear.render(frame, buffer);
    Block::bordered().title(" keys (a log has its own help page) ").render(frame, buffer);
    let inner = usize::from(height.saturating_sub(2));
    let top = top.min(texts.len().saturating_sub(inner));
    for (y, text) in (frame.y + 1..).zip(texts.iter().skip(top).take(inner)) {
        buffer.set_stringn(frame.x + 1, y, text, width.saturating_sub(2).into(), Style::new());
    }
}

/// Between columns.
const GAP: u16 = 2;

/// The filling column stays readable on any screen.
const FILL_MIN: u16 = 24;
