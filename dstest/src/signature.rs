//! Failure signatures: which line of a log says why, and when two failures are the same one.
//!
//! A [`Clue`] is the best line so far; [`group_key`] replaces what differs between two instances
//! of one failure (numbers, addresses, times) and keeps what does not (words, file and line).

/// How much a line says about why a run failed; later variants say more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    LastLine,
    ErrorWord,
    Assertion,
    Panic,
}

/// Collects the line that best says why a run failed, fed line by line.
#[derive(Debug, Default)]
pub struct Clue {
    best: Option<(Weight, String)>,
    location: Option<String>,
}

impl Clue {
    /// Looks at one line, without its end.
    pub fn line(&mut self, line: &[u8]) {
        if let Some(location) = self.location.take() {
            self.offer(Weight::Panic, format!("{} ({location})", printable(line)));
            return;
        }
        if let Some(location) = rust_panic(line) {
            if self.weight() < Some(Weight::Panic) {
                self.location = Some(location);
            }
            return;
        }
        if let Some(weight) = weigh(line) {
            self.offer(weight, printable(line));
        }
    }

    /// The signature; `None` if nothing was printed at all.
    #[must_use]
    pub fn finish(self) -> Option<String> {
        let location = self.location.map(|location| format!("panicked ({location})"));
        location.or(self.best.map(|(_, line)| line))
    }

    fn weight(&self) -> Option<Weight> {
        self.best.as_ref().map(|(weight, _)| *weight)
    }

    /// Of equal weight the first line counts, except for plain lines, where the last one does.
    fn offer(&mut self, weight: Weight, line: String) {
        let better = self.weight().is_none_or(|best| weight > best);
        if better || weight == Weight::LastLine && self.weight() == Some(Weight::LastLine) {
            self.best = Some((weight, line));
        }
    }
}

/// The part of a signature that is the same in every instance of one failure.
///
/// ```
/// use dstest::signature::group_key;
/// let a = group_key("two leaders in term 4: 1 and 3 (tests/lab.rs:88:9)");
/// assert_eq!(a, group_key("two leaders in term 17: 0 and 2 (tests/lab.rs:88:9)"));
/// assert_ne!(a, group_key("two leaders in term 4: 1 and 3 (tests/lab.rs:91:9)"));
/// ```
#[must_use]
pub fn group_key(signature: &str) -> String {
    let words: Vec<String> = signature.split_whitespace().map(normalise_word).collect();
    words.join(" ")
}

/// `thread 'x' (123) panicked at src/a.rs:1:2:` gives the location; the message is on the next line.
fn rust_panic(line: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(line, b"panicked at ")?;
    memchr::memmem::find(&line[..at], b"thread '")?;
    let location = printable(&line[at + b"panicked at ".len()..]);
    Some(location.trim_end_matches(':').to_owned())
}

fn weigh(line: &[u8]) -> Option<Weight> {
    let text = line.trim_ascii();
    if text.is_empty() || is_harness_line(text) {
        return None;
    }
    let starts = |words: &[&str]| words.iter().any(|word| text.starts_with(word.as_bytes()));
    let has = |words: &[&str]| {
        words.iter().any(|word| memchr::memmem::find(text, word.as_bytes()).is_some())
    };
    if starts(&["panic:", "fatal error:", "WARNING: DATA RACE"]) {
        return Some(Weight::Panic);
    }
    if is_go_log(line) || has(&["Assertion", "assertion", "AssertionError"]) {
        return Some(Weight::Assertion);
    }
    if has(&["Error", "error", "ERROR", "FAIL", "Exception", "fatal"]) {
        return Some(Weight::ErrorWord);
    }
    Some(Weight::LastLine)
}

/// `    config_test.go:123: message`, as `t.Fatalf` prints it.
fn is_go_log(line: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(line, b".go:") else { return false };
    let name_is_indented = line.starts_with(b" ") && !line[..at].trim_ascii().contains(&b' ');
    name_is_indented && line.get(at + 4).is_some_and(u8::is_ascii_digit)
}

/// What test harnesses print around every run, whatever happened in it.
fn is_harness_line(text: &[u8]) -> bool {
    const STARTS: [&str; 11] = [
        "test result:",
        "running ",
        "failures:",
        "error: test failed",
        "note: ",
        "--- FAIL",
        "=== ",
        "FAIL",
        "PASS",
        "exit status",
        "stack backtrace:",
    ];
    STARTS.iter().any(|start| text.starts_with(start.as_bytes()))
        || text.starts_with(b"test ") && text.ends_with(b"FAILED")
}

/// The line as printable text of bounded length, without escape sequences.
#[must_use]
pub fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let visible = strip_escapes(&text);
    visible.trim().chars().take(SIGNATURE_CHARS_MAX).collect()
}

