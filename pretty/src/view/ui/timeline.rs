//! The timeline: the whole log in three rows of terms, leaders and errors, with the selected line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::text::columns;
use crate::view::log_view::{LogView, Switch};
use crate::view::ui::draw::short;

impl LogView {
    /// Rows the timeline takes: none if there is nothing on it or no room for it.
    pub(crate) fn timeline_rows(&self) -> u16 {
        let history = &self.store.history;
        let empty = history.terms().is_empty()
            && history.leaders().is_empty()
            && history.errors().is_empty();
        let room = self.size.height >= HEIGHT_MIN && self.size.width > LABEL_COLUMNS;
        if self.timeline == Switch::On && room && !empty { TIMELINE_ROWS } else { 0 }
    }

    /// The line at a place on the timeline.
    pub(crate) fn timeline_line(&self, column: u16, row: u16) -> Option<usize> {
        let bottom = self.size.height.checked_sub(1)?;
        let rows = bottom.saturating_sub(self.timeline_rows())..bottom;
        let column = column.checked_sub(LABEL_COLUMNS).filter(|_| rows.contains(&row))?;
        let width = usize::from(self.size.width.saturating_sub(LABEL_COLUMNS)).max(1);
        Some(usize::from(column) * self.store.len() / width)
    }

    pub(crate) fn draw_timeline(&self, area: Rect, buffer: &mut Buffer) {
        for (row, label) in ["terms", "leaders", "errors"].into_iter().enumerate() {
            let room = usize::from(area.width);
            buffer.set_stringn(
                area.x,
                area.y + short(row),
                label,
                room,
                self.color(self.theme.time),
            );
        }
        let chart = Rect {
            x: area.x + LABEL_COLUMNS,
            width: area.width.saturating_sub(LABEL_COLUMNS),
            ..area
        };
        let history = &self.store.history;
        let terms = history.terms().iter().map(|(line, term)| (*line, term.to_string()));
        self.draw_labels(terms, Rect { height: 1, ..chart }, buffer);
        let name = |(line, peer): &(u32, crate::view::log::ids::PeerId)| {
            (*line, self.store.peers.safe_name(peer.0))
        };
        let leaders = history.leaders().iter().map(name);
        self.draw_labels(leaders, Rect { y: chart.y + 1, height: 1, ..chart }, buffer);
        self.draw_errors(Rect { y: chart.y + 2, height: 1, ..chart }, buffer);
        if let Some(x) = self.cursor().map(|line| self.timeline_column(line, chart)) {
            let here = Rect { x, width: 1, ..chart }.intersection(buffer.area);
            buffer.set_style(here, Style::new().add_modifier(Modifier::REVERSED));
        }
    }

    /// The column of a line on the timeline.
    fn timeline_column(&self, line: usize, chart: Rect) -> u16 {
        let width = usize::from(chart.width);
        chart.x + short((line * width / self.store.len().max(1)).min(width.saturating_sub(1)))
    }

    /// Labels at lines; one without room keeps its bar.
    fn draw_labels(
        &self,
        labels: impl Iterator<Item = (u32, String)>,
        chart: Rect,
        buffer: &mut Buffer,
    ) {
        let mut labels = labels.peekable();
        let mut free = chart.x;
        while let Some((line, label)) = labels.next() {
            let x = self.timeline_column(line as usize, chart);
            let next = labels.peek().map(|(line, _)| self.timeline_column(*line as usize, chart));
            let room = next.unwrap_or(chart.right()).min(chart.right()).saturating_sub(x + 1);
            if x < free {
                continue;
            }
            buffer.set_stringn(x, chart.y, "▏", 1, self.line_style());
            free = x + 1;
            if columns(&label) <= usize::from(room) {
                buffer.set_string(x + 1, chart.y, &label, self.title_style());
                free += short(columns(&label));
            }
        }
    }

    fn draw_errors(&self, chart: Rect, buffer: &mut Buffer) {
        let mut counts = vec![0_usize; usize::from(chart.width)];
        for line in self.store.history.errors() {
            counts[usize::from(self.timeline_column(*line as usize, chart) - chart.x)] += 1;
        }
        let most = counts.iter().max().copied().unwrap_or(0).max(1);
        for (x, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            let level = LEVELS[(count * LEVELS.len()).div_ceil(most) - 1];
            buffer.set_string(chart.x + short(x), chart.y, level, self.error_style());
        }
        for (line, _) in self.store.history.anomalies() {
            let x = self.timeline_column(*line as usize, chart);
            buffer.set_string(x, chart.y, "!", self.error_style());
        }
    }
}

const TIMELINE_ROWS: u16 = 3;
const LABEL_COLUMNS: u16 = 8;

/// With fewer rows the log needs them all.
const HEIGHT_MIN: u16 = 16;

const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
