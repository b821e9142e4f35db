//! The program `raftctl` on directories: of both stores, of earlier versions, damaged, and in use.

use std::fs;
use std::process::Command;

use raft::transport::memory::Hub;
use raft::{PeerId, Raft};
use serde_json::Value;

use crate::earlier_versions::{Counter, VALUE, old_directory};
use crate::stores::{Durable, all_contents};

/// The end of a command: its exit code and both outputs.
struct Done {
    code: Option<i32>,
    out: String,
    error: String,
}

fn raftctl(args: &[&str]) -> Done {
    let done = Command::new(env!("CARGO_BIN_EXE_raftctl")).args(args).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Done { code: done.status.code(), out: text(&done.stdout), error: text(&done.stderr) }
}

fn json(args: &[&str]) -> (Option<i32>, Value) {
    let Done { code, out, error } = raftctl(&[args, &["--json"]].concat());
    let value = serde_json::from_str(&out);
    (code, value.unwrap_or_else(|wrong| panic!("{args:?}: {wrong}\n{out}\n{error}")))
}

#[test]
fn reading_commands_understand_old_directories_and_leave_them_as_they_are() {
    for durable in Durable::ALL {
        let base = tempfile::tempdir().expect("a directory");
        let (path, to) = (base.path().join("1"), base.path().join("new"));
        old_directory(durable, 1, &path);
        let before = all_contents(&path);
        let (directory, to) = (path.to_str().expect("text"), to.to_str().expect("text"));

        let (code, inspected) = json(&["inspect", directory]);
        assert_eq!(code, Some(0), "{inspected}");
        let (format, peer) = (&inspected[0]["format"], &inspected[0]["peer"]);
        assert_eq!((format, peer), (&Value::from(1), &Value::from(1)), "{inspected}");
        assert_eq!(inspected[0]["snapshot"]["index"], 8, "{inspected}");
        assert_eq!(inspected[0]["damage"], Value::Null, "{inspected}");
        let last = inspected[0]["log"]["last"]["index"].as_u64().expect("a number");
        let text = raftctl(&["inspect", directory]).out;
        assert!(text.contains("none yet: not started by this version"), "{text}");

        let log = raftctl(&["log", directory, "--from", "10", "--json", "--data"]).out;
        let entries: Vec<Value> =
            log.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
        assert_eq!(entries.len() as u64, last - 9, "{log}");
        let command = entries.iter().find(|entry| entry["kind"] == "command").expect("a command");
        assert!(command["data"].as_str().is_some_and(|data| !data.is_empty()), "{log}");

        let (code, verified) = json(&["verify", directory]);
        assert_eq!((code, &verified[0]["sound"]), (Some(0), &true.into()), "{verified}");
        let index = command["index"].to_string();
        for args in [
            &["recover", directory, "--to", to][..],
            &["skip", directory, &index],
            &["reset-term", directory, "100"],
        ] {
            let (code, said) = json(args);
            assert_eq!(code, Some(1), "without --yes: {said}");
        }
        assert_eq!(json(&["reset-term", directory]).0, Some(0));
        assert!(all_contents(&path) == before, "{durable:?}");
    }
}

#[tokio::test]
async fn an_old_directory_is_recovered() {
    for durable in Durable::ALL {
        let base = tempfile::tempdir().expect("a directory");
        let (path, new) = (base.path().join("1"), base.path().join("new"));
        old_directory(durable, 1, &path);
        let (directory, to) = (path.to_str().expect("text"), new.to_str().expect("text"));
        let (code, made) = json(&["recover", directory, "--to", to, "--yes"]);
        assert_eq!(code, Some(0), "{made}");
        assert_eq!(made["known"]["committed_at_least"]["index"], 8, "{made}");
        let peer = PeerId::new(1);
        let store = durable.open_as(&new, peer).expect("it is whole");
        let hub = Hub::default();
        let raft = Raft::builder(1).peers([1]).storage(store).transport(hub.join(peer));
        let raft = raft.state_machine(Counter::default()).start().await.expect("it is alone");
        let leads = |status: &raft::driver::Status| status.leader == Some(peer);
        raft.wait(leads, std::time::Duration::from_secs(60)).await.expect("it is alone");
        assert_eq!(raft.read(|counter| counter.0).await.expect("it leads"), VALUE);
        raft.shutdown().await;
    }
}

