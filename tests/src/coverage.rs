//! Coverage: counts of the situations that a good campaign reaches at least once.
//!
//! An invariant that never fires says little if the situation in which it matters never arose.

use std::fmt;

/// Names each situation once: for code and for reports.
macro_rules! marks {
    ($($(#[$doc:meta])* $mark:ident = $name:literal,)*) => {
        /// A situation that a good campaign reaches.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mark {
            $($(#[$doc])* $mark,)*
        }

        impl Mark {
            /// All situations.
            pub const ALL: &[Self] = &[$(Self::$mark,)*];

            /// Its name in reports.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$mark => $name,)*
                }
            }
        }
    };
}

marks! {
    /// A peer with uncommitted entries becomes leader.
    LeaderWithUncommitted = "leader-change-with-uncommitted",
    /// A leader with uncommitted commands is deposed.
    DeposedWithUncommitted = "leader-deposed-with-uncommitted",
    /// Two peers believe they lead, in different terms.
    TwoLeaders = "two-leaders-at-once",
    /// An election has no winner.
    SplitVote = "election-without-winner",
    /// A leader commits entries of an earlier leader.
    OldTermCommitted = "older-entries-committed",
    /// A leader commits entries that its own disk does not hold yet.
    CommitBeforeOwnDisk = "commit-before-own-disk",
    /// A follower deletes entries that conflict with its leader's.
    Truncation = "truncation",
    /// A message of an earlier term than its receiver's arrives.
    OldTermMessage = "old-term-message",
    /// A peer handles an input before the outputs of the last one are taken.
    InputsBatched = "inputs-batched",
    /// A message arrives a second time.
    Duplicate = "duplicate-delivered",
    /// A message arrives after one that was sent later on the same link.
    Reordered = "message-reordered",
    /// A message arrives that was sent to an earlier incarnation of its receiver.
    EarlierIncarnation = "message-to-earlier-incarnation",
    /// A crash loses a vote that was not durable.
    VoteLost = "unsynced-vote-lost",
    /// A crash tears an append, of which some entries survive.
    TornAppend = "torn-append",
    /// A leader has read entries for a follower.
    EntriesReadToSend = "entries-read-to-send",
    /// A peer has read entries to apply.
    EntriesReadToApply = "entries-read-to-apply",
    /// Entries that were read are of no use any more.
    EntryReadOvertaken = "entry-read-overtaken",
    /// A flush fails, and its peer stops.
    FailedFlush = "failed-flush",
    /// A flush takes longer than an election.
    StalledFlush = "stalled-flush",
    /// A leader crashes.
    LeaderCrash = "leader-crash",
    /// A leader is paused and resumes as leader.
    LeaderPause = "leader-paused",
    /// A forged message reaches a peer that must refuse it.
    ForgeryRefused = "forged-message-refused",
    /// A forged message reaches a peer that may follow its term, or answer it.
    Forgery = "forged-message",
    /// A message with flipped bits is noticed by the checksum of its frame.
    DamagedFrame = "damaged-frame",
    /// No peer runs.
    AllDown = "all-peers-down",
    /// A peer starts from a snapshot.
    StartFromSnapshot = "start-from-snapshot",
    /// A peer crashes while it is sent a snapshot.
    CrashDuringSnapshot = "crash-during-snapshot-transfer",
    /// A leader that sends a snapshot is deposed or crashes.
    SenderLostDuringSnapshot = "sender-lost-during-snapshot-transfer",
    /// A leader's snapshot replaces a follower's log.
    SnapshotReplacesLog = "snapshot-replaces-log",
    /// A leader sends a snapshot of entries that its follower holds and does not know committed.
    SnapshotOfHeldEntries = "snapshot-of-held-entries",
    /// Peers' clocks go at different rates.
    ClockRates = "different-clock-rates",
    /// A client's request ends without an answer.
    Unanswered = "request-without-answer",
    /// A request that was executed before is answered from the session.
    DuplicateRequest = "duplicate-request-answered",
    /// A request is executed after its client gave up.
    ExecutedLate = "executed-after-client-gave-up",
    /// A read is served by a peer that does not lead.
    ReadByFollower = "read-served-by-a-follower",
    /// A read waits until its leader has committed an entry of its term.
    ReadWaits = "read-waited-for-the-first-commit-of-the-term",
    /// A read reaches a leader with a valid lease.
    ReadByLease = "read-by-lease",
    /// A read reaches a leader with an expired lease.
    LeaseOver = "read-after-the-lease-was-over",
    /// A read ends because its leader was deposed.
    ReadDropped = "read-dropped-by-a-change-of-leader",
    /// A read ends because no answer came in time.
    ReadTimedOut = "read-timed-out",
    /// Two clients have open requests for one key.
    ConcurrentRequests = "concurrent-requests-on-a-key",
    /// A peer gets the entries or the snapshot that make it a member.
    Joined = "peer-joined",
    /// A learner becomes a voter.
    Promoted = "learner-promoted",
    /// A change of members is asked for while one is under way.
    ChangeUnderWay = "change-refused-another-under-way",
    /// A change of members is asked for before the leader has committed an entry of its term.
    ChangeTooSoon = "change-refused-before-first-commit",
    /// A learner that lags too far is to become a voter.
    LearnerBehind = "promotion-refused-learner-behind",
    /// A joint configuration is in force at a peer.
    Joint = "joint-configuration",
    /// A leader ends a change of members that another one began.
    ChangeInherited = "change-ended-by-another-leader",
    /// A peer crashes while a joint configuration is in force.
    CrashInJoint = "crash-in-joint-configuration",
    /// A configuration is deleted from a log.
    ConfigurationDeleted = "configuration-deleted",
    /// A leader that has removed itself remains leader until that is committed.
    LeaderRemoved = "leader-removed-itself",
    /// A removed member rejoins.
    Rejoined = "removed-peer-rejoined",
    /// A peer votes for a candidate that is not a member by its log.
    VoteForNonMember = "vote-for-non-member",
    /// A new member gets a snapshot.
    SnapshotToJoiner = "snapshot-to-a-new-peer",
    /// The liveness phase begins without a leader in its core.
    LivenessWithoutLeader = "liveness-without-leader",
    /// The liveness phase leaves a minority broken.
    LivenessWithBrokenMinority = "liveness-with-broken-minority",
    /// In the liveness phase, the majority receives messages of peers that receive none of its.
    LivenessWithOneWayMinority = "liveness-with-one-way-minority",
    /// A peer in contact with a leader refuses a pre-vote.
    PreVoteRefused = "pre-vote-refused",
    /// A peer in contact with a leader ignores a vote request of a higher term.
    VoteRequestIgnored = "vote-request-ignored",
    /// A pre-candidate without a majority follows a leader again, in the same term.
    PreCandidateFollows = "pre-candidate-follows-again",
    /// A leader without contact to a quorum steps down.
    LeaderWithoutQuorum = "leader-without-quorum",
    /// A peer becomes leader by a transfer.
    TransferDone = "leadership-transferred",
    /// A leader remains leader: its successor has not taken over in time.
    TransferAbandoned = "transfer-abandoned",
    /// A command is rejected during a transfer.
    RefusedInTransfer = "refused-during-transfer",
    /// A command is rejected because too many bytes are uncommitted.
    RefusedFull = "refused-uncommitted-full",
}

/// Counts of all situations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    counts: [u64; Mark::ALL.len()],
}

impl Default for Coverage {
    fn default() -> Self {
        Self { counts: [0; Mark::ALL.len()] }
    }
}

impl Coverage {
    /// Counts a situation.
    pub const fn hit(&mut self, mark: Mark) {
        self.counts[mark as usize] += 1;
    }

    /// Count of a situation.
    #[must_use]
    pub const fn count(&self, mark: Mark) -> u64 {
        self.counts[mark as usize]
    }

    /// Adds the coverage of another run.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
    }
}

/// `sometimes: name=count name=count …`, every situation in its order, those never seen as 0.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sometimes:")?;
        for mark in Mark::ALL {
            write!(f, " {}={}", mark.as_str(), self.count(*mark))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_have_unique_names_and_zeros_are_printed() {
        let mut names: Vec<&str> = Mark::ALL.iter().map(|mark| mark.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Mark::ALL.len());
        let (mut all, mut one) = (Coverage::default(), Coverage::default());
        one.hit(Mark::Truncation);
        all.add(&one);
        all.add(&one);
        let line = all.to_string();
        assert!(line.contains(" truncation=2") && line.contains(" torn-append=0"), "{line}");
    }
}
