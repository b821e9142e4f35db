//! Causes of a line in `pretty` agree with the definition of *happened before*.

use std::collections::BTreeMap;

use pretty::view::Causes;
use pretty::{Line, Parser};
use raft::verbose::{Format, Level, MemoryLog, Settings};
use raft_tests::{simulate, suites};

/// The log of a run with everything in it; without its heartbeats no order could be known.
fn log(name: &str, seed: u64) -> Vec<String> {
    let log = MemoryLog::default();
    let logger = log.logger(Settings { level: Level::Routine, format: Format::Text });
    let scenario = suites::find(name).expect("a scenario of the table");
    simulate(scenario, seed, Some(logger)).unwrap_or_else(|report| panic!("{report}"));
    log.text().lines().take(LINES_MAX).map(ToOwned::to_owned).collect()
}

/// *Happened before*, by brute force and forwards: every line knows all that its peer knew, all
/// that the sender of its message knew when it sent it, and what the tester did.
fn known_at_each_line(log: &[String]) -> Vec<Vec<bool>> {
    let mut known: Vec<Vec<bool>> = Vec::new();
    let mut last_of: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sent: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, line) in log.iter().enumerate() {
        let mut own = vec![false; log.len()];
        own[at] = true;
        let fields: Vec<&str> = line.splitn(4, " | ").collect();
        let &[_, topic, writer, text] = fields.as_slice() else {
            known.push(own);
            continue;
        };
        let word = |key: &str| text.split(' ').find_map(|word| word.strip_prefix(key));
        let peer = if topic == "CLNT" { word("to=").unwrap_or(writer) } else { writer };
        let mut learn = |from: Option<usize>| {
            let news = from.map(|from| known[from].clone()).unwrap_or_default();
            own.iter_mut().zip(news).for_each(|(own, news)| *own |= news);
        };
        learn(last_of.get(peer).copied());
        learn(last_of.get("-").copied());
        if let (Some(id), "RPC") = (word("id="), topic) {
            if text.starts_with("sends") {
                sent.insert(id, at);
            } else {
                learn(sent.get(id).copied());
            }
        }
        last_of.insert(peer, at);
        known.push(own);
    }
    known
}

#[test]
fn causes_are_happened_before() {
    for (name, seed) in [
        ("re_election_2a", 1),
        ("backup_2b", 2),
        ("figure8_unreliable_2c", 3),
        ("unreliable_churn_2c", 4),
        ("snapshot_install_un_crash_2d", 5),
    ] {
        let log = log(name, seed);
        let mut parser = Parser::default();
        let mut causes = Causes::default();
        for (number, line) in log.iter().enumerate() {
            if let Line::Event(event) = parser.parse(line.as_bytes()) {
                causes.add(number, &event);
            }
        }
        let known = known_at_each_line(&log);
        let mut hidden = 0;
        // A prime step visits lines of every kind and peer.
        for line in (1..log.len()).step_by(37) {
            // What the tester finds follows from all that happened, as it looks at everything.
            let is_testers = log[line].split(" | ").nth(2) == Some("-");
            let is_known = |at: &usize| match is_testers && !log[line].contains("| CLNT |") {
                true => log[*at].splitn(4, " | ").count() == 4,
                false => known[line][*at],
            };
            let brute: Vec<usize> = (0..=line).filter(is_known).collect();
            let past = causes.causal_past(line);
            assert_eq!(past, brute, "{name}, seed {seed}, line {line}: {}", log[line]);
            hidden += line + 1 - past.len();
            let direct = causes.direct_causes(line, 40);
            assert!(direct.iter().all(|cause| brute.contains(cause)), "{name} {line}: {direct:?}");
            assert!(
                causes.nearest_cause(line).is_none_or(|cause| brute.contains(&cause)),
                "{name} {line}"
            );
        }
        assert!(
            hidden > 0,
            "{name}: a run in which everything follows from everything shows nothing"
        );
    }
}

/// Squares of so many lines fit into a few megabytes.
const LINES_MAX: usize = 3000;
