//! Reading the meaning of a line: changes of its peer's state, and the message it is about.

use std::cell::RefCell;
use std::rc::Rc;

use crate::event_name::event_name;
use crate::line::Event;
use crate::meaning::dialects::{ChosenDialects, DialectChoice};
use crate::meaning::events::{COMMAND_PROPOSED, ELECTION_TIMEOUT, LOST, RECEIVED, SENT, STARTED};
use crate::meaning::facts::{fact, state_facts};
use crate::meaning::message::Message;
use crate::meaning::message::MessageFate::{Lost, Received, Sent};
use crate::meaning::rule_set::Rules;
use crate::meaning::state::{StateKey, StateMeaning, StateUpdate, Word};
use crate::meaning::topics::{CLIENT_TOPIC, LOSS_TOPIC, MESSAGE_TOPIC, MESSAGE_VERBS};
use crate::meaning::words::StateWords;
use crate::shapes::{Lookup, ShapeMap};

/// Gives the changes of its peer's state in a line's text to `take`, in order. Of the same key a rule
/// of the user counts before one of a dialect, and that before a fact.
pub(crate) fn state_updates<'a>(text: &'a [u8], rules: &Rules, take: impl FnMut(StateUpdate<'a>)) {
    let known = known_meaning(text, rules.dialects());
    if !rules.has_state() {
        return known.updates(text, take);
    }
    let mut meaning = (*known).clone();
    rules.state().for_each(|rule| rule.apply(text, &mut meaning));
    name_role(&mut meaning, text, rules.words());
    meaning.updates(text, take);
}

/// Meanings by the shapes of texts.
#[derive(Default)]
struct KnownMeanings {
    /// The number of the dialects, and those of them that count.
    dialects: Option<(u64, DialectChoice)>,
    meanings: ShapeMap<Rc<StateMeaning>>,
}

impl KnownMeanings {
    fn are_of(&self, dialects: ChosenDialects<'_>) -> bool {
        let own = self.dialects.as_ref();
        own.is_some_and(|(number, choice)| {
            *number == dialects.number() && choice == dialects.choice
        })
    }
}

thread_local! {
    static KNOWN: RefCell<KnownMeanings> = RefCell::default();
}

/// The meaning of a text by facts and dialects, which is that of all texts of its shape unless a rule
/// tells digits apart.
fn known_meaning(text: &[u8], dialects: ChosenDialects<'_>) -> Rc<StateMeaning> {
    KNOWN.with_borrow_mut(|known| {
        if !known.are_of(dialects) {
            let dialects = Some((dialects.number(), dialects.choice.clone()));
            *known = KnownMeanings { dialects, ..KnownMeanings::default() };
        }
        match known.meanings.find(text) {
            Lookup::Known(meaning) => meaning.clone(),
            Lookup::New => Rc::new(meaning_of(text, dialects)),
            Lookup::Again => {
                let meaning = Rc::new(meaning_of(text, dialects));
                if !dialects.tell_digits_apart(text) {
                    known.meanings.keep(meaning.clone());
                }
                meaning
            }
        }
    })
}

fn meaning_of(text: &[u8], dialects: ChosenDialects<'_>) -> StateMeaning {
    let place = |fact: &[u8]| {
        let start = fact.as_ptr().addr() - text.as_ptr().addr();
        Word::At(start..start + fact.len())
    };
    let words = dialects.dialects.words();
    let values = state_facts(text, words).map(|fact| fact.map(place));
    let restart = event_name(text) == Some(STARTED);
    let mut meaning = StateMeaning { values, restart, ..StateMeaning::default() };
    dialects.state_rules(text).for_each(|rule| rule.apply(text, &mut meaning));
    name_role(&mut meaning, text, words);
    meaning
}

/// Gives a role in a word that is not built in its name.
fn name_role(meaning: &mut StateMeaning, text: &[u8], words: &StateWords) {
    let role = &mut meaning.values[StateKey::Role as usize];
    let own = role.as_ref().and_then(|role| words.own_role(&role.in_text(text)?));
    if let Some(own) = own {
        *role = Some(Word::Given(own.name().as_bytes().into()));
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
    use crate::meaning::dialects::files;
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

    /// The same text with other digits.
    fn renumbered(text: &str, seed: u64) -> String {
        let mut seed = seed | 1;
        let mut digit = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'0' + (seed >> 33) as u8 % 10)
        };
        text.chars().map(|own| if own.is_ascii_digit() { digit() } else { own }).collect()
    }

    /// Class: what is known of a text is used for one that differs from it in more than digits, or
    /// digits make a difference.
    fn check_renumbered(text: &str) {
        for seed in 0..8 {
            let text = renumbered(text, seed);
            let updates = |meaning: &StateMeaning| {
                let mut all = Vec::new();
                meaning.updates(text.as_bytes(), |update| all.push(update));
                all
            };
            let found = updates(&meaning_of(text.as_bytes(), Rules::default().dialects()));
            let known = updates(&known_meaning(text.as_bytes(), Rules::default().dialects()));
            assert_eq!(known, found, "{text}");
        }
    }

    #[test]
    fn texts_that_differ_in_digits_mean_the_same() {
        let samples = files().into_iter().flat_map(|(_, file)| file.sample);
        let logs: Vec<_> = samples.map(|sample| sample.log).collect();
        let lines: Vec<_> = logs.iter().flat_map(|log| log.lines()).collect();
        for line in &lines {
            let starts = line.match_indices(' ').map(|(at, _)| at + 1);
            starts.for_each(|start| check_renumbered(&line[start..]));
        }
        assert!(lines.len() > 50, "{} lines", lines.len());
        check_renumbered("Deleting Entries from index:0. last=3");
    }

    proptest::proptest! {
        #[test]
        fn any_texts_that_differ_in_digits_mean_the_same(
            text in "(became|votes for|term|to leader|[a-z=:>(),.]{1,5}|[0-9S-]{1,3}| ){0,14}"
        ) {
            check_renumbered(&text);
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
