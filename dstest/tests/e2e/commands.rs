//! The command adapter, budgets and exports.

use std::fs;

use crate::support::Sandbox;

#[test]
fn a_command_gets_its_seed_and_iteration_as_arguments_and_variables() {
    let sandbox = Sandbox::new();
    let script =
        "echo $0 $1; [ \"$0 $1\" = \"$DSTEST_SEED $DSTEST_ITER\" ] && [ -d \"$DSTEST_RUN_DIR\" ]";
    let args = ["-n", "5", "-o", "store", "--", "sh", "-c", script, "{seed}", "{iter}"];
    let called = sandbox.call(&args);
    called.exits_with(0);
    assert_eq!(called.row("sh")[1..3], ["0", "5"]);
}

#[test]
fn a_command_that_fails_now_and_then() {
    let sandbox = Sandbox::new();
    let called =
        sandbox.on_script(&["-n", "6"], "echo run $DSTEST_ITER; exit $((DSTEST_ITER % 2))");
    called.exits_with(1).prints("sh fails in 50.0 % of runs (3 of 6; 95 % interval ");
    assert_eq!(called.row("sh")[1..3], ["3", "6"]);
}

#[test]
fn output_can_mean_failure_whatever_the_exit_code() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_script(&["-n", "2", "--fail-regex", "data ?race"], "echo DATA RACE");
    called.exits_with(1);
    assert_eq!(called.row("sh")[1..3], ["2", "2"]);
}

#[test]
fn a_missing_program_is_not_a_test_failure() {
    let sandbox = Sandbox::new();
    let called = sandbox.call(&["-n", "2", "-o", "store", "--", "./nothing-here"]);
    called.exits_with(1).prints("2 runs could not be started: cannot run ").prints("No such file");
    assert_eq!(called.row("nothing-here")[1..3], ["0", "0"]);
    assert_eq!(sandbox.field("verdict"), ["not-started", "not-started"]);
}

#[test]
fn the_campaign_stops_at_its_limits() {
    let rows: [(&[&str], &str, usize, &str); 4] = [
        (&["-n", "100", "--max-fail", "3", "-p", "1"], "exit 1", 3, "stopped by the failure limit"),
        (&["--until-fail=2", "-p", "1"], "exit $((DSTEST_ITER % 3 == 0))", 6, "failure limit"),
        (&["-l", "-n", "2", "-g", "2", "-p", "1"], "[ $DSTEST_ITER -lt 8 ]", 8, "failure limit"),
        (&["-n", "4", "--for", "1h"], "exit 1", 4, "4 runs in"),
    ];
    for (args, script, runs, why) in rows {
        let sandbox = Sandbox::new();
        sandbox.on_script(args, script).exits_with(1).prints(why);
        assert_eq!(sandbox.events().len(), runs, "{args:?}");
    }
}

#[test]
fn the_time_budget_ends_what_would_not_end() {
    let sandbox = Sandbox::new();
    sandbox.on_script(&["--for", "200ms"], "true").exits_with(0).prints("stopped by --for");
    assert!(!sandbox.events().is_empty());
}

#[test]
fn a_loop_overwrites_no_log_and_forgets_no_count() {
    let sandbox = Sandbox::new();
    let args = ["-l", "-n", "1", "-g", "2", "--max-fail", "7", "-p", "1"];
    let called = sandbox.on_script(&args, "echo failure $DSTEST_ITER; exit 1");
    called.exits_with(1);
    assert_eq!(called.row("sh")[1..3], ["7", "7"]);
    for iteration in 1..=7 {
        let log = fs::read_to_string(sandbox.latest().join(format!("logs/sh/{iteration}.log")));
        assert_eq!(log.unwrap(), format!("failure {iteration}\n"));
    }
}

