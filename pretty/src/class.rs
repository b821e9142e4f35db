//! Recognising lines that are not events: output of test runners, panics, race detectors.
//!
//! Only the beginning of a line is looked at. A wrong guess costs a differently titled rule on
//! the screen, never a line.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The kind of a line that is not an event, guessed from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Nothing but white space.
    Blank,
    /// Unknown; inside a run it belongs to the line before it.
    Plain,
    /// A test starts or reports on itself.
    Test,
    /// A test passed.
    Passed,
    /// A test failed.
    Failed,
    /// A panic or fatal error, with its stack.
    Panic,
    /// A report of a race detector.
    Race,
    /// Belongs to the lines behind it, which have what it says: the first line of a record of two, the
    /// name of a source. It is not shown, unless [`Parser::take_unpaired`](crate::Parser::take_unpaired)
    /// gives it because its second line does not come.
    Lead,
}

impl Class {
    /// The kind of a line.
    ///
    /// ```
    /// use pretty::Class;
    /// assert_eq!(Class::of(b"panic: runtime error: index out of range [3]"), Class::Panic);
    /// assert_eq!(Class::of(b"  ... Passed --   3.8  5  181"), Class::Passed);
    /// assert_eq!(Class::of(b"anything"), Class::Plain);
    /// ```
    #[must_use]
    pub fn of(line: &[u8]) -> Self {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Self::Blank;
        }
        OUTPUT.class(line).unwrap_or_else(|| match is_rust_panic(line) {
            true => Self::Panic,
            false => Self::Plain,
        })
    }

    /// The title of a run of such lines.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Blank | Self::Plain => "output",
            Self::Test => "test",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Panic => "panic",
            Self::Race => "data race",
            Self::Lead => "lead",
        }
    }
}

/// Tells whether a line continues the one before it: it is indented, or part of a stack trace.
pub(crate) fn is_continuation(line: &[u8]) -> bool {
    match line.first() {
        None => false,
        Some(b' ' | b'\t' | b'}' | b']') => true,
        Some(_) => is_stack(line),
    }
}

/// The event before a line, for those lines that continue it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The line before is not an event.
    #[default]
    None,
    Shown,
    Hidden,
}

impl Owner {
    /// The owner that an event becomes.
    pub(crate) const fn event(is_shown: bool) -> Self {
        if is_shown { Self::Shown } else { Self::Hidden }
    }

    /// The owner of a line that is not an event, and of those that follow it.
    pub(crate) fn of_line(&mut self, class: Class, line: &[u8]) -> Self {
        if class != Class::Plain || !is_continuation(line) {
            *self = Self::None;
        }
        *self
    }
}

/// Frames and causes of Java, Go, Python and Rust that begin a line.
pub(crate) fn is_stack(line: &[u8]) -> bool {
    OUTPUT.stacks.iter().any(|start| line.starts_with(start)) || is_exception(line) || is_call(line)
}

/// `java.io.EOFException: null`.
fn is_exception(line: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"._$".contains(byte);
    let name = &line[..line.iter().take_while(|byte| is_name(byte)).count()];
    let rest = &line[name.len()..];
    (rest.is_empty() || rest.starts_with(b":"))
        && (name.ends_with(b"Exception") || name.ends_with(b"Error"))
        && name.contains(&b'.')
}

/// `main.(*Node).apply(...)`.
fn is_call(line: &[u8]) -> bool {
    let head = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    line.ends_with(b")")
        && head.contains(&b'(')
        && head[..head.iter().position(|byte| *byte == b'(').unwrap_or(0)].contains(&b'.')
}

/// `thread 'main' panicked at src/lib.rs:1:2:`, with or without the thread's number.
fn is_rust_panic(line: &[u8]) -> bool {
    let rest = line.strip_prefix(b"thread '");
    rest.is_some_and(|rest| memchr::memmem::find(rest, b" panicked at ").is_some())
}

/// The words of runners and stacks: `pretty/words/output.toml`.
struct Output {
    starts: Vec<(Box<[u8]>, Class)>,
    lines: Vec<(Box<[u8]>, Class)>,
    /// Of lines that begin with `test `.
    ends: Vec<(Box<[u8]>, Class)>,
    stacks: Vec<Box<[u8]>>,
}

static OUTPUT: LazyLock<Output> = LazyLock::new(Output::read);

impl Output {
    fn read() -> Self {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            starts: BTreeMap<Class, Vec<String>>,
            lines: BTreeMap<Class, Vec<String>>,
            ends: BTreeMap<Class, Vec<String>>,
            stacks: BTreeMap<String, Vec<String>>,
        }
        let file: File = crate::words::read("output", include_str!("../words/output.toml"));
        let bytes = |text: String| Box::from(text.into_bytes());
        let list = |words: BTreeMap<Class, Vec<String>>| {
            let all = words
                .into_iter()
                .flat_map(|(class, words)| words.into_iter().map(move |word| (bytes(word), class)));
            all.collect()
        };
        let stacks = file.stacks.into_values().flatten().map(bytes).collect();
        let (starts, lines, ends) = (list(file.starts), list(file.lines), list(file.ends));
        Self { starts, lines, ends, stacks }
    }

    fn class(&self, line: &[u8]) -> Option<Class> {
        let start = self.starts.iter().find(|(start, _)| line.starts_with(start));
        let end = || {
            let rest = line.strip_prefix(b"test ")?;
            self.ends.iter().find(|(end, _)| rest.ends_with(end))
        };
        let found = start.or_else(end);
        found.or_else(|| self.lines.iter().find(|(own, _)| **own == *line)).map(|(_, class)| *class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_of_test_runners_is_recognised() {
        for (line, class) in [
            ("", Class::Blank),
            (" \t\r", Class::Blank),
            ("Test (2B): basic agreement ...", Class::Test),
            ("=== RUN   TestBasicAgree2B", Class::Test),
            ("    --- FAIL: TestX/sub (0.00s)", Class::Failed),
            ("  ... Passed --   3.8  5  181   42682    4", Class::Passed),
            ("PASS", Class::Passed),
            ("ok  \t6.824/raft\t3.9s", Class::Passed),
            ("FAIL\t6.824/raft\t3.9s", Class::Failed),
            ("exit status 1", Class::Failed),
            ("apply error: commit index=2 server=1 102 != server=2 103", Class::Failed),
            ("test backup_2b ... ok", Class::Passed),
            ("test backup_2b ... FAILED", Class::Failed),
            ("test result: FAILED. 0 passed; 1 failed", Class::Failed),
            ("panic: oops", Class::Panic),
            ("goroutine 1 [running]:", Class::Panic),
            ("thread 'main' (77) panicked at src/lib.rs:1:2:", Class::Panic),
            ("WARNING: DATA RACE", Class::Race),
            ("1: log map[1:101]; server map[1:101 2:103]", Class::Plain),
            ("testing 1 2 3", Class::Plain),
        ] {
            assert_eq!(Class::of(line.as_bytes()), class, "{line}");
        }
    }
}
