//! The meaning of lines as the page's script reads it, for its diagram and the states in it.
//!
//! ```text
//! {"m":["S","RequestVote","1","0","1.1"],"s":{"role":"LOOKING","as":"candidate","term":"3"},"x":1}
//! ```
//!
//! `m` is a message: sent, received, lost or answered, its kind, sender, receiver, number and the reason
//! of a loss; `s` are the values of the line's peer that change, and as what
//! its role is drawn; with `x` it has forgotten the others;
//! `o` are peers that are down or cut off from here on, or, with an empty word, no longer.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::diagram::Role;
use crate::line::Event;
use crate::meaning::message::{Message, MessageFate};
use crate::meaning::peer_state::state_updates;
use crate::meaning::rule_set::Rules;
use crate::meaning::state::{STATE_KEYS, StateKey, StateUpdate};
use crate::text::safe_text;

/// The states of the peers so far. Beyond [`PEERS_MAX`] peers none are remembered.
#[derive(Debug, Default)]
pub(super) struct MeaningWriter {
    rules: Rules,
    states: HashMap<Box<[u8]>, State>,
}

/// A value for each of [`STATE_KEYS`].
type State = [Option<String>; STATE_KEYS.len()];

#[derive(Default, Serialize)]
struct Meaning {
    #[serde(skip_serializing_if = "Option::is_none")]
    m: Option<Vec<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    s: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    o: Vec<(String, String)>,
}

impl MeaningWriter {
    pub(super) fn with_rules(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// The meaning of an event, if it has any.
    pub(super) fn meaning(&mut self, event: &Event<'_>) -> Option<String> {
        let mut meaning = Meaning::default();
        self.update_state(event, &mut meaning);
        let message = Message::of(event, &self.rules);
        meaning.m = message.map(|message| message_fields(&message));
        let has_state = !meaning.s.is_empty() || meaning.x.is_some() || !meaning.o.is_empty();
        if meaning.m.is_none() && !has_state { None } else { serde_json::to_string(&meaning).ok() }
    }

    fn update_state(&mut self, event: &Event<'_>, meaning: &mut Meaning) {
        let has_peer = &*event.peer != Event::NO_PEER;
        let before = self.states.get(&*event.peer).cloned().unwrap_or_default();
        let (mut now, mut statuses) = (before.clone(), Vec::new());
        state_updates(&event.text, &self.rules, |update| match update {
            StateUpdate::Restart => (now, meaning.x) = (State::default(), Some(1)),
            StateUpdate::Set(key, value) => now[key as usize] = Some(safe_text(&value)),
            StateUpdate::Increment(key) => {
                let value = now[key as usize].as_ref().and_then(|value| value.parse::<u64>().ok());
                now[key as usize] = Some((value.unwrap_or(0).saturating_add(1)).to_string());
            }
            StateUpdate::Status(of, status) => {
                let peer = of.as_deref().unwrap_or(&event.peer);
                let status = status.map_or_else(String::new, |status| safe_text(&status));
                statuses.push((safe_text(peer), status));
            }
        });
        meaning.o = statuses;
        let has_room = self.states.contains_key(&*event.peer) || self.states.len() < PEERS_MAX;
        if !has_peer || !has_room {
            meaning.x = None;
            return;
        }
        for ((key, before), now) in STATE_KEYS.into_iter().zip(before).zip(&now) {
            let is_new = |now: &&String| meaning.x.is_some() || before.as_ref() != Some(*now);
            if let Some(now) = now.as_ref().filter(is_new) {
                meaning.s.insert(key, now.clone());
                if key == STATE_KEYS[StateKey::Role as usize] {
                    meaning.s.insert("as", Role::of(now.as_bytes()).name().to_owned());
                }
            }
        }
        if meaning.x.is_some() || !meaning.s.is_empty() {
            self.states.insert((&*event.peer).into(), now);
        }
    }
}

fn message_fields(message: &Message<'_>) -> Vec<String> {
    let (fate, why) = match message.fate {
        MessageFate::Sent => ("S", None),
        MessageFate::Received => ("R", None),
        MessageFate::Lost(why) => ("L", Some(why)),
        MessageFate::Answered => ("A", None),
    };
    let Message { kind, from, to, id, .. } = message;
    let fields = [kind, from, to, &id.unwrap_or(b"")].map(|field| safe_text(field));
    std::iter::once(fate.to_owned()).chain(fields).chain(why.map(safe_text)).collect()
}

const PEERS_MAX: usize = 1024;