#[test]
fn json_has_the_documented_shape() {
    let sandbox = Sandbox::new();
    let args = ["-n", "4", "--seed", "7", "--export-json", "out.json"];
    sandbox.on_script(&args, "exit $((DSTEST_ITER == 4))").exits_with(1);
    let text = fs::read_to_string(sandbox.path().join("out.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((json["schema"].as_u64(), json["seed"].as_u64()), (Some(1), Some(7)));
    assert_eq!(json["interrupted"], false);
    let test = &json["tests"][0];
    assert_eq!((test["failed"].as_u64(), test["total"].as_u64()), (Some(1), Some(4)));
    assert!(test["time"]["p95"].as_f64().is_some_and(|seconds| seconds > 0.0));
    let failure = &test["failures"][0];
    assert_eq!(failure["iter"], 4);
    assert!(sandbox.latest().join(failure["log"].as_str().unwrap()).is_file());
    assert_eq!(text, fs::read_to_string(sandbox.latest().join("summary.json")).unwrap());
}

#[test]
fn wrong_usage_names_what_to_change() {
    let rows: [(&[&str], &str); 6] = [
        (&["-n", "0", "--", "true"], "--iter <N>"),
        (&["-p", "none", "--", "true"], "--workers <N>"),
        (&["-T", "soon", "--", "true"], "--timeout"),
        (&["2B", "--", "true"], "PATTERN `2B`"),
        (&["--fail-regex", "(", "--", "true"], "--fail-regex `(`"),
        (&[], "no Cargo.toml"),
    ];
    for (args, want) in rows {
        Sandbox::new().call(args).exits_with(2).warns(want);
    }
}

#[test]
fn configuration_is_read_and_its_mistakes_are_shown() {
    let sandbox = Sandbox::new();
    let write = |text: &str| fs::write(sandbox.path().join("dstest.toml"), text).unwrap();
    write("[run]\niterations = 3\nseed-env = \"MY_SEED\"\n[env]\nHELLO = \"world\"\n");
    let script = "[ \"$MY_SEED $HELLO\" = \"$DSTEST_SEED world\" ]";
    let called = sandbox.on_script(&[], script);
    called.exits_with(0);
    assert_eq!(called.row("sh")[1..3], ["0", "3"]);
    write("[run]\nitertions = 3\n");
    sandbox.on_script(&[], "true").exits_with(2).warns("line 2").warns("itertions");
    write("[[test]]\nmatch = \"^sh$\"\ntimeout = \"200ms\"\n");
    sandbox.on_script(&["-n", "1"], "sleep 600").exits_with(1).prints("timed out after 0.2 s");
}

#[test]
fn each_run_has_temporary_files_of_its_own() {
    let sandbox = Sandbox::new();
    let script = "echo $TMPDIR >> directories; ls $TMPDIR >> left; touch $TMPDIR/mine; exit 1";
    sandbox.on_script(&["-n", "3", "-p", "2"], script).exits_with(1);
    let text = |name: &str| fs::read_to_string(sandbox.path().join(name)).unwrap();
    assert_eq!(text("left"), "", "no run sees what another has left");
    assert!(text("directories").lines().all(|dir| !std::path::Path::new(dir).exists()));
    fs::write(sandbox.path().join("dstest.toml"), "env.TMPDIR = '/mine'\n").unwrap();
    sandbox.on_script(&["-n", "1"], "test $TMPDIR = /mine").exits_with(0);
}

#[test]
fn a_preset_changes_the_defaults() {
    let sandbox = Sandbox::new();
    let config = "run.iterations = 2\n[preset.more.run]\niterations = 5\n";
    fs::write(sandbox.path().join("dstest.toml"), config).unwrap();
    sandbox.on_script(&[], "true").exits_with(0).prints("sh × 2, ");
    sandbox.on_script(&["--preset", "more"], "true").exits_with(0).prints("sh × 5, ");
    sandbox.on_script(&["--preset", "more", "-n", "1"], "true").exits_with(0).prints("sh × 1, ");
    sandbox.on_script(&["--preset", "mor"], "true").exits_with(2).warns("did you mean more?");
}

#[test]
fn a_variable_reaches_every_run_and_may_choose_a_preset() {
    let sandbox = Sandbox::new();
    let config = "[preset.real]\nwhen-env = 'WORLD'\nenv.WORLD = 'real'\nrun.iterations = 3\n";
    fs::write(sandbox.path().join("dstest.toml"), config).unwrap();
    sandbox.on_script(&["-n", "2", "--env", "WORLD=sim"], "test $WORLD = sim").exits_with(0);
    sandbox
        .on_script(&["--env", "WORLD=real"], "test $WORLD = real")
        .exits_with(0)
        .prints("sh × 3, ");
    sandbox.on_script(&["--preset", "real"], "test $WORLD = real").exits_with(0).prints("sh × 3, ");
    let twice = ["-n", "1", "--preset", "real", "--env", "WORLD=sim"];
    sandbox.on_script(&twice, "test $WORLD = sim").exits_with(0);
    let wrong = ["--env", "WORLD"];
    sandbox.on_script(&wrong, "true").exits_with(2).warns("NAME=VALUE").warns("--env");
}

/// Runs each command of a text as if it had been pasted; `browse`, which needs a terminal, as `report`.
fn paste_all(sandbox: &Sandbox, text: &str) -> usize {
    let words = [" replay ", " resume ", " browse "];
    let is_command = |line: &&str| words.iter().any(|word| line.contains(word));
    let commands: Vec<&str> = text.lines().filter(is_command).collect();
    for line in &commands {
        let start = line.find(env!("CARGO_BIN_EXE_dstest")).unwrap_or_else(|| panic!("{line}"));
        let command = line[start..].replace(" browse ", " report ").replace('`', "");
        let called = sandbox.pasted(&command);
        assert!(matches!(called.code, Some(0 | 1)), "{command}: {called:#?}");
    }
    commands.len()
}

#[test]
fn every_command_that_is_printed_can_be_pasted() {
    let rows: [(&[&str], &str); 4] = [
        (&[], ".dstest"),
        (&["-o", "store"], "store"),
        (&["-o", "./-a store's"], "./-a store's"),
        (&["--dir", "other"], "other/.dstest"),
    ];
    for (place, store) in rows {
        let sandbox = Sandbox::new();
        fs::create_dir(sandbox.path().join("other")).unwrap();
        let script = ["-n", "3", "-p", "1", "--max-fail", "1", "--", "sh", "-c", "exit 1"];
        let run = sandbox.call(&[place, &script].concat());
        assert_eq!(paste_all(&sandbox, &run.stdout), 3, "{run:#?}");
        let show = sandbox.call(&["show", "-o", store]);
        assert_eq!(paste_all(&sandbox, &show.stdout), 2, "{show:#?}");
        let report = sandbox.call(&["report", "-o", store, "--export-markdown", "m.md"]);
        assert!(paste_all(&sandbox, &report.stdout) >= 1, "{report:#?}");
    }
    // A campaign outside of any store has no id to be found by.
    let sandbox = Sandbox::new();
    sandbox.on_script(&["-n", "1"], "exit 1").exits_with(1);
    fs::rename(sandbox.latest(), sandbox.path().join("moved")).unwrap();
    let show = sandbox.call(&["show", "moved"]);
    assert_eq!(paste_all(&sandbox, &show.stdout), 2, "{show:#?}");
}
