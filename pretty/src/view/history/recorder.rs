//! Line → [`HistoryEvent`]s: what the history of a log is made from.

use crate::class::Class;
use crate::meaning::peer_state::state_updates;
use crate::meaning::rule_set::Rules;
use crate::meaning::state::{STATE_KEYS, StateKey, StateUpdate};
use crate::meaning::topics::TEST_STARTS;
use crate::view::history::event::{HistoryChange, HistoryEvent};
use crate::view::log::ids::PeerId;

/// Records the history of a chunk; values that do not change are left out.
#[derive(Debug, Default)]
pub(crate) struct HistoryRecorder {
    list: Vec<HistoryEvent>,
    said: Vec<[Option<Box<[u8]>>; STATE_KEYS.len()]>,
    rules: Rules,
}

impl HistoryRecorder {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    pub(crate) fn into_list(self) -> Vec<HistoryEvent> {
        self.list
    }

    /// An event whose topic alone makes it an error.
    pub(crate) fn error(&mut self, line: u32) {
        self.push(line, HistoryChange::Error);
    }

    /// The first line of a run: no value before it holds.
    pub(crate) fn header(&mut self, line: u32) {
        self.said.clear();
        self.push(line, HistoryChange::NewRun);
    }

    pub(crate) fn other(&mut self, line: u32, class: Class, text: &[u8]) {
        if matches!(class, Class::Test | Class::Passed | Class::Failed) {
            self.push(line, HistoryChange::Test);
        }
        match class {
            Class::Failed | Class::Panic | Class::Race => self.push(line, HistoryChange::Error),
            Class::Test if TEST_STARTS.iter().any(|start| text.starts_with(start)) => {
                self.push(line, HistoryChange::NewTest);
            }
            Class::Blank | Class::Plain | Class::Test | Class::Passed | Class::Lead => {}
        }
    }

    /// An event of a peer; `id` gives other peers their numbers.
    pub(crate) fn event(
        &mut self,
        line: u32,
        peer: Option<PeerId>,
        text: &[u8],
        mut id: impl FnMut(&[u8]) -> PeerId,
    ) {
        let Some(peer) = peer else {
            return self.tester(line, text, id);
        };
        let own = usize::from(peer.0);
        if self.said.len() <= own {
            self.said.resize_with(own + 1, Default::default);
        }
        let Self { list, said, rules } = self;
        let said = &mut said[own];
        let mut push = |change| list.push(HistoryEvent { line, change });
        state_updates(text, rules, |update| match update {
            StateUpdate::Restart => {
                *said = Default::default();
                push(HistoryChange::Restart(peer));
            }
            StateUpdate::Status(of, status) => {
                let peer = of.map_or(peer, |name| id(&name));
                push(HistoryChange::Status(peer, status.map(|status| (&*status).into())));
            }
            StateUpdate::Increment(key) => {
                if key == StateKey::Term {
                    said[StateKey::Vote as usize] = None;
                }
                said[key as usize] = None;
                push(HistoryChange::Increment(peer, key));
            }
            StateUpdate::Set(key, value) => {
                if said[key as usize].as_deref() != Some(&*value) {
                    if key == StateKey::Term {
                        said[StateKey::Vote as usize] = None;
                    }
                    said[key as usize] = Some((&*value).into());
                    push(HistoryChange::Set(peer, key, (&*value).into()));
                }
            }
        });
    }

    /// A line of no peer may say that one is down or cut off.
    fn tester(&mut self, line: u32, text: &[u8], mut id: impl FnMut(&[u8]) -> PeerId) {
        let Self { list, rules, .. } = self;
        state_updates(text, rules, |update| {
            if let StateUpdate::Status(Some(of), status) = update {
                let change = HistoryChange::Status(id(&of), status.map(|status| (&*status).into()));
                list.push(HistoryEvent { line, change });
            }
        });
    }

    fn push(&mut self, line: u32, change: HistoryChange) {
        self.list.push(HistoryEvent { line, change });
    }
}
