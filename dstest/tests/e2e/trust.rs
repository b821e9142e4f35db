//! Settings and stores of other users: they name programs and variables of runs, and count only with
//! `--trust`.

use std::fs;
use std::os::unix::fs::{chown, lchown, symlink};
use std::process::Command;

use crate::support::{Sandbox, skip};
use crate::terminal::Terminal;

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
    // A link of theirs to a file of the user's is no better.
    fs::rename(&file, sandbox.path().join("elsewhere.toml")).unwrap();
    chown(sandbox.path().join("elsewhere.toml"), Some(0), None).unwrap();
    symlink("elsewhere.toml", &file).unwrap();
    lchown(&file, Some(54321), None).unwrap();
    sandbox.on_script(&["-n", "1"], script).exits_with(2).warns("belongs to another user");
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
    // What it says is not a message of dstest's own.
    fs::write(&file, "a = \"\u{1b}[2J\u{1b}]0;owned\u{7}\"\n").unwrap();
    let called = sandbox.on_script(&["-n", "1"], "true");
    called.exits_with(2).warns("dstest.toml: TOML parse error at line 1");
    assert!(!called.stderr.contains('\u{1b}'), "{called:#?}");
}

#[test]
fn programs_of_another_users_store_run_only_with_trust() {
    let sandbox = Sandbox::new();
    sandbox.on_script(&["-n", "1"], "touch ran; exit 1").exits_with(1);
    if !give_away("programs_of_another_users_store", &sandbox.latest()) {
        return;
    }
    refuses_to_run(&sandbox, "belongs to another user (id 54321)");
    sandbox.call(&["replay", "-o", "store", "--trust"]).exits_with(0);
}

/// The commands, and those of their uses that run programs which a store names.
const COMMANDS: &[(&str, &[&[&str]])] = &[
    ("run", &[]),
    ("ci", &[]),
    ("watch", &[]),
    ("list", &[]),
    ("browse", &[]),
    ("show", &[]),
    ("replay", &[&[], &["--seeds", "2"], &["--seed", "1", "sh"]]),
    ("shrink", &[&[]]),
    ("report", &[]),
    ("resume", &[&["-n", "2"]]),
    ("compare", &[]),
    ("history", &[]),
    ("bisect", &[]),
    ("merge", &[]),
    ("archive", &[]),
    ("submit", &[]),
    ("status", &[]),
    ("prune", &[]),
    ("completions", &[]),
    ("man", &[]),
];

#[test]
fn every_command_has_a_row_in_the_table() {
    let help = Sandbox::new().call(&["--help"]).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    // What a long description continues with is further to the right.
    let names = commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    let known: Vec<_> = COMMANDS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, known, "does the new command run programs of a store?");
}

/// Nothing of the store is run without `--trust`.
fn refuses_to_run(sandbox: &Sandbox, words: &str) {
    let ran = sandbox.path().join("ran");
    let _ = fs::remove_file(&ran);
    for (command, uses) in COMMANDS {
        for more in *uses {
            let all = [&[*command, "-o", "store"], *more].concat();
            sandbox.call(&all).exits_with(2).warns(words).warns("--trust");
            assert!(!ran.exists(), "{all:?}");
        }
    }
    sandbox.call(&["report", "-o", "store"]).exits_with(1);
    sandbox.call(&["replay", "--print", "-o", "store"]).exits_with(0).prints("touch ran");
    assert!(!ran.exists());
}

#[test]
fn programs_that_another_user_has_named_or_stored_run_only_with_trust() {
    type Part = fn(&Sandbox) -> std::path::PathBuf;
    let parts: [Part; 2] = [
        |sandbox| sandbox.latest().join("campaign.json"),
        |sandbox| {
            let bin = fs::read_dir(sandbox.path().join("store/bin")).unwrap();
            bin.map(|dir| dir.unwrap().path()).next().unwrap()
        },
    ];
    for part in parts {
        let sandbox = Sandbox::new();
        sandbox.on_fixture(&["flaky", "-n", "8", "-p", "2"]).exits_with(1);
        if !give_away("programs_that_another_user_has_named", &part(&sandbox)) {
            return;
        }
        for args in [&["replay"][..], &["shrink"], &["resume", "-n", "9"]] {
            let all = [args, &["-o", "store"]].concat();
            sandbox.call(&all).exits_with(2).warns("belongs to another user (id 54321)");
        }
        sandbox.call(&["replay", "-o", "store", "--trust"]).exits_with(0);
    }
}

#[test]
fn a_copy_of_another_users_campaign_is_still_theirs() {
    let sandbox = Sandbox::new();
    sandbox.call(&["-n", "2", "-o", "theirs", "--", "sh", "-c", "touch ran; exit 1"]).exits_with(1);
    let theirs = sandbox.path().join("theirs/latest").canonicalize().unwrap();
    if !give_away("a_copy_of_another_users_campaign", &theirs) {
        return;
    }
    sandbox.call(&["merge", "-o", "store", theirs.to_str().unwrap()]).exits_with(1);
    refuses_to_run(&sandbox, "is a copy from another user (id 54321)");
    // So is a copy of the copy, and what was run of it with trust.
    let args = ["replay", "-o", "store", "--seeds", "2", "--trust"];
    sandbox.call(&args).exits_with(1);
    refuses_to_run(&sandbox, "is a copy from another user (id 54321)");
    sandbox.call(&["merge", "-o", "copy", "store"]).exits_with(1);
    sandbox.call(&["replay", "-o", "copy"]).exits_with(2).warns("is a copy from another user");
}

#[test]
fn the_browser_shows_another_users_campaign_and_runs_nothing_of_it() {
    let sandbox = Sandbox::new();
    let script = "touch ran; echo trace=0000000000000001; echo error: lost; exit 1";
    sandbox.on_script(&["-n", "1", "-v"], script).exits_with(1);
    let dir = sandbox.latest();
    if !give_away("the_browser_shows_another_users_campaign", &dir) {
        return;
    }
    let _ = fs::remove_dir_all(dir.join("replays"));
    fs::remove_file(sandbox.path().join("ran")).unwrap();
    let mut terminal = Terminal::start(&sandbox, &["browse", "-o", "store"], 200, 30);
    terminal.wait_for("1 run, 1 failed");
    terminal.press("\r\r");
    terminal.wait_for("Enter log");
    for key in ["r", "R", "S"] {
        terminal.press(key);
        terminal.wait_for("belongs to another user (id 54321)");
        terminal.press("g");
        terminal.wait_for("Enter log");
    }
    terminal.press("qqqq");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
    assert!(!sandbox.path().join("ran").exists());
    let mut terminal = Terminal::start(&sandbox, &["browse", "-o", "store", "--trust"], 200, 30);
    terminal.wait_for("1 run, 1 failed");
    terminal.press("\r\r");
    terminal.wait_for("Enter log");
    terminal.press("r");
    terminal.wait_for("sh#1, replay 1");
    assert!(sandbox.path().join("ran").exists());
}
