//! The sentences of programs: `pretty/dialects/*.toml` and dialects of the user in the same words, each
//! with a log of its own and the state and messages that are read from it.
//!
//! One look of an automaton rules out nearly every line; all rules begin where the text begins.

use std::sync::LazyLock;
#[cfg(feature = "cli")]
use std::sync::OnceLock;

use regex::bytes::Regex;

use crate::event_name::event_name;
use crate::expression::Expression;
use crate::expression::digits::has_digits;
use crate::line::Event;
use crate::meaning::dialect_file::{DialectError, DialectFile};
use crate::meaning::message::Message;
use crate::meaning::rules::{MessageRule, StateRule};
use crate::meaning::sentences::Sentences;
use crate::meaning::words::{StateWords, WordsFile};
use crate::words::without_samples;

/// The built-in dialects, compiled at first use.
static BUILT_IN: LazyLock<Dialects> = LazyLock::new(|| {
    let all = Dialects::compile(&read_files(without_samples), &WordsFile::default());
    all.unwrap_or_else(|error| wrong(&error))
});

/// The rules of dialects.
#[derive(Debug)]
pub(crate) struct Dialects {
    names: Vec<Box<str>>,
    rules: Vec<Entry>,
    /// The events that rules are about.
    events: Vec<Box<[u8]>>,
    /// The expressions of `rules`, by their places.
    sentences: Sentences,
    /// The beginnings of their sentences, as in `{subject}`.
    subjects: Vec<Option<Regex>>,
    /// The words of states, in all of them.
    words: StateWords,
}

/// Dialects of the user before those built in, and words of states, compiled at first use.
#[cfg(feature = "cli")]
#[derive(Debug)]
pub(super) struct OwnDialects {
    files: Vec<(Box<str>, DialectFile)>,
    words: WordsFile,
    compiled: OnceLock<Result<Dialects, DialectError>>,
}

/// Those of the dialects that count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChosenDialects<'d> {
    pub(super) dialects: &'d Dialects,
    pub(super) choice: &'d DialectChoice,
}

/// The dialects that count besides the user's rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DialectChoice {
    /// The first that knows a sentence.
    #[default]
    Any,
    /// This one.
    Only(Box<str>),
    /// None: facts alone.
    None,
}

impl DialectChoice {
    pub(super) fn allows(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(own) => **own == *name,
            Self::None => false,
        }
    }
}

