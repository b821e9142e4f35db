//! Messages of Rust's panics, of libtest and of libtest-mimic.

use super::{Language, Message, Weight};

/// A message of Rust that begins with this line.
pub(super) fn begun(text: &str) -> Option<Message> {
    panic(text).or_else(|| expectation(text)).or_else(|| mimic(text))
}

/// `thread 'x' (123) panicked at src/a.rs:1:2:` gives the place; the message is on the next line.
fn panic(text: &str) -> Option<Message> {
    let (thread, place) = text.split_once("panicked at ")?;
    if !thread.contains("thread '") {
        return None;
    }
    // Before Rust 1.73 the message came first, in quotes.
    if let Some((message, place)) = place.strip_prefix('\'').and_then(|it| it.rsplit_once("', ")) {
        return Some(Message::new(Language::Rust, Weight::Panic, message).at(place));
    }
    let place = place.trim_end_matches(':');
    Some(
        Message::new(Language::Rust, Weight::Panic, "")
            .at(place)
            .with_more(1)
            .with_values(VALUES_MAX),
    )
}

/// `left: 1`, or the minimal input of a property.
pub(super) fn is_value(line: &str) -> bool {
    let names = ["left:", "right:", "actual:", "expected:", "minimal failing input:"];
    let is_difference = ["Diff < left", "<", ">"].iter().any(|sign| line.starts_with(sign));
    is_difference || names.iter().any(|name| line.starts_with(name))
}

/// Both sides of an assertion, and the input of a property.
const VALUES_MAX: u32 = 3;

/// The lines of `#[should_panic]`: no panic at all, or one with another message.
fn expectation(text: &str) -> Option<Message> {
    let text = text.trim_start().strip_prefix("note: ")?;
    if let Some(rest) = text.strip_prefix("test did not panic as expected") {
        let message =
            Message::new(Language::Rust, Weight::Expectation, "test did not panic as expected");
        return Some(match rest.strip_prefix(" at ") {
            Some(place) => message.at(place),
            None => message,
        });
    }
    let other = text.starts_with("panic did not contain expected string");
    other
        .then(|| Message::new(Language::Rust, Weight::Expectation, format!("{text}:")).with_more(2))
}

/// `---- name ----` of libtest-mimic; the message follows.
fn mimic(text: &str) -> Option<Message> {
    let name = text.strip_prefix("---- ")?.strip_suffix(" ----")?;
    // In that of libtest, the captured output follows.
    let is_libtest = name.ends_with(" stdout") || name.ends_with(" stderr");
    (!is_libtest).then(|| Message::new(Language::Rust, Weight::Framework, "").with_more(1))
}
