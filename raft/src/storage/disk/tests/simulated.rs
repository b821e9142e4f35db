//! A directory in memory that distinguishes written from durable data, with fault injection.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use super::super::store::{FileLengths, Store};
use crate::storage::StorageError;
use crate::storage::directory::{Directory, ReadableFile, WritableFile};
use crate::storage::simulated::{Fault, FaultInjector, SimulatedMachine, Survival, Survives};
use crate::types::PeerId;

pub(super) const PEER: PeerId = PeerId::new(1);

/// Small, so that every script needs several log files, and writes both within and beyond zeros.
const LENGTHS: FileLengths = FileLengths { segment: 400, preallocate: 150 };

#[derive(Clone, Default)]
pub(super) struct SimulatedDirectory(Arc<Mutex<Disk>>);

#[derive(Default)]
struct Disk {
    files: Vec<Content>,
    durable_names: Names,
    names: Names,
    /// Changes of names that are not durable.
    changes: Vec<Change>,
    faults: FaultInjector,
    /// Bytes read so far.
    read: usize,
}

type Names = BTreeMap<String, usize>;

/// A removed name and an added one with its file, at once.
struct Change {
    gone: Option<String>,
    come: Option<(String, usize)>,
}

#[derive(Clone, Default)]
struct Content {
    durable: Vec<u8>,
    now: Vec<u8>,
    /// The bytes to be flushed next. A failed flush counts them as clean.
    dirty: Vec<Range<usize>>,
}

impl SimulatedDirectory {
    /// All files and their bytes.
    pub(super) fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let disk = self.disk();
        let content =
            |(name, file): (&String, &usize)| (name.clone(), disk.files[*file].now.clone());
        disk.names.iter().map(content).collect()
    }

    /// Bytes read so far.
    pub(super) fn bytes_read(&self) -> usize {
        self.disk().read
    }

    /// A directory with these files, all durable.
    pub(super) fn of(contents: &BTreeMap<String, Vec<u8>>) -> Self {
        let mut disk = Disk::default();
        for (name, bytes) in contents {
            disk.names.insert(name.clone(), disk.files.len());
            let (durable, now) = (bytes.clone(), bytes.clone());
            disk.files.push(Content { durable, now, dirty: Vec::new() });
        }
        disk.durable_names = disk.names.clone();
        Self(Arc::new(Mutex::new(disk)))
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().expect("no step panics")
    }
}

impl SimulatedMachine for SimulatedDirectory {
    type Store = Store<Self>;

    const STRIDE: usize = 1;

    fn open(&self) -> Result<Store<Self>, StorageError> {
        Store::open(self.clone(), PEER, LENGTHS)
    }

    fn faults<R>(&self, look: impl FnOnce(&mut FaultInjector) -> R) -> R {
        look(&mut self.disk().faults)
    }

    fn lose_power(&self, survives: Survives) {
        let mut disk = self.disk();
        let mut survival = Survival::new(survives);
        for Change { gone, come } in std::mem::take(&mut disk.changes) {
            if survival.survives() {
                gone.map(|name| disk.durable_names.remove(&name));
                disk.durable_names.extend(come);
            }
        }
        disk.names = disk.durable_names.clone();
        for file in &mut disk.files {
            match survives {
                Survives::Nothing => {}
                Survives::Everything => file.durable = file.now.clone(),
                Survives::Parts(_) => file.survive_partly(&mut survival),
            }
            file.now = file.durable.clone();
            file.dirty.clear();
        }
    }
}

impl Content {
    fn survive_partly(&mut self, survival: &mut Survival) {
        let (old, new) = (self.durable.len(), self.now.len());
        let length = old.min(new) + survival.below(old.abs_diff(new) + 1);
        self.durable.resize(length, 0);
        for start in (0..length.min(new)).step_by(16) {
            let block = start..length.min(new).min(start + 16);
            if survival.survives() {
                self.durable[block.clone()].copy_from_slice(&self.now[block]);
            }
        }
    }
}

impl Disk {
    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Directory for SimulatedDirectory {
    type File = SimulatedFile;

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.disk().names.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut disk = self.disk();
        let bytes = disk.files[disk.find(name)?].now.clone();
        disk.read += bytes.len();
        Ok(bytes)
    }

    fn open_for_reading(&self, name: &str) -> io::Result<Box<dyn ReadableFile>> {
        let file = self.disk().find(name)?;
        Ok(Box::new(SimulatedFile { directory: self.clone(), file }))
    }

    fn create(&mut self, name: &str) -> io::Result<SimulatedFile> {
        let mut disk = self.disk();
        disk.faults.step(&[Fault::Off, Fault::Full])?;
        let file = disk.files.len();
        disk.files.push(Content::default());
        disk.names.insert(name.to_owned(), file);
        disk.changes.push(Change { gone: None, come: Some((name.to_owned(), file)) });
        Ok(SimulatedFile { directory: self.clone(), file })
    }

    fn open(&mut self, name: &str) -> io::Result<SimulatedFile> {
        let file = self.disk().find(name)?;
        Ok(SimulatedFile { directory: self.clone(), file })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.faults.step(&[Fault::Off])?;
        let file = disk.find(from)?;
        disk.names.remove(from);
        disk.names.insert(to.to_owned(), file);
        let (gone, come) = (Some(from.to_owned()), Some((to.to_owned(), file)));
        disk.changes.push(Change { gone, come });
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.faults.step(&[Fault::Off])?;
        disk.find(name)?;
        disk.names.remove(name);
        disk.changes.push(Change { gone: Some(name.to_owned()), come: None });
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.disk();
        disk.faults.step(&[Fault::Off, Fault::FlushFails])?;
        disk.durable_names = disk.names.clone();
        disk.changes.clear();
        Ok(())
    }

    fn path_of(&self, name: &str) -> String {
        format!("data/{name}")
    }
}

pub(super) struct SimulatedFile {
    directory: SimulatedDirectory,
    file: usize,
}

impl ReadableFile for SimulatedFile {
    fn len(&mut self) -> io::Result<u64> {
        Ok(self.directory.disk().files[self.file].now.len() as u64)
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut disk = self.directory.disk();
        disk.read += buffer.len();
        let mut bytes =
            &disk.files[self.file].now[usize::try_from(offset).expect("a small file")..];
        io::Read::read_exact(&mut bytes, buffer)
    }
}

impl WritableFile for SimulatedFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.directory.disk();
        let done = disk.faults.step(&[Fault::Off, Fault::Full]);
        let count = if done.is_ok() { bytes.len() } else { bytes.len() / 2 };
        let offset = usize::try_from(offset).expect("a small file");
        let Content { now, dirty, .. } = &mut disk.files[self.file];
        now.resize(now.len().max(offset + count), 0);
        now[offset..offset + count].copy_from_slice(&bytes[..count]);
        dirty.push(offset..offset + count);
        done
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        let mut disk = self.directory.disk();
        disk.faults.step(&[Fault::Off])?;
        disk.files[self.file].now.resize(usize::try_from(length).expect("a small file"), 0);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.directory.disk();
        let fails = disk.faults.is_next(Fault::FlushFails);
        let done = disk.faults.step(&[Fault::Off, Fault::FlushFails]);
        let Content { durable, now, dirty } = &mut disk.files[self.file];
        if done.is_ok() {
            durable.resize(now.len(), 0);
            for written in &*dirty {
                let written = written.start.min(now.len())..written.end.min(now.len());
                durable[written.clone()].copy_from_slice(&now[written]);
            }
        }
        if done.is_ok() || fails {
            dirty.clear();
        }
        done
    }
}
