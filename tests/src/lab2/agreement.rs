//! Part 2B: commands are agreed on, with followers and leaders failing, and at a bounded price.

use std::time::Duration;

use raft::{EntryId, Index};

use super::ELECTION_TIMEOUT;
use crate::cluster::{Cluster, Command, Retry, Testbed, WaitOutcome, expect};
use crate::failure::Failure;

/// Three commands land at the first three indexes, and not before they are proposed.
///
/// # Errors
/// They do not.
pub(crate) async fn basic_agree(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    for number in 1..=3 {
        let index = Index::new(number);
        expect_uncommitted(&cluster, index)?;
        let found = cluster.one(&Command::number(number * 100), 3, Retry::No).await?;
        expect(found == index, format_args!("the command at {index}, it is at {found}"))?;
    }
    Ok(())
}

/// Large commands go to each peer once.
///
/// # Errors
/// Too many bytes were sent.
pub(crate) async fn rpc_bytes(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    const COMMANDS: u64 = 10;
    const COMMAND_BYTES: usize = 5000;
    const OVERHEAD_BYTES_MAX: u64 = 50_000;

    cluster.one(&Command::number(99), 3, Retry::No).await?;
    let before = cluster.traffic().bytes;
    let mut payload = 0;
    for number in 2..2 + COMMANDS {
        let command = cluster.random_text(COMMAND_BYTES);
        let index = cluster.one(&command, 3, Retry::No).await?;
        expect(index == Index::new(number), format_args!("index {number}, found {index}"))?;
        payload += command.size() as u64;
    }
    let sent = cluster.traffic().bytes - before;
    let limit = cluster.size() as u64 * payload + OVERHEAD_BYTES_MAX;
    expect(sent <= limit, format_args!("at most {limit} bytes sent, {sent} were"))
}

/// Followers are cut off one after the other; without a majority nothing commits.
///
/// # Errors
/// Agreement is missing, or wrong.
pub(crate) async fn follower_failure(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    cluster.one(&Command::number(101), 3, Retry::No).await?;
    let leader = cluster.check_one_leader().await?;
    cluster.disconnect(cluster.after(leader, 1));
    cluster.one(&Command::number(102), 2, Retry::No).await?;
    cluster.sleep(ELECTION_TIMEOUT).await;
    cluster.one(&Command::number(103), 2, Retry::No).await?;

    let leader = cluster.check_one_leader().await?;
    cluster.disconnect(cluster.after(leader, 1));
    cluster.disconnect(cluster.after(leader, 2));
    let id = accepted(&cluster, leader, &Command::number(104))?;
    expect(id.index == Index::new(4), format_args!("index 4, the leader returned {}", id.index))?;
    cluster.sleep(2 * ELECTION_TIMEOUT).await;
    expect_uncommitted(&cluster, id.index)
}

/// Leaders are cut off one after the other; without a majority nothing commits.
///
/// # Errors
/// Agreement is missing, or wrong.
pub(crate) async fn leader_failure(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    cluster.one(&Command::number(101), 3, Retry::No).await?;
    let first = cluster.check_one_leader().await?;
    cluster.disconnect(first);
    cluster.one(&Command::number(102), 2, Retry::No).await?;
    cluster.sleep(ELECTION_TIMEOUT).await;
    cluster.one(&Command::number(103), 2, Retry::No).await?;

    let second = cluster.check_one_leader().await?;
    cluster.disconnect(second);
    for server in 0..cluster.size() {
        // A peer that believes it leads may accept the command, and cannot commit it.
        let _ = cluster.propose(server, &Command::number(104));
    }
    cluster.sleep(2 * ELECTION_TIMEOUT).await;
    expect_uncommitted(&cluster, Index::new(4))
}

/// A follower that was cut off catches up.
///
/// # Errors
/// Agreement is missing.
pub(crate) async fn fail_agree(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    cluster.one(&Command::number(101), 3, Retry::No).await?;
    let leader = cluster.check_one_leader().await?;
    let follower = cluster.after(leader, 1);
    cluster.disconnect(follower);
    cluster.one(&Command::number(102), 2, Retry::No).await?;
    cluster.one(&Command::number(103), 2, Retry::No).await?;
    cluster.sleep(ELECTION_TIMEOUT).await;
    cluster.one(&Command::number(104), 2, Retry::No).await?;
    cluster.one(&Command::number(105), 2, Retry::No).await?;

    cluster.connect(follower);
    cluster.one(&Command::number(106), 3, Retry::Yes).await?;
    cluster.sleep(ELECTION_TIMEOUT).await;
    cluster.one(&Command::number(107), 3, Retry::Yes).await?;
    Ok(())
}

