//! Rules of the user for the lines of another program: state of peers, and messages.

use std::borrow::Cow;
use std::sync::Arc;

use crate::expression::Expression;
use crate::line::Event;
#[cfg(feature = "cli")]
use crate::meaning::dialect_file::{DialectError, DialectFile};
use crate::meaning::dialects::{ChosenDialects, Dialects};
use crate::meaning::message::{Message, MessageFate};
use crate::meaning::state::{Found, STATE_KEYS, StateKey};
use crate::meaning::words::StateWords;
#[cfg(feature = "cli")]
use crate::meaning::words::WordsFile;
use crate::suggestion::suggestion;

/// The user's rules. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Rules(Arc<Lists>);

#[derive(Clone, Debug, Default)]
struct Lists {
    state: Vec<StateRule>,
    messages: Vec<MessageRule>,
    choice: DialectChoice,
    /// All dialects, if there are others than those built in.
    dialects: Option<Arc<Dialects>>,
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

/// A rule for the state of a line's peer: the named groups of an expression are keys of the state
/// (`role`, `term`, `vote`, `commit`, `applied`, `last`), the texts they match are the values.
#[derive(Clone, Debug)]
pub struct StateRule {
    expression: Expression,
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
        let rule = Self::built_in(expression, set, restart)?;
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

    /// The same with an expression that is compiled when it is needed, because a test checks it.
    pub(super) fn foreign(expression: &str) -> Self {
        let expression = Expression::new(expression, &[]);
        let (set, increments) = (Vec::new(), Vec::new());
        Self { expression, restart: false, set, increments, ignores_facts: true }
    }

    /// A rule with an expression that is compiled when it is needed, because a test checks it.
    pub(super) fn built_in<'a>(
        expression: &str,
        set: impl IntoIterator<Item = (&'a str, &'a str)>,
        restart: bool,
    ) -> Result<Self, RuleError> {
        let set = set.into_iter().map(|(name, value)| Ok((key(name)?, value.as_bytes().into())));
        let set = set.collect::<Result<Vec<_>, RuleError>>()?;
        let expression = Expression::new(expression, KEY_NAMES);
        Ok(Self { expression, restart, set, increments: Vec::new(), ignores_facts: false })
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

    pub(super) fn apply<'a>(&self, text: &'a [u8], found: &mut Found<'a>) {
        let Some(groups) = self.expression.find(text) else { return };
        found.restart |= self.restart;
        if self.ignores_facts {
            found.values = Default::default();
        }
        for key in &self.increments {
            found.increments[*key as usize] = true;
        }
        for (key, value) in &self.set {
            found.put(*key, Cow::Owned(value.to_vec()));
        }
        for (at, key) in KEYS.into_iter().enumerate() {
            if let Some(group) = groups.text(at) {
                found.put(key, Cow::Borrowed(group));
            }
        }
    }
}

impl<'a> Found<'a> {
    fn put(&mut self, key: RuleKey, value: Cow<'a, [u8]>) {
        match key {
            RuleKey::State(key) => {
                self.values[key as usize] = Some(match &value {
                    Cow::Borrowed(name) if key == StateKey::Vote => {
                        Cow::Borrowed(without_letter(name))
                    }
                    Cow::Borrowed(_) | Cow::Owned(_) => value,
                });
                self.increments[key as usize] = false;
            }
            RuleKey::LastBefore => {
                let number =
                    std::str::from_utf8(&value).ok().and_then(|text| text.parse::<u64>().ok());
                if let Some(before) = number.and_then(|number| number.checked_sub(1)) {
                    self.values[StateKey::Last as usize] =
                        Some(Cow::Owned(before.to_string().into_bytes()));
                }
            }
            RuleKey::Status => self.status = Some(value),
            RuleKey::Of => {
                self.of = Some(match value {
                    Cow::Borrowed(name) => Cow::Borrowed(without_letter(name)),
                    Cow::Owned(name) => Cow::Owned(name),
                });
            }
        }
    }
}

