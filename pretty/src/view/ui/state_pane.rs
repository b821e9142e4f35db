//! The state of the peers at the selected line: a table, in as many blocks side by side as there
//! is room for, and the selected message below it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget as _};

use crate::meaning::state::STATE_KEYS;
use crate::text::columns;
use crate::view::history::values::Since;
use crate::view::log_view::{LogView, Pane};
use crate::view::ui::draw::{put, short};

/// The arrangement of the peers. Invariant: `across * column` columns and the gaps between them
/// fit the screen, if one block does.
struct Arrangement {
    name: usize,
    /// The width of each key's values.
    keys: Vec<usize>,
    /// The width of a block.
    block: usize,
    across: usize,
    /// Peers of a block, whether they have room or not.
    rows: usize,
}

impl LogView {
    /// Rows of the state of the peers: none if it is hidden or has no room. The log keeps at least
    /// half of the screen.
    pub(crate) fn state_rows(&self) -> u16 {
        if self.pane != Pane::State || self.size.height < STATE_HEIGHT_MIN {
            return 0;
        }
        let wanted = short(OTHER_ROWS + self.arrange_state().rows);
        wanted.min(self.state_rows_max())
    }

    fn state_rows_max(&self) -> u16 {
        let height = self.size.height;
        height.saturating_sub(2 + self.timeline_rows() + height.div_ceil(2)).max(4)
    }

    fn state_peer_rows_max(&self) -> usize {
        usize::from(self.state_rows_max()).saturating_sub(OTHER_ROWS).max(1)
    }

    pub(crate) fn scroll_state(&mut self, rows: isize) {
        if self.pane != Pane::State {
            "s shows the state of the peers".clone_into(&mut self.note);
            return;
        }
        self.state_row = self.first_state_row().saturating_add_signed(rows);
        self.state_row = self.first_state_row();
    }

    /// The first row of each block that is shown: scrolling stops at the last one.
    fn first_state_row(&self) -> usize {
        let seen = usize::from(self.state_rows()).saturating_sub(OTHER_ROWS);
        self.state_row.min(self.arrange_state().rows.saturating_sub(seen))
    }

    pub(crate) fn draw_state(&self, area: Rect, buffer: &mut Buffer) {
        let rows = self.state_rows();
        let top = area.bottom().saturating_sub(rows + 1 + self.timeline_rows()).max(area.y);
        let area = Rect { y: top, height: rows.min(area.bottom() - top), ..area };
        Clear.render(area, buffer);
        let arrangement = self.arrange_state();
        let seen = usize::from(area.height).saturating_sub(OTHER_ROWS);
        let first = self.first_state_row();
        self.draw_state_head(&arrangement, Rect { height: 1, ..area }, buffer);
        for (at, (peer, values)) in self.state().into_iter().enumerate() {
            let (block, row) = (at / arrangement.rows.max(1), at % arrangement.rows.max(1));
            let Some(row) = row.checked_sub(first).filter(|row| *row < seen) else { continue };
            let x = area.x + short(block * (arrangement.block + GAP));
            let y = area.y + 1 + short(row);
            let line = Rect { x, y, width: area.right().saturating_sub(x), height: 1 };
            put(buffer, line, &self.store.peers.safe_name(peer.0), self.title_style());
            let values = values.map(|value| {
                value.map(|value| {
                    let style = match value.since {
                        Since::Now => self.changed_style(),
                        Since::Before => Style::new(),
                    };
                    (value.text, style)
                })
            });
            arrangement.draw_values(line, values, buffer);
        }
        let last = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
        let left = self.draw_scroll_sign(&arrangement, seen, last, buffer);
        if let Some(message) = self.message_line() {
            put(buffer, left, &message, Style::new());
        }
    }

