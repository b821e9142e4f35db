//! The builder: complete and invalid settings.

use std::time::Duration;

use raft::driver::{Builder, Settings, SnapshotPolicy, StartError};
use raft::storage::MemoryStorage;
use raft::transport::memory::Hub;
use raft::transport::tcp::TlsFiles;
use raft::{PeerId, Raft};

use crate::support::{Add, Counter, TEST_TIMEOUT};

type Change = fn(Builder<Counter>) -> Builder<Counter>;

/// A complete builder.
fn complete_builder() -> Builder<Counter> {
    Raft::builder(1)
        .peers([1])
        .storage(MemoryStorage::default())
        .transport(Hub::default().join(PeerId::new(1)))
        .state_machine(Counter::default())
}

/// A builder without a network.
fn builder_without_network() -> Builder<Counter> {
    Raft::builder(1)
        .peers([(1, "127.0.0.1:0")])
        .storage(MemoryStorage::default())
        .state_machine(Counter::default())
}

async fn rejection(builder: Builder<Counter>) -> String {
    builder.start().await.expect_err("something is wrong").to_string()
}

#[tokio::test]
async fn a_missing_part_is_named_with_the_method_to_call() {
    let storage = MemoryStorage::default;
    let transport = || Hub::default().join(PeerId::new(1));
    let machine = Counter::default;
    let builder = || Raft::<Counter>::builder(1);
    let rows = [
        (
            builder().storage(storage()).transport(transport()).state_machine(machine()),
            "no cluster: call `peers` or `join`",
        ),
        (
            builder().peers([1]).storage(storage()).transport(transport()),
            "no state machine: call `state_machine`",
        ),
        (
            builder().peers([1]).transport(transport()).state_machine(machine()),
            "no store: call `data_dir` or `storage`",
        ),
        (builder_without_network(), "no network: call `listen` or `transport`"),
        (
            complete_builder().storage(storage()),
            "`data_dir` and `storage` exclude each other: remove one",
        ),
        (
            complete_builder().peers([(1, "127.0.0.1:0")]).listen("127.0.0.1:0"),
            "`transport` and `listen` exclude each other: remove one",
        ),
    ];
    for (builder, expected) in rows {
        assert_eq!(rejection(builder).await, expected);
    }
}

#[tokio::test]
async fn a_wrong_setting_is_named() {
    let rows: [(Change, &str); 7] = [
        (|b| b.peers([2, 3]), "`peers` must contain the node itself, 1"),
        (|b| b.heartbeat_interval(Duration::from_secs(3)), "must be at most half of"),
        (
            |b| b.settings(Settings { pending_max: 0, ..Settings::default() }),
            "`pending_max` must be at least 1",
        ),
        (
            |b| b.settings(Settings { command_bytes_max: (64 << 20) + 1, ..Settings::default() }),
            "`command_bytes_max` must be at most 64 MiB",
        ),
        (
            |b| b.settings(Settings { deadline: Duration::ZERO, ..Settings::default() }),
            "`deadline` must be at least 1 ms",
        ),
        (
            |b| {
                let snapshots = SnapshotPolicy { entries: Some(0), ..SnapshotPolicy::NEVER };
                b.settings(Settings { snapshots, ..Settings::default() })
            },
            "`snapshots.entries` must be at least 1",
        ),
        (|b| b.configure(|config| config.append_bytes_max = 0), "`append_bytes_max` must be"),
    ];
    for (change, expected) in rows {
        let error = rejection(change(complete_builder())).await;
        assert!(error.contains(expected), "{error:?} should contain {expected:?}");
    }
}

#[tokio::test]
async fn plain_tcp_beyond_loopback_must_be_requested_explicitly() {
    let rows: [(Change, &str); 3] = [
        (
            |b| b.listen("0.0.0.0:0"),
            "0.0.0.0:0 is not a loopback address: call `tls`, or `plain_tcp` if",
        ),
        (
            |b| b.peers([(1, "127.0.0.1:0"), (2, "db-2:7001")]).listen("127.0.0.1:0"),
            "db-2:7001 is not a loopback address: call `tls`, or `plain_tcp` if",
        ),
        (
            |b| b.peers([1, 2]).listen("127.0.0.1:0"),
            "peer 1 has no address: pass `(id, \"host:port\")` to `peers`",
        ),
    ];
    for (change, expected) in rows {
        let error = rejection(change(builder_without_network())).await;
        assert!(error.starts_with(expected), "{error:?} should start with {expected:?}");
    }
    let here = std::path::PathBuf::from("/nowhere");
    let (ca, certificate, key) = (here.join("ca"), here.join("me"), here.join("key"));
    let files = TlsFiles { ca, certificate, key, revoked: None };
    let error = rejection(builder_without_network().listen("0.0.0.0:0").tls(files)).await;
    assert!(error.contains("/nowhere/"), "TLS was asked for, and its files are read: {error:?}");
    let raft = builder_without_network().listen("0.0.0.0:0").plain_tcp().start().await;
    raft.expect("it was asked for by name").shutdown().await;
}

#[tokio::test]
async fn a_taken_address_is_a_start_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let error = rejection(builder_without_network().listen(address.clone())).await;
    assert!(error.starts_with(&format!("cannot listen on {address}: ")), "{error}");
}

#[tokio::test]
async fn three_peers_over_tcp_with_data_directories_survive_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let listeners: Vec<_> =
        (0..3).map(|_| std::net::TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    let addresses: Vec<_> =
        listeners.iter().map(|l| l.local_addr().expect("it is bound").to_string()).collect();
    drop(listeners);
    let start = async || {
        let mut rafts: Vec<Raft<Counter>> = Vec::new();
        for id in 1..=3_u64 {
            let listen = addresses[id as usize - 1].clone();
            let raft = Raft::builder(id)
                .peers((1..).zip(addresses.iter().cloned()))
                .data_dir(dir.path().join(id.to_string()))
                .listen(listen)
                .state_machine(Counter::default())
                .start()
                .await;
            rafts.push(raft.expect("directory and address are free"));
        }
        rafts
    };
    for round in 1..=2 {
        let rafts = start().await;
        let led = rafts[0].wait(|status| status.leader.is_some(), TEST_TIMEOUT).await;
        let leader = led.expect("an election succeeds").leader.expect("checked by the condition");
        let leader = &rafts[leader.number() as usize - 1];
        leader
            .wait(|status| status.leader == Some(leader.id()), TEST_TIMEOUT)
            .await
            .expect("it leads");
        assert_eq!(leader.propose(Add(5)).await.expect("it leads"), 5 * round);
        for raft in &rafts {
            raft.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_directory_in_use_is_a_start_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let start = || {
        Raft::builder(1)
            .peers([1])
            .data_dir(dir.path())
            .transport(Hub::default().join(PeerId::new(1)))
            .state_machine(Counter::default())
            .start()
    };
    let first = start().await.expect("the directory is free");
    let error = start().await.expect_err("the directory is taken");
    assert!(matches!(error, StartError::Storage(_)), "{error}");
    first.shutdown().await;
    start().await.expect("the directory is free again").shutdown().await;
}
