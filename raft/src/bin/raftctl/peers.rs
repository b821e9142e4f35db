//! Commands for running peers.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use raft::admin::{Change, Client, ClientError, LossReport, Request, StatusReport};
use raft::backup::BackupReader;
use serde_json::{Value, json};

use crate::directories::{backup_text, backup_value};
use crate::report::{CommandError, CommandResult, Facts, Outcome, Printer, count, list};

pub(crate) fn status(printer: &Printer, sockets: &[PathBuf]) -> CommandResult {
    let (mut values, mut facts, mut outcome) = (Vec::new(), Facts::default(), Outcome::Done);
    for socket in sockets {
        let name = socket.display().to_string();
        match Client::new(socket).status() {
            Ok(status) => {
                facts.title(&name);
                describe(&mut facts, &status);
                let mut value = serde_json::to_value(&status)?;
                value["socket"] = name.into();
                values.push(value);
            }
            // Others may run.
            Err(error) => {
                facts.title(&format!("NO ANSWER: {error}"));
                values.push(json!({ "socket": name, "error": error.to_string() }));
                outcome = Outcome::NotDone;
            }
        }
    }
    printer.print(&Value::Array(values), facts.as_str())?;
    Ok(outcome)
}

fn describe(facts: &mut Facts, status: &StatusReport) {
    let leader = match status.leader {
        Some(leader) if leader == status.id => String::new(),
        Some(leader) => format!(", follows peer {leader}"),
        None => ", no leader known".to_owned(),
    };
    facts.add("peer", format!("{}: {}, {}{leader}", status.id, status.member, status.role));
    if status.run != "running" {
        facts.add("RUN", &status.run);
    }
    if status.disk != "healthy" {
        facts.add("DISK", &status.disk);
    }
    facts.add("term", status.term);
    let StatusReport { commit, applied, last, snapshot, .. } = status;
    facts.add(
        "log",
        format!("last {last}, committed {commit}, applied {applied}, snapshot {snapshot}"),
    );
    let outgoing = status.outgoing.as_ref();
    let outgoing = outgoing.map_or(String::new(), |old| format!(", outgoing {}", list(old)));
    let learners = &status.learners;
    facts.add(
        "members",
        format!("voters {}{outgoing}, learners {}", list(&status.voters), list(learners)),
    );
    for (peer, address) in &status.addresses {
        facts.add("", format!("{peer} at {address}"));
    }
    facts.add("cluster", status.cluster.as_deref().unwrap_or("no id yet"));
    if let Some(store) = &status.store {
        let new = if store.is_new { ", new: no vote yet" } else { "" };
        facts.add("incarnation", format!("{}{new}", store.incarnation));
    }
    for peer in &status.peers {
        let loss = match peer.loss {
            None => "",
            Some(LossReport::OtherStore) => ", LOST ITS DATA (answers from another store)",
            Some(LossReport::RolledBack) => ", LOST ENTRIES that it had acknowledged",
        };
        let behind = count(peer.behind, "entry", "entries");
        facts.add("follower", format!("{}: has {}, {behind} behind{loss}", peer.id, peer.matched));
    }
    if !status.waits_for.is_empty() {
        facts.add("waits for", list(&status.waits_for));
    }
    if let Some(by) = status.refused_by {
        facts.add("REFUSED", format!("peer {by} knows this peer by another store"));
    }
    for link in &status.refused_links {
        facts.add("REFUSED", link);
    }
}

/// Carries out a request, and says where to go if the peer is not the leader.
fn carry_out(printer: &Printer, socket: &Path, request: Request, done: &str) -> CommandResult {
    let client = Client::new(socket);
    match client.carry_out(request) {
        Ok(()) => {}
        Err(ClientError::Refused(refused)) if refused.leader.is_some() => {
            let leader = refused.leader.unwrap_or_default();
            let addresses = client.status().map(|status| status.addresses).unwrap_or_default();
            let at = addresses.get(&leader).map_or(String::new(), |at| format!(" ({at})"));
            return Err(format!(
                "{}: {refused}: peer {leader}{at} leads; run this with its socket",
                socket.display()
            )
            .into());
        }
        Err(error) => return Err(error.into()),
    }
    printer.print(&json!({ "done": done }), done)?;
    Ok(Outcome::Done)
}

pub(crate) fn change(
    printer: &Printer,
    socket: &Path,
    deadline: Duration,
    change: Change,
) -> CommandResult {
    let done = match &change {
        Change::AddLearner { peer, .. } => format!("peer {peer} is a member"),
        Change::Promote { peer } => format!("peer {peer} is a voter"),
        Change::Remove { peer } => format!("peer {peer} is not a member: stop it"),
        Change::Replace { old, new, .. } => {
            format!("peer {new} is a voter in place of peer {old}, which can be stopped")
        }
        Change::UpdateAddress { peer, address } => {
            format!("the address of peer {peer} is {address}")
        }
    };
    let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
    carry_out(printer, socket, Request::Change { change, deadline_ms }, &done)
}

pub(crate) fn transfer(printer: &Printer, socket: &Path, to: u64) -> CommandResult {
    carry_out(printer, socket, Request::Transfer { to }, &format!("peer {to} leads"))
}

pub(crate) fn backup(printer: &Printer, socket: &Path, file: &Path, local: bool) -> CommandResult {
    if file.exists() {
        return Err(format!("{} is there already: name a new file", file.display()).into());
    }
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    let unfinished = file.with_file_name(name);
    let copied = copy(socket, &unfinished, local).and_then(|copied| {
        fs::rename(&unfinished, file)?;
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(copied)
    });
    if copied.is_err() {
        // The first error counts.
        let _ = fs::remove_file(&unfinished);
    }
    let (value, text) = copied?;
    printer.print(&value, &format!("{}: {text}", file.display()))?;
    Ok(Outcome::Done)
}

/// Receives a backup in a file, checked and durable.
fn copy(socket: &Path, unfinished: &Path, local: bool) -> Result<(Value, String), CommandError> {
    let file = File::create(unfinished)
        .map_err(|error| format!("cannot write {}: {error}", unfinished.display()))?;
    let stream = Client::new(socket).backup(local)?;
    let mut tee = Tee { source: stream, copy: BufWriter::new(file) };
    let mut backup = BackupReader::open(&mut tee)?;
    while backup.next_block()?.is_some() {}
    let (header, bytes) = (backup.header().clone(), backup.data_len());
    tee.copy.flush()?;
    tee.copy.get_ref().sync_all()?;
    Ok((backup_value(&header, bytes), backup_text(&header, bytes)))
}

/// Copies what is read.
struct Tee<R> {
    source: R,
    copy: BufWriter<File>,
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(bytes)?;
        self.copy.write_all(&bytes[..count])?;
        Ok(count)
    }
}
