//! Checks of leaders and terms of the connected peers.

use std::collections::BTreeMap;
use std::time::Duration;

use raft::{RoleName, Term};

use super::{Cluster, Testbed};
use crate::failure::Failure;

impl<W: Testbed + ?Sized> Cluster<W> {
    /// Waits for a leader among the connected peers: the one of the newest term that has one.
    ///
    /// # Errors
    /// Two lead in one term, or none is found in ten tries.
    pub async fn check_one_leader(&self) -> Result<usize, Failure> {
        for _ in 0..LEADER_TRIES {
            let pause = self.pause_rng.borrow_mut().between(LEADER_PAUSE_MIN, LEADER_PAUSE_MAX);
            self.sleep(pause).await;
            if let Some((term, leader)) = self.newest_leader()? {
                self.note(format_args!("finds leader {leader} in term {term}"));
                return Ok(leader);
            }
        }
        Err(Failure::expected(format_args!("one leader among the connected peers, found none")))
    }

    /// Checks that no connected peer believes it leads.
    ///
    /// # Errors
    /// One does.
    pub fn check_no_leader(&self) -> Result<(), Failure> {
        match (0..self.size()).find(|server| self.leads(*server)) {
            None => {
                self.note(format_args!("finds no leader, as it should be"));
                Ok(())
            }
            Some(leader) => Err(Failure::expected(format_args!(
                "no leader among the connected peers, peer {leader} believes it leads"
            ))),
        }
    }

    /// The term of all connected peers.
    ///
    /// # Errors
    /// They do not agree, or no peer is connected.
    pub fn check_terms(&self) -> Result<Term, Failure> {
        let mut agreed: Option<(usize, Term)> = None;
        for server in 0..self.size() {
            let Some(status) = self.world().connected_status(server) else { continue };
            let term = status.current_term;
            let (first, first_term) = *agreed.get_or_insert((server, term));
            if first_term != term {
                return Err(Failure::expected(format_args!(
                    "one term, peer {first} is in {first_term} and peer {server} in {term}"
                )));
            }
        }
        let no_peer = || Failure::expected(format_args!("a term, no peer is connected"));
        agreed.map(|(_, term)| term).ok_or_else(no_peer)
    }

    /// Returns whether a connected peer believes it leads.
    fn leads(&self, server: usize) -> bool {
        self.world().connected_status(server).is_some_and(|status| status.role == RoleName::Leader)
    }

    fn newest_leader(&self) -> Result<Option<(Term, usize)>, Failure> {
        let mut leaders: BTreeMap<Term, usize> = BTreeMap::new();
        for server in 0..self.size() {
            let Some(status) = self.world().connected_status(server) else { continue };
            if status.role != RoleName::Leader {
                continue;
            }
            if let Some(other) = leaders.insert(status.current_term, server) {
                return Err(Failure::expected(format_args!(
                    "one leader a term, peers {other} and {server} lead term {}",
                    status.current_term
                )));
            }
        }
        Ok(leaders.pop_last())
    }
}

const LEADER_TRIES: usize = 10;
const LEADER_PAUSE_MIN: Duration = Duration::from_millis(450);
const LEADER_PAUSE_MAX: Duration = Duration::from_millis(550);
