//! Shapes of logs: of each, the share of lines whose time, level and peer are read as a person reads
//! them. The lines are in `shapes.toml`.

use pretty::{Calendar, Line, Parser, ParserSettings, SourceName, Time};
use serde::Deserialize;

#[derive(Deserialize)]
struct Shapes {
    shape: Vec<Shape>,
}

/// Logs of one kind of program, and for each line `time level peer`, or `-` if it is not an event.
#[derive(Deserialize)]
struct Shape {
    name: String,
    logs: Vec<Log>,
}

#[derive(Deserialize)]
struct Log {
    source: String,
    text: String,
    expected: Vec<String>,
}

fn parser(logs: &[Log]) -> Parser {
    let name = |log: &Log| SourceName { peer: log.source.clone(), shift: 0 };
    // 2027-01-15, for dates without a year.
    let calendar = Calendar::default().with_now(Time::from_nanos(1_800_000_000_000_000_000));
    let sources = logs.iter().map(name).collect();
    Parser::with_settings(ParserSettings { calendar, sources, ..ParserSettings::default() })
}

/// `time level peer` of a line.
fn read(parser: &mut Parser, line: &str) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match parser.parse(line.as_bytes()) {
        Line::Event(event) => {
            let time = event.stamp.as_ref().map_or("-".to_owned(), |stamp| text(&stamp.text));
            let level = event.level.map_or("-", pretty::Level::name);
            format!("{time} {level} {}", text(&event.peer))
        }
        Line::Header(_) | Line::Other(..) => "-".to_owned(),
    }
}

#[test]
fn time_level_and_peer_of_nearly_every_line_are_read() {
    let shapes: Shapes = toml::from_str(include_str!("shapes.toml")).unwrap();
    let mut table = String::new();
    let mut poor = Vec::new();
    for Shape { name, logs } in &shapes.shape {
        let mut parser = parser(logs);
        let (mut lines, mut right, mut wrong) = (0, 0, String::new());
        for (source, log) in logs.iter().enumerate() {
            parser.look_at_source(source, log.text.as_bytes());
        }
        for (source, log) in logs.iter().enumerate() {
            parser.set_source(source);
            assert_eq!(
                log.text.lines().count(),
                log.expected.len(),
                "{name}: one `expected` a line"
            );
            for (line, expected) in log.text.lines().zip(&log.expected) {
                let found = read(&mut parser, line);
                lines += 1;
                right += usize::from(found == *expected);
                if found != *expected {
                    wrong += &format!("\n    {found}, not {expected}: {line}");
                }
            }
        }
        let share = right * 100 / lines;
        table += &format!("{share:>4} %  {name}{wrong}\n");
        if share < 95 {
            poor.push(name);
        }
    }
    assert!(shapes.shape.len() >= 60, "{} shapes", shapes.shape.len());
    assert!(poor.is_empty(), "{poor:?} below 95 %:\n{table}");
}
