//! `dstest bisect`: the commit from which on a script fails, in small repositories.

use std::fs;
use std::process::Command;

use crate::support::{CallResult, Sandbox, called, wait_until};

/// A repository with a commit for each of these scripts.
struct Repository {
    sandbox: Sandbox,
    commits: Vec<String>,
}

impl Repository {
    fn new(scripts: &[&str]) -> Self {
        let mut repository = Self { sandbox: Sandbox::new(), commits: Vec::new() };
        fs::create_dir(repository.sandbox.path().join("project")).unwrap();
        repository.git(&["init", "-q"]);
        for (number, script) in scripts.iter().enumerate() {
            repository.write("number", &number.to_string());
            repository.write("t.sh", script);
            repository.git(&["add", "--all"]);
            repository.git(&["commit", "-q", "-m", &format!("change {number}")]);
            let commit = repository.git(&["rev-parse", "HEAD"]);
            repository.commits.push(commit);
        }
        repository
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.sandbox.path().join("project").join(file), text).unwrap();
    }

    fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=tester", "-c", "user.email=tester@localhost"]);
        let result = called(git.args(args).current_dir(self.sandbox.path().join("project")));
        result.exits_with(0);
        result.stdout.trim().to_owned()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.sandbox.command(&["bisect"]);
        command.args(args).current_dir(self.sandbox.path().join("project"));
        command.env("XDG_CACHE_HOME", self.sandbox.path().join("cache"));
        command
    }

    /// Bisects all commits but those outside of the range, with a script that reads the seed.
    fn bisect(&self, options: &[&str]) -> CallResult {
        let range = format!("{}..{}", self.commits[0], self.commits[self.commits.len() - 1]);
        let mut args = vec![range.as_str()];
        args.extend(options);
        args.extend(["--", "dstest", "-p", "2", "--seed", "7", "--", "sh", "t.sh"]);
        called(&mut self.command(&args))
    }

    #[track_caller]
    fn finds(&self, result: &CallResult, number: usize) {
        let first = format!("first bad commit: {} change {number}\n", &self.commits[number][..10]);
        result.exits_with(0).prints(&first);
    }
}

/// Fails for one of four seeds, for the reason that is to be found.
const FLAKY: &str = "[ $((DSTEST_SEED % 4)) -ne 0 ] || { echo error: lost update; exit 1; }";

/// Fails for one of four seeds, for another reason.
const OTHER: &str = "[ $((DSTEST_SEED % 4)) -ne 1 ] || { echo error: out of ports; exit 1; }";

