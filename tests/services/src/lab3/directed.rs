//! Scenarios that drive the service step by step.

use std::time::Duration;

use raft::Instant;
use raft_tests::case::PeerSet;
use raft_tests::cluster::expect;
use raft_tests::failure::Failure;
use raft_tests::sim::executor::Join;

use super::generic::join_all;
use super::{ELECTION, Lab};

/// Many clients append to one key; each append is there once, those of a client in their order.
pub(crate) async fn unreliable_one_key(lab: Lab) -> Result<(), Failure> {
    const CLIENTS: usize = 5;
    const APPENDS: usize = 10;
    lab.client().put("k", "").await?;
    let appender = |number| {
        let client = lab.client();
        lab.group.cluster().spawn(format!("client {number}"), async move {
            for append in 0..APPENDS {
                client.append("k", &format!("x {number} {append} y")).await?;
            }
            Ok(())
        })
    };
    join_all((0..CLIENTS).map(appender).collect()).await?;
    let value = lab.client().get("k").await?;
    for number in 0..CLIENTS {
        let places: Vec<_> = (0..APPENDS)
            .map(|append| {
                let part = format!("x {number} {append} y");
                (value.matches(&part).count(), value.find(&part))
            })
            .collect();
        expect(
            places.iter().all(|(count, _)| *count == 1) && places.is_sorted(),
            format_args!("each append of client {number} once and in order, found {value:?}"),
        )?;
    }
    lab.check_history()
}

/// A majority makes progress, a minority makes none, and what was asked of it completes after the
/// partition.
pub(crate) async fn one_partition(lab: Lab) -> Result<(), Failure> {
    let cluster = lab.group.cluster();
    let everywhere = lab.client();
    everywhere.put("1", "13").await?;

    let leader = cluster.check_one_leader().await?;
    let minority = PeerSet::only(leader).with(cluster.after(leader, 1));
    let majority = minority.others(cluster.size());
    lab.group.partition(minority);
    let of_majority = lab.client_of(majority);
    of_majority.put("1", "14").await?;
    of_majority.check("1", "14").await?;

    let (writer, reader) = (lab.client_of(minority), lab.client_of(minority));
    let put = cluster.spawn("put in the minority", {
        let writer = writer.clone();
        async move { writer.put("1", "15").await }
    });
    let get = cluster.spawn("get in the minority", {
        let reader = reader.clone();
        async move { reader.get("1").await }
    });
    lab.sleep(ELECTION).await;
    let (put, get) = (still_open(put, "a Put")?, still_open(get, "a Get")?);
    of_majority.check("1", "14").await?;
    of_majority.put("1", "16").await?;
    of_majority.check("1", "16").await?;

    lab.group.connect_all();
    [writer, reader].iter().for_each(|client| client.connect_to(PeerSet::first(cluster.size())));
    lab.sleep(ELECTION).await;
    let healed = cluster.now();
    ended(&lab, put, healed, "the Put").await?;
    ended(&lab, get, healed, "the Get").await?;
    everywhere.check("1", "15").await?;
    lab.check_history()
}

fn still_open<T: 'static>(
    task: Join<Result<T, Failure>>,
    what: &str,
) -> Result<Join<Result<T, Failure>>, Failure> {
    match task.take() {
        None => Ok(task),
        Some(_) => Err(Failure::expected(format_args!("{what} in a minority not to return"))),
    }
}

async fn ended<T: 'static>(
    lab: &Lab,
    task: Join<Result<T, Failure>>,
    healed: Instant,
    what: &str,
) -> Result<T, Failure> {
    let result = task.join().await?;
    let taken = lab.group.cluster().now().since(healed);
    let text = format_args!("{what} to return within {COMPLETION:?}, it took {taken:?}");
    lab.group.cluster().expect_exact_timing(taken <= COMPLETION, text)?;
    Ok(result)
}

/// A server that was cut off catches up by a snapshot.
pub(crate) async fn snapshot_rpc(lab: Lab) -> Result<(), Failure> {
    let client = lab.client();
    client.put("a", "A").await?;
    client.check("a", "A").await?;

    lab.group.partition(PeerSet::only(2));
    let of_two = lab.client_of(PeerSet::only(0).with(1));
    for number in 0..50 {
        of_two.put(&number.to_string(), &number.to_string()).await?;
    }
    lab.sleep(ELECTION).await;
    of_two.put("b", "B").await?;
    lab.check_log_size()?;

    let before = lab.group.cluster().traffic().snapshot_chunks;
    lab.group.partition(PeerSet::only(1));
    let of_others = lab.client_of(PeerSet::only(0).with(2));
    of_others.put("c", "C").await?;
    of_others.put("d", "D").await?;
    for (key, value) in [("a", "A"), ("b", "B"), ("1", "1"), ("49", "49")] {
        of_others.check(key, value).await?;
    }
    let sent = lab.group.cluster().traffic().snapshot_chunks - before;
    let text = format_args!("a snapshot sent to the server that was cut off");
    lab.group.cluster().expect_exact_timing(sent > 0, text)?;

    lab.group.connect_all();
    client.put("e", "E").await?;
    for (key, value) in [("c", "C"), ("e", "E"), ("1", "1")] {
        client.check(key, value).await?;
    }
    lab.check_history()
}

/// Log and snapshot stay small where the state is small.
pub(crate) async fn snapshot_size(lab: Lab) -> Result<(), Failure> {
    const ROUNDS: usize = 200;
    const SNAPSHOT_BYTES_MAX: usize = 500;
    const LIMIT: Duration = Duration::from_secs(20);
    let client = lab.client();
    for _ in 0..ROUNDS {
        for value in ["0", "1"] {
            client.put("x", value).await?;
            client.check("x", value).await?;
        }
    }
    lab.check_log_size()?;
    let bytes = lab.group.snapshot_bytes_max();
    expect(
        (1..=SNAPSHOT_BYTES_MAX).contains(&bytes),
        format_args!("snapshots of at most {SNAPSHOT_BYTES_MAX} bytes, the largest has {bytes}"),
    )?;
    let now = lab.group.cluster().now().since(Instant::START);
    let text = format_args!("an end within {LIMIT:?}, it came after {now:?}");
    lab.group.cluster().expect_exact_timing(now <= LIMIT, text)?;
    lab.check_history()
}

/// Time for what was asked of a minority to complete after the partition.
const COMPLETION: Duration = Duration::from_secs(3);
