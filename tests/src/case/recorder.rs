//! Recording of decisions: those the seed draws, and those a case lists.

use std::collections::BTreeMap;

use raft::Instant;

use super::decision::{Decision, MessageName, Step};
use crate::sim::disk::{FlushFault, FlushStart};
use crate::sim::network::{Connection, MessageFaults, Sent};

/// The decisions of a run, in the order in which they were taken.
#[derive(Debug, Default)]
pub struct FaultRecorder {
    script: Script,
    taken: Vec<Decision>,
    steps: Recording,
}

/// State of the recording of steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Recording {
    #[default]
    On,
    /// Further steps are part of one that was recorded.
    Off,
}

/// The decisions of a case other than steps.
#[derive(Clone, Debug, Default)]
pub struct Script {
    messages: BTreeMap<MessageName, MessageFaults>,
    flushes: BTreeMap<(usize, u64), FlushFault>,
}

impl Script {
    /// The decisions of a list that are not steps.
    #[must_use]
    pub fn new(decisions: &[Decision]) -> Self {
        let mut script = Self::default();
        for decision in decisions {
            match decision {
                Decision::Lost(name) => script.message_mut(*name).lost = true,
                Decision::Late(name, delay) => script.message_mut(*name).late = Some(*delay),
                Decision::Twice(name, delay) => script.message_mut(*name).twice = Some(*delay),
                Decision::Flipped(name, bits) => script.message_mut(*name).flipped = Some(*bits),
                Decision::Flush { peer, number, fault } => {
                    script.flushes.insert((*peer, *number), *fault);
                }
                Decision::Step { .. } => {}
            }
        }
        script
    }

    fn message_mut(&mut self, name: MessageName) -> &mut MessageFaults {
        self.messages.entry(name).or_default()
    }
}

impl FaultRecorder {
    /// A recorder that adds the decisions of a script.
    #[must_use]
    pub const fn new(script: Script) -> Self {
        Self { script, taken: Vec::new(), steps: Recording::On }
    }

    /// All decisions so far.
    #[must_use]
    pub fn taken(&self) -> &[Decision] {
        &self.taken
    }

    /// Takes all decisions so far.
    pub fn take(&mut self) -> Vec<Decision> {
        std::mem::take(&mut self.taken)
    }

    /// Records a step at this time. Steps of the liveness phase are implied by its start.
    pub fn record_step(&mut self, at: Instant, step: Step) {
        if self.steps == Recording::On {
            if matches!(step, Step::Calm { .. }) {
                self.steps = Recording::Off;
            }
            self.taken.push(Decision::Step { at, step });
        }
    }

    /// Decides about a message. Losses of a cut link need no decision.
    pub fn decide_message(&mut self, from: usize, to: usize, mut sent: Sent) -> Sent {
        if !self.script.messages.is_empty() {
            let name = MessageName { from, to, number: sent.number };
            let script = self.script.messages.get(&name).copied().unwrap_or_default();
            sent.faults = sent.faults.and(script);
        }
        if sent.faults != MessageFaults::NONE && sent.link == Connection::Up {
            self.record_message(from, to, sent);
        }
        sent
    }

    fn record_message(&mut self, from: usize, to: usize, sent: Sent) {
        let name = MessageName { from, to, number: sent.number };
        let MessageFaults { lost, late, twice, flipped } = sent.faults;
        if lost {
            self.taken.push(Decision::Lost(name));
            return;
        }
        self.taken.extend(late.map(|delay| Decision::Late(name, delay)));
        self.taken.extend(twice.map(|delay| Decision::Twice(name, delay)));
        self.taken.extend(flipped.map(|bits| Decision::Flipped(name, bits)));
    }

    /// Decides about a flush.
    pub fn decide_flush(&mut self, peer: usize, mut start: FlushStart) -> FlushStart {
        let number = start.number;
        if let Some(fault) = self.script.flushes.get(&(peer, number)) {
            start.fault = Some(*fault);
        }
        let decision = |fault| Decision::Flush { peer, number, fault };
        self.taken.extend(start.fault.map(decision));
        start
    }
}
