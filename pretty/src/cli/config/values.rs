//! The values of `pretty.toml`, each checked as it is read.

use std::collections::BTreeMap;
use std::fmt;

use clap::ValueEnum;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::cli::args::{ColumnChoice, columns as parse_columns};
use crate::level::Level;
use crate::parse::{CustomFormat, Format, PatternText, PeerFrom};
use crate::style::color::{ColorError, Rgb};
use crate::time::Tick;
use crate::view::{Action, Key, KeyError, MessageAt, MessageRule, RuleError, StateRule};

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

/// An expression with the named groups of a format, alone or in the words of `[[record]]`.
#[derive(Clone, Debug)]
pub(super) struct Expression(pub(super) CustomFormat);

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct FormatVisitor;
        impl<'de> Visitor<'de> for FormatVisitor {
            type Value = Expression;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an expression, or a table with `match`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Expression, E> {
                CustomFormat::new(text).map(Expression).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Expression, A::Error> {
                let table = serde::de::value::MapAccessDeserializer::new(map);
                let text = PatternText::deserialize(table)?;
                CustomFormat::try_from(text).map(Expression).map_err(A::Error::custom)
            }
        }
        input.deserialize_any(FormatVisitor)
    }
}

/// `[[state]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "StateAsWritten")]
pub(super) struct State(pub(super) StateRule);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateAsWritten {
    r#match: String,
    #[serde(default)]
    restart: bool,
    #[serde(default)]
    set: BTreeMap<String, String>,
    #[serde(default)]
    increment: Vec<String>,
}

impl TryFrom<StateAsWritten> for State {
    type Error = RuleError;

    fn try_from(rule: StateAsWritten) -> Result<Self, RuleError> {
        let set = rule.set.iter().map(|(key, value)| (&**key, &**value));
        let increments = rule.increment.iter().map(String::as_str);
        let state = StateRule::new(&rule.r#match, set, rule.restart)?;
        state.with_increments(increments).map(Self)
    }
}

/// `[[message]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "MessagesAsWritten")]
pub(super) struct Messages(pub(super) Vec<MessageRule>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessagesAsWritten {
    kind: Option<String>,
    sent: Option<String>,
    received: Option<String>,
    lost: Option<String>,
    answered: Option<String>,
}

impl TryFrom<MessagesAsWritten> for Messages {
    type Error = String;

    fn try_from(written: MessagesAsWritten) -> Result<Self, String> {
        let ends = [
            ("sent", MessageAt::Sent, written.sent),
            ("received", MessageAt::Received, written.received),
            ("lost", MessageAt::Lost, written.lost),
            ("answered", MessageAt::Answered, written.answered),
        ];
        // The rules live as long as the program.
        let kind: &'static str = written.kind.unwrap_or_default().leak();
        let mut rules = Vec::new();
        for (name, at, expression) in ends {
            if let Some(expression) = expression {
                let rule = MessageRule::new(at, &expression);
                let rule = rule.map_err(|error| format!("`{name}`: {error}"))?;
                rules.push(rule.with_kind(kind));
            }
        }
        match rules.is_empty() {
            true => Err("empty rule; set one of sent, received, lost, answered".to_owned()),
            false => Ok(Self(rules)),
        }
    }
}

/// `[keys]`: what each key does. Invariant: no key twice, however it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "BTreeMap<KeyName, Binding>")]
pub(super) struct KeyTable(pub(super) Vec<(Key, Option<Action>)>);

impl TryFrom<BTreeMap<KeyName, Binding>> for KeyTable {
    type Error = String;

    fn try_from(written: BTreeMap<KeyName, Binding>) -> Result<Self, String> {
        let mut table: Vec<(Key, Option<Action>)> = Vec::new();
        for (KeyName(name), Binding(action)) in written {
            let key = Key::parse(&name).map_err(|error| error.to_string())?;
            if table.iter().any(|(own, _)| *own == key) {
                return Err(format!("duplicate key `{name}`"));
            }
            table.push((key, action));
        }
        Ok(Self(table))
    }
}

/// The name of a key, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
struct KeyName(String);

impl TryFrom<String> for KeyName {
    type Error = KeyError;

    fn try_from(name: String) -> Result<Self, KeyError> {
        Key::parse(&name).map(|_| Self(name))
    }
}

/// The action of a key; `none` unbinds it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Binding(Option<Action>);

impl TryFrom<String> for Binding {
    type Error = KeyError;

    fn try_from(name: String) -> Result<Self, KeyError> {
        if name == "none" { Ok(Self(None)) } else { Action::named(&name).map(Some).map(Self) }
    }
}
