//! Disks and links do the harm they promise, and no other.

use std::time::Duration;

use raft::message::Direction;
use raft::{
    Entry, EntryId, HardState, Index, Payload, PersistentState, Record, Suffix, Term, Write,
    WriteId,
};
use raft_tests::sim::disk::{Damage, Disk, Latency};
use raft_tests::sim::network::{Connection, LinkProfile, Loss, Network, NetworkProfile, Verdict};
use raft_tests::sim::random::Chance;

fn entries(from: u64, count: u64) -> Vec<Entry> {
    let id = |index| EntryId::new(Term::new(1), Index::new(index));
    (from..from + count).map(|index| Entry { id: id(index), payload: Payload::NoOp }).collect()
}

fn hard_state(term: u64) -> Record {
    Record::HardState(HardState { current_term: Term::new(term), voted_for: None })
}

/// Records of every kind, so that every prefix is a different state.
fn records() -> Vec<Record> {
    let last_included = EntryId::new(Term::new(1), Index::new(2));
    let snapshot = raft::Snapshot {
        last_included,
        membership: Default::default(),
        data: b"state".as_slice().into(),
    };
    vec![
        hard_state(1),
        Record::Append(entries(1, 4)),
        Record::Truncate { from: Index::new(3) },
        Record::Append(entries(3, 3)),
        Record::Snapshot { snapshot, suffix: Suffix::Kept { after: Index::new(1) } },
        hard_state(2),
        Record::Append(entries(6, 5)),
    ]
}

/// States of a store after each number of whole records, and after each tear of the next one.
fn states_after(records: &[Record]) -> Vec<Vec<PersistentState>> {
    let mut stored = PersistentState::default();
    let mut states = Vec::new();
    for record in records {
        let mut possible = vec![stored.clone()];
        if let Record::Append(entries) = record {
            for kept in 1..entries.len() {
                let mut torn = stored.clone();
                torn.record(&Record::Append(entries[..kept].to_vec()));
                possible.push(torn);
            }
        }
        states.push(possible);
        stored.record(record);
    }
    states.push(vec![stored]);
    states
}

fn write_all(disk: &mut Disk, records: &[Record], first: u64) {
    for (id, record) in (first..).zip(records) {
        disk.write(Write { id: WriteId::new(id), record: record.clone() });
    }
}

#[test]
fn a_crash_loses_only_what_was_pending_and_tears_only_appends() {
    let records = records();
    let states = states_after(&records);
    let (mut torn, mut survivors) = (0, vec![0; records.len() + 1]);
    for seed in 0..3000 {
        let flushed = seed as usize % records.len();
        let mut disk = Disk::new(seed, 0, Latency::DEFAULT);
        write_all(&mut disk, &records[..flushed], 1);
        if flushed > 0 {
            disk.begin_flush().expect("there is something to flush");
            assert_eq!(disk.end_flush(), Some(WriteId::new(flushed as u64)));
        }
        write_all(&mut disk, &records[flushed..], flushed as u64 + 1);
        let damage = disk.crash(Damage::Drawn);
        let survived = flushed + damage.survived;
        assert_eq!(survived + damage.lost, records.len());
        assert!(states[survived].contains(disk.durable()), "seed {seed}: {damage:?}");
        assert_eq!(disk.pending(), 0);
        survivors[survived] += 1;
        torn += usize::from(damage.torn_entries > 0);
    }
    assert!(survivors.iter().all(|count| *count > 25), "every prefix survives: {survivors:?}");
    assert!(torn > 100, "appends are torn at times: {torn}");
}

#[test]
fn a_flush_covers_what_was_there_when_it_began() {
    let mut disk = Disk::new(1, 0, Latency::DEFAULT);
    assert_eq!(disk.begin_flush(), None, "there is nothing to flush");
    write_all(&mut disk, &[hard_state(1), hard_state(2)], 1);
    let latency = disk.begin_flush().expect("two writes wait").latency;
    assert!(Latency::DEFAULT.min <= latency && latency <= Latency::DEFAULT.max, "{latency:?}");
    write_all(&mut disk, &[hard_state(3)], 3);
    assert_eq!(disk.begin_flush(), None, "one flush at a time");
    assert_eq!(disk.end_flush(), Some(WriteId::new(2)));
    assert_eq!(disk.durable().hard_state.current_term, Term::new(2));
    assert!(disk.begin_flush().is_some(), "the third write waits for the next flush");
    assert_eq!(disk.end_flush(), Some(WriteId::new(3)));
}

#[test]
fn another_crash_does_not_change_how_long_flushes_take() {
    let latencies = |crash: bool| {
        let mut disk = Disk::new(9, 0, Latency::DEFAULT);
        let mut latencies = Vec::new();
        for round in 0..10 {
            write_all(&mut disk, &[hard_state(round)], round);
            latencies.push(disk.begin_flush());
            disk.end_flush();
            if crash && round == 0 {
                write_all(&mut disk, &records(), 100);
                disk.crash(Damage::Drawn);
            }
        }
        latencies
    };
    let (with, without) = (latencies(true), latencies(false));
    assert_eq!(with, without);
}

const DRAWS: u32 = 20_000;

