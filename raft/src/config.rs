//! Settings of a node: its peers, timing and limits.
//!
//! A [`Config`] may be invalid; a [`ValidConfig`] was checked, once, and is the only one a node
//! takes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::identity::Incarnation;
use crate::membership::{Address, Membership};
use crate::types::{MessageId, PeerId};

/// A node's settings. Start from [`Config::new`] and change what differs.
///
/// ```
/// use raft::{Config, PeerId};
/// let peers = [1, 2, 3].map(PeerId::new);
/// let config = Config { messages_in_flight_max: 8, ..Config::new(peers[0], peers.to_vec()) };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// This node's id.
    pub id: PeerId,
    /// The voters of a new cluster, this node among them; the same at all of its first nodes.
    /// Empty for a node that joins a running cluster: it waits until a leader makes it a member.
    /// Written to a new store with its identity; a later start with others is an error.
    pub peers: Vec<PeerId>,
    /// The incarnation of a store that has none yet: a random number. Without one, the store gets no
    /// [identity](crate::identity): a later start with other peers, and a peer that lost its store,
    /// go unnoticed, as in the paper. For simulations.
    pub incarnation: Option<Incarnation>,
    /// A leader's reaction to a member that comes back without its data.
    pub lost_store: LostStore,
    /// The peers' addresses, for the transport; the core never looks inside. Empty if the transport
    /// has its own.
    pub addresses: BTreeMap<PeerId, Address>,
    /// The shortest time without a leader before a peer starts an election (paper §5.2).
    pub election_timeout_min: Duration,
    /// The longest such time; each peer draws a new one for every election.
    pub election_timeout_max: Duration,
    /// The interval of an idle leader's heartbeats. Also the time after which an unanswered message
    /// counts as lost.
    pub heartbeat_interval: Duration,
    /// The longest time a leader holds a new commit index back for the next entries to carry,
    /// before it sends it alone. Zero sends it at once, at the price of more messages.
    pub commit_notice_delay: Duration,
    /// The most bytes of entries in one AppendEntries; a larger entry is sent alone.
    pub append_bytes_max: usize,
    /// The most unanswered AppendEntries with entries per peer (the pipeline's bound).
    pub messages_in_flight_max: usize,
    /// The most unanswered bytes of entries per peer; the message that reaches the bound is still
    /// sent. Bounds memory where entries are large, as `messages_in_flight_max` does where they are
    /// small.
    pub in_flight_bytes_max: usize,
    /// The most bytes of encoded entries waiting for a quorum before a leader rejects proposals. A
    /// larger command is accepted when nothing else waits, and so is the first one of a leader's
    /// term, with which all it inherited commits.
    pub uncommitted_bytes_max: u64,
    /// The most entries behind a snapshot that stay in the log: a peer that lacks no more needs no
    /// snapshot. Zero keeps none, whatever a follower needs, as in the paper.
    ///
    /// A leader also keeps what a follower in contact still lacks, while that is fewer bytes than the
    /// snapshot that it would need instead, and `trailing_bytes_max`.
    pub trailing_entries_max: u64,
    /// The most encoded bytes of these entries. They take memory, and space on the disk.
    pub trailing_bytes_max: u64,
    /// The most bytes of a snapshot in one InstallSnapshot.
    pub snapshot_chunk_bytes: usize,
    /// The largest snapshot, in bytes: made here, or accepted from a leader. All peers should have
    /// the same, or a follower refuses what its leader makes.
    pub snapshot_bytes_max: u64,
    /// The most encoded bytes of entries in memory: older ones that are committed and durable are in the store
    /// alone, and read back ([`Output::ReadEntries`](crate::Output::ReadEntries)) for a follower that lacks
    /// them, or for the state machine after a restart, up to `in_flight_bytes_max` at a time for
    /// each. Entries of a few bytes take several times as much memory. Without a limit by default;
    /// `driver::Builder` sets 64 MiB, and none for a store that reads nothing back.
    pub cache_bytes_max: u64,
    /// Pre-votes before an election.
    pub pre_vote: PreVote,
    /// Leaders without a quorum step down, and peers with a live leader ignore candidates.
    pub check_quorum: CheckQuorum,
    /// The most terms by which a message may be ahead of this peer; one that is further ahead is refused
    /// and reported, as no elections can have reached its term: it was forged, or damaged. The default,
    /// 2³², is what a peer reaches that is cut off from all others and starts an election every 150 ms
    /// without pre-votes for 20 years. A peer that joins takes any term.
    pub term_jump_max: u64,
    /// The most entries a learner may lack when it is promoted to a voter.
    pub promotion_lag_max: u64,
    /// The first entry of a new leader.
    pub first_entry: FirstEntry,
    /// The leader's check that it still leads when it serves a read.
    pub reads: Reads,
    /// The longest time a read may wait, both for the leader's check and for the state machine to
    /// apply the entries it needs.
    pub read_timeout: Duration,
    /// The most reads waiting at once; a leader counts each follower's request as one.
    pub reads_waiting_max: usize,
    /// The number of the first message sent. A driver that restarts a node passes one that is
    /// higher than any used before, so that a message's number is unique in the whole run, and an
    /// answer to a read from before the restart is not taken for one to a later read.
    pub first_message_id: MessageId,
}

