//! What a node is told about itself, its peers and its limits.
//!
//! A [`Config`] is written by a person and may be wrong; a [`ValidConfig`] is one that was checked,
//! once, and is the only one a node takes.

use std::collections::BTreeMap;
use std::time::Duration;

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
    /// This node's own name.
    pub id: PeerId,
    /// The voters of a new cluster, this node among them; the same at all of its first nodes.
    /// Empty for a node that joins a running cluster: it waits until a leader makes it a member.
    /// What a store holds counts for more than this.
    pub peers: Vec<PeerId>,
    /// Where the peers are reached, for the transport; the core never looks inside. Empty if the
    /// transport knows anyway.
    pub addresses: BTreeMap<PeerId, Address>,
    /// The shortest time without a leader after which a peer stands for election (paper §5.2).
    pub election_timeout_min: Duration,
    /// The longest such time; each peer draws anew for every election.
    pub election_timeout_max: Duration,
    /// How often a leader that has nothing to send makes itself heard. Also the time after which
    /// an unanswered message counts as lost.
    pub heartbeat_interval: Duration,
    /// How long a leader keeps the news of a commit for the next entries to carry before it sends
    /// the news alone. Zero tells followers at once, at the price of more messages.
    pub commit_notice_delay: Duration,
    /// How many bytes of entries one AppendEntries carries at most; a larger entry goes alone.
    pub append_bytes_max: usize,
    /// How many AppendEntries with entries may be unanswered per peer (the pipeline's bound).
    pub messages_in_flight_max: usize,
    /// How many bytes of entries may be unanswered per peer before it is sent more; the message that
    /// reaches the bound still goes. Beside `messages_in_flight_max`, it bounds what waits in memory
    /// where entries are large.
    pub in_flight_bytes_max: usize,
    /// How many bytes of entries may wait for a quorum, as they are encoded, before a leader refuses
    /// proposals. A larger command passes when nothing else waits, and so does the first one of a
    /// leader's term, with which all it inherited commits.
    pub uncommitted_bytes_max: u64,
    /// How many bytes of a snapshot one InstallSnapshot carries at most.
    pub snapshot_chunk_bytes: usize,
    /// The largest snapshot this node takes from a leader, in bytes.
    pub snapshot_bytes_max: u64,
    /// Whether a peer asks around before it stands for election.
    pub pre_vote: PreVote,
    /// Whether a leader that hears from no quorum gives up, and whether peers that hear from a
    /// leader leave candidates alone.
    pub check_quorum: CheckQuorum,
    /// How many entries a learner may lack when it is made a voter.
    pub promotion_lag_max: u64,
    /// What a new leader does with its first entry.
    pub first_entry: FirstEntry,
    /// How a leader makes sure that it still leads when it serves a read.
    pub reads: Reads,
    /// How long a read may wait before it is given up: for the leader to be sure that it leads, and
    /// for the state machine to get that far.
    pub read_timeout: Duration,
    /// How many reads may wait at once; a leader counts each follower's question as one.
    pub reads_waiting_max: usize,
    /// The number of the first message sent. A driver that restarts a node passes one that is
    /// higher than any used before, so that a message's number names it in the whole run, and that
    /// an answer to a follower's read cannot be taken for one to a read of its next life.
    pub first_message_id: MessageId,
}

/// Whether a peer whose election timer fires asks first who would vote for it, and stands only if a
/// majority would (dissertation §9.6). A peer that was cut off then comes back without a higher term, and
/// disturbs nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PreVote {
    /// It asks first.
    On,
    /// It stands at once, as in the paper.
    Off,
}

/// Whether a leader must hear from a majority to remain one (dissertation §6.2), and whether a peer that
/// heard from a leader within [`Config::election_timeout_min`] leaves requests for votes unanswered,
/// whatever their term (dissertation §4.2.3). The two belong together: without the first, the second could
/// keep a leader in office that nobody follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckQuorum {
    /// A leader gives up once it has heard from no majority for an election timeout, and peers keep
    /// to a leader they hear from.
    On,
    /// As in the paper: a leader leads until it hears of a higher term, and every request for a
    /// vote with a higher term ends it.
    Off,
}

