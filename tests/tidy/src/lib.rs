//! Checks of the repository itself, run by `cargo test -p tidy`.
//!
//! | test | fails on |
//! |---|---|
//! | `words` | a retired word, or a doc comment that begins with a question word |
//! | `cycles` | files of one crate that need each other in a circle |
//! | `packages` | a package with a licence or source that `deny.toml` does not allow |
//! | `tour` | a command of the README that fails or prints something else (only with `README_TOUR` set) |
//!
//! Each failure names file and line, and says what to write instead. The checks read sources as
//! text or syntax; the tour alone runs the project, in a copy.
#![forbid(unsafe_code)]

pub mod cycles;
pub mod modules;
pub mod packages;
pub mod sources;
pub mod tour;
pub mod words;
