//! `pretty.toml`: defaults of the options, and what no option can say: colours and formats of the
//! user's own, what lines mean, keys.
//!
//! `example.toml` is the documentation: `pretty --print-config` prints it, and a test reads every
//! setting in it. Whatever a file says is checked while it is read, so that a mistake is shown
//! with its line.

mod find;
mod settings;
mod values;

pub(super) use find::{Choice, Environment, find};
pub(super) use settings::{Config, EXAMPLE};
pub(super) use values::{Names, Pager};
