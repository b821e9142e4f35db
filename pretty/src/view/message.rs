//! Messages: what a line says of one, and where its other end is.
//!
//! Lines with an `id=` are paired by it. Without one, in the words of the Go labs, a message is
//! taken to be received before the next of its kind is sent the same way; so a lost message never
//! shifts the pairs after it.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use regex::bytes::Regex;

use super::LogView;
use super::rules::Rules;
use super::told::fact;
use crate::line::{Event, Line};
use crate::text::make_safe;
use crate::time::Time;

/// What a line says of a message, in its own bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What kind of message it is: `RequestVote`.
    pub kind: &'a [u8],
    /// The peer that sent it.
    pub from: &'a [u8],
    /// The peer it was sent to.
    pub to: &'a [u8],
    /// Its number, the same wherever it is spoken of.
    pub id: Option<&'a [u8]>,
    /// What happened to it here.
    pub fate: MessageFate<'a>,
}

/// What happened to a message at a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageFate<'a> {
    /// It was sent.
    Sent,
    /// It was received.
    Received,
    /// It never arrived; why, if the log says so.
    Lost(&'a [u8]),
    /// Its answer was received, by the peer that had sent it.
    Answered,
}

impl<'a> Message<'a> {
    /// The message a line speaks of, if it does; the user's rules come first.
    #[must_use]
    pub fn of(event: &'a Event<'_>, rules: &Rules) -> Option<Self> {
        rules.message(event).or_else(|| by_id(event)).or_else(|| by_pattern(event))
    }

    fn is_same(&self, other: &Message<'_>) -> bool {
        (self.id, self.kind, self.from, self.to) == (other.id, other.kind, other.from, other.to)
    }

    /// What another line about a message of the same kind, the same way, makes of this one.
    fn compare(&self, other: &Message<'_>, search_for: SearchFor) -> Relation {
        match (search_for, self.fate, other.fate) {
            (
                SearchFor::OtherEnd,
                MessageFate::Sent | MessageFate::Received | MessageFate::Answered,
                MessageFate::Lost(why),
            ) => Relation::Outcome(Outcome::Lost(safe(why))),
            (
                SearchFor::OtherEnd,
                MessageFate::Sent | MessageFate::Answered,
                MessageFate::Received,
            )
            | (
                SearchFor::OtherEnd,
                MessageFate::Received | MessageFate::Lost(_),
                MessageFate::Sent,
            ) => Relation::Outcome(Outcome::Arrived),
            (SearchFor::Answer, _, MessageFate::Answered) => Relation::Outcome(Outcome::Answered),
            // An answer to an earlier one.
            (
                SearchFor::OtherEnd,
                MessageFate::Sent | MessageFate::Received | MessageFate::Lost(_),
                MessageFate::Answered,
            ) => Relation::Unrelated,
            // With a number a second line of the same end is a copy of the message; without one
            // it is about the next message.
            _ if self.id.is_some() => Relation::Unrelated,
            _ => Relation::OtherMessage,
        }
    }

    /// Something the bytes of every line about this message contain.
    fn needle(&self) -> &'a [u8] {
        self.id.unwrap_or(self.kind)
    }
}

/// `sends RequestVote in term 2 … to=1 id=0.1`, `receives …`, `… is lost: … to=1 id=0.1 why=…`.
fn by_id<'a>(event: &'a Event<'_>) -> Option<Message<'a>> {
    let word = |key: &str| fact(&event.text, key.as_bytes());
    let id = word("id")?;
    let own = &*event.peer;
    let mut words = event.text.split(|byte| *byte == b' ');
    let kind = words.find(|word| !matches!(*word, b"sends" | b"receives"))?;
    let (from, to, fate) = match (&*event.topic, word("to"), word("from")) {
        (b"RPC", Some(to), None) => (own, to, MessageFate::Sent),
        (b"RPC", None, Some(from)) => (from, own, MessageFate::Received),
        (b"DROP", Some(to), None) => (own, to, MessageFate::Lost(word("why").unwrap_or_default())),
        _ => return None,
    };
    Some(Message { kind, from, to, id: Some(id), fate })
}

