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
use crate::line::{Event, Line, Stamp};
use crate::text::make_safe;

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
    pub end: End<'a>,
}

/// What happened to a message at a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End<'a> {
    /// It was sent.
    Sent,
    /// It was received.
    Received,
    /// It never arrived; why, if the log says so.
    Lost(&'a [u8]),
}

impl<'a> Message<'a> {
    /// The message a line speaks of, if it does; the user's own rules come first.
    #[must_use]
    pub fn of(event: &'a Event<'_>, rules: &Rules) -> Option<Self> {
        rules.message(event).or_else(|| by_id(event)).or_else(|| by_sentence(event))
    }

    fn is_same(&self, other: &Message<'_>) -> bool {
        (self.id, self.kind, self.from, self.to) == (other.id, other.kind, other.from, other.to)
    }

    /// Something the bytes of every line about this message contain.
    fn clue(&self) -> &'a [u8] {
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
    let (from, to, end) = match (&*event.topic, word("to"), word("from")) {
        (b"RPC", Some(to), None) => (own, to, End::Sent),
        (b"RPC", None, Some(from)) => (from, own, End::Received),
        (b"DROP", Some(to), None) => (own, to, End::Lost(word("why").unwrap_or_default())),
        _ => return None,
    };
    Some(Message { kind, from, to, id: Some(id), end })
}

/// `Sending RequestVote to 1.`, `RequestVote from 0`.
fn by_sentence<'a>(event: &'a Event<'_>) -> Option<Message<'a>> {
    static SENTENCE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?-u)^(?:Sending ([A-Z]\w+) to|([A-Z]\w+) from) (\d+)(?:\.|$)")
            .expect("a test compiles it")
    });
    // Nearly every other line is out here.
    if !event.text.first().is_some_and(u8::is_ascii_uppercase) {
        return None;
    }
    let groups = SENTENCE.captures(&event.text)?;
    let group = |number: usize| groups.get(number).map(|found| found.as_bytes());
    let (own, other) = (&*event.peer, group(3)?);
    let (kind, from, to, end) = match (group(1), group(2)) {
        (Some(kind), _) => (kind, own, other, End::Sent),
        (None, kind) => (kind?, other, own, End::Received),
    };
    Some(Message { kind, from, to, id: None, end })
}

impl LogView {
    /// The line of the other end of the selected message, among all lines.
    pub(super) fn other_end(&self) -> Option<usize> {
        let line = self.cursor()?;
        let Line::Event(event) = self.store.line(line) else {
            return None;
        };
        self.find_end(line, &Message::of(&event, &self.rules)?).map(|(line, _)| line)
    }

    fn find_end(&self, line: usize, message: &Message<'_>) -> Option<(usize, Fate)> {
        let after = line + 1..self.store.len().min(line + LINES_MAX);
        let before = line.saturating_sub(LINES_MAX)..line;
        match message.end {
            End::Sent => self.pair(message, after),
            End::Received | End::Lost(_) => self.pair(message, before.rev()),
        }
    }

    /// The first of some lines with the other end of a message.
    fn pair(
        &self,
        message: &Message<'_>,
        mut lines: impl Iterator<Item = usize>,
    ) -> Option<(usize, Fate)> {
        let clue = Finder::new(message.clue());
        let found = lines.find_map(|line| {
            clue.find(self.store.bytes(line))?;
            let Line::Event(event) = self.store.line(line) else {
                return None;
            };
            let other = Message::of(&event, &self.rules).filter(|other| other.is_same(message))?;
            let is_other_end = other.end != message.end;
            // Without an id the next message the same way ends the search; with one a second
            // line of the same end is a copy of the message.
            let fate = match other.end {
                End::Lost(why) => Fate::Lost(safe(why)),
                End::Sent | End::Received => Fate::Arrived,
            };
            (message.id.is_none() || is_other_end).then_some((line, is_other_end.then_some(fate)))
        });
        found.and_then(|(line, fate)| Some((line, fate?)))
    }

