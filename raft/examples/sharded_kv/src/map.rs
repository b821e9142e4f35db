//! The shard map: the owner of each shard by the newest configuration, and who serves it now.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::Method;
use serde::Serialize;
use services::controller::{GroupId, SHARDS};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::calls::exchange;
use crate::group::Status;
use crate::state::ControllerState;

/// The page that shows the map.
pub(crate) const PAGE: &str = include_str!("page.html");

/// The map, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct ShardMap {
    /// The number of the newest configuration.
    configuration: u64,
    shards: Vec<ShardPlace>,
    groups: Vec<GroupView>,
}

/// The place of a shard.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct ShardPlace {
    /// Its group by the newest configuration.
    owner: Option<GroupId>,
    /// The group that serves it now, as far as the servers answered.
    served_by: Option<GroupId>,
    /// The group that keeps it for the next owner.
    kept_by: Option<GroupId>,
}

/// A group that has joined, or still has a shard.
#[derive(Debug, Serialize)]
struct GroupView {
    id: GroupId,
    servers: Vec<ServerView>,
}

#[derive(Debug, Serialize)]
struct ServerView {
    address: String,
    /// `leader`, another role, or `down`.
    role: String,
    configuration: Option<u64>,
}

/// Asks all servers.
pub(crate) async fn gather(view: ControllerState) -> ShardMap {
    let mut asked = JoinSet::new();
    for (group, servers) in &view.groups {
        for (at, server) in servers.iter().cloned().enumerate() {
            let group = *group;
            asked.spawn(async move { (group, at, status(&server).await) });
        }
    }
    let mut statuses: BTreeMap<(GroupId, usize), Status> = BTreeMap::new();
    for (group, at, status) in asked.join_all().await {
        statuses.extend(status.map(|status| ((group, at), status)));
    }
    shard_map(&view, &statuses)
}

async fn status(server: &str) -> Option<Status> {
    let answer = timeout(STATUS_TIMEOUT, exchange(server, Method::GET, "/status", Vec::new()));
    serde_json::from_slice(&answer.await.ok()?.ok()?).ok()
}

fn shard_map(view: &ControllerState, statuses: &BTreeMap<(GroupId, usize), Status>) -> ShardMap {
    let of_group = |group: GroupId| statuses.range((group, 0)..=(group, usize::MAX));
    // Of a group, the leader's view, or the newest.
    let newest = |group: GroupId| {
        let statuses = of_group(group).map(|(_, status)| status);
        statuses.max_by_key(|status| (status.configuration, status.role == "leader", status.term))
    };
    let groups: Vec<_> = view.groups.keys().filter_map(|group| newest(*group)).collect();
    let places = (0..SHARDS).map(|shard| {
        // A group that has not taken its next configuration yet may still seem to serve.
        let serving = groups.iter().filter(|status| status.serving.contains(&shard));
        let keeping = groups.iter().filter(|status| status.kept.contains(&shard));
        ShardPlace {
            owner: view.configuration.shards[shard],
            served_by: serving.max_by_key(|status| status.configuration).map(|status| status.group),
            kept_by: keeping.max_by_key(|status| status.configuration).map(|status| status.group),
        }
    });
    let shows = |group: &GroupId| {
        let has_some = |status: &Status| !status.serving.is_empty() || !status.kept.is_empty();
        view.configuration.groups.contains_key(group) || newest(*group).is_some_and(has_some)
    };
    let group = |(id, servers): (&GroupId, &Vec<String>)| GroupView {
        id: *id,
        servers: servers
            .iter()
            .enumerate()
            .map(|(at, address)| {
                let status = statuses.get(&(*id, at));
                let role = status.map_or("down", |status| &status.role).to_owned();
                let configuration = status.map(|status| status.configuration);
                ServerView { address: address.clone(), role, configuration }
            })
            .collect(),
    };
    ShardMap {
        configuration: view.configuration.number,
        shards: places.collect(),
        groups: view.groups.iter().filter(|(id, _)| shows(id)).map(group).collect(),
    }
}

/// Longest wait for a server's status: the page asks again soon.
const STATUS_TIMEOUT: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use services::controller::Configuration;

    use super::*;

    fn status(
        group: GroupId,
        role: &str,
        configuration: u64,
        serving: &[usize],
        kept: &[usize],
    ) -> Status {
        Status {
            group,
            role: role.to_owned(),
            term: 1,
            configuration,
            serving: serving.to_vec(),
            awaited: Vec::new(),
            kept: kept.to_vec(),
        }
    }

    #[test]
    fn a_moving_shard_is_shown_where_it_is_until_it_has_come() {
        let servers = |group: u64| (0..2).map(|server| format!("{group}-{server}")).collect();
        let groups: BTreeMap<_, Vec<String>> = [100, 101].map(|id| (id, servers(id))).into();
        let mut configuration = Configuration { number: 3, ..Configuration::default() };
        configuration.groups.insert(101, servers(101));
        configuration.shards = [Some(101); SHARDS];
        let view = ControllerState { configuration, groups };
        // The follower is behind; the second group awaits shard 7.
        let statuses = BTreeMap::from([
            ((100, 0), status(100, "follower", 2, &[4, 7], &[])),
            ((100, 1), status(100, "leader", 3, &[], &[7])),
            ((101, 0), status(101, "leader", 3, &[0, 1, 2, 3, 4, 5, 6, 8, 9], &[])),
        ]);
        let map = shard_map(&view, &statuses);
        let place = |served_by, kept_by| ShardPlace { owner: Some(101), served_by, kept_by };
        assert_eq!(map.shards[7], place(None, Some(100)));
        assert_eq!(map.shards[4], place(Some(101), None));
        let roles = |at: usize| map.groups[at].servers.iter().map(|server| &*server.role).collect();
        let roles: [Vec<_>; 2] = [roles(0), roles(1)];
        assert_eq!(
            roles,
            [["follower", "leader"], ["leader", "down"]],
            "one that left still has a shard"
        );
    }
}
