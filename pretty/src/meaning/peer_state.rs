//! Reading the meaning of a line: changes of its peer's state, and the message it is about.

use std::borrow::Cow;

use crate::event_name::event_name;
use crate::line::Event;
use crate::meaning::events::{COMMAND_PROPOSED, ELECTION_TIMEOUT, LOST, RECEIVED, SENT, STARTED};
use crate::meaning::facts::{fact, state_facts};
use crate::meaning::message::Message;
use crate::meaning::message::MessageFate::{Lost, Received, Sent};
use crate::meaning::rule_set::Rules;
use crate::meaning::state::{Found, StateKey, StateUpdate, UPDATE_ORDER};
use crate::meaning::topics::{CLIENT_TOPIC, LOSS_TOPIC, MESSAGE_TOPIC, MESSAGE_VERBS};

/// Gives the changes of its peer's state in a line's text to `take`, in order. Of the same key a rule
/// of the user counts before one of a dialect, and that before a fact.
pub(crate) fn state_updates<'a>(
    text: &'a [u8],
    rules: &Rules,
    mut take: impl FnMut(StateUpdate<'a>),
) {
    let words = rules.words();
    let facts = state_facts(text, words).map(|fact| fact.map(Cow::Borrowed));
    let mut found = Found { values: facts, ..Found::default() };
    found.restart = event_name(text) == Some(STARTED);
    rules.dialects().state_rules(text).for_each(|rule| rule.apply(text, &mut found));
    rules.state().for_each(|rule| rule.apply(text, &mut found));
    let role = &mut found.values[StateKey::Role as usize];
    if let Some(own) = role.as_deref().and_then(|role| words.own_role(role)) {
        *role = Some(Cow::Borrowed(own.name().as_bytes()));
    }
    if found.restart {
        take(StateUpdate::Restart);
    }
    for key in UPDATE_ORDER {
        if found.increments[key as usize] {
            take(StateUpdate::Increment(key));
        } else if let Some(value) = found.values[key as usize].take() {
            take(StateUpdate::Set(key, value));
        }
    }
    if let Some(status) = found.status {
        let status = (!status.is_empty()).then_some(status);
        take(StateUpdate::Status(found.of, status));
    }
}

/// The dialect of a sentence.
#[cfg(feature = "cli")]
pub(crate) fn dialect_of<'r>(text: &[u8], rules: &'r Rules) -> Option<&'r str> {
    rules.dialects().name_of(text)
}

impl<'a> Message<'a> {
    /// The message a line is about; the user's rules come first.
    #[must_use]
    pub fn of(event: &'a Event<'_>, rules: &Rules) -> Option<Self> {
        rules.message(event).or_else(|| match event_name(&event.text) {
            Some(name) => by_event(name, event),
            None => by_id(event).or_else(|| rules.dialects().message(event)),
        })
    }
}

