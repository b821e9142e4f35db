//! Commands that read the directories of stopped peers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use raft::backup::{BackupHeader, BackupReader, BackupSource};
use raft::storage::{RecoveryFacts, StorageError, StoredDirectory};
use raft::{Entry, EntryId, Membership, Payload, PeerId, PersistentState, Standing};
use serde_json::{Value, json};

use crate::report::{CommandError, CommandResult, Facts, Outcome, Printer, count, list};

/// Contents of a directory, as far as they can be known.
struct Inspected {
    directory: StoredDirectory,
    /// The contents, or the damage.
    contents: Result<(PersistentState, BTreeSet<EntryId>), String>,
}

/// Locks a directory, with what to do if that fails.
pub(crate) fn open(path: &Path) -> Result<StoredDirectory, CommandError> {
    if !path.exists() {
        return Err(format!("{}: no such directory", path.display()).into());
    }
    StoredDirectory::open(path).map_err(|error| {
        if matches!(error, StorageError::InUse { .. }) {
            return format!(
                "{error}: stop that process first; a running peer shows itself by \
                 `raftctl status SOCKET`"
            )
            .into();
        }
        error.into()
    })
}

pub(crate) fn inspect(printer: &Printer, paths: &[PathBuf]) -> CommandResult {
    let (mut values, mut text, mut outcome) = (Vec::new(), Facts::default(), Outcome::Done);
    for path in paths {
        let directory = match open(path) {
            Ok(directory) => directory,
            // Others may be readable.
            Err(error) => {
                let (name, error) = (path.display().to_string(), error.to_string());
                text.title(&name);
                text.add("UNREADABLE", &error);
                values.push(json!({ "directory": name, "error": error }));
                outcome = Outcome::NotDone;
                continue;
            }
        };
        let read = directory.read().and_then(|state| Ok((state, directory.skipped_entries()?)));
        let contents = read.map_err(|error| error.to_string());
        if contents.is_err() {
            outcome = Outcome::NotDone;
        }
        let inspected = Inspected { directory, contents };
        values.push(inspected.value(path));
        inspected.describe(path, &mut text);
    }
    printer.print(&Value::Array(values), text.as_str())?;
    Ok(outcome)
}

impl Inspected {
    fn value(&self, path: &Path) -> Value {
        let directory = &self.directory;
        let files: serde_json::Map<_, _> =
            files(path).into_iter().map(|(name, bytes)| (name, bytes.into())).collect();
        let mut value = json!({
            "directory": path.display().to_string(),
            "store": directory.kind.storage(),
            "format": directory.format,
            "written_by": directory.written_by,
            "peer": directory.peer.number(),
            "files": files,
            "damage": self.contents.as_ref().err(),
        });
        if let (Ok((state, skipped)), Some(fields)) = (&self.contents, value.as_object_mut()) {
            let facts = RecoveryFacts::of(directory.peer, state);
            let snapshot = state.snapshot.as_ref().map(|snapshot| {
                let mut value = id(snapshot.last_included);
                value["bytes"] = snapshot.data.len().into();
                value
            });
            let identity = state.identity.as_ref();
            let first = state.entries.first().map(|entry| id(entry.id));
            let more = json!({
                "incarnation": identity.map(|it| it.incarnation.to_string()),
                "is_new": identity.map(|it| it.standing == Standing::New),
                "cluster": facts.members.cluster().map(|id| id.to_string()),
                "members": members(&facts.members),
                "term": state.hard_state.current_term.number(),
                "voted_for": state.hard_state.voted_for.map(PeerId::number),
                "snapshot": snapshot,
                "log": {
                    "first": first,
                    "last": id(state.last()),
                    "entries": state.entries.len(),
                    "commands": commands(state),
                    "command_bytes": command_bytes(state),
                    "not_known_committed": facts.uncertain,
                },
                "skipped": skipped.iter().map(|entry| id(*entry)).collect::<Vec<_>>(),
            });
            if let Value::Object(more) = more {
                fields.extend(more);
            }
        }
        value
    }