#[test]
fn the_commit_of_a_rare_failure_is_found_and_the_checkout_is_not_touched() {
    let both = format!("{OTHER}\n{FLAKY}");
    let mut scripts = vec![OTHER; 4];
    scripts.extend([&*both; 4]);
    let repository = Repository::new(&scripts);
    repository.write("t.sh", "echo not committed; exit 1");
    let found = repository.bisect(&["--failure", "lost update", "--export-json", "found.json"]);
    repository.finds(&found, 4);
    found.prints("BAD: ").prints("sh: error: lost update").prints("expected: ");
    found.prints("failed otherwise").prints("its parent").prints("wrong with a probability of");
    assert_eq!(repository.git(&["diff", "--name-only"]), "t.sh");
    assert_eq!(repository.git(&["worktree", "list"]).lines().count(), 1, "nothing is left");
    let place = repository.sandbox.path().join("cache/dstest/bisect");
    assert_eq!(fs::read_dir(place).unwrap().count(), 0);
    let json = fs::read_to_string(repository.sandbox.path().join("project/found.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["bad"]["trials"]["other"].as_u64() > Some(0), "{json:#}");
    // The campaigns are in the store of the checkout, as any others.
    let project = repository.sandbox.path().join("project");
    let history = called(repository.sandbox.command(&["history", "sh"]).current_dir(project));
    history.exits_with(0).prints(&repository.commits[4][..10]);
}

#[test]
fn commits_that_cannot_be_tested_are_skipped_and_named_if_the_first_one_is_among_them() {
    let broken = "echo error: cannot begin; exit 1";
    let repository = Repository::new(&["exit 0", "exit 0", broken, FLAKY, FLAKY, FLAKY]);
    let unclear = repository.bisect(&[]);
    unclear.exits_with(5).prints("is one of these").prints("change 2\n").prints("change 3\n");
    unclear.prints("skipped").prints("50 failed otherwise");
    assert!(!unclear.stdout.contains("first bad commit: "), "{unclear:#?}");
}

#[test]
fn a_search_that_was_killed_goes_on_where_it_was() {
    let repository = Repository::new(&["exit 0", "exit 0", FLAKY, FLAKY, FLAKY]);
    let hold = repository.sandbox.path().join("hold");
    let range = format!("{}..{}", repository.commits[0], repository.commits[4]);
    let held = format!("[ ! -e {} ] || sleep 600; . ./t.sh", hold.display());
    let args = [&range, "--", "dstest", "-p", "1", "--seed", "7", "--", "sh", "-c", &held];
    let mut first = repository.command(&args);
    first.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut first = first.spawn().unwrap();
    let state = || {
        let cache = repository.sandbox.path().join("cache/dstest/bisect");
        let entry = fs::read_dir(cache).ok()?.next()?.ok()?;
        let text = fs::read_to_string(entry.path().join("state.json")).ok()?;
        serde_json::from_str::<serde_json::Value>(&text).ok()
    };
    wait_until("BAD is measured", || state().is_some_and(|it| !it["bad"].is_null()));
    fs::write(&hold, "").unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    fs::remove_file(&hold).unwrap();
    // Its git may still be at work, or have been killed with it.
    fs::write(repository.sandbox.path().join("project/.git/worktrees/tree/index.lock"), "")
        .unwrap();
    let other = called(&mut repository.command(&["HEAD~1..HEAD", "--", "dstest", "--", "true"]));
    if state().is_some() {
        other.exits_with(2).warns("has begun");
        let again = called(&mut repository.command(&[]));
        again.prints("going on with");
        repository.finds(&again, 2);
        assert!(!again.stdout.contains("runs until one kind"), "BAD is not measured twice");
    }
    called(&mut repository.command(&[])).exits_with(2).warns("nothing to go on with");
}

#[test]
fn git_bisects_by_the_exit_codes_of_decide() {
    let mut scripts = vec!["exit 0"; 5];
    scripts.extend([FLAKY; 4]);
    let repository = Repository::new(&scripts);
    repository.git(&["bisect", "start", &repository.commits[8], &repository.commits[0]]);
    let program = env!("CARGO_BIN_EXE_dstest");
    let rates = ["bisect", "--decide", "0%..25%", "--error", "0.001"];
    let campaign = ["-o", "../store", "--", "dstest", "-p", "2", "--", "sh", "t.sh"];
    let step: Vec<&str> =
        ["bisect", "run", program].into_iter().chain(rates).chain(campaign).collect();
    let said = repository.git(&step);
    let first = format!("{} is the first bad commit", repository.commits[5]);
    assert!(said.contains(&first), "{said}");
    assert!(said.contains("wrong with a probability of 0.001 at most"), "{said}");
}

#[test]
fn what_is_not_decided_is_neither_good_nor_bad() {
    let repository = Repository::new(&["exit 0"]);
    let decide = |options: &[&str], campaign: &[&str]| {
        let mut args = vec!["--decide"];
        args.extend(options);
        args.extend(["--", "dstest"]);
        args.extend(campaign);
        called(&mut repository.command(&args))
    };
    decide(&["3%", "--max-runs", "20"], &["--", "true"]).exits_with(125).prints("not decided");
    decide(&["50%"], &["--", "sh", "-c", "exit 77"]).exits_with(125).prints("without a result");
    decide(&["50%"], &["--", "false"]).exits_with(1).prints("bad: ");
    decide(&["50%"], &["--", "true"]).exits_with(0).prints("good: ");
    decide(&["50%", "--failure", "lost update"], &["--", "false"])
        .exits_with(125)
        .prints("failed otherwise");
    // For git, other numbers below 128 would be a bad commit.
    decide(&["50%"], &["pattern"]).exits_with(128).warns("no Cargo.toml");
    decide(&["50%", "--error", "7"], &["--", "true"]).exits_with(128).warns("--error 7");
    decide(&["3%..1%"], &["--", "true"]).exits_with(128).warns("more often than good ones");
    decide(&["a lot"], &["--", "true"]).exits_with(128).warns("not a rate");
}

#[test]
fn searches_that_cannot_begin_name_the_reason() {
    let repository = Repository::new(&["exit 0", FLAKY, "exit 0"]);
    let call = |args: &[&str]| called(&mut repository.command(args));
    let campaign = ["--", "dstest", "--", "sh", "t.sh"];
    let with = |options: &[&str]| call(&[options, &campaign].concat());
    with(&["HEAD"]).exits_with(2).warns("`HEAD` is not a range; write GOOD..BAD");
    with(&["nosuch..HEAD"]).exits_with(2).warns("unknown commit `nosuch`");
    with(&["HEAD..HEAD~2"]).exits_with(2).warns("is not an ancestor of");
    with(&["HEAD~2..", "--max-runs", "40"])
        .exits_with(2)
        .warns("BAD")
        .warns("failed in 0 of 40 runs");
    call(&["--abort"]).exits_with(0).prints("dropped");
    with(&["HEAD~1..HEAD~0", "--failure", "("]).exits_with(2).warns("--failure `(`");
    call(&["HEAD~2..HEAD"]).exits_with(2).warns("no command");
    call(&["HEAD~2..HEAD", "--", "sh", "t.sh"]).exits_with(2).warns("write `dstest ...`");
    call(&["HEAD~2..HEAD", "--", "dstest", "list"]).exits_with(2).warns("only campaigns");
    call(&["HEAD~2..HEAD", "--", "dstest", "-o", "x"]).exits_with(2).warns("--dir and -o");
    let all = Repository::new(&[FLAKY, FLAKY, FLAKY]);
    all.bisect(&["--max-runs", "400"]).exits_with(2).warns("GOOD").warns("fails too");
}
