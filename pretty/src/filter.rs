//! Filters of events. Lines that are not events are never filtered: a test result or a panic must
//! not disappear because of a topic.

use regex::Regex;

use crate::bound::Bound;
use crate::level::Level;
use crate::line::{Event, Stamp};
use crate::time::Time;

/// A set of topic or peer names, compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameSet {
    names: Vec<String>,
    /// The number of names that were given; the others follow from those.
    given: usize,
}

impl NameSet {
    /// The names in lists separated by commas or blanks.
    ///
    /// ```
    /// let names = pretty::NameSet::new(["INFO, vote", "rpc"]);
    /// assert!(names.contains(b"VOTE"));
    /// assert!(!names.contains(b"LOG1"));
    /// ```
    #[must_use]
    pub fn new<'a>(lists: impl IntoIterator<Item = &'a str>) -> Self {
        let names = lists.into_iter().flat_map(|list| list.split([',', ' ', '\t']));
        let names: Vec<_> = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Self { given: names.len(), names }
    }

    /// The same, for peers: `S1` also means the peer `1`, and `0-6` or `n1-n3` all peers between.
    ///
    /// ```
    /// let peers = pretty::NameSet::of_peers(["0-2,n8-n11"]);
    /// assert!(peers.contains(b"1") && peers.contains(b"n10"));
    /// assert!(!peers.contains(b"3") && !peers.contains(b"10"));
    /// ```
    #[must_use]
    pub fn of_peers<'a>(lists: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = Self::new(lists);
        let ranges: Vec<_> = names.names.iter().flat_map(|name| range(name)).collect();
        names.names.extend(ranges);
        let numbers = names.names.iter().filter_map(|name| {
            let number = name.strip_prefix(['S', 's'])?;
            number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.to_owned())
        });
        let numbers: Vec<_> = numbers.collect();
        names.names.extend(numbers);
        names
    }

    /// The names as they were given.
    pub(crate) fn as_written(&self) -> impl Iterator<Item = &str> {
        self.names[..self.given].iter().map(String::as_str)
    }

    /// Tells whether a name is in the set.
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        self.names.iter().any(|own| own.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// The names a range such as `0-6`, `n1-n3` or `n1-3` stands for, its ends included; none if it is
/// a name like any other.
fn range(text: &str) -> Vec<String> {
    let numbers = |text: &str| {
        let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (word, number) = text.split_at(text.len() - digits);
        number.parse::<usize>().ok().map(|number| (word.to_owned(), number))
    };
    let ends = text.rsplit_once('-').and_then(|(from, to)| numbers(from).zip(numbers(to)));
    let Some(((word, from), (other, to))) = ends else { return Vec::new() };
    if !(other.is_empty() || word == other) || from >= to {
        return Vec::new();
    }
    (from..=to).take(RANGE_MAX).map(|number| format!("{word}{number}")).collect()
}

/// More peers than any log has columns for.
const RANGE_MAX: usize = 1024;

/// A filter of events; by default it passes all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these topics.
    pub just: Option<NameSet>,
    /// Not these topics.
    pub ignore: NameSet,
    /// Only these peers.
    pub peers: Option<NameSet>,
    /// Not these peers.
    pub not_peers: NameSet,
    /// Nothing less severe, nor without a level.
    pub level: Option<Level>,
    /// Nothing earlier.
    pub since: Option<Bound>,
    /// Nothing later.
    pub until: Option<Bound>,
    /// Only events whose text matches.
    pub grep: Option<Regex>,
    /// No events whose text matches one of these.
    pub not_grep: Vec<Regex>,
}

impl Filter {
    /// Tells whether every event passes.
    #[must_use]
    pub fn shows_everything(&self) -> bool {
        let Self { just, ignore, peers, not_peers, level, since, until, grep, not_grep } = self;
        just.is_none()
            && *ignore == NameSet::default()
            && peers.is_none()
            && *not_peers == NameSet::default()
            && level.is_none()
            && since.is_none()
            && until.is_none()
            && grep.is_none()
            && not_grep.is_empty()
    }

    /// Tells whether events of this topic pass.
    #[must_use]
    pub fn shows_topic(&self, topic: &[u8]) -> bool {
        self.just.as_ref().is_none_or(|just| just.contains(topic)) && !self.ignore.contains(topic)
    }

    /// Tells whether events of this peer pass.
    #[must_use]
    #[inline]
    pub fn shows_peer(&self, peer: &[u8]) -> bool {
        self.peers.as_ref().is_none_or(|peers| peers.contains(peer))
            && !self.not_peers.contains(peer)
    }

    /// Tells whether the text of events matters.
    #[must_use]
    pub fn reads_text(&self) -> bool {
        self.grep.is_some() || !self.not_grep.is_empty()
    }

    /// Tells whether events with this text pass, which is the text as it is shown.
    #[must_use]
    pub fn shows_text(&self, text: &str) -> bool {
        self.grep.as_ref().is_none_or(|grep| grep.is_match(text))
            && !self.not_grep.iter().any(|not| not.is_match(text))
    }

