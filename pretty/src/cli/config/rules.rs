//! Rules about the sentences of a log, each checked as it is read.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::meaning::dialect_file::MessageText;
use crate::view::{MessageAt, MessageRule, RuleError, StateRule};

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
#[serde(try_from = "MessageText")]
pub(super) struct Messages(pub(super) Vec<MessageRule>);

impl TryFrom<MessageText> for Messages {
    type Error = String;

    fn try_from(text: MessageText) -> Result<Self, String> {
        // The rules live as long as the program.
        let kind: &'static str = text.kind.leak();
        let rule = |(at, key, expression): &(MessageAt, &str, String)| {
            let rule = MessageRule::new(*at, expression);
            let rule = rule.map_err(|error| format!("`{key}`: {error}"))?;
            Ok(rule.with_kind(kind))
        };
        text.expressions.iter().map(rule).collect::<Result<_, _>>().map(Self)
    }
}
