//! The service on top of each peer: it keeps every applied command and checks it.
//!
//! Invariants: a service applies index 1, or the one after its snapshot, then each next one, once;
//! at every index all services of a run apply the same bytes, restarts included; an installed
//! snapshot holds exactly the applied commands.

use std::collections::BTreeMap;
use std::fmt;

use raft::{Bytes, Entry, Index, Snapshot};

use crate::invariants::violation::Witness;
use crate::invariants::{Invariant, Violation};
use crate::kv::{Execution, Request, Seen, Store};
use crate::sim::trace_hash::hash_of;

/// Snapshot policy of services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snapshots {
    /// They never do.
    Never,
    /// They snapshot their history each time it has grown by this many commands.
    Every(u64),
}

impl Snapshots {
    /// The labs' interval.
    pub const EVERY_TENTH: Self = Self::Every(10);

    /// Returns whether a snapshot through this index is due.
    const fn due(self, index: Index) -> bool {
        match self {
            Self::Never => false,
            Self::Every(count) => index.next().number().is_multiple_of(count),
        }
    }
}

/// Kind of service that executes commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// Nothing: commands are any bytes.
    History,
    /// Commands are requests to a key-value store.
    Store,
}

impl Machine {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::History, Self::Store];

    /// Its word in cases.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Store => "kv",
        }
    }
}

impl fmt::Display for Snapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("no snapshots"),
            Self::Every(count) => write!(f, "a snapshot every {count} indexes"),
        }
    }
}

/// Commands applied so far, the same at all services.
#[derive(Debug, Default)]
pub struct AppliedLog {
    /// The command at index `n` is at place `n - 1`.
    commands: Vec<(Bytes, Witness)>,
    /// The hash of the snapshot through an index.
    snapshots: BTreeMap<Index, (u64, Witness)>,
}

impl AppliedLog {
    /// The command at an index, if any service applied one.
    #[must_use]
    pub fn command(&self, index: Index) -> Option<&Bytes> {
        self.at(index).map(|(command, _)| command)
    }

    /// The last index that any service has applied.
    #[must_use]
    pub fn last(&self) -> Index {
        Index::new(self.commands.len() as u64)
    }

    fn at(&self, index: Index) -> Option<&(Bytes, Witness)> {
        let position = index.number().checked_sub(1)?;
        self.commands.get(usize::try_from(position).ok()?)
    }

    /// Compares a snapshot with those of others through the index.
    pub(crate) fn check_snapshot(
        &mut self,
        witness: Witness,
        through: Index,
        data: &[u8],
    ) -> Result<(), Box<Violation>> {
        let hash = hash_of(data);
        let (first, first_witness) = *self.snapshots.entry(through).or_insert((hash, witness));
        if first == hash && through <= self.last() {
            return Ok(());
        }
        Err(Invariant::Applier.broken(format_args!(
            "{witness} has another snapshot through {through} than {first_witness}: the same \
             commands gave two states"
        )))
    }

    /// Checks that a snapshot that is restored is one that was taken at the index.
    pub(crate) fn check_taken(
        &mut self,
        witness: Witness,
        through: Index,
        data: &[u8],
    ) -> Result<(), Box<Violation>> {
        if self.snapshots.contains_key(&through) {
            return self.check_snapshot(witness, through, data);
        }
        Err(Invariant::Applier.broken(format_args!(
            "{witness} restores a snapshot through {through}, where no service took one"
        )))
    }

    /// Compares a command with those of others at the index.
    pub(crate) fn check(
        &mut self,
        witness: Witness,
        index: Index,
        command: &Bytes,
    ) -> Result<(), Box<Violation>> {
        if index == self.last().next() {
            self.commands.push((command.clone(), witness));
            return Ok(());
        }
        let Some((first, first_witness)) = self.at(index) else {
            return Err(Invariant::Applier.broken(format_args!(
                "{witness} is given index {index}, the others only got to {}",
                self.last()
            )));
        };
        if first == command {
            return Ok(());
        }
        Err(Invariant::Applier.broken(format_args!(
            "{witness} is given {command:02x?} at index {index}, {first_witness} was given {first:02x?}"
        )))
    }
}

/// One peer's service.
#[derive(Clone, Debug)]
pub struct Service {
    history: Vec<Bytes>,
    snapshots: Snapshots,
    store: Option<Store>,
}

/// Result of an applied entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The snapshot that is due now.
    pub snapshot: Option<Bytes>,
    /// Its request and the result.
    pub request: Option<(Request, Execution)>,
}

impl Service {
    /// A service without any state.
    #[must_use]
    pub fn new(snapshots: Snapshots, machine: Machine) -> Self {
        let store = match machine {
            Machine::History => None,
            Machine::Store => Some(Store::default()),
        };
        Self { history: Vec::new(), snapshots, store }
    }