    /// Tells whether events of this time pass. A time that cannot be read is in every window.
    /// In a log with dates the window counts from `origin`, the date of the first event.
    #[must_use]
    #[inline]
    pub fn shows_time(&self, stamp: Option<&Stamp<'_>>, origin: Option<Time>) -> bool {
        let Some((stamp, at)) = stamp.and_then(|stamp| Some((stamp, stamp.at?))) else {
            return true;
        };
        let origin = origin.unwrap_or(at);
        let range = |bound: Option<Bound>| bound.and_then(|bound| bound.range(stamp, origin));
        range(self.since).is_none_or(|since| *since.start() <= at)
            && range(self.until).is_none_or(|until| at <= *until.end())
    }

    /// Tells whether an event passes everything but [`Filter::shows_text`].
    #[must_use]
    pub fn shows(&self, event: &Event<'_>, origin: Option<Time>) -> bool {
        self.shows_topic(&event.topic)
            && self.shows_peer(&event.peer)
            && self.shows_level(event.level)
            && self.shows_time(event.stamp.as_ref(), origin)
    }

    /// Tells whether events of this level pass.
    #[must_use]
    #[inline]
    pub fn shows_level(&self, level: Option<Level>) -> bool {
        self.level.is_none() || level >= self.level
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Line;
    use crate::parse::Parser;

    fn shows(filter: &Filter, line: &str) -> bool {
        match Parser::default().parse(line.as_bytes()) {
            Line::Event(event) => filter.shows(&event, None),
            Line::Header(_) | Line::Other(..) => panic!("no event: {line}"),
        }
    }

    #[test]
    fn topics_in_any_case_and_spacing() {
        let just = Filter { just: Some(NameSet::new(["INFO, vote"])), ..Filter::default() };
        assert!(shows(&just, "1 | VOTE | 1 | x"));
        assert!(shows(&just, "1 | info | 1 | x"));
        assert!(!shows(&just, "1 | RPC | 1 | x"));
        let ignore = Filter { ignore: NameSet::new(["vote"]), ..Filter::default() };
        assert!(!shows(&ignore, "1 | VOTE | 1 | x"));
        assert!(shows(&ignore, "1 | WARN | 1 | x"));
    }

    #[test]
    fn peers_by_name() {
        let peers = Filter { peers: Some(NameSet::of_peers(["S1,c2"])), ..Filter::default() };
        assert!(shows(&peers, "1 | VOTE | 1 | x"));
        assert!(shows(&peers, "1 VOTE S1 x"));
        assert!(shows(&peers, "1 | VOTE | C2 | x"));
        assert!(!shows(&peers, "1 | VOTE | 2 | x"));
    }

    #[test]
    fn ranges_of_peers() {
        let peers = |list: &str| Filter {
            peers: Some(NameSet::of_peers([list])),
            not_peers: NameSet::of_peers(["4"]),
            ..Filter::default()
        };
        for (list, shown, hidden) in [
            ("0-6", "0 3 6", "4 7 C1"),
            ("S0-S6", "0 3 S6", "4 7"),
            ("n1-n3", "n1 n2 n3", "n4 1 2"),
            ("n1-3,9", "n1 n2 n3 9", "n4 1"),
            ("node-1", "node-1 NODE-1", "node-2 1"),
            ("node-1-3", "node-1 node-3", "node-4 1"),
            ("6-0", "6-0", "6 0 3"),
            ("a1-b3", "a1-b3", "a1 a2 b3"),
        ] {
            let filter = peers(list);
            for name in shown.split(' ') {
                assert!(filter.shows_peer(name.as_bytes()), "{list}: {name} is hidden");
            }
            for name in hidden.split(' ') {
                assert!(!filter.shows_peer(name.as_bytes()), "{list}: {name} is shown");
            }
        }
    }

    #[test]
    fn dates_count_from_the_first_one() {
        let filter = Filter { since: Some(Bound::parse("2s").unwrap()), ..Filter::default() };
        let stamp = |at| Stamp {
            text: b"".into(),
            at: Some(Time::from_nanos(at)),
            unit: None,
            offset: None,
        };
        let origin = Some(Time::from_nanos(7_000_000_000));
        assert!(!filter.shows_time(Some(&stamp(8_999_999_999)), origin));
        assert!(filter.shows_time(Some(&stamp(9_000_000_000)), origin));
    }

    #[test]
    fn times_with_units_or_as_in_the_column() {
        let window = |since: &str, until: &str| Filter {
            since: Some(Bound::parse(since).unwrap()),
            until: Some(Bound::parse(until).unwrap()),
            ..Filter::default()
        };
        // The same instant, as written in three formats.
        for line in ["000150 | A | 1 | x", "001500.000 | A | 1 | x", "015000 VOTE S1 x"] {
            assert!(shows(&window("1.5s", "1500ms"), line), "{line}");
            assert!(!shows(&window("1501ms", "2s"), line), "{line}");
            assert!(!shows(&window("0", "1499999us"), line), "{line}");
        }
        assert!(shows(&window("150", "150"), "000150 | A | 1 | x"));
        assert!(shows(&window("0", "0"), "000000 | A | 1 | x"));
        assert!(!shows(&window("0", "0"), "000001 | A | 1 | x"));
        assert!(Bound::parse("5 parsec").is_err());
    }
}
