//! Invariants of one node, which hold after every input, whatever its peers do.

use super::Node;
use crate::progress::Progress;
use crate::role::{Leader, Role};
use crate::types::{EntryId, PeerId};

/// A broken invariant of a node: a bug of this library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("peer {peer} broke \"{rule}\": {witness}")]
pub struct Violation {
    /// The peer.
    pub peer: PeerId,
    /// The rule.
    pub rule: &'static str,
    /// Both sides of the rule.
    pub witness: String,
}

impl Node {
    /// Checks the node against itself, in time proportional to the number of peers.
    ///
    /// # Errors
    /// The first invariant that does not hold, with both of its sides.
    pub fn check(&self) -> Result<(), Violation> {
        let (base, last) = (self.log.base(), self.log.last());
        let snapshot = self.snapshot.as_ref().map_or(EntryId::ZERO, |it| it.last_included);
        let (applied, commit) = (self.last_applied, self.commit_index);
        let durable = self.writes.durable_index();
        self.at_most("last_applied <= commit_index", applied, commit)?;
        self.at_most("commit_index <= last log index", commit, last.index)?;
        self.at_most("snapshot <= commit_index", snapshot.index, commit)?;
        self.at_most("durable index <= last log index", durable, last.index)?;
        self.at_most(
            "durable writes <= issued writes",
            self.writes.durable(),
            self.writes.issued(),
        )?;
        self.at_most("last log term <= current_term", last.term, self.hard_state.current_term)?;
        if self.restoring.is_none() {
            self.at_most("snapshot <= last_applied", snapshot.index, applied)?;
            self.at_most("last_applied <= durable index", applied, durable.max(snapshot.index))?;
        }
        self.holds("the log holds the snapshot's end", self.log.contains(snapshot), || {
            format!("snapshot {snapshot}, log after {base}")
        })?;
        match &self.role {
            Role::Follower(_) => Ok(()),
            Role::PreCandidate(_) => self.check_voter(),
            Role::Candidate(_) => {
                self.check_own_vote()?;
                self.check_voter()
            }
            Role::Leader(leader) => {
                self.check_own_vote()?;
                self.check_followers(leader)
            }
        }
    }

    /// Asserts [`Node::check`] in debug builds.
    pub(super) fn assert_consistent(&self) {
        if cfg!(debug_assertions)
            && let Err(violation) = self.check()
        {
            panic!("{violation}");
        }
    }

    fn check_voter(&self) -> Result<(), Violation> {
        self.holds("a candidate is a voter", self.is_electable(), || self.membership().to_string())
    }

    fn check_own_vote(&self) -> Result<(), Violation> {
        let voted_for = self.hard_state.voted_for;
        self.holds("a candidate voted for itself", voted_for == Some(self.id()), || {
            format!("voted_for {voted_for:?}")
        })
    }

    fn check_followers(&self, leader: &Leader) -> Result<(), Violation> {
        let last = self.log.last().index;
        // Those that a start has left to the store do not count.
        let nothing = self.commit_index.max(self.log.start().index) >= last;
        self.holds(
            "bytes are uncommitted if entries in memory are",
            nothing == (leader.uncommitted_bytes == 0),
            || format!("{} bytes after {}", leader.uncommitted_bytes, self.commit_index),
        )?;
        for progress in leader.followers.values() {
            let Progress { match_index, next_index, .. } = *progress;
            self.at_most("match_index < next_index", match_index.next(), next_index)?;
            self.at_most("next_index <= last log index + 1", next_index, last.next())?;
            self.at_most(
                "commit_index sent <= commit_index",
                progress.commit_sent,
                self.commit_index,
            )?;
            let (round, required) = (leader.reads.round(), leader.reads.required_round());
            self.at_most(
                "round answered <= round sent",
                progress.round_answered,
                progress.round_sent,
            )?;
            self.at_most("round sent <= round", progress.round_sent, round)?;
            self.at_most("required round <= round", required, round)?;
            self.at_most("round confirmed <= round", leader.reads.confirmed_round(), round)?;
        }
        let others = self.address_book.keys().filter(|peer| **peer != self.id());
        let followed = leader.followers.keys();
        self.holds("a leader follows every other member", others.eq(followed), || {
            format!("{:?} of {:?}", leader.followers.keys(), self.address_book.keys())
        })
    }

    fn at_most<T: Copy + PartialOrd + std::fmt::Display>(
        &self,
        rule: &'static str,
        low: T,
        high: T,
    ) -> Result<(), Violation> {
        self.holds(rule, low <= high, || format!("{low} against {high}"))
    }

    fn holds(
        &self,
        rule: &'static str,
        holds: bool,
        witness: impl FnOnce() -> String,
    ) -> Result<(), Violation> {
        if holds {
            return Ok(());
        }
        Err(Violation { peer: self.id(), rule, witness: witness() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::output::HardState;
    use crate::persistent_state::PersistentState;
    use crate::role::Candidate;
    use crate::types::{Index, Instant, Term};

    struct Fixed;

    impl crate::Jitter for Fixed {
        fn draw(&mut self, _: Term) -> u64 {
            0
        }
    }

    fn node() -> Node {
        let config = Config::new(PeerId::new(0), [0, 1, 2].map(PeerId::new).to_vec());
        let config = config.validate().unwrap();
        Node::new(config, PersistentState::default(), Instant::START, Box::new(Fixed)).unwrap()
    }

    #[test]
    #[should_panic(expected = "peer 0 broke \"commit_index <= last log index\": 1 against 0")]
    fn an_input_to_a_broken_node_panics() {
        let mut node = node();
        node.commit_index = Index::new(1);
        node.handle(Instant::START, crate::Input::Tick);
    }

    type Break = fn(&mut Node);

    /// Each rule fires on a node that breaks it.
    #[test]
    fn a_broken_node_names_the_rule() {
        let rows: [(Break, &str); 4] = [
            (|n| n.last_applied = Index::new(1), "last_applied <= commit_index"),
            (|n| n.commit_index = Index::new(1), "commit_index <= last log index"),
            (
                |n| {
                    let tally = crate::quorum::Tally::default();
                    let election_deadline = Instant::START;
                    n.role = Role::Candidate(Candidate { tally, election_deadline });
                    n.hard_state = HardState::default();
                },
                "a candidate voted for itself",
            ),
            (
                |n| {
                    let followers = std::collections::BTreeMap::default();
                    n.role = Role::Leader(Leader {
                        followers,
                        commit_notice_due: None,
                        quorum_check_due: None,
                        transfer: None,
                        timeout_now_sent_at: None,
                        uncommitted_bytes: 0,
                        reads: crate::read_index::LeaderReads::default(),
                    });
                    n.hard_state.voted_for = Some(n.id());
                },
                "a leader follows every other member",
            ),
        ];
        for (break_it, rule) in rows {
            let mut node = node();
            assert_eq!(node.check(), Ok(()));
            break_it(&mut node);
            assert_eq!(node.check().map_err(|violation| violation.rule), Err(rule));
        }
    }
}
