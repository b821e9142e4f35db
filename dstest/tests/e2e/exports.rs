//! Exports and comparisons: files for other programs, checked before hours are spent on them.

use std::fs;
use std::process::Command;

use crate::support::{CallResult, Sandbox, called, skip};

#[test]
fn junit_is_valid_and_names_its_cases_alike_in_every_campaign() {
    let sandbox = Sandbox::new();
    let names = |args: &[&str]| {
        let mut all = args.to_vec();
        all.extend(["-n", "8", "--seed", "7", "--export-junit", "j.xml"]);
        sandbox.on_fixture(&all);
        is_valid(&sandbox, "j.xml");
        let text = fs::read_to_string(sandbox.path().join("j.xml")).unwrap();
        let cases = text.lines().filter(|line| line.contains("<testcase"));
        let names = cases.map(|line| line.split(" time=").next().unwrap().trim().to_owned());
        (names.collect::<Vec<_>>(), text)
    };
    let (both, text) = names(&["flaky", "quick"]);
    let (flaky, _) = names(&["flaky"]);
    assert!(both.contains(&flaky[0]) && both.len() > 1, "{both:?} {flaky:?}");
    assert!(text.contains("<failure type=\"failed\" message=\"an odd seed"), "{text}");
    assert!(text.contains("  replay  ") && text.contains("#1, seed"), "{text}");
    let (_, text) = names(&["flaky", "--junit-flaky"]);
    assert!(text.contains("failures=\"0\"") && text.contains("<flakyFailure"), "{text}");
}

/// Validates a file against the schema where a validator is installed.
#[track_caller]
fn is_valid(sandbox: &Sandbox, file: &str) {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/junit.xsd");
    let mut xmllint = Command::new("xmllint");
    xmllint.args(["--noout", "--schema", schema, file]).current_dir(sandbox.path());
    if xmllint.output().is_err() {
        return skip("junit_is_valid", "xmllint is not installed");
    }
    called(&mut xmllint).exits_with(0);
}

#[test]
fn an_export_that_cannot_be_written_is_refused_before_the_first_run() {
    let rows: [(&[&str], &str); 4] = [
        (&["--export-json", "no/such/out.json"], "--export-json"),
        (&["--export-junit", "."], "--export-junit"),
        (&["--export-csv", "/proc/out.csv"], "--export-csv"),
        (&["--export-json", "-", "--export-csv", "-"], "cannot both write to standard output"),
    ];
    for (args, words) in rows {
        let sandbox = Sandbox::new();
        sandbox.on_script(args, "touch ran").exits_with(2).warns(words);
        assert!(!sandbox.path().join("ran").exists(), "{args:?}");
        let left = fs::read_dir(sandbox.path()).unwrap().count();
        assert_eq!(left, 0, "{args:?}");
    }
}

#[test]
fn an_export_to_standard_output_is_all_that_is_there() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_script(&["-n", "2", "--seed", "7", "--export-json", "-"], "true");
    let json: serde_json::Value = serde_json::from_str(&called.stdout).unwrap();
    assert_eq!((json["seed"].as_u64(), json["seed_text"].as_str()), (Some(7), Some("7")));
    called.exits_with(0).warns("2 runs in");
    assert!(!sandbox.path().join("-").exists());
    let csv = stored(&sandbox, "report", &["--export-csv", "/dev/stdout"]);
    assert!(csv.stdout.contains("\r\nsh,sh,0,2,0,0,0,0.0"), "{csv:#?}");
}

#[test]
fn seeds_fit_everywhere() {
    let sandbox = Sandbox::new();
    let script = "[ $DSTEST_SEED -ge 0 ] && [ $DSTEST_SEED -lt 9007199254740992 ]";
    sandbox.on_script(&["-n", "20", "--seed", "18446744073709551615"], script).exits_with(0);
}

fn stored(sandbox: &Sandbox, command: &str, args: &[&str]) -> CallResult {
    let mut all = vec![command, "-o", "store"];
    all.extend(args);
    sandbox.call(&all)
}

