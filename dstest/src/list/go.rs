//! Lists the tests of a Go test program by asking it (`-test.list`).

use std::process::Command;

use super::capture::capture;
use crate::process::signals::Interrupts;
use crate::suite::{Binary, Harness, Test};

/// The tests of the program with this index; `None` if it does not list them.
pub(super) fn list(
    index: usize,
    binary: &Binary,
    _: &[String],
    interrupts: &Interrupts,
) -> Option<Vec<Test>> {
    let mut command = Command::new(&binary.path);
    command.args(["-test.list", "."]).current_dir(&binary.cwd);
    let answer = capture(&mut command, interrupts).ok()?;
    let ids = answer.status.success().then(|| parse(&answer.stdout))?;
    Some(ids.into_iter().map(|id| test(index, id)).collect())
}

/// The tests, examples and fuzz targets in a list; whatever else a `TestMain` prints is not one,
/// and benchmarks are not tests.
fn parse(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let is_name = |line: &&str| {
        KINDS.iter().any(|kind| line.starts_with(kind))
            && line.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    text.lines().map(str::trim_end).filter(is_name).map(ToOwned::to_owned).collect()
}

fn test(binary: usize, id: String) -> Test {
    let mut args = vec![format!("-test.run=^{id}$")];
    args.extend(FLAGS.map(ToOwned::to_owned));
    Test::new(id, binary, args, Harness::Go)
}

/// The kinds of functions that Go runs as tests.
const KINDS: [&str; 3] = ["Test", "Example", "Fuzz"];

/// Every event is printed, `os.Exit(0)` does not pass, and only dstest has a timeout.
pub(super) const FLAGS: [&str; 4] =
    ["-test.v", "-test.count=1", "-test.paniconexit0", "-test.timeout=0"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_tests_examples_and_fuzz_targets() {
        let output =
            b"setting up\nTestA\nTestBackup2B\nBenchmarkX\nExampleY\nFuzzZ\nTest of all\nok\n";
        assert_eq!(parse(output), ["TestA", "TestBackup2B", "ExampleY", "FuzzZ"]);
    }

    #[test]
    fn one_test_is_one_anchored_pattern() {
        let test = test(0, "TestA".to_owned());
        assert_eq!(test.args[0], "-test.run=^TestA$");
        assert!(test.args.contains(&"-test.paniconexit0".to_owned()));
    }
}
