//! Processes at both ends: of another cluster, not members, and two with one id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use raft::cluster_view::{ClusterView, OwnPlace};
use raft::transport::Transport as _;
use raft::transport::tcp::{
    Answer, Hello, Origin, Process, ProcessStart, TcpOptions, VERSION, VERSION_MIN, Verdict,
};
use raft::{ClusterId, EntryId, Incarnation, Index, Membership, StatedIdentity, Term};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::support::{CLUSTER, Log, Peer, RawClient, options, peer, vote, with_timeout};

/// A member of cluster 7 with these members, by a configuration at this index.
fn view(members: &[u64], index: u64) -> ClusterView {
    let configuration = EntryId::new(Term::new(1), Index::new(index));
    let own = StatedIdentity {
        cluster: Some(ClusterId::new(7)),
        store: None,
        place: OwnPlace::Member,
        configuration,
        committed: configuration,
    };
    let members: BTreeSet<_> = members.iter().copied().map(peer).collect();
    let configurations = vec![Arc::new(Membership::of_voters(members.iter().copied()))];
    let clusters = [ClusterId::new(7)].into();
    ClusterView { own, members, configurations, clusters, ..ClusterView::default() }
}

fn started(number: u64, view: ClusterView) -> Peer {
    let mut peer = Peer::plain(number, options());
    set_view(&mut peer, view);
    peer
}

fn set_view(peer: &mut Peer, view: ClusterView) {
    let commit = view.own.configuration.index;
    peer.transport.set_view(&Arc::new(view));
    peer.transport.set_commit_index(commit);
}

fn with_store(view: ClusterView, store: u64) -> ClusterView {
    let own = StatedIdentity { store: Some(Incarnation::new(store)), ..view.own };
    ClusterView { own, ..view }
}

/// Waits until some more attempts have failed, and returns the warnings of all.
async fn warnings_after_attempts(log: &Log) -> Vec<String> {
    let warnings = log.warnings();
    for _ in 0..5 {
        log.wait_for("still not connected").await;
    }
    [warnings, log.warnings()].concat()
}

#[tokio::test]
async fn a_peer_of_another_cluster_is_rejected_on_both_sides_with_both_ids() {
    let log = Log::capture();
    let theirs = ClusterId::new(8);
    let mut other = view(&[1, 2], 5);
    (other.own.cluster, other.clusters) = (Some(theirs), [theirs].into());
    other.stores = [(peer(2), vec![Incarnation::new(2)])].into();
    let (mut one, two) = (started(1, other), started(2, view(&[1, 2], 5)));
    one.set_peer(&two);
    log.wait_for("cannot send to peer").await;
    let warnings = warnings_after_attempts(&log).await;
    // Peer 2 has added peer 1, but knows no store of it yet.
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    let text = "it belongs to cluster 0000000000000007, this peer to 0000000000000008";
    assert!(warnings[0].contains(text), "{warnings:?}");

    let known: BTreeMap<_, _> = [(peer(1), vec![Incarnation::new(1)])].into();
    let mut two = started(2, ClusterView { stores: known, ..view(&[1, 2], 5) });
    one.set_peer(&two);
    log.wait_for("rejected a peer").await;
    let warnings = warnings_after_attempts(&log).await;
    let of_listener = "rejected a peer peer=1";
    let text = "it belongs to cluster 0000000000000008, this peer to 0000000000000007: one of the two \
                has a wrong address or data directory";
    let rejected: Vec<_> = warnings.iter().filter(|line| line.contains(of_listener)).collect();
    assert_eq!(rejected.len(), 1, "{warnings:#?}");
    assert!(rejected[0].contains(text), "{rejected:?}");
    assert!(two.received.try_recv().is_err());
}

