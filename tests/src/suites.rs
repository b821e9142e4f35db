//! All suites and their scenarios, as one table. The test programs, the hunts for canaries, the
//! checks of the world itself and the real world take their scenarios from it.
//!
//! A scenario is a row: its name (which is the name of its test), the line that is printed, its
//! part, the cluster it runs on, and the body that drives the cluster. A suite is a block of rows; its
//! test program `tests/tests/<suite>.rs` calls the macro named in the block's first line, which makes a
//! test of each row.

use crate::dissertation::{
    compacted, extended, joint_consensus, leadership, leases, lost_disks, members, membership,
    quiet, removal, reseeded, restarts, small_limits, three_peers, with_leases, without_no_op,
    without_pre_vote,
};
use crate::lab2::{agreement, elections, persistence, snapshots};
#[cfg(feature = "real")]
use crate::real::RealWorld;
use crate::scenario::{ClusterSpec, Part, Scenario};
use crate::swarm::{Family, ReadMode, deposed_leader, settings};
use crate::{isolated_leader, storm, swarm};

/// A suite: the scenarios of one test program.
#[derive(Clone, Copy)]
pub struct Suite {
    /// The suite's name, and its test program's.
    pub name: &'static str,
    /// The column of `docs/canaries.md` in which it hunts for seeded bugs.
    pub hunt: &'static str,
    /// Its scenarios.
    pub scenarios: &'static [Scenario],
}

