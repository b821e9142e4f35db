//! Rules of the user for the lines of another program: state of peers, and messages.

use crate::expression::Expression;
use crate::line::Event;
use crate::meaning::message::{Message, MessageFate};
use crate::meaning::state::{STATE_KEYS, StateKey, StateMeaning, Word, less_one};
use crate::suggestion::suggestion;

/// A rule for the state of a line's peer: the named groups of an expression are keys of the state
/// (`role`, `term`, `vote`, `commit`, `applied`, `last`), the texts they match are the values.
#[derive(Clone, Debug)]
pub struct StateRule {
    expression: Expression,
    /// Texts that this matches too mean the opposite.
    unless: Option<Expression>,
    restart: bool,
    set: Vec<(RuleKey, Box<[u8]>)>,
    increments: Vec<StateKey>,
    /// The facts of the line are those of a message, not of its peer.
    ignores_facts: bool,
}

/// A key of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RuleKey {
    State(StateKey),
    /// The last index is the one before.
    LastBefore,
    /// `down`, `cut`, or nothing.
    Status,
    /// The peer of the status.
    Of,
}

/// Lines at which messages are sent, received or lost. The groups name the other peer (`to` where
/// it is sent or lost, `from` where it is received), and if they are known the `kind` of the
/// message, its `id`, and `why` it is lost.
#[derive(Clone, Debug)]
pub struct MessageRule {
    at: MessageAt,
    expression: Expression,
    /// The kind, if no group names it.
    kind: &'static [u8],
}

/// The event of a message at a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageAt {
    /// The peer of the line sends it.
    Sent,
    /// The peer of the line receives it.
    Received,
    /// It will never arrive.
    Lost,
    /// Its answer was received, by the peer that had sent it.
    Answered,
}

/// Errors of a rule.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The expression does not compile.
    #[error(transparent)]
    Expression(#[from] regex::Error),
    /// A name is unknown.
    #[error("unknown {of} `{name}`; {suggestion}")]
    Unknown {
        /// As written.
        name: String,
        /// The kind of name.
        of: &'static str,
        /// A suggestion.
        suggestion: String,
    },
    /// The rule has no effect.
    #[error("empty rule; name a group after one of {}", STATE_KEYS.join(", "))]
    Nothing,
    /// The other peer is missing.
    #[error("missing group `{0}`, the other peer")]
    NoPeer(&'static str),
}

impl StateRule {
    /// A rule from an expression, and values it sets as they stand; `restart` forgets the
    /// former state of the peer.
    ///
    /// # Errors
    /// See [`RuleError`].
    ///
    /// ```
    /// use pretty::view::StateRule;
    /// assert!(StateRule::new(r"leads term (?<term>\d+)", [("role", "leader")], false).is_ok());
    /// assert!(StateRule::new(r"leads term (\d+)", [], false).is_err());
    /// ```
    pub fn new<'a>(
        expression: &str,
        set: impl IntoIterator<Item = (&'a str, &'a str)>,
        restart: bool,
    ) -> Result<Self, RuleError> {
        let rule = Self::unchecked(expression, set, restart)?;
        let names = rule.expression.check()?;
        let keys = names.iter().map(|name| key(name)).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() && rule.set.is_empty() && !restart {
            return Err(RuleError::Nothing);
        }
        Ok(rule)
    }

    /// A rule for lines whose facts are those of a message, not of their peer.
    ///
    /// # Errors
    /// If the expression does not compile.
    pub fn of_message(expression: &str) -> Result<Self, RuleError> {
        let rule = Self::foreign(expression);
        rule.expression.check()?;
        Ok(rule)
    }

    /// The same with an expression that is known to compile, which it does when it is needed.
    pub(super) fn foreign(expression: &str) -> Self {
        let expression = Expression::new(expression, &[]);
        let (set, increments) = (Vec::new(), Vec::new());
        Self { expression, unless: None, restart: false, set, increments, ignores_facts: true }
    }

    /// A rule with an expression that is known to compile, which it does when it is needed.
    pub(super) fn unchecked<'a>(
        expression: &str,
        set: impl IntoIterator<Item = (&'a str, &'a str)>,
        restart: bool,
    ) -> Result<Self, RuleError> {
        let set = set.into_iter().map(|(name, value)| Ok((key(name)?, value.as_bytes().into())));
        let set = set.collect::<Result<Vec<_>, RuleError>>()?;
        let expression = Expression::new(expression, KEY_NAMES);
        let increments = Vec::new();
        Ok(Self { expression, unless: None, restart, set, increments, ignores_facts: false })
    }

    /// The same rule, but for texts that this expression matches too.
    pub(super) fn unless(mut self, expression: Option<&str>) -> Self {
        self.unless = expression.map(|expression| Expression::new(expression, &[]));
        self
    }

    /// The same rule, which also makes these numbers one more.
    ///
    /// # Errors
    /// If a key is unknown.
    pub fn with_increments<'a>(
        mut self,
        keys: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, RuleError> {
        for name in keys {
            match key(name)? {
                RuleKey::State(key) => self.increments.push(key),
                RuleKey::LastBefore | RuleKey::Status | RuleKey::Of => return Err(unknown(name)),
            }
        }
        Ok(self)
    }

    /// Adds what the rule finds in a text.
    pub(super) fn apply(&self, text: &[u8], meaning: &mut StateMeaning) {
        let Some(groups) = self.expression.find(text) else { return };
        if self.unless.as_ref().is_some_and(|unless| unless.find(text).is_some()) {
            return;
        }
        meaning.restart |= self.restart;
        if self.ignores_facts {
            meaning.values = Default::default();
        }
        for key in &self.increments {
            meaning.increments[*key as usize] = true;
        }
        for (key, value) in &self.set {
            match (key, less_one(value)) {
                (RuleKey::LastBefore, None) => {}
                (RuleKey::LastBefore, Some(before)) => meaning.put(*key, Word::Given(before)),
                (RuleKey::State(_) | RuleKey::Status | RuleKey::Of, _) => {
                    meaning.put(*key, Word::Given(value.clone()));
                }
            }
        }
        for (at, key) in KEYS.into_iter().enumerate() {
            let Some(place) = groups.place(at) else { continue };
            let name = without_letter(&text[place.clone()]);
            let word = match key {
                RuleKey::State(StateKey::Vote) | RuleKey::Of => {
                    Word::At(place.end - name.len()..place.end)
                }
                RuleKey::LastBefore => {
                    let last = meaning.values[StateKey::Last as usize].take();
                    Word::LessOne(place, last.map(Box::new))
                }
                RuleKey::State(_) | RuleKey::Status => Word::At(place),
            };
            meaning.put(key, word);
        }
    }
}

