//! A shard controller: which group of servers owns which shard, in numbered configurations that are
//! all kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::client::{Client, Patience, RequestError, Servers};
use crate::replica::{Rejection, Replica, Service};
use crate::session::{ClientId, RequestId, Sessions};
use crate::state_machine::StateMachine;

/// Number of shards.
pub const SHARDS: usize = 10;

/// Name of a group of servers.
pub type GroupId = u64;

/// An assignment of shards to groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Its number, from 0: the first one has no groups.
    pub number: u64,
    /// The owner of each shard; none has one if there is no group.
    pub shards: [Option<GroupId>; SHARDS],
    /// The servers of each group.
    pub groups: BTreeMap<GroupId, Vec<String>>,
}

/// Change of the groups or of a shard's owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Adds groups, and rebalances.
    Join(BTreeMap<GroupId, Vec<String>>),
    /// Removes groups, and rebalances.
    Leave(Vec<GroupId>),
    /// Gives a shard to a group; the next Join or Leave may undo it. Without such a shard or group,
    /// all shards stay.
    Move {
        /// The shard.
        shard: usize,
        /// The group.
        group: GroupId,
    },
}

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// The configuration of this number; the newest without one, or beyond it.
    Query(Option<u64>),
    /// The next configuration.
    Change(Command),
}

/// A change, as it travels through the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Its name.
    pub id: RequestId,
    /// The change.
    pub change: Change,
}

/// The controller's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controller {
    /// Never empty.
    configurations: Vec<Configuration>,
    sessions: Sessions<()>,
}

impl Default for Controller {
    fn default() -> Self {
        Self { configurations: vec![Configuration::default()], sessions: Sessions::default() }
    }
}

impl Configuration {
    /// Shards of each group, those with none included.
    #[must_use]
    pub fn shards_by_group(&self) -> BTreeMap<GroupId, Vec<usize>> {
        let mut owned: BTreeMap<_, _> =
            self.groups.keys().map(|group| (*group, Vec::new())).collect();
        for (shard, owner) in self.shards.iter().enumerate() {
            if let Some(shards) = owner.and_then(|owner| owned.get_mut(&owner)) {
                shards.push(shard);
            }
        }
        owned
    }

    fn change(&mut self, change: Change) {
        self.number += 1;
        match change {
            Change::Join(groups) => self.groups.extend(groups),
            Change::Leave(groups) => {
                groups.iter().for_each(|group| drop(self.groups.remove(group)));
            }
            Change::Move { shard, group } => {
                let owner = self.shards.get_mut(shard);
                if let Some(owner) = owner.filter(|_| self.groups.contains_key(&group)) {
                    *owner = Some(group);
                }
                return;
            }
        }
        self.rebalance();
    }

    /// Gives shards without an owner to the groups with the fewest, then moves shards from the
    /// group with the most to the one with the fewest, until they differ by one at most. No balanced
    /// assignment needs fewer moves; the smaller of two groups with as many comes first.
    fn rebalance(&mut self) {
        let groups = &self.groups;
        self.shards = self.shards.map(|owner| owner.filter(|owner| groups.contains_key(owner)));
        let mut owned = self.shards_by_group();
        let fewest = |owned: &BTreeMap<GroupId, Vec<usize>>| {
            owned.iter().min_by_key(|(group, shards)| (shards.len(), **group)).map(|(id, _)| *id)
        };
        for shard in 0..SHARDS {
            if self.shards[shard].is_none() {
                self.shards[shard] = fewest(&owned);
                self.shards[shard]
                    .into_iter()
                    .for_each(|to| owned.entry(to).or_default().push(shard));
            }
        }
        while let Some(to) = fewest(&owned) {
            let most = owned.iter().max_by_key(|(id, shards)| (shards.len(), u64::MAX - **id));
            let Some((from, shards)) = most.map(|(id, shards)| (*id, shards.clone())) else {
                return;
            };
            let Some(shard) = shards.last().filter(|_| shards.len() > owned[&to].len() + 1) else {
                return;
            };
            owned.entry(from).or_default().pop();
            owned.entry(to).or_default().push(*shard);
            self.shards[*shard] = Some(to);
        }
    }
}

impl Controller {
    /// The configuration of a number; the newest without one, or beyond it.
    #[must_use]
    pub fn configuration(&self, number: Option<u64>) -> &Configuration {
        let newest = self.configurations.len() - 1;
        let position = number.and_then(|number| usize::try_from(number).ok()).unwrap_or(newest);
        &self.configurations[position.min(newest)]
    }
}

impl StateMachine for Controller {
    type Command = Command;
    type Answer = ();

    fn apply(&mut self, Command { id, change }: Command) {
        let Self { configurations, sessions } = self;
        sessions.once(id, || {
            let mut next = configurations.last().cloned().unwrap_or_default();
            next.change(change);
            configurations.push(next);
        });
    }
}

impl Service for Controller {
    type Request = Request;
    type Reply = Configuration;