/// Removes terminal escape sequences and control characters.
fn strip_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.next_if_eq(&'[').is_some() {
            while chars.next_if(|c| !('@'..='~').contains(c)).is_some() {}
            chars.next();
        } else if c == '\t' {
            out.push(' ');
        } else if !c.is_control() {
            out.push(c);
        }
    }
    out
}

fn normalise_word(word: &str) -> String {
    if is_location(word) {
        return word.to_owned();
    }
    let bare: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
    if bare.len() >= HEX_DIGITS_MIN
        && bare.chars().all(|c| c.is_ascii_hexdigit())
        && bare.chars().any(|c| c.is_ascii_digit())
    {
        return "#".to_owned();
    }
    normalise_numbers(word)
}

/// Replaces each number, with its sign, fraction and hexadecimal digits, by `#`; digits inside a
/// name (`fig8_2c`, `S1`) belong to the name.
fn normalise_numbers(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut chars = word.chars().peekable();
    let mut in_name = false;
    while let Some(c) = chars.next() {
        if c.is_ascii_digit() && !in_name {
            let is_hex = c == '0' && chars.next_if_eq(&'x').is_some();
            let belongs =
                |c: &char| c.is_ascii_digit() || *c == '.' || is_hex && c.is_ascii_hexdigit();
            while chars.next_if(belongs).is_some() {}
            out.push('#');
        } else {
            in_name = c.is_alphanumeric() || c == '_';
            out.push(c);
        }
    }
    out
}

/// Whether the word names a line of a source file (`src/a.rs:10:5`).
fn is_location(word: &str) -> bool {
    word.match_indices(':').any(|(at, _)| {
        let after_is_digit = word[at + 1..].starts_with(|c: char| c.is_ascii_digit());
        let name = word[..at].rsplit('/').next().unwrap_or("");
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_extension = (1..=4).contains(&extension.len())
            && extension.chars().all(|c| c.is_ascii_alphabetic());
        after_is_digit && is_extension
    })
}

/// Long enough for a sentence with its numbers, short enough for a few terminal lines.
const SIGNATURE_CHARS_MAX: usize = 240;

/// The shortest run of hexadecimal digits taken for a hash or an id rather than a word.
const HEX_DIGITS_MIN: usize = 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signature(log: &str) -> Option<String> {
        let mut clue = Clue::default();
        log.lines().for_each(|line| clue.line(line.as_bytes()));
        clue.finish()
    }

    #[test]
    fn the_line_that_says_why() {
        let rows = [
            ("", None),
            ("running 1 test\ntest a ... FAILED\n", None),
            ("hello\nbye\n", Some("bye")),
            ("hello\nerror: no disk\nbye\n", Some("error: no disk")),
            (
                "noise\nthread 'a' (77) panicked at src/a.rs:1:2:\ntwo leaders\nnote: run with\n",
                Some("two leaders (src/a.rs:1:2)"),
            ),
            (
                "thread 'a' panicked at src/a.rs:1:2:\nfirst\nthread 'b' panicked at src/b.rs:3:4:\nsecond\n",
                Some("first (src/a.rs:1:2)"),
            ),
            ("thread 'a' panicked at src/a.rs:1:2:", Some("panicked (src/a.rs:1:2)")),
            (
                "=== RUN   TestA\n    a_test.go:7: no agreement\n--- FAIL: TestA (0.1s)\nFAIL\n",
                Some("a_test.go:7: no agreement"),
            ),
            (
                "x\npanic: runtime error: index\n\ngoroutine 1 [running]:\n",
                Some("panic: runtime error: index"),
            ),
            ("\u{1b}[31mERROR\u{1b}[0m bad\u{7}\n", Some("ERROR bad")),
        ];
        for (log, want) in rows {
            assert_eq!(signature(log).as_deref(), want, "{log}");
        }
    }

    #[test]
    fn what_differs_between_instances_is_replaced() {
        let rows = [
            ("term 17 at 0xdeadbeef after 1.5s", "term # at # after #s"),
            ("fig8_2c: S1 lost 3 entries", "fig8_2c: S1 lost # entries"),
            ("hash 0123456789abcdef", "hash #"),
            ("x (src/a.rs:10:5)", "x (src/a.rs:10:5)"),
            ("connect 127.0.0.1:8080", "connect #:#"),
        ];
        for (raw, want) in rows {
            assert_eq!(group_key(raw), want, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_bounded_printable_signature(log in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut clue = Clue::default();
            log.split(|&byte| byte == b'\n').for_each(|line| clue.line(line));
            if let Some(text) = clue.finish() {
                prop_assert!(text.chars().count() <= 2 * SIGNATURE_CHARS_MAX + 20);
                prop_assert!(!text.chars().any(char::is_control));
            }
        }

        #[test]
        fn a_key_is_its_own_key(text in "[ -~]{0,60}") {
            let key = group_key(&text);
            prop_assert_eq!(group_key(&key), key.clone());
        }
    }
}
