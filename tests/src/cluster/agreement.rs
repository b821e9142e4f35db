//! Agreement on commands, as the services see it.

use std::time::Duration;

use raft::{EntryId, Index, Term};

use super::{Cluster, Command, Testbed};
use crate::failure::Failure;
use crate::sim::network::Connection;

/// Progress of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Number of services that applied it.
    pub services: usize,
    /// The command; `None` if no service applied one.
    pub command: Option<Command>,
}

/// Reaction to a command that does not commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Propose it again.
    Yes,
    /// Fail.
    No,
}

/// Outcome of a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitOutcome {
    /// Enough services applied this command.
    Command(Command),
    /// A peer's term moved on, so that the wait makes no sense any more.
    TermPassed,
}

impl<W: Testbed + ?Sized> Cluster<W> {
    /// Number of services that applied a command at an index, and the command.
    ///
    /// All services apply the same one; that is checked on each application.
    #[must_use]
    pub fn n_committed(&self, index: Index) -> Committed {
        let world = self.world();
        let services =
            (0..world.size()).filter(|server| world.last_applied(*server) >= index).count();
        let command = world.applied_command(index).map(Command);
        Committed { services, command: command.filter(|_| services > 0) }
    }

    /// Waits until `peers` services applied a command at an index; stops when a peer's term passes
    /// `start_term`.
    ///
    /// # Errors
    /// Too few services after about half a minute.
    pub async fn wait(
        &self,
        index: Index,
        peers: usize,
        start_term: Option<Term>,
    ) -> Result<WaitOutcome, Failure> {
        let mut pause = WAIT_FIRST;
        for _ in 0..WAIT_ROUNDS {
            if self.n_committed(index).services >= peers {
                break;
            }
            self.sleep(pause).await;
            pause = (2 * pause).min(WAIT_LONGEST);
            let passed = |server| self.term(server) > start_term;
            if start_term.is_some() && (0..self.size()).any(passed) {
                return Ok(WaitOutcome::TermPassed);
            }
        }
        let Committed { services, command } = self.n_committed(index);
        match command {
            Some(command) if services >= peers => Ok(WaitOutcome::Command(command)),
            Some(_) | None => Err(Failure::expected(format_args!(
                "index {index} applied by {peers} peers, only {services} did"
            ))),
        }
    }

    /// Reaches agreement on a command: proposes it in turn for up to ten seconds until `expected`
    /// services applied it at the index that a leader returned.
    ///
    /// # Errors
    /// No agreement; without `retry`, already when the first proposal is not applied.
    pub async fn one(
        &self,
        command: &Command,
        expected: usize,
        retry: Retry,
    ) -> Result<Index, Failure> {
        let deadline = self.tasks.now().after(ONE_LIMIT);
        let mut turn = 0;
        while self.tasks.now() < deadline {
            let Some(id) = self.propose_to_any(command, &mut turn) else {
                self.sleep(NO_LEADER_PAUSE).await;
                continue;
            };
            if self.reaches_agreement(command, id.index, expected).await {
                self.note(format_args!("finds command {command} agreed on at {}", id.index));
                return Ok(id.index);
            }
            if retry == Retry::No {
                break;
            }
        }
        Err(Failure::expected(format_args!("{expected} peers to agree on command {command}")))
    }

    /// Proposes a command to each connected peer in turn until one takes it.
    fn propose_to_any(&self, command: &Command, turn: &mut usize) -> Option<EntryId> {
        for _ in 0..self.size() {
            *turn = self.after(*turn, 1);
            let id = match self.connection(*turn) {
                Connection::Up => self.propose(*turn, command),
                Connection::Cut => None,
            };
            if id.is_some() {
                return id;
            }
        }
        None
    }

    async fn reaches_agreement(&self, command: &Command, index: Index, expected: usize) -> bool {
        let deadline = self.tasks.now().after(AGREEMENT_LIMIT);
        while self.tasks.now() < deadline {
            let committed = self.n_committed(index);
            if committed.services >= expected && committed.command.as_ref() == Some(command) {
                return true;
            }
            self.sleep(AGREEMENT_PAUSE).await;
        }
        false
    }
}

const WAIT_FIRST: Duration = Duration::from_millis(10);
const WAIT_LONGEST: Duration = Duration::from_secs(1);
const WAIT_ROUNDS: usize = 30;
const ONE_LIMIT: Duration = Duration::from_secs(10);
const NO_LEADER_PAUSE: Duration = Duration::from_millis(50);
const AGREEMENT_LIMIT: Duration = Duration::from_secs(2);
const AGREEMENT_PAUSE: Duration = Duration::from_millis(20);
