//! Leadership: needless elections, check-quorum, transfers, and the limit of uncommitted entries.

use raft::{RoleName, Term};

use super::{ELECTION_MAX, ELECTION_MIN, HEARTBEAT, PEERS};
use crate::case::{LinkDirection, Links, PeerSet};
use crate::cluster::{Cluster, Retry, expect};
use crate::failure::Failure;
use crate::sim::network::Connection;

/// The leader and its term.
pub(crate) async fn current_leader(cluster: &Cluster) -> Result<(usize, Term), Failure> {
    let leader = cluster.check_one_leader().await?;
    Ok((leader, cluster.term(leader).unwrap_or_default()))
}

/// Expects that the same peer leads the same term.
pub(crate) async fn expect_same_leader(
    cluster: &Cluster,
    before: (usize, Term),
) -> Result<(), Failure> {
    let after = current_leader(cluster).await?;
    expect(after == before, format_args!("no election: {before:?} led, now {after:?} does"))
}

/// §4.2.3: a peer whose vote requests reach all others, and which receives no message.
///
/// # Errors
/// There is an election, or a command is not agreed on.
pub(crate) async fn one_way_partition(cluster: Cluster) -> Result<(), Failure> {
    let before = current_leader(&cluster).await?;
    let isolated = PeerSet::only(cluster.after(before.0, 1));
    let inward =
        Links { from: isolated.others(PEERS), to: isolated, direction: LinkDirection::One };
    cluster.set_links(inward, Connection::Cut);
    for _ in 0..10 {
        cluster.one(&cluster.random_command(), PEERS - 1, Retry::No).await?;
        expect_same_leader(&cluster, before).await?;
    }
    cluster.set_links(inward, Connection::Up);
    cluster.one(&cluster.random_command(), PEERS, Retry::No).await?;
    expect_same_leader(&cluster, before).await
}

/// §9.6: a peer is disconnected for many election timeouts, while the others make progress.
///
/// # Errors
/// There is an election, or a command is not agreed on.
pub(crate) async fn rejoining_peer(cluster: Cluster) -> Result<(), Failure> {
    let (before, size) = (current_leader(&cluster).await?, cluster.size());
    let away = cluster.after(before.0, 2);
    for round in 0..8 {
        cluster.disconnect(away);
        // In every other round its log is as complete as the leader's when it reconnects.
        for _ in 0..round % 2 {
            cluster.one(&cluster.random_command(), size - 1, Retry::No).await?;
        }
        cluster.sleep(3 * ELECTION_MAX).await;
        expect(cluster.term(away) == Some(before.1), format_args!("a term that does not grow"))?;
        cluster.connect(away);
        cluster.one(&cluster.random_command(), size, Retry::No).await?;
        expect_same_leader(&cluster, before).await?;
    }
    Ok(())
}

/// §6.2: a leader with one follower steps down in its own term and accepts no command; the others
/// elect a leader meanwhile.
///
/// # Errors
/// It remains leader, or the others elect none.
pub(crate) async fn leader_without_quorum(cluster: Cluster) -> Result<(), Failure> {
    let (leader, term) = current_leader(&cluster).await?;
    let minority = PeerSet::only(leader).with(cluster.after(leader, 1));
    let between =
        Links { from: minority, to: minority.others(PEERS), direction: LinkDirection::Both };
    cluster.set_links(between, Connection::Cut);
    cluster.sleep(ELECTION_MAX + HEARTBEAT).await;
    let found = cluster.status(leader).map(|status| (status.role, status.current_term));
    let gave_up =
        matches!(found, Some((RoleName::Follower | RoleName::PreCandidate, now)) if now == term);
    expect(gave_up, format_args!("a leader that stepped down in term {term}, found {found:?}"))?;
    let taken = cluster.propose(leader, &cluster.random_command());
    expect(taken.is_none(), format_args!("a command refused, found {taken:?}"))?;
    cluster.sleep(3 * ELECTION_MAX).await;
    let elected = minority.others(PEERS).iter().any(|server| cluster.is_leader(server));
    expect(elected, format_args!("a leader among the majority"))?;
    cluster.set_links(between, Connection::Up);
    cluster.one(&cluster.random_command(), PEERS, Retry::Yes).await?;
    Ok(())
}

/// §3.10: repeated transfers, each within an election timeout, so that no timer is needed, and with
/// commands in flight.
///
/// # Errors
/// A successor does not lead in time, or a command that was taken is not agreed on.
pub(crate) async fn transfers(cluster: Cluster) -> Result<(), Failure> {
    let (mut leader, mut term) = current_leader(&cluster).await?;
    for _ in 0..10 {
        let command = cluster.random_command();
        let taken = cluster.propose(leader, &command);
        let successor = cluster.after(leader, 1);
        cluster.transfer(leader, successor);
        let refused = cluster.propose(leader, &cluster.random_command());
        expect(refused.is_none(), format_args!("no command taken, found {refused:?}"))?;
        cluster.sleep(ELECTION_MIN).await;
        let found = cluster.status(successor).map(|status| (status.role, status.current_term));
        let wanted = Some((RoleName::Leader, term.next()));
        expect(found == wanted, format_args!("{successor} to be {wanted:?}, found {found:?}"))?;
        cluster.one(&cluster.random_command(), PEERS, Retry::No).await?;
        if let Some(id) = taken {
            let kept = cluster.n_committed(id.index).command == Some(command);
            expect(kept, format_args!("the command at {id} in its place"))?;
        }
        (leader, term) = (successor, term.next());
    }
    Ok(())
}

