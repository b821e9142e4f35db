//! New clusters of one peer: from a backup, or from the directory of a peer whose cluster has lost its
//! quorum. Other peers are added as members of any cluster are.
//!
//! Invariants:
//! - The new cluster has an id, and its peer a store, that no other one has, and nothing of the old
//!   configuration is left in its log: peers of the old cluster and it refuse each other.
//! - What the new directory is made from is not changed. The directory gets its name once it is complete and
//!   durable.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory::{OsDirectory, io_error, sync_directory};
use super::identity::StoreKind;
use super::stored_directory::{StoredDirectory, check_free, members, open_store};
use super::{Storage, StorageError, own_file, skipped};
use crate::backup::{BackupError, BackupHeader, BackupReader};
use crate::entry::{Entry, Payload, Snapshot};
use crate::identity::{ClusterId, Identity, Incarnation, Standing};
use crate::membership::{Address, Membership};
use crate::output::{HardState, Record, Suffix, Write};
use crate::persistent_state::PersistentState;
use crate::snapshot_data::SnapshotData;
use crate::types::{EntryId, Index, PeerId, Term, WriteId};

/// A data directory to be made.
#[derive(Clone, Debug)]
pub struct NewDirectory {
    /// Its place: nothing yet, or an empty directory.
    pub path: PathBuf,
    /// The kind of store.
    pub kind: StoreKind,
    /// Its peer, the one member of the new cluster.
    pub peer: PeerId,
    /// The peer's address for others, unless it is given at each start.
    pub address: Option<Address>,
}

/// A new cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewCluster {
    /// Its id.
    pub cluster: ClusterId,
    /// The store of its peer.
    pub store: Incarnation,
    /// The last entry of its log.
    pub last: EntryId,
}

/// A directory that was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NewClusterError {
    /// The backup is none.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// A directory cannot be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A cluster of one peer has its quorum.
    #[error("peer {peer} is the only voter of its cluster: start it, there is nothing to recover")]
    HasQuorum {
        /// The peer.
        peer: PeerId,
    },
    /// The store is not a member's.
    #[error(
        "peer {peer} has never been a member of a cluster, as far as its log tells: recover from the \
         directory of a member"
    )]
    NoMember {
        /// The peer.
        peer: PeerId,
    },
    /// Its term is the last one.
    #[error("no term is left after {term}: reset it first (`raftctl reset-term`)")]
    NoTermLeft {
        /// The term.
        term: Term,
    },
}

/// A backup that was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The facts about the backup.
    pub header: BackupHeader,
    /// Bytes of its state.
    pub data_len: u64,
    /// The new cluster.
    pub cluster: NewCluster,
}

/// Makes the directory of a new cluster of one peer with the state of a backup.
///
/// ```
/// # use raft::{PeerId, Membership, EntryId, Term, Index};
/// # use raft::backup::{BackupHeader, BackupSource, BackupWriter};
/// use raft::storage::{NewDirectory, StoreKind, StoredDirectory, restore_backup};
///
/// # let temporary = tempfile::tempdir()?;
/// # let path = temporary.path().join("data/1");
/// # let (peer, through) = (PeerId::new(1), EntryId::new(Term::new(2), Index::new(9)));
/// # let (source, members) = (BackupSource::Local, Membership::default());
/// # let header = BackupHeader { made_at: 0, peer, source, cluster: None, through, members };
/// # let backup = BackupWriter::begin(Vec::new(), &header)?.finish()?.0;
/// let new = NewDirectory { path: path.clone(), kind: StoreKind::Log, peer, address: None };
/// let restored = restore_backup(&backup[..], &new)?;
/// assert_eq!(restored.cluster.last, restored.header.through);
/// assert_eq!(StoredDirectory::open(&path)?.read()?.last(), restored.header.through);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The backup is damaged, foreign or not whole; the directory is not free or cannot be written. Then
/// nothing is left of it.
pub fn restore_backup(
    backup: impl Read,
    target: &NewDirectory,
) -> Result<Restored, NewClusterError> {
    check_free(&target.path)?;
    let mut backup = BackupReader::open(backup)?;
    let header = backup.header().clone();
    // A snapshot stands for one entry at least.
    let through = header.through.max(EntryId::new(Term::new(1), Index::new(1)));
    let cluster = make(target, |store, identity| {
        let current_term = through.term;
        store.write(&[
            Write { id: WriteId::new(1), record: Record::Identity(identity.clone()) },
            Write { id: WriteId::new(2), record: hard_state(current_term) },
        ])?;
        let mut copy = SnapshotCopy::begin(store)?;
        while let Some(block) = backup.next_block()? {
            copy.append(&block)?;
        }
        let members = Arc::new(members_of(identity, target));
        let snapshot =
            Snapshot { last_included: through, membership: members, data: copy.finish()? };
        let record = Record::Snapshot { snapshot, suffix: Suffix::Discarded };
        store.write(&[Write { id: WriteId::new(3), record }])?;
        Ok((through, BTreeSet::new()))
    })?;
    Ok(Restored { header, data_len: backup.data_len(), cluster })
}

