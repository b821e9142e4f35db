//! Any bytes, as a log in every format: the parser must read or pass on each line, and the fields of
//! an event must be made of the line's own bytes.

use std::borrow::Cow;
use std::sync::LazyLock;

use pretty::{
    Bound, Class, CustomFormat, Event, Filter, Format, Level, Line, Parser, Tick, make_safe,
};

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| {
    let own = r"^\[(?<time>[^\]]*)\] (?<peer>\S*) (?<topic>\w*):? ?(?<msg>.*)$";
    let own = CustomFormat::new(own).expect("it compiles");
    let fixed = Format::names().filter_map(Format::named);
    let given = [Format::Custom(own.clone()), Format::AutoAnd(vec![own])];
    fixed.chain(given).collect()
});

/// Checks the property on one input.
pub(crate) fn check(log: &[u8]) {
    for format in &*FORMATS {
        for tick in [None, Some(Tick::HUNDRED_MICROSECONDS)] {
            let mut parser = Parser::new(format.clone(), tick);
            for line in log.split(|byte| *byte == b'\n') {
                match parser.parse(line) {
                    Line::Event(event) => check_event(line, &event),
                    Line::Header(header) => assert_eq!(header.text, line),
                    // A transport may carry a blank line, or one that has to be decoded; colours are
                    // taken off.
                    Line::Other(class, text) if text.len() == line.len() => {
                        let is_blank = Class::of(line) == Class::Blank;
                        let is_carried = !parser.last_layers().0.is_empty();
                        assert!(class == Class::Blank || !is_blank);
                        assert!(class != Class::Blank || is_blank || is_carried);
                    }
                    Line::Other(..) => {}
                }
            }
        }
    }
}

fn check_event(line: &[u8], event: &Event<'_>) {
    for field in [&event.topic, &event.peer, &event.text] {
        // A borrowed field is a part of the line.
        if let Cow::Borrowed(bytes) = field
            && *bytes != Event::NO_PEER
            && Level::of(bytes).is_none()
            && !bytes.is_empty()
        {
            assert!(line.as_ptr_range().contains(&bytes.as_ptr()));
        }
    }
    let window = Filter {
        since: Some(Bound::parse("1.5s").expect("a time")),
        until: Some(Bound::parse("2").expect("a number")),
        ..Filter::default()
    };
    let origin = event.stamp.as_ref().and_then(|stamp| stamp.at);
    let _ = window.shows_time(event.stamp.as_ref(), origin);
    let _ = window.shows_time(event.stamp.as_ref(), None);
    let mut scratch = String::new();
    let safe = make_safe(&event.text, &mut scratch);
    assert!(!safe.text().contains(char::is_control));
}