/// The cause of an event that has no message of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger<'a> {
    /// An election timer has run out.
    Timer,
    /// An answer of this peer, whose sending is not logged.
    Response(&'a [u8]),
    /// A client acts on this peer.
    Client(&'a [u8]),
    /// The peer's own state.
    Own,
}

impl<'a> Trigger<'a> {
    pub(crate) fn of(event: &'a Event<'_>, rules: &Rules) -> Self {
        let text = &*event.text;
        let dialects = rules.dialects();
        let client = || fact(text, b"to").map_or(Self::Own, Self::Client);
        match event_name(text) {
            Some(ELECTION_TIMEOUT) => Self::Timer,
            Some(COMMAND_PROPOSED) => client(),
            Some(_) => Self::Own,
            None if dialects.is_timer(text) => Self::Timer,
            None => match &*event.topic {
                MESSAGE_TOPIC => dialects.response_from(text).map_or(Self::Own, Self::Response),
                CLIENT_TOPIC => client(),
                _ => Self::Own,
            },
        }
    }
}

/// `… to=1 id=0.1 kind=RequestVote event=sent`.
fn by_event<'a>(name: &[u8], event: &'a Event<'_>) -> Option<Message<'a>> {
    let word = |key: &str| fact(&event.text, key.as_bytes());
    let own = &*event.peer;
    let (from, to, fate) = match name {
        SENT => (own, word("to")?, Sent),
        RECEIVED => (word("from")?, own, Received),
        LOST => (own, word("to")?, Lost(word("why").unwrap_or_default())),
        _ => return None,
    };
    Some(Message { kind: word("kind")?, from, to, id: word("id"), fate })
}

/// `sends RequestVote in term 2 … to=1 id=0.1`, `receives …`, `… is lost: … to=1 id=0.1 why=…`.
fn by_id<'a>(event: &'a Event<'_>) -> Option<Message<'a>> {
    let word = |key: &str| fact(&event.text, key.as_bytes());
    let id = word("id")?;
    let own = &*event.peer;
    let mut words = event.text.split(|byte| *byte == b' ');
    let kind = words.find(|word| !MESSAGE_VERBS.contains(word))?;
    let (from, to, fate) = match (&*event.topic, word("to"), word("from")) {
        (MESSAGE_TOPIC, Some(to), None) => (own, to, Sent),
        (MESSAGE_TOPIC, None, Some(from)) => (from, own, Received),
        (LOSS_TOPIC, Some(to), None) => (own, to, Lost(word("why").unwrap_or_default())),
        _ => return None,
    };
    Some(Message { kind, from, to, id: Some(id), fate })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meaning::message::MessageFate::Answered;
    use crate::meaning::state::STATE_KEYS;

    /// The state updates of a text, in short.
    fn short(text: &str) -> String {
        let mut all = Vec::new();
        state_updates(text.as_bytes(), &Rules::default(), |update| all.push(update));
        let words = all.into_iter().map(|update| match update {
            StateUpdate::Restart => "restart".to_owned(),
            StateUpdate::Status(of, status) => format!("{of:?} is {status:?}"),
            StateUpdate::Increment(key) => format!("{}+1", STATE_KEYS[key as usize]),
            StateUpdate::Set(key, value) => {
                format!("{}={}", STATE_KEYS[key as usize], String::from_utf8_lossy(&value))
            }
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn sentences_have_the_effects_of_the_table() {
        for (text, says) in [
            (
                "Initializing persistent state.",
                "restart term=0 role=Follower vote=none commit=0 applied=0 last=0",
            ),
            (
                "Reading persistent state: curTerm:3, votedFor:-1, log:{Entries:map[0:0xc] \
                 SortedIndices:[0 1 12] SnapshotLastIndex:-1}.",
                "restart term=3 role=Follower vote=-1 commit=0 applied=0 last=12",
            ),
            ("State change: Candidate --> Leader.", "role=Leader"),
            ("State change: Follower --> Candidate.", "term+1 role=Candidate vote=itself"),
            ("Discovered greater Term (2 > 1)", ""),
            ("Updating term: 1 --> 2", "term=2 vote=none"),
            ("Vote granted to 4.", "vote=4"),
            ("Update commitIndex: 1 --> 2.", "commit=2"),
            ("Updating commitIndex: 1 --> 5.", "commit=5"),
            ("Updated lastApplied: 1 --> 3.", "applied=3"),
            ("Added command:42 with term:1 to index:7", "last=7"),
            ("Deleting Entries from index:7.", "last=6"),
            ("Deleting Entries from index:0.", ""),
            ("starts with the log through 2@1 term=1 commit=0", "restart term=1 commit=0"),
            ("x term=1 commit=0 event=started", "restart term=1 commit=0"),
            ("starts with the log term=1 event=applied", "term=1"),
            ("someone says State change: A --> B", ""),
            ("anything else", ""),
            ("a=b=c term=3=4 vote= term=2 last=x", "term=2 vote= last=x"),
            ("=term=1 midterm=1", ""),
        ] {
            assert_eq!(short(text), says, "{text}");
        }
    }

    fn event(topic: &str, peer: &str, text: &str) -> Event<'static> {
        Event {
            topic: topic.as_bytes().to_vec().into(),
            peer: peer.as_bytes().to_vec().into(),
            text: text.as_bytes().to_vec().into(),
            ..Event::default()
        }
    }

    #[test]
    fn both_ends_are_the_same_message() {
        let rules = &Rules::default();
        for (sent, received) in [
            ("sends RequestVote in term 2: log to=1 id=0.7", "receives RequestVote from=0 id=0.7"),
            ("Sending RequestVote to 1.", "RequestVote from 0"),
            (
                "x to=1 id=0.7 kind=RequestVote event=sent",
                "y from=0 id=0.7 kind=RequestVote event=received",
            ),
            ("Sending AppendEntries to 1.", "AppendEntries from 0. args:&{Term:1}"),
        ] {
            let (sent, received) = (event("RPC", "0", sent), event("RPC", "1", received));
            let sent = Message::of(&sent, rules).expect("a message");
            let received = Message::of(&received, rules).expect("a message");
            assert_eq!((sent.fate, received.fate), (Sent, Received));
            assert!(sent.is_same(&received), "{sent:?} {received:?}");
        }
        for lost in [
            "RequestVote to 1 is lost: cut to=1 id=0.7 why=cut",
            "z to=1 id=0.7 why=cut kind=RequestVote event=lost",
        ] {
            let lost = event("DROP", "0", lost);
            let fate = Message::of(&lost, rules).map(|lost| lost.fate);
            assert_eq!(fate, Some(Lost(b"cut")));
        }
        let answer = event("RPC", "0", "Received RequestVote response from 1.");
        let answer = Message::of(&answer, rules).expect("a message");
        assert_eq!((answer.from, answer.to, answer.fate), (&b"0"[..], &b"1"[..], Answered));
        for text in ["refuses vote to 1 to=1 id=1.1", "Received RequestVote response", ""] {
            assert_eq!(Message::of(&event("VOTE", "0", text), rules), None, "{text}");
        }
    }
}
