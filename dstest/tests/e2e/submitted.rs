//! Campaigns on many machines: what is written for an engine runs, survives kills, and merges into what
//! one machine would have found.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{CallResult, Sandbox, called, skip, wait_until};

/// A script that fails with every third seed, and waits in run 6 as long as the file `hold` exists.
fn script(sandbox: &Sandbox) {
    let text = "#!/bin/sh\n\
                if [ \"$DSTEST_ITER\" = 6 ]; then\n\
                echo >> \"$AT/held\"; while [ -e \"$AT/hold\" ]; do sleep 0.02; done\nfi\n\
                [ $(($1 % 3)) -ne 0 ] || { echo \"error: bad seed\"; exit 1; }\n";
    sandbox.write_program("t.sh", text);
}

/// `dstest submit ENGINE` of that script.
fn submission(sandbox: &Sandbox, engine: &[&str]) -> Command {
    let at = format!("AT={}", sandbox.path().display());
    let plan = ["--tasks", "4", "-n", "24", "--seed", "7", "--env", &at];
    let (name, more) = engine.split_first().unwrap();
    let args = [&["submit", name], &plan[..], more, &["--", "./t.sh", "{seed}"]];
    sandbox.command(&args.concat())
}

fn submit(sandbox: &Sandbox, engine: &[&str]) -> CallResult {
    called(&mut submission(sandbox, engine))
}

/// The results of all runs on one machine, without times.
fn of_one_machine(sandbox: &Sandbox) -> Value {
    let at = format!("AT={}", sandbox.path().display());
    let args =
        ["-n", "24", "--seed", "7", "--env", &at, "--export-json", "whole.json", "-o", "one"];
    sandbox.call(&[&args[..], &["--", "./t.sh", "{seed}"]].concat()).exits_with(1);
    without_times(&sandbox.path().join("whole.json"))
}

fn without_times(file: &Path) -> Value {
    let mut found: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    for key in ["started", "wall_s"] {
        found.as_object_mut().unwrap().remove(key).unwrap();
    }
    for test in found["tests"].as_array_mut().unwrap() {
        test.as_object_mut().unwrap().remove("time").unwrap();
    }
    found
}

/// The iterations with a result that a task has recorded, each as often as it is there.
fn recorded(store: &Path) -> Vec<u64> {
    let Ok(text) = fs::read_to_string(store.join("latest/events.jsonl")) else { return Vec::new() };
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let results = records.filter(|record| record["verdict"] != "cancelled");
    let mut found: Vec<u64> = results.filter_map(|record| record["iter"].as_u64()).collect();
    found.sort_unstable();
    found
}

/// The commands of the manifest's containers, with their directories in this one.
fn entry_commands(sandbox: &Sandbox) -> Vec<String> {
    let dir = sandbox.path().join("campaign");
    let text = fs::read_to_string(dir.join("kubernetes.yaml")).unwrap();
    let strings = text.lines().filter_map(|line| line.trim().strip_prefix("- "));
    let strings = strings.filter_map(|value| serde_json::from_str::<String>(value).ok());
    let here = |command: String| {
        let command = command.replace("/campaign/", &format!("{}/", dir.display()));
        command.replace("/results", &format!("{}/results", sandbox.path().display()))
    };
    strings.filter(|value| value.contains(".sh ")).map(here).collect()
}

