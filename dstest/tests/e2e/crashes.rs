//! Events that must not cost a campaign its results: kill -9 at any instant, a full disk, a program
//! or a toolchain that is gone, daemons, Ctrl-Z.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{
    CallResult, Sandbox, called, is_alive, no_process_is_left, skip, state, wait_until,
};

fn start(sandbox: &Sandbox, args: &[&str], script: &str) -> Child {
    let mut all = args.to_vec();
    all.extend(["-o", "store", "--", "sh", "-c", script]);
    let mut command = sandbox.command(&all);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The temporary files in a campaign's directory.
fn left_under_way(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(sandbox.latest()).unwrap().map(|entry| entry.unwrap().file_name());
    let names = entries.map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("live") || name.ends_with(".tmp")).collect()
}

fn temporary(sandbox: &Sandbox) -> usize {
    let entries = fs::read_dir(sandbox.path()).unwrap().map(|entry| entry.unwrap().file_name());
    entries.filter(|name| name.to_string_lossy().starts_with("dstest-")).count()
}

#[test]
fn killed_at_any_instant_it_leaves_a_readable_store_and_no_process_behind() {
    let sandbox = Sandbox::new();
    // Until they are let go, later runs hang, each with a child of its own.
    let script = "echo $$ >> pids; \
        if [ $DSTEST_ITER -gt 10 ] && [ ! -e go ]; then sleep 600 & echo $! >> pids; sleep 600; fi; \
        exit $((DSTEST_ITER % 4 == 0))";
    let args = ["-n", "60", "-p", "2", "--seed", "7"];
    let stored = || fs::read_to_string(sandbox.path().join("store/latest/events.jsonl"));
    // Instants from before the first run to well within the campaign, and one that certainly exists.
    for delay_ms in [Some(1), Some(3), Some(6), Some(10), Some(17), Some(40), Some(90), None] {
        let mut child = start(&sandbox, &args, script);
        match delay_ms {
            Some(delay_ms) => std::thread::sleep(Duration::from_millis(delay_ms)),
            None => wait_until("runs are stored", || stored().is_ok_and(|text| !text.is_empty())),
        }
        child.kill().unwrap();
        child.wait().unwrap();
        wait_until("the guard has ended every run", || no_process_is_left(&sandbox));
        fs::remove_file(sandbox.path().join("pids")).unwrap_or(());
        let report = sandbox.call(&["report", "-o", "store"]);
        assert!(matches!(report.code, Some(0..=2)), "{report:#?}");
        assert!(report.code == Some(2) || report.stdout.contains("┏━━"), "{report:#?}");
    }
    fs::write(sandbox.path().join("go"), "").unwrap();
    let resumed = sandbox.call(&["resume", "-o", "store"]);
    resumed.exits_with(1);
    assert_eq!(resumed.row("sh")[1..3], ["15", "60"]);
    assert_eq!(left_under_way(&sandbox), [] as [String; 0]);
    sandbox.on_script(&["-n", "1"], "true").exits_with(0);
    assert_eq!(temporary(&sandbox), 0, "what was killed before it had a guard is cleared too");
}

#[test]
fn the_next_campaign_removes_files_that_the_watchdog_could_not() {
    let sandbox = Sandbox::new();
    sandbox.on_script(&["-n", "1"], "true").exits_with(0);
    let live = sandbox.latest().join("live");
    let temporary_dir = sandbox.path().join("dstest-0123456789abcdef");
    fs::create_dir_all(live.join("0.dir")).unwrap();
    fs::create_dir_all(temporary_dir.join("0")).unwrap();
    fs::write(live.join("lock"), temporary_dir.as_os_str().as_encoded_bytes()).unwrap();
    sandbox.on_script(&["-n", "1"], "true").exits_with(0);
    assert!(!live.exists() && !temporary_dir.exists());
}

