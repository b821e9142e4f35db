//! Entries that an operator has excluded from the state machine: the file `SKIPPED`.
//!
//! A command that panics ends its node, and every later start again. The entry stays in the log,
//! which is the same on all peers; only the state machine is not given it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::StorageError;
use super::directory::{self, Directory, io_error};
use crate::entry::Payload;
use crate::persistent_state::PersistentState;
use crate::types::{EntryId, Index, Term};

const SKIPPED: &str = "SKIPPED";

/// The first line.
const TITLE: &str = "raft skipped entries, format 1";

/// Reads the excluded entries; none without the file.
pub(super) fn read<F: Directory>(directory: &F) -> Result<BTreeSet<EntryId>, StorageError> {
    let path = directory.path_of(SKIPPED);
    let bytes = match directory.read(SKIPPED) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        read => read.map_err(io_error(format!("read {path}")))?,
    };
    parse(&String::from_utf8_lossy(&bytes)).map_err(|(line, problem)| {
        StorageError::Unreadable(format!("{path}, line {line}: {problem}"))
    })
}

/// Excludes the entry at `index`, durably, and returns its id.
///
/// # Errors
/// The log has no command there, or the file cannot be written.
pub(super) fn add<F: Directory>(
    directory: &mut F,
    stored: &PersistentState,
    index: Index,
) -> Result<EntryId, StorageError> {
    let id =
        command_at(stored, index).map_err(|problem| StorageError::NotSkipped { index, problem })?;
    let mut skipped = read(directory)?;
    skipped.insert(id);
    write(directory, &skipped)?;
    Ok(id)
}

/// Replaces the excluded entries.
pub(super) fn write<F: Directory>(
    directory: &mut F,
    skipped: &BTreeSet<EntryId>,
) -> Result<(), StorageError> {
    let mut text = format!("{TITLE}\n");
    for id in skipped {
        // A String takes everything.
        let _ = writeln!(text, "{id}");
    }
    directory::replace(directory, SKIPPED, &[text.as_bytes()])
}

fn command_at(stored: &PersistentState, index: Index) -> Result<EntryId, String> {
    let (base, last) = (stored.base().index, stored.last().index);
    if index <= base {
        return Err(format!("the snapshot through {base} holds its effect already"));
    }
    let Some(entry) = stored.entries.iter().find(|entry| entry.id.index == index) else {
        return Err(format!("the log has the entries after {base} through {last}"));
    };
    match entry.payload {
        Payload::Command(_) => Ok(entry.id),
        Payload::NoOp | Payload::Membership(_) => {
            Err("it is not a command, so the state machine is not given it".to_owned())
        }
    }
}

fn parse(text: &str) -> Result<BTreeSet<EntryId>, (usize, String)> {
    let mut lines = (1..).zip(text.lines());
    match lines.next() {
        Some((_, TITLE)) => {}
        first => {
            let found = first.map_or("", |(_, line)| line);
            return Err((1, format!("`{}`, expected `{TITLE}`", found.escape_debug())));
        }
    }
    let entry = |(number, line): (usize, &str)| {
        let id = line.split_once('@').and_then(|(index, term)| {
            Some(EntryId::new(Term::new(term.parse().ok()?), Index::new(index.parse().ok()?)))
        });
        id.ok_or_else(|| (number, format!("`{}`, expected INDEX@TERM", line.escape_debug())))
    };
    lines.map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_list_names_its_line() {
        let id = |index, term| EntryId::new(Term::new(term), Index::new(index));
        let read = parse(&format!("{TITLE}\n7@2\n9@2\n"));
        assert_eq!(read, Ok([id(7, 2), id(9, 2)].into()));
        for (text, line) in [("", 1), ("7@2\n", 1), (&format!("{TITLE}\n7@2\n8\u{1b}[2J"), 3)] {
            let (found, problem) = parse(text).expect_err("it is broken");
            assert_eq!(found, line, "{problem}");
            assert!(!problem.contains('\u{1b}'), "{problem}");
        }
    }
}
