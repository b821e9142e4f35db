//! Scenarios of the sharded service.

use std::cell::Cell;
use std::rc::Rc;

use raft_tests::cluster::expect;
use raft_tests::failure::Failure;
use raft_tests::sim::executor::Join;

use super::lab::{Client, SERVERS, ShardedLab, group_id};
use crate::controller::SHARDS;
use crate::sharded::shard_of;

/// Keys with the values that they must have.
struct Table {
    client: Client,
    values: Vec<String>,
}

impl Table {
    /// Puts random values of this length under so many keys.
    async fn put(lab: &ShardedLab, keys: usize, length: usize) -> Result<Self, Failure> {
        let mut table = Self { client: lab.client(), values: Vec::new() };
        for key in 0..keys {
            let value = lab.text(length);
            table.client.put(&key.to_string(), &value).await?;
            table.values.push(value);
        }
        Ok(table)
    }

    async fn read(&self) -> Result<(), Failure> {
        self.read_first(self.values.len()).await
    }

    async fn read_first(&self, keys: usize) -> Result<(), Failure> {
        for (key, value) in self.values.iter().enumerate().take(keys) {
            self.client.check(&key.to_string(), value).await?;
        }
        Ok(())
    }

    /// Reads each key, and appends a random value of this length.
    async fn touch(&mut self, lab: &ShardedLab, length: usize) -> Result<(), Failure> {
        for (key, value) in self.values.iter_mut().enumerate() {
            let (key, more) = (key.to_string(), lab.text(length));
            self.client.check(&key, value).await?;
            self.client.append(&key, &more).await?;
            value.push_str(&more);
        }
        Ok(())
    }

    async fn end(&self, lab: &ShardedLab) -> Result<(), Failure> {
        self.read().await?;
        lab.check_history().await
    }
}

/// Clients that append to a key of their own, until they are stopped.
struct Appenders {
    stop: Rc<Cell<bool>>,
    clients: Vec<Join<Result<String, Failure>>>,
}

impl Appenders {
    fn start(lab: &ShardedLab, table: &Table, length: usize, pause_ms: u64) -> Self {
        let stop = Rc::new(Cell::new(false));
        let client = |(number, value): (usize, &String)| {
            let (lab, stop, mut value) = (lab.clone(), Rc::clone(&stop), value.clone());
            let name = format!("client {number}");
            lab.cluster().clone().spawn(name, async move {
                let client = lab.client();
                while !stop.get() {
                    let more = lab.text(length);
                    client.append(&number.to_string(), &more).await?;
                    value.push_str(&more);
                    if pause_ms > 0 {
                        lab.sleep_ms(pause_ms).await;
                    }
                }
                Ok(value)
            })
        };
        Self { clients: table.values.iter().enumerate().map(client).collect(), stop }
    }

    /// Stops them, and waits until each has its last answer.
    async fn stop(self, table: &mut Table) -> Result<(), Failure> {
        self.stop.set(true);
        for (client, value) in self.clients.into_iter().zip(&mut table.values) {
            *value = client.join().await?;
        }
        Ok(())
    }
}

/// Ten clients read one key each: so many return, and the last of them not long before the others
/// are given up.
async fn expect_readers(lab: &ShardedLab, controller: usize, wanted: usize) -> Result<(), Failure> {
    let returned = Rc::new(Cell::new(0));
    for key in 0..SHARDS {
        let (client, returned) = (lab.client_of(controller), Rc::clone(&returned));
        lab.cluster().spawn(format!("reader {key}"), async move {
            let value = client.get(&key.to_string()).await;
            returned.update(|count| count + usize::from(value.is_ok()));
        });
    }
    let mut before = usize::MAX;
    while returned.get() != before {
        before = returned.get();
        lab.sleep_ms(2000).await;
    }
    expect(before == wanted, format_args!("{wanted} of {SHARDS} Gets to return, {before} did"))
}

pub(crate) async fn static_shards(lab: ShardedLab) -> Result<(), Failure> {
    lab.join(&[0]).await?;
    lab.join(&[1]).await?;
    let table = Table::put(&lab, 10, 20).await?;
    table.read().await?;
    lab.crash(1);
    lab.check_size()?;
    expect_readers(&lab, 0, SHARDS / 2).await?;
    lab.start(1)?;
    table.end(&lab).await
}

