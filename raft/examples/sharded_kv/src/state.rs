//! State of a replica, as its server shows it: published after each change, without asking the replica.

use std::collections::BTreeMap;
use std::sync::Arc;

use services::controller::{Configuration, Controller, GroupId, SHARDS};
use services::sharded::{ShardedStore, Work};

/// State of a replica without its contents.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GroupState {
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) serving: Vec<usize>,
    pub(crate) awaited: Vec<usize>,
    /// Shards that other groups have not confirmed to have.
    pub(crate) kept: Vec<usize>,
    pub(crate) work: Vec<Work>,
}

impl GroupState {
    /// Takes the state of a replica; false if nothing has changed.
    pub(crate) fn update(&mut self, store: &ShardedStore) -> bool {
        let newest = store.configuration();
        let next = Self {
            configuration: match newest.number == self.configuration.number {
                true => Arc::clone(&self.configuration),
                false => Arc::new(newest.clone()),
            },
            serving: (0..SHARDS).filter(|shard| store.serving(*shard).is_some()).collect(),
            awaited: store.awaited().collect(),
            kept: store.kept().map(|transfer| transfer.shard).collect(),
            work: store.work().collect(),
        };
        let is_changed = next != *self;
        *self = next;
        is_changed
    }
}

/// The newest configuration, and the servers of all groups that ever joined.
#[derive(Clone, Debug, Default)]
pub(crate) struct ControllerState {
    pub(crate) configuration: Configuration,
    pub(crate) groups: BTreeMap<GroupId, Vec<String>>,
}

impl ControllerState {
    pub(crate) fn update(&mut self, controller: &Controller) -> bool {
        let newest = controller.configuration(None);
        if newest.number == self.configuration.number {
            return false;
        }
        for number in self.configuration.number..=newest.number {
            let groups = controller.configuration(Some(number)).groups.clone();
            self.groups.extend(groups);
        }
        self.configuration = newest.clone();
        true
    }
}
