//! Messages of Go's harness, and its reports of several lines: panics, data races, stacks.

use std::sync::LazyLock;

use regex::Regex;

use super::{Language, Message, Weight, pattern};

/// A message of testify that begins with this line: a field of a block below an empty message.
pub(super) fn begun(text: &str) -> Option<Message> {
    static FIELD: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s+Error:\s{2,}(\S.*)$"));
    let found = FIELD.captures(text)?;
    let message = super::group(&found, 1).trim_end();
    let more = if message.ends_with(':') { 2 } else { 0 };
    Some(Message::new(Language::Go, Weight::Framework, message).with_more(more))
}

/// The subtest that speaks from this line on. A test of its own has a row of its own.
pub(super) fn named_test(text: &str) -> Option<String> {
    let name = speaker(text)?;
    Some(if name.contains('/') { name.to_owned() } else { String::new() })
}

/// The test whose output follows this line.
pub(super) fn speaker(text: &str) -> Option<&str> {
    static RUNS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^=== (?:RUN|CONT|NAME) +(\S+)$"));
    let name = RUNS.captures(text)?.get(1)?;
    Some(name.as_str())
}

/// The reports of several lines that Go prints.
#[derive(Debug, Default)]
pub(super) enum GoReport {
    /// None is being read.
    #[default]
    None,
    /// A data race, and the last line of it: the function of the next location.
    Race(String),
    /// A panic, by its first line; the stack below it has the location.
    Panic(String),
    /// The stacks of all goroutines, up to the end of the log.
    Stacks(Stacks),
}

/// The stacks of all goroutines, of which that of the test counts.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    /// The state of the present goroutine: `chan receive`.
    state: String,
    function: String,
    /// The first frame of the present goroutine outside of Go's own packages.
    own: Option<String>,
    /// The place of the test.
    test: Option<String>,
}

impl GoReport {
    /// `true` while a report is read.
    pub(super) const fn is_open(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Takes the next line; returns a reason that is complete. A panic counts if `is_first`.
    pub(super) fn line(&mut self, text: &str, is_first: bool) -> Option<(Weight, String)> {
        if text.starts_with("SIGQUIT: quit") {
            *self = Self::Stacks(Stacks::default());
        } else if text.starts_with("WARNING: DATA RACE") {
            *self = Self::Race(String::new());
        } else if is_panic(text) && matches!(self, Self::None) && is_first {
            // The harness catches a panic and throws it again.
            let message = text.strip_suffix(" [recovered]").unwrap_or(text);
            let message = message.strip_suffix(", repanicked]").map_or(message, |message| {
                message.rsplit_once(" [recovered").map_or(message, |(message, _)| message)
            });
            *self = Self::Panic(message.to_owned());
        }
        let found = match self {
            Self::None => None,
            Self::Stacks(stacks) => {
                stacks.line(text);
                None
            }
            Self::Panic(message) => own_frame(text).map(|place| format!("{message} ({place})")),
            Self::Race(function) => match own_frame(text) {
                Some(place) => Some(format!("DATA RACE in {function} ({place})")),
                None => {
                    text.trim().clone_into(function);
                    None
                }
            },
        }?;
        *self = Self::None;
        Some((Weight::Panic, found))
    }

    /// The reason, if the log ended within a report.
    pub(super) fn finish(&mut self) -> Option<(Weight, String)> {
        match std::mem::take(self) {
            Self::None => None,
            Self::Race(_) => Some((Weight::Panic, "DATA RACE".to_owned())),
            Self::Panic(message) => Some((Weight::Panic, message)),
            Self::Stacks(mut stacks) => {
                stacks.end_of_goroutine();
                stacks.test.map(|place| (Weight::Framework, place))
            }
        }
    }
}

impl Stacks {
    fn line(&mut self, text: &str) {
        if let Some(rest) = text.strip_prefix("goroutine ") {
            self.end_of_goroutine();
            let state = rest.split_once('[').map_or("", |(_, state)| state);
            state.split([']', ',']).next().unwrap_or("").clone_into(&mut self.state);
        } else if let Some(place) = own_frame(text) {
            let function = self.function.rsplit_once('(').map_or("", |(function, _)| function);
            let function = function.rsplit('/').next().unwrap_or(function);
            let place = format!("{} in {function} ({place})", self.state);
            self.own.get_or_insert(place);
        } else {
            if text.starts_with("testing.tRunner(") {
                // The stack of the innermost test that waits comes first.
                self.test = self.test.take().or_else(|| self.own.take());
            }
            text.trim().clone_into(&mut self.function);
        }
    }

    fn end_of_goroutine(&mut self) {
        self.own = None;
    }
}

fn is_panic(text: &str) -> bool {
    text.starts_with("panic:") || text.starts_with("fatal error:")
}

/// `/path/a.go:12 +0x44`, as in a stack: the file's own name and the line; `None` for files of
/// Go's own packages, through which every failure passes.
fn own_frame(text: &str) -> Option<&str> {
    let place = text.trim().split(' ').next().filter(|place| place.contains(".go:"))?;
    let (dir, file) = place.rsplit_once('/')?;
    let package = dir
        .rsplit_once("/src/")
        .filter(|(root, _)| root.rsplit('/').next().is_some_and(|name| name.starts_with("go")));
    let is_standard = package.is_some_and(|(_, package)| {
        STANDARD.contains(&package.split('/').next().unwrap_or(package))
    });
    // Go's own packages have tests, too.
    (!is_standard || file.contains("_test.go:")).then_some(file)
}

/// The packages of Go that stand between a failure and the code that caused it.
const STANDARD: [&str; 14] = [
    "bytes", "context", "encoding", "fmt", "internal", "io", "log", "net", "os", "reflect",
    "runtime", "sync", "testing", "time",
];
