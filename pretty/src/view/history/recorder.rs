//! Line → [`HistoryEvent`]s: what the history of a log is made from.

use crate::class::Class;
use crate::meaning::peer_state::state_updates;
use crate::meaning::rules::Rules;
use crate::meaning::sentences::TEST_STARTS;
use crate::meaning::state::{STATE_KEYS, StateUpdate};
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
            Class::Blank | Class::Plain | Class::Test | Class::Passed => {}
        }
    }

    pub(crate) fn event(&mut self, line: u32, peer: PeerId, text: &[u8]) {
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
            StateUpdate::Increment(key) => {
                said[key as usize] = None;
                push(HistoryChange::Increment(peer, key));
            }
            StateUpdate::Set(key, value) => {
                let said = &mut said[key as usize];
                if said.as_deref() != Some(&*value) {
                    *said = Some((&*value).into());
                    push(HistoryChange::Set(peer, key, (&*value).into()));
                }
            }
        });
    }

    fn push(&mut self, line: u32, change: HistoryChange) {
        self.list.push(HistoryEvent { line, change });
    }
}
