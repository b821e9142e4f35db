//! Messages of JavaScript (node:test, mocha, jest) and of the Test Anything Protocol (bats, prove).

use std::sync::LazyLock;

use regex::Regex;

use super::{Language, Message, Weight, group, pattern, place_of, without_quotes};

/// A message that begins with this line.
pub(super) fn begun(text: &str) -> Option<Message> {
    static ERROR: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^\s*(?:Uncaught )?((?:[A-Z]\w*)?(?:Error|Exception))(?: \[\w+\])?: ?(.*)$")
    });
    static FIELD: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s+(?:error|message): (.*)$"));
    let bare = text.trim();
    if let Some(found) = ERROR.captures(text) {
        let message = format!("{}: {}", group(&found, 1), group(&found, 2));
        let message = message.trim_end();
        let more = u32::from(message.ends_with(':'));
        let message = script(message).with_more(more);
        // Any program may say so.
        let is_vague = ["Error", "Exception"].contains(&group(&found, 1));
        return Some(if is_vague { message.if_placed() } else { message });
    }
    if let Some(found) = FIELD.captures(text) {
        // A block of YAML: the text follows.
        let value = without_quotes(group(&found, 1).trim());
        let is_block = value.starts_with('|') || value.starts_with('>');
        // What says only that a part has failed explains nothing.
        let is_sum = value.ends_with("subtest failed") || value.ends_with("subtests failed");
        let message = if is_block { script("").with_more(2) } else { script(value) };
        return (!is_sum && !value.is_empty()).then_some(message);
    }
    // Reports without a message have the values alone.
    static VALUE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^ {2,}(?:expected|wanted|want|found|got): +(\S.*)$"));
    if VALUE.captures(text).is_some_and(|found| !group(&found, 1).starts_with(['|', '>'])) {
        return Some(script(bare).with_more(1));
    }
    if bare == "Difference (- actual, + expected):" {
        return Some(script(bare).with_legend());
    }
    if bare.starts_with("expect(") && bare.contains(")") {
        let message = bare.split(" // ").next().unwrap_or(bare);
        return Some(script(format!("{message}:")).with_more(2));
    }
    // The end of a program of Perl.
    static DIES: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\w.+) at (\S+) line ([0-9]+)\.$"));
    if let Some(found) = DIES.captures(text) {
        let message = Message::new(Language::Scripts, Weight::Assertion, group(&found, 1));
        return Some(message.at(place_of(group(&found, 2), group(&found, 3))));
    }
    // bats: `# (in test file t.bats, line 3)`, or the last function of a helper, then the command.
    static BATS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^#? *\(?(?:from function `[^']*' )?in test file (\S+), line ([0-9]+)\)$")
    });
    if let Some(found) = BATS.captures(bare) {
        let place = place_of(group(&found, 1), group(&found, 2));
        return Some(script("").at(place).with_more(1).with_values(3));
    }
    // CTest: the names of the tests follow.
    if bare == "The following tests FAILED:" {
        return Some(script(bare).with_more(1));
    }
    // Test::More: `#   Failed test 'name'`, the place, the values.
    bare.starts_with("#   Failed test").then(|| script("").with_more(2))
}

fn script(text: impl Into<String>) -> Message {
    Message::new(Language::Scripts, Weight::Framework, text)
}

/// A place below a message: `at f (file:///a/b.js:5:10)`, `#   at t.t line 3.`
pub(super) fn place(text: &str) -> Option<String> {
    static FRAME: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^(?:at |\S+ \().*?([^\s(/']+\.[cm]?[jt]sx?):([0-9]+):[0-9]+\)?$")
    });
    static PERL: LazyLock<Regex> = LazyLock::new(|| pattern(r"^#?\s*at (\S+) line ([0-9]+)\.$"));
    if text.contains("node:") || text.contains("node_modules/") {
        return None;
    }
    // vitest: `❯ a.test.js:1:101`.
    static ARROW: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^❯ (?:.* )?(\S+\.[cm]?[jt]sx?):([0-9]+):[0-9]+$"));
    // ava, and compilers of JavaScript.
    static FILE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^(?:›|At file:|File:|at:) .*?([^\s(/']+\.[cm]?[jt]sx?):([0-9]+):[0-9]+'?\)?$")
    });
    let found = FRAME.captures(text).or_else(|| PERL.captures(text));
    let found = found.or_else(|| ARROW.captures(text)).or_else(|| FILE.captures(text))?;
    Some(place_of(group(&found, 1), group(&found, 2)))
}

/// `true` for lines between the parts of a message.
pub(super) fn is_decoration(text: &str) -> bool {
    // The source, with numbers of lines and a mark below the place.
    static SOURCE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:> )?[0-9]* *\|"));
    text.starts_with("at ")
        || text.starts_with("+ actual")
        || text.starts_with("in test '")
        || text == "---"
        || text == "..."
        || text.starts_with("#   in test ")
        || text.starts_with("#   at ")
        || SOURCE.is_match(text)
}

/// `true` for the line that explains the signs of a difference.
pub(super) fn is_legend(text: &str) -> bool {
    static LEGEND: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^(?:\+ actual - expected|\+ expected - actual|- Expected\b.*|\+ Received\b.*)$")
    });
    LEGEND.is_match(text)
}

/// `true` for the values below a failed command of bats.
pub(super) fn is_value(text: &str) -> bool {
    static VALUE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^#? *(?:-- .* --$|(?:expected|actual|output|status|lines?)\b.*:)")
    });
    VALUE.is_match(text)
}

/// The next line that is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expects {
    /// It is the message.
    Message,
    /// It is the message if it is in quotes.
    Quotation,
}

/// The line that a title of a failure is followed by, in reports that mark no message.
pub(super) fn title(text: &str) -> Option<Expects> {
    let bare = text.trim_start();
    if bare.starts_with("● ") && !bare.starts_with("● Console") {
        Some(Expects::Message)
    } else {
        bare.starts_with("✖ ").then_some(Expects::Quotation)
    }
}

/// The beginning of a line below a title that explains nothing.
pub(super) const NO_MESSAGE: &str = "Jest encountered an unexpected token";

/// `true` for mocha's `  2 failing`, which its list of failures follows.
pub(super) fn begins_failures_of_mocha(text: &str) -> bool {
    static FAILING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^ +[0-9]+ failing$"));
    FAILING.is_match(text)
}

/// The title of `1) title`.
pub(super) fn numbered(text: &str) -> Option<&str> {
    static NUMBERED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[0-9]+\) (\S.*)$"));
    NUMBERED.captures(text).and_then(|found| found.get(1)).map(|title| title.as_str())
}

/// The test that speaks: `not ok 2 - name`, `✖ name (0.5ms)`, `● suite › name`.
pub(super) fn named_test(text: &str) -> Option<String> {
    static TAP: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^\s*not ok [0-9]+ *(?:- )?([^#]*?)(?: # (?i:TODO|SKIP).*)?$"));
    static SPEC: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^(?:.*[0-9]+/[0-9]+)?\s*(?:✖|✗|●) (.+?)(?: \([0-9.]+m?s\))?$"));
    // vitest: ` FAIL  a.test.js > adds`.
    static VITEST: LazyLock<Regex> = LazyLock::new(|| pattern(r"^ FAIL  \S+ > (.+)$"));
    let found = TAP.captures(text).or_else(|| SPEC.captures(text));
    let found = found.or_else(|| VITEST.captures(text))?;
    let name = group(&found, 1).trim();
    (!name.is_empty() && name != "failing tests:").then(|| name.to_owned())
}