#[test]
fn damage_is_shown_with_what_is_readable() {
    for (durable, ending) in [(Durable::Disk, ".log"), (Durable::Redb, ".redb")] {
        let base = tempfile::tempdir().expect("a directory");
        let [broken, sound] = ["1", "2"].map(|name| base.path().join(name));
        for (peer, path) in [(1, &broken), (2, &sound)] {
            old_directory(durable, peer, path);
        }
        let files = all_contents(&broken);
        let (name, bytes) =
            files.iter().find(|(name, _)| name.ends_with(ending)).expect("it is there");
        let mut damaged = bytes.clone();
        match durable {
            // In the first frame.
            Durable::Disk => damaged[40] ^= 1,
            Durable::Redb => damaged.truncate(bytes.len() / 3),
        }
        fs::write(broken.join(name), damaged).expect("it is writable");
        let before = all_contents(&broken);
        let paths = [broken.to_str().expect("text"), sound.to_str().expect("text")];
        let (code, inspected) = json(&["inspect", paths[0], paths[1]]);
        assert_eq!(code, Some(1), "{inspected}");
        let damage = inspected[0]["damage"].as_str().expect("a finding");
        assert!(damage.contains(name.as_str()), "{damage}");
        assert_eq!(inspected[0]["peer"], 1, "{inspected}");
        assert_eq!(inspected[1]["damage"], Value::Null, "{inspected}");
        let verified = raftctl(&["verify", paths[0], paths[1]]);
        assert_eq!(verified.code, Some(1));
        assert!(
            verified.out.contains("1: NOT SOUND: ") && verified.out.contains("2: sound"),
            "{}",
            verified.out
        );
        let log = raftctl(&["log", paths[0]]);
        assert!(log.code == Some(1) && log.error.contains(name.as_str()), "{}", log.error);
        assert!(all_contents(&broken) == before);
    }
}

#[test]
fn directories_in_use_are_refused_with_what_to_do() {
    for durable in Durable::ALL {
        let base = tempfile::tempdir().expect("a directory");
        let path = base.path().join("1");
        let store = durable.open(&path).expect("a new store");
        let (directory, to) = (path.to_str().expect("text"), base.path().join("new"));
        let to = to.to_str().expect("text");
        for args in [
            &["inspect", directory][..],
            &["log", directory],
            &["verify", directory],
            &["recover", directory, "--to", to, "--yes"],
            &["skip", directory, "1", "--yes"],
            &["reset-term", directory, "9", "--yes"],
        ] {
            let Done { code, out, error } = raftctl(args);
            assert_eq!(code, Some(1), "{args:?}");
            let said = out + &error;
            assert!(said.contains("stop that process first"), "{args:?}: {said}");
        }
        drop(store);
        assert_eq!(raftctl(&["inspect", directory]).code, Some(0));
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let help = raftctl(&["--help"]).out;
    let commands = help.split("Commands:\n").nth(1).expect("a list").split("\n\n").next();
    let names = commands.expect("a list").lines().filter(|line| !line.starts_with("   "));
    let names: Vec<_> = names.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 15, "{names:?}");
    for name in names {
        let Done { code, out, .. } = raftctl(&[name, "--help"]);
        assert_eq!(code, Some(0), "{name}");
        let example = out.split("Example").nth(1).unwrap_or_default();
        assert!(example.contains(&format!("raftctl {name} ")), "{name}: {out}");
        assert_eq!(raftctl(&[name]).code, Some(2), "{name} without arguments");
    }
}