    /// All applied commands, no-ops as empty ones.
    #[must_use]
    pub fn history(&self) -> &[Bytes] {
        &self.history
    }

    /// The snapshot through the last applied index.
    #[must_use]
    pub fn snapshot(&self) -> Bytes {
        encode(&self.history)
    }

    /// The last index that the service has applied.
    #[must_use]
    pub fn last_applied(&self) -> Index {
        Index::new(self.history.len() as u64)
    }

    /// Checks the account of a node whose outputs were all taken: it has handed everything through
    /// this index to the service.
    ///
    /// # Errors
    /// The service was given more or less.
    pub fn check_given(&self, witness: Witness, last_applied: Index) -> Result<(), Box<Violation>> {
        check_given(witness, self.last_applied(), last_applied)
    }

    /// The value of a key now, if the service is a key-value store.
    #[must_use]
    pub fn value(&self, key: u8) -> Option<Seen> {
        self.store.as_ref().map(|store| store.value(key))
    }

    /// The service starts anew: its memory is gone.
    pub fn restart(&mut self) {
        self.history.clear();
        self.store = self.store.take().map(|_| Store::default());
    }

    /// Applies a committed entry.
    ///
    /// # Errors
    /// The entry is out of order, or differs from those of others.
    pub fn apply(
        &mut self,
        witness: Witness,
        entry: &Entry,
        agreed: &mut AppliedLog,
    ) -> Result<Applied, Box<Violation>> {
        check_next(witness, self.last_applied(), entry.id.index)?;
        self.apply_next(witness, command_of(entry), agreed)
    }

    /// Applies the next committed command.
    ///
    /// # Errors
    /// The command differs from those of others.
    pub fn apply_next(
        &mut self,
        witness: Witness,
        command: Bytes,
        agreed: &mut AppliedLog,
    ) -> Result<Applied, Box<Violation>> {
        let index = self.last_applied().next();
        agreed.check(witness, index, &command)?;
        let request = self.store.as_mut().and_then(|store| execute(store, &command));
        self.history.push(command);
        let snapshot = self.snapshots.due(index).then(|| self.snapshot());
        Ok(Applied { snapshot, request })
    }

    /// Restores a snapshot.
    ///
    /// # Errors
    /// The snapshot is not a history through its index, or not the one applied elsewhere.
    pub fn restore(
        &mut self,
        witness: Witness,
        snapshot: &Snapshot,
        agreed: &mut AppliedLog,
    ) -> Result<(), Box<Violation>> {
        let through = self.restore_bytes(witness, in_memory(&snapshot.data), agreed)?;
        if through == snapshot.index() {
            return Ok(());
        }
        Err(Invariant::Applier.broken(format_args!(
            "{witness} is given a snapshot through {} with {through} commands",
            snapshot.index(),
        )))
    }

    /// Restores a snapshot's bytes, and returns their last index.
    ///
    /// # Errors
    /// They are not a history, or not the one applied elsewhere.
    pub fn restore_bytes(
        &mut self,
        witness: Witness,
        data: &[u8],
        agreed: &mut AppliedLog,
    ) -> Result<Index, Box<Violation>> {
        let Some(history) = decode(data) else {
            return Err(Invariant::Applier.broken(format_args!(
                "{witness} is given a snapshot that cannot be read, of {} bytes",
                data.len()
            )));
        };
        for (position, command) in history.iter().enumerate() {
            agreed.check(witness, Index::new(position as u64 + 1), command)?;
        }
        if let Some(store) = &mut self.store {
            *store = Store::default();
            for command in &history {
                execute(store, command);
            }
        }
        self.history = history;
        Ok(self.last_applied())
    }
}

/// Checks that an index is the next one to apply.
pub(crate) fn check_next(
    witness: Witness,
    last_applied: Index,
    index: Index,
) -> Result<(), Box<Violation>> {
    let expected = last_applied.next();
    if index == expected {
        return Ok(());
    }
    Err(Invariant::Applier
        .broken(format_args!("{witness} is given index {index} and expected index {expected}")))
}

/// Checks that a node counts as applied what it has handed out.
pub(crate) fn check_given(
    witness: Witness,
    given: Index,
    last_applied: Index,
) -> Result<(), Box<Violation>> {
    if given == last_applied {
        return Ok(());
    }
    Err(Invariant::Applier.broken(format_args!(
        "{witness} counts everything through {last_applied} as applied; its service was given the \
         commands through {given}"
    )))
}

/// The bytes of a snapshot; simulated disks have them in memory.
pub(crate) fn in_memory(data: &raft::SnapshotData) -> &[u8] {
    data.bytes().expect("a simulated disk has no files")
}

