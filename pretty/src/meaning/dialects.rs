//! The sentences of programs: `pretty/dialects/*.toml`, each with a log of its own and the state and
//! messages that are read from it.
//!
//! One look of an automaton rules out nearly every line; all rules begin where the text begins.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::bytes::Regex;
use serde::Deserialize;

use crate::event_name::event_name;
use crate::line::Event;
use crate::meaning::message::Message;
use crate::meaning::rules::{DialectChoice, MessageAt, MessageRule, StateRule};
use crate::meaning::sentences::Sentences;

/// All dialects, compiled at first use.
pub(crate) static DIALECTS: LazyLock<Dialects> = LazyLock::new(Dialects::compile);

/// The rules of all dialects.
#[derive(Debug)]
pub(crate) struct Dialects {
    rules: Vec<Entry>,
    /// The events that rules are about.
    events: Vec<Box<[u8]>>,
    /// The expressions of `rules`, by their places.
    sentences: Sentences,
    #[cfg(test)]
    pub(super) files: Vec<(&'static str, DialectFile)>,
}

/// A rule and its dialect.
#[derive(Debug)]
struct Entry {
    dialect: &'static str,
    rule: Rule,
    /// The `event=` of the lines it is for; none if it is for lines without one.
    events: Vec<Box<[u8]>>,
}

#[derive(Debug)]
enum Rule {
    State(StateRule),
    Message(MessageRule),
    /// An election timer has run out.
    Timer,
    /// An answer has come whose sending is not logged.
    Response(Regex),
}

/// A file of a dialect.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DialectFile {
    #[cfg_attr(
        not(feature = "cli"),
        expect(dead_code, reason = "only the program lists dialects")
    )]
    about: String,
    /// The beginning that any sentence may have, for the word `{subject}`.
    #[serde(default)]
    subject: String,
    #[serde(default)]
    state: Vec<StateText>,
    #[serde(default)]
    message: Vec<BTreeMap<String, String>>,
    #[serde(default)]
    timer: Vec<String>,
    #[serde(default)]
    response: Vec<String>,
    /// Sentences whose facts are those of a message, not of their peer.
    #[serde(default)]
    foreign: Vec<String>,
    #[serde(default)]
    #[cfg_attr(
        not(any(test, feature = "cli")),
        expect(dead_code, reason = "samples are for tests and lists")
    )]
    pub(super) sample: Vec<DialectSample>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateText {
    r#match: String,
    /// The names of `event=`, if it is for such lines only.
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    restart: bool,
    #[serde(default)]
    set: BTreeMap<String, String>,
    #[serde(default)]
    increment: Vec<String>,
}

/// A log, the state of each peer at its end, and its messages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DialectSample {
    #[cfg_attr(
        not(any(test, feature = "cli")),
        expect(dead_code, reason = "samples are for tests and lists")
    )]
    pub(super) log: String,
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "results are for tests"))]
    pub(super) state: BTreeMap<String, String>,
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "results are for tests"))]
    pub(super) messages: Vec<String>,
}

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        /// The files, in the order their rules are tried.
        const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../dialects/", $name, ".toml")))),+];
    };
}

files!(
    "verbose",
    "golabs",
    "tikv",
    "etcd",
    "hashicorp",
    "openraft",
    "kraft",
    "nats",
    "zookeeper",
    "dragonboat",
    "students",
);

/// The names of the dialects, each with a description and a line.
#[cfg(feature = "cli")]
pub(crate) fn documented() -> impl Iterator<Item = (&'static str, String, String)> {
    FILES.iter().map(|(name, text)| {
        let file = read_file(name, text);
        let log = file.sample.first().map_or("", |sample| &sample.log);
        (*name, file.about.clone(), log.lines().next().unwrap_or_default().to_owned())
    })
}