/// A group refuses the keys of others, whatever a client believes.
pub(crate) async fn rejection(lab: ShardedLab) -> Result<(), Failure> {
    lab.join(&[0]).await?;
    lab.join(&[1]).await?;
    let table = Table::put(&lab, 10, 20).await?;
    table.read().await?;
    lab.join_at(1, &[0]).await?;
    expect_readers(&lab, 1, SHARDS / 2).await?;
    table.end(&lab).await
}

pub(crate) async fn join_leave(lab: ShardedLab) -> Result<(), Failure> {
    lab.join(&[0]).await?;
    let mut table = Table::put(&lab, 10, 5).await?;
    lab.join(&[1]).await?;
    table.touch(&lab, 5).await?;
    lab.leave(&[0]).await?;
    table.touch(&lab, 5).await?;
    lab.sleep_ms(1000).await;
    lab.check_size()?;
    lab.crash(0);
    table.end(&lab).await
}

pub(crate) async fn snapshot(lab: ShardedLab) -> Result<(), Failure> {
    lab.join(&[0]).await?;
    let mut table = Table::put(&lab, 30, 20).await?;
    lab.join(&[1]).await?;
    lab.join(&[2]).await?;
    lab.leave(&[0]).await?;
    table.touch(&lab, 20).await?;
    lab.leave(&[1]).await?;
    lab.join(&[0]).await?;
    table.touch(&lab, 20).await?;
    lab.sleep_ms(1000).await;
    table.read().await?;
    lab.sleep_ms(1000).await;
    lab.check_size()?;
    (0..GROUPS).for_each(|group| lab.crash(group));
    (0..GROUPS).try_for_each(|group| lab.start(group))?;
    table.end(&lab).await
}

pub(crate) async fn miss_change(lab: ShardedLab) -> Result<(), Failure> {
    let crash = |server: usize| lab.groups.iter().for_each(|group| group.cluster().crash(server));
    let start = |server: usize| {
        lab.groups.iter().try_for_each(|group| group.cluster().start_and_connect(server))
    };
    lab.join(&[0]).await?;
    let mut table = Table::put(&lab, 10, 20).await?;
    lab.join(&[1]).await?;
    crash(0);
    lab.join(&[2]).await?;
    lab.leave(&[1]).await?;
    lab.leave(&[0]).await?;
    table.touch(&lab, 20).await?;
    lab.join(&[1]).await?;
    table.touch(&lab, 20).await?;
    start(0)?;
    table.touch(&lab, 20).await?;
    lab.sleep_ms(2000).await;
    crash(1);
    lab.join(&[0]).await?;
    lab.leave(&[2]).await?;
    table.touch(&lab, 20).await?;
    start(1)?;
    table.end(&lab).await
}

pub(crate) async fn concurrent1(lab: ShardedLab) -> Result<(), Failure> {
    lab.join(&[0]).await?;
    let mut table = Table::put(&lab, 10, 5).await?;
    let clients = Appenders::start(&lab, &table, 5, 10);
    lab.sleep_ms(150).await;
    lab.join(&[1]).await?;
    lab.sleep_ms(500).await;
    lab.join(&[2]).await?;
    lab.sleep_ms(500).await;
    lab.leave(&[0]).await?;
    for group in 0..GROUPS {
        lab.crash(group);
        lab.sleep_ms(if group < 2 { 100 } else { 0 }).await;
    }
    lab.leave(&[2]).await?;
    lab.sleep_ms(100).await;
    (0..GROUPS).try_for_each(|group| lab.start(group))?;
    lab.sleep_ms(100).await;
    lab.join(&[0]).await?;
    lab.leave(&[1]).await?;
    lab.sleep_ms(500).await;
    lab.join(&[1]).await?;
    lab.sleep_ms(1000).await;
    clients.stop(&mut table).await?;
    table.end(&lab).await
}

