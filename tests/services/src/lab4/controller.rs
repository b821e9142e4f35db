//! Scenarios of the shard controller.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use raft_tests::case::PeerSet;
use raft_tests::cluster::expect;
use raft_tests::failure::Failure;

use crate::client::Patience;
use crate::controller::{Change, Configuration, Controller, ControllerClerk, GroupId, SHARDS};
use crate::session::ClientId;
use crate::world::{Calls, FIRST_OF_TESTER, Group, Reach};

/// A controller under test. Clones share it.
#[derive(Clone)]
pub(crate) struct ControllerLab {
    pub(crate) group: Group<Controller>,
    pub(crate) calls: Calls,
    changes: Rc<Cell<u64>>,
    clients: Rc<Cell<ClientId>>,
}

/// A client of the controller.
pub(crate) struct Admin {
    clerk: ControllerClerk<Reach<Controller>>,
    calls: Calls,
    changes: Rc<Cell<u64>>,
}

impl ControllerLab {
    /// A controller whose servers have just started.
    #[must_use]
    pub(crate) fn new(group: Group<Controller>, calls: Calls) -> Self {
        Self { group, calls, changes: Rc::default(), clients: Rc::default() }
    }

    pub(crate) fn admin(&self) -> Admin {
        let client = self.clients.get();
        self.clients.set(client + 1);
        let reach = self.reach(ADMINS | client);
        let clerk = ControllerClerk::new(ADMINS | client, reach, Patience::Unlimited);
        Admin { clerk, calls: self.calls.clone(), changes: Rc::clone(&self.changes) }
    }

    /// Number of changes that were asked for.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.get()
    }

    /// Checks that each change made one configuration, however often it was sent.
    pub(crate) async fn check_count(&self) -> Result<(), Failure> {
        self.group.check_waiters()?;
        let (wanted, found) = (self.changes.get(), self.admin().query(None).await?.number);
        let text = format_args!("{wanted} configurations, one for each change, found {found}");
        expect(found == wanted, text)
    }

    /// A client's links to all servers.
    pub(crate) fn reach(&self, client: ClientId) -> Reach<Controller> {
        let servers = PeerSet::first(self.group.cluster().size());
        Reach::new(&self.group, client, &self.calls, servers)
    }
}

impl Admin {
    pub(crate) async fn query(&self, number: Option<u64>) -> Result<Configuration, Failure> {
        self.calls.begin_operation();
        let answer = self.clerk.query(number).await;
        answer.map_err(|error| Failure::expected(format_args!("an answer: {error}")))
    }

    pub(crate) async fn change(&self, change: Change) -> Result<(), Failure> {
        self.calls.begin_operation();
        self.changes.update(|changes| changes + 1);
        let answer = self.clerk.change(change).await;
        answer.map_err(|error| Failure::expected(format_args!("an answer: {error}")))
    }

    /// Adds groups, each with these servers.
    async fn join<const N: usize>(&self, groups: [(GroupId, &[&str]); N]) -> Result<(), Failure> {
        let names = |servers: &[&str]| servers.iter().map(|name| (*name).to_owned()).collect();
        let groups = groups.into_iter().map(|(group, servers)| (group, names(servers)));
        self.change(Change::Join(groups.collect())).await
    }

    pub(crate) async fn leave(&self, groups: &[GroupId]) -> Result<(), Failure> {
        self.change(Change::Leave(groups.to_vec())).await
    }

    /// The newest configuration, which must have exactly these groups and be balanced.
    async fn check(&self, groups: &[GroupId]) -> Result<Configuration, Failure> {
        let found = self.query(None).await?;
        let wanted: BTreeSet<_> = groups.iter().collect();
        let has: BTreeSet<_> = found.groups.keys().collect();
        expect(has == wanted, format_args!("the groups {wanted:?}, found {has:?}"))?;
        let counts: Vec<usize> = found.shards_by_group().values().map(Vec::len).collect();
        let owned: usize = counts.iter().sum();
        let all = if groups.is_empty() { 0 } else { SHARDS };
        expect(owned == all, format_args!("{all} shards with an owner, found {:?}", found.shards))?;
        let (most, least) = (counts.iter().max(), counts.iter().min());
        let balanced = most.zip(least).is_none_or(|(most, least)| most - least <= 1);
        expect(balanced, format_args!("balanced shards, found {:?}", found.shards))?;
        Ok(found)
    }

