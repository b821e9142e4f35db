//! Reads from deposed leaders (§6.4.1).

use std::time::Duration;

use super::ELECTION_MAX;
use super::loaded_cluster::{LoadedCluster, TESTER_KEY};
use crate::case::PeerSet;
use crate::cluster::{Cluster, expect};
use crate::failure::Failure;
use crate::kv::{Operation, Request};

/// §6.4.1: a lease holder is paused, at any instruction, until others lead and have written. When
/// it resumes it knows nothing of that, and receives reads at once.
///
/// # Errors
/// It serves a stale one.
pub(crate) async fn paused_lease_holder(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    let all = PeerSet::first(cluster.size());
    for turn in 0..TURNS {
        let (leader, _) = loaded.leader().await?;
        let written = loaded.agree(all).await?;
        // Twice the longest delay of a poll, which has to begin, too.
        let at_once = 2 * cluster.world().settings().late_polls.delay_max;
        let answer = read(&cluster, leader, 2 * turn, at_once).await;
        expect(answer.is_some(), format_args!("a read served at once, by the lease"))?;
        let length = PAUSE + cluster.fault_rng().between(Duration::ZERO, ELECTION_MAX);
        let end = cluster.now().after(length);
        cluster.pause(leader, length);
        loaded.other_leader(leader).await?;
        let newer = loaded.agree(all.without(leader)).await?;
        expect(newer > written, format_args!("something after {written}, found {newer}"))?;
        let value = loaded.written();
        let paused = cluster.now() < end;
        expect(paused, format_args!("a paused leader until others have written"))?;
        cluster.sleep(end.since(cluster.now())).await;
        let answer = read(&cluster, leader, 2 * turn + 1, 2 * ELECTION_MAX).await;
        expect(
            answer.is_none_or(|answer| answer == value),
            format_args!("{value} from the paused leader, or nothing; found {answer:?}"),
        )?;
    }
    loaded.end(all).await
}

/// Reads the tester's key from a peer; `None` without an answer within this time.
async fn read(cluster: &Cluster, server: usize, serial: u32, within: Duration) -> Option<u64> {
    let operation = Operation::Read { key: TESTER_KEY };
    let request = Request { client: READER, serial: serial + 1, attempt: 0, operation };
    cluster.world_mut().request_read(server, &request)?;
    cluster.sleep(within).await;
    cluster.world().answer(READER, request.serial).map(|(_, value)| value)
}

const TURNS: u32 = 4;
const READER: u16 = 997;
const PAUSE: Duration = Duration::from_secs(3);