/// Three of five are cut off: nothing commits until they are back.
///
/// # Errors
/// Agreement is missing, or wrong.
pub(crate) async fn fail_no_agree(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    cluster.one(&Command::number(10), 5, Retry::No).await?;
    let leader = cluster.check_one_leader().await?;
    (1..=3).for_each(|steps| cluster.disconnect(cluster.after(leader, steps)));
    let id = accepted(&cluster, leader, &Command::number(20))?;
    expect(id.index == Index::new(2), format_args!("index 2, the leader returned {}", id.index))?;
    cluster.sleep(2 * ELECTION_TIMEOUT).await;
    expect_uncommitted(&cluster, id.index)?;

    // The new leader may be one of those that lack the entry at index 2.
    (1..=3).for_each(|steps| cluster.connect(cluster.after(leader, steps)));
    let leader = cluster.check_one_leader().await?;
    let index = accepted(&cluster, leader, &Command::number(30))?.index;
    let two_or_three = Index::new(2) <= index && index <= Index::new(3);
    expect(two_or_three, format_args!("index 2 or 3, the leader returned {index}"))?;
    cluster.one(&Command::number(1000), 5, Retry::Yes).await?;
    Ok(())
}

/// Commands that are proposed at the same time all commit.
///
/// # Errors
/// One is missing, or the term moves in every try.
pub(crate) async fn concurrent_starts(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    for attempt in 0..STABLE_TERM_TRIES {
        pause_before_retry(&cluster, attempt).await;
        if concurrent_starts_in_one_term(&cluster).await? == Attempt::Done {
            return Ok(());
        }
    }
    Err(term_moved_too_often())
}

async fn concurrent_starts_in_one_term(
    cluster: &Cluster<impl Testbed>,
) -> Result<Attempt, Failure> {
    const CLIENTS: u64 = 5;
    let leader = cluster.check_one_leader().await?;
    let Some(first) = cluster.propose(leader, &Command::number(1)) else {
        return Ok(Attempt::TermMoved);
    };
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let client = cluster.clone();
            let body = async move { client.propose(leader, &Command::number(100 + number)) };
            cluster.spawn(format!("client {number}"), body)
        })
        .collect();
    let mut taken = Vec::new();
    for client in clients {
        taken.extend(client.join().await.filter(|id: &EntryId| id.term == first.term));
    }
    if (0..cluster.size()).any(|server| cluster.term(server) != Some(first.term)) {
        return Ok(Attempt::TermMoved);
    }
    let mut commands = Vec::new();
    for id in taken {
        match cluster.wait(id.index, cluster.size(), Some(first.term)).await? {
            WaitOutcome::Command(command) => commands.push(command),
            WaitOutcome::TermPassed => return Ok(Attempt::TermMoved),
        }
    }
    for number in 0..CLIENTS {
        let command = Command::number(100 + number);
        expect(
            commands.contains(&command),
            format_args!("command {command} among those committed, {commands:?}"),
        )?;
    }
    Ok(Attempt::Done)
}

/// A leader with uncommitted entries is cut off and comes back.
///
/// # Errors
/// Agreement is missing.
pub(crate) async fn rejoin(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    cluster.one(&Command::number(101), 3, Retry::Yes).await?;
    let first = cluster.check_one_leader().await?;
    cluster.disconnect(first);
    for number in 102..=104 {
        let _ = cluster.propose(first, &Command::number(number));
    }
    cluster.one(&Command::number(103), 2, Retry::Yes).await?;

    let second = cluster.check_one_leader().await?;
    cluster.disconnect(second);
    cluster.connect(first);
    cluster.one(&Command::number(104), 2, Retry::Yes).await?;
    cluster.connect(second);
    cluster.one(&Command::number(105), 3, Retry::Yes).await?;
    Ok(())
}

/// Followers with long logs of entries that are never committed are brought back into line fast.
///
/// # Errors
/// Agreement is missing, or too slow.
pub(crate) async fn backup(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    cluster.one(&cluster.random_command(), 5, Retry::Yes).await?;

    // The leader and one follower fill up with entries that cannot commit.
    let first = cluster.check_one_leader().await?;
    (2..=4).for_each(|steps| cluster.disconnect(cluster.after(first, steps)));
    propose_uncommittable(&cluster, first);
    cluster.sleep(ELECTION_TIMEOUT / 2).await;
    (0..=1).for_each(|steps| cluster.disconnect(cluster.after(first, steps)));

    // The other three agree on many.
    (2..=4).for_each(|steps| cluster.connect(cluster.after(first, steps)));
    commit_many(&cluster, 3).await?;

    // One of them is cut off, and the other two fill up in their turn.
    let second = cluster.check_one_leader().await?;
    let candidate = cluster.after(first, 2);
    let other = if second == candidate { cluster.after(second, 1) } else { candidate };
    cluster.disconnect(other);
    propose_uncommittable(&cluster, second);
    cluster.sleep(ELECTION_TIMEOUT / 2).await;

    // The first pair comes back with the one that was cut off, and agrees on many.
    (0..cluster.size()).for_each(|server| cluster.disconnect(server));
    [first, cluster.after(first, 1), other].iter().for_each(|server| cluster.connect(*server));
    commit_many(&cluster, 3).await?;

    (0..cluster.size()).for_each(|server| cluster.connect(server));
    cluster.one(&cluster.random_command(), 5, Retry::Yes).await?;
    Ok(())
}