    async fn expect_servers(&self, group: GroupId, servers: &[&str]) -> Result<(), Failure> {
        let found = self.query(None).await?;
        let has = found.groups.get(&group);
        expect(
            has.is_some_and(|has| has == servers),
            format_args!("the servers {servers:?} of group {group}, found {has:?}"),
        )
    }
}

/// Shards go to groups that joined alone, and from groups that left alone.
fn expect_few_moves(before: &Configuration, after: &Configuration) -> Result<(), Failure> {
    for (shard, (from, to)) in before.shards.iter().zip(&after.shards).enumerate() {
        let joined = to.is_none_or(|to| !before.groups.contains_key(&to));
        let left = from.is_none_or(|from| !after.groups.contains_key(&from));
        expect(
            from == to || joined || left,
            format_args!("shard {shard} to stay with a group that stays, {from:?} became {to:?}"),
        )?;
    }
    Ok(())
}

pub(crate) async fn basic(lab: ControllerLab) -> Result<(), Failure> {
    let admin = lab.admin();
    join_and_leave(&lab, &admin).await?;
    moves(&admin).await?;
    let staying = concurrent(&lab, 100, 10, 1).await?;
    admin.check(&staying).await?;
    one_by_one(&admin, &staying).await?;
    lab.check_count().await
}

async fn join_and_leave(lab: &ControllerLab, admin: &Admin) -> Result<(), Failure> {
    let mut seen = vec![admin.check(&[]).await?];
    admin.join([(1, &["x", "y", "z"])]).await?;
    seen.push(admin.check(&[1]).await?);
    admin.join([(2, &["a", "b", "c"])]).await?;
    seen.push(admin.check(&[1, 2]).await?);
    admin.expect_servers(1, &["x", "y", "z"]).await?;
    admin.expect_servers(2, &["a", "b", "c"]).await?;
    admin.leave(&[1]).await?;
    seen.push(admin.check(&[2]).await?);
    admin.leave(&[2]).await?;
    seen.push(admin.query(None).await?);

    for server in 0..lab.group.cluster().size() {
        lab.group.cluster().crash(server);
        for before in &seen {
            let now = admin.query(Some(before.number)).await?;
            expect(now == *before, format_args!("{before:?} as before, found {now:?}"))?;
        }
        lab.group.cluster().start(server)?;
        lab.group.connect_all();
    }
    Ok(())
}

async fn moves(admin: &Admin) -> Result<(), Failure> {
    admin.join([(503, &["3a", "3b", "3c"])]).await?;
    admin.join([(504, &["4a", "4b", "4c"])]).await?;
    let target = |shard| if shard < SHARDS / 2 { 503 } else { 504 };
    for shard in 0..SHARDS {
        let before = admin.query(None).await?;
        admin.change(Change::Move { shard, group: target(shard) }).await?;
        if before.shards[shard] != Some(target(shard)) {
            let number = admin.query(None).await?.number;
            let text = format_args!("a number above {}, found {number}", before.number);
            expect(number > before.number, text)?;
        }
    }
    let shards = admin.query(None).await?.shards;
    let right = (0..SHARDS).all(|shard| shards[shard] == Some(target(shard)));
    expect(right, format_args!("all shards where they were moved, found {shards:?}"))?;
    admin.leave(&[503]).await?;
    admin.leave(&[504]).await
}

/// Ten clients add groups at once and remove all but their first; those that stay.
async fn concurrent(
    lab: &ControllerLab,
    first: GroupId,
    step: u64,
    groups_at_once: u64,
) -> Result<Vec<GroupId>, Failure> {
    let staying: Vec<GroupId> = (0..10).map(|client| first + step * client).collect();
    let clients: Vec<_> = staying
        .iter()
        .map(|group| {
            let (admin, group) = (lab.admin(), *group);
            lab.group.cluster().spawn(format!("admin of {group}"), async move {
                let more: Vec<GroupId> =
                    (1..=groups_at_once).map(|more| group + 1000 * more).collect();
                let named = |group: &GroupId| (*group, vec![format!("s{group}a")]);
                if groups_at_once > 1 {
                    let all = more.iter().chain([&group]).map(named);
                    admin.change(Change::Join(all.collect())).await?;
                } else {
                    admin.change(Change::Join(more.iter().map(named).collect())).await?;
                    admin.change(Change::Join(BTreeMap::from([named(&group)]))).await?;
                }
                admin.leave(&more).await
            })
        })
        .collect();
    for client in clients {
        client.join().await?;
    }
    Ok(staying)
}

