//! Messages of C and C++: `assert`, sanitizers, uncaught exceptions, GoogleTest, Catch2, doctest.

use std::sync::LazyLock;

use regex::Regex;

use super::{Language, Message, Weight, group, pattern, place_of};

/// A message of a native program that begins with this line.
pub(super) fn begun(text: &str) -> Option<Message> {
    assertion(text)
        .or_else(|| sanitizer(text))
        .or_else(|| framework(text))
        .or_else(|| exception(text))
}

/// `prog: a.c:12: f: Assertion `x' failed.` of glibc, and the form of other libraries.
fn assertion(text: &str) -> Option<Message> {
    static GLIBC: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?:^|: )([^:\s]+):([0-9]+): .*?(Assertion .* failed)\.?$"));
    static MUSL: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^(Assertion failed: .*?) \(([^:()]+): [^:()]+: ([0-9]+)\)$"));
    static BSD: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^(Assertion failed: .*?),(?: function \S+,)? file ([^,]+), line ([0-9]+)\.$")
    });
    if let Some(found) = GLIBC.captures(text) {
        let place = place_of(group(&found, 1), group(&found, 2));
        return Some(native(Weight::Panic, group(&found, 3)).at(place));
    }
    let found = MUSL.captures(text).or_else(|| BSD.captures(text))?;
    let place = place_of(group(&found, 2), group(&found, 3));
    Some(native(Weight::Panic, group(&found, 1)).at(place))
}

/// The last line of a sanitizer's report, and those of UBSan.
fn sanitizer(text: &str) -> Option<Message> {
    static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^SUMMARY: (\w+Sanitizer: [\w -]+?) (\S+?):([0-9]+)(?::[0-9]+)?(?: in (.+))?$")
    });
    static RUNTIME: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^(\S+?):([0-9]+)(?::[0-9]+)?: (runtime error: .*)$"));
    if let Some(found) = SUMMARY.captures(text) {
        let function = group(&found, 4);
        let of = if function.is_empty() { String::new() } else { format!(" in {function}") };
        let place = place_of(group(&found, 2), group(&found, 3));
        let weight = Weight::Expectation;
        return Some(native(weight, format!("{}{of}", group(&found, 1))).at(place));
    }
    if let Some(rest) = text.strip_prefix("SUMMARY: ") {
        return Some(native(Weight::Panic, rest));
    }
    let found = RUNTIME.captures(text)?;
    let place = place_of(group(&found, 1), group(&found, 2));
    Some(native(Weight::Panic, group(&found, 3)).at(place))
}

/// The first line of a failed expectation; the values follow.
fn framework(text: &str) -> Option<Message> {
    static GOOGLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\S+?)[:(]([0-9]+)\)?: Failure$"));
    static CATCH: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\S+?):([0-9]+): FAILED:$"));
    static DOCTEST: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^(\S+?):([0-9]+): (?:FATAL )?ERROR: (.+?)!?$"));
    static COMPACT: LazyLock<Regex> =
        LazyLock::new(|| pattern(r#"^(\S+?)[:(]([0-9]+)\)?: (?:failed|error: in "[^"]*"): (.+)$"#));
    if let Some(found) = DOCTEST.captures(text) {
        let (place, message) = (place_of(group(&found, 1), group(&found, 2)), group(&found, 3));
        let more = u32::from(message.ends_with("is NOT correct"));
        return Some(native(Weight::Framework, message).at(place).with_more(more));
    }
    if let Some(found) = COMPACT.captures(text) {
        let place = place_of(group(&found, 1), group(&found, 2));
        return Some(native(Weight::Framework, group(&found, 3)).at(place));
    }
    if text == "unknown file: Failure" {
        return Some(native(Weight::Framework, "").with_more(5));
    }
    let (found, more) = GOOGLE
        .captures(text)
        .map(|found| (found, 5))
        .or_else(|| CATCH.captures(text).map(|found| (found, 3)))?;
    let place = place_of(group(&found, 1), group(&found, 2));
    Some(native(Weight::Framework, "").at(place).with_more(more))
}

/// `terminate called after throwing an instance of 'T'`; what it says is on the next line.
fn exception(text: &str) -> Option<Message> {
    let name = text.strip_prefix("terminate called after throwing an instance of ")?;
    let name = name.trim_matches('\'');
    Some(native(Weight::Panic, format!("{name}:")).with_more(1))
}

fn native(weight: Weight, text: impl Into<String>) -> Message {
    Message::new(Language::Native, weight, text)
}

/// `[ RUN      ] Suite.Test` of GoogleTest, `TEST CASE:  name` of doctest.
pub(super) fn named_test(text: &str) -> Option<String> {
    let name = text.trim_start().strip_prefix("[ RUN      ] ");
    name.or_else(|| text.strip_prefix("TEST CASE:  ")).map(ToOwned::to_owned)
}
