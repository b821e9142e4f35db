//! The surroundings of runs: arguments, variables, wrappers, scripts, groups, and what is said of runs
//! that take long.

use std::fs;
use std::process::Command;

use crate::support::{Sandbox, skip, wait_until, with_enough_time};

#[test]
fn settings_of_cargo_count_as_under_cargo() {
    let sandbox = Sandbox::new();
    let write = |name: &str, text: &str| {
        let path = sandbox.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("Cargo.toml", "[package]\nname = \"settings\"\nedition = \"2024\"\n[workspace]\n");
    write("src/lib.rs", "");
    write(
        "tests/t.rs",
        "fn is(name: &str, value: &str) { assert_eq!(std::env::var(name).as_deref(), Ok(value)); }\n\
         #[test] fn reads_settings() { is(\"PLAIN\", \"1\"); is(\"KEPT\", \"mine\"); is(\"FORCED\", \"2\");\n\
         is(\"CARGO_PKG_NAME\", \"settings\"); is(\"RAN_BY\", \"runner\"); }\n",
    );
    write(
        ".cargo/config.toml",
        "[env]\nPLAIN = '1'\nKEPT = '1'\nFORCED = { value = '2', force = true }\n\
         [target.'cfg(unix)']\nrunner = ['env', 'RAN_BY=runner']\n",
    );
    let mut command = sandbox.command(&["-n", "2", "--test", "t"]);
    let called = crate::support::called(command.env("KEPT", "mine").env("FORCED", "mine"));
    called.exits_with(0).warns("programs are run by `env RAN_BY=runner`");
    assert_eq!(called.row("reads_settings")[1..3], ["0", "2"]);
    let replay = sandbox.call(&["replay", "reads_settings#1", "--print"]);
    replay.exits_with(0).prints("env RAN_BY=runner ");
}

#[test]
fn arguments_and_seeds_reach_programs_of_a_harness() {
    let sandbox = Sandbox::new();
    let args = ["quick", "-n", "1", "--test-arg", "--test-threads", "--test-arg", "1"];
    sandbox.on_fixture(&args).exits_with(0);
    sandbox.on_fixture(&["quick", "-n", "1", "--test-arg", "--no-such-flag"]).exits_with(1);
    let script = "[ \"$OTHER_SEED\" = \"$DSTEST_SEED\" ]";
    sandbox.on_script(&["-n", "2", "--seed-env", "OTHER_SEED"], script).exits_with(0);
    sandbox.on_script(&["--seed-env", "A B"], "true").exits_with(2).warns("--seed-env");
}

#[test]
fn subtests_of_go_are_selected_as_by_go_test() {
    if Command::new("go").arg("version").output().is_err() {
        return skip("subtests_of_go", "go is not installed");
    }
    let sandbox = Sandbox::new();
    // Go ignores a module at the root of its directory for temporary files.
    fs::create_dir(sandbox.path().join("module")).unwrap();
    let call = |args: &[&str]| sandbox.call(&[&["-o", "store", "--dir", "module"], args].concat());
    fs::write(sandbox.path().join("module/go.mod"), "module example.org/sum\n\ngo 1.19\n").unwrap();
    let test = "package sum\nimport \"testing\"\nfunc TestSum(t *testing.T) {\n\
        t.Run(\"one\", func(t *testing.T) {})\n\
        t.Run(\"two\", func(t *testing.T) { t.Error(\"got 3\") })\n}\n";
    fs::write(sandbox.path().join("module/sum_test.go"), test).unwrap();
    let called = call(&["testsum/one", "-n", "2"]);
    called.exits_with(0);
    assert_eq!(called.row("TestSum/one")[1..3], ["0", "2"]);
    let called = call(&["TestSum", "-n", "1"]);
    called.exits_with(1).prints("TestSum/two: sum_test.go:5: got 3");
    call(&["TestSum/three", "-n", "1"]).exits_with(1).prints("no subtest matches");
    call(&["TestSun/one"]).exits_with(4).warns("did you mean TestSum?");
}

#[test]
fn a_group_has_a_limit_and_every_worker_a_number() {
    let sandbox = Sandbox::new();
    let config = "[[test]]\npattern = 'sh'\ngroup = 'ports'\nenv.PORT = '7'\n\
        [group.ports]\nmax-concurrency = 1\n";
    fs::write(sandbox.path().join("dstest.toml"), config).unwrap();
    // Only one run at a time can make the directory; the slots of the others stay idle.
    let script = "mkdir only || exit 1; echo $PORT $DSTEST_SLOT >> slots; sleep 0.02; rmdir only";
    sandbox.on_script(&["-n", "12", "-p", "4"], script).exits_with(0);
    let slots = fs::read_to_string(sandbox.path().join("slots")).unwrap();
    let is_slot = |line: &str| ["7 0", "7 1", "7 2", "7 3"].contains(&line);
    assert!(slots.lines().count() == 12 && slots.lines().all(is_slot), "{slots}");
    fs::write(sandbox.path().join("dstest.toml"), "[[test]]\nmatch = 'a'\ngroup = 'x'\n").unwrap();
    sandbox.on_script(&[], "true").exits_with(2).warns("add [group.x]");
}

#[test]
fn a_test_that_has_failed_often_enough_is_left_and_said() {
    let sandbox = Sandbox::new();
    let args = ["-n", "20", "-p", "1", "--max-fail-per-test", "3"];
    let called = sandbox.on_script(&args, "exit 1");
    called.exits_with(1).prints("17 runs not run: their test was stopped after 3 failures");
    assert_eq!(called.row("sh")[1..3], ["3", "3"]);
}

#[test]
fn a_wrapper_runs_each_run_and_what_it_leaves_is_kept_and_named() {
    let sandbox = Sandbox::new();
    let wrap = "sh -c 'echo $0 > {run_dir}/trace; exec \"$@\"' {seed}";
    let called =
        sandbox.on_script(&["-n", "2", "-p", "1", "--seed", "7", "--wrap", wrap], "exit 1");
    called.exits_with(1).prints("files  store/runs/").prints("logs/sh/1.dir");
    let seed = fs::read_to_string(sandbox.latest().join("logs/sh/1.dir/trace")).unwrap();
    assert_eq!(seed.trim(), sandbox.field("seed")[0]);
    let replay =
        sandbox.call(&["replay", "-o", "store", "--wrap", "env REPLAYED=1 sh -c 'exit 0'"]);
    replay.exits_with(3).prints("failed before, passed now");
    sandbox.on_script(&["--wrap", "'open"], "true").exits_with(2).warns("--wrap");
}

#[test]
fn scripts_before_and_after_a_campaign() {
    let sandbox = Sandbox::new();
    let setup = "echo begin >> order; echo DB=here >> $DSTEST_ENV";
    let teardown = "echo end $DB >> order";
    let args = ["-n", "1", "--setup", setup, "--teardown", teardown];
    sandbox.on_script(&args, "echo run $DB >> order; exit 1").exits_with(1);
    let order = || fs::read_to_string(sandbox.path().join("order")).unwrap();
    assert_eq!(order(), "begin\nrun here\nend here\n");
    sandbox.call(&["replay", "-o", "store"]).exits_with(0).warns("--setup is not run again");
    assert_eq!(order(), "begin\nrun here\nend here\nrun here\n", "replays have the variables");
    let failing = ["-n", "1", "--setup", "exit 3", "--teardown", "touch undone"];
    sandbox.on_script(&failing, "touch ran").exits_with(2).warns("--setup has failed");
    assert!(!sandbox.path().join("ran").exists() && sandbox.path().join("undone").exists());
}

#[test]
fn what_was_set_up_is_torn_down_after_any_error() {
    for (setup, message) in [
        ("exit 3", "--setup has failed"),
        ("echo nonsense > $DSTEST_ENV", "--setup wrote `nonsense`"),
        ("rm $DSTEST_ENV", "read the file of DSTEST_ENV"),
        ("mkdir $DSTEST_CAMPAIGN_DIR/events.jsonl", "events.jsonl"),
    ] {
        let sandbox = Sandbox::new();
        let args = ["-n", "1", "--setup", setup, "--teardown", "touch undone"];
        let called = sandbox.on_script(&args, "true");
        called.exits_with(2).warns(message);
        assert!(sandbox.path().join("undone").exists(), "{setup}: {called:#?}");
    }
    let sandbox = Sandbox::new();
    let program = sandbox.path().join("program");
    fs::copy("/bin/true", &program).unwrap();
    let (setup, teardown) = ("[ ! -e again ] || rm program", "echo undone >> order");
    let args = ["-n", "1", "-o", "store", "--setup", setup, "--teardown", teardown, "--"];
    sandbox.call(&[&args[..], &[program.to_str().unwrap()]].concat()).exits_with(0);
    fs::write(sandbox.path().join("again"), "").unwrap();
    sandbox.call(&["resume", "-o", "store", "-n", "2"]).exits_with(2).warns("is missing");
    assert_eq!(fs::read_to_string(sandbox.path().join("order")).unwrap(), "undone\nundone\n");
}

#[test]
fn a_run_that_hangs_leaves_the_stacks_of_its_threads() {
    let has_debugger =
        ["gdb", "eu-stack"].iter().any(|it| Command::new(it).arg("--version").output().is_ok());
    with_enough_time(|time| {
        let sandbox = Sandbox::new();
        sandbox.on_script(&["-n", "1", "-T", time], "echo before; sleep 600").exits_with(1);
        let log = fs::read_to_string(sandbox.latest().join("logs/sh/1.log")).unwrap();
        if !log.starts_with("before") {
            return false;
        }
        assert!(log.contains("before\n\ndstest: stacks of all threads"), "{log}");
        let reason = format!("timed out after {time} s; last: before");
        assert_eq!(sandbox.field("signature"), [reason]);
        if !has_debugger {
            assert!(log.contains("neither gdb nor eu-stack"), "{log}");
            skip("stacks of threads", "no debugger is installed");
            return true;
        }
        if log.contains("not permitted") {
            skip("stacks of threads", "tracing is not permitted here");
            return true;
        }
        log.contains("(sleep)") && log.contains("#0 ")
    });
}

#[test]
fn many_failures_of_one_kind_do_not_fill_the_screen() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_script(&["-n", "30", "-p", "1"], "echo error: $DSTEST_ITER; exit 1");
    let lines = called.stdout.lines().filter(|line| line.trim_start().starts_with("FAILED"));
    assert_eq!(lines.count(), 5, "{called:#?}");
    called
        .exits_with(1)
        .prints("further failures like these are only counted")
        .prints("30 failures of one kind");
}

#[test]
fn progress_names_what_is_running() {
    let sandbox = Sandbox::new();
    let script = "touch started; while [ ! -e go ]; do sleep 0.05; done";
    let args = ["-n", "1", "-o", "store", "--", "sh", "-c", script];
    let mut command = sandbox.command(&args);
    let errors = fs::File::create(sandbox.path().join("errors")).unwrap();
    let mut child = command.stdout(std::process::Stdio::null()).stderr(errors).spawn().unwrap();
    let text = || fs::read_to_string(sandbox.path().join("errors")).unwrap();
    wait_until("the run is named", || text().contains("running: sh#1 "));
    fs::write(sandbox.path().join("go"), "").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