/// A leader's reaction to a member that comes back without its data. Until the members have recorded
/// its new store, it has no vote and counts in no quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LostStore {
    /// It is reported; an operator removes the member and adds it again.
    Report,
    /// The leader makes it a learner, and a voter again once it has caught up.
    Reseed,
}

/// Pre-votes (dissertation §9.6): a peer whose election timer fires starts an election only if a
/// majority would vote for it. A peer that was cut off then returns without a higher term, and
/// causes no election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PreVote {
    /// Pre-votes first.
    On,
    /// An election at once, as in the paper.
    Off,
}

/// Check-quorum: a leader needs contact with a majority to remain one (dissertation §6.2), and a
/// peer that had contact with a leader within [`Config::election_timeout_min`] ignores vote
/// requests, whatever their term (dissertation §4.2.3). The two belong together: without the first,
/// the second could keep a leader in place that has no followers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckQuorum {
    /// A leader steps down after an election timeout without contact with a majority, and peers
    /// with a live leader ignore vote requests.
    On,
    /// As in the paper: a leader leads until it sees a higher term, and every vote request with a
    /// higher term ends it.
    Off,
}

/// A leader's check that it still leads when it serves a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// A round of messages to a quorum, each time (dissertation §6.4). Safe whatever clocks do.
    ReadIndex,
    /// A lease (dissertation §6.4.1): no other peer is elected for [`Config::election_timeout_min`]
    /// less `clock_drift_max` after a round was sent that a quorum answered, and a new round is
    /// needed only after that time. Reads then take no messages, and **they are stale if clocks
    /// drift more than assumed**: while any peer's clock advances by `election_timeout_min`, every
    /// other peer's must advance by at least `election_timeout_min - clock_drift_max`. With 150 ms
    /// and 15 ms, no clock may run more than a ninth faster than another. The clock of a suspended
    /// machine may stop (the one the driver reads on Linux does): do not suspend peers that serve
    /// reads by lease, and do not migrate them live to another host. A stopped process does no
    /// harm.
    ///
    /// All peers must have the same `election_timeout_min` and [`CheckQuorum::On`]. A leader that
    /// asks a peer to take over has no lease for the rest of its term.
    Lease {
        /// The largest difference of two clocks after the shortest election timeout.
        clock_drift_max: Duration,
    },
}

/// The first entry a new leader appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstEntry {
    /// A no-op, so that entries of earlier terms commit without waiting for a command (paper §8).
    NoOp,
    /// The first command. Indexes then count only commands.
    Command,
}

impl Config {
    /// The paper's settings (§9.3), for a fast local network or a simulation: elections after
    /// 150–300 ms, heartbeats every 50 ms.
    ///
    /// `driver::Builder` starts from these with longer times (elections after 500–1000 ms,
    /// heartbeats every 100 ms, commit notices after 1 ms): real disks and schedulers pause for
    /// longer than 150 ms now and then.
    #[must_use]
    pub const fn new(id: PeerId, peers: Vec<PeerId>) -> Self {
        Self {
            id,
            peers,
            incarnation: None,
            lost_store: LostStore::Report,
            addresses: BTreeMap::new(),
            election_timeout_min: Duration::from_millis(150),
            election_timeout_max: Duration::from_millis(300),
            heartbeat_interval: Duration::from_millis(50),
            commit_notice_delay: Duration::ZERO,
            append_bytes_max: 64 * 1024,
            messages_in_flight_max: 64,
            in_flight_bytes_max: 8 << 20,
            uncommitted_bytes_max: 64 << 20,
            trailing_entries_max: 1 << 17,
            trailing_bytes_max: 16 << 20,
            snapshot_chunk_bytes: 64 * 1024,
            snapshot_bytes_max: 1 << 30,
            cache_bytes_max: u64::MAX,
            pre_vote: PreVote::On,
            check_quorum: CheckQuorum::On,
            term_jump_max: 1 << 32,
            promotion_lag_max: 1000,
            first_entry: FirstEntry::NoOp,
            reads: Reads::ReadIndex,
            read_timeout: Duration::from_millis(600),
            reads_waiting_max: 65_536,
            first_message_id: MessageId::new(1),
        }
    }

