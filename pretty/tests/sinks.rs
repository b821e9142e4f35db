//! The same payloads into everything this program writes to: nothing of a log or of a file's name
//! becomes a command of the terminal, a tag, an attribute or a line of another program.
//!
//! | sink | the way in |
//! |---|---|
//! | rows on the terminal, cells of `--tui`, its notes | `make_safe` |
//! | HTML, SVG | `make_safe`, then `Escaped` |
//! | standard error | `warn` |
//! | editor | absolute paths (`editor.rs`) |
//! | clipboard | base64 (`screen.rs`) |
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail them")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};

use pretty::view::{Chunk, LogView};
use pretty::{Background, Depth, DiagramBuilder, Filter, HtmlPage, Options, Parser, Printer};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const PAYLOADS: [&str; 14] = [
    "\x1b]0;owned\x07",
    "\x1b]52;c;b3duZWQ=\x1b\\",
    "\x1b[2J\x1b[1;1Hpretty: all is well",
    "\u{9b}31m\u{9d}0;owned\u{9c}",
    "\rpretty: all is well",
    "\x08\x08\x08\x7f",
    "\u{202e}gnp.exe \u{2066} \u{2028} \u{feff} \u{200b}",
    "</title></pre></script><script>owned()</script>",
    "\"><img src=x onerror=owned()>",
    "' onload='owned()",
    "<!-- ]]> &lt;b&gt; &amp;#60; -->",
    "javascript:owned() </style><style>*{}",
    "=HYPERLINK(\"http://x\") | @x",
    "\u{fffe}\u{ffff} \u{1f600} 日本語 e\u{301}",
];

/// Lines with a payload in each of their fields.
fn lines(payload: &str) -> Vec<Vec<u8>> {
    let json = payload.replace('\\', "\\\\").replace('"', "\\\"");
    let json: String = json
        .chars()
        .map(|c| if c.is_control() { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() })
        .collect();
    let all = [
        payload.to_owned(),
        format!("1.0 | VOTE | 0 | {payload}"),
        format!("1.0 | {payload} | 0 | x"),
        format!("1.0 | VOTE | {payload} | x"),
        format!("# verbose/1 test={payload} peers=2 unit=ms"),
        format!("--- FAIL: {payload}"),
        format!("panic: {payload}"),
        format!("2.0 | RPC | 0 | sends {payload} to=1 id=1 role={payload} term={payload}"),
        format!("2.0 | RPC | 0 | sends X to={payload} id={payload} kind=X event=sent"),
        format!("3.0 | DROP | 0 | X is lost to=1 id=1 why={payload}"),
        format!("{{\"ts\":1,\"topic\":\"{json}\",\"peer\":\"{json}\",\"msg\":\"{json}\"}}"),
        format!("ts={payload} level={payload} peer={payload} msg=\"{payload}\""),
    ];
    let raw = [b"\xff\xfe\x80 ", payload.as_bytes()].concat();
    all.into_iter().map(String::into_bytes).chain([raw]).collect()
}

/// Characters that must not leave this program, besides line ends.
fn is_harmful(c: char) -> bool {
    let is_hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    (c.is_control() && c != '\n') || is_hidden
}

#[track_caller]
fn check_plain(sink: &str, text: &str, payload: &str) {
    let found = text.chars().find(|c| is_harmful(*c));
    assert_eq!(found, None, "{sink} shows {payload:?} as {text:?}");
}

/// A text without our own colours.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('m') {
            Some((sgr, rest)) if sgr.bytes().all(|byte| byte.is_ascii_digit() || byte == b';') => {
                plain.push_str(rest);
            }
            _ => plain.push_str(&format!("\x1b[{part}")),
        }
    }
    plain
}

#[test]
fn rows_on_a_terminal() {
    for payload in PAYLOADS {
        for (width, depth) in [(30, Depth::None), (100, Depth::True)] {
            let options = Options { width, depth, ..Options::default() };
            let mut printer = Printer::new(options, Vec::new());
            lines(payload).iter().for_each(|line| printer.line(line).unwrap());
            let text = String::from_utf8(printer.finish().unwrap()).unwrap();
            check_plain("a row", &without_colours(&text), payload);
        }
    }
}

