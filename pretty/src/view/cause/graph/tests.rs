//! Causes of the lines of small logs.

use super::*;
use crate::line::Line;
use crate::parse::Parser;

fn causes(log: &str) -> Causes {
    let mut parser = Parser::default();
    let mut causes = Causes::default();
    for (number, line) in log.lines().enumerate() {
        if let Line::Event(event) = parser.parse(line.as_bytes()) {
            causes.add(number, &event);
        }
    }
    causes
}

/// An election with a message that is lost, one that is heard of late, and a bystander.
const ELECTION: &str = "\
000001.000 | INFO | 0 | starts with the log empty term=0 role=follower
000001.000 | INFO | 1 | starts with the log empty term=0 role=follower
000001.000 | INFO | 2 | starts with the log empty term=0 role=follower
000002.000 | TIMR | 0 | hears no leader, stands for election term=0 role=follower
000002.000 | STATE | 0 | follower --> candidate term=1 role=candidate
000002.000 | RPC | 0 | sends RequestVote in term 1 to=1 id=0.1
000002.000 | RPC | 0 | sends RequestVote in term 1 to=2 id=0.2
000002.000 | DROP | 0 | RequestVote to 2 is lost: cut to=2 id=0.2 why=cut
000003.000 | TIMR | 2 | hears no leader, stands for election term=0 role=follower
000004.000 | RPC | 1 | receives RequestVote in term 1 from=0 id=0.1
000004.000 | VOTE | 1 | grants vote to 0 term=1 role=follower vote=0 id=0.1
000004.000 | RPC | 1 | sends RequestVoteReply in term 1: granted to=0 id=1.1
000004.500 | PERS | 1 | write 1 is durable term=1 write=1
000005.000 | RPC | 0 | receives RequestVoteReply in term 1: granted from=1 id=1.1
000005.000 | STATE | 0 | candidate --> leader term=1 role=leader
Test failed";

/// The same log with `event=` in every line, and no sentence in it.
fn election_by_events() -> String {
    let event = |line: &str| match line {
        line if line.contains("starts with") => Some("event=started"),
        line if line.contains("hears no leader") => Some("event=election_timeout"),
        line if line.contains(" --> ") => Some("event=role_changed"),
        line if line.contains("sends RequestVote ") => Some("kind=RequestVote event=sent"),
        line if line.contains("receives RequestVote ") => Some("kind=RequestVote event=received"),
        line if line.contains("sends ") => Some("kind=RequestVoteReply event=sent"),
        line if line.contains("receives ") => Some("kind=RequestVoteReply event=received"),
        line if line.contains("is lost") => Some("kind=RequestVote event=lost"),
        line if line.contains("grants") => Some("event=vote_granted"),
        line if line.contains("durable") => Some("event=persisted"),
        _ => None,
    };
    let rewritten = ELECTION.lines().map(|line| match event(line) {
        Some(event) => {
            let (fields, text) = line.rsplit_once(" | ").expect("an event");
            let facts = text.split(' ').filter(|word| word.contains('='));
            format!("{fields} | … {} {event}", facts.collect::<Vec<_>>().join(" "))
        }
        None => line.to_owned(),
    });
    rewritten.collect::<Vec<_>>().join("\n")
}

#[test]
fn events_have_the_causes_of_their_sentences() {
    let log = election_by_events();
    assert_eq!(log.matches(" event=").count(), ELECTION.lines().count() - 1, "{log}");
    let (sentences, events) = (causes(ELECTION), causes(&log));
    for line in 0..=15 {
        assert_eq!(events.causal_past(line), sentences.causal_past(line), "{line}");
        assert_eq!(events.direct_causes(line, 100), sentences.direct_causes(line, 100));
        assert_eq!(events.nearest_cause(line), sentences.nearest_cause(line), "{line}");
    }
}

#[test]
fn concurrent_events_are_not_in_the_causal_past() {
    let causes = causes(ELECTION);
    assert_eq!(causes.causal_past(14), [0, 1, 3, 4, 5, 6, 7, 9, 10, 11, 13, 14]);
    assert_eq!(causes.causal_past(8), [2, 8]);
    assert_eq!(
        causes.causal_past(15),
        causes.causal_past(14),
        "a failure follows from the last event"
    );
}

#[test]
fn one_step_at_a_time_leads_back_to_the_timer() {
    let causes = causes(ELECTION);
    let way = std::iter::successors(causes.nearest_cause(15), |line| causes.nearest_cause(*line));
    assert_eq!(way.collect::<Vec<_>>(), [14, 13, 11, 10, 9, 5, 4, 3, 0]);
}

#[test]
fn direct_causes_leave_out_the_beginning() {
    let causes = causes(ELECTION);
    assert_eq!(causes.direct_causes(14, 100), [1, 3, 4, 5, 9, 10, 11, 13, 14]);
    assert_eq!(
        causes.direct_causes(14, 3),
        [9, 10, 11, 13, 14],
        "so many, and what belongs to them"
    );
}

#[test]
fn findings_of_the_tester_follow_from_everything() {
    let log = "1 | TEST | - | cuts 1\n2 | VOTE | 0 | refuses vote term=1\n3 | VOTE | 1 | refuses \
               vote term=1\n4 | LEAD | 1 | rests\n5 | ERRO | - | expected a leader";
    let causes = causes(log);
    assert_eq!(causes.causal_past(4), [0, 1, 2, 3, 4]);
    assert_eq!(causes.direct_causes(4, 10), [0, 1, 2, 3, 4]);
    assert_eq!(causes.nearest_cause(4), Some(3));
    assert_eq!(causes.causal_past(3), [0, 2, 3], "but not everything follows from the tester");
}

#[test]
fn long_runs_of_local_events_are_cut_short() {
    let mut log =
        String::from("1 | RPC | 0 | sends X to=1 id=0.1\n2 | RPC | 1 | receives X from=0 id=0.1\n");
    (0..500).for_each(|n| log.push_str(&format!("3 | LEAD | 1 | waits {n}\n")));
    let direct = causes(&log).direct_causes(501, 40);
    assert_eq!((direct.len(), &direct[..2], direct[2]), (14, &[0, 1][..], 490));
}

#[test]
fn a_message_without_a_sending_may_have_been_sent_last() {
    let log = "1 | LEAD | 0 | works\n2 | RPC | 1 | receives X from=0 id=0.9\n3 | LEAD | 0 | rests\n\
               4 | RPC | 0 | Received RequestVote response from 1.";
    let causes = causes(log);
    assert_eq!(causes.causal_past(1), [0, 1]);
    assert_eq!(causes.causal_past(3), [0, 1, 2, 3]);
}

#[test]
fn external_actions_are_in_the_causal_past() {
    let log = "1 | TEST | - | cuts 1\n2 | CLNT | C1 | offers a command to=0 index=1\n\
               3 | CLNT | C1 | offers a command to=1 index=1\n4 | CMIT | 0 | commits commit=1";
    assert_eq!(causes(log).causal_past(3), [0, 1, 3]);
    let events = log.replace("index=1", "index=1 event=command_proposed");
    assert_eq!(causes(&events).causal_past(3), [0, 1, 3]);
}

#[test]
fn an_empty_log_has_no_causes() {
    let causes = Causes::default();
    assert_eq!(
        (causes.causal_past(3), causes.direct_causes(3, 9), causes.nearest_cause(3)),
        (vec![], vec![], None)
    );
}
