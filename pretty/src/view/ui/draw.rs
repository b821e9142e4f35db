//! The state → cells of a buffer. Draws only what is visible, and changes nothing.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use crate::class::Class;
use crate::layout::Shape;
use crate::line::{Event, Line, Stamp};
use crate::parse::date_of;
use crate::style::color::{Depth, Rgb};
use crate::text::{Safe, columns, make_safe, make_safe_lines, safe_text};
use crate::view::log::ids::PeerId;
use crate::view::log_view::{LogView, Pane, Switch};

/// The place of a text: its first column and its width.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) x: u16,
    pub(crate) width: u16,
}

/// Lines without a date between two events of which the days are compared.
const UNDATED_LINES_MAX: usize = 64;

/// A line ready to be drawn, apart from its rows.
struct PreparedLine<'a> {
    time: String,
    topic: String,
    /// The name of the peer, if peers have no columns.
    tag: String,
    text: Safe<'a>,
    cell: Cell,
    style: Style,
}

impl LogView {
    /// Draws the view into `area`, which should have the size last given to [`LogView::resize`].
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        if area.height == 0 || area.width == 0 {
            return;
        }
        self.draw_header(Rect { height: 1, ..area }, buffer);
        let height = area.height.saturating_sub(2);
        let body = Rect { y: area.y + 1, height: height.min(self.log_rows()), ..area };
        self.draw_body(body, buffer);
        let timeline = self.timeline_rows();
        if timeline > 0 && area.height > timeline {
            let y = area.bottom() - 1 - timeline;
            self.draw_timeline(Rect { y, height: timeline, ..area }, buffer);
        }
        match self.pane {
            Pane::None => {}
            Pane::State if self.state_rows() == 0 => {}
            Pane::State => self.draw_state(area, buffer),
            Pane::Menu(menu) => self.draw_menu(menu, area, buffer),
            Pane::Help => self.draw_help(area, buffer),
        }
        if area.height > 1 {
            self.draw_status(Rect { y: area.bottom() - 1, height: 1, ..area }, buffer);
        }
    }

    /// Rows the log has on the screen.
    pub(crate) fn body_rows(&self) -> usize {
        usize::from(self.log_rows().max(1))
    }

    fn log_rows(&self) -> u16 {
        self.size.height.saturating_sub(2 + self.state_rows() + self.timeline_rows())
    }

    /// Rows a line takes on the screen.
    pub(crate) fn rows_of(&self, line: usize) -> usize {
        if line >= self.store.len() {
            return 1;
        }
        let rule = usize::from(self.new_day(line).is_some());
        if self.wrap == Switch::Off {
            return 1 + rule;
        }
        let mut scratch = String::new();
        let drawn = self.prepare(line, &mut scratch);
        rule + drawn.text.rows(usize::from(drawn.cell.width)).count()
    }

    /// The day of a line, if the events shown before it are of another one.
    fn new_day(&self, line: usize) -> Option<i64> {
        self.store.origin()?;
        let day_of = |line: usize| {
            self.store.read_event(line, |event| event.stamp.as_ref().and_then(Stamp::day))?
        };
        let day = day_of(line)?;
        let mut before = self.visible.previous(line);
        for _ in 0..UNDATED_LINES_MAX {
            let Some(line) = before else { return Some(day) };
            if let Some(other) = day_of(line) {
                return (other != day).then_some(day);
            }
            before = self.visible.previous(line);
        }
        None
    }

    fn draw_day(&self, day: i64, area: Rect, buffer: &mut Buffer) {
        let style = self.color(self.theme.time);
        for x in area.left()..area.right() {
            buffer.set_string(x, area.y, "─", style);
        }
        let (year, month, day) = date_of(day);
        let place =
            Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(2), ..area };
        put(buffer, place, &format!(" {year:04}-{month:02}-{day:02} "), style);
    }

    fn draw_header(&self, area: Rect, buffer: &mut Buffer) {
        let line = self.line_style();
        for x in area.left()..area.right() {
            buffer.set_string(x, area.y, "─", line);
        }
        if let Shape::Columns(_) = self.layout.shape {
            for peer in self.visible_peers() {
                let cell = self.cell(Some(self.store.peers.name(peer)));
                let x = area.x + cell.x;
                buffer.set_string(x.saturating_sub(1), area.y, "┬", line);
                let name = self.store.peers.safe_name(peer);
                let place = Rect { x: x + 1, width: cell.width.saturating_sub(1), ..area };
                put(buffer, place, &name, self.title_style());
            }
        }
    }

    fn draw_body(&self, area: Rect, buffer: &mut Buffer) {
        let mut y = area.y;
        let mut next = self.visible.next(self.top);
        while let Some(line) = next.filter(|_| y < area.bottom()) {
            if let Some(day) = self.new_day(line).filter(|_| y + 1 < area.bottom()) {
                self.draw_day(day, Rect { y, height: 1, ..area }, buffer);
                y += 1;
            }
            let rows = Rect { y, height: area.bottom() - y, ..area };
            y += self.draw_line(line, rows, buffer);
            let rows = Rect { height: y - rows.y, ..rows };
            if self.highlight.as_ref().is_some_and(|lines| lines.contains(line)) {
                self.set_background(rows, self.theme.highlight, buffer);
            }
            if line == self.cursor {
                self.set_background(rows, self.theme.selection, buffer);
                let bold = Style::new().add_modifier(Modifier::BOLD);
                buffer.set_style(rows, bold);
            }
            next = self.visible.next(line + 1);
        }
    }

    /// Draws a line into the top of `area`; returns the rows it took.
    fn draw_line(&self, line: usize, area: Rect, buffer: &mut Buffer) -> u16 {
        let mut scratch = String::new();
        let drawn = self.prepare(line, &mut scratch);
        let event = self.store.kind(line).event();
        let mut y = area.y;
        for row in drawn.text.rows(usize::from(drawn.cell.width)) {
            if y == area.bottom() {
                break;
            }
            if y > area.y && self.wrap == Switch::Off {
                let end = (area.x + drawn.cell.x + drawn.cell.width).min(area.right());
                buffer.set_stringn(end.saturating_sub(1), area.y, "…", 1, drawn.style);
                break;
            }
            // A line that is gone from its file is not an event any more.
            if let Some((_, peer)) = event.filter(|_| drawn.cell.x > 0) {
                self.draw_lines_between(peer, Rect { y, ..area }, buffer);
                if y > area.y {
                    let edge = area.x + drawn.cell.x - 1;
                    buffer.set_stringn(edge, y, "┊", 1, self.line_style());
                }
            }
            let text = &drawn.text.text()[row];
            let x = area.x + drawn.cell.x;
            buffer.set_stringn(x, y, text, usize::from(drawn.cell.width), drawn.style);
            self.mark_matches(text, Rect { x, y, width: drawn.cell.width, height: 1 }, buffer);
            y += 1;
        }
        self.draw_time_and_topic(&drawn, area, buffer);
        self.draw_signs(line, &drawn, area, buffer);
        y - area.y
    }

    fn draw_time_and_topic(&self, drawn: &PreparedLine<'_>, area: Rect, buffer: &mut Buffer) {
        let end = self.layout.time;
        let x = area.x + short(end.saturating_sub(columns(&drawn.time)));
        buffer.set_stringn(x, area.y, &drawn.time, end, self.color(self.theme.time));
        let topic = area.x + short(end + usize::from(end > 0));
        buffer.set_stringn(topic, area.y, &drawn.topic, self.layout.topic, drawn.style);
        if let (Shape::Tagged(width), false) = (&self.layout.shape, drawn.tag.is_empty()) {
            let x = area.x + short(self.layout.margin()) + 1;
            buffer.set_stringn(x, area.y, &drawn.tag, *width, self.title_style());
        }
    }

    /// A `!` at the edge of what is suspicious, the letter of a mark at what is marked.
    fn draw_signs(&self, line: usize, drawn: &PreparedLine<'_>, area: Rect, buffer: &mut Buffer) {
        let Some(x) = drawn.cell.x.checked_sub(1) else {
            return;
        };
        if let Some(sign) = self.sign(line) {
            let style = if sign == '!' { self.error_style() } else { self.title_style() };
            buffer.set_stringn(area.x + x, area.y, sign.encode_utf8(&mut [0; 4]), 1, style);
        }
    }

    fn sign(&self, line: usize) -> Option<char> {
        let anomaly = self.store.history.anomaly(line).map(|_| '!');
        self.marks.of(line).or(anomaly)
    }

    /// The sign before a text that has no edge to its left.
    fn with_sign<'a>(&self, line: usize, cell: Cell, text: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        match self.sign(line).filter(|_| cell.x == 0) {
            Some(sign) => [format!("{sign} ").as_bytes(), &text].concat().into(),
            None => text,
        }
    }

    fn draw_lines_between(&self, peer: PeerId, area: Rect, buffer: &mut Buffer) {
        let margin = short(self.layout.margin());
        let edges = match &self.layout.shape {
            // The text of no single peer runs across all columns.
            Shape::Columns(_) if self.store.peers.name(peer.0) == Event::NO_PEER => vec![margin],
            Shape::Columns(cells) => cells
                .iter()
                .scan(margin, |x, cell| {
                    let edge = *x;
                    *x += 1 + short(*cell);
                    Some(edge)
                })
                .collect(),
            Shape::Tagged(width) => vec![margin, margin + 1 + short(*width)],
            Shape::Stacked => Vec::new(),
        };
        for edge in edges {
            buffer.set_stringn(area.x + edge, area.y, "│", 1, self.line_style());
        }
    }

    fn mark_matches(&self, text: &str, area: Rect, buffer: &mut Buffer) {
        for found in self.search.iter().flat_map(|search| search.regex.find_iter(text)) {
            let x = area.x + short(columns(&text[..found.start()]));
            let width = short(columns(found.as_str())).min(area.right().saturating_sub(x));
            let style = Style::new().add_modifier(Modifier::REVERSED);
            buffer.set_style(Rect { x, width, ..area }, style);
        }
    }

    fn prepare<'a>(&self, line: usize, scratch: &'a mut String) -> PreparedLine<'a> {
        self.store.read(line, |read| match read {
            Line::Event(event) => self.prepare_event(line, event, scratch),
            Line::Header(header) => {
                self.prepare_other(line, header.text, self.title_style(), scratch)
            }
            Line::Other(class, text) => {
                let style = match class {
                    Class::Blank | Class::Plain | Class::Lead => Style::new(),
                    Class::Test => self.title_style(),
                    Class::Passed => self.bold(self.theme.good),
                    Class::Failed | Class::Panic | Class::Race => self.bold(self.theme.bad),
                };
                self.prepare_other(line, text, style, scratch)
            }
        })
    }

    fn prepare_other<'a>(
        &self,
        line: usize,
        text: &[u8],
        style: Style,
        scratch: &'a mut String,
    ) -> PreparedLine<'a> {
        let cell = Cell { x: 0, width: self.size.width.max(1) };
        let [time, topic, tag] = [const { String::new() }; 3];
        PreparedLine {
            time,
            topic,
            tag,
            text: own_safe(&self.with_sign(line, cell, text.into()), scratch),
            cell,
            style,
        }
    }

    fn prepare_event<'a>(
        &self,
        line: usize,
        event: &Event<'_>,
        scratch: &'a mut String,
    ) -> PreparedLine<'a> {
        let prefix = crate::printer::Prefix::of(event, &self.layout);
        let mut joined = Vec::new();
        let cell = self.cell(Some(&event.peer));
        let mut text = Cow::Borrowed(prefix.before(event.split_text().0, &mut joined));
        if let Some(times) = self.folding.as_ref().and_then(|folding| folding.times(line)) {
            text.to_mut().extend_from_slice(format!(" ×{times}").as_bytes());
        }
        let stamp = event.stamp.as_ref().filter(|_| prefix.time.is_none());
        PreparedLine {
            time: stamp.map(|stamp| safe_text(&stamp.text)).unwrap_or_default(),
            topic: if prefix.topic.is_some() { String::new() } else { safe_text(&event.topic) },
            tag: if prefix.peer.is_some() { String::new() } else { safe_text(&event.peer) },
            text: own_safe_lines(&self.with_sign(line, cell, text), scratch),
            cell,
            style: self.color(self.theme.event(&event.topic, event.level)),
        }
    }

    /// The place of the texts of a peer.
    pub(crate) fn cell(&self, peer: Option<&[u8]>) -> Cell {
        let margin = short(self.layout.margin());
        let across = short(self.layout.text()).max(1);
        match &self.layout.shape {
            Shape::Columns(cells) => {
                let mut peers = self.visible_peers().into_iter();
                let column = peers.position(|id| Some(self.store.peers.name(id)) == peer);
                let Some((column, width)) = column.and_then(|at| Some((at, cells.get(at)?))) else {
                    return Cell { x: margin + 1, width: across };
                };
                let before: usize = cells[..column].iter().map(|cell| 1 + cell).sum();
                Cell { x: margin + short(before) + 1, width: short(*width) }
            }
            Shape::Tagged(tag) => Cell { x: margin + short(*tag) + 2, width: across },
            Shape::Stacked => Cell { x: 0, width: across },
        }
    }

    fn visible_peers(&self) -> Vec<u16> {
        let order = self.store.peer_order().into_iter();
        order.filter(|peer| !self.hidden.peers.contains(peer)).map(|peer| peer.0).collect()
    }

    /// Gives rows another background. What can be read on that of the log need not be readable on
    /// this one; with too few colours for it the selection is reversed, all else underlined.
    fn set_background(&self, area: Rect, background: Rgb, buffer: &mut Buffer) {
        let style = match self.depth {
            Depth::None | Depth::Ansi16 if background == self.theme.selection => {
                Style::new().add_modifier(Modifier::REVERSED)
            }
            Depth::None | Depth::Ansi16 => Style::new().add_modifier(Modifier::UNDERLINED),
            Depth::Ansi256 => Style::new().bg(Color::Indexed(background.nearest_grey_256())),
            Depth::True => Style::new().bg(rgb(background)),
        };
        self.keep_readable(area, background, buffer);
        buffer.set_style(area, style);
    }

    fn keep_readable(&self, area: Rect, background: Rgb, buffer: &mut Buffer) {
        let line = self.line_style().fg;
        let mut last = (Color::Reset, Color::Reset);
        for position in area.positions() {
            let cell = &mut buffer[position];
            if Some(cell.fg) == line {
                continue;
            }
            if last.0 != cell.fg {
                last = (cell.fg, self.readable_on(background, cell.fg));
            }
            cell.fg = last.1;
        }
    }

    fn readable_on(&self, background: Rgb, color: Color) -> Color {
        match (self.depth, color) {
            (Depth::True, Color::Rgb(red, green, blue)) => {
                rgb(Rgb(red, green, blue).readable_on(background))
            }
            (Depth::Ansi256, Color::Indexed(index @ 16..)) => {
                let background = Rgb::of_256(background.nearest_grey_256());
                Color::Indexed(Rgb::of_256(index).to_256(background))
            }
            (_, other) => other,
        }
    }

    pub(crate) fn title_style(&self) -> Style {
        self.bold(self.theme.title)
    }

    pub(crate) fn line_style(&self) -> Style {
        self.color(self.theme.line)
    }

    pub(crate) fn changed_style(&self) -> Style {
        self.bold(self.theme.good)
    }

    pub(crate) fn error_style(&self) -> Style {
        self.bold(self.theme.bad)
    }

    fn bold(&self, color: Rgb) -> Style {
        self.color(color).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn color(&self, color: Rgb) -> Style {
        let background = self.theme.background;
        match self.depth {
            Depth::None => Style::new(),
            Depth::Ansi16 => Style::new().fg(ansi16(color.to_16(background))),
            Depth::Ansi256 => Style::new().fg(Color::Indexed(color.to_256(background))),
            Depth::True => Style::new().fg(rgb(color)),
        }
    }
}