#[tokio::test]
async fn a_removed_peer_is_told_and_a_joining_one_is_let_in_once_it_is_added() {
    let log = Log::capture();
    let (mut one, mut two) = (started(1, view(&[1, 2], 5)), started(2, view(&[2, 3], 6)));
    one.set_peer(&two);
    log.wait_for("cannot send to peer").await;
    let warnings = warnings_after_attempts(&log).await;
    assert_eq!(warnings.len(), 2, "{warnings:#?}");
    let told = "rejected: this peer was removed from the cluster: stop it, or add it again";
    assert!(warnings.iter().any(|line| line.contains(told)), "{warnings:?}");
    let said =
        "it is not a member as of configuration 6@1, nor being added: stop it, or add it again";
    assert!(warnings.iter().any(|line| line.contains(said)), "{warnings:?}");
    drop(one);

    let mut four = started(4, ClusterView::default());
    four.set_peer(&two);
    log.wait_for("rejected: this peer is not a member yet: add it on the leader").await;
    assert_eq!(warnings_after_attempts(&log).await, [""; 0], "it is being added, as a rule");
    two.transport.set_view(&Arc::new(view(&[2, 3, 4], 6)));
    four.wait_connected(&mut two).await;

    two.transport.set_view(&Arc::new(view(&[2, 3], 7)));
    log.wait_for("incoming connection closed peer=4").await;
    log.wait_for("rejected: this peer is not a member yet").await;
}

#[tokio::test]
async fn a_member_that_was_added_since_is_accepted_by_one_that_is_behind() {
    let (mut one, mut two) = (started(1, view(&[1, 2, 3], 9)), started(2, view(&[2, 3], 6)));
    one.set_peer(&two);
    one.wait_connected(&mut two).await;
}

#[tokio::test]
async fn a_second_process_is_rejected_on_both_sides_while_the_first_answers() {
    let log = Log::capture();
    let mut two = started(2, view(&[1, 2], 5));
    let mut first = started(1, view(&[1, 2], 5));
    first.set_peer(&two);
    first.wait_connected(&mut two).await;
    let mut second = started(1, view(&[1, 2], 5));
    second.set_peer(&two);
    log.wait_for("cannot send to peer").await;
    let connected = ": connected peer=2";
    let warnings = log.warnings();
    for _ in 0..5 {
        log.wait_for("still not connected").await;
        assert!(!log.contains(connected), "no flapping");
        first.transport.send(vote(5, peer(1), peer(2)));
        assert_eq!(two.next().await, vote(5, peer(1), peer(2)));
        second.transport.send(vote(6, peer(1), peer(2)));
    }
    let warnings = [warnings, log.warnings()].concat();
    assert_eq!(warnings.len(), 2, "{warnings:#?}");
    let told = "rejected: another process with this peer's id is connected to it from 127.0.0.1:";
    assert!(warnings.iter().any(|line| line.contains(told)), "{warnings:?}");
    let said = "another process with id 1 is connected from 127.0.0.1:";
    assert!(warnings.iter().any(|line| line.contains(said)), "{warnings:?}");
    drop(first);
    second.wait_connected(&mut two).await;
}

/// A copy that was started while the first process was away must not lock it out.
#[tokio::test]
async fn of_two_live_processes_the_recorded_store_counts_then_the_earlier_start() {
    let stores: BTreeMap<_, _> = [(peer(1), vec![Incarnation::new(11)])].into();
    let mut two = started(2, ClusterView { stores, ..view(&[1, 2], 5) });
    let mut wiped = started(1, with_store(view(&[1, 2], 5), 12));
    let mut kept = started(1, with_store(view(&[1, 2], 5), 11));
    let log = Log::capture();
    wiped.set_peer(&two);
    wiped.wait_connected(&mut two).await;
    kept.set_peer(&two);
    kept.wait_connected(&mut two).await;
    log.wait_for("with another store: stop one of the two").await;
    drop((wiped, kept));

    let (mut earlier, mut later) = (started(1, view(&[1, 2], 5)), started(1, view(&[1, 2], 5)));
    later.set_peer(&two);
    later.wait_connected(&mut two).await;
    earlier.set_peer(&two);
    earlier.wait_connected(&mut two).await;
    log.wait_for("with a copy of its store: stop one of the two").await;
}