#[test]
fn a_comparison_tells_chance_from_change() {
    let sandbox = Sandbox::new();
    let run = |script: &str| {
        sandbox.on_script(&["-n", "30"], script);
        sandbox.latest().file_name().unwrap().to_string_lossy().into_owned()
    };
    let good = run("true");
    let bad = run("exit $((DSTEST_ITER % 2))");
    let compare = |args: &[&str]| stored(&sandbox, "compare", args);
    compare(&[&good, &bad]).exits_with(0).prints("fails more often (p < 0.001)");
    compare(&[&good, &bad, "--fail-on-worse"]).exits_with(1);
    compare(&[&bad, &good]).exits_with(0).prints("fails less often (p < 0.001)");
    compare(&[&bad]).exits_with(2).warns("would be compared with itself");
    let slow = run("sleep 0.2");
    compare(&[&good, &slow]).exits_with(0).prints("by its own doing or by the load (p < 0.001)");
    let busy = run("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
    compare(&[&good, &busy, "--fail-on-worse"]).exits_with(1).prints("the CPU time (p < 0.001)");
    let exported = compare(&[&good, "--export-json", "-", "--export-markdown", "m.md"]);
    let json: serde_json::Value = serde_json::from_str(&exported.stdout).unwrap();
    assert_eq!(json["comparison"]["tests"][0]["cpu"]["direction"], "worse");
    let markdown = fs::read_to_string(sandbox.path().join("m.md")).unwrap();
    assert!(markdown.starts_with("| Test | Failed | Median time | Change |"), "{markdown}");
}

#[test]
fn tests_of_one_campaign_alone_are_listed() {
    let sandbox = Sandbox::new();
    sandbox.on_fixture(&["quick", "-n", "1"]).exits_with(0);
    let first = sandbox.latest().file_name().unwrap().to_string_lossy().into_owned();
    sandbox.on_fixture(&["flaky", "-n", "1"]);
    let called = stored(&sandbox, "compare", &[&first]);
    called.exits_with(0).prints("new").prints("not run now").prints("1 new, 1 not run now");
}

#[test]
fn what_a_test_prints_about_itself_stays_data_in_every_export() {
    let sandbox = Sandbox::new();
    let script = "printf '=1+1 |<script>\\033[31m ![x](http://x) @user error\\n'; exit 1";
    let exports = ["--export-junit", "j.xml", "--export-markdown", "m.md", "--export-csv", "c.csv"];
    let mut args = vec!["-n", "2"];
    args.extend(exports);
    let called = sandbox.on_script(&args, script);
    assert!(!called.stdout.contains('\u{1b}'), "{called:#?}");
    is_valid(&sandbox, "j.xml");
    let text = |name: &str| fs::read_to_string(sandbox.path().join(name)).unwrap();
    for name in ["j.xml", "m.md", "c.csv"] {
        assert!(!text(name).contains("<script>") && !text(name).contains('\u{1b}'), "{name}");
    }
    assert!(!text("m.md").contains("](http"), "{}", text("m.md"));
}

#[test]
fn mistakes_are_seen_before_anything_is_built() {
    let sandbox = Sandbox::new();
    let called = sandbox.on_fixture(&["reprot"]);
    called.exits_with(2).warns("did you mean `dstest report`?").warns("dstest run reprot");
    let later = sandbox.on_script(&["-n", "2", "-n", "3", "--seed", "1", "--seed", "2"], "true");
    later.exits_with(0).prints("sh × 3, ").prints("seed 2");
}

#[test]
fn a_campaign_is_a_trace_with_a_track_for_each_worker() {
    let sandbox = Sandbox::new();
    let script = "[ $((DSTEST_ITER % 3)) != 0 ] || { echo error: three; exit 1; }";
    let args = ["-n", "12", "-p", "2", "--export-chrome-trace", "trace.json"];
    sandbox.on_script(&args, script).exits_with(1);
    let text = fs::read_to_string(sandbox.path().join("trace.json")).unwrap();
    let trace: serde_json::Value = serde_json::from_str(&text).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let of_kind = |kind: &str| events.iter().filter(|event| event["ph"] == kind).count();
    assert_eq!((of_kind("X"), of_kind("i"), of_kind("C")), (12, 4, 5), "{text}");
    let tracks = text.matches("\"name\":\"thread_name\"").count();
    assert!((1..=2).contains(&tracks), "{text}");
    assert!(text.contains("failed: error: three"), "{text}");
    let later = sandbox.call(&["report", "-o", "store", "--export-chrome-trace", "-"]);
    assert_eq!(later.exits_with(1).stdout, text);
}
