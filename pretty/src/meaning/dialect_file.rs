//! A dialect as its file has it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::meaning::rules::{MessageAt, MessageRule, RuleError, StateRule};
use crate::meaning::state::{Role, StateKey};
use crate::meaning::words::WordsFile;

/// A file of a dialect, in the words of `pretty/dialects`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DialectFile {
    pub(crate) about: String,
    /// The beginning that any sentence may have, for the word `{subject}`.
    subject: String,
    pub(super) state: Vec<StateText>,
    pub(super) message: Vec<MessageText>,
    pub(super) timer: Vec<String>,
    pub(super) response: Vec<String>,
    /// Sentences whose facts are those of a message, not of their peer.
    pub(super) foreign: Vec<String>,
    /// Keys of the state and roles in words of its own.
    keys: BTreeMap<StateKey, Vec<String>>,
    roles: BTreeMap<Role, Vec<String>>,
    pub(crate) sample: Vec<DialectSample>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateText {
    pub(super) r#match: String,
    /// Sentences of these that mean the opposite.
    #[serde(default)]
    pub(super) unless: Option<String>,
    /// The names of `event=`, if it is for such lines only.
    #[serde(default)]
    pub(super) events: Vec<String>,
    #[serde(default)]
    pub(super) restart: bool,
    #[serde(default)]
    pub(super) set: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) increment: Vec<String>,
}

/// Expressions for the lines about messages of one kind. Invariant: it has one at least.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "MessageAsWritten")]
pub(crate) struct MessageText {
    /// The kind, if no group names it.
    pub(crate) kind: String,
    /// Each with its key.
    pub(crate) expressions: Vec<(MessageAt, &'static str, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageAsWritten {
    #[serde(default)]
    kind: String,
    sent: Option<String>,
    received: Option<String>,
    lost: Option<String>,
    answered: Option<String>,
}

impl TryFrom<MessageAsWritten> for MessageText {
    type Error = &'static str;

    fn try_from(written: MessageAsWritten) -> Result<Self, &'static str> {
        let MessageAsWritten { kind, sent, received, lost, answered } = written;
        let all = [
            (MessageAt::Sent, "sent", sent),
            (MessageAt::Received, "received", received),
            (MessageAt::Lost, "lost", lost),
            (MessageAt::Answered, "answered", answered),
        ];
        let given = all.into_iter().filter_map(|(at, key, text)| Some((at, key, text?)));
        let expressions: Vec<_> = given.collect();
        match expressions.is_empty() {
            true => Err("empty rule; set one of sent, received, lost, answered"),
            false => Ok(Self { kind, expressions }),
        }
    }
}

/// A log, the state of each peer at its end, and its messages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DialectSample {
    pub(crate) log: String,
    #[serde(default)]
    pub(crate) state: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) messages: Vec<String>,
}

/// Errors of a dialect.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialectError {
    /// It is not a table of the words of dialects.
    #[error("{0}")]
    Malformed(String),
    /// A rule is wrong.
    #[error("`{0}`: {1}")]
    Rule(String, RuleError),
    /// A rule may match in the middle of a text.
    #[error("`{0}`: begin it with `^`; sentences are found by their beginnings")]
    NoStart(String),
    /// The expressions are too large together.
    #[error("the rules are too large together: {0}; use fewer of them, or shorter ones")]
    Sentences(String),
}

impl DialectFile {
    /// Reads a dialect.
    ///
    /// # Errors
    /// If it is not in the words of dialects.
    pub fn read(text: &str) -> Result<Self, DialectError> {
        toml::from_str(text).map_err(|error| DialectError::Malformed(error.to_string()))
    }

    /// Checks all rules.
    ///
    /// # Errors
    /// The first rule that is wrong.
    pub fn check(&self) -> Result<(), DialectError> {
        for own in &self.state {
            let set = own.set.iter().map(|(key, value)| (&**key, &**value));
            let rule = StateRule::new(&self.full(&own.r#match), set, own.restart)
                .and_then(|rule| rule.with_increments(own.increment.iter().map(String::as_str)));
            self.checked(&own.r#match, rule)?;
        }
        let unless = self.state.iter().filter_map(|own| own.unless.as_ref());
        for text in self.foreign.iter().chain(&self.timer).chain(&self.response).chain(unless) {
            self.checked(text, StateRule::of_message(&self.full(text)))?;
        }
        for own in &self.message {
            for (at, _, text) in &own.expressions {
                self.checked(text, MessageRule::new(*at, &self.full(text)))?;
            }
        }
        Ok(())
    }

    fn checked<T>(&self, text: &str, rule: Result<T, RuleError>) -> Result<(), DialectError> {
        rule.map_err(|error| DialectError::Rule(text.to_owned(), error))?;
        let whole = self.full(text);
        let start = whole.trim_start_matches("(?-u)").trim_start_matches("(?i)");
        match start.starts_with('^') {
            true => Ok(()),
            false => Err(DialectError::NoStart(text.to_owned())),
        }
    }

    /// An expression with its words spelled out; only bytes count, not characters.
    pub(super) fn full(&self, text: &str) -> String {
        format!("(?-u){}", text.replace("{subject}", &self.subject))
    }

    /// The expressions that its rules have in `unless`.
    pub(super) fn exceptions(&self) -> impl Iterator<Item = String> {
        self.state.iter().filter_map(|own| Some(self.full(own.unless.as_ref()?)))
    }

    /// The expression of what begins its sentences, if all of them may begin so.
    pub(super) fn beginning(&self) -> Option<String> {
        let begins = self.state.iter().any(|own| own.r#match.starts_with("^{subject}"));
        (begins && !self.subject.is_empty()).then(|| format!("(?-u)^{}", self.subject))
    }

    pub(super) fn words(&self) -> WordsFile {
        WordsFile { keys: self.keys.clone(), roles: self.roles.clone() }
    }
}