#[test]
fn cells_and_notes_of_the_view() {
    for payload in PAYLOADS {
        let log = lines(payload).join(&b'\n');
        let mut view = LogView::new(Background::Dark, Depth::True);
        view.append(Chunk::index(log, Parser::default()));
        view.set_note(payload);
        view.set_busy(payload);
        let area = Rect::new(0, 0, 200, 60);
        view.resize(area.as_size());
        for keys in ["", "s", "sI", "\x1bC", "G"] {
            for c in keys.chars() {
                let key = if c == '\x1b' {
                    ratatui::crossterm::event::KeyCode::Esc
                } else {
                    ratatui::crossterm::event::KeyCode::Char(c)
                };
                let _ = view.press(key.into());
            }
            let mut buffer = Buffer::empty(area);
            view.draw(area, &mut buffer);
            let text: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
            check_plain("a cell", &text, payload);
        }
    }
}

/// Markup with as many tags and attributes as the same with a word instead of the payload.
#[track_caller]
fn check_markup(sink: &str, with: &str, without: &str, payload: &str) {
    check_plain(sink, &with.replace('\t', " "), payload);
    assert!(!with.contains(['\u{fffe}', '\u{ffff}']), "{sink} is not XML with {payload:?}");
    for sign in
        ["<script", "<img", "<style", "</title>", "</pre>", "</script>", "<!--", "onerror=\""]
    {
        let counts = [with, without].map(|text| text.matches(sign).count());
        assert_eq!(counts[0], counts[1], "{sink}: {sign} of {payload:?}");
    }
}

fn page(payload: &str) -> String {
    let mut page = HtmlPage::new(Parser::default(), Filter::default(), Vec::new()).unwrap();
    lines(payload).iter().for_each(|line| page.line(line).unwrap());
    String::from_utf8(page.finish().unwrap()).unwrap()
}

fn picture(payload: &str) -> String {
    let (mut builder, mut parser) = (DiagramBuilder::default(), Parser::default());
    lines(payload).iter().for_each(|line| builder.draw(&parser.parse(line)));
    builder.finish().unwrap().svg(payload)
}

#[test]
fn pages_and_diagrams() {
    let names = "svg|title|style|rect|text|path|g|circle";
    let own_tag =
        regex::Regex::new(&format!(r#"^(/({names})|({names})( [a-zA-Z0-9]+="[^"]*")*/?)$"#));
    let own_tag = own_tag.unwrap();
    for payload in PAYLOADS {
        check_markup("a page", &page(payload), &page("word"), payload);
        let svg = picture(payload);
        check_plain("a diagram", &svg, payload);
        assert!(!svg.contains(['\u{fffe}', '\u{ffff}']), "no XML with {payload:?}");
        for tag in svg.split('<').skip(1) {
            let (tag, text) = tag.split_once('>').unwrap();
            assert!(own_tag.is_match(tag), "{tag:?} by {payload:?}");
            assert!(!text.contains('>'), "{text:?} by {payload:?}");
        }
    }
}

#[test]
fn standard_error() {
    for payload in PAYLOADS {
        for arguments in [
            vec![OsStr::new(payload)],
            vec![OsStr::new("--config"), OsStr::new(payload)],
            vec![OsStr::new("--peers"), OsStr::new(payload), OsStr::new("-")],
            vec![OsStr::from_bytes(b"\xff\x1b]0;owned\x07")],
        ] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_pretty"));
            command.args(&arguments).env_clear().stdin(Stdio::piped());
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            // A program that has ended already reads nothing.
            let log = lines(payload).join(&b'\n');
            let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), &log);
            let output = child.wait_with_output().unwrap();
            let error = String::from_utf8(output.stderr).unwrap();
            check_plain("standard error", &error, payload);
            let rows = String::from_utf8(output.stdout).unwrap();
            check_plain("standard output", &rows, payload);
        }
    }
}

/// A line end in a name must not make a line that looks like another message.
#[test]
fn only_the_first_line_of_a_message_begins_like_one() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pretty"));
    let output = command.arg("x\npretty: all is well").output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error.lines().filter(|line| line.starts_with("pretty: ")).count(), 1, "{error}");
}
