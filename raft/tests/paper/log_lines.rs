//! The lines of the `VERBOSE` log, as people and `pretty` read them.

use raft::message::{AppendEntriesReply, Carried, InstallSnapshot};
use raft::trace::is_heartbeat;
use raft::verbose::{Format, Level, MemoryLog, Settings};
use raft::{Index, Message, Round};

use crate::cluster::{Cluster, append, disk, done, entry, id, peer, request_vote};

/// The log of peer 0 of three during a scenario.
fn log_text(level: Level, format: Format, scenario: fn(&mut Cluster)) -> String {
    let log = MemoryLog::default();
    let mut cluster = Cluster::new(3);
    cluster.restart_from(peer(0), disk(&[entry(1, 1), entry(1, 2)]));
    let logger = log.logger(Settings { level, format });
    logger.header("example", 7, 3);
    cluster.peers.get_mut(&peer(0)).unwrap().node.set_sink(Box::new(logger));
    scenario(&mut cluster);
    log.text()
}

fn lost_election(cluster: &mut Cluster) {
    cluster.inject(1, peer(0), 2, request_vote(0, 0));
    cluster.inject(2, peer(0), 2, request_vote(1, 2));
    cluster.poll(peer(0));
}

#[test]
fn lines_of_an_election() {
    let expected = "\
# verbose/1 test=example seed=7 peers=3 unit=ms
000000.000 | INFO | 0 | starts with the log through 2@1, snapshot through 0@0 term=1 role=follower last=2 last_term=1 snapshot=0 applied=0 commit=0 vote=none event=started
000000.000 | RPC | 0 | receives RequestVote in term 2: log through 0@0 from=1 id=1.1 kind=RequestVote event=received
000000.000 | TERM | 0 | goes from term 1 to 2 term=2 role=follower event=term_changed
000000.000 | VOTE | 0 | refuses vote to 1: its log is behind term=2 role=follower to=1 id=1.1 event=vote_rejected
000000.000 | RPC | 0 | receives RequestVote in term 2: log through 2@1 from=2 id=2.1 kind=RequestVote event=received
000000.000 | VOTE | 0 | grants vote to 2 term=2 role=follower vote=2 id=2.1 event=vote_granted
000000.000 | PERS | 0 | writes term and vote term=2 vote=2 write=1 event=persisting
000000.000 | RPC | 0 | sends RequestVoteReply in term 2: refused to=1 id=0.1 kind=RequestVoteReply event=sent
000000.000 | RPC | 0 | sends RequestVoteReply in term 2: granted to=2 id=0.2 kind=RequestVoteReply event=sent
";
    assert_eq!(log_text(Level::Events, Format::Text, lost_election), expected);
}

#[test]
fn json_lines_carry_the_same_facts() {
    let lines = log_text(Level::Events, Format::Json, lost_election);
    let expected = [
        r#"{"verbose":1,"test":"example","seed":7,"peers":3}"#,
        r#"{"t_us":0,"topic":"INFO","peer":"0","msg":"starts with the log through 2@1, snapshot through 0@0","term":1,"role":"follower","last":2,"last_term":1,"snapshot":0,"applied":0,"commit":0,"vote":"none","event":"started"}"#,
    ];
    assert_eq!(lines.lines().take(2).collect::<Vec<_>>(), expected);
    assert_eq!(lines.lines().count(), 10);
}

#[test]
fn each_level_adds_lines_to_the_one_below() {
    fn heartbeats(cluster: &mut Cluster) {
        for _ in 0..3 {
            cluster.inject(1, peer(0), 2, append(id(1, 2), &[], 0));
            cluster.poll(peer(0));
        }
        cluster.inject(1, peer(0), 2, append(id(1, 2), &[entry(2, 3)], 0));
        cluster.poll(peer(0));
    }
    let lines = |level| log_text(level, Format::Text, heartbeats).lines().count();
    let (events, routine) = (lines(Level::Events), lines(Level::Routine));
    assert!(events < routine, "{events} lines against {routine}");
    let page = log_text(Level::Events, Format::Text, heartbeats);
    assert!(!page.contains("heartbeat"), "{page}");
    let page = log_text(Level::Contents, Format::Text, heartbeats);
    assert!(page.contains("payload: Command([3])"), "{page}");
}