pub(crate) async fn concurrent2(lab: ShardedLab) -> Result<(), Failure> {
    for group in [1, 0, 2] {
        lab.join(&[group]).await?;
    }
    let mut table = Table::put(&lab, 10, 1).await?;
    let clients = Appenders::start(&lab, &table, 1, 50);
    lab.leave(&[0]).await?;
    lab.leave(&[2]).await?;
    lab.sleep_ms(3000).await;
    lab.join(&[0]).await?;
    lab.join(&[2]).await?;
    lab.leave(&[1]).await?;
    lab.sleep_ms(3000).await;
    lab.join(&[1]).await?;
    lab.leave(&[0]).await?;
    lab.leave(&[2]).await?;
    lab.sleep_ms(3000).await;
    lab.crash(1);
    lab.crash(2);
    lab.sleep_ms(1000).await;
    lab.start(1)?;
    lab.start(2)?;
    lab.sleep_ms(2000).await;
    clients.stop(&mut table).await?;
    table.end(&lab).await
}

pub(crate) async fn concurrent3(lab: ShardedLab) -> Result<(), Failure> {
    const CHANGES_MS: u64 = 12_000;
    let pause = || lab.cluster().fault_rng().below(900);
    lab.join(&[0]).await?;
    let mut table = Table::put(&lab, 10, 1).await?;
    let clients = Appenders::start(&lab, &table, 1, 0);
    let end = lab.cluster().now().after(std::time::Duration::from_millis(CHANGES_MS));
    while lab.cluster().now() < end {
        lab.join(&[2]).await?;
        lab.join(&[1]).await?;
        lab.sleep_ms(pause()).await;
        (0..GROUPS).for_each(|group| lab.crash(group));
        (0..GROUPS).try_for_each(|group| lab.start(group))?;
        lab.sleep_ms(pause()).await;
        lab.leave(&[1]).await?;
        lab.leave(&[2]).await?;
        lab.sleep_ms(pause()).await;
    }
    lab.sleep_ms(2000).await;
    clients.stop(&mut table).await?;
    table.end(&lab).await
}

pub(crate) async fn unreliable1(lab: ShardedLab) -> Result<(), Failure> {
    lab.join(&[0]).await?;
    let mut table = Table::put(&lab, 10, 5).await?;
    lab.join(&[1]).await?;
    lab.join(&[2]).await?;
    lab.leave(&[0]).await?;
    table.touch(&lab, 5).await?;
    table.touch(&lab, 5).await?;
    lab.join(&[0]).await?;
    lab.leave(&[1]).await?;
    table.read().await?;
    table.end(&lab).await
}

async fn unreliable_changes(lab: &ShardedLab) -> Result<(), Failure> {
    lab.sleep_ms(150).await;
    lab.join(&[1]).await?;
    lab.sleep_ms(500).await;
    lab.join(&[2]).await?;
    lab.sleep_ms(500).await;
    lab.leave(&[0]).await?;
    lab.sleep_ms(500).await;
    lab.leave(&[1]).await?;
    lab.sleep_ms(500).await;
    lab.join(&[1]).await?;
    lab.join(&[0]).await?;
    lab.sleep_ms(2000).await;
    Ok(())
}

pub(crate) async fn unreliable2(lab: ShardedLab) -> Result<(), Failure> {
    lab.join(&[0]).await?;
    let mut table = Table::put(&lab, 10, 5).await?;
    let clients = Appenders::start(&lab, &table, 5, 0);
    unreliable_changes(&lab).await?;
    lab.make_reliable();
    clients.stop(&mut table).await?;
    table.end(&lab).await
}

pub(crate) async fn unreliable3(lab: ShardedLab) -> Result<(), Failure> {
    lab.join(&[0]).await?;
    drop(Table::put(&lab, 10, 5).await?);
    let stop = Rc::new(Cell::new(false));
    let client = |number: u64| {
        let (lab, stop) = (lab.clone(), Rc::clone(&stop));
        lab.cluster().clone().spawn(format!("client {number}"), async move {
            let (client, mut rng) = (lab.client(), lab.cluster().client_rng(CHOICES | number));
            while !stop.get() {
                let (key, value) = (rng.index(10).to_string(), lab.text(5));
                match rng.below(100) {
                    0..50 => client.append(&key, &value).await?,
                    50..55 => client.put(&key, &value).await?,
                    _ => drop(client.get(&key).await?),
                }
            }
            Ok(())
        })
    };
    let clients: Vec<Join<Result<(), Failure>>> = (0..10).map(client).collect();
    unreliable_changes(&lab).await?;
    stop.set(true);
    lab.make_reliable();
    for client in clients {
        client.join().await?;
    }
    lab.check_history().await
}

