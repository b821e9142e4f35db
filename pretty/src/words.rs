//! The words of programs: data of `pretty/words`, compiled in.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A file with a table `words`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words<T> {
    pub(crate) words: T,
}

impl<T: DeserializeOwned> Words<T> {
    /// Reads a file of words.
    pub(crate) fn read(name: &str, text: &str) -> Self {
        read(name, text)
    }
}

/// A file without its samples, which are at its end, and most of it.
pub(crate) fn without_samples(file: &'static str) -> &'static str {
    file.find("[[sample]]").map_or(file, |start| &file[..start])
}

/// Reads a file of words.
///
/// # Panics
/// If it is wrong: the files are part of the program, and a test reads them.
#[expect(clippy::panic, reason = "the files are part of the program, and tests read them")]
pub(crate) fn read<T: DeserializeOwned>(name: &str, text: &str) -> T {
    toml::from_str(text).unwrap_or_else(|error| panic!("words/{name}.toml: {error}"))
}