fn follower_with_conflicts(cluster: &mut Cluster) {
    let snapshot = |offset, chunk: &[u8], done| {
        let (last_included, chunk) = (id(3, 9), chunk.into());
        Message::InstallSnapshot(InstallSnapshot {
            last_included,
            offset,
            chunk,
            done,
            round: Round::ZERO,
        })
    };
    let messages = [
        append(id(2, 2), &[], 0),
        append(id(1, 1), &[entry(3, 2), entry(3, 3)], 2),
        append(id(3, 3), &[entry(9, 4)], 2),
        snapshot(0, b"st", None),
        snapshot(2, b"ate", done()),
        append(id(3, 9), &[], 9),
    ];
    for message in messages {
        cluster.inject(1, peer(0), 3, message);
        cluster.poll(peer(0));
    }
    cluster.inject(2, peer(0), 2, append(id(1, 1), &[], 0));
    cluster.inject(2, peer(0), 3, request_vote(2, 2));
    cluster.poll(peer(0));
}

fn leader_with_slow_follower(cluster: &mut Cluster) {
    cluster.cut(peer(2));
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"a");
    let now = cluster.now;
    let leader = &mut cluster.peers.get_mut(&peer(0)).unwrap().node;
    leader.compact(now, Index::new(3), b"state".as_slice().into()).unwrap();
    cluster.wire.clear();
    cluster.heal(peer(2));
    cluster.advance(std::time::Duration::from_millis(50));
    cluster.deliver_all();
    cluster.time_out(peer(0));
    cluster.poll(peer(0));
}

#[test]
fn lines_of_a_follower_with_conflicts() {
    let expected = include_str!("follower.log");
    assert_eq!(log_text(Level::Routine, Format::Text, follower_with_conflicts), expected);
}

#[test]
fn lines_of_a_leader() {
    let expected = include_str!("leader.log");
    assert_eq!(log_text(Level::Routine, Format::Text, leader_with_slow_follower), expected);
}

#[test]
fn a_heartbeat_and_its_reply_are_recognised() {
    let accepted = |carried| {
        let match_index = Index::new(2);
        Message::AppendEntriesReply(AppendEntriesReply::Accepted {
            match_index,
            carried,
            round: Round::ZERO,
        })
    };
    assert!(is_heartbeat(&append(id(1, 2), &[], 0)));
    assert!(is_heartbeat(&accepted(Carried::Nothing)));
    assert!(!is_heartbeat(&append(id(1, 2), &[entry(1, 3)], 0)));
    assert!(!is_heartbeat(&accepted(Carried::Entries)));
    assert!(!is_heartbeat(&request_vote(1, 2)));
}

#[test]
fn verbose_is_a_level_and_a_format() {
    let settings = |level, format| Ok(Some(Settings { level, format }));
    let rows = [
        (None, None, Ok(None)),
        (Some("0"), Some("json"), Ok(None)),
        (Some("1"), None, settings(Level::Events, Format::Text)),
        (Some("2"), Some("text"), settings(Level::Routine, Format::Text)),
        (Some("3"), Some("json"), settings(Level::Contents, Format::Json)),
    ];
    for (verbose, format, expected) in rows {
        assert_eq!(Settings::parse(verbose, format), expected, "{verbose:?} {format:?}");
    }
    for (verbose, format) in [("4", "text"), ("yes", "text"), ("1", "xml")] {
        let error = Settings::parse(Some(verbose), Some(format)).unwrap_err().to_string();
        assert!(error.contains("is invalid; use"), "{error}");
    }
}

/// The environment is read as it is: this test starts itself with another one.
#[test]
fn settings_are_read_from_the_environment() {
    if std::env::var_os("RAFT_PAPER_CHILD").is_some() {
        println!("<{:?}>", Settings::from_env());
        return;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "log_lines::settings_are_read_from_the_environment", "--nocapture"])
        .envs([("RAFT_PAPER_CHILD", "1"), ("VERBOSE", "2"), ("VERBOSE_FORMAT", "json")])
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&output.stdout);
    let expected = "<Ok(Some(Settings { level: Routine, format: Json }))>";
    assert!(output.contains(expected), "{output}");
}

/// Programs find the event, and the kind of a message, without a look at the sentence.
#[test]
fn every_line_ends_with_its_event() {
    for line in [include_str!("follower.log"), include_str!("leader.log")]
        .iter()
        .flat_map(|log| log.lines().skip(1))
    {
        let (facts, event) = line.rsplit_once(" event=").expect(line);
        assert!(event.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
        let is_message = facts.contains("| RPC |") || facts.contains("| ERRO |");
        let last = facts.rsplit(' ').next().unwrap();
        assert_eq!(last.starts_with("kind="), is_message, "{line}");
    }
}
