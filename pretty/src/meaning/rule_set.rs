//! All rules for the meaning of lines: the user's own, beside the dialects that count.

use std::sync::Arc;

use crate::line::Event;
#[cfg(feature = "cli")]
use crate::meaning::dialect_file::{DialectError, DialectFile};
#[cfg(feature = "cli")]
use crate::meaning::dialects::OwnDialects;
use crate::meaning::dialects::{ChosenDialects, DialectChoice, Dialects};
use crate::meaning::message::Message;
use crate::meaning::rules::{MessageRule, StateRule};
use crate::meaning::words::StateWords;
#[cfg(feature = "cli")]
use crate::meaning::words::WordsFile;

/// The user's rules. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Rules(Arc<Lists>);

#[derive(Clone, Debug, Default)]
struct Lists {
    state: Vec<StateRule>,
    messages: Vec<MessageRule>,
    choice: DialectChoice,
    /// All dialects, if there are others than those built in.
    #[cfg(feature = "cli")]
    own: Option<Arc<OwnDialects>>,
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
    /// user's words for keys of the state and roles. Their rules have been checked.
    #[cfg(feature = "cli")]
    #[must_use]
    pub(crate) fn with_own_dialects(
        self,
        own: Vec<(Box<str>, DialectFile)>,
        words: WordsFile,
    ) -> Self {
        if own.is_empty() && words == WordsFile::default() {
            return self;
        }
        let own = Some(Arc::new(OwnDialects::new(own, words)));
        Self(Arc::new(Lists { own, ..Arc::unwrap_or_clone(self.0) }))
    }

    /// Compiles the dialects that count, if that has not been done yet.
    ///
    /// # Errors
    /// If those of the user are too large together: then those built in count alone.
    #[cfg(feature = "cli")]
    pub(crate) fn prepare(&self) -> Result<(), DialectError> {
        match &self.0.own {
            Some(own) => own.dialects().map(|_| ()),
            None => {
                Dialects::built_in();
                Ok(())
            }
        }
    }

    /// The dialects that count.
    pub(crate) fn dialects(&self) -> ChosenDialects<'_> {
        let dialects = self.own_dialects().unwrap_or_else(Dialects::built_in);
        ChosenDialects { dialects, choice: &self.0.choice }
    }

    #[cfg(feature = "cli")]
    fn own_dialects(&self) -> Option<&Dialects> {
        self.0.own.as_ref()?.dialects().ok()
    }

    #[cfg(not(feature = "cli"))]
    const fn own_dialects(&self) -> Option<&Dialects> {
        None
    }

    /// The words of states.
    pub(super) fn words(&self) -> &StateWords {
        self.dialects().dialects.words()
    }

    /// Tells whether there is any rule for the state of peers.
    pub(super) fn has_state(&self) -> bool {
        !self.0.state.is_empty()
    }

    pub(super) fn state(&self) -> impl Iterator<Item = &StateRule> {
        self.0.state.iter()
    }

    pub(crate) fn message<'a>(&self, event: &'a Event<'_>) -> Option<Message<'a>> {
        self.0.messages.iter().find_map(|rule| rule.message(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meaning::message::MessageFate;
    use crate::meaning::peer_state::state_updates;
    use crate::meaning::rules::MessageAt;
    use crate::meaning::state::STATE_KEYS;
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

    /// Class: what is known of a text is used for one that a part of a rule tells from it by a digit.
    #[cfg(feature = "cli")]
    #[test]
    fn digits_of_an_exception_count() {
        let text = "[[state]]\nmatch = '^votes for (?<vote>\\d)'\nunless = '^votes for 7'";
        let own = [("own".into(), DialectFile::read(text).unwrap())];
        let rules = Rules::default().with_own_dialects(own.into(), WordsFile::default());
        for vote in [1, 2, 3, 7, 4] {
            let expected = if vote == 7 { Vec::new() } else { vec![format!("vote={vote}")] };
            assert_eq!(said(&rules, &format!("votes for {vote}")), expected, "{vote}");
        }
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