/// Connects as peer 1, by hand: a process that answers no probes.
async fn silent_process(to: &Peer, start: u64) -> RawClient {
    let identity = view(&[1, 2], 5).own;
    let process = Process { start: ProcessStart::new(start), identity };
    let (mut raw, answer) = greet(to, 1, VERSION, process).await;
    raw.write(&answer.nonce.to_le_bytes()).await;
    raw
}

/// Connects and says hello in this version, with this process if the version names one.
async fn greet(to: &Peer, from: u64, version: u8, process: Process) -> (RawClient, Answer) {
    let mut raw = RawClient::connect(to).await;
    let origin = (version >= 3).then_some(Origin { process, address: None });
    let (from, cluster) = (peer(from), CLUSTER.into());
    raw.write(&Hello { version, from, to: to.name, cluster, origin }.encode()).await;
    let mut answer = vec![0; Answer::len_of(version)];
    with_timeout(raw.0.read_exact(&mut answer)).await.expect("it answers");
    let answer = Answer::decode(&answer, version).expect("it is valid").expect("it is whole");
    (raw, answer)
}

/// A process that claims to be a member by a configuration that no other peer has.
fn boastful(configuration: EntryId) -> Process {
    let identity = StatedIdentity { configuration, ..view(&[1], 5).own };
    Process { start: ProcessStart::new(1), identity }
}

const FAR_AHEAD: EntryId = EntryId::new(Term::new(1 << 40), Index::new(1 << 40));

async fn verdict(to: &Peer, from: u64, version: u8) -> Verdict {
    greet(to, from, version, boastful(FAR_AHEAD)).await.1.verdict
}

#[tokio::test]
async fn a_peer_that_was_removed_is_rejected_whatever_it_claims_in_any_version() {
    let log = Log::capture();
    let (mut two, three) = (started(2, view(&[2, 3], 6)), started(3, view(&[2, 3], 6)));
    two.set_peer(&three);
    for version in VERSION_MIN..=VERSION {
        assert_eq!(verdict(&two, 1, version).await, Verdict::NotAMember, "version {version}");
        // A little more than what is known here.
        let next = EntryId::new(Term::new(1), Index::new(7));
        let (_, answer) = greet(&two, 1, version, boastful(next)).await;
        assert_eq!(answer.verdict, Verdict::NotAMember, "version {version}");
    }
    log.wait_for("rejected a peer peer=1").await;
    log.wait_for("it is not a member as of configuration 6@1, nor being added").await;
}

/// The member has learned of it on its connection of long ago, or later.
#[tokio::test]
async fn a_new_member_in_any_version_reaches_one_that_is_behind_once_another_one_knows_it() {
    let (mut two, mut three) = (started(2, view(&[2, 3], 6)), started(3, view(&[2, 3], 6)));
    two.set_peer(&three);
    three.set_peer(&two);
    two.wait_connected(&mut three).await;
    three.wait_connected(&mut two).await;
    assert_eq!(verdict(&two, 1, 2).await, Verdict::NotAMember);
    set_view(&mut three, view(&[1, 2, 3], 9));
    for version in VERSION_MIN..=VERSION {
        with_timeout(async {
            while verdict(&two, 1, version).await != Verdict::Accepted {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }
}

/// All members that it knows may have been replaced while it was away.
#[tokio::test]
async fn without_a_quorum_a_peer_is_accepted_until_one_refutes_it() {
    let mut two = started(2, view(&[2, 3], 6));
    let gone = started(3, view(&[2, 3], 6));
    two.set_peer(&gone);
    drop(gone);
    let (mut raw, answer) = greet(&two, 1, VERSION, boastful(FAR_AHEAD)).await;
    assert_eq!(answer.verdict, Verdict::Accepted);
    raw.write(&answer.nonce.to_le_bytes()).await;
    let three = started(3, view(&[2, 3], 6));
    two.set_peer(&three);
    let mut ended = tokio::spawn(raw.read_to_end());
    with_timeout(async {
        loop {
            // It is looked at again with each view, and after a while without one.
            set_view(&mut two, view(&[2, 3], 6));
            tokio::select! {
                _ = &mut ended => break,
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
        }
    })
    .await;
}

/// A member that is not upgraded yet states no configuration, so none is rejected for what it does not
/// say.
#[tokio::test]
async fn members_of_earlier_versions_refute_no_peer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 64];
            let _ = stream.read(&mut hello).await;
            let answer = Answer {
                version: 2,
                verdict: Verdict::Other,
                nonce: 0,
                frame_bytes_max: 0,
                process: None,
                conflict: None,
            };
            let _ = stream.write_all(&answer.encode()).await;
        }
    });
    let mut two = started(2, view(&[2, 3], 6));
    two.transport.set_address(peer(3), &address);
    for version in VERSION_MIN..=VERSION {
        assert_eq!(verdict(&two, 1, version).await, Verdict::Accepted, "version {version}");
    }
}

