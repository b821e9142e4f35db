//! Rules of the sharded service, checked from outside whenever a group applies a command for the first
//! time.
//!
//! A group's state is that of its replica which has applied most. Beside it stands a model of each
//! shard, which is written to in the order in which groups apply the writes, whichever groups these
//! are: what a group serves must be that, at every write and when it gains the shard.

use std::collections::{BTreeMap, BTreeSet};

use raft::{Entry, Index};
use raft_tests::invariants::{Invariant, Violation};

use crate::controller::{self, Configuration, Controller, GroupId, SHARDS};
use crate::key_value::Write;
use crate::session::{ClientId, RequestId, RequestNumber};
use crate::sharded::{Command, Shard, ShardedStore, Transfer, shard_of};
use crate::state_machine::decode;

/// Memory of a controller and its groups.
#[derive(Debug)]
pub struct ShardRules {
    controller: Index,
    /// Changes that the controller has applied, each counted once.
    changes: BTreeSet<(ClientId, RequestNumber)>,
    /// The controller's configurations; the first one has no groups.
    configurations: Vec<Configuration>,
    groups: BTreeMap<GroupId, GroupState>,
    shards: [Contents; SHARDS],
}

/// The state of a group's replica that has applied most.
#[derive(Debug, Default)]
struct GroupState {
    last_applied: Index,
    configuration: u64,
    serves: [bool; SHARDS],
    kept: BTreeSet<Transfer>,
}

/// The contents that a shard must have.
#[derive(Debug, Default)]
struct Contents {
    values: BTreeMap<String, String>,
    sessions: BTreeMap<ClientId, RequestNumber>,
}

impl Default for ShardRules {
    fn default() -> Self {
        Self {
            controller: Index::ZERO,
            changes: BTreeSet::new(),
            configurations: vec![Configuration::default()],
            groups: BTreeMap::new(),
            shards: Default::default(),
        }
    }
}

impl ShardRules {
    /// A replica of the controller has applied an entry, and has this state now.
    ///
    /// # Errors
    /// A configuration changed, or there is not one for each change.
    pub fn controller_applied(
        &mut self,
        entry: &Entry,
        controller: &Controller,
    ) -> Result<(), Box<Violation>> {
        if entry.id.index <= self.controller {
            return Ok(());
        }
        self.controller = entry.id.index;
        let Some(command) = command_of::<controller::Command>(entry) else { return Ok(()) };
        self.changes.insert((command.id.client, command.id.number));
        let (newest, wanted) = (controller.configuration(None), self.changes.len() as u64);
        if newest.number != wanted {
            return broken(
                Invariant::ShardConfigurations,
                format_args!("{wanted} changes made {} configurations", newest.number),
            );
        }
        for before in &self.configurations {
            let now = controller.configuration(Some(before.number));
            if now != before {
                return broken(
                    Invariant::ShardConfigurations,
                    format_args!("a configuration has changed: {before:?} became {now:?}"),
                );
            }
        }
        if newest.number == self.configurations.len() as u64 {
            self.configurations.push(newest.clone());
        }
        Ok(())
    }

    /// A replica of a group has applied an entry, and has this state now.
    ///
    /// # Errors
    /// A rule is broken.
    pub fn group_applied(
        &mut self,
        group: GroupId,
        entry: &Entry,
        store: &ShardedStore,
    ) -> Result<(), Box<Violation>> {
        let state = self.groups.entry(group).or_default();
        if entry.id.index <= state.last_applied {
            return Ok(());
        }
        state.last_applied = entry.id.index;
        let Some(command) = command_of::<Command>(entry) else { return Ok(()) };
        self.check_configuration(group, store)?;
        self.check_gains(group, store)?;
        self.check_deletions(group, store)?;
        match command {
            Command::Write { id, key, write } => self.check_write(group, store, id, &key, write),
            Command::Confirm(transfer) => self.check_confirmed(group, transfer),
            Command::Configure(_) | Command::Install(..) | Command::Delete(_) => Ok(()),
        }
    }

