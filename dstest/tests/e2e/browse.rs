//! `dstest browse` in a terminal, from a campaign to the wrong step.

use crate::support::Sandbox;
use crate::terminal::Terminal;

/// Fails with odd seeds, after an election in its log.
const SCRIPT: &str = r#"
trace() { printf 'trace=%016x\n' "$DSTEST_SEED"; }
[ -z "$VERBOSE" ] || cat <<'LOG'
000001.000 | TIMR | 0 | hears no leader, stands for election term=0 role=follower
000002.000 | RPC | 0 | sends RequestVote in term 1 to=1 id=0.1
000003.000 | TIMR | 2 | hears no leader, stands for election term=0 role=follower
000004.000 | RPC | 1 | receives RequestVote in term 1 from=0 id=0.1
LOG
if [ $((DSTEST_ITER % 2)) = 1 ]; then
    [ -z "$VERBOSE" ] || echo '000005.000 | VOTE | 1 | grants vote to 0 term=1 role=follower vote=0'
    [ -z "$VERBOSE" ] || echo '000006.000 | ERRO | 1 | voted twice'
    trace; echo 'error: voted twice'; exit 1
fi
[ -z "$VERBOSE" ] || echo '000005.000 | VOTE | 1 | refuses vote to 0 term=1 role=follower'
trace
"#;

#[test]
fn from_the_table_to_the_wrong_step_and_back() {
    let sandbox = Sandbox::new();
    sandbox.on_script(&["-n", "6", "-p", "1"], SCRIPT).exits_with(1);
    let mut terminal = Terminal::start(&sandbox, &["browse", "-o", "store"], 120, 30);
    terminal.wait_for("6 runs, 3 failed");
    // The test, its one failure, its first run.
    terminal.press("\r");
    terminal.wait_for("error: voted twice");
    terminal.press("\r");
    terminal.wait_for("#5");
    terminal.press("\r");
    let log = terminal.wait_for("W causes only");
    assert!(log.contains("voted twice") && log.contains("term=0"), "{log}");
    // The causes: the peer without influence is hidden.
    terminal.press("W");
    let why = terminal.wait_for("led to it: ");
    assert_eq!(why.matches("hears no leader").count(), 1, "{why}");
    // The second failing run has no full log yet: it is replayed first.
    terminal.press("q");
    terminal.wait_for("Enter log");
    terminal.press("j\r");
    terminal.wait_for("sh#3");
    terminal.wait_for("W causes only");
    // A diff with a run that passed.
    terminal.press("D");
    let diff = terminal.wait_for("n N differences");
    assert!(diff.contains("refuses vote") && diff.contains("grants vote"), "{diff}");
    terminal.press("q");
    terminal.wait_for("W causes only");
    // Once more, with its log.
    terminal.press("r");
    terminal.wait_for("replaying sh#3");
    terminal.wait_for("W causes only");
    terminal.press("O");
    terminal.wait_for("FAILURE    error: voted twice");
    terminal.press("qqqqq");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
}

#[test]
fn without_a_terminal_it_names_the_alternative() {
    let sandbox = Sandbox::new();
    sandbox.on_script(&["-n", "1"], "exit 1").exits_with(1);
    let called = sandbox.call(&["browse", "-o", "store"]);
    called.exits_with(2).warns("needs a terminal").warns("dstest report");
    let called = sandbox.call(&["browse", "-o", "nowhere"]);
    called.exits_with(2).warns("no stored campaign");
}

#[test]
fn a_run_is_shown_again_from_the_store() {
    let sandbox = Sandbox::new();
    let script = "echo '1 | VOTE | 0 | votes term=3 role=follower'; echo 'error: no luck'; exit 1";
    sandbox.on_script(&["-n", "2", "-p", "1"], script).exits_with(1);
    let shown = sandbox.call(&["show", "-o", "store"]);
    shown.exits_with(0).prints("FAILED sh#1").prints("FAILURE    error: no luck");
    shown.prints("STATE      0    role=follower term=3").prints("           error: no luck");
    sandbox.call(&["show", "-o", "store", "sh#2"]).exits_with(0).prints("FAILED sh#2");
    sandbox.call(&["show", "-o", "store", "sh#7"]).exits_with(2).warns("unknown run `sh#7`");
    let reports = r#"echo '{"signature":"it says so","text":"FAIL its own report"}' > "$DSTEST_RUN_DIR/report.json"; exit 1"#;
    sandbox.on_script(&["-n", "1"], reports).exits_with(1).prints("FAILED  sh #1  it says so");
    sandbox.call(&["show", "-o", "store"]).exits_with(0).prints("FAIL its own report");
}

#[test]
fn more_seeds_are_a_campaign_of_their_own() {
    let sandbox = Sandbox::new();
    sandbox.on_script(&["-n", "3", "-p", "1", "--seed", "5"], "exit $((DSTEST_ITER == 2))");
    let before = sandbox.events();
    let seed = before.iter().find(|event| event["iter"] == 2).unwrap()["seed"].as_u64().unwrap();
    let called = sandbox.call(&["replay", "-o", "store", "sh#2", "--seeds", "4"]);
    called.exits_with(1).prints("sh × 4");
    let mut seeds: Vec<u64> =
        sandbox.events().iter().map(|event| event["seed"].as_u64().unwrap()).collect();
    seeds.sort_unstable();
    assert_eq!(seeds, [seed, seed + 1, seed + 2, seed + 3]);
    sandbox.call(&["resume", "-o", "store", "-n", "5"]).exits_with(1);
    let last = sandbox.events().last().unwrap()["seed"].as_u64().unwrap();
    assert_eq!(last, seed + 4, "a campaign that goes on keeps its seeds");
}
