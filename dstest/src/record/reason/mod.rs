//! The line of a log that best explains the failure of its run: the one a person would quote.
//!
//! ```text
//! line ─► is it worth a look? ─► part of an open message? ─► its rest, its place in the sources
//!                             └► begins a message (one file for each language) or names a test
//! message + test + place ─► the reason, if it weighs more than what was found before
//! ```

mod continuation;
mod go;
mod go_tests;
mod jvm;
mod message;
mod native;
mod python;
mod rust;
mod scripts;
mod titles;

use std::sync::LazyLock;

use regex::bytes::Regex;

use self::go::GoReport;
use self::go_tests::GoTests;
use self::message::{Language, Message, append, difference};
use self::titles::Titles;
use super::passed_line;
use super::signature::{SIGNATURE_CHARS_MAX, visible};

/// The weight of a line as an explanation of a failure, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Verdict,
    ErrorWord,
    Assertion,
    /// A test framework's own account.
    Framework,
    Panic,
    /// The account of a harness that expected something else.
    Expectation,
}

/// Finds the line that best explains the failure of a run, fed line by line.
#[derive(Debug, Default)]
pub struct FailureReason {
    best: Option<(Weight, String)>,
    /// The last line, in case that nothing explains anything.
    last: Vec<u8>,
    /// The last line of a harness, in case that there is no other.
    last_of_harness: Vec<u8>,
    open: Option<Message>,
    /// Lines since the open message began.
    age: u32,
    /// The test that is speaking, where one process runs several.
    test: Option<String>,
    titles: Titles,
    /// A place that comes before its message.
    place: Option<String>,
    go: GoReport,
    go_tests: GoTests,
    /// `true` within the stacks that dstest has added.
    in_stacks: bool,
}

impl FailureReason {
    /// Looks at one line, without its end.
    pub fn line(&mut self, line: &[u8]) {
        if self.in_stacks || line.starts_with(STACKS) {
            self.in_stacks = !line.starts_with(STACKS_END);
            return;
        }
        let is_awaited = self.open.is_some()
            || self.go.is_open()
            || self.titles.is_open()
            || self.go_tests.is_open();
        if !is_awaited && !INTERESTING.is_match(line) {
            return self.remember(line);
        }
        let text = visible(line);
        let text = text.trim_end();
        if let Some((weight, reason)) = self.go.line(text, self.weight() < Some(Weight::Panic)) {
            self.offer(weight, reason);
        }
        if self.go.is_open() || self.go_tests.line(text) || self.is_part_of_message(text) {
            return;
        }
        if let Some(message) = self.titles.line(text, &mut self.test) {
            return self.open(message);
        }
        if let Some(test) = named_test(text) {
            self.test = Some(test);
        }
        if let Some(place) = python::place_before(text) {
            self.place = Some(place);
        } else if python::is_exception(text)
            && let Some(place) = self.place.take()
        {
            self.open(Message::new(Language::Python, Weight::Assertion, text).at(place));
            return;
        }
        if let Some(mut message) = begun(text) {
            if message.language == Language::Python && message.place.is_none() {
                message.place = self.place.take();
            }
            self.open(message);
            return;
        }
        let bare = text.trim();
        match weigh(bare.as_bytes()) {
            Some(weight) => self.offer(weight, without_stamp(bare).to_owned()),
            None => self.remember(line),
        }
    }

    /// Keeps a line that explains nothing, in case that none does.
    fn remember(&mut self, line: &[u8]) {
        let bare = line.trim_ascii();
        if self.best.is_some() || bare.is_empty() {
            return;
        }
        let bare = &bare[..bare.len().min(LAST_BYTES_MAX)];
        if !is_harness_line(bare) {
            bare.clone_into(&mut self.last);
        } else if !self.last_of_harness.starts_with(b"exit status") {
            bare.clone_into(&mut self.last_of_harness);
        }
    }

    fn open(&mut self, message: Message) {
        self.age = 0;
        let is_complete = message.is_complete();
        self.open = Some(message);
        if is_complete {
            self.close();
        }
    }

