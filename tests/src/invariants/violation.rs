//! A broken property, with what was seen.

use std::fmt;

use raft::{Instant, PeerId};

/// The property that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// What a client was told to be done stays done.
    AcknowledgedLost,
    /// The service was given its commands in order, once, and the same as every other service.
    Applier,
    /// A command that was offered once is applied once.
    AppliedTwice,
    /// A leader leads as long as it hears from a quorum.
    CheckQuorum,
    /// A leader commits by counting replicas only entries of its own term, on a majority of disks.
    CommitRule,
    /// Every peer goes by the latest configuration in its log; they change one at a time, through a
    /// joint one.
    Configurations,
    /// What is promised or applied is durable.
    Durability,
    /// One leader a term, one vote a peer and term.
    ElectionSafety,
    /// A peer follows the leader of its term once it hears from it, and waits anew.
    FollowsLeader,
    /// What was acknowledged in a term stays in the log while the term lasts.
    AcknowledgedEntries,
    /// A leader never deletes or changes its entries.
    LeaderAppendOnly,
    /// What was committed is in the log of every later leader.
    LeaderCompleteness,
    /// Nobody is elected while another peer's lease holds.
    Lease,
    /// No more waits in a leader than its limits allow.
    Limits,
    /// Clients see one store, whose requests are carried out one after the other.
    Linearizability,
    /// Two logs with the same entry are the same up to it.
    LogMatching,
    /// What must not go back does not.
    Monotonic,
    /// Only what was offered is applied.
    UnproposedCommand,
    /// A pre-vote changes nothing, and whoever stands has those of a majority.
    PreVote,
    /// A read sees what was committed anywhere when it was asked for.
    ReadSeesCommitted,
    /// No two peers apply different entries at one index.
    StateMachineSafety,
    /// A peer that hears from a leader keeps to it.
    Stickiness,
    /// A follower waits anew when it grants a vote, not when it is asked for one.
    ElectionTimer,
    /// Leadership goes to a peer that has everything.
    Transfer,
    /// A client is told what the agreed commands say.
    WrongAnswer,
}

/// A broken property, with both witnesses where there are two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The property.
    pub invariant: Invariant,
    /// What was seen.
    pub text: String,
}

impl Invariant {
    /// The property's name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AcknowledgedLost => "acknowledged-lost",
            Self::AppliedTwice => "applied-twice",
            Self::Linearizability => "linearizability",
            Self::UnproposedCommand => "unproposed-command",
            Self::WrongAnswer => "wrong-answer",
            Self::Applier => "applier",
            Self::CheckQuorum => "check-quorum",
            Self::CommitRule => "commit-rule",
            Self::Configurations => "configurations",
            Self::Durability => "durability",
            Self::ElectionSafety => "election-safety",
            Self::FollowsLeader => "follows-leader",
            Self::AcknowledgedEntries => "acknowledged-entries",
            Self::LeaderAppendOnly => "leader-append-only",
            Self::LeaderCompleteness => "leader-completeness",
            Self::Lease => "lease",
            Self::Limits => "limits",
            Self::LogMatching => "log-matching",
            Self::Monotonic => "monotonic",
            Self::PreVote => "pre-vote",
            Self::ReadSeesCommitted => "read-sees-committed",
            Self::StateMachineSafety => "state-machine-safety",
            Self::Stickiness => "stickiness",
            Self::ElectionTimer => "election-timer",
            Self::Transfer => "transfer",
        }
    }

    /// That this property is broken, as the text says.
    #[must_use]
    pub fn broken(self, text: fmt::Arguments<'_>) -> Box<Violation> {
        Box::new(Violation { invariant: self, text: text.to_string() })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant.as_str(), self.text)
    }
}

/// Who did something, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The peer.
    pub peer: PeerId,
    /// The moment.
    pub at: Instant,
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.at.as_nanos() / 1000;
        write!(f, "peer {} at {}.{:03} ms", self.peer, us / 1000, us % 1000)
    }
}
