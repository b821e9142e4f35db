//! Evidence from a second run of a failed seed: the comparison with the first, and the last events
//! that can have caused the failure.
//!
//! A run that passes pays nothing for this: only a failure is run again, with a log in memory.

use std::collections::BTreeSet;

use raft::verbose::{Format, Level, Logger, MemoryLog, Settings};

use crate::failure::Failure;
use crate::sim::trace_hash::TraceHash;

/// Evidence of a second run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Its difference from the first, if any: then the run depends on more than the seed.
    pub difference: Option<String>,
    /// The last events that can have led to the failure, as log lines, the oldest first.
    pub causes: Vec<String>,
    /// Number of such events in all.
    pub causes_total: usize,
}

impl Evidence {
    /// Compares a failed run with two more of the same seed or case, and reads the causes off their
    /// logs. `rerun` runs it with a logger: its trace, and its failure if there was one.
    #[must_use]
    pub fn gather(
        trace: TraceHash,
        failure: &Failure,
        rerun: impl Fn(Logger) -> (TraceHash, Option<Failure>),
    ) -> Self {
        let ((second_trace, second_failure), everything) = logged(&rerun, Level::Routine);
        // Causes go through heartbeats, but heartbeats explain little: those lines are shown that
        // a log without routine has too.
        let (_, events) = logged(&rerun, Level::Events);
        let difference = match second_failure {
            Some(second) if second_trace == trace && second == *failure => None,
            Some(second) => Some(format!("trace={second_trace} and {second}")),
            None => Some(format!("trace={second_trace} and no failure")),
        };
        let events: BTreeSet<&str> = events.lines().collect();
        let mut causes = causal_past(&everything);
        causes.retain(|line| events.contains(line));
        let shown = causes.len().saturating_sub(CAUSES_MAX);
        Self {
            difference,
            causes_total: causes.len(),
            causes: causes[shown..].iter().map(|line| (*line).to_owned()).collect(),
        }
    }
}

/// Runs it again with a log in memory.
fn logged<T>(rerun: impl Fn(Logger) -> T, level: Level) -> (T, String) {
    let log = MemoryLog::default();
    let outcome = rerun(log.logger(Settings { level, format: Format::Text }));
    (outcome, log.text())
}

/// One line of the log, as far as causes go.
struct Line<'a> {
    whole: &'a str,
    peer: &'a str,
    text: &'a str,
    id: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn read(whole: &'a str) -> Option<Self> {
        let mut fields = whole.splitn(4, " | ");
        let (_, topic, writer, text) =
            (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let word = |key: &str| text.split(' ').find_map(|word| word.strip_prefix(key));
        let peer = if topic == "CLNT" { word("to=").unwrap_or(writer) } else { writer };
        Some(Self { whole, peer, text, id: word("id=").filter(|_| topic == "RPC") })
    }
}

/// The events that can have led to the last one, the oldest first: those before it of its own peer,
/// and of the sender of every message that was received, up to there. Lines of the tester depend on
/// all events, as it looks at all peers at once.
fn causal_past(log: &str) -> Vec<&str> {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    let mut past = Vec::new();
    let mut of_all = false;
    for line in log.lines().rev().filter_map(Line::read) {
        if past.is_empty() {
            known.insert(line.peer);
            of_all = line.peer == TESTER;
        }
        let is_wanted = line.id.is_some_and(|id| wanted.contains(id));
        if !(of_all || is_wanted || line.peer == TESTER || known.contains(line.peer)) {
            continue;
        }
        known.insert(line.peer);
        if let Some(id) = line.id.filter(|_| line.text.ends_with(" event=received")) {
            wanted.insert(id);
        }
        past.push(line.whole);
    }
    past.reverse();
    past
}

/// The tester's name in the log.
const TESTER: &str = "-";

/// So many fit on a screen together with the state of seven peers.
const CAUSES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_earlier_events_of_the_peer_and_its_senders() {
        let log = "\
# verbose/1 test=x
1 | INFO | 0 | starts
1 | INFO | 1 | starts
1 | INFO | 2 | starts
2 | RPC | 1 | sends RequestVote to=0 id=1.1
2 | VOTE | 1 | counts
3 | RPC | 2 | sends AppendEntries: heartbeat to=1 id=2.1
3 | RPC | 0 | receives RequestVote from=1 id=1.1 event=received
3 | TEST | - | cuts off 2
4 | ERRO | 0 | election-safety: two leaders
";
        let past = causal_past(log);
        let short: Vec<&str> =
            past.iter().map(|line| line.rsplit(" | ").next().unwrap_or("")).collect();
        let wanted = [
            "starts",
            "starts",
            "sends RequestVote to=0 id=1.1",
            "receives RequestVote from=1 id=1.1 event=received",
            "cuts off 2",
            "election-safety: two leaders",
        ];
        assert_eq!(short, wanted);
    }

    #[test]
    fn the_tester_sees_everything() {
        let log = "1 | LEAD | 0 | works\n2 | VOTE | 1 | votes\n3 | ERRO | - | expected a leader";
        assert_eq!(causal_past(log).len(), 3);
        assert!(causal_past("").is_empty());
    }
}
