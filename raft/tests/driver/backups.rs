//! Backups that are made while the service works, and clusters that are restored from them.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use raft::backup::{BackupReader, BackupSource};
use raft::driver::{
    Consistency, MachineError, MakeBackupError, SnapshotView, Status, WriteError, from_bytes,
    to_bytes,
};
use raft::storage::{
    MemoryStorage, NewClusterError, NewDirectory, Storage as _, StoreKind, StoredDirectory,
    restore_backup,
};
use raft::transport::memory::Hub;
use raft::{
    PeerId, PersistentState, Raft, Record, RoleName, Snapshot, StateMachine, Suffix, Write, WriteId,
};

use crate::support::{Cluster, TEST_TIMEOUT};

/// All numbers, in the order in which they were applied.
#[derive(Clone, Default)]
struct History(Arc<Vec<u64>>);

impl StateMachine for History {
    type Command = u64;
    type Answer = usize;

    fn apply(&mut self, number: u64) -> usize {
        Arc::make_mut(&mut self.0).push(number);
        self.0.len()
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        to_bytes(&*self.0)
    }

    fn snapshot_view(&self) -> Result<SnapshotView, MachineError> {
        let view = self.clone();
        Ok(SnapshotView::writer(move |sink| Ok(sink.write_all(&view.snapshot()?)?)))
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        self.0 = Arc::new(from_bytes(snapshot)?);
        Ok(())
    }
}

const KINDS: [StoreKind; 2] = [StoreKind::Log, StoreKind::Redb];

/// Restores a backup in a new directory, and starts its peer, number 7, from what is in it: without the
/// disk's thread, which does not know the paused clock.
async fn restored(backup: &[u8], kind: StoreKind, path: &Path, hub: &Hub) -> Raft<History> {
    let peer = PeerId::new(7);
    let address = Some("host-7:7000".into());
    let new = NewDirectory { path: path.to_owned(), kind, peer, address };
    let data_len = restore_backup(backup, &new).expect("it is whole").data_len;
    let directory = StoredDirectory::open(path).expect("it is whole");
    let PersistentState { identity, hard_state, snapshot, entries, earlier: _ } =
        directory.read().expect("it is whole");
    assert!(entries.is_empty());
    let (suffix, snapshot) = (Suffix::Discarded, snapshot.expect("it has the state"));
    assert_eq!(snapshot.data.len(), data_len);
    let snapshot = Snapshot { data: snapshot.data.in_memory().expect("it is whole"), ..snapshot };
    let records = [
        Record::Identity(identity.expect("it is a member")),
        Record::HardState(hard_state),
        Record::Snapshot { snapshot, suffix },
    ];
    let writes = (1..).map(WriteId::new).zip(records);
    let writes: Vec<_> = writes.map(|(id, record)| Write { id, record }).collect();
    let mut store = MemoryStorage::default();
    store.write(&writes).expect("it is memory");
    let builder = Raft::builder(7).peers([7]).storage(store).transport(hub.join(peer));
    let builder = builder.state_machine(History::default());
    let raft = builder.start().await.expect("it is alone");
    raft.wait(|status| status.role == RoleName::Leader, TEST_TIMEOUT).await.expect("it is alone");
    raft
}

