//! Lists the tests of built programs, by asking each program.

mod capture;
mod go;
mod libtest;

use std::thread;

use crate::build::Built;
use crate::suite::{Binary, Harness, Note, Suite, Test};
use crate::text::names;

/// The tests of all programs, each with its shortest unambiguous name. A program that does not
/// list its tests is one test as a whole.
#[must_use]
pub fn list(built: Built) -> Suite {
    let Built { binaries, harness, args, notes } = built;
    let ask = match harness {
        Harness::Libtest => libtest::list,
        Harness::Go => go::list,
        Harness::Opaque => |_: usize, _: &Binary| None,
    };
    let listings: Vec<Option<Vec<Test>>> = thread::scope(|scope| {
        let programs = binaries.iter().enumerate();
        let asked: Vec<_> =
            programs.map(|(index, binary)| scope.spawn(move || ask(index, binary))).collect();
        asked.into_iter().map(|thread| thread.join().unwrap_or(None)).collect()
    });
    let mut suite = Suite { binaries, ..Suite::default() };
    for (index, listing) in listings.into_iter().enumerate() {
        suite.tests.extend(listing.unwrap_or_else(|| {
            suite.notes.extend((harness != Harness::Opaque).then_some(Note::Opaque(index)));
            vec![whole(index, &suite.binaries[index], harness, &args)]
        }));
    }
    suite.notes.extend(notes);
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

/// Gives every test the shortest name that no other test has.
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
    let names = names::shortest(&paths);
    suite.tests.iter_mut().zip(names).for_each(|(test, name)| test.name = name);
}