    /// The names of the keys over each block.
    fn draw_state_head(&self, arrangement: &Arrangement, area: Rect, buffer: &mut Buffer) {
        for x in area.left()..area.right() {
            buffer.set_string(x, area.y, "─", self.line_style());
        }
        let style = self.color(self.theme.time);
        for block in 0..arrangement.across {
            let x = area.x + short(block * (arrangement.block + GAP));
            let line = Rect { x, width: area.right().saturating_sub(x), ..area };
            let blank = " ".repeat((arrangement.block + 1).min(usize::from(line.width)));
            buffer.set_string(x, area.y, blank, style);
            let heads = STATE_KEYS.map(|key| Some((key.to_owned(), style)));
            arrangement.draw_values(line, heads, buffer);
        }
        let width = short(columns(TITLE));
        let end = area.x + short(arrangement.across * (arrangement.block + GAP));
        if let Some(x) = area.right().checked_sub(width + 1).filter(|x| *x >= end) {
            put(buffer, Rect { x, width, ..area }, TITLE, self.title_style());
        }
    }

    /// Names the peers that are shown, if they are not all; returns the room left of that.
    fn draw_scroll_sign(
        &self,
        arrangement: &Arrangement,
        seen: usize,
        area: Rect,
        buffer: &mut Buffer,
    ) -> Rect {
        let rows = arrangement.rows;
        if rows <= seen {
            return area;
        }
        let from = self.first_state_row();
        let peers = self.store.columns().peers;
        let sign = format!(" rows {}–{} of {rows}, {peers} peers: [ ] ", from + 1, from + seen);
        let width = short(columns(&sign)).min(area.width);
        let x = area.right() - width;
        put(buffer, Rect { x, width, ..area }, &sign, self.title_style());
        Rect { width: x - area.x, ..area }
    }

    fn arrange_state(&self) -> Arrangement {
        let state = self.state();
        let names = state.iter().map(|(peer, _)| columns(&self.store.peers.safe_name(peer.0)));
        let name = names.max().unwrap_or(0).min(NAME_MAX);
        let keys = STATE_KEYS.iter().enumerate().map(|(at, key)| {
            let values = state.iter().filter_map(|(_, own)| own[at].as_ref());
            let widest = values.map(|value| columns(&value.text)).fold(columns(key), usize::max);
            // Widths must not change with every line.
            widest.max(if at == 0 { ROLE_COLUMNS } else { 0 }).min(VALUE_MAX)
        });
        let keys: Vec<_> = keys.collect();
        let block = name + keys.iter().map(|width| 2 + width).sum::<usize>();
        let width = usize::from(self.size.width);
        // A single table reads best, so there are no more blocks than the peers need.
        let fitting = ((width + GAP) / (block + GAP)).max(1);
        let across = state.len().div_ceil(self.state_peer_rows_max()).clamp(1, fitting);
        Arrangement { name, keys, block, across, rows: state.len().div_ceil(across) }
    }
}

impl Arrangement {
    /// Draws the value of each key into its column; what has no room is marked by `…`.
    fn draw_values<const N: usize>(
        &self,
        line: Rect,
        values: [Option<(String, Style)>; N],
        buffer: &mut Buffer,
    ) {
        let mut x = line.x + short(self.name);
        for (value, width) in values.into_iter().zip(&self.keys) {
            let room = line.right().saturating_sub(x + 2).min(short(*width));
            match value {
                Some((text, style)) if room > 0 => {
                    put(buffer, Rect { x: x + 2, width: room, ..line }, &text, style);
                }
                Some((_, style)) if line.width > 0 => {
                    let last = Rect { x: line.right() - 1, width: 1, ..line };
                    put(buffer, last, "……", style);
                }
                Some(_) | None => {}
            }
            x = x.saturating_add(2 + short(*width));
        }
    }
}

/// Rows besides the peers: the names of the columns, and the message.
const OTHER_ROWS: usize = 2;

/// Columns between two blocks.
const GAP: usize = 3;

/// Wider names and values are cut.
const NAME_MAX: usize = 16;
const VALUE_MAX: usize = 16;

const TITLE: &str = " state at this line ";

/// As wide as the longest role of the paper.
const ROLE_COLUMNS: usize = 9;

/// Below this the log needs all rows.
const STATE_HEIGHT_MIN: u16 = 8;