    fn describe(&self, path: &Path, facts: &mut Facts) {
        let directory = &self.directory;
        facts.title(&path.display().to_string());
        facts.add("peer", directory.peer);
        let (kind, format) = (directory.kind.storage(), directory.format);
        facts.add("store", format!("{kind}, format {format}, by {}", directory.written_by));
        match &self.contents {
            Err(damage) => facts.add("DAMAGE", damage),
            Ok((state, skipped)) => self.describe_contents(state, skipped, facts),
        }
        let files = files(path);
        let bytes: u64 = files.iter().map(|(_, bytes)| bytes).sum();
        facts.add("files", format!("{}, {bytes} bytes", files.len()));
        if self.contents.is_ok() {
            facts.add("damage", "none");
        }
    }

    fn describe_contents(
        &self,
        state: &PersistentState,
        skipped: &BTreeSet<EntryId>,
        facts: &mut Facts,
    ) {
        let known = RecoveryFacts::of(self.directory.peer, state);
        match &state.identity {
            Some(identity) => facts.add(
                "incarnation",
                format!("{}, {}", identity.incarnation, standing(identity.standing)),
            ),
            None => facts.add("incarnation", "none yet: not started by this version"),
        }
        let cluster = known.members.cluster();
        facts.add("cluster", cluster.map_or("no id yet".to_owned(), |id| id.to_string()));
        facts.add("members", members_text(&known.members));
        for (peer, address) in known.members.addresses() {
            facts.add("", format!("{peer} at {address}"));
        }
        let voted = state.hard_state.voted_for;
        let voted = voted.map_or("no vote in it".to_owned(), |peer| format!("voted for {peer}"));
        facts.add("term", format!("{}, {voted}", state.hard_state.current_term));
        match &state.snapshot {
            Some(snapshot) => facts.add(
                "snapshot",
                format!("through {}, {} bytes", place(snapshot.last_included), snapshot.data.len()),
            ),
            None => facts.add("snapshot", "none"),
        }
        facts.add("log", log_text(state));
        let uncertain = count(known.uncertain, "entry is", "entries are");
        facts.add(
            "committed",
            format!("through {} at least; {uncertain} not known to be", known.committed.index),
        );
        if !skipped.is_empty() {
            facts.add("skipped", list(skipped));
        }
    }
}

/// Members in a sentence.
pub(crate) fn members_text(members: &Membership) -> String {
    if members.is_empty() { "not named in it".to_owned() } else { members.to_string() }
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::New => "new: no vote yet unless the members record it",
        Standing::Confirmed => "confirmed",
    }
}

fn log_text(state: &PersistentState) -> String {
    let Some(first) = state.entries.first() else { return "no entries".to_owned() };
    let (last, all) = (place(state.last()), count(state.entries.len() as u64, "entry", "entries"));
    let commands = count(commands(state), "command", "commands");
    format!("{} to {last}: {all}, {commands} of {} bytes", first.id.index, command_bytes(state))
}

fn commands(state: &PersistentState) -> u64 {
    let is = |entry: &&Entry| matches!(entry.payload, Payload::Command(_));
    state.entries.iter().filter(is).count() as u64
}

fn command_bytes(state: &PersistentState) -> u64 {
    state.entries.iter().map(|entry| entry.payload.bytes().len() as u64).sum()
}

/// An entry in a sentence.
pub(crate) fn place(id: EntryId) -> String {
    format!("{} of term {}", id.index, id.term)
}

pub(crate) fn id(id: EntryId) -> Value {
    json!({ "index": id.index.number(), "term": id.term.number() })
}

pub(crate) fn members(members: &Membership) -> Value {
    let numbers =
        |peers: &BTreeSet<PeerId>| -> Vec<u64> { peers.iter().map(|peer| peer.number()).collect() };
    let addresses = members.addresses().iter();
    let addresses: serde_json::Map<_, _> =
        addresses.map(|(peer, at)| (peer.to_string(), at.to_string().into())).collect();
    json!({
        "voters": numbers(members.voters()),
        "outgoing": members.outgoing().map(numbers),
        "learners": numbers(members.learners()),
        "addresses": addresses,
    })
}

/// The names and sizes of files, in order.
fn files(path: &Path) -> Vec<(String, u64)> {
    let read = fs::read_dir(path).into_iter().flatten().flatten();
    let mut files: Vec<_> = read
        .map(|file| {
            let bytes = file.metadata().map_or(0, |metadata| metadata.len());
            (file.file_name().to_string_lossy().into_owned(), bytes)
        })
        .collect();
    files.sort();
    files
}

