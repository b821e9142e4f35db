//! Messages of pytest, unittest and Python's own tracebacks.

use std::sync::LazyLock;

use regex::Regex;

use super::{Language, Message, Weight, group, pattern, place_of};

/// A message of Python that begins with this line.
pub(super) fn begun(text: &str) -> Option<Message> {
    static SUMMARY: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^(?:FAILED|ERROR) (\S+\.py)(?:::(\S+))?(?: - (.*))?$"));
    // pytest marks the lines of the failure.
    if let Some(message) = marked(text) {
        let message = message.trim();
        if let Some(place) = place_before(&format!("  {message}")) {
            // The source that cannot be compiled, and then the reason.
            return Some(framework("").at(place).with_more(1));
        }
        return Some(framework(message));
    }
    static UNEXPECTED: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^UNEXPECTED SUCCESS: (\w+) \([\w.]+\)"));
    if let Some(found) = UNEXPECTED.captures(text) {
        return Some(framework(format!("{}: unexpected success", group(&found, 1))));
    }
    // doctest: the example, what was expected, and what came.
    match text {
        "Failed example:" => return Some(framework(text).with_more(5)),
        "Expected:" => return Some(framework(text).with_more(3)),
        _ => {}
    }
    let found = SUMMARY.captures(text)?;
    let (test, message) = (group(&found, 2), group(&found, 3));
    let parts = [test, message].into_iter().filter(|part| !part.is_empty());
    let text = parts.collect::<Vec<_>>().join(": ");
    let text = if text.is_empty() { group(&found, 1) } else { &text };
    Some(framework(text))
}

/// The text of a line that pytest has marked as one of the failure.
pub(super) fn marked(line: &str) -> Option<&str> {
    line.strip_prefix("E   ")
}

fn framework(text: impl Into<String>) -> Message {
    Message::new(Language::Python, Weight::Framework, text)
}

/// `true` for the last line of a traceback, which stands at the beginning of its line.
pub(super) fn is_exception(text: &str) -> bool {
    static EXCEPTION: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^(?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt|Warning)(?:: .*)?$")
    });
    // What it was caused by follows.
    EXCEPTION.is_match(text) && !text.contains(": Failed to import test module: ")
}

/// `a.py:3: AssertionError`, below the message.
pub(super) fn place_after(text: &str) -> Option<String> {
    static PLACE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^(\S+\.py):([0-9]+): \w+(?:: .*)?$"));
    PLACE.captures(text).map(|found| place_of(group(&found, 1), group(&found, 2)))
}

/// `  File "a.py", line 5, in test_x`, or `a.py:3: in test_x`: above the message.
pub(super) fn place_before(text: &str) -> Option<String> {
    static FRAME: LazyLock<Regex> =
        LazyLock::new(|| pattern(r#"^(?:  )?File "([^"]+)", line ([0-9]+)(?:, in (\S+))?$"#));
    static SHORT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\S+\.py):([0-9]+): in \S+$"));
    let found = FRAME.captures(text).or_else(|| SHORT.captures(text))?;
    // The frames of frameworks and libraries come after that of the test.
    let is_own = !LIBRARIES.iter().any(|library| group(&found, 1).contains(library));
    is_own.then(|| place_of(group(&found, 1), group(&found, 2)))
}

/// `____ test_x ____` of pytest, `FAIL: test_x (module.Class)` of unittest.
pub(super) fn named_test(text: &str) -> Option<String> {
    static HEADLINE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^_{3,} (?:ERROR at \w+ of )?(\S[^_].*?) _{3,}$"));
    static UNITTEST: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^(?:FAIL|ERROR): (\w+) \([\w.]+\)( \(.*\)| \[.*\])?$"));
    // Each line of the summary names its test itself.
    if text.trim_matches(['=', ' ']) == "short test summary info" {
        return Some(String::new());
    }
    let found = HEADLINE.captures(text).or_else(|| UNITTEST.captures(text))?;
    Some(format!("{}{}", group(&found, 1), group(&found, 2)))
}

/// Parts of the paths of files that are not the user's.
const LIBRARIES: [&str; 4] = ["/unittest/", "/site-packages/", "/dist-packages/", "/lib/python"];