impl MessageRule {
    /// A rule from an expression.
    ///
    /// # Errors
    /// See [`RuleError`].
    pub fn new(at: MessageAt, expression: &str) -> Result<Self, RuleError> {
        let rule = Self::built_in(at, expression);
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

    /// The same with an expression that is compiled when it is needed, because a test checks it.
    pub(super) fn built_in(at: MessageAt, expression: &str) -> Self {
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
    /// All of them, with the keys of rules.
    pub(super) const ALL: [(Self, &'static str); 4] = [
        (Self::Sent, "sent"),
        (Self::Received, "received"),
        (Self::Lost, "lost"),
        (Self::Answered, "answered"),
    ];

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

impl Rules {
    /// Rules in the order they are tried; of messages the first that matches counts.
    #[must_use]
    pub fn new(state: Vec<StateRule>, messages: Vec<MessageRule>) -> Self {
        Self(Arc::new(Lists { state, messages, ..Lists::default() }))
    }

    /// The same rules beside these dialects.
    #[must_use]
    pub fn with_dialects(self, choice: DialectChoice) -> Self {
        Self(Arc::new(Lists { choice, ..Arc::unwrap_or_clone(self.0) }))
    }

    /// The same rules beside dialects of the user's own, which come before those built in, and the
    /// user's words for keys of the state and roles.
    ///
    /// # Errors
    /// If a rule of a dialect is wrong.
    #[cfg(feature = "cli")]
    pub(crate) fn with_own_dialects(
        self,
        own: &[(Box<str>, DialectFile)],
        words: &WordsFile,
    ) -> Result<Self, DialectError> {
        if own.is_empty() && *words == WordsFile::default() {
            return Ok(self);
        }
        own.iter().try_for_each(|(_, file)| file.check())?;
        let dialects = Some(Arc::new(Dialects::with_own(own, words)?));
        Ok(Self(Arc::new(Lists { dialects, ..Arc::unwrap_or_clone(self.0) })))
    }

    /// The dialects that count.
    pub(crate) fn dialects(&self) -> ChosenDialects<'_> {
        let dialects = self.0.dialects.as_deref().unwrap_or_else(|| Dialects::built_in());
        ChosenDialects { dialects, choice: &self.0.choice }
    }

    /// The words of states.
    pub(super) fn words(&self) -> &StateWords {
        self.dialects().dialects.words()
    }

    pub(super) fn state(&self) -> impl Iterator<Item = &StateRule> {
        self.0.state.iter()
    }

    pub(crate) fn message<'a>(&self, event: &'a Event<'_>) -> Option<Message<'a>> {
        self.0.messages.iter().find_map(|rule| rule.message(event))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meaning::peer_state::state_updates;
    use crate::meaning::state::StateUpdate;

    fn said(rules: &Rules, text: &str) -> Vec<String> {
        let mut all = Vec::new();
        state_updates(text.as_bytes(), rules, |update| {
            all.push(match update {
                StateUpdate::Restart => "restart".to_owned(),
                StateUpdate::Status(of, status) => format!("{of:?} {status:?}"),
                StateUpdate::Increment(key) => format!("{}+1", STATE_KEYS[key as usize]),
                StateUpdate::Set(key, value) => {
                    format!("{}={}", STATE_KEYS[key as usize], String::from_utf8_lossy(&value))
                }
            });
        });
        all
    }

    #[test]
    fn lines_have_the_meaning_of_the_rules() {
        let leads = StateRule::new(r"leads term (?<term>\d+)", [("role", "leader")], false);
        let boots = StateRule::new("^boot$", [], true);
        let rules = Rules::new(vec![leads.unwrap(), boots.unwrap()], Vec::new());
        assert_eq!(said(&rules, "node leads term 7 now"), ["term=7", "role=leader"]);
        assert_eq!(said(&rules, "boot"), ["restart"]);
        assert_eq!(said(&rules, "leads term 7 commit=3"), ["term=7", "role=leader", "commit=3"]);
        assert_eq!(said(&rules, "something else"), [""; 0]);
        assert_eq!(said(&Rules::default(), "node leads term 7 now"), [""; 0]);
    }

    #[test]
    fn messages_have_the_fates_of_the_rules() {
        let rule = |at, text| MessageRule::new(at, text).unwrap();
        let rules = Rules::new(
            Vec::new(),
            vec![
                rule(MessageAt::Sent, r"^-> (?<to>\w+) (?<kind>\w+) #(?<id>\d+)"),
                rule(MessageAt::Received, r"^<- (?<from>\w+) (?<kind>\w+) #(?<id>\d+)"),
                rule(MessageAt::Lost, r"^xx (?<to>\w+) (?<kind>\w+) #(?<id>\d+): (?<why>.*)"),
            ],
        );
        let check = |peer: &str, text: &str, fate: Option<MessageFate<'_>>| {
            let (peer, text) = (peer.as_bytes().into(), text.as_bytes().into());
            let event = Event { topic: b"NET"[..].into(), peer, text, ..Event::default() };
            let (kind, from, to, id) = (b"Ping", b"0", b"1", Some(&b"7"[..]));
            let wanted = fate.map(|fate| Message { kind, from, to, id, fate });
            assert_eq!(rules.message(&event), wanted);
        };
        check("0", "-> S1 Ping #7", Some(MessageFate::Sent));
        check("1", "<- 0 Ping #7", Some(MessageFate::Received));
        check("0", "xx 1 Ping #7: cut", Some(MessageFate::Lost(b"cut")));
        check("0", "Ping #7", None);
    }

    #[test]
    fn an_empty_rule_is_an_error() {
        let state = |text, set: &[(&'static str, &'static str)]| {
            StateRule::new(text, set.iter().copied(), false).unwrap_err().to_string()
        };
        assert!(state("(", &[]).contains("unclosed group"));
        assert!(state("x", &[]).starts_with("empty rule; name a group"));
        assert_eq!(state("(?<trem>x)", &[]), "unknown key `trem`; did you mean term?");
        assert!(state("x", &[("color", "red")]).contains("keys: role, term, vote"));
        let message = |at, text| MessageRule::new(at, text).unwrap_err().to_string();
        assert!(message(MessageAt::Sent, "x").contains("missing group `to`"));
        assert!(message(MessageAt::Received, "(?<to>x)").contains("unknown group `to`"));
    }
}
