//! Rules of the user for the lines of another program: state of peers, and messages.

use std::borrow::Cow;
use std::sync::Arc;

use regex::bytes::Regex;

use crate::line::Event;
use crate::meaning::message::{Message, MessageFate};
use crate::meaning::state::{Found, STATE_KEYS, StateKey};
use crate::suggestion::suggestion;

/// The user's rules. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Rules(Arc<Lists>);

#[derive(Debug, Default)]
struct Lists {
    state: Vec<StateRule>,
    messages: Vec<MessageRule>,
    dialects: DialectChoice,
}

/// The dialects that count besides the user's rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DialectChoice {
    /// The first that knows a sentence.
    #[default]
    Any,
    /// This one.
    Only(&'static str),
    /// None: facts alone.
    None,
}

impl DialectChoice {
    pub(super) fn allows(self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(own) => own == name,
            Self::None => false,
        }
    }
}

/// A rule for the state of a line's peer: the named groups of an expression are keys of the state
/// (`role`, `term`, `vote`, `commit`, `applied`, `last`), the texts they match are the values.
#[derive(Clone, Debug)]
pub struct StateRule {
    regex: Regex,
    restart: bool,
    set: Vec<(RuleKey, Box<[u8]>)>,
    increments: Vec<StateKey>,
    groups: Vec<(usize, RuleKey)>,
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
    regex: Regex,
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
        let regex = Regex::new(expression)?;
        let names = regex.capture_names().enumerate();
        let groups = names.filter_map(|(at, name)| Some(key(name?).map(|key| (at, key))));
        let groups = groups.collect::<Result<Vec<_>, _>>()?;
        let set = set.into_iter().map(|(name, value)| Ok((key(name)?, value.as_bytes().into())));
        let set = set.collect::<Result<Vec<_>, RuleError>>()?;
        if groups.is_empty() && set.is_empty() && !restart {
            return Err(RuleError::Nothing);
        }
        let (increments, ignores_facts) = (Vec::new(), false);
        Ok(Self { regex, restart, set, increments, groups, ignores_facts })
    }

    /// A rule for lines whose facts are those of a message, not of their peer.
    ///
    /// # Errors
    /// If the expression does not compile.
    pub fn of_message(expression: &str) -> Result<Self, RuleError> {
        let regex = Regex::new(expression)?;
        let (set, increments, groups) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { regex, restart: false, set, increments, groups, ignores_facts: true })
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
        let Some(groups) = self.regex.captures(text) else { return };
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
        for (at, key) in &self.groups {
            if let Some(group) = groups.get(*at) {
                found.put(*key, Cow::Borrowed(group.as_bytes()));
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
        let regex = Regex::new(expression)?;
        let names = || regex.capture_names().flatten();
        let known = [at.other(), "kind", "id", "why"];
        if let Some(name) = names().find(|name| !known.contains(name)) {
            let suggestion = suggestion("groups", name, known.into_iter());
            return Err(RuleError::Unknown { name: name.to_owned(), of: "group", suggestion });
        }
        if !names().any(|name| name == at.other()) {
            return Err(RuleError::NoPeer(at.other()));
        }
        Ok(Self { at, regex, kind: b"" })
    }

    /// The same rule for messages of this kind, if no group names it.
    #[must_use]
    pub fn with_kind(self, kind: &'static str) -> Self {
        Self { kind: kind.as_bytes(), ..self }
    }

    pub(super) fn message<'a>(&self, event: &'a Event<'_>) -> Option<Message<'a>> {
        let groups = self.regex.captures(&event.text)?;
        let group = |name: &str| groups.name(name).map(|found| found.as_bytes());
        let own = &*event.peer;
        let other = group(self.at.other()).map(without_letter)?;
        let (from, to, fate) = match self.at {
            MessageAt::Sent => (own, other, MessageFate::Sent),
            MessageAt::Received => (other, own, MessageFate::Received),
            MessageAt::Lost => (own, other, MessageFate::Lost(group("why").unwrap_or_default())),
            MessageAt::Answered => (own, other, MessageFate::Answered),
        };
        Some(Message { kind: group("kind").unwrap_or(self.kind), from, to, id: group("id"), fate })
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
        match self {
            Self::Sent | Self::Lost => "to",
            Self::Received | Self::Answered => "from",
        }
    }
}

impl Rules {
    /// Rules in the order they are tried; of messages the first that matches counts.
    #[must_use]
    pub fn new(state: Vec<StateRule>, messages: Vec<MessageRule>) -> Self {
        Self(Arc::new(Lists { state, messages, dialects: DialectChoice::Any }))
    }

    /// The same rules beside these dialects.
    #[must_use]
    pub fn with_dialects(self, dialects: DialectChoice) -> Self {
        let (state, messages) = (self.0.state.clone(), self.0.messages.clone());
        Self(Arc::new(Lists { state, messages, dialects }))
    }

    /// The dialects that count.
    pub(crate) fn dialects(&self) -> DialectChoice {
        self.0.dialects
    }

    pub(super) fn state(&self) -> impl Iterator<Item = &StateRule> {
        self.0.state.iter()
    }

    pub(crate) fn message<'a>(&self, event: &'a Event<'_>) -> Option<Message<'a>> {
        self.0.messages.iter().find_map(|rule| rule.message(event))
    }
}

fn key(name: &str) -> Result<RuleKey, RuleError> {
    let at = STATE_KEYS.iter().position(|own| *own == name);
    match (name, at) {
        (_, Some(at)) => Ok(RuleKey::State(StateKey::at(at))),
        ("last_before", None) => Ok(RuleKey::LastBefore),
        ("status", None) => Ok(RuleKey::Status),
        ("of", None) => Ok(RuleKey::Of),
        (_, None) => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> RuleError {
    let known = STATE_KEYS.into_iter().chain(["status", "of", "last_before"]);
    RuleError::Unknown {
        name: name.to_owned(),
        of: "key",
        suggestion: suggestion("keys", name, known),
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
