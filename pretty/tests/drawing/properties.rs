//! Properties of every log.

use crate::common::draw;
use pretty::{
    Class, Columns, CustomFormat, Depth, Filter, Format, Layout, Line, NameSet, Options, Parser,
    Repeats, Shape, make_safe,
};
use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns of a row, measured as the terminal is assumed to: grapheme by grapheme.
fn columns(row: &str) -> usize {
    row.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// Removes our own escape codes.
fn strip(drawn: &str) -> String {
    let mut parts = drawn.split("\x1b[");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find('m').expect("only SGR codes are written");
        assert!(part[..end].bytes().all(|byte| byte.is_ascii_digit() || byte == b';'));
        text.push_str(&part[end + 1..]);
    }
    text
}

/// Text with everything that has ever broken a renderer.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[ -~]{0,20}".prop_map(String::into_bytes),
        2 => " {0,3}[a-z=,.:()]{1,40}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
        1 => "[日本語ログ👩\u{200d}👧é\u{301}\u{1100}\u{202e}\u{9b}\t|]{0,12}"
            .prop_map(String::into_bytes),
    ];
    proptest::collection::vec(piece, 0..6)
        .prop_map(|pieces| pieces.concat().into_iter().filter(|byte| *byte != b'\n').collect())
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let topic = prop_oneof!["VOTE", "LEAD", "[A-Z]{1,20}", "[^ |\n]{1,5}"];
    let peer = prop_oneof!["[0-4]", "-", "C[0-9]{1,2}", "[a-z.]{1,24}"];
    let event = (0..2_000_000_u32, topic, peer, message()).prop_map(|(time, topic, peer, text)| {
        let mut line = format!("{:06}.{:03} | {topic} | {peer} | ", time / 1000, time % 1000);
        line = line.replace('\n', " ");
        [line.into_bytes(), text].concat()
    });
    let words = prop_oneof![
        Just("panic: x"),
        Just("--- FAIL: T"),
        Just(""),
        Just("# verbose/1 peers=3"),
        Just("Test (2A): x"),
    ];
    prop_oneof![6 => event, 1 => message(), 1 => words.prop_map(|text| text.as_bytes().to_vec())]
}