const BACKUP_COMMANDS: usize = 50;

fn propose_uncommittable(cluster: &Cluster<impl Testbed>, leader: usize) {
    for _ in 0..BACKUP_COMMANDS {
        let _ = cluster.propose(leader, &cluster.random_command());
    }
}

async fn commit_many(cluster: &Cluster<impl Testbed>, peers: usize) -> Result<(), Failure> {
    for _ in 0..BACKUP_COMMANDS {
        cluster.one(&cluster.random_command(), peers, Retry::Yes).await?;
    }
    Ok(())
}

/// Elections, agreement and idleness cost few RPCs.
///
/// # Errors
/// One of them costs more, or the term moves in every try.
pub(crate) async fn count(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    const ELECTION_RPCS_MAX: u64 = 30;
    const IDLE_RPCS_MAX: u64 = 3 * 20;

    cluster.check_one_leader().await?;
    let election = cluster.traffic().rpcs;
    expect(
        (1..=ELECTION_RPCS_MAX).contains(&election),
        format_args!("1 to {ELECTION_RPCS_MAX} RPCs for the first election, {election} were sent"),
    )?;
    for attempt in 0..STABLE_TERM_TRIES {
        pause_before_retry(&cluster, attempt).await;
        if count_in_one_term(&cluster).await? == Attempt::Done {
            let before = cluster.traffic().rpcs;
            cluster.sleep(ELECTION_TIMEOUT).await;
            let idle = cluster.traffic().rpcs - before;
            return expect(
                idle <= IDLE_RPCS_MAX,
                format_args!("at most {IDLE_RPCS_MAX} RPCs in an idle second, {idle} were sent"),
            );
        }
    }
    Err(term_moved_too_often())
}

async fn count_in_one_term(cluster: &Cluster<impl Testbed>) -> Result<Attempt, Failure> {
    const COMMANDS: u64 = 10;
    const RPCS_MAX: u64 = (COMMANDS + 1 + 3) * 3;

    let leader = cluster.check_one_leader().await?;
    let before = cluster.traffic().rpcs;
    let Some(first) = cluster.propose(leader, &Command::number(1)) else {
        return Ok(Attempt::TermMoved);
    };
    let mut commands = Vec::new();
    for number in 1..COMMANDS + 2 {
        let command = cluster.random_command();
        let Some(id) = cluster.propose(leader, &command) else {
            return Ok(Attempt::TermMoved);
        };
        if id.term != first.term {
            return Ok(Attempt::TermMoved);
        }
        let index = first.index.plus(number);
        expect(id.index == index, format_args!("index {index}, the leader returned {}", id.index))?;
        commands.push((index, command));
    }
    for (index, command) in commands.into_iter().take(COMMANDS as usize) {
        match cluster.wait(index, cluster.size(), Some(first.term)).await? {
            WaitOutcome::TermPassed => return Ok(Attempt::TermMoved),
            WaitOutcome::Command(found) => {
                expect(found == command, format_args!("{command} at {index}, found {found}"))?;
            }
        }
    }
    if (0..cluster.size()).any(|server| cluster.term(server) != Some(first.term)) {
        return Ok(Attempt::TermMoved);
    }
    let sent = cluster.traffic().rpcs - before;
    expect(sent <= RPCS_MAX, format_args!("at most {RPCS_MAX} RPCs for agreement, {sent} sent"))?;
    Ok(Attempt::Done)
}

/// Outcome of an attempt that must happen within one term.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    Done,
    TermMoved,
}

const STABLE_TERM_TRIES: usize = 5;

async fn pause_before_retry(cluster: &Cluster<impl Testbed>, attempt: usize) {
    if attempt > 0 {
        cluster.sleep(Duration::from_secs(3)).await;
    }
}

fn term_moved_too_often() -> Failure {
    Failure::expected(format_args!("a stable term, it moved in {STABLE_TERM_TRIES} tries"))
}

fn expect_uncommitted(cluster: &Cluster<impl Testbed>, index: Index) -> Result<(), Failure> {
    let services = cluster.n_committed(index).services;
    expect(services == 0, format_args!("nothing committed at {index}, {services} peers applied it"))
}

/// Proposes a command to a leader that must take it.
fn accepted(
    cluster: &Cluster<impl Testbed>,
    leader: usize,
    command: &Command,
) -> Result<EntryId, Failure> {
    let refused = || Failure::expected(format_args!("leader {leader} to take {command}"));
    cluster.propose(leader, command).ok_or_else(refused)
}