    /// Configurations are taken one by one.
    fn check_configuration(
        &mut self,
        group: GroupId,
        store: &ShardedStore,
    ) -> Result<(), Box<Violation>> {
        let state = self.groups.entry(group).or_default();
        let (before, now) = (state.configuration, store.configuration());
        if now.number == before {
            return Ok(());
        }
        state.configuration = now.number;
        let made = usize::try_from(now.number).ok().and_then(|at| self.configurations.get(at));
        if now.number != before + 1 || made != Some(now) {
            return broken(
                Invariant::ShardConfigurations,
                format_args!(
                    "group {group} takes {now:?} after {before}, the controller made {made:?}"
                ),
            );
        }
        Ok(())
    }

    /// A shard that a group serves is its own and no other group's, and has come as it was.
    fn check_gains(&mut self, group: GroupId, store: &ShardedStore) -> Result<(), Box<Violation>> {
        for shard in 0..SHARDS {
            let serving = store.serving(shard);
            let serves = serving.is_some();
            let state = self.groups.entry(group).or_default();
            let gained = serves && !state.serves[shard];
            state.serves[shard] = serves;
            let Some(contents) = serving.filter(|_| gained) else { continue };
            let (number, owner) =
                (store.configuration().number, store.configuration().shards[shard]);
            let mut others = self.groups.iter().filter(|(other, _)| **other != group);
            if let Some((other, state)) = others.find(|(_, state)| state.serves[shard]) {
                return broken(
                    Invariant::ShardOwner,
                    format_args!(
                        "group {group} serves shard {shard} in configuration {number}, and group \
                         {other} in {}",
                        state.configuration
                    ),
                );
            }
            if owner != Some(group) {
                return broken(
                    Invariant::ShardOwner,
                    format_args!(
                        "group {group} serves shard {shard}, which configuration {number} gives to \
                         {owner:?}"
                    ),
                );
            }
            self.shards[shard].check(group, shard, contents)?;
        }
        Ok(())
    }

    fn check_write(
        &mut self,
        group: GroupId,
        store: &ShardedStore,
        id: RequestId,
        key: &str,
        write: Write,
    ) -> Result<(), Box<Violation>> {
        let shard = shard_of(key);
        let Some(found) = store.serving(shard) else { return Ok(()) };
        let contents = &mut self.shards[shard];
        contents.execute(id, key.to_owned(), write);
        let (wanted, found) = (contents.values.get(key), found.values().get(key));
        if wanted == found {
            return Ok(());
        }
        broken(
            Invariant::ShardContents,
            format_args!(
                "group {group} has {found:?} under {key:?} after request {} of client {}, the writes \
                 of all groups give {wanted:?}",
                id.number, id.client
            ),
        )
    }

    /// A shard is kept until its new owner has it.
    fn check_deletions(
        &mut self,
        group: GroupId,
        store: &ShardedStore,
    ) -> Result<(), Box<Violation>> {
        let kept: BTreeSet<Transfer> = store.kept().collect();
        let state = self.groups.entry(group).or_default();
        if kept == state.kept {
            return Ok(());
        }
        let before = std::mem::replace(&mut state.kept, kept.clone());
        for transfer in before.difference(&kept) {
            let receiver = self.receiver(*transfer);
            let has_it = receiver.is_some_and(|(owner, configuration)| {
                self.groups.get(&owner).is_some_and(|state| {
                    state.configuration > configuration
                        || (state.configuration == configuration && state.serves[transfer.shard])
                })
            });
            if !has_it {
                return broken(
                    Invariant::ShardStorage,
                    format_args!(
                        "group {group} deletes {transfer:?} before its new owner has it: {receiver:?}"
                    ),
                );
            }
        }
        Ok(())
    }

    /// A shard whose new owner no longer asks for its deletion is deleted.
    fn check_confirmed(&self, group: GroupId, transfer: Transfer) -> Result<(), Box<Violation>> {
        let donor = self.owner(transfer.configuration - 1, transfer.shard);
        let keeps = |donor| self.groups.get(&donor).is_some_and(|it| it.kept.contains(&transfer));
        match donor.filter(|donor| keeps(*donor)) {
            None => Ok(()),
            Some(donor) => broken(
                Invariant::ShardStorage,
                format_args!(
                    "group {group} counts {transfer:?} as deleted, group {donor} keeps it"
                ),
            ),
        }
    }

