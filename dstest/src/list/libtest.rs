//! Lists the tests of a Rust test program by asking it (`--list --format terse`).

use std::collections::HashSet;
use std::ffi::OsStr;
use std::process::Command;

use super::capture::capture;
use super::functions::Functions;
use crate::process::signals::Interrupts;
use crate::suite::{Binary, Harness, Mark, Test};

/// The tests of the program with this index; `None` if it does not list them as libtest does.
pub(super) fn list(
    index: usize,
    binary: &Binary,
    runner: &[String],
    interrupts: &Interrupts,
) -> Option<Vec<Test>> {
    let ask = |more: &[&str]| {
        let mut words = runner.iter().map(OsStr::new).chain([binary.path.as_os_str()]);
        let mut command = Command::new(words.next()?);
        command.args(words);
        command.args(["--list", "--format", "terse"]).args(more).current_dir(&binary.cwd);
        command.envs(binary.env.iter().map(|(name, value)| (name, value)));
        let answer = capture(&mut command, interrupts).ok()?;
        if answer.status.success() { parse(&answer.stdout) } else { None }
    };
    let (names, ignored) = (ask(&[])?, ask(&["--ignored"])?);
    let ignored: HashSet<String> = ignored.into_iter().collect();
    let functions = Functions::of(binary);
    let with_parts = |test: Test| Test { parts_min: functions.parts_of(&test.id), ..test };
    Some(names.into_iter().map(|id| with_parts(test(index, id, &ignored))).collect())
}

/// The names in `name: test` lines; `None` if any line is something else.
fn parse(output: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(output).ok()?;
    let mut names = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (name, kind) = line.rsplit_once(": ")?;
        match kind {
            "test" => names.push(name.to_owned()),
            "benchmark" | "bench" => {}
            _ => return None,
        }
    }
    Some(names)
}

fn test(binary: usize, id: String, ignored: &HashSet<String>) -> Test {
    let mark = if ignored.contains(&id) { Mark::Ignored } else { Mark::Normal };
    let mut args = vec!["--exact".to_owned(), id.clone(), "--nocapture".to_owned()];
    if mark == Mark::Ignored {
        args.push("--include-ignored".to_owned());
    }
    if id.starts_with('-') {
        // As an option it would be another one.
        args.retain(|arg| *arg != id);
        args.extend(["--".to_owned(), id.clone()]);
    }
    Test { mark, ..Test::new(id, binary, args, Harness::Libtest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_libtest_lists_are_lists() {
        let rows: [(&[u8], Option<&[&str]>); 5] = [
            (b"a::b: test\nc: test\nd: benchmark\ne: bench\n", Some(&["a::b", "c"])),
            (b"", Some(&[])),
            (b"hello\n", None),
            (b"a: test\n1 test, 0 benchmarks\n", None),
            (b"\xff: test\n", None),
        ];
        for (output, want) in rows {
            let got = parse(output);
            assert_eq!(
                got.as_deref().map(|v| v.iter().map(String::as_str).collect::<Vec<_>>()),
                want.map(<[_]>::to_vec)
            );
        }
    }
}