    /// The length of a leader's lease, if leases are on.
    pub(crate) fn lease(&self) -> Option<Duration> {
        match self.reads {
            Reads::ReadIndex => None,
            Reads::Lease { clock_drift_max } => {
                Some(self.election_timeout_min.saturating_sub(clock_drift_max))
            }
        }
    }

    /// Checks the settings against each other.
    ///
    /// # Errors
    /// The first invalid setting, with the valid range.
    pub fn validate(self) -> Result<ValidConfig, ConfigError> {
        let mut sorted = self.peers.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != self.peers.len() {
            return Err(ConfigError::DuplicatePeer);
        }
        if !sorted.is_empty() && sorted.binary_search(&self.id).is_err() {
            return Err(ConfigError::NodeNotInPeers { id: self.id });
        }
        if let Some(peer) = self.addresses.keys().find(|peer| !self.peers.contains(peer)) {
            return Err(ConfigError::AddressOfUnknownPeer { peer: *peer });
        }
        if self.heartbeat_interval.is_zero() {
            return Err(ConfigError::ZeroHeartbeat);
        }
        if self.heartbeat_interval * 2 > self.election_timeout_min {
            return Err(ConfigError::HeartbeatTooSlow {
                heartbeat: self.heartbeat_interval,
                election: self.election_timeout_min,
            });
        }
        if self.election_timeout_min >= self.election_timeout_max {
            return Err(ConfigError::EmptyTimeoutRange);
        }
        if let Reads::Lease { clock_drift_max } = self.reads {
            if self.check_quorum == CheckQuorum::Off {
                return Err(ConfigError::LeaseWithoutCheckQuorum);
            }
            if clock_drift_max >= self.election_timeout_min {
                let election = self.election_timeout_min;
                return Err(ConfigError::DriftTooLong { drift: clock_drift_max, election });
            }
        }
        if self.term_jump_max < TERM_JUMP_MIN {
            return Err(ConfigError::TermJumpTooShort { jump: self.term_jump_max });
        }
        for (name, value) in [
            ("append_bytes_max", self.append_bytes_max),
            ("messages_in_flight_max", self.messages_in_flight_max),
            ("in_flight_bytes_max", self.in_flight_bytes_max),
            ("snapshot_chunk_bytes", self.snapshot_chunk_bytes),
            ("reads_waiting_max", self.reads_waiting_max),
        ] {
            if value == 0 {
                return Err(ConfigError::Zero { name });
            }
        }
        Ok(ValidConfig(Self { peers: sorted, ..self }))
    }
}

/// The least [`Config::term_jump_max`]: what peers that lose contact for two days reach.
const TERM_JUMP_MIN: u64 = 1 << 20;

/// Settings that passed [`Config::validate`]; peers are sorted.
#[derive(Clone, Debug)]
pub struct ValidConfig(Config);

impl ValidConfig {
    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &Config {
        &self.0
    }

    /// The same without [`Config::cache_bytes_max`], for a store that reads nothing back.
    #[cfg(feature = "driver")]
    pub(crate) fn without_cache_limit(self) -> Self {
        Self(Config { cache_bytes_max: u64::MAX, ..self.0 })
    }

    /// The members of a new cluster; none for a node that joins one.
    #[must_use]
    pub fn bootstrap(&self) -> Membership {
        let Config { peers, addresses, .. } = &self.0;
        let voters = Membership::of_voters(peers.iter().copied());
        addresses.iter().fold(voters, |all, (peer, at)| all.with_address(*peer, Address::clone(at)))
    }
}