impl StateMeaning {
    fn put(&mut self, key: RuleKey, word: Word) {
        match key {
            RuleKey::State(key) => {
                self.values[key as usize] = Some(word);
                self.increments[key as usize] = false;
            }
            RuleKey::LastBefore => self.values[StateKey::Last as usize] = Some(word),
            RuleKey::Status => self.status = Some(word),
            RuleKey::Of => self.of = Some(word),
        }
    }
}

impl MessageRule {
    /// A rule from an expression.
    ///
    /// # Errors
    /// See [`RuleError`].
    pub fn new(at: MessageAt, expression: &str) -> Result<Self, RuleError> {
        let rule = Self::unchecked(at, expression);
        let names = rule.expression.check()?;
        let known = at.groups();
        if let Some(name) = names.iter().find(|name| !known.contains(name)) {
            let suggestion = suggestion("groups", name, known.iter().copied());
            return Err(RuleError::Unknown { name: (*name).to_owned(), of: "group", suggestion });
        }
        if !names.contains(&at.other()) {
            return Err(RuleError::NoPeer(at.other()));
        }
        Ok(rule)
    }

    /// The same with an expression that is known to compile, which it does when it is needed.
    pub(super) fn unchecked(at: MessageAt, expression: &str) -> Self {
        Self { at, expression: Expression::new(expression, at.groups()), kind: b"" }
    }

    /// The same rule for messages of this kind, if no group names it.
    #[must_use]
    pub fn with_kind(self, kind: &'static str) -> Self {
        Self { kind: kind.as_bytes(), ..self }
    }

    pub(super) fn message<'a>(&self, event: &'a Event<'_>) -> Option<Message<'a>> {
        let groups = self.expression.find(&event.text)?;
        let [other, kind, id, why] = [0, 1, 2, 3].map(|at| groups.text(at));
        let own = &*event.peer;
        let other = other.map(without_letter)?;
        let (from, to, fate) = match self.at {
            MessageAt::Sent => (own, other, MessageFate::Sent),
            MessageAt::Received => (other, own, MessageFate::Received),
            MessageAt::Lost => (own, other, MessageFate::Lost(why.unwrap_or_default())),
            MessageAt::Answered => (own, other, MessageFate::Answered),
        };
        Some(Message { kind: kind.unwrap_or(self.kind), from, to, id, fate })
    }
}

impl MessageAt {
    /// The group with the other peer.
    const fn other(self) -> &'static str {
        self.groups()[0]
    }

    /// All groups that a rule may have.
    const fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Sent | Self::Lost => &["to", "kind", "id", "why"],
            Self::Received | Self::Answered => &["from", "kind", "id", "why"],
        }
    }
}

fn key(name: &str) -> Result<RuleKey, RuleError> {
    let at = KEY_NAMES.iter().position(|own| *own == name);
    at.map(|at| KEYS[at]).ok_or_else(|| unknown(name))
}

/// The keys of rules, those of the state first.
const KEYS: [RuleKey; KEY_NAMES.len()] = [
    RuleKey::State(StateKey::Role),
    RuleKey::State(StateKey::Term),
    RuleKey::State(StateKey::Vote),
    RuleKey::State(StateKey::Commit),
    RuleKey::State(StateKey::Applied),
    RuleKey::State(StateKey::Last),
    RuleKey::Status,
    RuleKey::Of,
    RuleKey::LastBefore,
];

/// Their names in rules.
const KEY_NAMES: &[&str] =
    &["role", "term", "vote", "commit", "applied", "last", "status", "of", "last_before"];

fn unknown(name: &str) -> RuleError {
    RuleError::Unknown {
        name: name.to_owned(),
        of: "key",
        suggestion: suggestion("keys", name, KEY_NAMES.iter().copied()),
    }
}

/// `S1` is the peer `1`, as in the formats that write it so.
fn without_letter(name: &[u8]) -> &[u8] {
    let number = name.strip_prefix(b"S").filter(|rest| !rest.is_empty());
    number.filter(|rest| rest.iter().all(u8::is_ascii_digit)).unwrap_or(name)
}
