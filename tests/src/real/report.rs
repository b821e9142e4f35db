//! The report of a failed run in the real world: the state as seen from outside, and the command
//! that runs it again.

use std::fmt;

use raft::Instant;
use serde_json::{Value, json};

use super::group::RealGroup;
use super::peer_view::RealPeerView;
use crate::failure::Failure;
use crate::report::{build, fmt_failure};
use crate::scenario::Part;

/// The report of a failure on real peers.
#[derive(Clone, Debug)]
pub struct RealFailure {
    name: String,
    part: Part,
    seed: u64,
    at: Instant,
    failure: Failure,
    peers: Vec<RealPeerView>,
    setup: String,
}

impl RealFailure {
    /// The report of a run of these groups.
    pub(super) fn new(
        (name, part, seed): (&str, Part, u64),
        setup: String,
        at: Instant,
        groups: &[RealGroup],
        failure: Failure,
    ) -> Self {
        let peers = groups.iter().flat_map(|group| group.borrow().views()).collect();
        Self { name: name.to_owned(), part, seed, at, failure, peers, setup }
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
            "RAFT_WORLD=real DSTEST_SEED={seed} VERBOSE=1 cargo test --profile sim -p {} \
             --features real --test {} -- --exact {name} --nocapture",
            part.package(),
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
            "peers": self.peers.iter().map(RealPeerView::to_json).collect::<Vec<_>>(),
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
        for view in &self.peers {
            writeln!(f, "           {:<4} {view}", view.number)?;
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
