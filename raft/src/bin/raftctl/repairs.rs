//! Commands that make new directories, or change those of stopped peers.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use raft::storage::{
    NewCluster, NewDirectory, RecoveryFacts, Restored, open_store, recover as recover_directory,
    reset_term as reset, restore_backup, skip_entry,
};
use raft::{Entry, Index, Payload, PeerId, PersistentState, Term};
use serde_json::{Value, json};

use crate::cli::{ConsentArgs, StoreArg, TargetArgs};
use crate::directories::{backup_text, backup_value, id, kind, members, members_text, open, place};
use crate::report::{CommandResult, Facts, Outcome, Printer, count};

fn new_directory(
    target: &TargetArgs,
    kind: raft::storage::StoreKind,
    peer: PeerId,
) -> NewDirectory {
    let address = target.address.as_deref().map(Into::into);
    NewDirectory { path: target.path.clone(), kind, peer, address }
}

fn cluster_value(path: &Path, peer: PeerId, cluster: &NewCluster) -> Value {
    json!({
        "directory": path.display().to_string(),
        "peer": peer.number(),
        "cluster": cluster.cluster.to_string(),
        "incarnation": cluster.store.to_string(),
        "last": id(cluster.last),
    })
}

/// The next steps with a new directory.
fn next_steps(facts: &mut Facts, target: &TargetArgs, peer: PeerId, cluster: &NewCluster) {
    facts.title(&format!(
        "{} holds the new cluster {}, of peer {peer} alone.",
        target.path.display(),
        cluster.cluster
    ));
    facts.line(&format!(
        "Start peer {peer} with this directory and `peers` that name it alone. Add other peers, with empty"
    ));
    facts.line("directories, by `raftctl add-learner` and `raftctl promote`.");
}

pub(crate) fn restore(
    printer: &Printer,
    backup: &Path,
    peer: u64,
    target: &TargetArgs,
    store: StoreArg,
) -> CommandResult {
    let peer = PeerId::new(peer);
    let file = File::open(backup).map_err(|error| format!("{}: {error}", backup.display()))?;
    let new = new_directory(target, store.kind(), peer);
    let restored = restore_backup(BufReader::new(file), &new);
    let Restored { header, data_len, cluster } =
        restored.map_err(|error| format!("{}: {error}", backup.display()))?;
    let value = json!({
        "backup": backup_value(&header, data_len),
        "new": cluster_value(&target.path, peer, &cluster),
    });
    let mut facts = Facts::default();
    facts.line(&format!("Restored {}", backup_text(&header, data_len)));
    next_steps(&mut facts, target, peer, &cluster);
    printer.print(&value, facts.as_str())?;
    Ok(Outcome::Done)
}

pub(crate) fn recover(
    printer: &Printer,
    path: &Path,
    target: &TargetArgs,
    consent: &ConsentArgs,
) -> CommandResult {
    let source = open(path)?;
    if !consent.yes {
        let known = RecoveryFacts::of(source.peer, &source.read()?);
        let mut facts = Facts::default();
        describe_loss(&mut facts, &known);
        facts
            .line("\nNothing was made. Is the quorum lost for ever? Then run it again with --yes.");
        let value = json!({ "known": recovery_value(&known), "new": null });
        printer.print(&value, facts.as_str())?;
        return Ok(Outcome::NotDone);
    }
    let new = new_directory(target, source.kind, source.peer);
    let (known, cluster) = recover_directory(&source, &new)?;
    let value = json!({
        "known": recovery_value(&known),
        "new": cluster_value(&target.path, known.peer, &cluster),
    });
    let mut facts = Facts::default();
    describe_loss(&mut facts, &known);
    next_steps(&mut facts, target, known.peer, &cluster);
    facts.line(&format!(
        "Never start any old member again with its old directory, nor peer {} with {}: they are another \
         cluster now.",
        known.peer,
        path.display()
    ));
    printer.print(&value, facts.as_str())?;
    Ok(Outcome::Done)
}

fn recovery_value(known: &RecoveryFacts) -> Value {
    json!({
        "peer": known.peer.number(),
        "members": members(&known.members),
        "cluster": known.members.cluster().map(|id| id.to_string()),
        "term": known.current_term.number(),
        "committed_at_least": id(known.committed),
        "last": id(known.last),
        "not_known_committed": known.uncertain,
        "commands_not_known_committed": known.uncertain_commands,
    })
}