macro_rules! suites {
    ($($(#[$doc:meta])*
    $suite:ident $table:ident $tests:ident! hunt $hunt:ident worlds $worlds:ident {
        $($name:ident $(| $former:ident)?: $description:literal,
            $part:ident, $spec:expr, |$cluster:ident| $body:expr;)*
    })*) => {
        $(
            $(#[$doc])*
            pub const $table: &[Scenario] = &[$(Scenario {
                name: stringify!($name),
                former_name: former_name!($($former)?),
                part: Part::$part,
                description: $description,
                spec: $spec,
                body: |$cluster| Box::pin($body),
            }),*];

            /// Makes a test of each scenario of the suite.
            #[macro_export]
            macro_rules! $tests {
                () => {
                    $(
                        #[test]
                        fn $name() {
                            raft_tests::run(stringify!($name));
                        }
                    )*
                };
            }
        )*

        /// All suites.
        pub const SUITES: &[Suite] = &[$(Suite {
            name: stringify!($suite),
            hunt: stringify!($hunt),
            scenarios: $table,
        }),*];

        /// The body of a scenario on real peers; `None` for one that needs the simulated world.
        #[cfg(feature = "real")]
        pub(crate) fn real_body(name: &str) -> Option<crate::real::RealBody> {
            match name {
                $($(stringify!($name) => real_body!($worlds, |$cluster| $body),)*)*
                _ => None,
            }
        }
    };
}

macro_rules! former_name {
    () => {
        None
    };
    ($former:ident) => {
        Some(stringify!($former))
    };
}

#[cfg(feature = "real")]
macro_rules! real_body {
    (simulated_and_real, |$cluster:ident| $body:expr) => {
        Some(|$cluster: crate::cluster::Cluster<RealWorld>| Box::pin($body))
    };
    (simulated, |$cluster:ident| $body:expr) => {
        None
    };
}

use ClusterSpec::Drawn;

/// Shorter in the table.
const fn lab(peers: usize) -> ClusterSpec {
    ClusterSpec::lab(peers)
}

suites! {
/// The 28 scenarios of MIT 6.5840 Lab 2, in the lab's order.
lab2 LAB2 lab2_tests! hunt scenarios worlds simulated_and_real {
    initial_election_2a: "initial election",
        A, lab(3), |c| elections::initial_election(c);
    re_election_2a: "election after network failure",
        A, lab(3), |c| elections::re_election(c);
    many_elections_2a: "multiple elections",
        A, lab(7), |c| elections::many_elections(c);
    basic_agree_2b: "basic agreement",
        B, lab(3), |c| agreement::basic_agree(c);
    rpc_bytes_2b: "RPC byte count",
        B, lab(3), |c| agreement::rpc_bytes(c);
    follower_failure_2b: "test progressive failure of followers",
        B, lab(3), |c| agreement::follower_failure(c);
    leader_failure_2b: "test failure of leaders",
        B, lab(3), |c| agreement::leader_failure(c);
    fail_agree_2b: "agreement after follower reconnects",
        B, lab(3), |c| agreement::fail_agree(c);
    fail_no_agree_2b: "no agreement if too many followers disconnect",
        B, lab(5), |c| agreement::fail_no_agree(c);
    concurrent_starts_2b: "concurrent Start()s",
        B, lab(3), |c| agreement::concurrent_starts(c);
    rejoin_2b: "rejoin of partitioned leader",
        B, lab(3), |c| agreement::rejoin(c);
    backup_2b: "leader backs up quickly over incorrect follower logs",
        B, lab(5), |c| agreement::backup(c);
    count_2b: "RPC counts aren't too high",
        B, lab(3), |c| agreement::count(c);
    persist1_2c: "basic persistence",
        C, lab(3), |c| persistence::persist1(c);
    persist2_2c: "more persistence",
        C, lab(5), |c| persistence::persist2(c);
    persist3_2c: "partitioned leader and one follower crash, leader restarts",
        C, lab(3), |c| persistence::persist3(c);
    figure8_2c: "Figure 8",
        C, lab(5), |c| persistence::figure8(c);
    unreliable_agree_2c: "unreliable agreement",
        C, lab(5).unreliable(), |c| persistence::unreliable_agree(c);
    figure8_unreliable_2c: "Figure 8 (unreliable)",
        C, lab(5).unreliable(), |c| persistence::figure8_unreliable(c);
    reliable_churn_2c: "churn",
        C, lab(5), |c| persistence::churn(c);
    unreliable_churn_2c: "unreliable churn",
        C, lab(5).unreliable(), |c| persistence::churn(c);
    snapshot_basic_2d: "snapshots basic",
        D, lab(3).with_snapshots(), |c| snapshots::basic(c);
    snapshot_install_2d: "install snapshots (disconnect)",
        D, lab(3).with_snapshots(), |c| snapshots::install(c);
    snapshot_install_unreliable_2d: "install snapshots (disconnect+unreliable)",
        D, lab(3).unreliable().with_snapshots(), |c| snapshots::install(c);
    snapshot_install_crash_2d: "install snapshots (crash)",
        D, lab(3).with_snapshots(), |c| snapshots::install_crash(c);
    snapshot_install_un_crash_2d: "install snapshots (unreliable+crash)",
        D, lab(3).unreliable().with_snapshots(), |c| snapshots::install_crash(c);
    snapshot_all_crash_2d: "crash and restart all servers",
        D, lab(3).with_snapshots(), |c| snapshots::all_crash(c);
    snapshot_init_2d: "snapshot initialization after crash",
        D, lab(3).with_snapshots(), |c| snapshots::init(c);
}

/// The protocol beyond the paper: scenarios named by the sections of Ongaro's dissertation.
dissertation DISSERTATION dissertation_tests! hunt scenarios worlds simulated {
    one_way_partition_4_2_3 | deaf_peer_4_2_3: "a peer that receives no messages causes no election",
        Dissertation, Drawn(|_| extended()), |c| leadership::one_way_partition(c);
    rejoining_peer_9_6 | returning_peer_9_6:
        "a disconnected peer rejoins without an election",
        Dissertation, Drawn(|_| three_peers()), |c| leadership::rejoining_peer(c);
    two_of_three_9_6: "two peers of different terms elect the one with the newer log",
        Dissertation, Drawn(|_| three_peers()), |c| leadership::two_of_three(c);
    leader_without_quorum_6_2 | lonely_leader_6_2: "a leader without a quorum steps down",
        Dissertation, Drawn(|_| extended()), |c| leadership::leader_without_quorum(c);
    transfer_3_10: "leadership is transferred around without a gap",
        Dissertation, Drawn(|_| extended()), |c| leadership::transfers(c);
    transfer_to_crashed_peer_3_10 | transfer_to_the_dead_3_10:
        "a leader remains leader if its successor is down",
        Dissertation, Drawn(|_| extended()), |c| leadership::transfer_to_crashed_peer(c);
    late_timeout_now_3_10: "a successor that obeys too late is not elected",
        Dissertation, Drawn(|_| extended()), |c| leadership::late_timeout_now(c);
    uncommitted_limit | full_leader: "a leader rejects commands beyond its uncommitted limit",
        Dissertation, Drawn(|_| small_limits()), |c| leadership::uncommitted_limit(c);
    grow_4_2_1: "three become five: learners catch up before they vote",
        Dissertation, Drawn(|_| members(3, 5)), |c| membership::grow(c);
    grow_by_snapshot_4_2_1: "three become five: learners begin with a snapshot",
        Dissertation, Drawn(|_| compacted(3, 5)), |c| membership::grow(c);
    shrink_4_1: "five become three, of which two are enough",
        Dissertation, Drawn(|_| members(5, 5)), |c| membership::shrink(c);
    shrink_to_one_and_grow_4_1 | to_one_and_back_4_1: "two become one, and one becomes three",
        Dissertation, Drawn(|_| members(2, 3)), |c| membership::shrink_to_one_and_grow(c);
    replace_one_by_one_4_1: "three others take over, one by one",
        Dissertation, Drawn(|_| members(3, 6)), |c| membership::replace_one_by_one(c);
    replace_at_once_4_3: "three others take over in one joint step",
        Dissertation, Drawn(|_| members(3, 6)), |c| membership::replace_at_once(c);
    one_change_at_a_time_4_1: "a change is refused while another is under way",
        Dissertation, Drawn(|_| without_no_op()), |c| membership::one_change_at_a_time(c);
    silent_learner_4_2_1: "a learner that is silent is not promoted",
        Dissertation, Drawn(|_| members(3, 4)), |c| membership::silent_learner(c);
    no_change_during_transfer_3_10: "a change is refused during a leadership transfer",
        Dissertation, Drawn(|_| members(3, 4)), |c| membership::no_change_during_transfer(c);
    leader_removes_itself_4_2_2 | leader_leaves_4_2_2:
        "a removed leader leads until that commits, not counting itself",
        Dissertation, Drawn(|_| members(3, 3)), |c| removal::leader_removes_itself(c);
    removed_peer_not_notified_4_2_3 | forgotten_peer_4_2_3:
        "a removed peer that was not notified causes no election",
        Dissertation, Drawn(|_| members(4, 4)), |c| removal::removed_peer_not_notified(c);
    removed_candidate_not_notified_4_2_3 | forgotten_candidate_4_2_3:
        "the same without pre-vote, in ever newer terms",
        Dissertation, Drawn(|_| without_pre_vote()), |c| removal::removed_peer_not_notified(c);
    one_majority_cannot_commit_4_3 | half_of_a_joint_commit_4_3:
        "one majority of two commits nothing",
        Dissertation, Drawn(|_| members(3, 6)), |c| joint_consensus::one_majority_cannot_commit(c);
    one_majority_cannot_elect_4_3 | half_of_a_joint_election_4_3:
        "one majority of two elects no leader",
        Dissertation, Drawn(|_| members(3, 6)), |c| joint_consensus::one_majority_cannot_elect(c);
    joint_leader_crashes_4_3 | joint_leader_dies_4_3: "a successor finishes the change it finds",
        Dissertation, Drawn(|_| members(3, 6)), |c| joint_consensus::leader_crashes(c);
    change_without_commands_4_3: "a successor finishes a change without a command",
        Dissertation, Drawn(|_| quiet()), |c| joint_consensus::change_without_commands(c);
    removed_leader_has_newest_log_4_2_2: "a removed leader is elected, as its log alone can win",
        Dissertation, Drawn(|_| members(2, 3)),
        |c| joint_consensus::removed_leader_has_newest_log(c);
    joint_change_truncated_4_1 | joint_leader_is_cut_off_4_1:
        "a truncated change has no effect",
        Dissertation, Drawn(|_| members(3, 6)), |c| joint_consensus::change_truncated(c);
    all_crash_in_joint_4_3 | all_crash_in_a_joint_4_3: "a change survives a crash of all",
        Dissertation, Drawn(|_| members(3, 6)), |c| restarts::all_crash_in_joint(c);
    membership_in_snapshots_5 | members_in_snapshots_5:
        "a peer that starts from a snapshot knows the members",
        Dissertation, Drawn(|_| compacted(3, 5)), |c| restarts::membership_in_snapshots(c);
    snapshot_before_change_5 | snapshot_before_a_change_5:
        "a snapshot has the members of its index, not the newest",
        Dissertation, Drawn(|_| compacted(3, 4)), |c| restarts::snapshot_before_change(c);
    snapshot_beside_slow_write_5: "a snapshot arrives while committed entries are being written",
        Dissertation, Drawn(|_| compacted(3, 3)), |c| restarts::snapshot_beside_slow_write(c);
    wiped_follower_4_1: "a follower without its disk does not help to lose an entry",
        Dissertation, Drawn(|_| reseeded(3, 3)), |c| lost_disks::wiped_follower(c);
    wiped_leader_4_1: "a leader without its disk comes back as a new member",
        Dissertation, Drawn(|_| reseeded(3, 3)), |c| lost_disks::wiped_leader(c);
    wiped_in_joint_4_3: "lost disks in both halves of a joint configuration count in neither",
        Dissertation, Drawn(|_| reseeded(3, 6)), |c| lost_disks::wiped_in_joint(c);
    rolled_back_follower_4_1: "a follower whose disk is put back is noticed, and re-seeded",
        Dissertation, Drawn(|_| reseeded(3, 3)), |c| lost_disks::rolled_back_follower(c);
    vote_not_repeated_4_1: "a vote is not repeated for the next store of a candidate",
        Dissertation, Drawn(|_| reseeded(5, 5)), |c| lost_disks::vote_not_repeated(c);
    last_term_3_3: "no peer campaigns after the last term, and a reset of all brings the cluster back",
        Dissertation, Drawn(|_| members(3, 3)), |c| lost_disks::last_term(c);
    paused_lease_holder_6_4_1 | paused_leader_6_4_1:
        "a paused leader does not rely on its lease",
        Dissertation, Drawn(|_| with_leases()), |c| leases::paused_lease_holder(c);
}

/// Faults of all kinds at once, on networks worse than the labs'.
storm STORM storm_tests! hunt storms worlds simulated {
    storm_of_one: "fault storm, one peer",
        Storm, lab(1).with_snapshots(), |c| storm::storm(c);
    storm_of_three: "fault storm, three peers",
        Storm, lab(3).with_snapshots(), |c| storm::storm(c);
    storm_of_five: "fault storm, five peers",
        Storm, lab(5).with_snapshots(), |c| storm::storm(c);
    storm_of_seven: "fault storm, seven peers",
        Storm, lab(7).with_snapshots(), |c| storm::storm(c);
    isolated_leader_of_three | exile_of_three: "isolated leaders, three peers", // kept: old cases
        Storm, lab(3).with_snapshots(), |c| isolated_leader::isolate_leaders(c);
    isolated_leader_of_five | exile_of_five: "isolated leaders, five peers", // kept: old cases
        Storm, lab(5).with_snapshots(), |c| isolated_leader::isolate_leaders(c);
}

/// Runs in which everything is drawn from the seed.
swarm SWARM swarm_tests! hunt swarm worlds simulated {
    swarm_small: "swarm: one to three peers",
        Swarm, Drawn(|seed| settings::draw(Family::Small, seed)), |c| swarm::run(c, Family::Small);
    swarm_mixed: "swarm: all kinds of faults",
        Swarm, Drawn(|seed| settings::draw(Family::Mixed, seed)), |c| swarm::run(c, Family::Mixed);
    swarm_snapshots: "swarm: snapshots all the time",
        Swarm, Drawn(|seed| settings::draw(Family::Snapshots, seed)),
        |c| swarm::run(c, Family::Snapshots);
    swarm_disks: "swarm: bad disks",
        Swarm, Drawn(|seed| settings::draw(Family::Disks, seed)), |c| swarm::run(c, Family::Disks);
    swarm_links: "swarm: bad links",
        Swarm, Drawn(|seed| settings::draw(Family::Links, seed)), |c| swarm::run(c, Family::Links);
    swarm_elections: "swarm: leaders do not last",
        Swarm, Drawn(|seed| settings::draw(Family::Elections, seed)),
        |c| swarm::run(c, Family::Elections);
    swarm_members: "swarm: members come and go",
        Swarm, Drawn(|seed| settings::draw(Family::Members, seed)),
        |c| swarm::run(c, Family::Members);
    swarm_lost_disks: "swarm: fewer than a majority lose their disks",
        Swarm, Drawn(|seed| settings::draw(Family::LostDisks, seed)),
        |c| swarm::run(c, Family::LostDisks);
    swarm_reads: "dissertation §6.4: reads from deposed leaders",
        Swarm, Drawn(|seed| deposed_leader::settings(ReadMode::ReadIndex, seed)),
        |c| deposed_leader::depose_leaders(c);
    swarm_leases: "dissertation §6.4.1: leases of deposed leaders",
        Swarm, Drawn(|seed| deposed_leader::settings(ReadMode::Lease, seed)),
        |c| deposed_leader::depose_leaders(c);
}
}

/// All scenarios, suite by suite.
pub fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    SUITES.iter().flat_map(|suite| suite.scenarios)
}

/// The scenario of this name, or formerly of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Scenario> {
    let named = |scenario: &&Scenario| scenario.name == name || scenario.former_name == Some(name);
    scenarios().find(named)
}

/// The columns of `docs/canaries.md` in which scenarios hunt, in the table's order.
#[must_use]
pub fn hunts() -> Vec<&'static str> {
    let mut columns: Vec<_> = SUITES.iter().map(|suite| suite.hunt).collect();
    columns.dedup();
    columns
}

/// The scenarios that hunt in this column of `docs/canaries.md`.
pub fn hunting(column: &str) -> impl Iterator<Item = &'static Scenario> {
    SUITES.iter().filter(move |suite| suite.hunt == column).flat_map(|suite| suite.scenarios)
}
