//! The status line and the state of the peers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line as Text, Span};
use ratatui::widgets::{Block, Clear, Widget as _};

use crate::text::{columns, safe_text};
use crate::view::history::values::{KnownValue, Since};
use crate::view::log_view::{LogView, Pane, Switch};
use crate::view::meaning::state::STATE_KEYS;
use crate::view::ui::draw::short;

impl LogView {
    pub(crate) fn draw_status(&self, area: Rect, buffer: &mut Buffer) {
        buffer.set_style(area, Style::new().add_modifier(Modifier::REVERSED));
        buffer.set_stringn(
            area.x,
            area.y,
            " ".repeat(area.width.into()),
            area.width.into(),
            Style::new(),
        );
        let (left, right) = match &self.prompt {
            Some(prompt) => (format!("{}{}▏", prompt.sign(), prompt.text), "Enter Esc".to_owned()),
            None => (self.status(), "? help  q close ".to_owned()),
        };
        let width = usize::from(area.width);
        let x = area.right().saturating_sub(short(columns(&right)));
        if columns(&left) + columns(&right) < width {
            buffer.set_string(x, area.y, right, Style::new());
        }
        buffer.set_stringn(area.x, area.y, left, width, Style::new());
    }

    fn status(&self) -> String {
        let at = self.cursor().map_or(0, |line| line + 1);
        let mut status = format!(" {}/{}", grouped(at), grouped(self.store.len()));
        let (shown, all) = (grouped(self.visible.len()), grouped(self.store.len()));
        if let Some(hidden_lines) = &self.hidden_lines {
            status +=
                &format!("  {}: {shown} of {all} lines", safe_text(hidden_lines.label.as_bytes()));
        } else if self.visible.len() < self.store.len() {
            status += &format!("  {shown} shown");
        }
        for topic in &self.hidden.topics {
            status += &format!("  -{}", self.store.topics.safe_name(topic.0));
        }
        for peer in &self.hidden.peers {
            status += &format!("  -peer {}", self.store.peers.safe_name(peer.0));
        }
        if let Some(regex_filter) = &self.regex_filter {
            status += &format!("  &{}", safe_text(regex_filter.regex.as_str().as_bytes()));
        }
        if let Some(percent) = self.filter_progress() {
            status += &format!("  filtering {percent} %");
        }
        if let Some(search) = &self.search {
            let count = self.match_count(search);
            status += &format!("  /{} {count}", safe_text(search.regex.as_str().as_bytes()));
            if search.pending.is_some() {
                status += &format!("  searching {} %", search.scan.percent(&self.store));
            }
        }
        if let Some(anomaly) = self.cursor().and_then(|line| self.store.history.anomaly(line)) {
            status += &format!("  ! {}", anomaly.description());
        }
        if self.follow == Switch::On {
            status += "  following";
        }
        if !self.busy.is_empty() {
            status += &format!("  {}", self.busy);
        }
        if !self.note.is_empty() {
            status += &format!("  {}", self.note);
        }
        status
    }

    /// Rows of the state of the peers: none if it is hidden or has no room.
    pub(crate) fn state_rows(&self) -> u16 {
        if self.pane != Pane::State || self.size.height < STATE_HEIGHT_MIN {
            return 0;
        }
        // The frame, the names of the columns, the peers, and the message.
        let rows = 4 + short(self.store.columns().peers);
        rows.min(self.size.height / 2)
    }

    pub(crate) fn draw_state(&self, area: Rect, buffer: &mut Buffer) {
        let rows = self.state_rows();
        let top = area.bottom().saturating_sub(rows + 1 + self.timeline_rows()).max(area.y);
        let area = Rect { y: top, height: rows.min(area.bottom() - top), ..area };
        Clear.render(area, buffer);
        let title = Span::styled(" state at this line ", self.title_style());
        Block::bordered().border_style(self.line_style()).title(title).render(area, buffer);
        let Some(inner) = area.height.checked_sub(2).filter(|_| area.width > 2) else {
            return;
        };
        let x = area.x + 1;
        let width = area.width - 2;
        let rows = self.state_table().into_iter().take(inner.saturating_sub(1).into());
        for (row, line) in rows.enumerate() {
            buffer.set_line(x, area.y + 1 + short(row), &line, width);
        }
        if let (Some(message), Some(row)) = (self.message_line(), inner.checked_sub(1)) {
            buffer.set_line(x, area.y + 1 + row, &Text::from(message), width);
        }
    }

    /// The state of the peers in columns; values the selected line itself sets stand out.
    fn state_table(&self) -> Vec<Text<'static>> {
        let state = self.state();
        let names: Vec<_> =
            state.iter().map(|(peer, _)| self.store.peers.safe_name(peer.0)).collect();
        let name_width = names.iter().map(|name| columns(name)).max().unwrap_or(0);
        let widths = STATE_KEYS.iter().enumerate().map(|(at, key)| {
            let values = state.iter().filter_map(|(_, own)| own[at].as_ref());
            values.map(|value| columns(&value.text)).fold(columns(key), usize::max)
        });
        let widths: Vec<_> = widths.collect();
        let head = STATE_KEYS.iter().zip(&widths).map(|(key, width)| padded(key, *width));
        let head = head.map(|key| Span::styled(format!("  {key}"), self.line_style()));
        let head = std::iter::once(Span::raw(" ".repeat(name_width))).chain(head);
        let mut rows = vec![Text::from_iter(head)];
        for (name, (_, values)) in names.iter().zip(state) {
            let name = Span::styled(padded(name, name_width), self.title_style());
            let values = values.into_iter().zip(&widths).map(|(value, width)| match value {
                Some(KnownValue { text, since: Since::Now }) => {
                    Span::styled(format!("  {}", padded(&text, *width)), self.changed_style())
                }
                Some(KnownValue { text, since: Since::Before }) => {
                    Span::raw(format!("  {}", padded(&text, *width)))
                }
                None => Span::raw(" ".repeat(2 + width)),
            });
            rows.push(Text::from_iter(std::iter::once(name).chain(values)));
        }
        rows
    }
}

/// A text with blanks behind it, up to a width.
fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Below this the log needs all rows.
const STATE_HEIGHT_MIN: u16 = 8;

/// A number with thin gaps between its thousands, as a line of a long log is read: `12 403`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    // Numbers of four digits are read as they are.
    if digits.len() <= 4 {
        return digits;
    }
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(" ")
}
