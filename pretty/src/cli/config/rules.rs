//! Rules about the sentences of a log, each checked as it is read.

use std::collections::BTreeMap;

use serde::Deserialize;

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