pub(crate) fn log(
    printer: &Printer,
    path: &Path,
    (from, to): (u64, u64),
    with_data: bool,
) -> CommandResult {
    if from > to {
        return Err(format!("--from {from} is after --to {to}").into());
    }
    let directory = open(path)?;
    let (state, skipped) = (directory.read()?, directory.skipped_entries()?);
    let wanted = |entry: &&Entry| (from..=to).contains(&entry.id.index.number());
    let entries = state.entries.iter().filter(wanted);
    printer.lines(
        entries,
        |entry| {
            let mut value = id(entry.id);
            value["kind"] = kind(&entry.payload).into();
            value["bytes"] = entry.payload.bytes().len().into();
            value["skipped"] = skipped.contains(&entry.id).into();
            if let Payload::Membership(membership) = &entry.payload {
                value["members"] = members(membership);
            }
            if with_data {
                value["data"] = hex(entry.payload.bytes()).into();
            }
            value
        },
        |entry| {
            let detail = match &entry.payload {
                Payload::NoOp => String::new(),
                Payload::Command(bytes) if with_data => {
                    format!("{} bytes: {}", bytes.len(), bytes.escape_ascii())
                }
                Payload::Command(bytes) => format!("{} bytes", bytes.len()),
                Payload::Membership(membership) => membership.to_string(),
            };
            let skipped = if skipped.contains(&entry.id) { ", skipped" } else { "" };
            let (EntryId { term, index }, kind) = (entry.id, kind(&entry.payload));
            format!("{index:>8}  term {term:<4} {kind:<10} {detail}{skipped}").trim_end().to_owned()
        },
    )?;
    Ok(Outcome::Done)
}

pub(crate) const fn kind(payload: &Payload) -> &'static str {
    match payload {
        Payload::NoOp => "no-op",
        Payload::Command(_) => "command",
        Payload::Membership(_) => "membership",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn verify(printer: &Printer, paths: &[PathBuf]) -> CommandResult {
    let (mut values, mut text, mut outcome) = (Vec::new(), Facts::default(), Outcome::Done);
    for path in paths {
        let found = if path.is_dir() { verify_directory(path) } else { verify_backup(path) };
        let (name, finding) = (path.display().to_string(), found.as_ref().err());
        text.line(&match &found {
            Ok(what) => format!("{name}: {what}"),
            Err(error) => format!("{name}: NOT SOUND: {error}"),
        });
        values.push(json!({
            "path": name,
            "sound": found.is_ok(),
            "finding": finding.map(ToString::to_string),
        }));
        if found.is_err() {
            outcome = Outcome::NotDone;
        }
    }
    printer.print(&Value::Array(values), text.as_str())?;
    Ok(outcome)
}

fn verify_directory(path: &Path) -> Result<String, CommandError> {
    let state = open(path)?.read()?;
    state.check()?;
    Ok(format!("sound, with all entries through {}", place(state.last())))
}

fn verify_backup(path: &Path) -> Result<String, CommandError> {
    let file = fs::File::open(path)?;
    let mut backup = BackupReader::open(std::io::BufReader::new(file))?;
    while backup.next_block()?.is_some() {}
    Ok(format!("a whole backup: {}", backup_text(backup.header(), backup.data_len())))
}

/// A backup in a sentence.
pub(crate) fn backup_text(header: &BackupHeader, bytes: u64) -> String {
    let source = match header.source {
        BackupSource::Linearizable => "linearizable",
        BackupSource::Local => "local, perhaps old then",
    };
    let cluster = header.cluster.map_or("without an id".to_owned(), |id| id.to_string());
    format!(
        "state through entry {} ({bytes} bytes, {source}) of cluster {cluster}, made by peer {} at Unix time {}",
        place(header.through),
        header.peer,
        header.made_at
    )
}

pub(crate) fn backup_value(header: &BackupHeader, bytes: u64) -> Value {
    json!({
        "through": id(header.through),
        "bytes": bytes,
        "linearizable": header.source == BackupSource::Linearizable,
        "cluster": header.cluster.map(|id| id.to_string()),
        "peer": header.peer.number(),
        "made_at": header.made_at,
        "members": members(&header.members),
    })
}