impl Dialects {
    fn compile() -> Self {
        let mut rules = Vec::new();
        let mut expressions = Vec::new();
        #[cfg(test)]
        let mut files = Vec::new();
        for (name, text) in FILES {
            let file = read_file(name, text);
            let mut add_for = |events: &[String], expression: String, rule: Rule| {
                expressions.push(expression);
                let events = events.iter().map(|name| name.as_bytes().into()).collect();
                rules.push(Entry { dialect: name, rule, events });
            };
            let full = |text: &str| format!("(?-u){}", text.replace("{subject}", &file.subject));
            for own in &file.state {
                let expression = full(&own.r#match);
                let set = own.set.iter().map(|(key, value)| (&**key, &**value));
                let rule = StateRule::built_in(&expression, set, own.restart).and_then(|rule| {
                    rule.with_increments(own.increment.iter().map(String::as_str))
                });
                add_for(
                    &own.events,
                    expression,
                    Rule::State(rule.unwrap_or_else(|error| wrong(name, &error))),
                );
            }
            let mut add = |expression, rule| add_for(&[], expression, rule);
            for own in &file.message {
                // The rules live as long as the program.
                let kind: &'static str = own.get("kind").cloned().unwrap_or_default().leak();
                for (at, key) in MessageAt::ALL {
                    let Some(text) = own.get(key) else { continue };
                    let expression = full(text);
                    let rule = MessageRule::built_in(at, &expression).with_kind(kind);
                    add(expression, Rule::Message(rule));
                }
            }
            for text in &file.foreign {
                add(full(text), Rule::State(StateRule::foreign(&full(text))));
            }
            for text in &file.timer {
                add(full(text), Rule::Timer);
            }
            for text in &file.response {
                let regex = Regex::new(&full(text)).unwrap_or_else(|error| wrong(name, &error));
                add(full(text), Rule::Response(regex));
            }
            #[cfg(test)]
            files.push((*name, file));
        }
        let events = rules.iter().flat_map(|entry| entry.events.clone()).collect();
        let sentences = Sentences::new(&expressions).unwrap_or_else(|error| wrong("*", &*error));
        Self {
            rules,
            events,
            sentences,
            #[cfg(test)]
            files,
        }
    }

    /// The rules that match a text, in order: those of the first dialect that has one.
    fn matching(&self, text: &[u8], choice: DialectChoice) -> impl Iterator<Item = &Rule> {
        let event = event_name(text);
        let known = event.is_none_or(|event| self.events.iter().any(|own| **own == *event));
        let places = if known { self.sentences.matching(text) } else { Vec::new() };
        let entries = places.into_iter().map(|at| &self.rules[at]);
        let mut fitting = entries
            .filter(move |entry| choice.allows(entry.dialect))
            .filter(move |entry| match event {
                Some(event) => entry.events.iter().any(|own| **own == *event),
                None => entry.events.is_empty(),
            })
            .peekable();
        let first = fitting.peek().map(|entry| entry.dialect);
        fitting.take_while(move |entry| Some(entry.dialect) == first).map(|entry| &entry.rule)
    }

    /// The first dialect that knows the sentence.
    #[cfg(feature = "cli")]
    pub(crate) fn name_of(&self, text: &[u8], choice: DialectChoice) -> Option<&'static str> {
        let mut rules = self.matching(text, choice);
        let first: *const Rule = rules.next()?;
        self.rules.iter().find(|entry| std::ptr::eq(&entry.rule, first)).map(|entry| entry.dialect)
    }

    pub(super) fn state_rules(
        &self,
        text: &[u8],
        choice: DialectChoice,
    ) -> impl Iterator<Item = &StateRule> {
        self.matching(text, choice).filter_map(|rule| match rule {
            Rule::State(rule) => Some(rule),
            Rule::Message(_) | Rule::Timer | Rule::Response(_) => None,
        })
    }

    pub(super) fn message<'a>(
        &self,
        event: &'a Event<'_>,
        choice: DialectChoice,
    ) -> Option<Message<'a>> {
        self.matching(&event.text, choice).find_map(|rule| match rule {
            Rule::Message(rule) => rule.message(event),
            Rule::State(_) | Rule::Timer | Rule::Response(_) => None,
        })
    }

    pub(super) fn is_timer(&self, text: &[u8]) -> bool {
        self.matching(text, DialectChoice::Any).any(|rule| matches!(rule, Rule::Timer))
    }

    /// The peer whose answer has come.
    pub(super) fn response_from<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        self.matching(text, DialectChoice::Any).find_map(|rule| match rule {
            Rule::Response(regex) => Some(regex.captures(text)?.name("from")?.as_bytes()),
            Rule::State(_) | Rule::Message(_) | Rule::Timer => None,
        })
    }
}

