//! All invariants, as one table: the name in reports and cases, the source, and the file that checks
//! it.
//!
//! A new invariant is a row here, a check in a file of this directory that the world calls, and a test
//! in `tests/meta/tests/invariants/` that breaks it by hand. `tests/meta/tests/invariants/table.rs` fails and
//! says so where one of the three is missing.

/// Declares all invariants. A name after `|` is a former one: cases that were written with it are
/// still read.
macro_rules! invariants {
    ($($(#[$doc:meta])* $invariant:ident $name:literal $(| $former:literal)?,
        $source:literal, $file:literal;)*) => {
        /// A property that holds in every run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Invariant {
            $($(#[$doc])* $invariant,)*
        }

        impl Invariant {
            /// All invariants.
            pub const ALL: &[Self] = &[$(Self::$invariant,)*];

            /// The name in reports and cases.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$invariant => $name,)*
                }
            }

            /// The section of the Raft paper or of Ongaro's dissertation, or another source.
            #[must_use]
            pub const fn source(self) -> &'static str {
                match self {
                    $(Self::$invariant => $source,)*
                }
            }

            /// The file that checks it, relative to `tests/src`.
            #[must_use]
            pub const fn file(self) -> &'static str {
                match self {
                    $(Self::$invariant => $file,)*
                }
            }

            /// The invariant that has or had this name.
            #[must_use]
            pub fn find(name: &str) -> Option<Self> {
                match name {
                    $($name $(| $former)? => Some(Self::$invariant),)*
                    _ => None,
                }
            }
        }
    };
}

invariants! {
    /// An entry acknowledged in a term stays in the log while the term lasts.
    AcknowledgedEntries "acknowledged-entries" | "kept-promise",
        "paper §5.3", "invariants/acknowledged_entries.rs";
    /// A request that was answered is among the applied commands for ever.
    AcknowledgedLost "acknowledged-lost",
        "dissertation §6.3", "oracle/history.rs";
    /// A peer sends to every member, and its driver knows of each before.
    AddressBook "address-book",
        "raft::output, rule 8", "invariants/address_book.rs";
    /// A service receives its commands in order, once, and the same as every other service.
    Applier "applier",
        "MIT 6.5840 Lab 2", "service.rs";
    /// A command that was proposed once is applied once.
    AppliedTwice "applied-twice",
        "dissertation §6.3", "oracle/ledger.rs";
    /// A leader stays leader exactly as long as it is in contact with a quorum.
    CheckQuorum "check-quorum",
        "dissertation §6.2", "invariants/leader_contact.rs";
    /// A leader commits by counting replicas only entries of its own term, on a majority of disks.
    CommitRule "commit-rule",
        "paper §5.4.2, Figure 8", "invariants/commit_rule.rs";
    /// Every peer uses the latest configuration in its log; configurations change one at a time,
    /// through a joint one.
    Configurations "configurations",
        "paper §6, dissertation chapter 4", "invariants/configurations.rs";
    /// State that a message promises or a service applies is durable.
    Durability "durability",
        "paper Figure 2", "invariants/durability.rs";
    /// One leader a term, one vote a peer and term.
    ElectionSafety "election-safety",
        "paper §5.2, Figure 3", "invariants/election_safety.rs";
    /// A follower restarts its timer when it grants a vote, not when it is asked for one.
    ElectionTimer "election-timer" | "timer-rule",
        "paper §5.2", "invariants/election_timer.rs";
    /// A peer that receives a message of its term's leader follows it, and restarts its timer.
    FollowsLeader "follows-leader",
        "paper Figure 2", "invariants/follows_leader.rs";
    /// A leader never deletes or changes its entries.
    LeaderAppendOnly "leader-append-only",
        "paper Figure 3", "invariants/leader_append_only.rs";
    /// A committed entry is in the log of every later leader.
    LeaderCompleteness "leader-completeness",
        "paper §5.4, Figure 3", "invariants/leader_completeness.rs";
    /// No peer is elected while another one's lease holds.
    Lease "lease",
        "dissertation §6.4.1", "invariants/lease.rs";
    /// Uncommitted and unacknowledged entries of a leader stay within its limits.
    Limits "limits",
        "raft::Config", "invariants/limits.rs";
    /// Clients observe one store that executes requests one after the other.
    Linearizability "linearizability",
        "Herlihy and Wing 1990", "oracle/history.rs";
    /// Two logs with the same entry are the same up to it.
    LogMatching "log-matching",
        "paper §5.3, Figure 3", "invariants/log_matching.rs";
    /// Terms, votes within a term, commit and applied indexes never decrease or change back.
    Monotonic "monotonic",
        "paper Figure 2", "invariants/monotonic.rs";
    /// A pre-vote changes nothing, and a candidate has those of a majority.
    PreVote "pre-vote",
        "dissertation §9.6", "invariants/pre_vote.rs";
    /// A read ends by its deadline, and is not dropped for its age before.
    ReadDeadline "read-deadline",
        "raft::Config", "invariants/read_deadline.rs";
    /// A read sees every command that was committed anywhere when it was asked for.
    ReadSeesCommitted "read-sees-committed",
        "dissertation §6.4", "invariants/read_index.rs";
    /// A group takes each configuration of its controller, in order; each change makes one.
    ShardConfigurations "shard-configurations",
        "MIT 6.5840 Lab 4", "../services/src/shard_rules.rs";
    /// A shard has what the writes of all its owners give, each executed once.
    ShardContents "shard-contents",
        "MIT 6.5840 Lab 4", "../services/src/shard_rules.rs";
    /// A shard is served by one group at most, to which the configuration gives it.
    ShardOwner "shard-owner",
        "MIT 6.5840 Lab 4", "../services/src/shard_rules.rs";
    /// A shard that moved is deleted when its new owner has it, not before and not never.
    ShardStorage "shard-storage",
        "MIT 6.5840 Lab 4, challenge 1", "../services/src/shard_rules.rs";
    /// No two peers apply different entries at one index.
    StateMachineSafety "state-machine-safety",
        "paper §5.4.3, Figure 3", "invariants/state_machine_safety.rs";
    /// A peer that is in contact with a leader neither votes for nor follows a candidate.
    Stickiness "stickiness",
        "dissertation §4.2.3, §9.6", "invariants/leader_contact.rs";
    /// A later term is followed if its sender may have a part in the receiver's elections, and only then.
    Terms "terms",
        "paper §5.1, dissertation §4.1, §4.2.3", "invariants/terms.rs";
    /// Leadership is transferred only to a peer whose log is complete.
    Transfer "transfer",
        "dissertation §3.10", "invariants/transfer.rs";
    /// Only commands that clients proposed are applied.
    UnproposedCommand "unproposed-command" | "out-of-nothing",
        "dissertation §6.3", "oracle/ledger.rs";
    /// An answer is the one that the applied commands give.
    WrongAnswer "wrong-answer",
        "dissertation §6.3", "oracle/history.rs";
}
