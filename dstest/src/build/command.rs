//! The adapter for any command: one test, whose program is not built and not copied.

use std::path::{Path, PathBuf};

use super::{Built, Cost};
use crate::suite::{Binary, Harness};

/// The program of `dstest -- COMMAND...`.
pub(super) fn built(command: &[String], dir: &Path) -> Built {
    let (program, args) = command.split_first().map_or(("", &[][..]), |(p, args)| (p, args));
    let name = Path::new(program)
        .file_stem()
        .map_or_else(|| program.to_owned(), |stem| stem.to_string_lossy().into_owned());
    let path = absolute(Path::new(program), dir);
    let binary = Binary { name, path, cwd: dir.to_owned(), env: Vec::new(), contents: None };
    let (harness, args) = (Harness::Opaque, args.to_vec());
    Built {
        binaries: vec![binary],
        targets: Vec::new(),
        harness,
        args,
        runner: Vec::new(),
        notes: Vec::new(),
        cost: Cost::default(),
        listed: None,
    }
}

/// A path is taken from `dir`; a bare name stays one, to be looked up in `PATH`.
fn absolute(program: &Path, dir: &Path) -> PathBuf {
    if program.components().count() > 1 || program.starts_with(".") {
        dir.join(program)
    } else {
        program.to_owned()
    }
}
