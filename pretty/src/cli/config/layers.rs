//! Formats and dialects of the user's own: in `pretty.toml`, or in files in the words of the built-in ones.

use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::file;
use crate::parse::CustomFormat;
use crate::view::DialectFile;

/// A layer of the user's own, and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct OwnLayer<T> {
    pub(crate) name: Box<str>,
    pub(crate) layer: T,
    pub(crate) origin: PathBuf,
}

/// All of them, in the order they are tried.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnLayers {
    pub(crate) formats: Vec<OwnLayer<CustomFormat>>,
    pub(crate) dialects: Vec<OwnLayer<DialectFile>>,
}

impl OwnLayers {
    /// Adds the file that an option names; its name is the option's value.
    ///
    /// # Errors
    /// As for those of settings.
    pub(crate) fn add_file(
        &mut self,
        path: &Path,
        option: &str,
        kind: Kind,
    ) -> Result<(), ConfigError> {
        let (name, origin) = (option.into(), path.to_owned());
        match kind {
            Kind::Format => {
                let layer = format_of(stem(path), path)?;
                self.formats.insert(0, OwnLayer { name, layer, origin });
            }
            Kind::Dialect => {
                let layer = dialect_of(path)?;
                self.dialects.insert(0, OwnLayer { name, layer, origin });
            }
        }
        Ok(())
    }

    /// These layers, and those of others with other names.
    pub(super) fn over(mut self, other: Self) -> Self {
        merge(&mut self.formats, other.formats);
        merge(&mut self.dialects, other.dialects);
        self
    }
}

/// Adds the layers with other names.
fn merge<T>(layers: &mut Vec<OwnLayer<T>>, others: Vec<OwnLayer<T>>) {
    for other in others {
        if layers.iter().all(|own| own.name != other.name) {
            layers.push(other);
        }
    }
}

/// The kind of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Format,
    Dialect,
}

/// A file of the user, whichever kind of layer it is.
pub(crate) enum LayerFile {
    Format(CustomFormat),
    Dialect(Box<DialectFile>),
}

impl LayerFile {
    /// Reads a file; that of a dialect has one of its tables.
    ///
    /// # Errors
    /// If it cannot be read or is not in the words of its kind.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = file::read(path)?;
        let table: toml::Table = toml::from_str(&text).map_err(|error| malformed(path, &error))?;
        let of_dialect = ["state", "message", "timer", "response", "foreign", "roles", "subject"];
        let is_text =
            |key: &str| table.get(key).is_some_and(|value| key != "subject" || value.is_str());
        match of_dialect.into_iter().any(is_text) {
            true => dialect_in(&text, path).map(Box::new).map(Self::Dialect),
            false => format_in(&text, stem(path), path).map(Self::Format),
        }
    }
}

/// Tells whether the value of an option is the name of a file, not of a layer.
pub(crate) fn is_file(option: &str) -> bool {
    Path::new(option).extension().is_some_and(|extension| extension == "toml")
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|name| name.to_str()).unwrap_or("format")
}

pub(super) fn format_of(name: &str, path: &Path) -> Result<CustomFormat, ConfigError> {
    format_in(&file::read(path)?, name, path)
}

pub(super) fn dialect_of(path: &Path) -> Result<DialectFile, ConfigError> {
    dialect_in(&file::read(path)?, path)
}

fn format_in(text: &str, name: &str, path: &Path) -> Result<CustomFormat, ConfigError> {
    CustomFormat::read(name, text).map_err(|error| malformed(path, &error))
}

fn dialect_in(text: &str, path: &Path) -> Result<DialectFile, ConfigError> {
    let file = DialectFile::read(text).map_err(|error| malformed(path, &error))?;
    file.check().map_err(|error| malformed(path, &error))?;
    Ok(file)
}

fn malformed(path: &Path, error: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Malformed { path: path.to_owned(), message: error.to_string() }
}
