//! Settings of a world.

use std::time::Duration;

use raft::{CheckQuorum, FirstEntry, PreVote, Reads};

use crate::service::{Machine, Snapshots};
use crate::sim::disk::{FlushFaultRates, Latency};
use crate::sim::late_polls::LatePolls;
use crate::sim::network::NetworkProfile;

/// Settings of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Number of peers.
    pub peers: usize,
    /// Number of initial members, the first peers; the others wait to be added.
    pub initial_members: usize,
    /// The peers' timeouts.
    pub timing: Timing,
    /// The peers' limits.
    pub limits: Limits,
    /// First entry of a new leader.
    pub first_entry: FirstEntry,
    /// Protocol extensions beyond the paper.
    pub protocol: Protocol,
    /// Network at first.
    pub network: NetworkProfile,
    /// Disk latency at first.
    pub latency: Latency,
    /// Rates of flush faults.
    pub flush_faults: FlushFaultRates,
    /// Rate of late polls.
    pub late_polls: LatePolls,
    /// Identities of the peers' stores.
    pub stores: Stores,
    /// Snapshot policy of services.
    pub snapshots: Snapshots,
    /// Method by which leaders confirm their leadership for reads.
    pub reads: Reads,
    /// Service that executes commands.
    pub machine: Machine,
    /// Padding of each request, in bytes.
    pub padding: usize,
    /// Drift of each peer's clock, in thousandths (positive: fast); peers beyond the end have an
    /// exact clock.
    pub clocks: Vec<i32>,
}

/// Identities of the peers' stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stores {
    /// None, as in the paper: no disk is ever lost.
    Plain,
    /// A peer that lost its disk is recognised.
    Identified,
    /// It is re-seeded, too.
    Reseeded,
}

impl Stores {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Identified, Self::Reseeded];

    /// Its word in cases.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Identified => "identified",
            Self::Reseeded => "reseeded",
        }
    }
}

/// A peer's timeouts, in its own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The shortest time without a leader after which a peer starts an election.
    pub election_min: Duration,
    /// The longest.
    pub election_max: Duration,
    /// Heartbeat interval.
    pub heartbeat: Duration,
    /// Longest delay of a commit notice.
    pub commit_notice: Duration,
}

impl Timing {
    /// Longest wait of a read: time enough for two changes of leader.
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
    /// Entries behind a snapshot, and their bytes.
    pub trailing: (u64, u64),
    /// Bytes of entries in memory; `u64::MAX` for all.
    pub cache_bytes: u64,
}

/// Protocol extensions beyond the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Protocol {
    /// Dissertation §9.6.
    pub pre_vote: PreVote,
    /// Dissertation §4.2.3 and §6.2.
    pub check_quorum: CheckQuorum,
}

impl Protocol {
    /// The paper's.
    pub const PAPER: Self = Self { pre_vote: PreVote::Off, check_quorum: CheckQuorum::Off };

    /// All extensions, the library's default.
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
                // Half of the tester's own polls: no wait is longer for it, and under load the news
                // of a commit travels with the next entries.
                commit_notice: Duration::from_millis(10),
            },
            // The scenarios' snapshots grow to about five kilobytes: most go in several pieces.
            limits: Limits {
                append_bytes: 64 * 1024,
                in_flight: 64,
                in_flight_bytes: 8 << 20,
                uncommitted_bytes: 64 << 20,
                chunk_bytes: 1024,
                trailing: (0, 0),
                cache_bytes: u64::MAX,
            },
            first_entry: FirstEntry::Command,
            protocol: Protocol::PAPER,
            network,
            latency: Latency::DEFAULT,
            flush_faults: FlushFaultRates::NONE,
            late_polls: LatePolls::LAB,
            stores: Stores::Plain,
            snapshots,
            reads: Reads::ReadIndex,
            machine: Machine::History,
            padding: 0,
            clocks: Vec::new(),
        }
    }
}