fn rgb(color: Rgb) -> Color {
    Color::Rgb(color.0, color.1, color.2)
}

/// One of the sixteen colours by its number in escape codes.
fn ansi16(code: u8) -> Color {
    Color::Indexed(if code >= 90 { code - 90 + 8 } else { code.saturating_sub(30) })
}

/// The text made safe, in `scratch` in any case: it must outlive the parsed line.
fn own_safe<'a>(bytes: &[u8], scratch: &'a mut String) -> Safe<'a> {
    let mut own = String::new();
    let safe = make_safe(bytes, &mut own);
    scratch.clear();
    scratch.push_str(safe.text());
    Safe::of_safe(scratch)
}

/// The same, with the lines in it.
fn own_safe_lines<'a>(bytes: &[u8], scratch: &'a mut String) -> Safe<'a> {
    let mut own = String::new();
    scratch.clone_from(&make_safe_lines(bytes, &mut own).text().to_owned());
    Safe::of_safe(scratch)
}

/// Puts a text into the first row of a place; one that is too wide for it ends in `…`.
pub(crate) fn put(buffer: &mut Buffer, place: Rect, text: &str, style: Style) {
    let place = place.intersection(buffer.area);
    if place.is_empty() {
        return;
    }
    buffer.set_stringn(place.x, place.y, text, usize::from(place.width), style);
    if columns(text) > usize::from(place.width) {
        buffer.set_stringn(place.right() - 1, place.y, "…", 1, style);
    }
}

/// A number of columns or rows on a screen.
pub(crate) fn short(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