fn read_file(name: &str, text: &str) -> DialectFile {
    toml::from_str(text).unwrap_or_else(|error| wrong(name, &error))
}

#[expect(clippy::panic, reason = "the files are part of the program, and a test reads them")]
fn wrong(name: &str, error: &dyn std::fmt::Display) -> ! {
    panic!("dialects/{name}.toml: {error}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::line::Line;
    use crate::meaning::message::MessageFate;
    use crate::meaning::rules::Rules;
    use crate::parse::Parser;
    use crate::style::color::Depth;
    use crate::style::theme::Background;
    use crate::view::LogView;

    fn states(log: &str) -> BTreeMap<String, String> {
        let mut view = LogView::of_bytes(log.as_bytes().to_vec(), Background::Dark, Depth::None);
        view.select(usize::MAX);
        let text = |pairs: Vec<(&str, String)>| {
            let words = pairs.into_iter().map(|(key, value)| format!("{key}={value}"));
            words.collect::<Vec<_>>().join(" ")
        };
        view.peer_states().into_iter().map(|(peer, pairs)| (peer, text(pairs))).collect()
    }

    fn messages(log: &str) -> Vec<String> {
        let mut parser = Parser::default();
        parser.look_at(log.as_bytes());
        let message = |line: &str| {
            let Line::Event(event) = parser.parse(line.as_bytes()) else { return None };
            let message = Message::of(&event, &Rules::default())?;
            let fate = match message.fate {
                MessageFate::Sent => "sent",
                MessageFate::Received => "received",
                MessageFate::Lost(_) => "lost",
                MessageFate::Answered => "answered",
            };
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Some(format!(
                "{} -> {} {} {fate}",
                text(message.from),
                text(message.to),
                text(message.kind)
            ))
        };
        log.lines().filter_map(message).collect()
    }

    #[test]
    fn every_rule_compiles_and_begins_where_the_text_begins() {
        for (name, file) in &DIALECTS.files {
            let full = |text: &str| format!("(?-u){}", text.replace("{subject}", &file.subject));
            let begins = |text: &str| text.trim_start_matches("(?i)").starts_with('^');
            for own in &file.state {
                let set = own.set.iter().map(|(key, value)| (&**key, &**value));
                let rule = StateRule::new(&full(&own.r#match), set, own.restart);
                assert!(rule.is_ok(), "dialects/{name}.toml: {}: {rule:?}", own.r#match);
                assert!(begins(&own.r#match), "dialects/{name}.toml: {}", own.r#match);
            }
            for text in &file.foreign {
                assert!(StateRule::of_message(&full(text)).is_ok(), "dialects/{name}.toml: {text}");
                assert!(begins(text), "dialects/{name}.toml: {text}");
            }
            for own in &file.message {
                for (at, key) in MessageAt::ALL {
                    let Some(text) = own.get(key) else { continue };
                    let rule = MessageRule::new(at, &full(text));
                    assert!(rule.is_ok(), "dialects/{name}.toml: {text}: {rule:?}");
                    assert!(begins(text), "dialects/{name}.toml: {text}");
                }
            }
        }
    }

    #[test]
    fn every_log_of_a_dialect_has_the_states_and_messages_of_its_file() {
        let mut wrong = Vec::new();
        for (name, file) in &DIALECTS.files {
            assert!(!file.sample.is_empty(), "{name}: add a [[sample]]");
            for sample in &file.sample {
                let (states, messages) = (states(&sample.log), messages(&sample.log));
                let expected = |peer: &str| sample.state.get(peer);
                for (peer, state) in &states {
                    if expected(peer) != Some(state) {
                        wrong.push(format!(
                            "{name}: peer {peer} is {state:?}, not {:?}",
                            expected(peer)
                        ));
                    }
                }
                for peer in sample.state.keys().filter(|peer| !states.contains_key(*peer)) {
                    wrong.push(format!("{name}: no peer {peer} in {states:?}"));
                }
                if messages != sample.messages {
                    wrong.push(format!("{name}: {messages:#?}\nnot {:#?}", sample.messages));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