fn log() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(line(), 1..30).prop_map(|lines| lines.join(&b'\n'))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn rows_joined_are_the_text(text in message(), width in 1..60_usize) {
        let mut scratch = String::new();
        let safe = make_safe(&text, &mut scratch);
        let mut start = 0;
        loop {
            let cut = safe.cut(start, width);
            let hidden = &safe.text()[start + cut.shown..start + cut.next];
            prop_assert!(hidden.is_empty() || hidden == " ");
            prop_assert_eq!(cut.columns, columns(&safe.text()[start..start + cut.shown]));
            let one = safe.text()[start..start + cut.shown].chars().count() <= 1;
            prop_assert!(cut.columns <= width || one, "{} > {}", cut.columns, width);
            start += cut.next;
            if start >= safe.text().len() {
                break;
            }
            prop_assert!(cut.next > 0);
        }
        prop_assert_eq!(start, safe.text().len());
    }

    #[test]
    fn safe_text_has_nothing_in_it_that_acts(text in message()) {
        let mut scratch = String::new();
        let safe = make_safe(&text, &mut scratch);
        let acts = |c: char| {
            c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        prop_assert_eq!(safe.text().chars().find(|c| acts(*c)), None);
    }

    #[test]
    fn no_row_is_wider_than_the_screen(log in log(), width in 2..140_usize, fold in any::<bool>()) {
        let repeats = if fold { Repeats::Fold } else { Repeats::Show };
        // Every line twice, so that there is something to fold.
        let lines = log.split(|byte| *byte == b'\n');
        let log: Vec<_> = lines.flat_map(|line| [line, line]).collect();
        let drawn = draw(Options { width, repeats, ..Options::default() }, log.join(&b'\n'));
        for row in drawn.lines() {
            prop_assert!(columns(row) <= width, "{} > {width}: {row}", columns(row));
            prop_assert_eq!(row.chars().find(|c| c.is_control()), None);
        }
    }

    #[test]
    fn colours_change_nothing_but_colours(log in log(), width in 20..140_usize) {
        let plain = draw(Options { width, ..Options::default() }, &log);
        for depth in [Depth::Ansi16, Depth::Ansi256, Depth::True] {
            let drawn = draw(Options { width, depth, ..Options::default() }, &log);
            prop_assert_eq!(strip(&drawn), &*plain);
        }
    }

    #[test]
    fn every_message_is_in_its_cells(text in "[!-~]{1,50}( [!-~]{1,50}){0,6}", peer in 0..4_usize) {
        let log: String = (0..4).map(|peer| format!("1 | A | {peer} | x\n")).collect();
        let log = format!("{log}2 | B | {peer} | {text}");
        let drawn = draw(Options { width: 90, ..Options::default() }, log);
        let cells = drawn.lines().skip(5).map(|row| {
            row.split(['│', '┊']).nth(peer + 1).unwrap_or_default().trim().to_owned()
        });
        let without_blanks = |text: &str| text.replace(' ', "");
        prop_assert_eq!(without_blanks(&cells.collect::<String>()), without_blanks(&text));
    }

    #[test]
    fn every_message_is_in_its_cells_whatever_its_bytes(
        message in message(),
        width in 44..100_usize,
        peer in 0..3_usize,
    ) {
        let log: String = (0..3).map(|peer| format!("1 | A | {peer} | x\n")).collect();
        let log = [format!("{log}2 | A | {peer} | ").as_bytes(), &message].concat();
        let drawn = draw(Options { width, ..Options::default() }, log);
        let mut scratch = String::new();
        let safe = make_safe(&message, &mut scratch).text().replace(' ', "");
        // Edges of columns could not be distinguished from these.
        prop_assume!(!safe.contains(['│', '┊']));
        let cells = drawn.lines().skip(4);
        let cells = cells.map(|row| row.split(['│', '┊']).nth(peer + 1).unwrap_or_default());
        prop_assert_eq!(cells.collect::<String>().replace(' ', ""), safe);
    }

    #[test]
    fn a_filter_that_names_everything_hides_nothing(log in log()) {
        let mut parser = Parser::default();
        // As drawing does: some lines are read only in a log of their kind, and drawing looks at all
        // lines of so short a one.
        parser.look_at(&[log.strip_suffix(b"\n").unwrap_or(&log), b"\n"].concat());
        let mut topics = Vec::new();
        let mut peers = Vec::new();
        for line in log.split(|byte| *byte == b'\n') {
            if let Line::Event(event) = parser.parse(line) {
                topics.push(String::from_utf8_lossy(&event.topic).into_owned());
                peers.push(String::from_utf8_lossy(&event.peer).into_owned());
            }
        }
        // No name, and one with a comma in it, cannot be given in a list.
        let is_given = |name: &String| !name.is_empty() && !name.contains([',', '\u{fffd}']);
        prop_assume!(topics.iter().chain(&peers).all(is_given));
        let filter = Filter {
            just: Some(NameSet::new(topics.iter().map(String::as_str))),
            peers: Some(NameSet::of_peers(peers.iter().map(String::as_str).chain(["0", "1", "2"]))),
            grep: Some(regex::Regex::new("").unwrap()),
            ..Filter::default()
        };
        let all = draw(Options::default(), &log);
        prop_assert_eq!(draw(Options { filter, ..Options::default() }, &log), all);
    }

    #[test]
    fn every_line_parses_in_every_format(
        line in line(),
        random in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let custom = Format::custom("^(?<time>[^ ]*) (?<peer>.)(?<msg>.*)").unwrap();
        let own = Format::AutoAnd(vec![CustomFormat::new("^(?<peer>.)-(?<topic>.*)").unwrap()]);
        let named = Format::names().filter_map(Format::named);
        for format in named.chain([custom, own]) {
            for line in [&line, &random] {
                if let Line::Other(class, text) = Parser::new(format.clone(), None).parse(line) {
                    prop_assert_eq!(&*text, &line[..]);
                    prop_assert_eq!(class, Class::of(line));
                }
            }
        }
    }

    #[test]
    fn layouts_fit_the_screen(
        width in 1..300_usize,
        time in 0..12_usize,
        topic in 0..20_usize,
        peer in 1..20_usize,
        peers in 0..40_usize,
    ) {
        let layout = Layout::new(width, Columns { time, topic, peer, peers });
        let used = match &layout.shape {
            Shape::Columns(cells) => {
                layout.margin() + cells.iter().map(|cell| 1 + cell).sum::<usize>()
            }
            Shape::Tagged(tag) => layout.margin() + 1 + tag + 1 + layout.text(),
            Shape::Stacked => layout.text(),
        };
        prop_assert!(used <= width);
        prop_assert!(layout.text() > 0);
    }
}
