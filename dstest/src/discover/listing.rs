//! Lists the tests of a Rust test program by asking it (`--list --format terse`).

use std::collections::HashSet;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::capture::capture;
use crate::names;
use crate::suite::{Binary, Harness, Mark, Note, Suite, Test};

/// What a program answered.
enum Listing {
    /// Its tests, and which of them are ignored.
    Tests { names: Vec<String>, ignored: HashSet<String> },
    /// It does not list tests as libtest does: it is one test as a whole.
    Opaque,
}

/// Lists all programs at once and gives every test its shortest clear name.
pub(super) fn suite(binaries: Vec<Binary>) -> Suite {
    let listings: Vec<Listing> = thread::scope(|scope| {
        let asked: Vec<_> = binaries.iter().map(|binary| scope.spawn(|| list(binary))).collect();
        asked.into_iter().map(|thread| thread.join().unwrap_or(Listing::Opaque)).collect()
    });
    let mut suite = Suite { binaries, ..Suite::default() };
    for (index, listing) in listings.into_iter().enumerate() {
        match listing {
            Listing::Tests { names, ignored } => {
                suite.tests.extend(names.into_iter().map(|id| libtest(index, id, &ignored)));
            }
            Listing::Opaque => {
                suite.notes.push(Note::Opaque(index));
                suite.tests.push(opaque(index, &suite.binaries[index].name));
            }
        }
    }
    give_short_names(&mut suite);
    suite
}

fn list(binary: &Binary) -> Listing {
    let ask = |more: &[&str]| {
        let mut command = Command::new(&binary.path);
        command.args(["--list", "--format", "terse"]).args(more).current_dir(&binary.cwd);
        command.envs(binary.env.iter().map(|(name, value)| (name, value)));
        let answer = capture(&mut command, LIST_TIMEOUT).ok()?;
        if answer.status.success() { parse(&answer.stdout) } else { None }
    };
    match (ask(&[]), ask(&["--ignored"])) {
        (Some(names), Some(ignored)) => {
            Listing::Tests { names, ignored: ignored.into_iter().collect() }
        }
        (None, _) | (_, None) => Listing::Opaque,
    }
}

/// The names in `name: test` lines; `None` if any line is something else.
fn parse(output: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(output).ok()?;
    let mut names = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (name, kind) = line.rsplit_once(": ")?;
        match kind {
            "test" => names.push(name.to_owned()),
            "benchmark" => {}
            _ => return None,
        }
    }
    Some(names)
}

fn libtest(binary: usize, id: String, ignored: &HashSet<String>) -> Test {
    let mark = if ignored.contains(&id) { Mark::Ignored } else { Mark::Normal };
    let mut args = vec!["--exact".to_owned(), id.clone(), "--nocapture".to_owned()];
    if mark == Mark::Ignored {
        args.push("--include-ignored".to_owned());
    }
    Test { name: String::new(), id, binary, args, harness: Harness::Libtest, mark }
}

fn opaque(binary: usize, id: &str) -> Test {
    let (id, args) = (id.to_owned(), Vec::new());
    Test { name: String::new(), id, binary, args, harness: Harness::Opaque, mark: Mark::Normal }
}

/// Gives every test the shortest name that is clear among all.
pub(super) fn give_short_names(suite: &mut Suite) {
    let paths: Vec<Vec<&str>> = suite
        .tests
        .iter()
        .map(|test| {
            let binary = suite.binaries[test.binary].name.split("::");
            match test.harness {
                Harness::Libtest | Harness::Go => binary.chain(test.id.split("::")).collect(),
                Harness::Opaque => binary.collect(),
            }
        })
        .collect();
    let names = names::shortest(&paths);
    suite.tests.iter_mut().zip(names).for_each(|(test, name)| test.name = name);
}

/// A program that takes longer to list its tests is not listing them.
pub(super) const LIST_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_libtest_lists_are_lists() {
        let rows: [(&[u8], Option<&[&str]>); 5] = [
            (b"a::b: test\nc: test\nd: benchmark\n", Some(&["a::b", "c"])),
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