/// Facts about a peer's directory that decide about a recovery from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryFacts {
    /// The peer.
    pub peer: PeerId,
    /// The members of its cluster, as far as its log tells.
    pub members: Membership,
    /// Its term.
    pub current_term: Term,
    /// The last entry known to be committed: a directory tells it of what its snapshot contains.
    pub committed: EntryId,
    /// The last entry. What others have after it is lost.
    pub last: EntryId,
    /// Entries that are not known to be committed; the new cluster commits them.
    pub uncertain: u64,
    /// Commands among them.
    pub uncertain_commands: u64,
}

impl RecoveryFacts {
    /// The facts of what [`StoredDirectory::read`] has read.
    #[must_use]
    pub fn of(peer: PeerId, stored: &PersistentState) -> Self {
        let committed = stored.base();
        let after = stored.entries.iter().filter(|entry| entry.id.index > committed.index);
        let commands = after.clone().filter(|it| matches!(it.payload, Payload::Command(_)));
        Self {
            peer,
            members: members(stored, peer),
            current_term: stored.hard_state.current_term,
            committed,
            last: stored.last(),
            uncertain: after.clone().count() as u64,
            uncertain_commands: commands.count() as u64,
        }
    }
}

/// Makes the directory of a new cluster of one peer from that of a peer whose cluster has lost its quorum
/// for ever. The new one has the whole log, also entries that were never committed; what this peer
/// lacks is lost. [`RecoveryFacts`] says what is known.
///
/// **Take the directory whose last entry is of the latest term, and among those the one with the highest
/// index. Never start the others again but with empty directories.** They refuse the new cluster and
/// are refused by it; enough of them would go on as the old one.
///
/// # Errors
/// There is nothing to recover; the old directory is damaged; the new one is not free or cannot be
/// written. Then nothing is left of it.
pub fn recover(
    source: &StoredDirectory,
    target: &NewDirectory,
) -> Result<(RecoveryFacts, NewCluster), NewClusterError> {
    check_free(&target.path)?;
    let stored = source.read()?;
    let facts = RecoveryFacts::of(source.peer, &stored);
    let (peer, term) = (facts.peer, facts.current_term);
    // A directory of an earlier version may not name its members.
    let may_be_member = stored.identity.is_none() && stored.last() != EntryId::ZERO;
    if facts.members.is_empty() && !may_be_member {
        return Err(NewClusterError::NoMember { peer });
    }
    if facts.members.all_voters().eq([peer]) {
        return Err(NewClusterError::HasQuorum { peer });
    }
    if term >= Term::MAX {
        return Err(NewClusterError::NoTermLeft { term });
    }
    let (current_term, last) = (term.next(), facts.last.index.next());
    let last = EntryId::new(current_term, last);
    let skipped = source.skipped_entries()?;
    let cluster = make(target, |store, identity| {
        let members = Arc::new(members_of(identity, target));
        store.write(&[
            Write { id: WriteId::new(1), record: Record::Identity(identity.clone()) },
            Write { id: WriteId::new(2), record: hard_state(current_term) },
        ])?;
        if let Some(snapshot) = &stored.snapshot {
            let (last_included, membership) = (snapshot.last_included, Arc::clone(&members));
            let data = SnapshotCopy::of(&snapshot.data, store)?;
            let snapshot = Snapshot { last_included, membership, data };
            let record = Record::Snapshot { snapshot, suffix: Suffix::Discarded };
            store.write(&[Write { id: WriteId::new(3), record }])?;
        }
        let after = stored.entries.iter().filter(|entry| entry.id.index > stored.base().index);
        let mut entries: Vec<Entry> = after.cloned().map(without_members).collect();
        entries.push(Entry { id: last, payload: Payload::Membership(members) });
        store.write(&[Write { id: WriteId::new(4), record: Record::Append(entries) }])?;
        Ok((last, skipped))
    })?;
    Ok((facts, cluster))
}

