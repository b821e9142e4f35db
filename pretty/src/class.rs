//! Recognising lines that are not events: output of test runners, panics, race detectors.
//!
//! Only the beginning of a line is looked at. A wrong guess costs a differently titled rule on
//! the screen, never a line.

/// The kind of a line that is not an event, guessed from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
        by_start(line)
            .or_else(|| rust_test(line))
            .or_else(|| bare_word(line))
            .or_else(|| rust_panic(line))
            .unwrap_or(Self::Plain)
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
    CONTINUATIONS.iter().any(|start| line.starts_with(start)) || is_exception(line) || is_call(line)
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

/// Beginnings of lines in stack traces.
const CONTINUATIONS: [&[u8]; 8] = [
    b"Caused by:",
    b"Suppressed:",
    b"... ",
    b"Traceback (most recent",
    b"stack backtrace:",
    b"created by ",
    b"at ",
    b"note: run with",
];

fn by_start(line: &[u8]) -> Option<Class> {
    STARTS.iter().find(|(start, _)| line.starts_with(start)).map(|(_, class)| *class)
}

/// Beginnings that decide, in the words of Go's and Rust's test runners and of the lab testers.
const STARTS: [(&[u8], Class); 23] = [
    (b"Test (", Class::Test),
    (b"=== ", Class::Test),
    (b"--- SKIP", Class::Test),
    (b"running ", Class::Test),
    (b"... Passed", Class::Passed),
    (b"--- PASS", Class::Passed),
    (b"test result: ok", Class::Passed),
    (b"ok  \t", Class::Passed),
    (b"--- FAIL", Class::Failed),
    (b"test result: FAILED", Class::Failed),
    (b"FAIL\t", Class::Failed),
    (b"failures:", Class::Failed),
    (b"exit status ", Class::Failed),
    (b"apply error:", Class::Failed),
    (b"error: ", Class::Failed),
    (b"error[E", Class::Failed),
    (b"panic:", Class::Panic),
    (b"fatal error:", Class::Panic),
    (b"goroutine ", Class::Panic),
    (b"SIGSEGV", Class::Panic),
    (b"[signal ", Class::Panic),
    (b"WARNING: DATA RACE", Class::Race),
    (b"==================", Class::Race),
];

/// `test name ... ok` and `test name ... FAILED`.
fn rust_test(line: &[u8]) -> Option<Class> {
    let line = line.strip_prefix(b"test ")?;
    [
        (&b" ... ok"[..], Class::Passed),
        (b" ... FAILED", Class::Failed),
        (b" ... ignored", Class::Test),
    ]
    .into_iter()
    .find(|(end, _)| line.ends_with(end))
    .map(|(_, class)| class)
}

fn bare_word(line: &[u8]) -> Option<Class> {
    match line {
        b"PASS" => Some(Class::Passed),
        b"FAIL" => Some(Class::Failed),
        _ => None,
    }
}

/// `thread 'main' panicked at src/lib.rs:1:2:`, with or without the thread's number.
fn rust_panic(line: &[u8]) -> Option<Class> {
    let rest = line.strip_prefix(b"thread '")?;
    memchr::memmem::find(rest, b" panicked at ").map(|_| Class::Panic)
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
