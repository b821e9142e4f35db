//! What is drawn besides the log: the status line, the state of the peers, the help.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line as Text, Span};
use ratatui::widgets::{Block, Clear, Widget as _};

use super::draw::short;
use super::told::KEYS;
use super::{Follow, LogView, Panes};
use crate::text::{columns, make_safe};

impl LogView {
    pub(super) fn draw_status(&self, area: Rect, buffer: &mut Buffer) {
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
        let (shown, all) = (grouped(self.shown.len()), grouped(self.store.len()));
        if let Some(veil) = &self.veil {
            status += &format!("  {}: {shown} of {all} lines", safe(&veil.label));
        } else if self.shown.len() < self.store.len() {
            status += &format!("  {shown} shown");
        }
        for topic in &self.hidden.topics {
            status += &format!("  -{}", self.store.topics.safe_name(topic.0));
        }
        for peer in &self.hidden.peers {
            status += &format!("  -peer {}", self.store.peers.safe_name(peer.0));
        }
        if let Some(regex) = &self.filter {
            status += &format!("  &{}", safe(regex.as_str()));
        }
        if let Some(search) = &self.search {
            let count = search.count(self.cursor, self.shown.len());
            status += &format!("  /{} {count}", safe(search.regex.as_str()));
        }
        if let Some(odd) = self.cursor().and_then(|line| self.store.history.oddity(line)) {
            status += &format!("  ! {}", odd.words());
        }
        if self.follow == Follow::Yes {
            status += "  following";
        }
        if !self.note.is_empty() {
            status += &format!("  {}", self.note);
        }
        status
    }

    /// Rows of the state of the peers: none if it is not asked for or has no room.
    pub(super) fn state_rows(&self) -> u16 {
        if self.panes != Panes::State || self.size.height < STATE_HEIGHT_MIN {
            return 0;
        }
        // The frame, the peers, and the message.
        let rows = 3 + short(self.store.columns().peers);
        rows.min(self.size.height / 2)
    }

    pub(super) fn draw_state(&self, area: Rect, buffer: &mut Buffer) {
        let rows = self.state_rows();
        let top = area.bottom().saturating_sub(rows + 1 + self.strip_rows()).max(area.y);
        let area = Rect { y: top, height: rows.min(area.bottom() - top), ..area };
        Clear.render(area, buffer);
        let title = Span::styled(" state at this line ", self.title_style());
        Block::bordered().border_style(self.line_style()).title(title).render(area, buffer);
        let Some(inner) = area.height.checked_sub(2).filter(|_| area.width > 2) else {
            return;
        };
        for (row, (peer, state)) in
            self.state().into_iter().take(inner.saturating_sub(1).into()).enumerate()
        {
            let name = Span::styled(self.store.peers.safe_name(peer.0), self.title_style());
            let facts = state.into_iter().zip(KEYS).filter_map(|(value, key)| {
                value.map(|value| Span::raw(format!("  {key}={value}")))
            });
            let line = Text::from_iter(std::iter::once(name).chain(facts));
            buffer.set_line(area.x + 1, area.y + 1 + short(row), &line, area.width - 2);
        }
        if let (Some(message), Some(row)) = (self.message_line(), inner.checked_sub(1)) {
            let line = Text::from(message);
            buffer.set_line(area.x + 1, area.y + 1 + row, &line, area.width - 2);
        }
    }
}

/// Below this the log needs all rows.
const STATE_HEIGHT_MIN: u16 = 8;

/// A number with thin gaps between its thousands, as a line of a long log is read: `12 403`.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    // Numbers of four digits are read as they are.
    if digits.len() <= 4 {
        return digits;
    }
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(" ")
}

fn safe(text: &str) -> String {
    make_safe(text.as_bytes(), &mut String::new()).text().to_owned()
}