/// How a leader makes sure that it still leads when it serves a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// It asks a quorum, each time (dissertation §6.4). Right whatever clocks do.
    ReadIndex,
    /// It trusts that nobody is elected for [`Config::election_timeout_min`] less `clock_drift_max`
    /// after it has sent what a quorum answered, and asks only if that time is over (a lease, dissertation
    /// §6.4.1). Reads then take no messages, and **they are stale if clocks keep worse time than
    /// assumed**: while any peer's clock advances by `election_timeout_min`, every other peer's must
    /// advance by at least `election_timeout_min - clock_drift_max`. With 150 ms and 15 ms, no clock
    /// may go more than a ninth faster than another. The clock of a machine that is suspended may
    /// stand still (the one that the driver reads on Linux does): do not suspend peers whose reads
    /// go by leases, or move them alive to another host. A process that is stopped is no danger.
    ///
    /// All peers must have the same `election_timeout_min` and [`CheckQuorum::On`]. A leader gives
    /// the lease up when it begins to transfer its leadership, for as long as it leads.
    Lease {
        /// How much two clocks may differ after the shortest election timeout.
        clock_drift_max: Duration,
    },
}

/// What a new leader appends before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstEntry {
    /// A no-op, so that entries of earlier terms commit without waiting for a command (paper §8).
    NoOp,
    /// The first command. Indexes then count commands alone.
    Command,
}

impl Config {
    /// Settings for a local network: elections after 150–300 ms, heartbeats every 50 ms.
    #[must_use]
    pub const fn new(id: PeerId, peers: Vec<PeerId>) -> Self {
        Self {
            id,
            peers,
            addresses: BTreeMap::new(),
            election_timeout_min: Duration::from_millis(150),
            election_timeout_max: Duration::from_millis(300),
            heartbeat_interval: Duration::from_millis(50),
            commit_notice_delay: Duration::ZERO,
            append_bytes_max: 64 * 1024,
            messages_in_flight_max: 64,
            in_flight_bytes_max: 8 << 20,
            uncommitted_bytes_max: 64 << 20,
            snapshot_chunk_bytes: 64 * 1024,
            snapshot_bytes_max: 1 << 30,
            pre_vote: PreVote::On,
            check_quorum: CheckQuorum::On,
            promotion_lag_max: 1000,
            first_entry: FirstEntry::NoOp,
            reads: Reads::ReadIndex,
            read_timeout: Duration::from_millis(600),
            reads_waiting_max: 65_536,
            first_message_id: MessageId::new(1),
        }
    }

    /// How long a leader's lease lasts, if it may have one.
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
    /// The first setting that cannot work, with what would.
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

/// Settings that passed [`Config::validate`]; peers are sorted.
#[derive(Clone, Debug)]
pub struct ValidConfig(Config);

impl ValidConfig {
    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &Config {
        &self.0
    }

    /// The members of a new cluster; nobody for a node that joins one.
    #[must_use]
    pub fn bootstrap(&self) -> Membership {
        let Config { peers, addresses, .. } = &self.0;
        let voters = Membership::of_voters(peers.iter().copied());
        addresses.iter().fold(voters, |all, (peer, at)| all.with_address(*peer, Address::clone(at)))
    }
}

/// A setting that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A peer is named twice.
    #[error("`peers` names a peer twice")]
    DuplicatePeer,
    /// The node is not in its own list.
    #[error("`peers` must contain the node itself, {id}, or be empty to join a running cluster")]
    NodeNotInPeers {
        /// The node.
        id: PeerId,
    },
    /// An address of a peer that is not in the list.
    #[error("`addresses` has one of {peer}, which is not in `peers`")]
    AddressOfUnknownPeer {
        /// The peer.
        peer: PeerId,
    },
    /// Heartbeats would come without a pause.
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
    /// All peers would stand at once, for ever (paper §5.2).
    #[error("`election_timeout_max` must be longer than `election_timeout_min`")]
    EmptyTimeoutRange,
    /// Nobody would keep others from being elected while the lease lasts.
    #[error("`reads: Lease` needs `check_quorum: On`: peers must keep to a leader they hear from")]
    LeaseWithoutCheckQuorum,
    /// Nothing would be left of the lease.
    #[error(
        "`clock_drift_max` ({drift:?}) must be shorter than `election_timeout_min` ({election:?})"
    )]
    DriftTooLong {
        /// The drift given.
        drift: Duration,
        /// The timeout given.
        election: Duration,
    },
    /// A limit that lets nothing through.
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
            (|c| c.peers.push(PeerId::new(2)), "`peers` names a peer twice"),
            (|c| c.id = PeerId::new(9), "`peers` must contain the node itself, 9"),
            (
                |c| c.addresses = [(PeerId::new(4), "four".into())].into(),
                "`addresses` has one of 4",
            ),
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
    fn the_first_members_are_the_peers_or_nobody_yet() {
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
