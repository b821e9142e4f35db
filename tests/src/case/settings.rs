//! What a world is made of before anything happens.

use std::time::Duration;

use raft::{CheckQuorum, FirstEntry, PreVote, Reads};

use crate::service::{Machine, Snapshots};
use crate::sim::disk::{FlushFaultRates, Latency};
use crate::sim::network::NetworkProfile;

/// What a world is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many peers there are.
    pub peers: usize,
    /// How many of them, the first ones, are the first members; the others wait to be added.
    pub initial_members: usize,
    /// The peers' timeouts.
    pub timing: Timing,
    /// The peers' limits.
    pub limits: Limits,
    /// What a new leader appends first.
    pub first_entry: FirstEntry,
    /// What of the thesis the peers do beyond the paper.
    pub protocol: Protocol,
    /// How the network behaves at first.
    pub network: NetworkProfile,
    /// How long disks take at first.
    pub latency: Latency,
    /// How often their flushes do not go as usual.
    pub flush_faults: FlushFaultRates,
    /// Whether services compact their logs.
    pub snapshots: Snapshots,
    /// How leaders make sure that they lead when they serve reads.
    pub reads: Reads,
    /// What services do with commands.
    pub machine: Machine,
    /// How many bytes without a meaning each request carries.
    pub padding: usize,
    /// How much faster than the world each peer's clock goes, in thousandths; peers beyond the end
    /// have a true clock.
    pub clocks: Vec<i32>,
}

/// A peer's timeouts, in its own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The shortest time without a leader after which a peer stands for election.
    pub election_min: Duration,
    /// The longest.
    pub election_max: Duration,
    /// How often a leader makes itself heard.
    pub heartbeat: Duration,
    /// How long a leader keeps the news of a commit.
    pub commit_notice: Duration,
}

impl Timing {
    /// How long a read may wait: two leaders may come and go meanwhile.
    #[must_use]
    pub const fn read(&self) -> Duration {
        self.election_max.saturating_mul(2)
    }
}

/// A peer's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of entries in one AppendEntries.
    pub append_bytes: usize,
    /// Unanswered AppendEntries.
    pub in_flight: usize,
    /// Bytes of entries in unanswered AppendEntries.
    pub in_flight_bytes: usize,
    /// Bytes of entries that are not committed.
    pub uncommitted_bytes: u64,
    /// Bytes of a snapshot in one InstallSnapshot.
    pub chunk_bytes: usize,
}

/// What peers do beyond the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Protocol {
    /// Thesis §9.6.
    pub pre_vote: PreVote,
    /// Thesis §4.2.3 and §6.2.
    pub check_quorum: CheckQuorum,
}

impl Protocol {
    /// The paper's.
    pub const PAPER: Self = Self { pre_vote: PreVote::Off, check_quorum: CheckQuorum::Off };

    /// What somebody runs who deploys the library.
    pub const EXTENDED: Self = Self { pre_vote: PreVote::On, check_quorum: CheckQuorum::On };
}

impl Settings {
    /// The settings of the labs' clusters.
    ///
    /// A heartbeat every 100 ms is what the labs allow at most; timeouts leave room for two lost
    /// heartbeats, and are wide enough that split votes are rare among seven peers.
    #[must_use]
    pub const fn lab(peers: usize, network: NetworkProfile, snapshots: Snapshots) -> Self {
        Self {
            peers,
            initial_members: peers,
            timing: Timing {
                election_min: Duration::from_millis(300),
                election_max: Duration::from_millis(600),
                heartbeat: Duration::from_millis(100),
                // Half of the tester's own polls: nobody waits longer for it, and under load the
                // news of a commit travels with the next entries.
                commit_notice: Duration::from_millis(10),
            },
            // The scenarios' snapshots grow to about five kilobytes: most go in several pieces.
            limits: Limits {
                append_bytes: 64 * 1024,
                in_flight: 64,
                in_flight_bytes: 8 << 20,
                uncommitted_bytes: 64 << 20,
                chunk_bytes: 1024,
            },
            first_entry: FirstEntry::Command,
            protocol: Protocol::PAPER,
            network,
            latency: Latency::DEFAULT,
            flush_faults: FlushFaultRates::NONE,
            snapshots,
            reads: Reads::ReadIndex,
            machine: Machine::History,
            padding: 0,
            clocks: Vec::new(),
        }
    }
}
