//! Drawing into a layout: events in their columns, headers, rules, and lines as they come.
//!
//! Everything that is the same for many rows (lines between columns, empty cells, escape codes)
//! is built once per layout; a row is then a handful of copies.

use std::io::{self, Write};

use super::code::Code;
use super::styled::{StyledText, StyledWriter};
use super::{AnsiTheme, RowBuffer};
use crate::layout::{Layout, Shape};
use crate::text::{columns, make_safe};

/// A layout with everything about it that can be prepared.
#[derive(Debug)]
pub(crate) struct Canvas {
    layout: Layout,
    frames: Vec<CellFrame>,
    across: CellFrame,
    /// Before and behind the name of a peer, and before further rows of its text.
    tag_edge: Vec<u8>,
    tag_next: Vec<u8>,
    time_sgr: Code,
    line_sgr: Code,
    title_sgr: Code,
    writer: StyledWriter,
}

/// The surroundings of a cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct CellFrame {
    /// Between the topic and the cell in the first row of an event.
    first: Vec<u8>,
    /// From the start of a row to the cell in further rows.
    next: Vec<u8>,
    /// Behind the cell; if it is empty the cell is not filled up with blanks.
    after: Vec<u8>,
    /// Width of the cell.
    width: usize,
}

/// The time and the topic of an event's first row; both safe and no wider than their columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeAndTopic<'a> {
    pub(crate) time: &'a str,
    pub(crate) topic: &'a str,
}

