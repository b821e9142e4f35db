//! `dstest history`: campaigns of a store over time.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::{Sandbox, called};

/// A repository with one commit for each of these scripts, and campaigns of it.
fn campaigns(sandbox: &Sandbox, scripts: &[(&str, usize)]) {
    git(sandbox, &["init", "-q"]);
    for (script, count) in scripts {
        fs::write(sandbox.path().join("t.sh"), script).unwrap();
        git(sandbox, &["add", "t.sh"]);
        git(sandbox, &["commit", "-q", "-m", "a change"]);
        for seed in 1..=*count {
            let seed = seed.to_string();
            sandbox.call(&["-n", "20", "--seed", &seed, "-o", "store", "--", "sh", "t.sh"]);
        }
    }
}

fn git(sandbox: &Sandbox, args: &[&str]) -> String {
    let mut git = Command::new("git");
    let identity = ["-c", "user.name=tester", "-c", "user.email=tester@localhost"];
    let result = called(git.args(identity).args(args).current_dir(sandbox.path()));
    result.exits_with(0);
    result.stdout.trim().to_owned()
}

#[test]
fn the_commit_from_which_on_a_test_fails_is_named() {
    let sandbox = Sandbox::new();
    let fails = "exit $((DSTEST_ITER % 2))";
    campaigns(&sandbox, &[("exit 0", 3), (fails, 3)]);
    let commit = git(&sandbox, &["rev-parse", "HEAD"]);
    let commit = &commit[..10];
    let history = |args: &[&str]| {
        let mut all = vec!["history", "-o", "store"];
        all.extend(args);
        sandbox.call(&all)
    };
    let one = history(&[]);
    one.exits_with(0).prints("sh: fails more often since").prints(&format!("({commit})"));
    one.prints("0 % → 50.0 %, p < 0.001").prints("▲ rate worse from here").prints(commit);
    one.prints("6 campaigns, 120 runs").prints("0 % (0 to 16.8 %)");
    fs::write(sandbox.path().join("t.sh"), "exit 0 # not committed").unwrap();
    sandbox.call(&["-n", "5", "-o", "store", "--", "sh", "t.sh"]).exits_with(0);
    let exports = ["sh", "--export-json", "h.json", "--export-markdown", "h.md"];
    history(&exports).exits_with(0).prints("uncommitted changes").prints(&format!("{commit}+"));
    let json = fs::read_to_string(sandbox.path().join("h.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let change = &json["history"]["tests"][0]["changes"][0];
    assert_eq!((&change["measure"], &change["campaign"]), (&"failures".into(), &3.into()));
    assert!(sandbox.lines("h.md")[0].starts_with("| Campaign |"));
    history(&["nosuch"]).exits_with(2).warns("matches `nosuch`; tests: sh");
}

#[test]
fn a_campaign_that_cannot_be_read_is_named_and_the_others_are_shown() {
    let sandbox = Sandbox::new();
    sandbox.call(&["history", "-o", "store"]).exits_with(2).warns("no stored campaign yet");
    for _ in 0..2 {
        sandbox.on_script(&["-n", "2"], "exit 0").exits_with(0);
    }
    fs::write(sandbox.latest().join("campaign.json"), "{}").unwrap();
    let history = sandbox.call(&["history", "-o", "store"]);
    history.exits_with(0).warns("is left out").prints("1 campaign, 2 runs");
    assert_eq!(history.stdout.matches("of 2").count(), 1, "{history:?}");
}

#[test]
fn the_name_of_a_test_forges_no_line_below_the_table_and_no_markup() {
    let sandbox = Sandbox::new();
    let name = "<img src=x> @user [a](b)\nFORGED";
    let program = sandbox.path().join(name);
    fs::write(&program, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let program = format!("./{name}");
    sandbox.call(&["-n", "1", "-o", "store", "--", &program]).exits_with(0);
    let shown = sandbox.call(&["history", "-o", "store", "--export-markdown", "h.md"]);
    shown.exits_with(0).prints("FORGED: no significant change");
    assert!(!shown.stdout.lines().any(|line| line.starts_with("FORGED")), "{}", shown.stdout);
    let exported = fs::read_to_string(sandbox.path().join("h.md")).unwrap();
    for raw in ["<img", "@user", " [a](b)", "\nFORGED"] {
        assert!(!exported.contains(raw), "{raw}: {exported}");
    }
}