#[tokio::test(start_paused = true)]
async fn a_backup_under_load_has_what_was_acknowledged_and_begins_another_cluster() {
    let cluster = Cluster::start(3, |builder| builder.state_machine(History::default())).await;
    let leader = cluster.leader().await.clone();
    let ended = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn({
        let (leader, ended) = (leader.clone(), Arc::clone(&ended));
        async move {
            let mut number = 0;
            while !ended.load(Ordering::Relaxed) {
                number += 1;
                leader.propose(number).await?;
                // The paused clock advances only while all tasks wait.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok::<_, WriteError>(number)
        }
    });
    let base = tempfile::tempdir().expect("a directory");
    for (kind, raft) in KINDS.into_iter().zip(&cluster.rafts) {
        let before = leader.read(|history| history.0.len()).await.expect("it leads");
        let backup = raft.backup(Consistency::Linearizable, Vec::new()).await.expect("a leader");
        let acknowledged = leader.read(|history| history.0.clone()).await.expect("it leads");
        assert_eq!(backup.header.source, BackupSource::Linearizable);
        assert_eq!(backup.header.peer, raft.id());

        let hub = Hub::default();
        let path = base.path().join(format!("{kind:?}"));
        let new = restored(&backup.sink, kind, &path, &hub).await;
        let has = new.read(|history| history.0.clone()).await.expect("it leads itself");
        assert!(has.len() >= before, "{} of {before}", has.len());
        assert_eq!(has[..], acknowledged[..has.len()], "a state that the cluster had");

        let (old_id, new_id) = (backup.header.cluster, new.status().membership.cluster());
        assert!(old_id.is_some() && new_id.is_some() && old_id != new_id);
        new.propose(1_000_000).await.expect("it leads itself");
        let joining = Raft::builder(8).peers([(7, "host-7:7000")]).join();
        let joining = joining.storage(MemoryStorage::default());
        let joining = joining.transport(hub.join(PeerId::new(8)));
        let joining = joining.state_machine(History::default()).start().await.expect("it joins");
        new.add_learner(8, None, TEST_TIMEOUT).await.expect("it leads");
        new.promote(8, TEST_TIMEOUT).await.expect("it catches up");
        new.promote(8, TEST_TIMEOUT).await.expect("it is a voter already");
        let target = new.status().commit_index;
        let caught_up = joining.read_at(target, |history| history.0.clone()).await;
        let caught_up = caught_up.expect("it is sent the snapshot");
        assert!(caught_up.applied.index >= target);
        assert_eq!(caught_up.value[..has.len()], has[..]);
        assert_eq!(caught_up.value[has.len()..], [1_000_000]);
    }
    ended.store(true, Ordering::Relaxed);
    let written = load.await.expect("it does not panic").expect("nothing was lost");
    assert!(written > 0);
}

#[tokio::test(start_paused = true)]
async fn a_local_backup_needs_no_leader() {
    let cluster = Cluster::start(3, |builder| builder.state_machine(History::default())).await;
    let leader = cluster.leader().await;
    leader.propose(1).await.expect("it leads");
    let other = cluster.rafts.iter().find(|raft| raft.id() != leader.id()).expect("three peers");
    let applied = |status: &Status| status.last_applied == status.last_log;
    other.wait(applied, TEST_TIMEOUT).await.expect("it applies");
    for raft in cluster.rafts.iter().filter(|raft| raft.id() != other.id()) {
        raft.shutdown().await;
    }
    other.wait(|status| status.leader.is_none(), TEST_TIMEOUT).await.expect("it is alone");
    let error = other.backup(Consistency::Linearizable, Vec::new()).await.expect_err("alone");
    assert!(matches!(error, MakeBackupError::Read(_)), "{error}");
    let read = other.read_local(|history| history.0.clone()).await.expect("it is its own");
    let backup = other.backup(Consistency::Local, Vec::new()).await.expect("it is its own");
    assert_eq!((&read.value[..], read.applied), (&[1][..], backup.header.through));
    assert_eq!(backup.header.source, BackupSource::Local);
    let mut reader = BackupReader::open(&backup.sink[..]).expect("it is whole");
    let data = reader.next_block().expect("it is whole").expect("one block");
    assert_eq!(from_bytes::<Vec<u64>>(&data).expect("a history"), [1]);
    assert!(reader.next_block().expect("it is whole").is_none());
}

/// A sink that fills up.
struct Full(usize);

impl io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A state machine whose views ignore the errors of their sinks, or fail.
struct Careless(&'static str);

impl StateMachine for Careless {
    type Command = ();
    type Answer = ();

    fn apply(&mut self, (): ()) {}

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        Err("unused".into())
    }

    fn snapshot_view(&self) -> Result<SnapshotView, MachineError> {
        let failure = self.0;
        Ok(SnapshotView::writer(move |sink| {
            for _ in 0..3 {
                let _ = sink.write_all(&[7; 300 << 10]);
            }
            match failure {
                "" => Ok(()),
                "panic" => panic!("a bug"),
                error => Err(error.into()),
            }
        }))
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), MachineError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_backup_that_failed_says_why_and_the_peer_goes_on() {
    let rows = [
        ("", 600 << 10, "cannot write the backup: no storage space"),
        ("panic", 1 << 30, "the state machine cannot write its state: panicked: a bug"),
        ("no", 1 << 30, "the state machine cannot write its state: no"),
    ];
    for (failure, space, expected) in rows {
        let cluster = Cluster::start(1, |builder| builder.state_machine(Careless(failure))).await;
        let raft = cluster.leader().await;
        let failed = raft.backup(Consistency::Linearizable, Full(space)).await;
        let error = failed.err().expect(expected).to_string();
        assert_eq!(error, expected);
        raft.propose(()).await.expect("it goes on");
    }
}

#[test]
fn what_is_no_whole_backup_leaves_nothing_behind() {
    let base = tempfile::tempdir().expect("a directory");
    let path = base.path().join("data");
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
    let backup = runtime.block_on(async {
        let cluster = Cluster::start(1, |builder| builder.state_machine(History::default())).await;
        let leader = cluster.leader().await;
        leader.propose(1).await.expect("it leads");
        leader.backup(Consistency::Linearizable, Vec::new()).await.expect("it leads").sink
    });
    let (peer, address) = (PeerId::new(1), None);
    for kind in KINDS {
        let new = NewDirectory { path: path.clone(), kind, peer, address: address.clone() };
        let mut damaged = backup.clone();
        let last = damaged.len() - 30;
        damaged[last] ^= 1;
        for (bytes, expected) in [
            (&backup[..backup.len() - 1], "before its end"),
            (&damaged[..], "the backup is damaged at byte"),
            (&b"#!/bin/sh"[..], "not a backup"),
        ] {
            let error = restore_backup(bytes, &new).expect_err(expected);
            assert!(matches!(error, NewClusterError::Backup(_)), "{error}");
            assert!(error.to_string().contains(expected), "{error}");
            let left = std::fs::read_dir(base.path()).expect("it is there").count();
            assert_eq!(left, 0, "{expected}");
        }
        restore_backup(&backup[..], &new).expect("it is whole");
        let error = restore_backup(&backup[..], &new).expect_err("there is a store").to_string();
        assert!(error.contains("name a new or an empty directory"), "{error}");
        std::fs::remove_dir_all(&path).expect("it is there");
    }
}