impl Canvas {
    pub(crate) fn new(layout: Layout, ansi: &AnsiTheme) -> Self {
        let mut canvas = Self {
            layout,
            frames: Vec::new(),
            across: CellFrame::default(),
            tag_edge: Vec::new(),
            tag_next: Vec::new(),
            time_sgr: ansi.sgr(ansi.theme.time),
            line_sgr: ansi.line_sgr(),
            title_sgr: ansi.bold_sgr(ansi.theme.title),
            writer: StyledWriter::new(ansi),
        };
        canvas.prepare();
        canvas
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The frame of a column of peers, or of texts that belong to none.
    pub(crate) fn frame(&self, column: Option<usize>) -> &CellFrame {
        column.and_then(|column| self.frames.get(column)).unwrap_or(&self.across)
    }

    /// The frame of a text behind its peer's name.
    pub(crate) fn tagged<'f>(&self, peer: &str, frame: &'f mut CellFrame) -> &'f CellFrame {
        let edge = &self.tag_edge;
        let pad = self.tag().saturating_sub(columns(peer));
        frame.first.clear();
        for part in [edge, &*self.title_sgr, peer.as_bytes(), &self.writer.off] {
            frame.first.extend_from_slice(part);
        }
        frame.first.resize(frame.first.len() + pad, b' ');
        frame.first.extend_from_slice(edge);
        frame.next.clone_from(&self.tag_next);
        frame.after.clear();
        frame.width = self.layout.text();
        frame
    }

    /// The width of a peer's name before a text.
    fn tag(&self) -> usize {
        match self.layout.shape {
            Shape::Tagged(tag) => tag,
            Shape::Columns(_) | Shape::Stacked => 0,
        }
    }

    /// Draws an event: its cell, wrapped, and the cell's surroundings.
    ///
    /// # Errors
    /// Those of the writer.
    pub(crate) fn event<W: Write>(
        &self,
        rows: &mut RowBuffer<W>,
        front: TimeAndTopic<'_>,
        frame: &CellFrame,
        piece: StyledText<'_>,
    ) -> io::Result<()> {
        self.time_and_topic(rows, front, piece.sgr);
        let mut start = 0;
        let mut before = &frame.first;
        loop {
            let cut = piece.text.cut(start, frame.width);
            rows.put(before);
            self.writer.put_styled(rows, piece, start..start + cut.shown);
            if !frame.after.is_empty() {
                rows.blanks(frame.width - cut.columns);
                rows.put(&frame.after);
            }
            rows.end_row()?;
            start += cut.next;
            if start >= piece.text.text().len() {
                return Ok(());
            }
            before = &frame.next;
        }
    }

    /// Draws the names of the peers above their columns.
    ///
    /// # Errors
    /// Those of the writer.
    pub(crate) fn header<W: Write>(
        &self,
        rows: &mut RowBuffer<W>,
        unit: &str,
        names: &[&[u8]],
    ) -> io::Result<()> {
        let Shape::Columns(cells) = &self.layout.shape else {
            return Ok(());
        };
        let mut scratches = vec![String::new(); names.len()];
        let safe = names.iter().zip(&mut scratches).map(|(name, scratch)| make_safe(name, scratch));
        let safe: Vec<_> = safe.collect();
        let wrapped = safe.iter().zip(cells).map(|(name, cell)| name.rows(cell - 1));
        let name_rows: Vec<Vec<_>> = wrapped.map(Iterator::collect).collect();
        self.header_margin(rows, unit);
        for row in 0..name_rows.iter().map(Vec::len).max().unwrap_or(1) {
            let style = if row == 0 { HEADER } else { HEADER_MORE };
            if row > 0 {
                rows.blanks(self.layout.margin());
            }
            for (column, cell) in cells.iter().enumerate() {
                let range = name_rows[column].get(row).cloned().unwrap_or_default();
                let name = &safe[column].text()[range];
                let is_last = column + 1 == cells.len();
                let filled = if is_last && row > 0 { columns(name) + 1 } else { *cell };
                self.header_cell(rows, name, filled, style);
            }
            rows.end_row()?;
        }
        Ok(())
    }

    #[inline]
    fn time_and_topic<W: Write>(
        &self,
        rows: &mut RowBuffer<W>,
        front: TimeAndTopic<'_>,
        topic_sgr: &Code,
    ) {
        if self.layout.margin() == 0 {
            return;
        }
        if self.layout.time > 0 {
            rows.blanks(self.layout.time - columns(front.time));
            self.writer.put(rows, &self.time_sgr, front.time);
            rows.blanks(1);
        }
        if self.layout.topic > 0 {
            self.writer.put(rows, topic_sgr, front.topic);
            rows.blanks(self.layout.topic - columns(front.topic));
        }
    }

    /// The unit of the times stands at the end of their column.
    fn header_margin<W: Write>(&self, rows: &mut RowBuffer<W>, unit: &str) {
        let unit = if self.layout.time >= unit.len() { unit } else { "" };
        let before = self.layout.time.saturating_sub(unit.len());
        let after = self.layout.margin() - before - unit.len();
        self.writer.put(rows, &self.line_sgr, &"─".repeat(before));
        self.writer.put(rows, &self.time_sgr, unit);
        self.writer.put(rows, &self.line_sgr, &"─".repeat(after));
    }

    fn header_cell<W: Write>(
        &self,
        rows: &mut RowBuffer<W>,
        name: &str,
        width: usize,
        style: HeaderStyle,
    ) {
        let [edge, fill] = style;
        self.writer.put(rows, &self.line_sgr, &format!("{edge}{fill}"));
        self.writer.put(rows, &self.title_sgr, name);
        self.writer.put(rows, &self.line_sgr, &fill.repeat(width - 1 - columns(name)));
    }

    fn prepare(&mut self) {
        self.across = self.frame_of(&[self.layout.text()], 0);
        match &self.layout.shape {
            Shape::Columns(cells) => {
                let frames = (0..cells.len()).map(|column| self.frame_of(cells, column));
                self.frames = frames.collect();
            }
            Shape::Tagged(tag) => {
                let edge =
                    |line: &str| [&*self.line_sgr, line.as_bytes(), &self.writer.off].concat();
                self.tag_next = [self.margin(), edge("│"), vec![b' '; *tag], edge("┊")].concat();
                self.tag_edge = edge("│");
            }
            Shape::Stacked => {
                self.across = CellFrame { width: self.layout.width, ..CellFrame::default() };
            }
        }
    }

    fn margin(&self) -> Vec<u8> {
        vec![b' '; self.layout.margin()]
    }

    fn frame_of(&self, cells: &[usize], column: usize) -> CellFrame {
        let empty = |cells: &[usize]| {
            cells.iter().map(|cell| format!("│{}", " ".repeat(*cell))).collect::<String>()
        };
        let drawn = |text: String| match &*text {
            "" => Vec::new(),
            text => [&*self.line_sgr, text.as_bytes(), &self.writer.off].concat(),
        };
        let (before, after) = (empty(&cells[..column]), empty(&cells[column + 1..]));
        CellFrame {
            first: drawn(format!("{before}│")),
            next: [self.margin(), drawn(format!("{before}┊"))].concat(),
            after: drawn(after.trim_end().to_owned()),
            width: cells[column],
        }
    }
}

/// The characters of a header row: before each column, and between the names.
type HeaderStyle = [&'static str; 2];

const HEADER: HeaderStyle = ["┬", "─"];
const HEADER_MORE: HeaderStyle = ["│", " "];