    /// The new owner of a shard, and the configuration that gives it to it.
    fn receiver(&self, Transfer { configuration, shard }: Transfer) -> Option<(GroupId, u64)> {
        let since = self.configurations.iter().skip(usize::try_from(configuration).ok()?);
        since.filter_map(|next| Some((next.shards[shard]?, next.number))).next()
    }

    fn owner(&self, configuration: u64, shard: usize) -> Option<GroupId> {
        self.configurations.get(usize::try_from(configuration).ok()?)?.shards[shard]
    }
}

impl Contents {
    /// A request that was executed before, in whatever group, changes nothing.
    fn execute(&mut self, id: RequestId, key: String, write: Write) {
        let newest = self.sessions.entry(id.client).or_default();
        if id.number > *newest {
            *newest = id.number;
            write.apply(&mut self.values, key);
        }
    }

    fn check(&self, group: GroupId, shard: usize, found: &Shard) -> Result<(), Box<Violation>> {
        let sessions = self.sessions.iter().map(|(client, number)| (*client, *number));
        if *found.values() == self.values && found.sessions().newest().eq(sessions) {
            return Ok(());
        }
        broken(
            Invariant::ShardContents,
            format_args!("group {group} gains shard {shard} with {found:?}, it had {self:?}"),
        )
    }
}

/// The command of an entry; a no-op has none.
fn command_of<C: serde::de::DeserializeOwned>(entry: &Entry) -> Option<C> {
    let bytes = entry.payload.bytes();
    (!bytes.is_empty()).then(|| decode(bytes).expect("every command in the log is of the service"))
}

fn broken(invariant: Invariant, text: std::fmt::Arguments<'_>) -> Result<(), Box<Violation>> {
    Err(invariant.broken(text))
}

#[cfg(test)]
mod tests {
    use raft::{EntryId, Payload, Term};

    use super::*;
    use crate::controller::Change;
    use crate::sharded::Answer;
    use crate::state_machine::{StateMachine, encode};

    /// Two groups, and a controller whose configurations give all shards to one, then to the other.
    struct Service {
        rules: ShardRules,
        stores: BTreeMap<GroupId, ShardedStore>,
        applied: u64,
    }

    fn entry(index: u64, command: Vec<u8>) -> Entry {
        let payload = Payload::Command(command.into());
        Entry { id: EntryId::new(Term::new(1), Index::new(index)), payload }
    }

    fn change(number: u64, change: Change) -> controller::Command {
        controller::Command { id: RequestId { client: 9, number }, change }
    }

    fn append(number: u64) -> Command {
        let (id, key) = (RequestId { client: 1, number }, "a".to_owned());
        Command::Write { id, key, write: Write::Append(format!("{number} ")) }
    }

    fn transfer() -> Transfer {
        Transfer { configuration: 2, shard: shard_of("a") }
    }

    impl Service {
        fn new() -> Self {
            let (mut rules, mut controller) = (ShardRules::default(), Controller::default());
            let names = |group| BTreeMap::from([(group, vec![format!("{group}-0")])]);
            let changes = [Change::Join(names(1)), Change::Join(names(2)), Change::Leave(vec![1])];
            for (number, made) in (1..).zip(changes) {
                let command = change(number, made);
                let applied = entry(number, encode(&command));
                controller.apply(command);
                rules.controller_applied(&applied, &controller).expect("each makes one");
            }
            // The second and the third are one step here: all shards move.
            let number = rules.configurations.len() as u64 - 2;
            let both = rules.configurations.remove(2);
            rules.configurations[2].number = number;
            assert_eq!(both.number, number);
            let stores = [1, 2].map(|group| (group, ShardedStore::new(group)));
            Self { rules, stores: BTreeMap::from(stores), applied: 0 }
        }

        fn configure(&mut self, group: GroupId, number: usize) -> Result<(), Box<Violation>> {
            let next = self.rules.configurations[number].clone();
            self.apply(group, Command::Configure(next))
        }

        fn apply(&mut self, group: GroupId, command: Command) -> Result<(), Box<Violation>> {
            let bytes = encode(&command);
            self.stores.get_mut(&group).expect("a group").apply(command);
            self.show(group, bytes)
        }

        /// Shows the rules a group's state after this command.
        fn show(&mut self, group: GroupId, command: Vec<u8>) -> Result<(), Box<Violation>> {
            self.applied += 1;
            let applied = entry(self.applied, command);
            self.rules.group_applied(group, &applied, &self.stores[&group])
        }
    }

