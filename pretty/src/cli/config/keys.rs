//! The table of keys, checked as it is read.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::view::{Action, Key, KeyError};

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
