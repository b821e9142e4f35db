//! The end of a log that is worth a look: its last lines, and after a time-out of a Go test those of
//! the goroutine of the test instead of the registers, with which Go ends.

/// The last lines of a log that are not blank, at most so many.
#[must_use]
pub fn tail(log: &[u8], lines_max: usize) -> Vec<&[u8]> {
    let start = log.len().saturating_sub(TAIL_BYTES);
    let all = || log[start..].split(|byte| *byte == b'\n');
    let goroutine = after_dump(log).and_then(goroutine_of_test);
    let mut lines: Vec<&[u8]> = match goroutine {
        Some(own) => own.into_iter().take(lines_max).collect(),
        None => all().filter(|line| !line.trim_ascii().is_empty()).collect(),
    };
    lines.drain(..lines.len().saturating_sub(lines_max));
    lines
}

/// The stacks of all goroutines, after SIGQUIT.
fn after_dump(log: &[u8]) -> Option<&[u8]> {
    memchr::memmem::rfind(log, b"SIGQUIT: quit").map(|at| &log[at..])
}

/// The first goroutine that runs a test, and does not only wait for a subtest.
fn goroutine_of_test(dump: &[u8]) -> Option<Vec<&[u8]>> {
    let lines: Vec<&[u8]> = dump.split(|byte| *byte == b'\n').collect();
    let runs_test = |goroutine: &&[&[u8]]| {
        goroutine.iter().any(|line| line.starts_with(b"testing.tRunner("))
            && !goroutine.get(1).is_some_and(|line| line.starts_with(b"testing.(*T).Run("))
    };
    let goroutines = lines.split(|line| line.is_empty());
    goroutines.filter(runs_test).map(<[_]>::to_vec).next()
}

/// Enough for the lines of any log that is for people.
const TAIL_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_that_are_not_blank() {
        let lines = |log: &str, max| -> Vec<String> {
            tail(log.as_bytes(), max).iter().map(|l| l.escape_ascii().to_string()).collect()
        };
        assert_eq!(lines("a\n\nb\n \nc\n", 2), ["b", "c"]);
        assert_eq!(lines("", 2), [""; 0]);
        assert_eq!(lines("a", 2), ["a"]);
    }

    #[test]
    fn after_a_time_out_of_go_the_goroutine_of_the_test() {
        let log = "=== RUN TestA\nSIGQUIT: quit\nPC=0x46 m=0\n\n\
            goroutine 0 [idle]:\nruntime.futex()\n\t/go/src/runtime/sys.s:1\n\n\
            goroutine 1 [chan receive]:\ntesting.(*T).Run(0x1)\n\t/go/src/testing.go:1\n\
            testing.tRunner(0x1)\n\ngoroutine 7 [chan receive]:\na.wait(...)\n\t/x/a_test.go:3\n\
            testing.tRunner(0x2)\n\t/go/src/testing.go:2\n\nrax    0xca\nrbx    0x0\n";
        let lines: Vec<_> = tail(log.as_bytes(), 20);
        let lines: Vec<_> = lines.iter().map(|line| String::from_utf8_lossy(line)).collect();
        let want = ["goroutine 7 [chan receive]:", "a.wait(...)", "\t/x/a_test.go:3"];
        assert_eq!(lines[..3], want);
        assert!(!lines.iter().any(|line| line.starts_with("rax")), "{lines:?}");
    }
}
