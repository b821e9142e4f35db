//! Drawing events: layouts, headers, cells.

use std::io::{self, Write};

use super::fold::Folds;
use super::prefix::Prefix;
use super::topics::TopicId;
use super::{Printer, Scratch};
use crate::layout::{Layout, Shape};
use crate::level::Level;
use crate::line::Event;
use crate::render::{Canvas, StyledText, TimeAndTopic};
use crate::text::{columns, make_safe, make_safe_lines};

impl<W: Write> Printer<W> {
    pub(super) fn draw(&mut self, event: &Event<'_>, topic: TopicId) -> io::Result<()> {
        let Some(canvas) = &self.canvas else {
            return Ok(());
        };
        let Scratch { text, time, peer, prefix, marks, frame } = &mut self.scratch;
        let topic = &self.topics[topic];
        let fields = Prefix::of(event, canvas.layout());
        let text = make_safe_lines(fields.before(event.split_text().0, prefix), text);
        if let Some(regex) = &self.filter.grep {
            marks.clear();
            marks.extend(regex.find_iter(text.text()).map(|found| found.range()));
        }
        let stamp = event.stamp.as_ref().filter(|_| fields.time.is_none());
        let front = TimeAndTopic {
            time: stamp.map_or("", |stamp| make_safe(&stamp.text, time).text()),
            topic: if fields.topic.is_some() { "" } else { &topic.label },
        };
        let sgr = match event.level {
            Some(Level::Warn) => &self.level_sgrs[0],
            Some(Level::Error) => &self.level_sgrs[1],
            Some(Level::Fatal) => &self.level_sgrs[2],
            Some(Level::Trace | Level::Debug | Level::Info) | None => &topic.sgr,
        };
        let piece = StyledText { text, sgr, marks };
        if let Shape::Tagged(_) = canvas.layout().shape {
            let name = if fields.peer.is_some() { b"" } else { &*event.peer };
            let frame = canvas.tagged(make_safe(name, peer).text(), frame);
            return canvas.event(&mut self.rows, front, frame, piece);
        }
        let frame = canvas.frame(self.peers.column(&event.peer));
        canvas.event(&mut self.rows, front, frame, piece)
    }

    /// Makes the layout that fits everything seen, and draws its header or a notice.
    pub(super) fn lay_out(&mut self) -> io::Result<()> {
        let columns = self.measure.columns(self.peers.len());
        let layout = Layout::new(self.page.width(), columns);
        let side_by_side = |canvas: &Canvas| matches!(canvas.layout().shape, Shape::Columns(_));
        let was_narrow = self.canvas.as_ref().is_some_and(|canvas| !side_by_side(canvas));
        let canvas = self.canvas.insert(Canvas::new(layout, &self.ansi));
        if side_by_side(canvas) {
            return self.draw_header();
        }
        if was_narrow {
            return Ok(());
        }
        let notice = format!(
            "{} columns are too few for {} peers side by side ({} needed; --peers shows some): one \
             below the other",
            self.page.width(),
            columns.peers,
            Layout::width_needed(columns)
        );
        let text = make_safe(notice.as_bytes(), &mut self.scratch.text);
        let sgr = self.ansi.sgr(self.ansi.theme.time);
        self.page.rule(&mut self.rows, StyledText { text, sgr: &sgr, marks: &[] })
    }

    fn draw_header(&mut self) -> io::Result<()> {
        self.header_row = self.rows.rows();
        let unit = self.measure.unit().map(|unit| unit.to_string()).unwrap_or_default();
        match &self.canvas {
            Some(canvas) => canvas.header(&mut self.rows, &unit, &self.peers.arrange()),
            None => Ok(()),
        }
    }

    /// Draws the header again once it has left the screen.
    #[inline]
    pub(super) fn repeat_header(&mut self) -> io::Result<()> {
        let Some(page) = self.page_rows else {
            return Ok(());
        };
        // One row is the header's own, one the prompt's.
        if self.rows.rows() - self.header_row + 2 > page.max(PAGE_ROWS_MIN) {
            return self.draw_header();
        }
        Ok(())
    }

    /// Draws the number of repeats of a peer since its last event.
    pub(super) fn draw_repeats(&mut self, peer: &[u8], repeats: usize) -> io::Result<()> {
        let Some(canvas) = &self.canvas else {
            return Ok(());
        };
        let times = if repeats == 1 { "repeat" } else { "repeats" };
        let mut note = format!("⋯ {repeats} {times}");
        let mut name = make_safe(peer, &mut self.scratch.peer).text();
        let tag = match canvas.layout().shape {
            Shape::Columns(_) => usize::MAX,
            Shape::Tagged(tag) => tag,
            Shape::Stacked => 0,
        };
        // As before an event: a name wider than its column comes before the text.
        if columns(name) > tag {
            note = format!("{name} {note}");
            name = "";
        }
        let sgr = self.ansi.sgr(self.ansi.theme.time);
        let text = make_safe(note.as_bytes(), &mut self.scratch.text);
        let piece = StyledText { text, sgr: &sgr, marks: &[] };
        let front = TimeAndTopic { time: "", topic: "" };
        match canvas.layout().shape {
            Shape::Tagged(_) => {
                let frame = canvas.tagged(name, &mut self.scratch.frame);
                canvas.event(&mut self.rows, front, frame, piece)
            }
            Shape::Columns(_) | Shape::Stacked => {
                let frame = canvas.frame(self.peers.column(peer));
                canvas.event(&mut self.rows, front, frame, piece)
            }
        }
    }

    /// The same for all peers: something else follows, or nothing.
    pub(super) fn draw_all_repeats(&mut self) -> io::Result<()> {
        for (peer, repeats) in self.folds.as_mut().map(Folds::take_all).unwrap_or_default() {
            self.draw_repeats(&peer, repeats)?;
        }
        Ok(())
    }
}

/// A screen lower than this would show hardly more than headers.
const PAGE_ROWS_MIN: usize = 10;
