//! Help, manual pages and completions, as shells and `man` read them.

use std::fs;
use std::process::Command;

use crate::support::{Sandbox, called, has, skip};

#[test]
fn each_shell_reads_its_completions() {
    let sandbox = Sandbox::new();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = sandbox.call(&["completions", shell]);
        script.exits_with(0).prints("until-fail").prints("replay");
        let path = sandbox.path().join(shell);
        fs::write(&path, &script.stdout).unwrap();
        if has(shell) {
            let read = called(Command::new(shell).arg(check).arg(&path));
            assert_eq!((read.code, &*read.stderr), (Some(0), ""), "{shell}");
        } else {
            skip("each_shell_reads_its_completions", &format!("there is no {shell}"));
        }
    }
    sandbox.call(&["completions", "ed"]).exits_with(2);
}

#[test]
fn bash_completes_commands_options_and_their_values() {
    let sandbox = Sandbox::new();
    let script = sandbox.call(&["completions", "bash"]).stdout;
    fs::write(sandbox.path().join("script"), script).unwrap();
    let completed = |words: &str| {
        let line = format!(
            ". ./script; COMP_WORDS=(dstest {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _dstest dstest \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo ${{COMPREPLY[@]}}"
        );
        let mut bash = Command::new("bash");
        let called = called(bash.args(["-c", &line]).current_dir(sandbox.path()));
        called.exits_with(0).stdout.trim().to_owned()
    };
    assert_eq!(completed("rep"), "replay report");
    assert_eq!(completed("--unt"), "--until-fail");
    assert_eq!(completed("prune --max"), "--max-age --max-size");
    assert_eq!(completed("--color "), "--color");
    assert_eq!(completed("--color al"), "always");
}

#[test]
fn every_command_has_a_manual_page_with_examples() {
    let sandbox = Sandbox::new();
    let whole = sandbox.call(&["man"]);
    whole.exits_with(0).prints(".TH dstest 1").prints(".SH EXAMPLES").prints("DSTEST_SEED");
    whole.prints(".SH \"EXIT CODES\"").prints("dstest\\-replay(1)");
    sandbox
        .call(&["man", "replay"])
        .exits_with(0)
        .prints(".TH dstest-replay 1")
        .prints("\\-\\-print");
    sandbox.call(&["man", "replya"]).exits_with(2).warns("commands: run, ci, watch, ");
    let written = sandbox.call(&["man", "--dir", "pages"]);
    written.exits_with(0).prints("pages/dstest.1").prints("pages/dstest-replay.1");
    for page in written.stdout.lines() {
        let text = fs::read_to_string(sandbox.path().join(page)).unwrap();
        assert!(text.contains(".SH EXAMPLES\n.nf\n"), "{page}: {text}");
        assert!(text.contains(".SH NAME") && text.contains(".SH OPTIONS"), "{page}");
        if !has("groff") {
            skip("every_command_has_a_manual_page_with_examples", "groff is not here to read it");
            return;
        }
        let mut groff = Command::new("groff");
        groff.args(["-man", "-Tutf8", "-ww", page]).current_dir(sandbox.path());
        assert_eq!(called(&mut groff).exits_with(0).stderr, "", "{page}");
    }
}
