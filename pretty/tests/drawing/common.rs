//! Drawing a log for a test.

use pretty::{Options, Printer};

/// The output of `pretty` for a log.
pub(crate) fn draw(options: Options, log: impl AsRef<[u8]>) -> String {
    let mut printer = Printer::new(options, Vec::new());
    let log = log.as_ref();
    let log = log.strip_suffix(b"\n").unwrap_or(log);
    for line in log.split(|byte| *byte == b'\n') {
        printer.line(line).expect("a vector takes everything");
    }
    let bytes = printer.finish().expect("a vector takes everything");
    String::from_utf8(bytes).expect("output is UTF-8")
}

/// Without colours, this wide.
pub(crate) fn wide(width: usize) -> Options {
    Options { width, ..Options::default() }
}

/// The same text with escape characters one can see.
pub(crate) fn visible(text: &str) -> String {
    text.replace('\x1b', "␛")
}