fn start(sandbox: &Sandbox, command: &str, index: u32) -> Child {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir("/").process_group(0);
    shell.env("JOB_COMPLETION_INDEX", index.to_string()).env("TMPDIR", sandbox.path());
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn tasks_of_a_manifest_go_on_after_a_kill_and_merge_into_the_whole() {
    let sandbox = Sandbox::new();
    script(&sandbox);
    let engine = ["kubernetes", "--image", "registry/tests:1", "-o", "campaign"];
    submit(&sandbox, &engine).exits_with(0).prints("kubectl apply -f campaign/kubernetes.yaml");
    let commands = entry_commands(&sandbox);
    let [task, merge] = &commands[..] else { panic!("two containers: {commands:?}") };
    fs::write(sandbox.path().join("hold"), "").unwrap();
    let mut evicted = start(&sandbox, task, 1);
    wait_until("run 6 of task 2", || sandbox.path().join("held").exists());
    let shell = rustix::process::Pid::from_child(&evicted);
    rustix::process::kill_process(shell, rustix::process::Signal::TERM).unwrap();
    assert_eq!(evicted.wait().unwrap().code(), Some(130), "dstest has ended its runs itself");
    fs::remove_file(sandbox.path().join("held")).unwrap();
    let mut killed = start(&sandbox, task, 1);
    let store = sandbox.path().join("results/tasks/2");
    wait_until("run 6 of task 2", || sandbox.path().join("held").exists());
    assert_eq!(recorded(&store), [2], "run 2 is done, run 6 waits");
    fs::copy(
        sandbox.path().join("campaign/submission.json"),
        sandbox.path().join("results/submission.json"),
    )
    .unwrap();
    let status = sandbox.call(&["status", "results"]);
    status.exits_with(if status.row("2")[2] == "0" { 5 } else { 1 });
    status.prints("4 tasks: 1 running, 3 not begun");
    assert_eq!(status.row("2")[3..5], ["1", "6"], "{status:#?}");
    let group = rustix::process::Pid::from_child(&killed);
    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
    killed.wait().unwrap();
    wait_until("the end of its lock", || {
        sandbox.call(&["status", "results"]).row("2")[1] == "not ended"
    });
    fs::remove_file(sandbox.path().join("hold")).unwrap();

    let mut merging = start(&sandbox, merge, 0);
    let tasks: Vec<Child> = (0..4).map(|index| start(&sandbox, task, index)).collect();
    for mut task in tasks {
        assert!(task.wait().unwrap().success(), "failed runs are results");
    }
    assert_eq!(merging.wait().unwrap().code(), Some(1), "the merge waits, and some runs failed");
    assert_eq!(recorded(&store), [2, 6, 10, 14, 18, 22], "each run of task 2 once");
    assert_eq!(fs::read_dir(store.join("runs")).unwrap().count(), 1, "it went on, not anew");
    let merged = without_times(&sandbox.path().join("results/result.json"));
    assert_eq!(merged, of_one_machine(&sandbox));
    let page = fs::read_to_string(sandbox.path().join("results/result.html")).unwrap();
    assert!(page.contains("24 runs failed</h1>"), "{page}");
    let status = sandbox.call(&["status", "results"]);
    status.exits_with(1).prints("4 tasks: 4 done; 24 runs").prints("error: bad seed");
    // The laptop has a copy of the merged store, and of nothing else.
    fs::rename(sandbox.path().join("results/merged"), sandbox.path().join("laptop")).unwrap();
    fs::remove_dir_all(sandbox.path().join("results")).unwrap();
    fs::remove_dir_all(sandbox.path().join("campaign")).unwrap();
    sandbox.call(&["replay", "-o", "laptop"]).exits_with(0).prints("same result as before");
}

#[test]
fn mistakes_of_a_submission_are_named_before_anything_is_built() {
    let sandbox = Sandbox::new();
    script(&sandbox);
    let dry = submit(&sandbox, &["slurm", "--dry-run", "--sbatch", "--time=9", "-o", "campaign"]);
    dry.exits_with(0).prints("--array=1-4").prints("--dependency=afterany:\"$job\"");
    dry.prints("--shard \"$task/4\" --seed 7").prints("--time=9");
    assert!(!sandbox.path().join("campaign").exists(), "a dry run writes nothing");
    let rows: [(&[&str], &str); 3] = [
        (&["--tasks", "25"], "--tasks 25 is too many: -n 24 has only 24 shares"),
        (&["--shard", "1/2"], "--shard is for the runs"),
        (&["-o", "."], "is not empty"),
    ];
    for (args, words) in rows {
        submit(&sandbox, &[&["slurm"], args].concat()).exits_with(2).warns(words);
    }
    let limits: [(&[&str], &str); 5] = [
        (&["--for", "1h"], "--for"),
        (&["--until-fail"], "--until-fail"),
        (&["--loop"], "--loop"),
        (&["--max-fail", "1"], "--max-fail"),
        (&["--max-fail-per-test=1"], "--max-fail-per-test"),
    ];
    for (args, option) in limits {
        let words = format!("{option} cannot be submitted");
        let typed = submit(&sandbox, &[&["slurm"], args].concat());
        typed.exits_with(2).warns(&words).warns("give -n");
        let pack = [&["archive", "-o", "limited.zst"], args, &["--", "./t.sh"]];
        sandbox.call(&pack.concat()).exits_with(0);
        let plan = ["--archive", "limited.zst", "-n", "24", "--dry-run"];
        let archived = sandbox.call(&[&["submit", "slurm"], &plan[..]].concat());
        archived.exits_with(2).warns(&words);
    }
    sandbox.call(&["archive", "-n", "9", "-o", "a.zst", "--", "./t.sh"]).exits_with(0);
    let unknown = sandbox.call(&["submit", "slurm", "--archive", "a.zst", "--dry-run", "tt"]);
    unknown.exits_with(4).warns("no test matches `tt`");
    sandbox.call(&["submit", "slurm", "--archive", "a.zst", "--dry-run"]).exits_with(0);
    let include = ["submit", "slurm", "--archive", "a.zst", "--dry-run", "--include", "t.sh"];
    sandbox.call(&include).exits_with(2).warns("--include cannot be combined with --archive");
    fs::create_dir(sandbox.path().join("empty")).unwrap();
    let here = ["submit", "kubernetes", "--image", "a", "--archive", "../a.zst", "-n", "4"];
    let mut here = sandbox.command(&[&here[..], &["-o", "."]].concat());
    let here = called(here.current_dir(sandbox.path().join("empty")));
    here.exits_with(0).prints("written: ., seed").prints("docker build -t a . &&");
    let absent = sandbox.call(&["submit", "slurm", "--archive", "none.zst"]);
    absent.exits_with(2).warns("cannot read none.zst");
    let named = submit(&sandbox, &["kubernetes", "--image", "a", "--name", "Upper"]);
    named.exits_with(2).warns("lower-case letters");
    let mut lost = sandbox.command(&["submit", "slurm", "-n", "4", "-o", "lost", "--", "true"]);
    let lost = called(lost.env("PATH", sandbox.path()));
    lost.exits_with(2).warns("cannot start `sbatch`").warns("lost is complete");
    sandbox.write_program("sbatch", "#!/bin/sh\necho no such partition >&2; exit 1\n");
    let mut refused = sandbox.command(&["submit", "slurm", "-n", "4", "-o", "no", "--", "true"]);
    let path = format!("{}:/bin:/usr/bin", sandbox.path().display());
    let refused = called(refused.env("PATH", path));
    refused.exits_with(2).warns("no such partition").warns("`sbatch` has not taken the job");
    sandbox.call(&["status"]).exits_with(2).warns("no stored campaign yet");
}

#[test]
fn the_plan_of_an_archive_is_checked_with_its_presets_and_options_reach_the_tests() {
    let sandbox = Sandbox::new();
    let config = "run.iterations = 2\n[preset.long]\nwhen-env = 'LONG'\nrun.iterations = 8\n\
                  env.LONG = 'yes'\n";
    fs::write(sandbox.path().join("dstest.toml"), config).unwrap();
    let command = ["--", "sh", "-c", "printf %s \"$WORD\" > \"$OUT\""];
    sandbox.call(&[&["archive", "-o", "a.zst"], &command[..]].concat()).exits_with(0);
    let word = "it's\ta \\ \u{1b}[2J $HOME\n\u{202e}end";
    let (typed, out) = (format!("WORD={word}"), sandbox.path().join("out"));
    let out_variable = format!("OUT={}", out.display());
    let archived = |dir: &str, more: &[&str]| {
        let engine = ["submit", "kubernetes", "--image", "a", "--archive", "a.zst", "-o", dir];
        let env = ["--tasks", "8", "--env", &typed, "--env", &out_variable];
        sandbox.call(&[&engine[..], &env, more].concat())
    };
    archived("short", &[]).exits_with(2).warns("-n 2 has only 2 shares");
    archived("wrong", &["--preset", "lnog"]).exits_with(2).warns("did you mean long?");
    archived("by-variable", &["--env", "LONG=yes"]).exits_with(0);
    archived("by-name", &["--preset", "long"]).exits_with(0);
    for dir in ["by-variable", "by-name"] {
        let mut task = Command::new("sh");
        task.arg(sandbox.path().join(dir).join("task.sh")).arg("8").current_dir("/");
        let ended = called(&mut task);
        ended.exits_with(0).prints("1 run");
        assert_eq!(fs::read_to_string(&out).unwrap(), word);
        fs::remove_file(&out).unwrap();
    }
}

#[test]
fn waiting_ends_with_campaigns_that_a_limit_has_ended_and_with_no_others() {
    let sandbox = Sandbox::new();
    let limits: [(&str, &[&str], &str); 4] = [
        ("failures", &["--max-fail", "1"], "exit 1"),
        ("each", &["--max-fail-per-test", "1"], "exit 1"),
        ("time", &["--for", "1"], "sleep 2"),
        ("whole", &[], "exit 0"),
    ];
    for (store, limit, script) in limits {
        let args = [&["-n", "10", "-p", "1", "-o", store], limit, &["--", "sh", "-c", script]];
        sandbox.call(&args.concat());
        let mut wait = sandbox.command(&["status", "--wait", "-o", store]);
        wait.stdout(Stdio::piped());
        let mut wait = wait.spawn().unwrap();
        wait_until(store, || wait.try_wait().unwrap().is_some());
        let printed = wait.wait_with_output().unwrap();
        let text = String::from_utf8(printed.stdout).unwrap();
        let (state, code) = match store {
            "whole" => ("1 done", 0),
            "time" => ("1 ended", 5),
            _ => ("1 ended", 1),
        };
        assert!(text.contains(state), "{store}: {text}");
        assert_eq!(printed.status.code(), Some(code), "{store}: {text}");
    }
    // It may still be resumed.
    fs::remove_file(sandbox.path().join("failures/latest/summary.json")).unwrap();
    sandbox.call(&["status", "-o", "failures"]).exits_with(1).prints("1 task: 1 not ended");
}

#[test]
fn the_merge_of_a_manifest_begins_only_when_all_tasks_are_over() {
    let sandbox = Sandbox::new();
    script(&sandbox);
    submit(&sandbox, &["kubernetes", "--image", "a", "-o", "campaign"]).exits_with(0);
    let merge = entry_commands(&sandbox).pop().unwrap();
    let fake = sandbox.path().join("campaign/dstest");
    fs::create_dir_all(sandbox.path().join("results/tasks/1/latest")).unwrap();
    fs::write(sandbox.path().join("results/tasks/1/latest/campaign.json"), "{}").unwrap();
    // Written by another process: a program that this one has open for writing cannot be started.
    let text = "#!/bin/sh\n[ $1 = merge ] && exit 42\nexit $(cat \"${0%/*}/code\")\n";
    let mut write = Command::new("sh");
    write.args(["-c", "rm \"$0\" && printf %s \"$1\" > \"$0\" && chmod 755 \"$0\""]);
    assert!(write.arg(&fake).arg(text).status().unwrap().success());
    for (code, merges) in [(0, true), (1, true), (5, true), (2, false), (130, false)] {
        fs::write(fake.with_file_name("code"), code.to_string()).unwrap();
        let found = start(&sandbox, &merge, 0).wait().unwrap().code();
        assert_eq!(found, Some(if merges { 42 } else { code }), "status exits with {code}");
    }
    fs::remove_dir_all(sandbox.path().join("results")).unwrap();
    let found = start(&sandbox, &merge, 0).wait().unwrap().code();
    assert_eq!(found, Some(2), "the volume is not there");
}

/// A Slurm of its own; it ends with this value.
struct Slurm {
    script: Child,
    conf: String,
}

impl Slurm {
    /// Starts it; `None`, with the reason said, where it is not installed.
    fn start(sandbox: &Sandbox, test: &str) -> Option<Self> {
        let missing = ["slurmctld", "slurmd", "sbatch", "munged"].into_iter().find(|program| {
            let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
            !found.is_ok_and(|output| output.status.success())
        });
        if let Some(program) = missing {
            skip(test, &format!("{program} is not installed (slurm-wlm, munge)"));
            return None;
        }
        if !rustix::process::geteuid().is_root() {
            skip(test, "slurmd needs root");
            return None;
        }
        let dir = sandbox.path().join("slurm");
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/slurm.sh"))
            .arg(&dir)
            .arg(free.min(u16::MAX - 1).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(script.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line != "ready\n" {
            let status = script.wait().unwrap();
            skip(
                test,
                &format!("tests/slurm.sh cannot start it here ({status}); its words are above"),
            );
            return None;
        }
        Some(Self { script, conf: dir.join("slurm.conf").display().to_string() })
    }

    fn tool(&self, words: &[&str]) -> String {
        let output = Command::new(words[0])
            .args(&words[1..])
            .env("SLURM_CONF", &self.conf)
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Submits the script of [`script`]; returns the number of the array.
    fn submit(&self, sandbox: &Sandbox, dir: &str) -> String {
        let mut submission = submission(sandbox, &["slurm", "-o", dir]);
        called(submission.env("SLURM_CONF", &self.conf)).exits_with(0);
        let path = sandbox.path().join(dir).join("submission.json");
        let text: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        text["jobs"][0].as_str().unwrap().to_owned()
    }

    /// Waits until no job is left: first of this array, then of the merge.
    fn wait(&self, array: &str) {
        let is_over = |job: &str| {
            let left = self.tool(&["squeue", "-h", "-o", "%F"]);
            left.lines().all(|line| line.trim() != job)
        };
        wait_until("the end of the tasks", || is_over(array));
        wait_until("the merge", || self.tool(&["squeue", "-h"]).is_empty());
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}

#[test]
fn a_campaign_on_slurm_survives_a_requeue_and_a_cancelled_one_is_merged() {
    let sandbox = Sandbox::new();
    let Some(slurm) = Slurm::start(&sandbox, "slurm") else { return };
    script(&sandbox);
    fs::write(sandbox.path().join("hold"), "").unwrap();
    let array = slurm.submit(&sandbox, "campaign");
    wait_until("run 6 of task 2", || sandbox.path().join("held").exists());
    let task = format!("{array}_2");
    slurm.tool(&["scontrol", "requeue", &task]);
    wait_until("the requeued task", || {
        slurm.tool(&["squeue", "-h", "-r", "-o", "%i %T"]).contains(&format!("{task} PENDING"))
    });
    fs::remove_file(sandbox.path().join("hold")).unwrap();
    let dir = sandbox.path().join("campaign");
    wait_until("the runs of the requeued task", || recorded(&dir.join("tasks/2")).len() == 6);
    slurm.wait(&array);
    let log = fs::read_to_string(dir.join("logs/merge.log")).unwrap();
    let logs = || (1..=4).map(|task| fs::read_to_string(dir.join(format!("logs/task-{task}.log"))));
    assert!(log.contains("24 runs"), "{log}\n{:#?}", logs().collect::<Vec<_>>());
    assert_eq!(recorded(&dir.join("tasks/2")), [2, 6, 10, 14, 18, 22], "each run of task 2 once");
    assert_eq!(fs::read_dir(dir.join("tasks/2/runs")).unwrap().count(), 1, "it went on, not anew");
    assert_eq!(fs::read_to_string(sandbox.path().join("held")).unwrap(), "\n\n", "killed in run 6");
    assert_eq!(without_times(&dir.join("result.json")), of_one_machine(&sandbox));
    sandbox.call(&["status", "campaign"]).exits_with(1).prints("4 tasks: 4 done; 24 runs");
    sandbox.call(&["replay", "-o", "campaign/merged"]).prints("same result as before");

    fs::remove_file(sandbox.path().join("held")).unwrap();
    fs::write(sandbox.path().join("hold"), "").unwrap();
    let array = slurm.submit(&sandbox, "cancelled");
    wait_until("run 6 of task 2", || sandbox.path().join("held").exists());
    slurm.tool(&["scancel", &array]);
    slurm.wait(&array);
    let dir = sandbox.path().join("cancelled");
    let log = fs::read_to_string(dir.join("logs/merge.log")).unwrap();
    assert!(log.contains("unfinished shard: 2/4") && dir.join("result.json").is_file(), "{log}");
    let cancelled = sandbox.call(&["status", "cancelled"]);
    assert_eq!(cancelled.row("2")[1], "interrupted", "{cancelled:#?}");
}
