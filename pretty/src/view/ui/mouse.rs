//! The mouse: the wheel scrolls, a click selects a line, hides a peer, or goes to a place.

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use crate::layout::Shape;
use crate::view::log_view::{LogView, Pane};
use crate::view::ui::update::Outcome;

impl LogView {
    /// Takes what the mouse did, with its place counted from the view's own upper left corner.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most mouse events have no effect")]
    pub fn mouse(&mut self, event: MouseEvent) -> Outcome {
        match event.kind {
            MouseEventKind::ScrollUp => self.move_by(-WHEEL_LINES),
            MouseEventKind::ScrollDown => self.move_by(WHEEL_LINES),
            MouseEventKind::Down(MouseButton::Left) => self.click(event.column, event.row),
            _ => return Outcome::Unused,
        }
        Outcome::Used
    }

    fn click(&mut self, column: u16, row: u16) {
        if matches!(self.pane, Pane::Help | Pane::Menu(_)) {
            self.pane = Pane::None;
        } else if row == 0 {
            self.click_header(column);
        } else if usize::from(row) <= self.body_rows() {
            self.click_body(usize::from(row) - 1);
        } else if let Some(line) = self.timeline_line(column, row) {
            self.jump_to_line(line);
        }
    }

    fn click_body(&mut self, row: usize) {
        let mut end = 0;
        let mut next = self.visible.next(self.top);
        while let Some(line) = next {
            end += self.rows_of(line);
            if row < end {
                return self.go_to_line(line);
            }
            next = self.visible.next(line + 1);
        }
    }

    fn click_header(&mut self, column: u16) {
        if !matches!(self.layout.shape, Shape::Columns(_)) {
            return;
        }
        let order = self.store.peer_order();
        let visible = order.into_iter().filter(|peer| !self.hidden.peers.contains(peer));
        let clicked = visible.into_iter().find(|peer| {
            let cell = self.cell(Some(self.store.peers.name(peer.0)));
            (cell.x..cell.x + cell.width).contains(&column)
        });
        if let Some(peer) = clicked {
            self.note = format!("peer {} hidden; a shows all", self.store.peers.safe_name(peer.0));
            self.hidden.peers.insert(peer);
            self.refilter();
        }
    }
}

/// The lines one step of a wheel moves.
const WHEEL_LINES: isize = 3;
