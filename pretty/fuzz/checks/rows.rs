//! Any bytes, drawn: no row may be wider than the screen, no control byte may come out but our own
//! colour codes, and colours may change nothing but colours.

use pretty::{Depth, Options, Printer, Repeats};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Checks the property on one input.
pub(crate) fn check(input: &[u8]) {
    let Some(([width, flags], log)) = input.split_first_chunk() else {
        return;
    };
    let width = usize::from(*width).max(20);
    let repeats = if flags & 1 == 0 { Repeats::Show } else { Repeats::Fold };
    let page = (flags & 2 != 0).then_some(12);
    let plain = draw(log, Options { width, repeats, page, ..Options::default() });
    for row in plain.lines() {
        assert!(!row.contains(char::is_control), "{row:?}");
        let columns: usize = row.graphemes(true).map(|grapheme| grapheme.width()).sum();
        assert!(columns <= width, "{columns} > {width}: {row:?}");
    }
    let colored = Options { width, repeats, page, depth: Depth::Ansi256, ..Options::default() };
    assert_eq!(strip(&draw(log, colored)), plain);
}

fn draw(log: &[u8], options: Options) -> String {
    let mut printer = Printer::new(options, Vec::new());
    for line in log.split(|byte| *byte == b'\n') {
        printer.line(line).expect("a vector takes everything");
    }
    String::from_utf8(printer.finish().expect("a vector takes everything")).expect("UTF-8")
}

/// Takes out `ESC [ … m`.
fn strip(drawn: &str) -> String {
    let mut parts = drawn.split("\x1b[");
    let first = parts.next().unwrap_or_default();
    let rest = parts.map(|part| part.split_once('m').expect("only colour codes are written").1);
    std::iter::once(first).chain(rest).collect()
}