    /// The selected message in a line: who, to whom, when, how long it took, whether it was lost.
    pub(super) fn message_line(&self) -> Option<String> {
        let line = self.cursor()?;
        let Line::Event(event) = self.store.line(line) else {
            return None;
        };
        let message = Message::of(&event, &self.rules)?;
        let Message { kind, from, to, id, end } = message;
        let id = id.map_or_else(String::new, |id| format!("  id={}", safe(id)));
        let name = format!("{} {} → {}{id}", safe(kind), safe(from), safe(to));
        let fate = match (end, self.find_end(line, &message)) {
            (End::Lost(why), _) => format!("LOST: {}", safe(why)),
            (_, Some((_, Fate::Lost(why)))) => format!("LOST: {why}"),
            (End::Sent, Some((other, Fate::Arrived))) => self.travel(line, other),
            (End::Received, Some((other, Fate::Arrived))) => self.travel(other, line),
            (End::Sent, None) => "never received: LOST?".to_owned(),
            (End::Received, None) => "no line says it was sent".to_owned(),
        };
        Some(format!("{name}  {fate}"))
    }

    fn travel(&self, sent: usize, received: usize) -> String {
        let stamps = self.stamp(sent).zip(self.stamp(received));
        let Some((sent, received)) = stamps else {
            return format!("sent in line {}, received in line {}", sent + 1, received + 1);
        };
        let took = sent.at.zip(received.at).map(|(sent, received)| received.since(sent));
        let took = took.map_or_else(String::new, |took| format!(" after {}", length(took.nanos())));
        let text = |stamp: &Stamp<'_>| make_safe(&stamp.text, &mut String::new()).text().to_owned();
        format!("sent {}, received {}{took}", text(&sent), text(&received))
    }

    fn stamp(&self, line: usize) -> Option<Stamp<'_>> {
        match self.store.line(line) {
            Line::Event(event) => event.stamp,
            Line::Header(_) | Line::Other(..) => None,
        }
    }
}

/// What the other end of a message says became of it.
enum Fate {
    Arrived,
    /// It did not, and why.
    Lost(String),
}

fn safe(bytes: &[u8]) -> String {
    make_safe(bytes, &mut String::new()).text().to_owned()
}

/// A length of time in the largest unit that keeps it above one.
fn length(nanos: i64) -> String {
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
const LINES_MAX: usize = 100_000;

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
        for (sent, received) in [
            ("sends RequestVote in term 2: log to=1 id=0.7", "receives RequestVote from=0 id=0.7"),
            ("Sending RequestVote to 1.", "RequestVote from 0"),
            ("Sending AppendEntries to 1.", "AppendEntries from 0. args:&{Term:1}"),
        ] {
            let (sent, received) = (event("RPC", "0", sent), event("RPC", "1", received));
            let sent = Message::of(&sent, &Rules::default()).expect("a message");
            let received = Message::of(&received, &Rules::default()).expect("a message");
            assert_eq!((sent.end, received.end), (End::Sent, End::Received));
            assert!(sent.is_same(&received), "{sent:?} {received:?}");
        }
        let lost = event("DROP", "0", "RequestVote to 1 is lost: cut to=1 id=0.7 why=cut");
        assert_eq!(
            Message::of(&lost, &Rules::default()).map(|lost| lost.end),
            Some(End::Lost(b"cut"))
        );
        for text in ["refuses vote to 1 to=1 id=1.1", "Received RequestVote response from 1.", ""] {
            assert_eq!(Message::of(&event("VOTE", "0", text), &Rules::default()), None, "{text}");
        }
    }

    #[test]
    fn lengths_read_well() {
        let read = [0, 1_500, 4_207_000, 1_000_000_000, -2_500_000].map(length);
        assert_eq!(read, ["0 µs", "1.5 µs", "4.207 ms", "1 s", "-2.5 ms"]);
    }
}
