//! Settings and stores of other users: they name programs and variables of runs, and count only with
//! `--trust`.

use std::fs;
use std::os::unix::fs::chown;
use std::process::Command;

use crate::support::{Sandbox, skip};

/// Gives a file to another user; `false`, with a note, where that is not allowed.
fn give_away(test: &str, path: &std::path::Path) -> bool {
    let given = chown(path, Some(54321), None).is_ok();
    if !given {
        skip(test, "only root can give a file to another user");
    }
    given
}

#[test]
fn settings_of_another_user_are_refused_beside_a_project_and_passed_over_above_it() {
    let sandbox = Sandbox::new();
    let file = sandbox.path().join("dstest.toml");
    fs::write(&file, "[env]\nGREETING = \"hello\"\n").unwrap();
    let script = "echo error: greeting $GREETING; exit 1";
    sandbox.on_script(&["-n", "1"], script).exits_with(1).prints("greeting hello");
    if !give_away("settings_of_another_user", &file) {
        return;
    }
    sandbox
        .on_script(&["-n", "1"], script)
        .exits_with(2)
        .warns("belongs to another user (id 54321)");
    sandbox.on_script(&["-n", "1", "--trust"], script).exits_with(1).prints("greeting hello");
    let below = sandbox.path().join("below");
    fs::create_dir(&below).unwrap();
    let args = ["-n", "1", "--dir", "below"];
    let called = sandbox.on_script(&args, script);
    assert!(!called.exits_with(1).stdout.contains("hello"), "{called:#?}");
}

#[test]
fn settings_that_are_no_file_are_refused_at_once() {
    let sandbox = Sandbox::new();
    let file = sandbox.path().join("dstest.toml");
    let made = Command::new("mkfifo").arg(&file).status();
    assert!(made.unwrap().success());
    sandbox.on_script(&["-n", "1"], "true").exits_with(2).warns("not a file of at most");
    fs::remove_file(&file).unwrap();
    fs::write(&file, vec![b'#'; (1 << 20) + 1]).unwrap();
    sandbox.on_script(&["-n", "1"], "true").exits_with(2).warns("not a file of at most");
    // What it says is no message of dstest's own.
    fs::write(&file, "a = \"\u{1b}[2J\u{1b}]0;owned\u{7}\"\n").unwrap();
    let called = sandbox.on_script(&["-n", "1"], "true");
    called.exits_with(2).warns("dstest.toml: TOML parse error at line 1");
    assert!(!called.stderr.contains('\u{1b}'), "{called:#?}");
}

#[test]
fn programs_of_another_users_store_run_only_with_trust() {
    let sandbox = Sandbox::new();
    sandbox.on_script(&["-n", "1"], "exit 1").exits_with(1);
    if !give_away("programs_of_another_users_store", &sandbox.latest()) {
        return;
    }
    for args in [&["replay"][..], &["resume", "-n", "2"], &["shrink"], &["replay", "--seeds", "2"]]
    {
        let mut all = args.to_vec();
        all.extend(["-o", "store"]);
        sandbox.call(&all).exits_with(2).warns("belongs to another user (id 54321)");
    }
    sandbox.call(&["replay", "-o", "store", "--trust"]).exits_with(0);
    sandbox.call(&["report", "-o", "store"]).exits_with(1);
}