/// A rule and its dialect.
#[derive(Debug)]
struct Entry {
    /// The place of the dialect's name.
    dialect: usize,
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
    Response(Expression),
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

/// The names of the built-in dialects.
#[cfg(feature = "cli")]
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// The built-in dialects by their names.
#[cfg(any(test, feature = "cli"))]
pub(crate) fn files() -> Vec<(Box<str>, DialectFile)> {
    read_files(|text| text)
}

fn read_files(part: fn(&'static str) -> &'static str) -> Vec<(Box<str>, DialectFile)> {
    let read = |(name, text): &(&str, &'static str)| {
        let file = DialectFile::read(part(text));
        ((*name).into(), file.unwrap_or_else(|error| wrong(&format!("dialects/{name}: {error}"))))
    };
    FILES.iter().map(read).collect()
}

#[cfg(feature = "cli")]
impl OwnDialects {
    pub(super) const fn new(files: Vec<(Box<str>, DialectFile)>, words: WordsFile) -> Self {
        Self { files, words, compiled: OnceLock::new() }
    }

    /// # Errors
    /// If they are too large together.
    pub(super) fn dialects(&self) -> Result<&Dialects, DialectError> {
        let compile = || {
            Dialects::compile(
                &[&self.files[..], &read_files(without_samples)].concat(),
                &self.words,
            )
        };
        self.compiled.get_or_init(compile).as_ref().map_err(Clone::clone)
    }
}

impl Dialects {
    pub(super) fn built_in<'d>() -> &'d Self {
        &BUILT_IN
    }

    fn compile(files: &[(Box<str>, DialectFile)], words: &WordsFile) -> Result<Self, DialectError> {
        let mut rules = Vec::new();
        let (mut expressions, mut exceptions) = (Vec::new(), Vec::new());
        let mut all_words = StateWords::built_in().clone().with(words);
        for (dialect, (_, file)) in files.iter().enumerate() {
            all_words = all_words.with(&file.words());
            exceptions.extend(file.exceptions());
            for (expression, rule, events) in rules_of(file)? {
                expressions.push(expression);
                rules.push(Entry { dialect, rule, events });
            }
        }
        let events = rules.iter().flat_map(|entry| entry.events.clone()).collect();
        let sentences = Sentences::new(&expressions, &exceptions)
            .map_err(|error| DialectError::Sentences(error.to_string()))?;
        let names = files.iter().map(|(name, _)| name.clone()).collect();
        // A test compiles every rule with its subject.
        let subject = |(_, file): &(_, DialectFile)| Regex::new(&file.beginning()?).ok();
        let subjects = files.iter().map(subject).collect();
        Ok(Self { names, rules, events, sentences, subjects, words: all_words })
    }

    pub(super) fn words(&self) -> &StateWords {
        &self.words
    }
}

/// A rule with its expression and events.
type RuleText = (String, Rule, Vec<Box<[u8]>>);

/// The rules of a dialect.
fn rules_of(file: &DialectFile) -> Result<Vec<RuleText>, DialectError> {
    let mut rules = Vec::new();
    for own in &file.state {
        let expression = file.full(&own.r#match);
        let set = own.set.iter().map(|(key, value)| (&**key, &**value));
        let rule = StateRule::unchecked(&expression, set, own.restart)
            .and_then(|rule| rule.with_increments(own.increment.iter().map(String::as_str)));
        let rule = rule.map_err(|error| DialectError::Rule(own.r#match.clone(), error))?;
        let unless = own.unless.as_ref().map(|text| file.full(text));
        let rule = rule.unless(unless.as_deref());
        let events = own.events.iter().map(|name| name.as_bytes().into()).collect();
        rules.push((expression, Rule::State(rule), events));
    }
    let mut add = |expression: String, rule| rules.push((expression, rule, Vec::new()));
    for own in &file.message {
        // The rules live as long as the program.
        let kind: &'static str = own.kind.clone().leak();
        for (at, _, text) in &own.expressions {
            let expression = file.full(text);
            let rule = MessageRule::unchecked(*at, &expression).with_kind(kind);
            add(expression, Rule::Message(rule));
        }
    }
    for text in &file.foreign {
        add(file.full(text), Rule::State(StateRule::foreign(&file.full(text))));
    }
    for text in &file.timer {
        add(file.full(text), Rule::Timer);
    }
    for text in &file.response {
        add(file.full(text), Rule::Response(Expression::new(&file.full(text), &["from"])));
    }
    Ok(rules)
}

impl<'d> ChosenDialects<'d> {
    /// A sentence without the beginning that all of its dialect may have: where the column names the
    /// peer, that says little.
    pub(crate) fn sentence(self, text: &[u8]) -> &[u8] {
        let Some(entry) = self.matching(text).next() else { return text };
        let subject = self.dialects.subjects[entry.dialect].as_ref();
        let end = subject.and_then(|subject| subject.find(text)).map_or(0, |found| found.end());
        &text[end..]
    }

    /// Tells whether the same text with other digits may have other rules or facts.
    pub(super) fn tell_digits_apart(self, text: &[u8]) -> bool {
        self.dialects.words.have_digits()
            || event_name(text).is_some_and(has_digits)
            || self.dialects.sentences.tell_digits_apart(text)
    }

    /// A number that no other dialects have.
    pub(super) const fn number(self) -> u64 {
        self.dialects.sentences.number()
    }

    /// The rules that match a text, in order: those of the first dialect that has one.
    fn matching(self, text: &[u8]) -> impl Iterator<Item = &'d Entry> {
        let Self { dialects, choice } = self;
        let event = event_name(text);
        let known = event.is_none_or(|event| dialects.events.iter().any(|own| **own == *event));
        let places = if known { dialects.sentences.matching(text) } else { Vec::new() };
        let entries = places.into_iter().map(|at| &dialects.rules[at]);
        let mut fitting = entries
            .filter(move |entry| choice.allows(&dialects.names[entry.dialect]))
            .filter(move |entry| match event {
                Some(event) => entry.events.iter().any(|own| **own == *event),
                None => entry.events.is_empty(),
            })
            .peekable();
        let first = fitting.peek().map(|entry| entry.dialect);
        fitting.take_while(move |entry| Some(entry.dialect) == first)
    }

    /// The first dialect that knows the sentence.
    #[cfg(feature = "cli")]
    pub(crate) fn name_of(self, text: &[u8]) -> Option<&'d str> {
        self.matching(text).next().map(|entry| &*self.dialects.names[entry.dialect])
    }

    pub(super) fn state_rules(self, text: &[u8]) -> impl Iterator<Item = &'d StateRule> {
        self.matching(text).filter_map(|entry| match &entry.rule {
            Rule::State(rule) => Some(rule),
            Rule::Message(_) | Rule::Timer | Rule::Response(_) => None,
        })
    }

    pub(super) fn message<'a>(self, event: &'a Event<'_>) -> Option<Message<'a>> {
        self.matching(&event.text).find_map(|entry| match &entry.rule {
            Rule::Message(rule) => rule.message(event),
            Rule::State(_) | Rule::Timer | Rule::Response(_) => None,
        })
    }

    pub(super) fn is_timer(self, text: &[u8]) -> bool {
        self.matching(text).any(|entry| matches!(entry.rule, Rule::Timer))
    }

    /// The peer whose answer has come.
    pub(super) fn response_from(self, text: &[u8]) -> Option<&[u8]> {
        self.matching(text).find_map(|entry| match &entry.rule {
            Rule::Response(expression) => expression.find(text)?.text(0),
            Rule::State(_) | Rule::Message(_) | Rule::Timer => None,
        })
    }
}

#[expect(clippy::panic, reason = "the files are part of the program, and a test reads them")]
fn wrong(error: &dyn std::fmt::Display) -> ! {
    panic!("{error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meaning::rule_set::Rules;
    use crate::parse::Parser;
    use crate::view::dialect_differences;

    /// Class: a part of a file is passed over because it stands behind a sample.
    #[test]
    fn samples_are_at_the_end_of_their_file() {
        for (file, (name, mut whole)) in read_files(without_samples).into_iter().zip(files()) {
            whole.sample.clear();
            assert_eq!(file.1, whole, "{name}");
        }
    }

    #[test]
    fn every_rule_of_a_dialect_is_right() {
        for (name, file) in files() {
            file.check().unwrap_or_else(|error| panic!("dialects/{name}.toml: {error}"));
            assert!(!file.sample.is_empty(), "{name}: add a [[sample]]");
        }
    }

    #[cfg(feature = "cli")]
    #[test]
    fn dialects_of_the_user_are_compiled_when_they_are_needed() {
        let file = |text: &str| vec![("own".into(), DialectFile::read(text).unwrap())];
        let own = OwnDialects::new(file("timer = ['^ticks']"), WordsFile::default());
        assert!(own.compiled.get().is_none());
        assert_eq!(&*own.dialects().unwrap().names[0], "own");
        let large = format!("timer = [{}]", "'^\\w{9000}',".repeat(40));
        let error = OwnDialects::new(file(&large), WordsFile::default()).dialects().unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("the rules are too large together: "), "{error}");
    }

    #[test]
    fn every_log_of_a_dialect_has_the_states_and_messages_of_its_file() {
        let wrong = |(name, file): (Box<str>, DialectFile)| {
            let (rules, parser) = (Rules::default(), Parser::default());
            let wrong = dialect_differences(&file, &rules, &parser);
            wrong.into_iter().map(move |text| format!("{name}: {text}"))
        };
        let wrong: Vec<_> = files().into_iter().flat_map(wrong).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
