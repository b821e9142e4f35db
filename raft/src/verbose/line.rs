//! One line of a log, as text and as JSON.

use std::fmt::{self, Display, Write};

use crate::types::Instant;

/// Defines [`Topic`]: each variant's printed name and its meaning, which is its doc.
macro_rules! topics {
    ($($name:ident $printed:literal $meaning:literal,)+) => {
        /// The subject of a line.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Topic {
            $(#[doc = $meaning] $name,)+
        }

        impl Topic {
            /// The topic as it is printed.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $printed,)+
                }
            }
        }
    };
}

topics! {
    Clnt "CLNT" "clients",
    Cmit "CMIT" "commit and apply",
    Consist "CONSIST" "consistency checks",
    Drop "DROP" "entries deleted, messages lost",
    Erro "ERRO" "failures",
    Info "INFO" "other",
    Lead "LEAD" "leaders",
    Log1 "LOG1" "next_index and match_index",
    Log2 "LOG2" "log contents",
    Pers "PERS" "persistence",
    Repl "REPL" "entries added",
    Rpc "RPC" "messages",
    Snap "SNAP" "snapshots",
    State "STATE" "role changes",
    Term "TERM" "terms",
    Test "TEST" "the tester",
    Timr "TIMR" "timers",
    Vote "VOTE" "votes",
}

/// The value of a fact.
#[derive(Clone, Copy)]
pub enum Fact<'a> {
    /// A number.
    Number(u64),
    /// Anything else; without spaces, so that `key=value` stays one word.
    Word(&'a dyn Display),
}

/// One line.
///
/// ```
/// use raft::Instant;
/// use raft::verbose::{Fact, Line, Topic};
/// let line = Line {
///     at: Instant::from_nanos(1_234_567_000),
///     topic: Topic::Vote,
///     peer: &1,
///     text: format_args!("grants vote to {}", 2),
///     facts: &[("term", Fact::Number(3))],
///     event: "vote_granted",
/// };
/// let text = "001234.567 | VOTE | 1 | grants vote to 2 term=3 event=vote_granted\n";
/// assert_eq!(line.to_text(), text);
/// ```
pub struct Line<'a> {
    /// The time.
    pub at: Instant,
    /// The subject.
    pub topic: Topic,
    /// The peer: its number, `C1` for a client, `-` for the tester.
    pub peer: &'a dyn Display,
    /// The sentence, for people.
    pub text: fmt::Arguments<'a>,
    /// The facts, for programs.
    pub facts: &'a [(&'a str, Fact<'a>)],
    /// The event's name in snake case, the line's last fact: programs need not match sentences.
    pub event: &'a str,
}

impl Line<'_> {
    /// The line as text, with its newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        let us = self.at.as_nanos() / 1000;
        let (ms, us) = (us / 1000, us % 1000);
        let (topic, peer, text) = (self.topic.as_str(), self.peer, self.text);
        let mut line = format!("{ms:06}.{us:03} | {topic} | {peer} | {text}");
        for (key, fact) in self.facts {
            line.push(' ');
            line.push_str(key);
            line.push('=');
            match fact {
                Fact::Number(number) => push(&mut line, number),
                Fact::Word(word) => push(&mut line, word),
            }
        }
        line.push_str(" event=");
        line.push_str(self.event);
        line.push('\n');
        line
    }

    /// The line as a JSON object, with its newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        let t_us = self.at.as_nanos() / 1000;
        let topic = self.topic.as_str();
        let (peer, text) = (json_string(self.peer), json_string(self.text));
        let mut line =
            format!("{{\"t_us\":{t_us},\"topic\":\"{topic}\",\"peer\":{peer},\"msg\":{text}");
        for (key, fact) in self.facts {
            line.push(',');
            line.push_str(&json_string(key));
            line.push(':');
            match fact {
                Fact::Number(number) => push(&mut line, number),
                Fact::Word(word) => line.push_str(&json_string(word)),
            }
        }
        line.push_str(",\"event\":\"");
        line.push_str(self.event);
        line.push_str("\"}\n");
        line
    }
}

fn push(line: &mut String, value: impl Display) {
    // Writing to a string cannot fail.
    let _ = write!(line, "{value}");
}

/// A JSON string (RFC 8259 §7).
pub(super) fn json_string(value: impl Display) -> String {
    let mut quoted = String::from('"');
    for character in value.to_string().chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            control if control < ' ' => {
                quoted.push_str("\\u");
                push(&mut quoted, format_args!("{:04x}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object_whatever_its_text() {
        let line = Line {
            at: Instant::from_nanos(12_345_678),
            topic: Topic::Test,
            peer: &"-",
            text: format_args!("says \"a\\b\"\n\u{1}"),
            facts: &[("id", Fact::Word(&"1.7")), ("term", Fact::Number(3))],
            event: "noted",
        };
        assert_eq!(
            line.to_json(),
            "{\"t_us\":12345,\"topic\":\"TEST\",\"peer\":\"-\",\
             \"msg\":\"says \\\"a\\\\b\\\"\\n\\u0001\",\"id\":\"1.7\",\"term\":3,\"event\":\"noted\"}\n"
        );
    }
}