/// An entry's command; empty for other entries.
pub(crate) fn command_of(entry: &Entry) -> Bytes {
    match &entry.payload {
        raft::Payload::NoOp | raft::Payload::Membership(_) => Bytes::default(),
        raft::Payload::Command(command) => command.clone(),
    }
}

/// Executes a command that is a request; a no-op is none.
fn execute(store: &mut Store, command: &[u8]) -> Option<(Request, Execution)> {
    let request = Request::decode(command)?;
    let execution = store.execute(&request);
    Some((request, execution))
}

/// The history as bytes: how many commands there are, then each one's length and the command. With
/// the number in front, no snapshot begins like another, and pieces of two make none.
fn encode(history: &[Bytes]) -> Bytes {
    let mut data =
        Vec::with_capacity(8 + history.iter().map(|command| 8 + command.len()).sum::<usize>());
    data.extend_from_slice(&(history.len() as u64).to_le_bytes());
    for command in history {
        data.extend_from_slice(&(command.len() as u64).to_le_bytes());
        data.extend_from_slice(command);
    }
    data.into()
}

/// Decodes a history; `None` for other bytes.
fn decode(data: &[u8]) -> Option<Vec<Bytes>> {
    let (count, mut data) = data.split_first_chunk::<8>()?;
    let mut history = Vec::new();
    while !data.is_empty() {
        let (length, rest) = data.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (command, rest) = rest.split_at_checked(length)?;
        history.push(command.into());
        data = rest;
    }
    (history.len() as u64 == u64::from_le_bytes(*count)).then_some(history)
}

#[cfg(test)]
mod tests {
    use super::*;
    use raft::{EntryId, Instant, Payload, PeerId, Term};
    use std::sync::Arc;

    fn witness(peer: u64) -> Witness {
        Witness { peer: PeerId::new(peer), at: Instant::START }
    }

    fn entry(index: u64, command: &[u8]) -> Entry {
        let payload = Payload::Command(command.into());
        Entry { id: EntryId::new(Term::new(1), Index::new(index)), payload }
    }

    #[test]
    fn a_gap_a_repetition_and_another_command_are_refused() {
        let mut agreed = AppliedLog::default();
        let mut first = Service::new(Snapshots::Never, Machine::History);
        for index in 1..=3 {
            first.apply(witness(0), &entry(index, b"x"), &mut agreed).unwrap();
        }
        let rows = [
            (entry(3, b"x"), "is given index 3 and expected index 4"),
            (entry(5, b"x"), "is given index 5 and expected index 4"),
        ];
        for (entry, expected) in rows {
            let error = first.apply(witness(0), &entry, &mut agreed).expect_err(expected);
            assert_eq!(error.invariant, Invariant::Applier);
            assert!(error.text.contains(expected), "{error}");
        }
        let mut second = Service::new(Snapshots::Never, Machine::History);
        let error = second.apply(witness(1), &entry(1, b"y"), &mut agreed).expect_err("differs");
        assert!(error.text.contains("peer 0") && error.text.contains("peer 1"), "{error}");
    }

    #[test]
    fn a_node_that_counts_more_than_it_has_handed_out_is_found() {
        let mut agreed = AppliedLog::default();
        let mut service = Service::new(Snapshots::Never, Machine::History);
        service.apply(witness(0), &entry(1, b"x"), &mut agreed).unwrap();
        service.check_given(witness(0), Index::new(1)).unwrap();
        let error = service.check_given(witness(0), Index::new(2)).expect_err("one is missing");
        assert_eq!(error.invariant, Invariant::Applier);
        assert!(error.text.contains("through 2 as applied"), "{error}");
    }

    #[test]
    fn a_snapshot_carries_the_whole_history() {
        let mut agreed = AppliedLog::default();
        let mut first = Service::new(Snapshots::EVERY_TENTH, Machine::History);
        let mut taken = None;
        for index in 1..=9_u64 {
            let due = first.apply(witness(0), &entry(index, &index.to_le_bytes()), &mut agreed);
            taken = due.unwrap().snapshot;
            assert_eq!(taken.is_some(), index == 9, "at {index}");
        }
        let last_included = EntryId::new(Term::new(1), Index::new(9));
        let data = taken.expect("a snapshot is due at index 9");
        let mut second = Service::new(Snapshots::EVERY_TENTH, Machine::History);
        let good =
            Snapshot { last_included, membership: Arc::default(), data: data.clone().into() };
        second.restore(witness(1), &good, &mut agreed).unwrap();
        assert_eq!(second.last_applied(), Index::new(9));

        let mut wrong = data.to_vec();
        wrong[20] ^= 1;
        for data in [&wrong, &data[..data.len() - 1], &data[..16]].map(Into::into) {
            let bad = Snapshot { last_included, membership: Arc::default(), data };
            assert!(second.restore(witness(1), &bad, &mut agreed).is_err(), "{bad:?}");
        }
    }
}
