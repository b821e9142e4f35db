//! The values of `pretty.toml`, each checked as it is read.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::cli::values::{ColumnChoice, columns as parse_columns};
use crate::level::Level;
use crate::meaning::dialects;
use crate::parse::{CustomFormat, Format, PatternText, PeerFrom};
use crate::style::color::{ColorError, Rgb};
use crate::time::Tick;
use crate::view::DialectFile;

/// One of the values an option has.
pub(super) fn value_enum<'de, D: Deserializer<'de>, T: ValueEnum>(
    input: D,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(input)?;
    T::from_str(&text, true).map(Some).map_err(|_| {
        let names = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<_> = names.map(|value| value.get_name().to_owned()).collect();
        Error::custom(format!("unknown value `{text}`; values: {}", names.join(", ")))
    })
}

pub(super) fn columns<'de, D: Deserializer<'de>>(
    input: D,
) -> Result<Option<ColumnChoice>, D::Error> {
    let value = toml::Value::deserialize(input)?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    parse_columns(&text).map(Some).map_err(Error::custom)
}

pub(super) fn tick<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Tick>, D::Error> {
    let text = String::deserialize(input)?;
    Tick::parse(&text).map(Some).map_err(Error::custom)
}

pub(super) fn peer_from<'de, D: Deserializer<'de>>(input: D) -> Result<Option<PeerFrom>, D::Error> {
    let text = String::deserialize(input)?;
    PeerFrom::parse(&text).map(Some).map_err(Error::custom)
}

/// A level.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct LevelName(pub(crate) Level);

impl TryFrom<String> for LevelName {
    type Error = crate::level::LevelError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

/// Expressions for names of peers, and what takes their place.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub(super) struct Renames(pub(super) Vec<(regex::bytes::Regex, String)>);

impl TryFrom<BTreeMap<String, String>> for Renames {
    type Error = regex::Error;

    fn try_from(table: BTreeMap<String, String>) -> Result<Self, regex::Error> {
        let compile = |(from, to): (String, String)| Ok((regex::bytes::Regex::new(&from)?, to));
        table.into_iter().map(compile).collect::<Result<_, _>>().map(Self)
    }
}

/// Names, as one text or as a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "NamesAsWritten")]
pub(crate) struct Names(pub(crate) Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected names, as a text or a list")]
enum NamesAsWritten {
    One(String),
    Many(Vec<String>),
}

impl From<NamesAsWritten> for Names {
    fn from(names: NamesAsWritten) -> Self {
        match names {
            NamesAsWritten::One(name) => Self(vec![name]),
            NamesAsWritten::Many(names) => Self(names),
        }
    }
}

/// The pager of the output.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "PagerAsWritten")]
pub(crate) enum Pager {
    Never,
    /// The usual one.
    Usual,
    Command(String),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected true, false or a command")]
enum PagerAsWritten {
    Use(bool),
    Command(String),
}

impl From<PagerAsWritten> for Pager {
    fn from(pager: PagerAsWritten) -> Self {
        match pager {
            PagerAsWritten::Use(true) => Self::Usual,
            PagerAsWritten::Use(false) => Self::Never,
            PagerAsWritten::Command(command) => Self::Command(command),
        }
    }
}

/// The colour of a topic: one for both backgrounds, or one for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Color {
    pub(super) dark: Rgb,
    pub(super) light: Rgb,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BothColors {
    dark: OneColor,
    light: OneColor,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct OneColor(Rgb);

impl TryFrom<String> for OneColor {
    type Error = ColorError;

    fn try_from(text: String) -> Result<Self, ColorError> {
        Rgb::parse(&text).map(Self)
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct ColorVisitor;
        impl<'de> Visitor<'de> for ColorVisitor {
            type Value = Color;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a colour, or one each for dark and light")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Color, E> {
                let color = Rgb::parse(text).map_err(E::custom)?;
                Ok(Color { dark: color, light: color })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Color, A::Error> {
                let both = serde::de::value::MapAccessDeserializer::new(map);
                let BothColors { dark, light } = BothColors::deserialize(both)?;
                Ok(Color { dark: dark.0, light: light.0 })
            }
        }
        input.deserialize_any(ColorVisitor)
    }
}

/// A name for a format, other than those of the built-in ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct FormatName(String);

impl AsRef<str> for FormatName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FormatName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match Format::names().any(|own| own == name) {
            true => Err(format!("reserved name `{name}`; choose another")),
            false => Ok(Self(name)),
        }
    }
}

/// A format: an expression with named groups, alone or in the words of `[[record]]`, or a file of them.
#[derive(Clone, Debug)]
pub(super) enum FormatValue {
    Here(CustomFormat),
    File(PathBuf),
}

impl<'de> Deserialize<'de> for FormatValue {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct FormatVisitor;
        impl<'de> Visitor<'de> for FormatVisitor {
            type Value = FormatValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an expression, or a table with `match` or `file`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<FormatValue, E> {
                CustomFormat::new(text).map(FormatValue::Here).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FormatValue, A::Error> {
                let table = serde::de::value::MapAccessDeserializer::new(map);
                let table = toml::Table::deserialize(table)?;
                if let Some(file) = file_of(&table) {
                    return file.map(FormatValue::File).map_err(A::Error::custom);
                }
                let text = PatternText::deserialize(table).map_err(A::Error::custom)?;
                CustomFormat::try_from(text).map(FormatValue::Here).map_err(A::Error::custom)
            }
        }
        input.deserialize_any(FormatVisitor)
    }
}

/// A dialect in the words of `pretty/dialects`, or a file of one.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "toml::Table")]
pub(super) enum DialectValue {
    Here(Box<DialectFile>),
    File(PathBuf),
}

impl TryFrom<toml::Table> for DialectValue {
    type Error = String;

    fn try_from(table: toml::Table) -> Result<Self, String> {
        if let Some(file) = file_of(&table) {
            return file.map(Self::File);
        }
        let file = DialectFile::deserialize(table).map_err(|error| error.to_string())?;
        file.check().map_err(|error| error.to_string())?;
        Ok(Self::Here(Box::new(file)))
    }
}

/// The file that a table names, if it is about one.
fn file_of(table: &toml::Table) -> Option<Result<PathBuf, String>> {
    let file = table.get("file")?;
    Some(match (file.as_str(), table.len()) {
        (Some(file), 1) => Ok(PathBuf::from(file)),
        (Some(_), _) => Err("`file` stands alone; the file has the rest".to_owned()),
        (None, _) => Err("`file` is a path".to_owned()),
    })
}

/// A name for a dialect, other than those of the built-in ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct DialectName(String);

impl AsRef<str> for DialectName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DialectName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match ["auto", "none"].contains(&&*name) || dialects::names().any(|own| own == name) {
            true => Err(format!("reserved name `{name}`; choose another")),
            false => Ok(Self(name)),
        }
    }
}