/// The verdicts about many messages of one direction on one link.
fn verdicts(profile: NetworkProfile, direction: Direction) -> Vec<Verdict> {
    let mut network = Network::new(5, 3, profile);
    (0..DRAWS).map(|_| network.send(0, 1, direction).verdict()).collect()
}

#[track_caller]
fn assert_share(what: &str, found: usize, expected: f64) {
    let share = found as f64 / f64::from(DRAWS);
    assert!((share - expected).abs() < 0.01, "{what}: {share} instead of {expected}");
}

fn delays(verdicts: &[Verdict]) -> Vec<Duration> {
    let delay = |verdict: &Verdict| match verdict {
        Verdict::Deliver(delay) => Some(*delay),
        Verdict::DeliverTwice(..) | Verdict::Lose(_) => None,
    };
    verdicts.iter().filter_map(delay).collect()
}

#[test]
fn the_reliable_network_delivers_at_once() {
    for direction in [Direction::Request, Direction::Reply] {
        let verdicts = verdicts(NetworkProfile::LAB_RELIABLE, direction);
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Deliver(Duration::ZERO)));
    }
}

#[test]
fn the_unreliable_network_has_the_labs_figures() {
    let requests = verdicts(NetworkProfile::LAB_UNRELIABLE, Direction::Request);
    let lost = |verdicts: &[Verdict]| {
        verdicts.iter().filter(|verdict| **verdict == Verdict::Lose(Loss::Chance)).count()
    };
    assert_share("lost requests", lost(&requests), 0.1);
    let found = delays(&requests);
    assert!(found.iter().all(|delay| *delay < Duration::from_millis(26)));
    let half = found.iter().filter(|delay| **delay < Duration::from_millis(13)).count();
    assert_share("requests of the lower half of delays", half, 0.45);

    let replies = verdicts(NetworkProfile::LAB_UNRELIABLE, Direction::Reply);
    assert_share("lost replies", lost(&replies), 0.1);
    assert!(delays(&replies).iter().all(Duration::is_zero));
}

#[test]
fn long_reordering_holds_up_two_of_three_replies() {
    let profile = NetworkProfile::LAB_UNRELIABLE.with_long_reordering();
    let replies = verdicts(profile, Direction::Reply);
    let found = delays(&replies);
    let (low, high) = (Duration::from_millis(200), Duration::from_millis(2200));
    let held: Vec<&Duration> = found.iter().filter(|delay| !delay.is_zero()).collect();
    assert_share("replies held up", held.len(), 0.9 * 2.0 / 3.0);
    assert!(held.iter().all(|delay| low <= **delay && **delay <= high));
    // The mean of U(0, U(0, 2000)) is 500 ms.
    let mean = held.iter().copied().sum::<Duration>() / u32::try_from(held.len()).unwrap();
    assert!((680..720).contains(&mean.as_millis()), "{mean:?} on average");
    let requests = verdicts(profile, Direction::Request);
    assert!(delays(&requests).iter().all(|delay| *delay < Duration::from_millis(26)));
}

#[test]
fn duplication_delivers_twice_at_the_given_rate() {
    let profile = LinkProfile { duplication: Chance::percent(20), ..LinkProfile::PERFECT };
    let verdicts =
        verdicts(NetworkProfile { request: profile, reply: profile }, Direction::Request);
    let twice = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::DeliverTwice(..)));
    assert_share("messages that arrive twice", twice.count(), 0.2);
}

#[test]
fn a_link_is_up_only_between_two_connected_peers() {
    let mut network = Network::new(1, 3, NetworkProfile::LAB_RELIABLE);
    network.disconnect(0);
    network.disconnect(1);
    network.connect(0);
    assert_eq!(network.link(0, 1), Connection::Cut);
    assert_eq!(network.link(1, 0), Connection::Cut);
    assert_eq!(network.link(0, 2), Connection::Up);
    assert_eq!(network.send(0, 1, Direction::Request).verdict(), Verdict::Lose(Loss::Cut));
    network.connect(1);
    assert_eq!(network.link(0, 1), Connection::Up);

    network.set_link(2, 0, Connection::Cut);
    assert_eq!((network.link(2, 0), network.link(0, 2)), (Connection::Cut, Connection::Up));
}

#[test]
fn a_cut_on_one_link_changes_no_draw_of_others_nor_later_ones_of_its_own() {
    let run = |cut: Option<(usize, usize)>| {
        let mut network = Network::new(3, 3, NetworkProfile::LAB_UNRELIABLE);
        let mut verdicts = Vec::new();
        for round in 0..200 {
            if let Some((from, to)) = cut {
                let state = if round < 100 { Connection::Cut } else { Connection::Up };
                network.set_link(from, to, state);
            }
            verdicts.push(
                [(0, 1), (1, 0), (0, 2)]
                    .map(|(from, to)| network.send(from, to, Direction::Request).verdict()),
            );
        }
        verdicts
    };
    let (with, without) = (run(Some((0, 1))), run(None));
    for (round, (with, without)) in with.iter().zip(&without).enumerate() {
        assert_eq!(with[1..], without[1..], "round {round}");
        assert!(round < 100 || with[0] == without[0], "round {round}, after the heal");
    }
}
