//! The administration of a running peer through its socket.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use raft::Raft;
use raft::admin::{Change, Client, ClientError, Request, StatusReport, serve};
use raft::backup::BackupReader;
use raft::driver::Settings;

use crate::support::{Add, Cluster, Counter, ElectionOrder, FirstLeads, TEST_TIMEOUT};

/// Three peers on the real clock, of which the first leads.
async fn started() -> Cluster<Counter> {
    let mut cluster = Cluster::empty(3);
    for id in 1..=3 {
        let builder = cluster.builder(id).state_machine(Counter::default());
        let builder = builder
            .election_timeout(ElectionOrder::SHORTEST, ElectionOrder::LONGEST)
            .jitter(FirstLeads(id))
            .settings(Settings { deadline: TEST_TIMEOUT, ..Settings::default() });
        cluster.rafts.push(builder.start().await.expect("all parts are there"));
    }
    cluster.leader().await;
    cluster
}

/// Calls a client, which blocks, on a thread for that.
async fn call<T: Send + 'static>(
    socket: &Path,
    call: impl FnOnce(Client) -> Result<T, ClientError> + Send + 'static,
) -> Result<T, ClientError> {
    let client = Client::new(socket);
    tokio::task::spawn_blocking(move || call(client)).await.expect("it does not panic")
}

async fn status(socket: &Path) -> StatusReport {
    call(socket, |client| client.status()).await.expect("it runs")
}

fn change(change: Change) -> Request {
    Request::Change { change, deadline_ms: TEST_TIMEOUT.as_millis() as u64 }
}

#[tokio::test]
async fn members_change_and_a_backup_is_made_through_the_socket() {
    let cluster = started().await;
    let base = tempfile::tempdir().expect("a directory");
    let path = |raft: &Raft<Counter>| base.path().join(format!("{}.sock", raft.id()));
    let served: Vec<_> =
        cluster.rafts.iter().map(|raft| serve(raft, path(raft)).expect("a new socket")).collect();
    let leader = cluster.leader().await;
    leader.propose(Add(5)).await.expect("it leads");
    let socket = path(leader);
    let mode = fs::metadata(&socket).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let report = status(&socket).await;
    assert_eq!((report.id, report.role.as_str()), (leader.id().number(), "leader"));
    assert_eq!((report.voters, report.peers.len()), (vec![1, 2, 3], 2));
    assert!(report.cluster.is_some() && report.store.is_some_and(|store| !store.is_new));

    let other = cluster.rafts.iter().find(|raft| raft.id() != leader.id()).expect("three");
    let remove = change(Change::Remove { peer: other.id().number() });
    let elsewhere = remove.clone();
    let refused = call(&path(other), move |client| client.carry_out(elsewhere)).await;
    let refused = refused.expect_err("it follows");
    let ClientError::Refused(refused) = refused else { panic!("{refused}") };
    assert_eq!(refused.leader, Some(leader.id().number()));
    for _ in 0..2 {
        let remove = remove.clone();
        let removed = call(&socket, move |client| client.carry_out(remove)).await;
        removed.expect("it leads, and once more is no error");
    }
    assert!(!status(&socket).await.voters.contains(&other.id().number()));
    let voters = leader.status().membership.voters().clone();
    let next = voters.iter().find(|peer| **peer != leader.id()).expect("two").number();
    let moved = Change::UpdateAddress { peer: next, address: "elsewhere:1".into() };
    call(&socket, move |client| client.carry_out(change(moved))).await.expect("it leads");
    assert_eq!(status(&socket).await.addresses[&next], "elsewhere:1");

    let data = call(&socket, |client| {
        let mut backup = BackupReader::open(client.backup(false)?).expect("a backup");
        let mut data = Vec::new();
        while let Some(block) = backup.next_block().expect("it is whole") {
            data.extend(block);
        }
        Ok(data)
    });
    assert_eq!(data.await.expect("it leads"), [5]);

    let transfer = Request::Transfer { to: next };
    call(&socket, move |client| client.carry_out(transfer)).await.expect("it takes over");
    assert_eq!(status(&socket).await.leader, Some(next));

    drop(served);
    let gone = async {
        while socket.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(TEST_TIMEOUT, gone).await.expect("the socket goes with its value");
}

/// Sends text; returns the answer until the end of the connection.
fn exchange(socket: &Path, text: &str) -> String {
    let mut stream = UnixStream::connect(socket).expect("it listens");
    stream.set_read_timeout(Some(TEST_TIMEOUT)).expect("a socket");
    stream.write_all(text.as_bytes()).expect("it reads");
    stream.shutdown(std::net::Shutdown::Write).expect("a socket");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it ends");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_by_name_and_others_are_served() {
    let cluster = started().await;
    let base = tempfile::tempdir().expect("a directory");
    let socket = base.path().join("1.sock");
    let _served = serve(&cluster.rafts[0], &socket).expect("a new socket");
    for (text, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", "not a request of this protocol"),
        (
            "{\"raft_admin\":2,\"request\":\"new\"}\n",
            "the request has version 2, this peer speaks version 1",
        ),
        ("{\"raft_admin\":1,\"request\":\"reboot\"}\n", "a request that this peer does not know"),
        ("{\"raft_admin\":1,\"request\":\"status\"", ""),
        ("", ""),
    ] {
        let answer = exchange(&socket, text);
        assert!(answer.contains(expected), "{text}: {answer}");
        assert_eq!(answer.is_empty(), expected.is_empty(), "{text}: {answer}");
    }
    assert_eq!(status(&socket).await.id, 1);
}

#[tokio::test]
async fn only_a_socket_that_no_process_serves_is_replaced() {
    let cluster = started().await;
    let raft = &cluster.rafts[0];
    let base = tempfile::tempdir().expect("a directory");
    let [stale, file] = ["1.sock", "notes"].map(|name| base.path().join(name));
    drop(UnixListener::bind(&stale).expect("a new socket"));
    let served = serve(raft, &stale).expect("no process listens");
    assert_eq!(status(&stale).await.id, 1);
    let error = serve(&cluster.rafts[1], &stale).expect_err("it is served").to_string();
    assert!(error.starts_with("another process listens on"), "{error}");
    fs::write(&file, "kept").expect("it is writable");
    let error = serve(raft, &file).expect_err("a file").to_string();
    assert!(error.contains("is there already, and not a socket"), "{error}");
    assert_eq!(fs::read(&file).expect("it is kept"), b"kept");
    raft.shutdown().await;
    let error = call(&stale, |client| client.carry_out(Request::Transfer { to: 2 })).await;
    let error = error.expect_err("it has stopped");
    assert!(
        matches!(
            error,
            ClientError::Connect { .. } | ClientError::NoAnswer { .. } | ClientError::Refused(_)
        ),
        "{error}"
    );
    drop(served);
}
