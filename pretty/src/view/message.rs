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

/// What a line says of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) id: Option<String>,
    pub(super) end: End,
}

/// What happened to it at a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Sent,
    Received,
    /// It never arrived, and the log says why.
    Lost(String),
}

impl Message {
    pub(super) fn of(event: &Event<'_>, rules: &Rules) -> Option<Self> {
        rules.message(event).or_else(|| by_id(event)).or_else(|| by_sentence(event))
    }

    fn is_same(&self, other: &Self) -> bool {
        let ends = |message: &Self| (message.from.clone(), message.to.clone());
        self.id == other.id && self.kind == other.kind && ends(self) == ends(other)
    }

    /// Something the bytes of every line about this message contain.
    fn clue(&self) -> &str {
        self.id.as_ref().unwrap_or(&self.kind)
    }
}

/// `sends RequestVote in term 2 … to=1 id=0.1`, `receives …`, `… is lost: … to=1 id=0.1 why=…`.
fn by_id(event: &Event<'_>) -> Option<Message> {
    let safe = |bytes: &[u8]| make_safe(bytes, &mut String::new()).text().to_owned();
    let word = |key: &str| fact(&event.text, key.as_bytes()).map(safe);
    let id = word("id")?;
    let own = safe(&event.peer);
    let mut words = event.text.split(|byte| *byte == b' ');
    let kind = words.find(|word| !matches!(*word, b"sends" | b"receives")).map(safe)?;
    let (from, to, end) = match (&*event.topic, word("to"), word("from")) {
        (b"RPC", Some(to), None) => (own, to, End::Sent),
        (b"RPC", None, Some(from)) => (from, own, End::Received),
        (b"DROP", Some(to), None) => (own, to, End::Lost(word("why").unwrap_or_default())),
        _ => return None,
    };
    Some(Message { kind, from, to, id: Some(id), end })
}

/// `Sending RequestVote to 1.`, `RequestVote from 0`.
fn by_sentence(event: &Event<'_>) -> Option<Message> {
    static SENTENCE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?-u)^(Sending )?([A-Z]\w+) (?:to|from) (\d+)(?:\.|$)")
            .expect("a test compiles it")
    });
    let groups = SENTENCE.captures(&event.text)?;
    let text = |group: &[u8]| String::from_utf8_lossy(group).into_owned();
    let kind = text(groups.get(2)?.as_bytes());
    let (own, other) = (text(&event.peer), text(groups.get(3)?.as_bytes()));
    let is_from = event.text.windows(6).any(|six| six == b" from ");
    match (groups.get(1).is_some(), is_from) {
        (true, false) => Some(Message { kind, from: own, to: other, id: None, end: End::Sent }),
        (false, true) => Some(Message { kind, from: other, to: own, id: None, end: End::Received }),
        _ => None,
    }
}

impl LogView {
    fn message_at(&self, line: usize) -> Option<Message> {
        match self.store.line(line) {
            Line::Event(event) => Message::of(&event, &self.rules),
            Line::Header(_) | Line::Other(..) => None,
        }
    }

    /// The line of the other end of the selected message, among all lines.
    pub(super) fn other_end(&self) -> Option<usize> {
        let line = self.cursor()?;
        self.find_end(line, &self.message_at(line)?).map(|(line, _)| line)
    }

    fn find_end(&self, line: usize, message: &Message) -> Option<(usize, End)> {
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
        message: &Message,
        mut lines: impl Iterator<Item = usize>,
    ) -> Option<(usize, End)> {
        let clue = Finder::new(message.clue());
        let found = lines.find_map(|line| {
            clue.find(self.store.bytes(line))?;
            let other = self.message_at(line).filter(|other| other.is_same(message))?;
            // Without an id the next message the same way ends the search; with one a second
            // line of the same end is a copy of the message.
            (message.id.is_none() || other.end != message.end).then_some((line, other.end))
        });
        found.filter(|(_, end)| *end != message.end)
    }

    /// The selected message in a line: who, to whom, when, how long it took, whether it was lost.
    pub(super) fn message_line(&self) -> Option<String> {
        let line = self.cursor()?;
        let message = self.message_at(line)?;
        let Message { kind, from, to, id, .. } = &message;
        let id = id.as_ref().map_or_else(String::new, |id| format!("  id={id}"));
        let name = format!("{kind} {from} → {to}{id}");
        let fate = match (&message.end, &self.find_end(line, &message)) {
            (End::Lost(why), _) | (_, Some((_, End::Lost(why)))) => format!("LOST: {why}"),
            (End::Sent, Some((other, _))) => self.travel(line, *other),
            (End::Received, Some((other, _))) => self.travel(*other, line),
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

    fn message(topic: &str, peer: &str, text: &str) -> Option<Message> {
        let [topic, peer, text] = [topic, peer, text].map(|text| text.as_bytes().into());
        Message::of(&Event { stamp: None, topic, peer, text }, &Rules::default())
    }

    #[test]
    fn both_ends_are_the_same_message() {
        for (sent, received) in [
            ("sends RequestVote in term 2: log to=1 id=0.7", "receives RequestVote from=0 id=0.7"),
            ("Sending RequestVote to 1.", "RequestVote from 0"),
            ("Sending AppendEntries to 1.", "AppendEntries from 0. args:&{Term:1}"),
        ] {
            let sent = message("RPC", "0", sent).expect("a message");
            let received = message("RPC", "1", received).expect("a message");
            assert_eq!((&sent.end, &received.end), (&End::Sent, &End::Received));
            assert!(sent.is_same(&received), "{sent:?} {received:?}");
        }
        let lost = message("DROP", "0", "RequestVote to 1 is lost: cut to=1 id=0.7 why=cut");
        assert_eq!(lost.map(|lost| lost.end), Some(End::Lost("cut".to_owned())));
        for text in ["refuses vote to 1 to=1 id=1.1", "Received RequestVote response from 1.", ""] {
            assert_eq!(message("VOTE", "0", text), None, "{text}");
        }
    }

    #[test]
    fn lengths_read_well() {
        let read = [0, 1_500, 4_207_000, 1_000_000_000, -2_500_000].map(length);
        assert_eq!(read, ["0 µs", "1.5 µs", "4.207 ms", "1 s", "-2.5 ms"]);
    }
}