    /// Takes a line as part of the open message, if there is one: a further line of its text, its
    /// place, or something between them.
    fn is_part_of_message(&mut self, text: &str) -> bool {
        let Some(message) = &mut self.open else { return false };
        self.age += 1;
        let is_part = message.take(text);
        if !is_part || message.is_complete() || self.age > message.lines_max() {
            self.close();
        }
        is_part
    }

    /// Offers the open message.
    fn close(&mut self) {
        let Some(message) = self.open.take() else { return };
        let text = without_stamp(message.text.trim().trim_end_matches(':'));
        let is_vague = message.is_vague && message.place.is_none();
        let weight = if is_vague { Weight::ErrorWord } else { message.weight };
        let test = self.test.as_deref().filter(|test| !text.starts_with(*test));
        let test = test.map_or_else(String::new, |test| format!("{test}: "));
        let place = message.place.map_or_else(String::new, |place| format!(" ({place})"));
        let text: String = text.chars().take(SIGNATURE_CHARS_MAX).collect();
        if !text.is_empty() {
            self.offer(weight, format!("{test}{text}{place}"));
        } else if !place.is_empty() {
            self.offer(weight, format!("{test}panicked{place}"));
        }
    }

    /// The signature; `None` if nothing was printed at all.
    #[must_use]
    pub fn finish(mut self) -> Option<String> {
        self.close();
        if let Some((weight, reason)) = self.go.finish() {
            self.offer(weight, reason);
        }
        if let Some(reason) = std::mem::take(&mut self.go_tests).finish() {
            self.offer(Weight::Assertion, reason);
        }
        let last = if self.last.is_empty() { &self.last_of_harness } else { &self.last };
        let last = visible(last);
        let last = without_stamp(last.trim());
        let found = self.best.map(|(_, reason)| reason);
        let found = found.or_else(|| (!last.is_empty()).then(|| last.to_owned()));
        found.map(|reason| reason.chars().take(2 * SIGNATURE_CHARS_MAX).collect())
    }

    fn weight(&self) -> Option<Weight> {
        self.best.as_ref().map(|(weight, _)| *weight)
    }

    /// Of equal weight the first line counts; of verdicts the last, as it is that of the innermost test.
    fn offer(&mut self, weight: Weight, reason: String) {
        let is_better = |best| weight > best || weight == best && weight == Weight::Verdict;
        if self.weight().is_none_or(is_better) {
            self.best = Some((weight, reason));
        }
    }
}

/// A message that begins with this line.
fn begun(text: &str) -> Option<Message> {
    rust::begun(text)
        .or_else(|| go::begun(text))
        .or_else(|| python::begun(text))
        .or_else(|| jvm::begun(text))
        .or_else(|| native::begun(text))
        .or_else(|| scripts::begun(text))
}

/// The test that speaks from this line on, in programs that run several.
fn named_test(text: &str) -> Option<String> {
    go::named_test(text)
        .or_else(|| python::named_test(text))
        .or_else(|| jvm::named_test(text))
        .or_else(|| native::named_test(text))
        .or_else(|| scripts::named_test(text))
}

fn weigh(text: &[u8]) -> Option<Weight> {
    // What says that something has failed, and not what.
    let verdicts = ["--- FAIL: ", "not ok ", "Parse errors: "];
    if verdicts.iter().any(|start| text.starts_with(start.as_bytes())) {
        return Some(Weight::Verdict);
    }
    if text.is_empty() || is_harness_line(text) {
        return None;
    }
    let has = |words: &[&str]| {
        words.iter().any(|word| memchr::memmem::find(text, word.as_bytes()).is_some())
    };
    // nextest, prove, shUnit2.
    let starts = ["TIMEOUT [", "Bail out!", "Bailout called.", "ASSERT:"];
    if starts.iter().any(|start| text.starts_with(start.as_bytes())) {
        return Some(Weight::Assertion);
    }
    if has(&[passed_line::FAILURE, "Assertion", "assertion", "AssertionError"]) {
        return Some(Weight::Assertion);
    }
    if has(&["Error", "error", "ERROR", "FAIL", "Exception", "fatal"]) {
        return Some(Weight::ErrorWord);
    }
    None
}

