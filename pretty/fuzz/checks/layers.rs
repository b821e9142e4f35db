//! Any bytes, as logs of two sources whose first lines are looked at: transports inside each other,
//! records of all formats, peers from anywhere. The parser must take each line, and times must be such
//! that they can be compared and shifted.

use pretty::{Bound, Calendar, Filter, Line, Parser, ParserSettings, PeerFrom, SourceName};

/// Checks the property on one input.
pub(crate) fn check(input: &[u8]) {
    let Some((choice, log)) = input.split_first() else { return };
    let peer_from = ["auto", "field:node", "prefix", "file", "(\\w+)"][usize::from(*choice) % 5];
    let source = |peer: &str, shift| SourceName { peer: peer.to_owned(), shift };
    let settings = ParserSettings {
        calendar: Calendar::in_zone(["utc", "+05:30"][usize::from(*choice >> 3) % 2])
            .expect("a zone"),
        peer_from: PeerFrom::parse(peer_from).expect("a place"),
        sources: vec![source("a", 0), source("b", -1_500_000_000)],
        ..ParserSettings::default()
    };
    let mut parser = Parser::with_settings(settings);
    let window = Filter {
        since: Some(Bound::parse("08:11:22").expect("a time")),
        until: Some(Bound::parse("2024-05-02").expect("a date")),
        ..Filter::default()
    };
    for source in [0, 1] {
        parser.set_source(source);
        if choice & 0x80 == 0 {
            parser.look_at(log);
        }
        for line in log.split(|byte| *byte == b'\n') {
            if let Line::Event(event) = parser.parse(line) {
                let (shown, left_out) = event.split_text();
                assert_eq!(shown.len() + left_out.len(), event.text.len());
                assert!(!event.peer.is_empty(), "{line:?}");
                let origin = event.stamp.as_ref().and_then(|stamp| stamp.at);
                let _ = window.shows(&event, origin);
                let _ = event.stamp.as_ref().and_then(pretty::Stamp::day);
            }
        }
    }
}
