//! The adapter for any command: one test, whose program is not built and not copied.

use std::path::{Path, PathBuf};

use crate::suite::{Binary, Harness, Mark, Suite, Test};

/// The suite of `dstest -- COMMAND...`; `None` for an empty command.
#[must_use]
pub fn suite(command: &[String], dir: &Path) -> Option<Suite> {
    let (program, args) = command.split_first()?;
    let name = Path::new(program)
        .file_stem()
        .map_or_else(|| program.clone(), |stem| stem.to_string_lossy().into_owned());
    let binary = Binary {
        name: name.clone(),
        path: absolute(Path::new(program), dir),
        cwd: dir.to_owned(),
        env: Vec::new(),
        contents: None,
    };
    let test = Test {
        name: name.clone(),
        id: name,
        binary: 0,
        args: args.to_vec(),
        harness: Harness::Opaque,
        mark: Mark::Normal,
    };
    Some(Suite { binaries: vec![binary], tests: vec![test], notes: Vec::new() })
}

/// A path is taken from `dir`; a bare name stays one, to be looked up in `PATH`.
fn absolute(program: &Path, dir: &Path) -> PathBuf {
    if program.components().count() > 1 || program.starts_with(".") {
        dir.join(program)
    } else {
        program.to_owned()
    }
}
