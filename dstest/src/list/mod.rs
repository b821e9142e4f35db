//! Lists the tests of built programs, by asking each program.

mod capture;
mod functions;
mod go;
mod libtest;

use std::path::PathBuf;
use std::thread;

use crate::build::{BuildError, Built};
use crate::process::signals::Interrupts;
use crate::suite::{Binary, Harness, Note, Suite, Test};
use crate::text::names;

/// The tests of all programs, each with its shortest name that is unambiguous, beside the tests of
/// other programs too. A program that does not list its tests is one test as a whole.
///
/// # Errors
/// [`BuildError::Interrupted`]: a program that was ended has not said what its tests are.
pub(crate) fn list(
    built: Built,
    others: Suite,
    interrupts: &Interrupts,
) -> Result<Suite, BuildError> {
    let Built { binaries, harness, args, runner, notes, listed, .. } = built;
    if let Some(tests) = listed {
        return Ok(Suite { binaries, tests, runner, notes });
    }
    let ask = match harness {
        Harness::Libtest => libtest::list,
        Harness::Go => go::list,
        Harness::Opaque => |_: usize, _: &Binary, _: &[String], _: &Interrupts| None,
    };
    let runner = &runner;
    let listings: Vec<Option<Vec<Test>>> = thread::scope(|scope| {
        let programs = binaries.iter().enumerate();
        let asked: Vec<_> = programs
            .map(|(index, binary)| scope.spawn(move || ask(index, binary, runner, interrupts)))
            .collect();
        asked.into_iter().map(|thread| thread.join().unwrap_or(None)).collect()
    });
    if interrupts.is_interrupted() {
        return Err(BuildError::Interrupted);
    }
    let mut suite = Suite { binaries, runner: runner.clone(), ..Suite::default() };
    for (index, listing) in listings.into_iter().enumerate() {
        suite.tests.extend(listing.unwrap_or_else(|| {
            suite.notes.extend((harness != Harness::Opaque).then_some(Note::Opaque(index)));
            vec![whole(index, &suite.binaries[index], harness, &args)]
        }));
    }
    suite.notes.extend(notes);
    let (binaries, tests) = (suite.binaries.len(), suite.tests.len());
    suite.binaries.extend(others.binaries);
    let others = others.tests.into_iter();
    suite.tests.extend(others.map(|test| Test { binary: test.binary + binaries, ..test }));
    give_short_names(&mut suite);
    suite.binaries.truncate(binaries);
    suite.tests.truncate(tests);
    Ok(suite)
}

/// A suite of programs that are not built, by their names and tests.
pub(crate) fn unbuilt(programs: impl Iterator<Item = (String, Vec<Test>)>) -> Suite {
    let mut suite = Suite::default();
    for (index, (name, tests)) in programs.enumerate() {
        let (path, cwd, env) = (PathBuf::new(), PathBuf::new(), Vec::new());
        suite.binaries.push(Binary { name, path, cwd, env, contents: None });
        suite.tests.extend(tests.into_iter().map(|test| Test { binary: index, ..test }));
    }
    give_short_names(&mut suite);
    suite
}

/// A program as one test.
fn whole(index: usize, binary: &Binary, harness: Harness, args: &[String]) -> Test {
    let args = match harness {
        Harness::Libtest => Vec::new(),
        Harness::Go => go::FLAGS.map(ToOwned::to_owned).to_vec(),
        Harness::Opaque => args.to_vec(),
    };
    Test::new(binary.name.clone(), index, args, Harness::Opaque)
}

/// Gives every test its key, and the shortest name that no other test has.
fn give_short_names(suite: &mut Suite) {
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
    let least: Vec<usize> = suite.tests.iter().map(|test| test.parts_min).collect();
    let names = names::shortest(&paths, &least);
    let Suite { tests, binaries, .. } = suite;
    for (test, name) in tests.iter_mut().zip(names) {
        test.name = name;
        test.key = test.key_in(&binaries[test.binary]);
    }
}