    /// The configuration of a query; changes are answered with the first one.
    async fn handle(
        replica: &impl Replica<Self>,
        request: Request,
    ) -> Result<Configuration, Rejection> {
        match request {
            Request::Query(number) => {
                replica.read(move |controller| controller.configuration(number).clone()).await
            }
            Request::Change(command) => {
                replica.propose(&command).await.map(|()| Configuration::default())
            }
        }
    }
}

/// A client of the controller.
#[derive(Debug)]
pub struct ControllerClerk<S>(Client<S>);

impl<S: Servers<Request = Request, Reply = Configuration>> ControllerClerk<S> {
    /// A client whose number no other client has.
    pub const fn new(id: ClientId, servers: S, patience: Patience) -> Self {
        Self(Client::new(id, servers, patience))
    }

    /// Its links.
    pub const fn servers(&self) -> &S {
        self.0.servers()
    }

    /// The configuration of a number; the newest without one, or beyond it.
    ///
    /// # Errors
    /// No answer in time.
    pub async fn query(&self, number: Option<u64>) -> Result<Configuration, RequestError> {
        self.0.request(&Request::Query(number)).await
    }

    /// Makes the next configuration.
    ///
    /// # Errors
    /// No answer in time.
    pub async fn change(&self, change: Change) -> Result<(), RequestError> {
        let command = Command { id: self.0.next_request(), change };
        self.0.request(&Request::Change(command)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(groups: impl IntoIterator<Item = GroupId>) -> Change {
        Change::Join(groups.into_iter().map(|group| (group, vec![format!("{group}-0")])).collect())
    }

    /// The fewest moves that make an assignment balanced: each group keeps its shards up to its
    /// share, and the larger shares go to the groups with the most.
    fn fewest_moves(before: &Configuration, groups: &BTreeMap<GroupId, Vec<String>>) -> usize {
        if groups.is_empty() {
            return before.shards.iter().flatten().count();
        }
        let owned = before.shards_by_group();
        let count = |group: &GroupId| owned.get(group).map_or(0, Vec::len);
        let mut counts: Vec<usize> = groups.keys().map(count).collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let (share, larger) = (SHARDS / counts.len(), SHARDS % counts.len());
        let kept = counts.iter().enumerate();
        SHARDS - kept.map(|(n, count)| (*count).min(share + usize::from(n < larger))).sum::<usize>()
    }

    #[test]
    fn every_change_is_balanced_and_moves_as_few_shards_as_that_needs() {
        let mut config = Configuration::default();
        let mut seed = 7_u64;
        let mut draw = |bound: u64| {
            seed = raft_tests::sim::random::mix(seed);
            seed % bound
        };
        for _ in 0..2000 {
            let before = config.clone();
            let change = match draw(5) {
                0 | 1 => join((0..=draw(3)).map(|_| 1 + draw(30))),
                2 | 3 => Change::Leave((0..=draw(4)).map(|_| 1 + draw(30)).collect()),
                _ => match config.groups.keys().nth(draw(30) as usize) {
                    Some(group) => Change::Move { shard: draw(10) as usize, group: *group },
                    None => join([1 + draw(30)]),
                },
            };
            config.change(change.clone());
            assert_eq!(config.number, before.number + 1);
            if matches!(change, Change::Move { .. }) {
                continue;
            }
            let counts: Vec<_> = config.shards_by_group().values().map(Vec::len).collect();
            let owned: usize = counts.iter().sum();
            assert_eq!(owned, if counts.is_empty() { 0 } else { SHARDS }, "{config:?}");
            let (least, most) = (counts.iter().min(), counts.iter().max());
            assert!(most.zip(least).is_none_or(|(most, least)| most - least <= 1), "{config:?}");
            let moved = before.shards.iter().zip(&config.shards).filter(|(a, b)| a != b).count();
            let fewest = fewest_moves(&before, &config.groups);
            assert_eq!(moved, fewest, "{change:?}\n{before:?}\n{config:?}");
        }
    }

    #[test]
    fn a_shard_moves_only_to_a_group_that_is_there() {
        let mut config = Configuration::default();
        config.change(join([1, 2]));
        let owner = |config: &Configuration| config.shards[3];
        let other = if owner(&config) == Some(1) { 2 } else { 1 };
        let before = config.shards;
        for (shard, group) in [(3, 7), (SHARDS, other)] {
            config.change(Change::Move { shard, group });
            assert_eq!(config.shards, before, "{shard} to {group}");
        }
        config.change(Change::Move { shard: 3, group: other });
        assert_eq!((owner(&config), config.number), (Some(other), 4));
    }

    #[test]
    fn all_configurations_are_kept_and_repetitions_make_none() {
        let mut controller = Controller::default();
        let mut apply = |number, change| {
            controller.apply(Command { id: RequestId { client: 1, number }, change });
        };
        apply(1, join([1, 2]));
        apply(1, join([1, 2]));
        apply(2, Change::Leave(vec![1]));
        let numbers = |number| controller.configuration(number).number;
        assert_eq!([Some(0), Some(1), Some(2), Some(9), None].map(numbers), [0, 1, 2, 2, 2]);
        assert_eq!(controller.configuration(Some(1)).groups.len(), 2);
        assert_eq!(controller.configuration(None).shards, [Some(2); SHARDS]);
    }
}
