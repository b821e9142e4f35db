//! `pretty.toml`: defaults of the options, and settings without an option: colours and formats of
//! the user's own, rules for the meaning of lines, keys.
//!
//! `example.toml` is the documentation: `pretty --print-config` prints it, and a test reads every
//! setting in it. All values are checked while a file is read, so that a mistake is shown
//! with its line.

mod error;
mod file;
mod find;
mod keys;
mod layers;
mod rules;
mod settings;
mod values;

pub(super) use find::{Choice, Environment, find};
pub(super) use layers::{LayerFile, OwnLayer};
pub(super) use settings::{Config, EXAMPLE};
pub(super) use values::{Names, Pager};
