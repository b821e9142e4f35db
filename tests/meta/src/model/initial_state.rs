//! Construction of the first state: the nodes that are checked reach it step by step, under the
//! same invariants; none of these steps counts against the bounds.

use raft::{MembershipChange, PeerId, RoleName};

use super::action::Action;
use super::bounds::{Bounds, Start};
use super::history::ModelInvariant;
use super::state::State;

impl State {
    /// The first state, with the invariant that was broken on the way there; `None` if it cannot be
    /// reached.
    #[must_use]
    pub fn first(bounds: Bounds) -> Option<Self> {
        let first = Self::fresh(bounds)?;
        let mut first = match bounds.start {
            Start::Fresh => first,
            Start::Led => first.led()?,
            Start::Deposed => first.led()?.deposed()?,
        };
        first.left = bounds;
        Some(first)
    }

    fn led(mut self) -> Option<Self> {
        let bounds = self.left;
        self.left = Bounds { terms: 1, commands: 1, heartbeats: u8::MAX, ..bounds };
        let mut state = self.after(&Action::Timeout(0)).quiesce(ALL);
        state = state.after(&Action::Propose(0)).quiesce(ALL);
        for learner in bounds.initial_members..bounds.peers {
            let peer = PeerId::new(learner as u64);
            match state.request_change(0, MembershipChange::AddLearner { peer, address: None }) {
                Ok(begun) => begun.then_some(())?,
                Err(rule) => {
                    state.record_violation(rule);
                    return Some(state);
                }
            }
            state = state.quiesce(ALL);
        }
        // The news of the last commit.
        state = state.after(&Action::Heartbeat(0)).quiesce(ALL);
        let known = state.history.last();
        let all_know = state.peers.iter().all(|peer| peer.status.commit_index == known);
        let reached = state.leads(0) && state.has_applied() && all_know;
        (reached || !state.broken().is_empty()).then_some(state)
    }

    fn deposed(mut self) -> Option<Self> {
        self.left = Bounds { terms: 2, commands: 1, ..self.left };
        let before = self.history.last();
        let commits = |state: &Self| state.history.last() > before;
        let state = self.after(&Action::Propose(0)).quiesce_until(&[0, 1], commits);
        let state = state.after(&Action::Timeout(1)).quiesce(&[1, 2]);
        let known = [0, 1].map(|server: usize| state.peers[server].status.commit_index);
        let reached = state.leads(0) && state.leads(1) && known[0] > known[1];
        (reached || !state.broken().is_empty()).then_some(state)
    }

    fn leads(&self, server: usize) -> bool {
        self.peers[server].status.role == RoleName::Leader
    }

    /// Lets these peers flush and exchange messages until they are quiescent. All other messages
    /// are lost.
    fn quiesce(self, among: &[u64]) -> Self {
        self.quiesce_until(among, |_| false)
    }

    /// As above, and ends early when `done`, or when a rule is broken: the step that breaks one changes
    /// nothing else, and would be taken for ever.
    fn quiesce_until(mut self, among: &[u64], done: impl Fn(&Self) -> bool) -> Self {
        let is_among = |peer: PeerId| among.contains(&peer.number());
        let mut steps = 0;
        while self.broken().is_empty() && !done(&self) {
            let mut actions = Vec::new();
            self.actions(&mut actions);
            let next = actions.iter().find(|action| match action {
                Action::Flush(server) => is_among(PeerId::new(*server as u64)),
                Action::Deliver(envelope) => is_among(envelope.from) && is_among(envelope.to),
                Action::Timeout(_)
                | Action::Wait(_)
                | Action::Heartbeat(_)
                | Action::Propose(_)
                | Action::Crash(..)
                | Action::Change(_)
                | Action::Read(_)
                | Action::Compact(_)
                | Action::DeliverAndKeep(_) => false,
            });
            match next {
                Some(_) if steps == STEPS_MAX => self.record_violation(ModelInvariant::Quiescence),
                Some(action) => self = self.after(action),
                None => break,
            }
            steps += 1;
        }
        self.network.clear();
        self
    }
}

/// Ten times what it takes.
const STEPS_MAX: u32 = 1000;

const ALL: &[u64] = &[0, 1, 2];
