//! Shrinking of failing runs, and the diagnosis of a liveness failure.

use raft_tests::case::{Case, Decision};
use raft_tests::failure::Failure;
use raft_tests::shrink::{ShrinkError, shrink};
use raft_tests::suites::{self, SWARM};
use raft_tests::{Run, Scenario, simulate_case};

/// Three peers whose clocks almost stop: they never start an election. All other decisions here are
/// irrelevant.
fn stuck() -> Case {
    let mut text = String::from(
        "test swarm_mixed\nseed 11\npeers 3\nservice kv\nend 20000\n\
         clock 0 -999\nclock 1 -999\nclock 2 -999\n",
    );
    for turn in 0..30 {
        let (at, peer) = (50 + 100 * turn, turn % 3);
        text.push_str(&format!("{at}.25 crash {peer} keep=0 torn=0\n"));
        text.push_str(&format!("{at}.5 start {peer}\n"));
        text.push_str(&format!("{at}.75 ask C{peer} #{} put 1 {at}\n", turn + 1));
        text.push_str(&format!("lost {peer}>{} #{}\n", (peer + 1) % 3, turn + 1));
    }
    text.push_str("5000.5 calm core=0,1,2\n");
    text.parse().expect("the case is well written")
}

#[test]
fn a_liveness_failure_names_each_peer_s_wait() {
    let report = simulate_case(&stuck(), None).expect_err("no peer ever leads");
    let Failure::Liveness(text) = &report.failure else { panic!("{report}") };
    for part in [
        "a fresh command is not committed 60 election timeouts",
        "peer 0 follower in term 0",
        "peer 2 follower",
        "no leader, voted for -",
    ] {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
}

#[test]
fn irrelevant_decisions_are_removed() {
    let run = Run::of_case(&stuck(), None);
    let shrunk = shrink(&run).unwrap_or_else(|error| panic!("{error}"));
    let kinds: Vec<&str> = shrunk.case.decisions.iter().map(Decision::kind).collect();
    assert_eq!(kinds, ["calm"], "{shrunk}");
    assert_eq!(shrunk.case.settings.peers, 1, "{shrunk}");
    assert_eq!(shrunk.case.settings.clocks, [-999], "{shrunk}");
    assert!(shrunk.from > 60 && shrunk.case.size() == 2, "{shrunk}");

    let text = shrunk.case.to_string();
    let again: Case = text.parse().expect("a shrunk case can be read");
    let report = simulate_case(&again, None).expect_err("a shrunk case fails");
    assert_eq!(Some(report.failure.identity()), shrunk.case.fails);
}

#[test]
fn shrinking_twice_gives_the_same_case() {
    let cases = [(); 2].map(|()| shrink(&Run::of_case(&stuck(), None)).map(|shrunk| shrunk.case));
    assert_eq!(cases[0], cases[1]);
}

#[test]
fn passing_runs_and_expectations_are_not_shrunk() {
    let passes = Run::of_scenario(&SWARM[0], 3, None, None);
    assert_eq!(shrink(&passes).expect_err("it passes"), ShrinkError::Passes);
    let fussy = Scenario {
        body: |cluster| {
            Box::pin(async move {
                cluster.check_one_leader().await?;
                Err(Failure::Expectation("something else".to_owned()))
            })
        },
        ..*suites::find("backup_2b").expect("a scenario of the labs")
    };
    let error =
        shrink(&Run::of_scenario(&fussy, 3, None, None)).expect_err("only the test expects it");
    assert!(error.to_string().contains("expectations of a test cannot be shrunk"), "{error}");
}
