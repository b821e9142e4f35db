//! The report of a failed run in the real world: the state as seen from outside, and the command
//! that runs it again.

use std::fmt;

use raft::driver::{Clock, Status};
use raft::{EntryId, Index, Instant, Term};
use serde_json::{Value, json};

use super::world::RealWorld;
use crate::case::Settings;
use crate::cluster::Testbed;
use crate::failure::Failure;
use crate::report::{build, fmt_failure, setup};
use crate::scenario::{Part, Scenario};
use crate::sim::network::Connection;

/// The report of a failure on real peers.
#[derive(Clone, Debug)]
pub struct RealFailure {
    name: String,
    part: Part,
    seed: u64,
    at: Instant,
    failure: Failure,
    peers: Vec<View>,
    setup: String,
}

/// A peer as the report shows it.
#[derive(Clone, Debug)]
struct View {
    /// Status of the driver; `None` while the peer is down.
    status: Option<Status>,
    /// The last index that its service has applied.
    applied: Index,
    /// Durable term, last entry of the snapshot, and last entry of the log.
    durable: (Term, EntryId, EntryId),
    connection: Connection,
}

impl RealFailure {
    pub(super) fn new(scenario: &Scenario, world: &RealWorld, failure: Failure) -> Self {
        let settings = &world.context.settings;
        Self {
            at: world.context.clock.now(),
            peers: (0..world.size()).map(|server| View::of(world, server)).collect(),
            ..Self::without_world(scenario, world.seed(), settings, failure)
        }
    }

    pub(super) fn without_world(
        scenario: &Scenario,
        seed: u64,
        settings: &Settings,
        failure: Failure,
    ) -> Self {
        Self {
            name: scenario.name.to_owned(),
            part: scenario.part,
            seed,
            at: Instant::START,
            failure,
            peers: Vec::new(),
            setup: setup(settings),
        }
    }

    /// Reason of the failure.
    #[must_use]
    pub const fn failure(&self) -> &Failure {
        &self.failure
    }

    /// The command that runs the scenario again, without any tool.
    fn rerun_command(&self) -> String {
        let Self { name, part, seed, .. } = self;
        format!(
            "RAFT_WORLD=real DSTEST_SEED={seed} VERBOSE=1 cargo test --profile sim -p raft-tests \
             --features real --test {} -- --exact {name} --nocapture",
            part.program()
        )
    }

    /// Everything in it; `signature` and `text` are what dstest shows.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "schema": 1,
            "world": "real",
            "test": self.name,
            "part": self.part.to_string(),
            "seed": self.seed,
            "at_us": self.at.as_nanos() / 1000,
            "failure": { "kind": self.failure.signature(), "text": self.failure.to_string() },
            "peers": self.peers.iter().map(View::to_json).collect::<Vec<_>>(),
            "again": self.rerun_command(),
            "build": build(&self.setup),
            "signature": self.failure.headline(),
            "text": self.to_string(),
        })
    }
}

impl fmt::Display for RealFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, part, seed, .. } = self;
        let ms = self.at.as_nanos() / 1_000_000;
        let (seconds, ms) = (ms / 1000, ms % 1000);
        writeln!(f, "FAIL {part} {name}   real world   seed={seed}   t={seconds}.{ms:03}s")?;
        fmt_failure(&self.failure, f)?;
        writeln!(f, "{HEADING}")?;
        for (server, view) in self.peers.iter().enumerate() {
            writeln!(f, "           {server:<4} {view}")?;
        }
        writeln!(f, "BUILD      {}", build(&self.setup))?;
        writeln!(
            f,
            "REPLAY     not exactly: the run depends on the machine's clock, threads, disk and sockets."
        )?;
        writeln!(
            f,
            "           The seed decides the commands, the faults and the message losses:"
        )?;
        write!(f, "AGAIN      {}", self.rerun_command())
    }
}

const HEADING: &str =
    "STATE      peer role      term commit log            applied  disk term/log       net";

impl View {
    fn of(world: &RealWorld, server: usize) -> Self {
        let peer = &world.peers[server];
        let stored = peer.audit.durable();
        Self {
            status: peer.status(),
            applied: world.last_applied(server),
            durable: (stored.hard_state.current_term, stored.base(), stored.last()),
            connection: world.connection(server),
        }
    }

    fn to_json(&self) -> Value {
        let (term, base, last) = self.durable;
        let node = self.status.as_ref().map(|status| {
            json!({
                "role": status.role.to_string(),
                "term": status.current_term.number(),
                "log": { "first": status.snapshot.next().number(), "last": status.last_log.number() },
                "commit": status.commit_index.number(),
            })
        });
        json!({
            "node": node,
            "applied": self.applied.number(),
            "disk": {
                "term": term.number(),
                "first": base.index.next().number(),
                "last": last.index.number(),
                "last_term": last.term.number(),
            },
            "connected": self.connection == Connection::Up,
        })
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.status {
            Some(status) => {
                let log = format!("[{}..{}]", status.snapshot.next(), status.last_log);
                let (role, term, commit) = (status.role, status.current_term, status.commit_index);
                write!(f, "{role:<9} {term:<4} {commit:<6} {log:<14} ")?;
            }
            None => write!(f, "{:<36} ", "down")?,
        }
        let (term, base, last) = self.durable;
        let disk = format!("{term}/[{}..{last}]", base.index.next());
        let net = match self.connection {
            Connection::Up => "up",
            Connection::Cut => "cut",
        };
        write!(f, "{:<8} {disk:<19} {net}", self.applied)
    }
}
