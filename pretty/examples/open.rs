//! A program that embeds the log view: opens a file at its last failure, draws it, and prints the
//! time that took and the anomalies of the log.
//!
//! ```console
//! $ cargo run --release -p pretty --example open -- FILE
//! ```

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Instant;

use pretty::view::LogView;
use pretty::{Background, Depth};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

fn main() -> io::Result<()> {
    let Some(file) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("which file?"));
    };
    let start = Instant::now();
    let mut view = LogView::of_file(&file, Background::Dark, Depth::True)?;
    let indexed = start.elapsed();
    let area = Rect::new(0, 0, 120, 40);
    view.resize(area.as_size());
    view.select_last_error();
    let mut buffer = Buffer::empty(area);
    view.draw(area, &mut buffer);
    let drawn = start.elapsed();
    let mut out = io::stdout().lock();
    let line = view.cursor().map_or(0, |line| line + 1);
    writeln!(out, "line {line} of {}: indexed in {indexed:?}, drawn after {drawn:?}", view.len())?;
    for (line, what) in view.anomalies() {
        writeln!(out, "line {}: {what}", line + 1)?;
    }
    Ok(())
}
