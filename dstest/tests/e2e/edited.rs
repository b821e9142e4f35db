//! Commands that are edited while their campaign runs, or before it goes on: results of two programs
//! are not mixed without a word.

use std::fs;

use crate::support::{CallResult, Sandbox};

/// A campaign of a script, one run after the other; iteration 3 does something to the script.
fn campaign(sandbox: &Sandbox, in_third: &str, more: &[&str]) -> CallResult {
    let script = format!("[ $DSTEST_ITER != 3 ] || {in_third}\n");
    fs::write(sandbox.path().join("t.sh"), script).unwrap();
    let args = ["-n", "6", "-p", "1", "--seed", "7", "-o", "store"];
    sandbox.call(&[&args[..], more, &["--", "sh", "t.sh"]].concat())
}

#[test]
fn an_edit_stops_the_campaign_and_only_an_option_goes_on() {
    let sandbox = Sandbox::new();
    let called = campaign(&sandbox, "{ echo 'exit 0' > t.sh; exit 0; }", &[]);
    called.exits_with(5).warns("t.sh was edited").warns("--allow-edits goes on");
    called.prints("2 of 6 runs in ").prints("stopped because the command was edited");
    assert_eq!(sandbox.field("verdict"), ["passed", "passed", "cancelled"]);
    let resume = |more: &[&str]| sandbox.call(&[&["resume", "-o", "store"][..], more].concat());
    resume(&[]).exits_with(2).warns("t.sh has changed since the campaign");
    assert_eq!(sandbox.events().len(), 3);
    // A store, or a project, in another place.
    fs::rename(sandbox.path().join("t.sh"), sandbox.path().join("u.sh")).unwrap();
    resume(&[]).exits_with(2).warns("t.sh is missing since the campaign: put it back");
    fs::rename(sandbox.path().join("u.sh"), sandbox.path().join("t.sh")).unwrap();
    resume(&["--allow-edits"]).exits_with(0).prints("\n6 runs in ");
}

#[test]
fn an_edit_that_is_allowed_or_changes_nothing_is_no_reason_to_stop() {
    let sandbox = Sandbox::new();
    campaign(&sandbox, "{ echo 'exit 0' > t.sh; exit 0; }", &["--allow-edits"]).exits_with(0);
    let same = "{ cp t.sh u.sh; cp u.sh t.sh; touch t.sh; }";
    campaign(&sandbox, same, &[]).exits_with(0).prints("6 runs in ");
    // What the tests write is not part of the command.
    fs::write(sandbox.path().join("out.txt"), "").unwrap();
    let script = "echo x >> out.txt";
    sandbox.on_script(&["-n", "3", "-p", "1"], script).exits_with(0).prints("3 runs in ");
}

#[test]
fn results_of_two_versions_of_a_script_are_not_merged() {
    let sandbox = Sandbox::new();
    for (store, script) in [("a", "exit 0\n"), ("b", "exit 0 # again\n")] {
        fs::write(sandbox.path().join("t.sh"), script).unwrap();
        sandbox.call(&["-n", "1", "-o", store, "--", "sh", "t.sh"]).exits_with(0);
    }
    let called = sandbox.call(&["merge", "-o", "store", "a", "b"]);
    called.exits_with(2).warns("sh is another program, or has other arguments, in ");
    sandbox.call(&["merge", "-o", "store", "a", "a"]).exits_with(0);
}
