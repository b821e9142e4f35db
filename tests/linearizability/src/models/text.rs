//! A string that is appended to.

use std::sync::Arc;

use super::register::{Register, RegisterCall};
use crate::model::{Effect, Model};

/// A string with Get, Put, Append and compare-and-swap; empty before all calls.
#[derive(Clone, Copy, Debug)]
pub struct Text;

/// A call on a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextCall {
    /// Get, Put or compare-and-swap.
    Register(RegisterCall<Arc<str>>),
    /// Added to the string.
    Append {
        /// The text added.
        text: Arc<str>,
        /// The string before, if the call returned it.
        before: Option<Arc<str>>,
    },
}

impl Model for Text {
    type State = Arc<str>;
    type Call = TextCall;

    fn start(&self) -> Arc<str> {
        "".into()
    }

    fn after(&self, state: &Arc<str>, call: &TextCall) -> Option<Arc<str>> {
        match call {
            TextCall::Register(call) => self.register().after(state, call),
            TextCall::Append { text, before } => {
                let fits = before.as_ref().is_none_or(|before| before == state);
                fits.then(|| appended(state, text))
            }
        }
    }

    fn effect(&self, call: &TextCall) -> Effect<Arc<str>> {
        match call {
            TextCall::Register(call) => self.register().effect(call),
            TextCall::Append { text, before: Some(before) } => {
                Effect::Swap(Arc::clone(before), appended(before, text))
            }
            TextCall::Append { before: None, .. } => Effect::Update,
        }
    }

    fn reaches(&self, from: &Arc<str>, to: &Arc<str>) -> bool {
        to.starts_with(&**from)
    }

    fn describe_call(&self, call: &TextCall) -> String {
        match call {
            TextCall::Register(call) => call.describe("get", "put"),
            TextCall::Append { text, before } => {
                format!("append {text:?}{}", super::answer(before.as_ref()))
            }
        }
    }
}

impl Text {
    fn register(self) -> Register<Arc<str>> {
        Register { start: self.start() }
    }
}

fn appended(state: &str, text: &str) -> Arc<str> {
    [state, text].concat().into()
}
