//! Part 2D: services compact the log, and peers that fell behind are given snapshots.

use raft::Index;

use crate::cluster::{Cluster, Command, Retry, Testbed, expect};
use crate::failure::Failure;

/// Logs are compacted while nothing fails, and no peer needs a snapshot from the leader.
///
/// # Errors
/// A log grows, or a peer needed one.
pub(crate) async fn basic(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    rounds(&cluster, Victim::None).await?;
    let chunks = cluster.traffic().snapshot_chunks;
    // A follower whose disk stalls does need one.
    let text = format_args!("no snapshot to be sent, {chunks} pieces were");
    cluster.expect_exact_timing(chunks == 0, text)
}

/// A peer that is cut off in each round catches up by a snapshot.
///
/// # Errors
/// It does not, or a log grows.
pub(crate) async fn install(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    rounds(&cluster, Victim::CutOff).await
}

/// A peer that crashes in each round catches up by a snapshot.
///
/// # Errors
/// It does not, or a log grows.
pub(crate) async fn install_crash(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    rounds(&cluster, Victim::Crashed).await
}

/// Fault of one peer in each round.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Victim {
    None,
    CutOff,
    Crashed,
}

async fn rounds(cluster: &Cluster<impl Testbed>, fault: Victim) -> Result<(), Failure> {
    one(cluster, 3).await?;
    let mut leader = cluster.check_one_leader().await?;
    for round in 0..30 {
        // Every third round the leader is the victim, and the commands are proposed to its successor.
        let next = cluster.after(leader, 1);
        let (victim, sender) = if round % 3 == 1 { (leader, next) } else { (next, leader) };
        inject(cluster, fault, victim).await?;
        for _ in 0..commands_of_a_round(cluster) {
            let _ = cluster.propose(sender, &cluster.random_command());
        }
        let alive = if fault == Victim::None { 3 } else { 2 };
        one(cluster, alive).await?;
        expect_small_log(cluster)?;
        match fault {
            Victim::None => continue,
            Victim::CutOff => cluster.connect(victim),
            Victim::Crashed => cluster.start_and_connect(victim)?,
        }
        one(cluster, 3).await?;
        leader = cluster.check_one_leader().await?;
    }
    Ok(())
}

async fn inject(
    cluster: &Cluster<impl Testbed>,
    fault: Victim,
    victim: usize,
) -> Result<(), Failure> {
    match fault {
        Victim::None => return Ok(()),
        Victim::CutOff => cluster.disconnect(victim),
        Victim::Crashed => cluster.crash(victim),
    }
    one(cluster, 2).await
}

/// The reference allows 2000 bytes of its own encoding, in which an entry with a number takes 20 to
/// 23 bytes. Ours takes 21 (13 of its own, 8 of the number), so that the same bound allows the same
/// number of entries, 94.
const LOG_BYTES_MAX: usize = 2000;

fn expect_small_log(cluster: &Cluster<impl Testbed>) -> Result<(), Failure> {
    let bytes = cluster.log_bytes_max();
    expect(
        bytes < LOG_BYTES_MAX,
        format_args!("every log on disk below {LOG_BYTES_MAX} bytes, one has {bytes}"),
    )
}

/// All peers crash at once, several times.
///
/// # Errors
/// Something agreed on is lost.
pub(crate) async fn all_crash(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    one(&cluster, 3).await?;
    for _ in 0..5 {
        for _ in 0..commands_of_a_round(&cluster) {
            one(&cluster, 3).await?;
        }
        let before = agree(&cluster, 3).await?;
        cluster.crash_and_restart_all()?;
        let after = agree(&cluster, 3).await?;
        expect(after > before, format_args!("an index after {before}, found {after}"))?;
    }
    Ok(())
}

/// A snapshot that was restored survives the writes after it.
///
/// # Errors
/// Something agreed on is lost.
pub(crate) async fn init(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    for _ in 0..=SNAPSHOT_INTERVAL + 1 {
        one(&cluster, 3).await?;
    }
    for _ in 0..2 {
        cluster.crash_and_restart_all()?;
        one(&cluster, 3).await?;
    }
    Ok(())
}

const SNAPSHOT_INTERVAL: u64 = 10;

/// Half an interval to one and a half: sometimes a snapshot falls into a round, sometimes two.
fn commands_of_a_round(cluster: &Cluster<impl Testbed>) -> u64 {
    SNAPSHOT_INTERVAL / 2 + cluster.fault_rng().below(SNAPSHOT_INTERVAL)
}

async fn one(cluster: &Cluster<impl Testbed>, peers: usize) -> Result<(), Failure> {
    agree(cluster, peers).await.map(|_| ())
}

async fn agree(cluster: &Cluster<impl Testbed>, peers: usize) -> Result<Index, Failure> {
    let command: Command = cluster.random_command();
    cluster.one(&command, peers, Retry::Yes).await
}
