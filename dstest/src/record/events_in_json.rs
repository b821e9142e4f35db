//! Logs whose lines are JSON events that carry the lines of a harness: `go test -json`, and the JSON
//! formats of libtest and nextest.

use serde::Deserialize;

/// An event, as far as it carries lines.
#[derive(Debug, Deserialize)]
struct Event {
    /// The line of a test of Go.
    #[serde(rename = "Output")]
    output: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    event: Option<String>,
    /// The output of a test of Rust that has failed.
    stdout: Option<String>,
    passed: Option<u64>,
    failed: Option<u64>,
    ignored: Option<u64>,
}

/// The lines of the harness in a line of the log; `None` if it is no such event.
pub(super) fn lines(line: &[u8]) -> Option<String> {
    let is_event = line.starts_with(b"{") && line.ends_with(b"}");
    let has_lines = || KEYS.iter().any(|key| memchr::memmem::find(line, key).is_some());
    if !is_event || !has_lines() {
        return None;
    }
    let event: Event = serde_json::from_slice(line).ok()?;
    if event.output.is_some() || event.stdout.is_some() {
        return event.output.or(event.stdout);
    }
    let (passed, failed) = (event.passed?, event.failed?);
    let is_result =
        event.kind.as_deref() == Some("suite") && event.event.as_deref() != Some("started");
    let result = || {
        let ignored = event.ignored.unwrap_or(0);
        format!("test result: ok. {passed} passed; {failed} failed; {ignored} ignored")
    };
    is_result.then(result)
}

/// An event with lines has one of these.
const KEYS: [&[u8]; 3] = [b"\"Output\"", b"\"stdout\"", b"\"passed\""];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_carry_the_lines_of_their_harness() {
        let rows = [
            (
                r#"{"Action":"output","Package":"a","Output":"--- FAIL: TestA (0.00s)\n"}"#,
                Some("--- FAIL: TestA (0.00s)\n"),
            ),
            (r#"{"Action":"run","Package":"a","Test":"TestA"}"#, None),
            (
                r#"{ "type": "test", "name": "a", "event": "failed", "stdout": "x\ny\n" }"#,
                Some("x\ny\n"),
            ),
            (r#"{"type":"test","name":"a","event":"failed","stdout":"x\ny\n"}"#, Some("x\ny\n")),
            (
                r#"{"type":"suite","event":"ok","passed":0,"failed":0,"ignored":2,"measured":0}"#,
                Some("test result: ok. 0 passed; 0 failed; 2 ignored"),
            ),
            (r#"{"type":"suite","event":"started","test_count":2}"#, None),
            (r#"{"level":"info","msg":"hello"}"#, None),
            (r#"{"Output":"broken}"#, None),
            ("no event", None),
        ];
        for (line, want) in rows {
            assert_eq!(lines(line.as_bytes()).as_deref(), want, "{line}");
        }
    }
}
