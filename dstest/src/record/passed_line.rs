//! Words of the MIT labs, as data: the line that a passed test ends with, and what their logs tell.
//!
//! No other file of dstest knows what such tests are about.

use memchr::memmem;
use pretty::view::LogView;
use serde_json::Number;

use super::metrics::Metrics;

/// A number of the line, and its column in tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name in the store.
    pub key: &'static str,
    /// Its title in tables.
    pub title: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// The tables that show it.
    pub shown: Shown,
}

/// The unit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds, with a fraction.
    Seconds,
    /// A count.
    Count,
}

/// The tables that show a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Every table with a test that reports it.
    IfReported,
    /// Tables with `--metrics`.
    WithMetrics,
    /// None.
    Never,
}

/// The numbers of the line, in the order of columns.
pub const COLUMNS: [Column; 5] = [
    column(REPORTED_TIME, "Cluster time", Unit::Seconds, Shown::IfReported),
    column("peers", "Peers", Unit::Count, Shown::Never),
    column("rpcs", "RPCs", Unit::Count, Shown::WithMetrics),
    column("bytes", "Bytes", Unit::Count, Shown::WithMetrics),
    column("commands", "Commands", Unit::Count, Shown::WithMetrics),
];

/// The name of the time that a test reports: seconds of its own clock, virtual or real.
pub const REPORTED_TIME: &str = "cluster_s";

/// The name of the number of keys whose histories a run could not check to the end.
pub(crate) const UNDECIDED: &str = "undecided";

/// The number of a line such as `undecided: 2 keys, …`.
pub(super) fn undecided(line: &[u8]) -> Option<Number> {
    let words = line.strip_prefix(UNDECIDED.as_bytes())?.strip_prefix(b": ")?;
    let word = words.split(|byte| *byte == b' ').next()?;
    std::str::from_utf8(word).ok()?.parse::<u64>().ok().map(Number::from)
}

/// The words before the numbers.
const MARKER: &[u8] = b"... Passed --";

/// The words of the line; `{key}` stands for a number. Newer labs name theirs.
const FORMATS: [&str; 3] = [
    "time {cluster_s}s #peers {peers} #RPCs {rpcs} #Ops {commands}",
    "{cluster_s} {peers} {rpcs} {bytes} {commands}",
    // Of services, whose calls count no bytes.
    "{cluster_s} {peers} {rpcs} {commands}",
];

/// A message of the labs' tester about the cause of a failure.
pub(super) const FAILURE: &str = "apply error";

/// The title of [`milestones`].
pub(crate) const MILESTONES: &str = "leader of each term";

/// Numbered events of a log that two logs can be compared by, each with the peer it happened to.
pub(crate) fn milestones(view: &LogView) -> impl Iterator<Item = (u64, String)> + '_ {
    view.leaders_by_term()
}

const fn column(key: &'static str, title: &'static str, unit: Unit, shown: Shown) -> Column {
    Column { key, title, unit, shown }
}

/// The numbers of such a line; `None` for every other line.
pub(super) fn parse(line: &[u8]) -> Option<Metrics> {
    let at = memmem::find(line, MARKER)?;
    let words = std::str::from_utf8(&line[at + MARKER.len()..]).ok()?;
    FORMATS.iter().find_map(|format| numbers(format, words))
}

fn numbers(format: &str, words: &str) -> Option<Metrics> {
    let mut words = words.split_ascii_whitespace();
    let mut numbers = Vec::new();
    for expected in format.split(' ') {
        let word = words.next()?;
        match expected.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((key, unit)) => numbers.push(number(key, word.strip_suffix(unit)?)?),
            None if word == expected => {}
            None => return None,
        }
    }
    Some(numbers.into_iter().collect())
}

fn number(key: &str, word: &str) -> Option<(&'static str, Number)> {
    let column = COLUMNS.iter().find(|column| column.key == key)?;
    let number = match column.unit {
        Unit::Seconds => Number::from_f64(word.parse().ok().filter(|seconds| *seconds >= 0.0)?)?,
        Unit::Count => Number::from(word.parse::<u64>().ok()?),
    };
    Some((column.key, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(line: &str) -> Option<String> {
        parse(line.as_bytes()).map(|metrics| serde_json::to_string(&metrics).unwrap())
    }

    #[test]
    fn all_forms_of_the_line_are_read() {
        let rows = [
            (
                "  ... Passed --  27.4  5 1988 1283612  102",
                r#"{"bytes":1283612,"cluster_s":27.4,"commands":102,"peers":5,"rpcs":1988}"#,
            ),
            (
                "  ... Passed --  15.0  5 22303 4440",
                r#"{"cluster_s":15.0,"commands":4440,"peers":5,"rpcs":22303}"#,
            ),
            (
                "  ... Passed --  time  3.1s #peers 3 #RPCs    38 #Ops    4",
                r#"{"cluster_s":3.1,"commands":4,"peers":3,"rpcs":38}"#,
            ),
        ];
        for (line, want) in rows {
            assert_eq!(stored(line).as_deref(), Some(want), "{line}");
        }
    }

    #[test]
    fn other_lines_are_not() {
        for line in [
            "... Passed -- soon",
            "... Passed -- 1.0 3 4",
            "... Passed -- time 1.0s #peers x #RPCs 3 #Ops 4",
            "... Passed -- NaN 1 2 3 4",
            "1.0 3 4 5 6",
        ] {
            assert_eq!(stored(line), None, "{line}");
        }
    }

    #[test]
    fn keys_that_were_not_decided_are_counted() {
        let read = |line: &str| undecided(line.as_bytes()).map(|number| number.to_string());
        let line = "undecided: 2 keys, whose histories are too long to check";
        assert_eq!(read(line).as_deref(), Some("2"));
        for line in ["undecided: some", "undecided", "undecided: ", " undecided: 2 keys"] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn every_number_of_a_format_has_a_column() {
        for format in FORMATS {
            for key in format.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
                assert!(COLUMNS.iter().any(|column| column.key == key), "{key}");
            }
        }
    }
}
