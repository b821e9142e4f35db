//! The search through all states of a model, with stateright.

use crate::model::{Action, Bounds, ModelInvariant, State};
use stateright::{Checker, HasDiscoveries, Model, Property};

/// The model within bounds.
#[derive(Clone, Debug)]
pub struct Checked(pub Bounds);

/// Result of a search.
#[derive(Clone, Debug)]
pub struct Findings {
    /// Different states, with those at which the search ended.
    pub states: usize,
    /// The actions of the longest behaviour.
    pub depth: usize,
    /// The first broken rule, and the shortest way to it.
    pub broken: Option<(&'static str, String)>,
    /// Situations that must be possible and were not reached.
    pub unreached: Vec<&'static str>,
}

impl Model for Checked {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        State::first(self.0).into_iter().collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.broken().is_empty() {
            state.actions(actions);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(state.after(&action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let holds: [fn(&Self, &State) -> bool; 10] = [
            |_, state| !state.broken().contains(&ModelInvariant::ElectionSafety),
            |_, state| !state.broken().contains(&ModelInvariant::LogMatching),
            |_, state| !state.broken().contains(&ModelInvariant::LeaderCompleteness),
            |_, state| !state.broken().contains(&ModelInvariant::StateMachineSafety),
            |_, state| !state.broken().contains(&ModelInvariant::LostCommit),
            |_, state| !state.broken().contains(&ModelInvariant::Configurations),
            |_, state| !state.broken().contains(&ModelInvariant::MatchIndex),
            |_, state| !state.broken().contains(&ModelInvariant::ReadSeesCommitted),
            |_, state| !state.broken().contains(&ModelInvariant::Quiescence),
            |_, state| !state.broken().contains(&ModelInvariant::Panic),
        ];
        let rules = ModelInvariant::ALL.iter().zip(holds);
        let mut all: Vec<_> =
            rules.map(|(rule, holds)| Property::always(rule.as_str(), holds)).collect();
        all.push(Property::sometimes("a leader", |_: &Self, state: &State| state.has_leader()));
        if self.0.commands > 0 {
            all.push(Property::sometimes("an agreement", |_: &Self, state: &State| {
                state.has_applied()
            }));
        }
        if !self.0.changes.is_empty() {
            all.push(Property::sometimes("a change", |_: &Self, state: &State| state.has_change()));
        }
        if self.0.reads > 0 {
            all.push(Property::sometimes("a read", |_: &Self, state: &State| state.has_read()));
        }
        if self.0.commands > 1 && self.0.terms > 1 && self.0.peers > 2 {
            all.push(Property::sometimes("a conflict", |_: &Self, state: &State| {
                state.has_conflict()
            }));
        }
        all
    }
}

/// Visits every state within the bounds, until a rule is broken. Several threads do not go strictly
/// by depth, and may miss a state that one of them has reached by a longer way first.
#[must_use]
pub fn check(bounds: Bounds, threads: usize) -> Findings {
    let model = Checked(bounds);
    let sometimes: Vec<_> = model
        .properties()
        .into_iter()
        .filter(|property| !property.expectation.discovery_is_failure())
        .map(|property| property.name)
        .collect();
    let checker = model
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyFailures)
        // It counts states, and does not look at those that are as deep as that.
        .target_max_depth(bounds.depth + 2)
        .spawn_bfs()
        .join();
    let found = checker.discoveries();
    let rules = ModelInvariant::ALL.iter().map(|rule| rule.as_str());
    Findings {
        states: checker.unique_state_count(),
        depth: checker.max_depth().saturating_sub(2),
        broken: rules
            .filter_map(|rule| Some((rule, way(&found.get(rule)?.clone().into_actions()))))
            .next(),
        unreached: sometimes.into_iter().filter(|name| !found.contains_key(name)).collect(),
    }
}

fn way(actions: &[Action]) -> String {
    actions.iter().map(|action| format!("  {action:?}\n")).collect()
}