/// §3.10: proposals are refused for an election timeout at most, and no term passes.
///
/// # Errors
/// The leader does not remain leader.
pub(crate) async fn transfer_to_crashed_peer(cluster: Cluster) -> Result<(), Failure> {
    let before = current_leader(&cluster).await?;
    let dead = cluster.after(before.0, 1);
    cluster.crash(dead);
    cluster.transfer(before.0, dead);
    let refused = cluster.propose(before.0, &cluster.random_command());
    expect(refused.is_none(), format_args!("no command taken, found {refused:?}"))?;
    cluster.sleep(ELECTION_MAX + HEARTBEAT).await;
    cluster.one(&cluster.random_command(), PEERS - 1, Retry::No).await?;
    expect_same_leader(&cluster, before).await
}

/// §3.10: the target is paused when TimeoutNow arrives, and obeys when the others have long committed
/// more.
///
/// # Errors
/// It is elected with an incomplete log, or no peer is.
pub(crate) async fn late_timeout_now(cluster: Cluster) -> Result<(), Failure> {
    let (leader, term) = current_leader(&cluster).await?;
    cluster.one(&cluster.random_command(), PEERS, Retry::No).await?;
    let target = cluster.after(leader, 1);
    let end = cluster.now().after(3 * ELECTION_MAX);
    cluster.transfer(leader, target);
    cluster.pause(target, 3 * ELECTION_MAX);
    cluster.sleep(ELECTION_MAX + HEARTBEAT).await;
    for _ in 0..3 {
        cluster.one(&cluster.random_command(), PEERS - 1, Retry::No).await?;
    }
    cluster.sleep(end.since(cluster.now()) + HEARTBEAT).await;
    let obeyed = cluster.term(target) > Some(term);
    expect(obeyed, format_args!("an election of {target} after term {term}"))?;
    cluster.one(&cluster.random_command(), PEERS, Retry::Yes).await?;
    Ok(())
}

/// §9.6: of two remaining peers, one has the newer term and the other one the newer log: only the
/// latter can win, and it has to learn the term from a rejected pre-vote.
///
/// # Errors
/// No leader is elected.
pub(crate) async fn two_of_three(cluster: Cluster) -> Result<(), Failure> {
    let (leader, term) = current_leader(&cluster).await?;
    cluster.one(&cluster.random_command(), 3, Retry::No).await?;
    let newer_term = cluster.after(leader, 1);
    let only = PeerSet::only(newer_term);
    let outward = Links { from: only, to: only.others(3), direction: LinkDirection::One };
    cluster.set_links(outward, Connection::Cut);
    cluster.transfer(leader, newer_term);
    cluster.sleep(ELECTION_MAX + HEARTBEAT).await;
    cluster.one(&cluster.random_command(), 2, Retry::No).await?;
    let found = (cluster.term(newer_term), cluster.term(leader));
    let wanted = (Some(term.next()), Some(term));
    expect(found == wanted, format_args!("terms {wanted:?}, found {found:?}"))?;
    cluster.crash(leader);
    cluster.set_links(outward, Connection::Up);
    cluster.cut_link(newer_term, leader);
    cluster.one(&cluster.random_command(), 2, Retry::Yes).await?;
    cluster.start_and_connect(leader)?;
    cluster.one(&cluster.random_command(), 3, Retry::Yes).await?;
    Ok(())
}

/// A disconnected leader reaches its limit of uncommitted entries, and its successor accepts
/// commands at once.
///
/// # Errors
/// It accepts too much, or no command can be committed any more.
pub(crate) async fn uncommitted_limit(cluster: Cluster) -> Result<(), Failure> {
    let (leader, _) = current_leader(&cluster).await?;
    cluster.one(&cluster.random_command(), PEERS, Retry::No).await?;
    cluster.disconnect(leader);
    let taken = (0..50).filter_map(|_| cluster.propose(leader, &cluster.random_command()));
    let taken = taken.count();
    let fits = 100 / (raft::Entry::OVERHEAD_BYTES + 8);
    expect(taken == fits, format_args!("{fits} commands taken, found {taken}"))?;
    cluster.sleep(4 * ELECTION_MAX).await;
    cluster.one(&cluster.random_command(), PEERS - 1, Retry::Yes).await?;
    cluster.connect(leader);
    cluster.one(&cluster.random_command(), PEERS, Retry::Yes).await?;
    Ok(())
}
