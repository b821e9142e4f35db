//! Work of the leader of a group: to take configurations, to fetch shards, and to have them deleted where
//! they were.

use super::{Command, Owned, Reply, Request, ServerNames, ShardedStore, Source, Transfer};
use crate::controller::Configuration;
use crate::replica::{Rejection, Replica};

/// Work that the leader of a group has to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Take this configuration, once there is one.
    Configure(u64),
    /// Fetch a shard from these servers.
    Fetch(Transfer, ServerNames),
    /// Let these servers delete a shard that is here.
    Confirm(Transfer, ServerNames),
}

impl ShardedStore {
    /// Work that is left.
    pub fn work(&self) -> impl Iterator<Item = Work> {
        let configuration = self.configuration.number;
        let fetch = |(shard, owned): (&usize, &Owned)| match owned {
            Owned::Awaited(Source { configuration, servers }) => {
                let transfer = Transfer { configuration: *configuration, shard: *shard };
                Some(Work::Fetch(transfer, servers.clone()))
            }
            Owned::Serving(_) => None,
        };
        let confirm = |(transfer, servers): (&Transfer, &ServerNames)| {
            Work::Confirm(*transfer, servers.clone())
        };
        let next = self.has_all().then_some(Work::Configure(configuration + 1));
        let fetches = self.owned.iter().filter_map(fetch);
        next.into_iter().chain(fetches).chain(self.unconfirmed.iter().map(confirm))
    }
}

/// Servers of all groups, as a client or another server reaches them.
pub trait Groups {
    /// Calls a server by its name.
    ///
    /// # Errors
    /// The server's rejection, or no answer.
    fn call(
        &self,
        server: &str,
        request: Request,
    ) -> impl Future<Output = Result<Reply, Rejection>>;
}

/// Does a piece of work, as far as possible now; `next` is the configuration after the group's, if
/// there is one.
///
/// # Errors
/// The group's own server no longer leads.
pub async fn do_work(
    work: Work,
    replica: &impl Replica<ShardedStore>,
    groups: &impl Groups,
    next: impl Future<Output = Option<Configuration>>,
) -> Result<(), Rejection> {
    match work {
        Work::Configure(number) => {
            if let Some(next) = next.await.filter(|next| next.number == number) {
                replica.propose(&Command::Configure(next)).await?;
            }
        }
        Work::Fetch(transfer, servers) => {
            let answer = ask(groups, &servers, 0, servers.len(), &Request::Fetch(transfer)).await;
            if let Some((_, Reply::Shard(shard))) = answer {
                replica.propose(&Command::Install(transfer, shard)).await?;
            }
        }
        Work::Confirm(transfer, servers) => {
            let answer = ask(groups, &servers, 0, servers.len(), &Request::Delete(transfer)).await;
            if let Some((_, Reply::Deleted)) = answer {
                replica.propose(&Command::Confirm(transfer)).await?;
            }
        }
    }
    Ok(())
}

/// Asks the servers of a group, this one first, up to so many times: each once, or the one that another
/// names as its leader; the first answer, and its server.
pub(crate) async fn ask(
    groups: &impl Groups,
    servers: &[String],
    first: usize,
    calls: usize,
    request: &Request,
) -> Option<(usize, Reply)> {
    let mut server = first;
    for _ in 0..calls {
        match groups.call(servers.get(server)?, request.clone()).await {
            Ok(reply) => return Some((server, reply)),
            Err(Rejection::NotLeader { leader: Some(leader) }) if leader < servers.len() => {
                server = leader;
            }
            Err(Rejection::NotLeader { .. } | Rejection::LeadershipLost | Rejection::NoAnswer) => {
                server = (server + 1) % servers.len();
            }
        }
    }
    None
}
