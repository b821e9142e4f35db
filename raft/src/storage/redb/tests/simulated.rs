//! A file in memory that distinguishes written from durable data, with fault injection.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::StorageBackend;

use super::super::store::Store;
use crate::storage::StorageError;
use crate::storage::directory::WritableFile;
use crate::storage::durable_mark::{DurableMark, DurableThrough};
use crate::storage::identity::{Identity, StoreKind};
use crate::storage::simulated::{Fault, FaultInjector, SimulatedMachine, Survival, Survives};
use crate::types::PeerId;

/// A directory with a database; its identity is written atomically.
#[derive(Clone, Debug)]
pub(super) struct SimulatedFile(Arc<Mutex<Disk>>);

#[derive(Debug)]
struct Disk {
    identity: Identity,
    /// True once the file has its name.
    created: bool,
    durable: Vec<u8>,
    now: Vec<u8>,
    /// The changes to be flushed next. A failed flush discards them.
    dirty: Vec<Change>,
    mark: Mark,
    faults: FaultInjector,
}

/// The bytes of the file `DURABLE`.
#[derive(Clone, Debug, Default)]
struct Mark {
    durable: Vec<u8>,
    now: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Change {
    Length(usize),
    Write(usize, Vec<u8>),
}

/// Size of atomic writes, in bytes. Real disks guarantee 512.
const SECTOR: usize = 64;

impl Default for SimulatedFile {
    fn default() -> Self {
        let identity = Identity { seed: 7, ..Identity::new(StoreKind::Redb, PeerId::new(1)) };
        Self(Arc::new(Mutex::new(Disk {
            identity,
            created: false,
            durable: Vec::new(),
            now: Vec::new(),
            dirty: Vec::new(),
            mark: Mark::default(),
            faults: FaultInjector::default(),
        })))
    }
}

impl SimulatedFile {
    /// All bytes of the file.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.disk().now.clone()
    }

    /// The same directory with other bytes in its file, all durable, and no mark.
    pub(super) fn with(&self, bytes: &[u8]) -> Self {
        let disk = Disk {
            identity: self.disk().identity,
            created: true,
            durable: bytes.to_vec(),
            now: bytes.to_vec(),
            dirty: Vec::new(),
            mark: Mark::default(),
            faults: FaultInjector::default(),
        };
        Self(Arc::new(Mutex::new(disk)))
    }

    /// The same directory with its mark and other bytes in its file.
    pub(super) fn marked_with(&self, bytes: &[u8]) -> Self {
        let other = self.with(bytes);
        other.disk().mark = self.disk().mark.clone();
        other
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().expect("no step panics")
    }
}

impl SimulatedMachine for SimulatedFile {
    type Store = Store;

    const STRIDE: usize = 5;

    fn open(&self) -> Result<Store, StorageError> {
        let identity = self.disk().identity;
        if !self.disk().created {
            (self.disk().now, self.disk().dirty) = (Vec::new(), vec![Change::Length(0)]);
            Store::create(self.clone(), "data/raft.redb", &identity)?;
            self.disk().created = true;
        }
        let durable = DurableThrough::newest(&self.disk().mark.now, &identity);
        let store = Store::open(self.clone(), "data/raft.redb", &identity, durable, None)?;
        self.disk().identity.read_through = store.next();
        let (file, path) = (Box::new(SimulatedMark(self.clone())), "data/DURABLE".to_owned());
        let mark = DurableMark::of(file, path, identity.seed, store.next())?;
        Ok(store.with_mark(mark))
    }

    fn faults<R>(&self, look: impl FnOnce(&mut FaultInjector) -> R) -> R {
        look(&mut self.disk().faults)
    }

    fn lose_power(&self, survives: Survives) {
        let mut disk = self.disk();
        let mut survival = Survival::new(survives);
        for change in std::mem::take(&mut disk.dirty) {
            for part in change.parts() {
                if survival.survives() {
                    part.apply(&mut disk.durable);
                }
            }
        }
        disk.now = disk.durable.clone();
        let Mark { durable, now } = &mut disk.mark;
        durable.resize(now.len(), 0);
        for (old, new) in durable.chunks_mut(16).zip(now.chunks(16)) {
            if survival.survives() {
                old.copy_from_slice(new);
            }
        }
        now.clone_from(durable);
    }
}

/// Access to the mark; a torn one is left by parts of sixteen bytes.
struct SimulatedMark(SimulatedFile);

impl WritableFile for SimulatedMark {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        assert_eq!(offset, 0);
        let mut disk = self.0.disk();
        disk.faults.step(&[Fault::Off, Fault::Full])?;
        disk.mark.now = bytes.to_vec();
        Ok(())
    }

    fn set_len(&mut self, _: u64) -> io::Result<()> {
        Err(io::Error::other("a mark has one length"))
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.0.disk();
        disk.faults.step(&[Fault::Off, Fault::FlushFails])?;
        disk.mark.durable = disk.mark.now.clone();
        Ok(())
    }
}

impl Change {
    /// The parts that power loss may drop separately.
    fn parts(self) -> Vec<Self> {
        match self {
            Self::Length(_) => vec![self],
            Self::Write(offset, bytes) => {
                let part = |(number, sector): (usize, &[u8])| {
                    Self::Write(offset + number * SECTOR, sector.to_vec())
                };
                bytes.chunks(SECTOR).enumerate().map(part).collect()
            }
        }
    }

    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Length(length) => file.resize(*length, 0),
            Self::Write(offset, bytes) => {
                let end = offset + bytes.len();
                file.resize(file.len().max(end), 0);
                file[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}

impl Disk {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.now);
        self.dirty.push(change);
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("a small file")
}

impl StorageBackend for SimulatedFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let disk = self.disk();
        let bytes = disk.now.get(index(offset)..index(offset).saturating_add(out.len()));
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut disk = self.disk();
        let grows = index(length) > disk.now.len();
        disk.faults.step(if grows { &[Fault::Off, Fault::Full] } else { &[Fault::Off] })?;
        disk.change(Change::Length(index(length)));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.disk();
        if disk.faults.is_next(Fault::Off) {
            return disk.faults.step(&[Fault::Off]);
        }
        let done = disk.faults.step(&[Fault::FlushFails]);
        let dirty = std::mem::take(&mut disk.dirty);
        if done.is_ok() {
            dirty.iter().for_each(|change| change.apply(&mut disk.durable));
        }
        done
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk();
        let done = disk.faults.step(&[Fault::Off, Fault::Full]);
        let count = if done.is_ok() { bytes.len() } else { bytes.len() / 2 };
        disk.change(Change::Write(index(offset), bytes[..count].to_vec()));
        done
    }
}
