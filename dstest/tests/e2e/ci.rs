//! `dstest ci`: what a CI service shows, and the shell steps of the templates in docs/ci.

use std::fs;
use std::process::Command;

use crate::support::{CallResult, Sandbox, called, has, skip};

/// Fails in every third run, at a line of its own.
const CHECK: &str = "#!/bin/sh\n[ $((DSTEST_ITER % 3)) != 0 ] || \
    { echo 'error: 50 % lost (lib/check.sh:2)'; exit 1; }\n";

/// A repository with a check.
fn repository() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path().join("lib")).unwrap();
    sandbox.write_program("lib/check.sh", CHECK);
    sandbox
}

/// The variables of a job on GitHub.
fn on_github<'a>(command: &'a mut Command, sandbox: &Sandbox) -> &'a mut Command {
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", sandbox.path());
    command.env("GITHUB_RUN_ID", "77").env("GITHUB_STEP_SUMMARY", sandbox.path().join("summary"))
}

fn read(sandbox: &Sandbox, file: &str) -> String {
    fs::read_to_string(sandbox.path().join(file)).unwrap_or_else(|_| panic!("no {file}"))
}

fn json(sandbox: &Sandbox, file: &str) -> serde_json::Value {
    serde_json::from_str(&read(sandbox, file)).unwrap()
}

#[test]
fn a_job_shows_failures_at_their_lines_and_leaves_its_results() {
    let sandbox = repository();
    fs::write(sandbox.path().join("summary"), "of the step before\n").unwrap();
    let mut command = sandbox.command(&["ci", "-n", "9", "-p", "1", "--", "lib/check.sh"]);
    let called = called(on_github(&mut command, &sandbox));
    called
        .exits_with(1)
        .prints("::error file=lib/check.sh,line=2,title=check failed in 3 of 9 runs::");
    called.prints("error: 50 %25 lost (lib/check.sh:2)%0Arun #3, seed ");
    let summary = read(&sandbox, "summary");
    let (before, own) = summary.split_at("of the step before\n".len());
    assert_eq!(
        (before, own),
        ("of the step before\n", &*read(&sandbox, "dstest-results/summary.md"))
    );
    assert!(own.starts_with("### dstest: 9 runs, 3 failed\n\n| Test |"), "{own}");
    let issues = json(&sandbox, "dstest-results/code-quality.json");
    assert_eq!(issues.as_array().unwrap().len(), 1);
    assert_eq!(issues[0]["location"]["lines"]["begin"], 2);
    assert_eq!(json(&sandbox, "dstest-results/results.json")["done"], 9);
    assert!(read(&sandbox, "dstest-results/junit.xml").contains("3 of 9 runs failed"));
    assert!(read(&sandbox, "dstest-results/trace.json").contains("worker 0"));
    assert!(read(&sandbox, "dstest-results/report.html").contains("<h1 class=\"bad\">3 of 9 runs"));
    let replay = own.split("<code>").nth(1).and_then(|rest| rest.split("</code>").next()).unwrap();
    // Markdown's signs again.
    let replay = replay.replace('\\', "");
    sandbox.pasted(&replay).exits_with(0).prints("same result as before");
}

#[test]
fn elsewhere_there_are_files_alone_in_the_directory_that_is_asked_for() {
    let sandbox = repository();
    let args = ["ci", "--artifacts", "out/ci", "-o", "store", "-n", "3", "--", "lib/check.sh"];
    let called = sandbox.call(&args);
    called.exits_with(1);
    assert!(!called.stdout.contains("::"), "{called:#?}");
    let mut files: Vec<_> = fs::read_dir(sandbox.path().join("out/ci")).unwrap().collect();
    files.sort_by_key(|file| file.as_ref().unwrap().file_name());
    let names: Vec<_> = files.into_iter().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(
        names,
        [
            "code-quality.json",
            "junit.xml",
            "report.html",
            "results.json",
            "summary.md",
            "trace.json"
        ]
    );
    sandbox.call(&["report", "-o", "store", "--export-ci", "lib/check.sh"]).exits_with(2);
    // A summary that cannot be written fails no job.
    let mut command = sandbox.command(&["ci", "-n", "1", "--", "true"]);
    let called = crate::support::called(command.env("GITHUB_STEP_SUMMARY", "no/such"));
    called.exits_with(0).warns("cannot append to no/such (GITHUB_STEP_SUMMARY)");
    sandbox.call(&["ci", "-n", "1", "--", "true"]).exits_with(0).prints("No failure in 1 run");
    assert_eq!(json(&sandbox, "dstest-results/code-quality.json"), serde_json::json!([]));
}