/// Lines that test harnesses print around every run, whatever its result.
fn is_harness_line(text: &[u8]) -> bool {
    const STARTS: [&str; 18] = [
        "# Looks like ",
        "test result:",
        "running ",
        "failures:",
        "error: test failed",
        "note: ",
        "=== ",
        "FAIL ",
        "FAIL\t",
        "FAILED (",
        "PASS",
        "make: *** ",
        "exit status",
        "stack backtrace:",
        "# Subtest",
        "failureType:",
        "code: 'ERR",
        "name: 'A",
    ];
    STARTS.iter().any(|start| text.starts_with(start.as_bytes()))
        || text == b"FAIL"
        || text.starts_with(b"test ") && text.ends_with(b"FAILED")
}

/// The line without the date and time that Go's `log` puts before it, and without the duration
/// that harnesses put behind it.
fn without_stamp(text: &str) -> &str {
    let is_stamp = |word: &str, separators: &[char]| {
        word.contains(separators)
            && word.chars().all(|c| c.is_ascii_digit() || c == '.' || separators.contains(&c))
    };
    let mut words = text.splitn(3, ' ');
    let text = match (words.next(), words.next(), words.next()) {
        (Some(date), Some(time), Some(rest))
            if is_stamp(date, &['/']) && is_stamp(time, &[':']) =>
        {
            rest
        }
        _ => text,
    };
    match text.rsplit_once(" (") {
        Some((test, duration)) if test.starts_with("--- FAIL") && duration.ends_with("s)") => test,
        _ => text,
    }
}

/// A value of a report without the quotes around it.
fn without_quotes(text: &str) -> &str {
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('\'').or_else(|| inner('"')).unwrap_or(text)
}

/// The name of a file without its directories.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// `a.rs:1:2` from its parts.
fn place_of(path: &str, line: &str) -> String {
    format!("{}:{line}", file_name(path))
}

/// The first group of a match, or the one with this number.
fn group<'a>(found: &regex::Captures<'a>, number: usize) -> &'a str {
    found.get(number).map_or("", |group| group.as_str())
}

/// A pattern that is part of the program.
fn pattern(text: &str) -> regex::Regex {
    regex::Regex::new(text).expect("the patterns of this directory are compiled by its tests")
}

/// Everything that a line of interest holds; other lines, the bulk of most logs, are passed over.
static INTERESTING: LazyLock<Regex> = LazyLock::new(|| {
    let words = [
        r"panicked at |did not panic|did not contain expected|^---- ",
        r"[Ee]rror|ERROR|FAIL|[Ff]ailure|[Ee]xception|[Ff]atal|[Aa]ssertion|[Ff]ailed",
        r"^panic:|^=== |--- (FAIL|PASS|SKIP)|^got:|\.go:[0-9]|^SIGQUIT|^WARNING: (DATA RACE|ThreadSanitizer)|apply error",
        r"^Traceback|^E  |\.py:[0-9]|, line [0-9]|^_{3,} ",
        r"not ok |✖|✗|●|^ *[0-9]+\) |^# |=> |JUnit |terminate called|^SUMMARY: |RUN      |^TEST CASE:",
        r"expect\(|^\s+at |❯ |in test file |^ +(expected|wanted|want|found|got): |Difference \(|^ *✘ |^ +message: |TIMEOUT \[|^Bail|ASSERT:| line [0-9]+\.$|caught: |short test summary|[0-9] failing$|UNEXPECTED|Expected:$",
    ];
    Regex::new(&words.join("|")).expect("the pattern is compiled by the tests below")
});

/// The line that dstest writes before the stacks of a run that hangs.
const STACKS: &[u8] = b"dstest: stacks of all threads";

/// The line after them.
const STACKS_END: &[u8] = b"dstest: end of the stacks";

/// A last line is data beyond this.
const LAST_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests;