    #[test]
    fn a_shard_that_moves_as_it_should_breaks_no_rule() {
        let mut service = Service::new();
        service.configure(1, 1).expect("the first one");
        service.configure(2, 1).expect("the first one");
        for number in [1, 1, 2] {
            service.apply(1, append(number)).expect("a write and a repetition");
        }
        service.configure(1, 2).expect("the shards go");
        service.configure(2, 2).expect("the shards are awaited");
        let before = Contents {
            values: BTreeMap::from([("a".to_owned(), "1 2 ".to_owned())]),
            sessions: BTreeMap::from([(1, 2)]),
        };
        let mut copy = ShardedStore::new(1);
        copy.apply(Command::Configure(service.rules.configurations[1].clone()));
        assert_eq!([1, 2].map(|number| copy.apply(append(number))), [Answer::Done; 2]);
        let shard = copy.serving(shard_of("a")).expect("it serves all").clone();
        before.check(1, shard_of("a"), &shard).expect("the same");
        service.apply(2, Command::Install(transfer(), shard)).expect("as it was");
        service.apply(2, append(3)).expect("served by its new owner");
        service.apply(1, Command::Delete(transfer())).expect("the new owner has it");
        service.apply(2, Command::Confirm(transfer())).expect("it is deleted");
    }

    #[test]
    fn a_shard_with_two_owners_is_found() {
        let mut service = Service::new();
        service.configure(1, 1).expect("the first one");
        let other = service.stores[&1].clone();
        service.stores.insert(2, other);
        let error = service.show(2, encode(&append(1))).expect_err("both serve all shards");
        assert_eq!(error.invariant, Invariant::ShardOwner);
        assert!(error.text.contains("group 2 serves shard 0 in configuration 1, and group 1"));
    }

    #[test]
    fn a_write_that_happens_twice_and_one_that_is_lost_are_found() {
        for lost in [false, true] {
            let mut service = Service::new();
            service.configure(1, 1).expect("the first one");
            service.apply(1, append(1)).expect("a write");
            if !lost {
                service.stores.get_mut(&1).expect("a group").apply(append(2));
            }
            let shown = encode(&append(if lost { 2 } else { 1 }));
            let error = service.show(1, shown).expect_err("the state is another");
            assert_eq!(error.invariant, Invariant::ShardContents);
        }
        let mut service = Service::new();
        service.configure(1, 1).expect("the first one");
        service.apply(1, append(1)).expect("a write");
        service.configure(1, 2).expect("the shards go");
        service.configure(2, 1).expect("the first one");
        service.configure(2, 2).expect("the shards are awaited");
        let error = service.apply(2, Command::Install(transfer(), Shard::default()));
        assert_eq!(error.expect_err("it is empty").invariant, Invariant::ShardContents);
    }

    #[test]
    fn a_configuration_that_is_skipped_or_changed_is_found() {
        let mut service = Service::new();
        let mut other = service.rules.configurations[1].clone();
        other.shards[0] = None;
        let error = service.apply(1, Command::Configure(other)).expect_err("not of the controller");
        assert_eq!(error.invariant, Invariant::ShardConfigurations);

        let (mut rules, mut controller) = (ShardRules::default(), Controller::default());
        let leave = change(1, Change::Leave(vec![1]));
        controller.apply(leave.clone());
        controller.apply(change(2, Change::Leave(vec![1])));
        let error = rules.controller_applied(&entry(1, encode(&leave)), &controller);
        assert_eq!(error.expect_err("it made two").invariant, Invariant::ShardConfigurations);
    }

    #[test]
    fn a_shard_that_is_deleted_too_early_or_never_is_found() {
        let mut service = Service::new();
        service.configure(1, 1).expect("the first one");
        service.configure(1, 2).expect("the shards go");
        let early = service.apply(1, Command::Delete(transfer()));
        assert_eq!(early.expect_err("group 2 lacks it").invariant, Invariant::ShardStorage);

        let mut service = Service::new();
        service.configure(1, 1).expect("the first one");
        service.configure(1, 2).expect("the shards go");
        let never = service.apply(2, Command::Confirm(transfer()));
        assert_eq!(never.expect_err("group 1 keeps it").invariant, Invariant::ShardStorage);
    }
}