#[test]
fn a_campaign_from_an_archive_is_shown_too() {
    let sandbox = repository();
    let packed =
        sandbox.call(&["archive", "-n", "6", "-o", "t.tar.zst", "--", "sh", "lib/check.sh"]);
    packed.exits_with(0);
    let mut command = sandbox.command(&["ci", "--artifacts", "out", "--archive", "t.tar.zst"]);
    let called = called(on_github(&mut command, &sandbox));
    called.exits_with(1).prints("::error file=lib/check.sh,line=2,title=sh failed in 2 of 6 runs");
    assert_eq!(json(&sandbox, "out/results.json")["done"], 6);
    assert!(sandbox.path().join("out/store/latest").exists());
}

/// The shell steps of a workflow, an action or a template, but for those that build dstest.
fn steps(yaml: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = yaml.lines().collect();
    let mut steps = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let below = || {
            let rest = lines[at + 1..].iter();
            rest.take_while(|below| indent(below) > indent(line)).map(|line| line.trim().to_owned())
        };
        match line.trim().trim_start_matches("- ") {
            "run: |" => steps.push(below().collect::<Vec<_>>().join("\n")),
            "script:" => steps.extend(below().map(|step| step.trim_start_matches("- ").to_owned())),
            other => steps.extend(other.strip_prefix("run: ").map(ToOwned::to_owned)),
        }
    }
    steps.retain(|step| !step.starts_with("cargo install "));
    steps
}

/// Runs a step as services do, with dstest in `PATH`.
fn step(sandbox: &Sandbox, script: &str, variables: &[(&str, &str)]) -> CallResult {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_dstest"));
    let path =
        format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]);
    bash.current_dir(sandbox.path()).env("PATH", path).env("TMPDIR", sandbox.path());
    bash.envs(variables.iter().copied());
    called(on_github(&mut bash, sandbox))
}

#[test]
fn the_steps_for_github_make_one_campaign_of_four_jobs() {
    if !has("bash") {
        return skip("steps for GitHub", "bash is not installed");
    }
    let [share] = &steps(include_str!("../../../docs/ci/github/action.yml"))[..] else {
        panic!("one step")
    };
    let [merge] = &steps(include_str!("../../../docs/ci/github/workflow.yml"))[..] else {
        panic!("one step")
    };
    let sandbox = repository();
    fs::create_dir(sandbox.path().join("shares")).unwrap();
    for index in ["0", "1", "2", "3"] {
        let artifacts = format!("shares/share-{index}");
        let variables = [
            ("ARGUMENTS", "-n 12 \n -- lib/check.sh"),
            ("ARTIFACTS", &artifacts),
            ("DSTEST", "dstest"),
            ("STRATEGY_JOB_INDEX", index),
            ("STRATEGY_JOB_TOTAL", "4"),
        ];
        let called = step(&sandbox, share, &variables);
        called.exits_with(1).warns(" by GitHub (STRATEGY_JOB_INDEX=").prints("3 runs in ");
    }
    let called = step(&sandbox, merge, &[]);
    called
        .exits_with(1)
        .prints("::error file=lib/check.sh,line=2,title=check failed in 4 of 12 runs");
    let results = json(&sandbox, "dstest-results/results.json");
    assert_eq!((&results["done"], &results["complete"]), (&12.into(), &true.into()));
    assert_eq!(read(&sandbox, "summary").matches("### dstest: ").count(), 5);
}

#[test]
fn the_steps_for_gitlab_make_one_campaign_of_four_jobs() {
    if !has("bash") {
        return skip("steps for GitLab", "bash is not installed");
    }
    let [share, merge] = &steps(include_str!("../../../docs/ci/gitlab.yml"))[..] else {
        panic!("two steps")
    };
    let sandbox = repository();
    for index in ["1", "2", "3", "4"] {
        let variables = [
            ("CI_PIPELINE_ID", "812"),
            ("CI_NODE_INDEX", index),
            ("CI_NODE_TOTAL", "4"),
            ("DSTEST_ARGUMENTS", "-n 3 -- lib/check.sh"),
        ];
        let called = step(&sandbox, share, &variables);
        match index {
            // The third run fails, and nothing is left for the fourth job.
            "3" => called.exits_with(1).prints("1 run in "),
            "4" => called.exits_with(4).warns("share 4/4 is empty"),
            _ => called.exits_with(0).warns(" by GitLab (CI_NODE_INDEX="),
        };
    }
    step(&sandbox, merge, &[]).exits_with(1).prints("3 runs in ");
    let issues = json(&sandbox, "dstest-results/code-quality.json");
    assert_eq!(issues[0]["location"]["path"], "lib/check.sh");
    assert_eq!(json(&sandbox, "dstest-results/results.json")["complete"], true);
}