/// An invalid setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A duplicate peer.
    #[error("`peers` contains a peer twice")]
    DuplicatePeer,
    /// The node is not in its own list.
    #[error("`peers` must contain the node itself, {id}, or be empty to join a running cluster")]
    NodeNotInPeers {
        /// The node.
        id: PeerId,
    },
    /// An address of a peer that is not in the list.
    #[error("`addresses` contains {peer}, which is not in `peers`")]
    AddressOfUnknownPeer {
        /// The peer.
        peer: PeerId,
    },
    /// Heartbeats without a pause.
    #[error("`heartbeat_interval` must be longer than zero")]
    ZeroHeartbeat,
    /// A single lost heartbeat would start an election.
    #[error(
        "`heartbeat_interval` ({heartbeat:?}) must be at most half of `election_timeout_min` ({election:?})"
    )]
    HeartbeatTooSlow {
        /// The interval given.
        heartbeat: Duration,
        /// The timeout given.
        election: Duration,
    },
    /// All peers would start elections at once, for ever (paper §5.2).
    #[error("`election_timeout_max` must be longer than `election_timeout_min`")]
    EmptyTimeoutRange,
    /// Without check-quorum, another peer may be elected while the lease lasts.
    #[error(
        "`reads: Lease` needs `check_quorum: On`: without it, another peer may be elected during a lease"
    )]
    LeaseWithoutCheckQuorum,
    /// The lease would have no length.
    #[error(
        "`clock_drift_max` ({drift:?}) must be shorter than `election_timeout_min` ({election:?})"
    )]
    DriftTooLong {
        /// The drift given.
        drift: Duration,
        /// The timeout given.
        election: Duration,
    },
    /// A peer that was cut off for long would be locked out.
    #[error("`term_jump_max` ({jump}) must be at least {TERM_JUMP_MIN}")]
    TermJumpTooShort {
        /// The jump given.
        jump: u64,
    },
    /// A limit of zero.
    #[error("`{name}` must be at least 1")]
    Zero {
        /// The setting.
        name: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut Config);

    #[test]
    fn peers_come_in_any_order() {
        for numbers in [[1, 2, 3], [3, 1, 2], [2, 3, 1], [3, 2, 1]] {
            for id in 1..=3 {
                let config = Config::new(PeerId::new(id), numbers.map(PeerId::new).to_vec());
                let valid = config.validate().expect("the peer is among them");
                assert_eq!(valid.settings().peers, [1, 2, 3].map(PeerId::new));
            }
        }
        let twice = Config::new(PeerId::new(3), [3, 1, 3].map(PeerId::new).to_vec());
        let error = twice.validate().expect_err("a peer is there twice").to_string();
        assert!(error.contains("`peers` contains a peer twice"), "{error}");
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let rows: [(Change, &str); 9] = [
            (
                |c| {
                    c.reads = Reads::Lease { clock_drift_max: Duration::ZERO };
                    c.check_quorum = CheckQuorum::Off;
                },
                "needs `check_quorum: On`",
            ),
            (
                |c| c.reads = Reads::Lease { clock_drift_max: c.election_timeout_min },
                "`clock_drift_max` (150ms) must be shorter",
            ),
            (|c| c.peers.push(PeerId::new(2)), "`peers` contains a peer twice"),
            (|c| c.id = PeerId::new(9), "`peers` must contain the node itself, 9"),
            (|c| c.addresses = [(PeerId::new(4), "four".into())].into(), "`addresses` contains 4"),
            (|c| c.heartbeat_interval = Duration::ZERO, "`heartbeat_interval` must be longer"),
            (|c| c.heartbeat_interval = Duration::from_millis(100), "at most half of"),
            (|c| c.election_timeout_max = c.election_timeout_min, "`election_timeout_max` must be"),
            (|c| c.append_bytes_max = 0, "`append_bytes_max` must be at least 1"),
        ];
        for (change, expected) in rows {
            let mut config = Config::new(PeerId::new(1), [1, 2, 3].map(PeerId::new).to_vec());
            change(&mut config);
            let error = config.validate().expect_err(expected).to_string();
            assert!(error.contains(expected), "{error:?} should contain {expected:?}");
        }
    }

    #[test]
    fn the_first_members_are_the_peers_or_none() {
        let peers = [3, 1, 2].map(PeerId::new);
        let mut config = Config::new(peers[2], peers.to_vec());
        config.addresses = [(peers[1], "one".into())].into();
        let first = config.validate().unwrap().bootstrap();
        assert_eq!(first, Membership::of_voters(peers).with_address(peers[1], "one"));
        let joining = Config::new(PeerId::new(4), vec![]).validate().unwrap();
        assert!(joining.bootstrap().is_empty());
    }

    #[test]
    fn a_heartbeat_may_take_half_of_the_election_timeout() {
        let mut config = Config::new(PeerId::new(1), vec![PeerId::new(1)]);
        config.heartbeat_interval = config.election_timeout_min / 2;
        assert!(config.validate().is_ok());
    }
}