#[test]
fn a_campaign_that_is_running_is_neither_resumed_nor_pruned() {
    let sandbox = Sandbox::new();
    let mut child =
        start(&sandbox, &["-n", "1"], "touch started; while [ ! -e go ]; do sleep 0.01; done");
    wait_until("the run is under way", || sandbox.path().join("started").exists());
    let resumed = sandbox.call(&["resume", "-o", "store"]);
    resumed.exits_with(2).warns("another dstest is running this campaign");
    sandbox
        .call(&["prune", "-o", "store", "--keep", "0"])
        .exits_with(0)
        .prints("removed 0 campaigns");
    fs::write(sandbox.path().join("go"), "").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_store_that_can_no_longer_be_written_stops_the_campaign_and_loses_nothing() {
    let sandbox = Sandbox::new();
    // A limit on file sizes is what an ordinary user can set; a full disk is below.
    let program = env!("CARGO_BIN_EXE_dstest");
    let line = format!(
        "ulimit -f 8; exec {program} -n 200 -p 2 --seed 7 -o store -- sh -c 'exit $((DSTEST_ITER == 1))'"
    );
    let mut shell = Command::new("bash");
    shell.args(["-c", &line]).current_dir(sandbox.path()).env("TMPDIR", sandbox.path());
    let stopped = called(&mut shell);
    stopped.exits_with(1).warns("cannot write ").warns("events.jsonl: File too large");
    stopped.warns("not recorded and not counted").warns(" resume -o store ");
    stopped.prints("stopped because the store cannot be written");
    let recorded = sandbox.events().len();
    let failed_and_total = &stopped.row("sh")[1..3];
    assert_eq!(
        failed_and_total,
        ["1", &recorded.to_string()],
        "a number on screen is in the store"
    );
    assert!(0 < recorded && recorded < 200);
    let resumed = sandbox.call(&["resume", "-o", "store"]);
    assert_eq!(resumed.exits_with(1).row("sh")[1..3], ["1", "200"]);
}

/// Runs a shell script in a name space in which it may mount.
fn with_mounts(sandbox: &Sandbox, script: &str, test: &str) -> Option<CallResult> {
    let unshare = ["--user", "--map-root-user", "--mount"];
    let try_it = |flags: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(flags).args(["sh", "-c", "mount -t tmpfs none /mnt"]);
        command.output().is_ok_and(|output| output.status.success())
    };
    let flags = [&unshare[..], &unshare[2..]].into_iter().find(|flags| try_it(flags));
    let Some(flags) = flags else {
        skip(test, "nothing can be mounted here");
        return None;
    };
    let mut command = Command::new("unshare");
    command.args(flags).args(["sh", "-c", script]).current_dir(sandbox.path());
    command.env("DSTEST", env!("CARGO_BIN_EXE_dstest"));
    Some(called(&mut command))
}

#[test]
fn a_full_disk_is_not_a_test_failure() {
    let sandbox = Sandbox::new();
    let script = "mkdir small; mount -t tmpfs -o size=256k none small; \
        $DSTEST -n 50 -p 1 -o small/store -- sh -c '[ $DSTEST_ITER -lt 4 ] || { head -c 500000 /dev/zero && echo; }'; \
        code=$?; cp -r small/store copy; exit $code";
    let test = "a_full_disk_is_not_a_test_failure";
    let Some(stopped) = with_mounts(&sandbox, script, test) else { return };
    assert!(matches!(stopped.code, Some(1 | 2)), "{stopped:#?}");
    assert_eq!(stopped.row("sh")[1..3], ["0", "3"], "what had no room for its output says nothing");
    let said = format!("{}{}", stopped.stdout, stopped.stderr);
    assert!(said.contains("no space is left") || said.contains("No space left"), "{stopped:#?}");
    sandbox.call(&["report", "-o", "copy"]).prints("┏━━");
}

#[test]
fn a_directory_that_cannot_be_written_is_named_and_nothing_runs() {
    let sandbox = Sandbox::new();
    let script = "mkdir frozen; mount -t tmpfs none frozen; mount -o remount,ro frozen; \
        $DSTEST -n 2 -o frozen/store -- touch ran";
    let test = "a_folder_that_cannot_be_written_is_named_and_nothing_runs";
    let Some(refused) = with_mounts(&sandbox, script, test) else { return };
    refused.exits_with(2).warns("frozen/store").warns("-o DIR chooses another store");
    assert!(!sandbox.path().join("ran").exists());
}