/// `Sending RequestVote to 1.`, `RequestVote from 0`, `Received RequestVote response from 1.`.
fn by_pattern<'a>(event: &'a Event<'_>) -> Option<Message<'a>> {
    static SENTENCE: LazyLock<Regex> = LazyLock::new(|| {
        let ends = r"Sending ([A-Z]\w+) to|([A-Z]\w+) from|Received ([A-Z]\w+) response from";
        Regex::new(&format!(r"(?-u)^(?:{ends}) (\d+)(?:\.|$)")).expect("a test compiles it")
    });
    // Nearly every other line is out here.
    if !event.text.first().is_some_and(u8::is_ascii_uppercase) {
        return None;
    }
    let groups = SENTENCE.captures(&event.text)?;
    let group = |number: usize| groups.get(number).map(|found| found.as_bytes());
    let (own, other) = (&*event.peer, group(4)?);
    let (kind, from, to, fate) = match (group(1), group(2), group(3)) {
        (Some(kind), ..) => (kind, own, other, MessageFate::Sent),
        (None, Some(kind), _) => (kind, other, own, MessageFate::Received),
        (None, None, kind) => (kind?, own, other, MessageFate::Answered),
    };
    Some(Message { kind, from, to, id: None, fate })
}

impl LogView {
    /// The line of the other end of the selected message, among all lines.
    pub(super) fn other_end(&self) -> Option<usize> {
        let line = self.cursor()?;
        let find =
            |event: &Event<'_>| self.find_counterpart(line, &Message::of(event, &self.rules)?);
        self.store.read_event(line, find)?.map(|(line, _)| line)
    }

    fn find_counterpart(&self, line: usize, message: &Message<'_>) -> Option<(usize, Outcome)> {
        let after = line + 1..self.store.len().min(line + LINES_MAX);
        let before = line.saturating_sub(LINES_MAX)..line;
        match message.fate {
            MessageFate::Sent => self.find_same(message, SearchFor::OtherEnd, after),
            MessageFate::Received | MessageFate::Lost(_) | MessageFate::Answered => {
                self.find_same(message, SearchFor::OtherEnd, before.rev())
            }
        }
    }

    /// When the answer to a message came that was received at a line.
    fn find_answer(&self, line: usize, message: &Message<'_>) -> Option<usize> {
        let after = line + 1..self.store.len().min(line + LINES_MAX);
        self.find_same(message, SearchFor::Answer, after).map(|(line, _)| line)
    }

    /// The first of some lines that says more of a message, if that can be only this one.
    fn find_same(
        &self,
        message: &Message<'_>,
        search_for: SearchFor,
        mut lines: impl Iterator<Item = usize>,
    ) -> Option<(usize, Outcome)> {
        let needle = Finder::new(message.needle());
        lines.find_map(|line| {
            let text = self.store.text(line);
            needle.find(&text)?;
            let Line::Event(event) = self.store.parser_at(line).parse(&text) else {
                return None;
            };
            let other = Message::of(&event, &self.rules).filter(|other| other.is_same(message))?;
            match message.compare(&other, search_for) {
                Relation::Outcome(outcome) => Some(Some((line, outcome))),
                Relation::OtherMessage => Some(None),
                Relation::Unrelated => None,
            }
        })?
    }

    /// The selected message in a line: who, to whom, when, how long it took, whether it was lost.
    pub(super) fn message_line(&self) -> Option<String> {
        let line = self.cursor()?;
        self.store.read_event(line, |event| self.describe(line, event))?
    }

    fn describe(&self, line: usize, event: &Event<'_>) -> Option<String> {
        let message = Message::of(event, &self.rules)?;
        let Message { kind, from, to, id, fate } = message;
        let id = id.map_or_else(String::new, |id| format!("  id={}", safe(id)));
        let name = format!("{} {} → {}{id}", safe(kind), safe(from), safe(to));
        let other = self.find_counterpart(line, &message);
        let outcome = match (fate, other) {
            (MessageFate::Lost(why), _) => format!("LOST: {}", safe(why)),
            (_, Some((_, Outcome::Lost(why)))) => format!("LOST: {why}"),
            (MessageFate::Sent, Some((other, _))) => self.describe_delivery(line, other, &message),
            (MessageFate::Received, Some((other, _))) => {
                self.describe_delivery(other, line, &message)
            }
            (MessageFate::Answered, Some((received, _))) => {
                let request = Message { fate: MessageFate::Received, ..message };
                let sent = self.find_counterpart(received, &request);
                sent.map(|(sent, _)| self.describe_delivery(sent, received, &message))
                    .unwrap_or_default()
            }
            (MessageFate::Sent, None) => "never received: LOST?".to_owned(),
            (MessageFate::Received, None) => "no line says it was sent".to_owned(),
            (MessageFate::Answered, None) => "an answer, to one of several".to_owned(),
        };
        Some(format!("{name}  {outcome}"))
    }