#[tokio::test]
async fn a_crowd_of_strangers_causes_an_inquiry_a_second() {
    let log = Log::capture();
    let (mut two, three) = (started(2, view(&[2, 3], 6)), started(3, view(&[2, 3], 6)));
    two.set_peer(&three);
    let since = Instant::now();
    for stranger in 100..400 {
        assert_eq!(verdict(&two, stranger, 1).await, Verdict::NotAMember);
    }
    let limit = 2 + since.elapsed().as_secs() as usize;
    let inquiries = log.count("incoming connection closed");
    assert!((1..=limit).contains(&inquiries), "{inquiries} of at most {limit}");
    assert!(log.warnings().len() < 30);
}

#[tokio::test]
async fn a_restarted_process_is_let_in_at_once_or_when_the_former_one_is_silent() {
    let log = Log::capture();
    let mut two = started(2, view(&[1, 2], 5));
    let former = silent_process(&two, 1).await;
    drop(former);
    // The limit of a probe is 20 minutes here.
    let mut again = started(1, view(&[1, 2], 5));
    again.set_peer(&two);
    again.wait_connected(&mut two).await;
    drop(again);

    let soon = TcpOptions { handshake_timeout: Duration::from_secs(3), ..options() };
    let mut two = Peer::plain(2, soon);
    two.transport.set_view(&Arc::new(view(&[1, 2], 5)));
    let vanished = silent_process(&two, 1).await;
    let mut again = started(1, view(&[1, 2], 5));
    again.set_peer(&two);
    again.wait_connected(&mut two).await;
    assert_eq!(log.warnings(), [""; 0], "a restart is nothing to warn of");
    vanished.read_to_end().await;
}

/// It would only be rejected again and again, until a leader adds it.
#[tokio::test]
async fn a_peer_that_knows_its_removal_connects_once_the_other_side_does() {
    let log = Log::capture();
    let mut removed = view(&[2], 5);
    removed.own.place = OwnPlace::Removed;
    let (mut one, mut two) = (started(1, removed), started(2, view(&[2], 5)));
    one.set_peer(&two);
    two.set_peer(&one);
    two.wait_connected(&mut one).await;
    log.wait_for("rejected a peer peer=1").await;
    assert!(!log.contains("still not connected"), "one attempt for one connection");
    two.transport.set_view(&Arc::new(view(&[1, 2], 6)));
    let added = Arc::new(view(&[1, 2], 6));
    one.transport.set_view(&added);
    one.wait_connected(&mut two).await;
}

/// A peer that joins is told of few addresses, and its leader may be another one.
#[tokio::test]
async fn a_peer_answers_a_sender_that_it_does_not_know_at_the_address_it_states() {
    let mut leader = Peer::plain(1, options());
    let address = Some(leader.address().as_str().into());
    leader.transport.set_view(&Arc::new(ClusterView { address, ..view(&[1, 2], 5) }));
    let mut joining = started(2, ClusterView::default());
    leader.set_peer(&joining);
    leader.wait_connected(&mut joining).await;
    joining.wait_connected(&mut leader).await;
    // Its driver learns the address from the log.
    joining.set_peer(&leader);
    joining.wait_connected(&mut leader).await;
    leader.wait_connected(&mut joining).await;
}