#[test]
fn a_program_removed_in_the_middle_of_a_campaign_ends_it_with_its_table() {
    let sandbox = Sandbox::new();
    for budget in [&["-n", "1000"][..], &["--until-fail"], &["--for", "1h"]] {
        sandbox.write_program("prog", "#!/bin/sh\n[ $DSTEST_ITER -lt 5 ] || rm -f prog\nexit 0\n");
        let called = sandbox.call(&[budget, &["-p", "1", "-o", "store", "--", "./prog"]].concat());
        called.exits_with(1).prints("could not be started: cannot run ").prints("No such file");
        called.prints("stopped because runs cannot be started");
        assert_eq!(called.row("prog")[1..3], ["0", "5"]);
    }
}

#[test]
fn a_toolchain_that_is_missing_is_named() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path().join("Cargo.toml"), "[package]\nname = \"a\"\n").unwrap();
    let without = |args: &[&str]| {
        let mut command = sandbox.command(args);
        command.env("PATH", "/nowhere").env_remove("CARGO");
        called(&mut command)
    };
    without(&[]).exits_with(2).warns("cannot start `cargo`").warns("in PATH");
    without(&["--go"]).exits_with(2).warns("cannot start `go`").warns("in PATH");
    assert!(!sandbox.path().join(".dstest").exists());
}

#[test]
fn a_daemon_that_leaves_its_group_is_found_ended_and_reported() {
    if !Path::new("/proc/self/environ").exists() {
        return skip("a_daemon_that_leaves_its_group_is_found_ended_and_reported", "no /proc");
    }
    let sandbox = Sandbox::new();
    let script = "setsid sh -c 'echo $$ >> pids; exec sleep 600' & \
                  while [ $(wc -l < pids) -lt $DSTEST_ITER ]; do sleep 0.01; done";
    fs::write(sandbox.path().join("pids"), "").unwrap();
    let called = sandbox.on_script(&["-n", "3", "-p", "1"], script);
    called.exits_with(0).prints("3 runs passed but left processes running (killed)");
    assert!(!sandbox.lines("pids").iter().any(|pid| is_alive(pid)));
}

#[test]
fn a_daemon_that_hides_its_environment_is_ended_with_the_campaign() {
    if !Path::new("/proc/self/environ").exists() {
        return skip("a_daemon_that_hides_its_environment_is_ended_with_the_campaign", "no /proc");
    }
    let sandbox = Sandbox::new();
    let script = "env -i setsid sh -c 'echo $$ >> pids; exec sleep 600' & \
                  while [ ! -s pids ]; do sleep 0.01; done";
    let called = sandbox.on_script(&["-n", "1"], script);
    called.exits_with(0).warns("1 process outside of a run killed");
    assert!(!sandbox.lines("pids").iter().any(|pid| is_alive(pid)));
}

#[test]
fn ctrl_z_stops_the_runs_too_and_their_time() {
    let sandbox = Sandbox::new();
    // It starts no process: a shell that is stopped between `vfork` and `exec` looks otherwise.
    let script = "mkfifo go; echo $$ > pid; read line < go";
    let mut child = start(&sandbox, &["-n", "1", "-T", "60"], script);
    let own = child.id().to_string();
    let run = || sandbox.lines("pid").first().cloned().unwrap_or_default();
    wait_until("the run is under way", || !run().is_empty());
    let signal = |name: &str| Command::new("kill").args([name, &own]).status().unwrap();
    signal("-TSTP");
    wait_until("both stand still", || {
        state(&own).starts_with('T') && state(&run()).starts_with('T')
    });
    signal("-CONT");
    fs::write(sandbox.path().join("go"), "go\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(sandbox.field("verdict"), ["passed"]);
}