/// More groups than shards come and go one by one.
async fn one_by_one(admin: &Admin, staying: &[GroupId]) -> Result<(), Failure> {
    let mut groups = staying.to_vec();
    let mut before = admin.check(&groups).await?;
    for group in MORE {
        admin.join([(group, &["a", "b"])]).await?;
        groups.push(group);
        let after = admin.check(&groups).await?;
        expect_few_moves(&before, &after)?;
        before = after;
    }
    for group in MORE {
        admin.leave(&[group]).await?;
        groups.retain(|other| *other != group);
        let after = admin.check(&groups).await?;
        expect_few_moves(&before, &after)?;
        before = after;
    }
    Ok(())
}

/// Groups come and go together.
pub(crate) async fn multi(lab: ControllerLab) -> Result<(), Failure> {
    let admin = lab.admin();
    admin.check(&[]).await?;
    admin.join([(1, &["x", "y", "z"]), (2, &["a", "b", "c"])]).await?;
    admin.check(&[1, 2]).await?;
    admin.join([(3, &["j", "k", "l"])]).await?;
    admin.check(&[1, 2, 3]).await?;
    for (group, servers) in [(1, ["x", "y", "z"]), (2, ["a", "b", "c"]), (3, ["j", "k", "l"])] {
        admin.expect_servers(group, &servers).await?;
    }
    admin.leave(&[1, 3]).await?;
    admin.check(&[2]).await?;
    admin.leave(&[2]).await?;

    let mut groups = concurrent(&lab, 1000, 1, 2).await?;
    let before = admin.check(&groups).await?;
    admin.join(MORE.map(|group| (group, ["a", "b"].as_slice()))).await?;
    groups.extend(MORE);
    let joined = admin.check(&groups).await?;
    expect_few_moves(&before, &joined)?;
    admin.leave(&MORE).await?;
    groups.retain(|group| !MORE.contains(group));
    let left = admin.check(&groups).await?;
    expect_few_moves(&joined, &left)?;

    if let Some(leader) = lab.group.leader() {
        lab.group.cluster().crash(leader);
    }
    let now = admin.query(None).await?;
    expect(now == left, format_args!("{left:?} without the leader, found {now:?}"))?;
    lab.check_count().await
}

/// Only shards of the group that comes or goes move.
pub(crate) async fn minimal_again(lab: ControllerLab) -> Result<(), Failure> {
    const MOVES_MAX: usize = 4;
    let admin = lab.admin();
    admin.join([(1, &["a"])]).await?;
    admin.join([(2, &["b"])]).await?;
    let two = admin.check(&[1, 2]).await?;
    admin.join([(3, &["c"])]).await?;
    let three = admin.check(&[1, 2, 3]).await?;
    admin.leave(&[1]).await?;
    let again = admin.check(&[2, 3]).await?;
    for (before, after, part) in [(&two, &three, "to 3"), (&three, &again, "from 1")] {
        let changed = before.shards.iter().zip(&after.shards).filter(|(from, to)| from != to);
        let moves: Vec<_> = changed.collect();
        let right = moves.len() <= MOVES_MAX
            && moves
                .iter()
                .all(|(from, to)| **to == Some(3) && part == "to 3" || **from == Some(1));
        expect(right, format_args!("at most {MOVES_MAX} moves, {part}, found {moves:?}"))?;
    }
    Ok(())
}

/// Groups that come and go beside others.
const MORE: [GroupId; 5] = [11, 12, 13, 14, 15];

/// Numbers of admins, beyond those of other clients.
const ADMINS: ClientId = FIRST_OF_TESTER;
