//! The samples of a dialect: whether their states and messages are read as its file says.

use std::collections::BTreeMap;

use crate::line::Line;
use crate::meaning::dialect_file::DialectFile;
use crate::meaning::message::{Message, MessageFate};
use crate::meaning::rule_set::Rules;
use crate::parse::Parser;
use crate::style::color::Depth;
use crate::style::theme::Background;
use crate::view::{Chunk, LogView};

/// States and messages in the samples of a dialect that these rules read in another way than its file
/// says.
#[must_use]
pub fn dialect_differences(file: &DialectFile, rules: &Rules, parser: &Parser) -> Vec<String> {
    let mut wrong = Vec::new();
    for sample in &file.sample {
        let log = &sample.log;
        let (states, messages) = (states(log, rules, parser), messages(log, rules, parser));
        if states.is_empty() && !sample.state.is_empty() {
            wrong.push(NO_PEERS.to_owned());
            continue;
        }
        for (peer, state) in &states {
            match sample.state.get(peer) {
                Some(expected) if expected == state => {}
                Some(expected) => wrong.push(format!("peer {peer} is {state:?}, not {expected:?}")),
                None => wrong.push(format!("peer {peer} is {state:?}, which `state` leaves out")),
            }
        }
        for peer in sample.state.keys().filter(|peer| !states.contains_key(*peer)) {
            let found = states.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            wrong.push(format!("no peer {peer}; peers of the log: {found}"));
        }
        if messages != sample.messages {
            wrong.push(format!("messages: {messages:?}, not {:?}", sample.messages));
        }
    }
    wrong
}

fn states(log: &str, rules: &Rules, parser: &Parser) -> BTreeMap<String, String> {
    let chunk = Chunk::index_with(log.as_bytes().to_vec(), parser.clone(), rules);
    let mut view = LogView::new(Background::Dark, Depth::None).with_rules(rules.clone());
    view.append(chunk);
    view.select(usize::MAX);
    let text = |pairs: Vec<(&str, String)>| {
        let words = pairs.into_iter().map(|(key, value)| format!("{key}={value}"));
        words.collect::<Vec<_>>().join(" ")
    };
    view.peer_states().into_iter().map(|(peer, pairs)| (peer, text(pairs))).collect()
}

fn messages(log: &str, rules: &Rules, parser: &Parser) -> Vec<String> {
    let mut parser = parser.clone();
    parser.look_at(log.as_bytes());
    let message = |line: &str| {
        let Line::Event(event) = parser.parse(line.as_bytes()) else { return None };
        let message = Message::of(&event, rules)?;
        let fate = match message.fate {
            MessageFate::Sent => "sent",
            MessageFate::Received => "received",
            MessageFate::Lost(_) => "lost",
            MessageFate::Answered => "answered",
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let [from, to, kind] = [message.from, message.to, message.kind].map(text);
        Some(format!("{from} -> {to} {kind} {fate}"))
    };
    log.lines().filter_map(message).collect()
}

const NO_PEERS: &str = "no peers in the log of a [[sample]]; if its format is your own, check both files \
                        together, or name it in [formats] of pretty.toml";