    fn describe_delivery(&self, sent: usize, received: usize, message: &Message<'_>) -> String {
        let stamps = self.timestamp(sent).zip(self.timestamp(received));
        let Some(((sent, sent_at), (received_text, received_at))) = stamps else {
            return format!("sent in line {}, received in line {}", sent + 1, received + 1);
        };
        let after = |at: Option<Time>| {
            let took = sent_at.zip(at).map(|(sent, at)| at.since(sent));
            took.map_or_else(String::new, |took| {
                format!(" after {}", format_duration(took.nanos()))
            })
        };
        let answer = self.find_answer(received, message).and_then(|line| self.timestamp(line));
        let answer = answer.map(|(text, at)| format!(", answer {text}{}", after(at)));
        let answer = answer.unwrap_or_default();
        format!("sent {sent}, received {received_text}{}{answer}", after(received_at))
    }

    /// The time of an event, as written and as a point in time.
    fn timestamp(&self, line: usize) -> Option<(String, Option<Time>)> {
        let stamp =
            |event: &Event<'_>| event.stamp.as_ref().map(|stamp| (safe(&stamp.text), stamp.at));
        self.store.read_event(line, stamp)?
    }
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SearchFor {
    OtherEnd,
    Answer,
}

/// What a line tells about a message.
enum Relation {
    Outcome(Outcome),
    /// That it is about another one: what comes beyond cannot be about this one.
    OtherMessage,
    Unrelated,
}

/// What became of a message.
enum Outcome {
    Arrived,
    Answered,
    /// It never arrived, and why.
    Lost(String),
}

fn safe(bytes: &[u8]) -> String {
    make_safe(bytes, &mut String::new()).text().to_owned()
}

/// A length of time in the largest unit that keeps it above one.
fn format_duration(nanos: i64) -> String {
    let (divisor, unit) = match nanos.unsigned_abs() {
        0..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let (whole, rest) = (nanos / divisor, (nanos % divisor).unsigned_abs());
    let thousandths = rest * 1000 / divisor.unsigned_abs();
    let fraction = format!(".{thousandths:03}");
    format!("{whole}{} {unit}", fraction.trim_end_matches('0').trim_end_matches('.'))
}

/// How far away the other end is looked for: a few milliseconds' work.
pub(super) const LINES_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn event(topic: &str, peer: &str, text: &str) -> Event<'static> {
        Event {
            stamp: None,
            topic: topic.as_bytes().to_vec().into(),
            peer: peer.as_bytes().to_vec().into(),
            text: text.as_bytes().to_vec().into(),
        }
    }

    #[test]
    fn both_ends_are_the_same_message() {
        let rules = &Rules::default();
        for (sent, received) in [
            ("sends RequestVote in term 2: log to=1 id=0.7", "receives RequestVote from=0 id=0.7"),
            ("Sending RequestVote to 1.", "RequestVote from 0"),
            ("Sending AppendEntries to 1.", "AppendEntries from 0. args:&{Term:1}"),
        ] {
            let (sent, received) = (event("RPC", "0", sent), event("RPC", "1", received));
            let sent = Message::of(&sent, rules).expect("a message");
            let received = Message::of(&received, rules).expect("a message");
            assert_eq!((sent.fate, received.fate), (MessageFate::Sent, MessageFate::Received));
            assert!(sent.is_same(&received), "{sent:?} {received:?}");
        }
        let lost = event("DROP", "0", "RequestVote to 1 is lost: cut to=1 id=0.7 why=cut");
        assert_eq!(
            Message::of(&lost, rules).map(|lost| lost.fate),
            Some(MessageFate::Lost(b"cut"))
        );
        let answer = event("RPC", "0", "Received RequestVote response from 1.");
        let answer = Message::of(&answer, rules).expect("a message");
        assert_eq!(
            (answer.from, answer.to, answer.fate),
            (&b"0"[..], &b"1"[..], MessageFate::Answered)
        );
        for text in ["refuses vote to 1 to=1 id=1.1", "Received RequestVote response", ""] {
            assert_eq!(Message::of(&event("VOTE", "0", text), rules), None, "{text}");
        }
    }

    #[test]
    fn lengths_read_well() {
        let read = [0, 1_500, 4_207_000, 1_000_000_000, -2_500_000].map(format_duration);
        assert_eq!(read, ["0 µs", "1.5 µs", "4.207 ms", "1 s", "-2.5 ms"]);
    }
}