/// Takes the old members out of an entry, which stays at its place.
fn without_members(entry: Entry) -> Entry {
    match entry.payload {
        Payload::Membership(_) => Entry { payload: Payload::NoOp, ..entry },
        Payload::Command(_) | Payload::NoOp => entry,
    }
}

const fn hard_state(current_term: Term) -> Record {
    Record::HardState(HardState { current_term, voted_for: None })
}

fn members_of(identity: &Identity, target: &NewDirectory) -> Membership {
    let members = identity.initial_membership(target.peer);
    match &target.address {
        Some(address) => members.with_address(target.peer, Arc::clone(address)),
        None => members,
    }
}

/// Makes a directory under another name, has it filled, and names it. `fill` returns the last entry and
/// the entries to skip.
fn make(
    target: &NewDirectory,
    fill: impl FnOnce(
        &mut dyn Storage,
        &Identity,
    ) -> Result<(EntryId, BTreeSet<EntryId>), NewClusterError>,
) -> Result<NewCluster, NewClusterError> {
    use std::hash::{BuildHasher, RandomState};
    let store = Incarnation::new(RandomState::new().hash_one(target.peer));
    let (peers, known) = ([target.peer].into(), BTreeMap::new());
    let identity = Identity { incarnation: store, standing: Standing::Confirmed, peers, known };
    let path = absolute(&target.path)?;
    let unfinished = unfinished(&path);
    let written = write(target, &unfinished, &identity, fill);
    let named = written.and_then(|last| {
        let moved = fs::rename(&unfinished, &path).and_then(|()| match path.parent() {
            Some(parent) => sync_directory(parent),
            None => Ok(()),
        });
        moved.map_err(io_error(format!("name the new directory {}", path.display())))?;
        Ok(last)
    });
    if named.is_err() {
        // The first error counts.
        let _ = fs::remove_dir_all(&unfinished);
    }
    // As a new cluster of this one peer would call itself.
    let cluster = ClusterId::new(store.number());
    Ok(NewCluster { cluster, store, last: named? })
}

fn write(
    target: &NewDirectory,
    unfinished: &Path,
    identity: &Identity,
    fill: impl FnOnce(
        &mut dyn Storage,
        &Identity,
    ) -> Result<(EntryId, BTreeSet<EntryId>), NewClusterError>,
) -> Result<EntryId, NewClusterError> {
    let creating = || io_error(format!("create the directory {}", unfinished.display()));
    own_file::create_directory(unfinished).map_err(creating())?;
    let mut store = open_store(target.kind, unfinished, target.peer)?;
    let (last, skipped) = fill(&mut *store, identity)?;
    drop(store);
    if !skipped.is_empty() {
        skipped::write(&mut OsDirectory::existing(unfinished), &skipped)?;
    }
    Ok(last)
}

fn absolute(path: &Path) -> Result<PathBuf, StorageError> {
    std::path::absolute(path).map_err(io_error(format!("find {}", path.display())))
}

/// The name of a directory until it is complete, of this process alone.
fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.unfinished-{}", std::process::id()))
}

/// Bytes on their way into a store, as a snapshot.
enum SnapshotCopy {
    Stored(Box<dyn super::SnapshotWriter>),
    Memory(Vec<u8>),
}

impl SnapshotCopy {
    fn begin(store: &mut dyn Storage) -> Result<Self, StorageError> {
        match store.snapshot_space() {
            Some(mut space) => Ok(Self::Stored(space.create()?)),
            None => Ok(Self::Memory(Vec::new())),
        }
    }

    /// Copies a whole snapshot.
    fn of(data: &SnapshotData, store: &mut dyn Storage) -> Result<SnapshotData, StorageError> {
        let (mut copy, mut reader) = (Self::begin(store)?, data.reader());
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            let read = reader.read(&mut buffer);
            match read.map_err(io_error("read the snapshot".to_owned()))? {
                0 => return copy.finish(),
                count => copy.append(&buffer[..count])?,
            }
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        match self {
            Self::Stored(writer) => writer.append(bytes),
            Self::Memory(all) => {
                all.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<SnapshotData, StorageError> {
        match self {
            Self::Stored(mut writer) => {
                writer.finish()?;
                Ok(writer.data())
            }
            Self::Memory(bytes) => Ok(bytes.into()),
        }
    }
}

/// Bytes of a snapshot that are copied at a time.
const COPY_BYTES: usize = 256 << 10;