fn describe_loss(facts: &mut Facts, known: &RecoveryFacts) {
    facts.title(&format!("WRITES MAY BE LOST. What the directory of peer {} says:", known.peer));
    facts.add("members", members_text(&known.members));
    let cluster = known.members.cluster().map(|id| id.to_string());
    facts.add(
        "cluster",
        cluster.as_deref().unwrap_or("no id: its members cannot be told from a new one"),
    );
    facts.add("term", known.current_term);
    facts.add("last entry", place(known.last));
    facts.add("committed", format!("through {} at least", known.committed.index));
    let entries = count(known.uncertain, "entry", "entries");
    let commands = count(known.uncertain_commands, "command", "commands");
    facts.add(
        "uncertain",
        format!("{entries} ({commands}) after that, which the new cluster commits"),
    );
    facts.line(&format!(
        "Lost is what others have after {}: writes that were acknowledged, if this peer lacked them. It",
        place(known.last)
    ));
    facts.line(
        "cannot be known from here. An uncertain command may be one that was never acknowledged.",
    );
    if known.members.cluster().is_none() {
        facts.line("Without an id nothing but you keeps the old members out: remove their directories first.");
    }
}

pub(crate) fn skip(
    printer: &Printer,
    path: &Path,
    index: u64,
    consent: &ConsentArgs,
) -> CommandResult {
    let index = Index::new(index);
    if !consent.yes {
        let state = open(path)?.read()?;
        let mut facts = Facts::default();
        let found = state.entries.iter().find(|entry| entry.id.index == index);
        match found {
            Some(entry) => facts.line(&format!(
                "Entry {} is a {} of {} bytes.",
                place(entry.id),
                kind(&entry.payload),
                entry.payload.bytes().len()
            )),
            None => facts.line(&absent(&state, index)),
        }
        if let Some(Entry { payload: Payload::Command(_), .. }) = found {
            facts.line("Nothing was changed. Have all peers been stopped, and will it be skipped on each of them?");
            facts.line("Then run it again with --yes, for each; where one has applied it, do not.");
        } else {
            facts.line("Nothing was changed: only a command can be skipped.");
        }
        let value = json!({ "entry": found.map(|entry| id(entry.id)), "skipped": false });
        printer.print(&value, facts.as_str())?;
        return Ok(Outcome::NotDone);
    }
    // With what to do if it is in use.
    drop(open(path)?);
    let skipped = skip_entry(path, index)?;
    let text = format!(
        "Entry {} is skipped by this peer from its next start on: its command, and whatever it was to do, is\n\
         lost here. Do the same for every other peer, or their states differ for ever.",
        place(skipped)
    );
    printer.print(&json!({ "entry": id(skipped), "skipped": true }), &text)?;
    Ok(Outcome::Done)
}

fn absent(state: &PersistentState, index: Index) -> String {
    let first = state.entries.first().map_or(state.base().index, |entry| entry.id.index);
    format!("There is no entry {index}: the log goes from {first} to {}.", state.last().index)
}

pub(crate) fn reset_term(
    printer: &Printer,
    path: &Path,
    term: Option<u64>,
    consent: &ConsentArgs,
) -> CommandResult {
    let directory = open(path)?;
    let (kind, peer, state) = (directory.kind, directory.peer, directory.read()?);
    drop(directory);
    let (now, last) = (state.hard_state.current_term, state.last());
    let mut value =
        json!({ "peer": peer.number(), "term": now.number(), "last": id(last), "reset_to": null });
    let mut text = format!("peer {peer}: term {now}, last entry {}", place(last));
    let outcome = match term.map(Term::new) {
        None => Outcome::Done,
        Some(_) if !consent.yes => {
            text += "\nNothing was changed. Are all peers stopped, and will all be reset to this term? Then \
                     run it again with --yes.";
            Outcome::NotDone
        }
        Some(to) => {
            let mut store = open_store(kind, path, peer)?;
            reset(&mut store, to)?;
            value["reset_to"] = to.number().into();
            text += &format!(
                "\npeer {peer}: term {to} from its next start on\nReset every other peer to {to} before any \
                 of them is started."
            );
            Outcome::Done
        }
    };
    printer.print(&value, &text)?;
    Ok(outcome)
}
