//! Shapes of logs: of each, the share of lines whose time, level and peer are read as a person reads
//! them. The lines are in `shapes.txt`.

use pretty::{Calendar, Line, Parser, ParserSettings, SourceName, Time, WrittenTime};

/// Logs of one kind of program.
#[derive(Default)]
struct Shape<'t> {
    name: &'t str,
    logs: Vec<Log<'t>>,
}

/// A log, and of each line `time level peer`, or `~` if it is not an event.
#[derive(Default)]
struct Log<'t> {
    source: &'t str,
    lines: Vec<(&'t str, String)>,
}

fn shapes(text: &str) -> Vec<Shape<'_>> {
    let mut shapes: Vec<Shape<'_>> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix("== ") {
            shapes.push(Shape { name, logs: Vec::new() });
            continue;
        }
        let logs = &mut shapes.last_mut().expect("a shape").logs;
        if let Some(source) = line.strip_prefix("-- ") {
            logs.push(Log { source, lines: Vec::new() });
            continue;
        }
        if logs.is_empty() {
            logs.push(Log::default());
        }
        let (expected, text) = line.split_once(" |").expect("`time level peer | line`");
        let text = text.strip_prefix(' ').unwrap_or(text);
        let text = text.replace("\\\\", "\0").replace("\\e", "\x1b").replace("\\t", "\t");
        let text = text.replace('\0', "\\");
        logs.last_mut().expect("a log").lines.push((expected, text));
    }
    shapes
}

fn parser(logs: &[Log<'_>]) -> Parser {
    let name = |log: &Log<'_>| SourceName { peer: log.source.to_owned(), shift: 0 };
    // 2027-01-15, for dates without a year.
    let calendar = Calendar::default().with_now(Time::from_nanos(1_800_000_000_000_000_000));
    let sources = logs.iter().map(name).collect();
    Parser::with_settings(ParserSettings { calendar, sources, ..ParserSettings::default() })
}

/// The fields as they are read, if that differs from what is expected; else empty.
fn difference(parser: &mut Parser, line: &str, expected: &str) -> String {
    let Line::Event(event) = parser.parse(line.as_bytes()) else {
        return if expected == "~" { String::new() } else { "no event".to_owned() };
    };
    let lossy = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    let mut fields = expected.split(' ');
    let mut next = || fields.next().unwrap_or_default();
    let (time, level, peer) = (next().replace('_', " "), next(), next());
    let shown = event.stamp.as_ref().map_or("-".to_owned(), |stamp| lossy(&stamp.text));
    let at = event.stamp.as_ref().and_then(|stamp| stamp.at).map(Time::nanos);
    // A date stands for its instant, anything else for what the column shows.
    let same_time = match WrittenTime::read(time.as_bytes()) {
        Some(WrittenTime::Instant(nanos)) => at == Some(nanos),
        _ => shown.replace('_', " ") == time,
    };
    let found_level = event.level.map_or("-", pretty::Level::name);
    let found_peer = lossy(&event.peer);
    match same_time && found_level == level && found_peer == peer {
        true => String::new(),
        false => format!("{shown} {found_level} {found_peer}"),
    }
}

#[test]
fn time_level_and_peer_of_nearly_every_line_are_read() {
    let shapes = shapes(include_str!("shapes.txt"));
    let (mut table, mut poor) = (String::new(), Vec::new());
    let (mut all_lines, mut all_right) = (0, 0);
    for Shape { name, logs } in &shapes {
        let mut parser = parser(logs);
        let (mut lines, mut right, mut wrong) = (0, 0, String::new());
        for (source, log) in logs.iter().enumerate() {
            let text: String = log.lines.iter().map(|(_, line)| format!("{line}\n")).collect();
            parser.look_at_source(source, text.as_bytes());
        }
        for (source, log) in logs.iter().enumerate() {
            parser.set_source(source);
            for (expected, line) in &log.lines {
                let found = difference(&mut parser, line, expected);
                lines += 1;
                right += usize::from(found.is_empty());
                if !found.is_empty() {
                    wrong += &format!("\n    {found}, not {expected}: {line}");
                }
            }
        }
        let share = right * 100 / lines;
        table += &format!("{share:>4} %  {name}{wrong}\n");
        (all_lines, all_right) = (all_lines + lines, all_right + right);
        if share < 95 {
            poor.push(name);
        }
    }
    println!("{} shapes, {all_right} of {all_lines} lines right", shapes.len());
    assert!(shapes.len() >= 300, "{} shapes", shapes.len());
    assert!(poor.is_empty(), "{poor:?} below 95 %:\n{table}");
}
