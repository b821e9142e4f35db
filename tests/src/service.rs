//! The service on top of each peer: it keeps every command it was given and checks them.
//!
//! Invariants: a service is given index 1, or the one after its snapshot, then each next one, once;
//! at every index all services of a run are given the same bytes, restarts included; a snapshot
//! that is installed holds exactly what was agreed on.

use std::fmt;

use raft::{Bytes, Entry, Index, Snapshot};

use crate::invariants::violation::Witness;
use crate::invariants::{Property, Violation};

/// Whether services compact their logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snapshots {
    /// They never do.
    Never,
    /// They snapshot their history at every tenth index.
    EveryTenth,
}

impl fmt::Display for Snapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Never => "no snapshots",
            Self::EveryTenth => "a snapshot at every tenth index",
        })
    }
}

/// What all services agreed on so far.
#[derive(Debug, Default)]
pub struct Agreed {
    /// The command at index `n` is at place `n - 1`.
    commands: Vec<(Bytes, Witness)>,
}

impl Agreed {
    /// The command at an index, if any service was given one.
    #[must_use]
    pub fn command(&self, index: Index) -> Option<&Bytes> {
        self.at(index).map(|(command, _)| command)
    }

    /// The last index any service was given.
    #[must_use]
    pub fn last(&self) -> Index {
        Index::new(self.commands.len() as u64)
    }

    fn at(&self, index: Index) -> Option<&(Bytes, Witness)> {
        let place = index.number().checked_sub(1)?;
        self.commands.get(usize::try_from(place).ok()?)
    }

    /// Compares a command with what others were given at the index.
    fn check(
        &mut self,
        seen: Witness,
        index: Index,
        command: &Bytes,
    ) -> Result<(), Box<Violation>> {
        if index == self.last().next() {
            self.commands.push((command.clone(), seen));
            return Ok(());
        }
        let Some((first, witness)) = self.at(index) else {
            return Err(Property::Applier.broken(format_args!(
                "{seen} is given index {index}, the others only got to {}",
                self.last()
            )));
        };
        if first == command {
            return Ok(());
        }
        Err(Property::Applier.broken(format_args!(
            "{seen} is given {command:02x?} at index {index}, {witness} was given {first:02x?}"
        )))
    }
}

/// One peer's service.
#[derive(Clone, Debug)]
pub struct Service {
    history: Vec<Bytes>,
    snapshots: Snapshots,
}

impl Service {
    /// A service without any state.
    #[must_use]
    pub const fn new(snapshots: Snapshots) -> Self {
        Self { history: Vec::new(), snapshots }
    }

    /// The last index the service was given.
    #[must_use]
    pub fn last_applied(&self) -> Index {
        Index::new(self.history.len() as u64)
    }

    /// The service starts anew: its memory is gone.
    pub fn restart(&mut self) {
        self.history.clear();
    }

    /// Takes a committed entry, and returns a snapshot through it when one is due.
    ///
    /// # Errors
    /// The entry is out of order, or differs from what others were given.
    pub fn apply(
        &mut self,
        seen: Witness,
        entry: &Entry,
        agreed: &mut Agreed,
    ) -> Result<Option<Bytes>, Box<Violation>> {
        let (index, expected) = (entry.id.index, self.last_applied().next());
        if index != expected {
            return Err(Property::Applier.broken(format_args!(
                "{seen} is given index {index} and expected index {expected}"
            )));
        }
        let command = match &entry.payload {
            raft::Payload::NoOp => Bytes::default(),
            raft::Payload::Command(command) => command.clone(),
        };
        agreed.check(seen, index, &command)?;
        self.history.push(command);
        let due = match self.snapshots {
            Snapshots::Never => false,
            Snapshots::EveryTenth => index.next().number().is_multiple_of(SNAPSHOT_INTERVAL),
        };
        Ok(due.then(|| encode(&self.history)))
    }

    /// Takes the place of a snapshot.
    ///
    /// # Errors
    /// The snapshot is no history through its index, or not the one agreed on.
    pub fn restore(
        &mut self,
        seen: Witness,
        snapshot: &Snapshot,
        agreed: &mut Agreed,
    ) -> Result<(), Box<Violation>> {
        let Some(history) = decode(&snapshot.data) else {
            return Err(Property::Applier.broken(format_args!(
                "{seen} is given a snapshot through {} that cannot be read",
                snapshot.index()
            )));
        };
        if history.len() as u64 != snapshot.index().number() {
            return Err(Property::Applier.broken(format_args!(
                "{seen} is given a snapshot through {} with {} commands",
                snapshot.index(),
                history.len()
            )));
        }
        for (place, command) in history.iter().enumerate() {
            agreed.check(seen, Index::new(place as u64 + 1), command)?;
        }
        self.history = history;
        Ok(())
    }
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

/// The history that was encoded; `None` if these are no such bytes.
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

/// The lab's interval.
const SNAPSHOT_INTERVAL: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use raft::{EntryId, Instant, Payload, PeerId, Term};

    fn seen(peer: u64) -> Witness {
        Witness { peer: PeerId::new(peer), at: Instant::START }
    }

    fn entry(index: u64, command: &[u8]) -> Entry {
        let payload = Payload::Command(command.into());
        Entry { id: EntryId::new(Term::new(1), Index::new(index)), payload }
    }

    #[test]
    fn a_gap_a_repetition_and_another_command_are_refused() {
        let mut agreed = Agreed::default();
        let mut first = Service::new(Snapshots::Never);
        for index in 1..=3 {
            first.apply(seen(0), &entry(index, b"x"), &mut agreed).unwrap();
        }
        let rows = [
            (entry(3, b"x"), "is given index 3 and expected index 4"),
            (entry(5, b"x"), "is given index 5 and expected index 4"),
        ];
        for (entry, expected) in rows {
            let error = first.apply(seen(0), &entry, &mut agreed).expect_err(expected);
            assert!(error.text.contains(expected), "{error}");
        }
        let mut second = Service::new(Snapshots::Never);
        let error = second.apply(seen(1), &entry(1, b"y"), &mut agreed).expect_err("differs");
        assert!(error.text.contains("peer 0") && error.text.contains("peer 1"), "{error}");
    }

    #[test]
    fn a_snapshot_carries_the_whole_history() {
        let mut agreed = Agreed::default();
        let mut first = Service::new(Snapshots::EveryTenth);
        let mut taken = None;
        for index in 1..=9_u64 {
            let due = first.apply(seen(0), &entry(index, &index.to_le_bytes()), &mut agreed);
            taken = due.unwrap();
            assert_eq!(taken.is_some(), index == 9, "at {index}");
        }
        let last_included = EntryId::new(Term::new(1), Index::new(9));
        let data = taken.expect("a snapshot is due at index 9");
        let mut second = Service::new(Snapshots::EveryTenth);
        let good = Snapshot { last_included, data: data.clone() };
        second.restore(seen(1), &good, &mut agreed).unwrap();
        assert_eq!(second.last_applied(), Index::new(9));

        let mut wrong = data.to_vec();
        wrong[20] ^= 1;
        for data in [wrong.into(), data[..data.len() - 1].into(), data[..16].into()] {
            let bad = Snapshot { last_included, data };
            assert!(second.restore(seen(1), &bad, &mut agreed).is_err(), "{bad:?}");
        }
    }
}