/// Groups delete what they no longer own.
pub(crate) async fn delete(lab: ShardedLab) -> Result<(), Failure> {
    const KEYS: usize = 30;
    const VALUE: usize = 1000;
    const READ: usize = 3;
    const OTHER: usize = 6000;
    lab.join(&[0]).await?;
    let table = Table::put(&lab, KEYS, VALUE).await?;
    for _ in 0..2 {
        lab.join(&[1]).await?;
        lab.leave(&[0]).await?;
        lab.join(&[2]).await?;
        lab.sleep_ms(3000).await;
        table.read_first(READ).await?;
        lab.leave(&[1]).await?;
        lab.join(&[0]).await?;
        lab.leave(&[2]).await?;
        lab.sleep_ms(3000).await;
        table.read_first(READ).await?;
    }
    lab.join(&[1]).await?;
    lab.join(&[2]).await?;
    for _ in 0..3 {
        lab.sleep_ms(1000).await;
        table.read_first(READ).await?;
    }
    // Each value on three replicas, those that were read also in session tables.
    let most = SERVERS * ((KEYS - READ) * VALUE + 2 * READ * VALUE + OTHER);
    let bytes = lab.stored_bytes();
    expect(bytes <= most, format_args!("at most {most} bytes on all servers, found {bytes}"))?;
    table.end(&lab).await
}

/// Keys of a group, which are read, written and read again.
async fn serve_on(lab: &ShardedLab, keys: &[usize], value: &str) -> Result<(), Failure> {
    let client = lab.client();
    for key in keys.iter().map(ToString::to_string) {
        client.check(&key, value).await?;
        client.put(&key, &format!("{value}-1")).await?;
        client.check(&key, &format!("{value}-1")).await?;
    }
    lab.check_history().await
}

/// Keys whose shards a group owns now.
async fn keys_of(lab: &ShardedLab, group: usize) -> Result<Vec<usize>, Failure> {
    let shards = lab.controllers[0].admin().query(None).await?.shards;
    let owned = |key: &usize| shards[shard_of(&key.to_string())] == Some(group_id(group));
    Ok((0..10).filter(owned).collect())
}

/// Shards that do not move are served, though another group is down.
pub(crate) async fn unaffected(lab: ShardedLab) -> Result<(), Failure> {
    lab.join(&[0]).await?;
    let client = lab.client();
    for key in 0..10 {
        client.put(&key.to_string(), "100").await?;
    }
    lab.join(&[1]).await?;
    lab.sleep_ms(1000).await;
    let keys = keys_of(&lab, 1).await?;
    for key in &keys {
        client.put(&key.to_string(), "101").await?;
    }
    lab.crash(0);
    lab.leave(&[0]).await?;
    lab.sleep_ms(1000).await;
    serve_on(&lab, &keys, "101").await
}

/// Each shard is served as soon as it has come, though the donor of others is down.
pub(crate) async fn partial(lab: ShardedLab) -> Result<(), Failure> {
    lab.join(&[0, 1, 2]).await?;
    lab.sleep_ms(1000).await;
    let client = lab.client();
    for key in 0..10 {
        client.put(&key.to_string(), "100").await?;
    }
    let keys = keys_of(&lab, 2).await?;
    lab.crash(0);
    lab.leave(&[0, 2]).await?;
    lab.sleep_ms(1000).await;
    serve_on(&lab, &keys, "100").await
}

/// Groups of a service.
pub(crate) const GROUPS: usize = 3;

/// Streams of clients' choices, beyond those of their links.
const CHOICES: u64 = 1 << 60;
