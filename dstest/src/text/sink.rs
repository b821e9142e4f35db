//! Text of foreign origin (names of tests, logs, files, settings), made harmless for the place it is
//! written to: one function for each kind of place.
//!
//! | sink | cannot be forged |
//! |---|---|
//! | [`screen`] | a line, a colour, a title, the order of characters |
//! | `terminal` | a title, the order of characters, a place on the screen |
//! | [`markdown`] | those, and a cell, a link, HTML, a mention |
//! | [`csv`] | those of a screen, and a field, a formula |
//! | [`xml`] (pages for browsers, too: `markup.rs`) | those of a screen, and an element |
//! | [`workflow_data`], [`workflow_property`] | those of a screen, and a command of a GitHub workflow |
//!
//! JSON needs none: its encoder escapes by itself.

/// One line for a terminal: control characters, line ends and invisible characters are spelled out.
#[must_use]
pub fn screen(text: &str) -> String {
    pretty::make_safe(text.as_bytes(), &mut String::new()).text().to_owned()
}

/// Text for a terminal that may have several lines; those after the first are indented, so that none
/// passes for a message of its own.
pub(crate) fn paragraph(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(screen).collect();
    lines.join("\n  ")
}

/// Lines of this program for a terminal: its own colours stay, and whatever else would act on the
/// terminal is spelled out. The last hurdle of everything that is printed, for text that has not
/// passed through [`screen`].
pub(crate) fn terminal(text: &str) -> String {
    let line = |line: &str| {
        let mut parts = line.split(SGR);
        let first = parts.next().map(screen).unwrap_or_default();
        let rest = parts.map(|part| match part.split_once('m') {
            Some((codes, text))
                if codes.bytes().all(|b| b.is_ascii_digit() || b";:".contains(&b)) =>
            {
                format!("{SGR}{codes}m{}", screen(text))
            }
            _ => screen(&format!("{SGR}{part}")),
        });
        first + &rest.collect::<String>()
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// The beginning of a colour, and of other orders to a terminal.
const SGR: &str = "\x1b[";

/// One line of Markdown without any markup, also in a table.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut out = String::new();
    for c in screen(text).chars() {
        match c {
            // References, because a backslash does not stop GitHub from making links of addresses, or
            // from notifying a user.
            '&' | '<' | '>' | '@' => out.push_str(&format!("&#{};", u32::from(c))),
            c if MARKUP.contains(c) => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    // The words of an address, taken apart.
    out.replace("://", "&#58;//").replace("www.", "www&#46;")
}

/// The text of a command of a GitHub workflow; lines stay lines of the annotation.
#[must_use]
pub fn workflow_data(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(screen).collect();
    lines.join("\n").replace('%', "%25").replace('\n', "%0A")
}

/// A property of such a command.
#[must_use]
pub fn workflow_property(text: &str) -> String {
    workflow_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The characters that mean something to Markdown, and can be escaped.
const MARKUP: &str = r"\`*_{}[]()#+!|~$";

/// A field of comma-separated values (RFC 4180), which no spreadsheet takes for a formula, nor for several
/// fields of which one is: in some countries they are separated by semicolons.
#[must_use]
pub fn csv(text: &str) -> String {
    let (screened, mut text) = (screen(text), String::new());
    let mut is_start = true;
    for c in screened.chars() {
        if is_start && FORMULA.contains(&c) {
            text.push('\'');
        }
        is_start = c == ';' || is_start && c == ' ';
        text.push(c);
    }
    let is_plain = !text.contains([',', '"']);
    if is_plain { text } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// The first characters of formulas, also in their full width.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Text of XML and HTML, and attribute values in double quotes; lines stay lines. Characters that XML cannot hold become U+FFFD.
#[must_use]
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let lines: Vec<String> = text.split('\n').map(screen).collect();
    for c in lines.join("\n").chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Names that a test, a file or a setting may have.
    const PAYLOADS: &[&str] = &include!("../../tests/e2e/payloads.rs");

    type Sink = fn(&str) -> String;
    const SINKS: [(&str, Sink); 6] = [
        ("screen", screen),
        ("terminal", |text| terminal(text).replace("\x1b[31m", "")),
        ("markdown", markdown),
        ("csv", csv),
        ("xml", xml),
        ("workflow", workflow_property),
    ];

    /// The property that every sink has.
    fn is_visible(text: &str) -> bool {
        let is_order = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        !text.chars().any(|c| c.is_control() && c != '\n' || is_order(c))
    }

    #[test]
    fn every_payload_in_every_sink() {
        let mut table = String::new();
        for payload in PAYLOADS {
            for (name, sink) in SINKS {
                let text = sink(payload);
                assert!(is_visible(&text), "{name}: {text:?}");
                table.push_str(&format!("{name:8}  {text}\n"));
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn only_our_own_colours_reach_the_terminal() {
        let rows = [
            ("\x1b[1m\x1b[31mFAILED\x1b[0m\n│ a │", None),
            ("\x1b[2J", Some("\\x1b[2J")),
            ("\x1b[31;1mred \x1b[1;1Hm", Some("\x1b[31;1mred \\x1b[1;1Hm")),
            ("\x1b]0;a\x07\x1bc", Some("\\x1b]0;a\\x07\\x1bc")),
            ("a\rb\u{202e}", Some("a\\x0db\\u{202e}")),
        ];
        for (text, want) in rows {
            assert_eq!(terminal(text), want.unwrap_or(text), "{text:?}");
        }
    }

    #[test]
    fn usual_names_stay_as_they_are() {
        let name = "raft::election a-b/c <T> 選挙";
        assert_eq!((screen(name), csv(name)), (name.to_owned(), name.to_owned()));
        assert_eq!(paragraph("one\ntwo"), "one\n  two");
    }

    proptest! {
        #[test]
        fn nothing_hidden_passes(text in "\\PC*|(?s:.*)") {
            for (_, sink) in SINKS {
                prop_assert!(is_visible(&sink(&text)));
            }
            prop_assert!(!screen(&text).contains('\n') && !csv(&text).contains('\n'));
            prop_assert!(!markdown(&text).contains(['\n', '<', '>', '@']));
            let field = csv(&text);
            let inner = field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            let inner = inner.map_or_else(|| field.clone(), |inner| inner.replace("\"\"", "\""));
            let mut fields = inner.split(';').map(str::trim_start);
            prop_assert!(fields.all(|field| !field.starts_with(FORMULA)), "{field}");
            prop_assert!(!xml(&text).contains(['<', '>', '"']));
            prop_assert!(!workflow_data(&text).contains('\n'));
            prop_assert!(!workflow_property(&text).contains(['\n', ':', ',']));
        }
    }
}
