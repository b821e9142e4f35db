//! The report of a failed run: the verdict first, the evidence next, the command last, in at most
//! [`LINES_MAX`] lines.

use std::fmt;

use raft::{Instant, PeerId};

use super::evidence::Evidence;
use crate::case::Settings;
use crate::failure::Failure;
use crate::scenario::Part;
use crate::sim::network::Connection;
use crate::sim::trace_hash::TraceHash;
use crate::world::{PeerView, World};

/// The report of a failed run.
#[derive(Clone, Debug)]
pub struct FailureReport {
    /// The scenario's name.
    pub name: String,
    /// Its part of the lab.
    pub part: Part,
    /// The seed that replays it.
    pub seed: u64,
    /// The cluster time at which it failed.
    pub at: Instant,
    /// Number of events.
    pub events: u64,
    /// The hash of everything that happened.
    pub trace: TraceHash,
    /// Reason of the failure.
    pub failure: Failure,
    /// The peers, as they were left.
    pub peers: Vec<PeerView>,
    /// Number of decisions.
    pub decisions: usize,
    /// Setup of the cluster.
    pub setup: String,
    /// Evidence of a second run, if there was one.
    pub evidence: Option<Evidence>,
}

impl FailureReport {
    /// The report of a run that failed in this world.
    #[must_use]
    pub fn new(name: &str, part: Part, world: &World, failure: Failure) -> Self {
        Self {
            at: world.now(),
            events: world.events(),
            trace: world.trace(),
            peers: (0..world.size()).map(|server| world.view(server)).collect(),
            decisions: world.decisions().len(),
            ..Self::without_world(name, part, world.seed(), world.settings(), failure)
        }
    }

    /// Adds another group of peers of the same run, with a world of its own.
    pub fn add_group(&mut self, world: &World) {
        self.events += world.events();
        self.trace.number(world.trace().finish());
        self.peers.extend((0..world.size()).map(|server| world.view(server)));
    }

    /// The report of a run whose world could not even be built.
    #[must_use]
    pub fn without_world(
        name: &str,
        part: Part,
        seed: u64,
        settings: &Settings,
        failure: Failure,
    ) -> Self {
        Self {
            name: name.to_owned(),
            part,
            seed,
            at: Instant::START,
            events: 0,
            trace: TraceHash::EMPTY,
            failure,
            peers: Vec::new(),
            decisions: 0,
            setup: setup(settings),
            evidence: None,
        }
    }

    /// The command that runs the seed again, without any tool.
    pub(super) fn replay(&self) -> String {
        let Self { name, part, seed, .. } = self;
        format!(
            "DSTEST_SEED={seed} VERBOSE=1 cargo test --profile sim -p {} --test {} -- --exact \
             {name} --nocapture",
            part.package(),
            part.program()
        )
    }

    /// Version and settings.
    pub(super) fn build(&self) -> String {
        build(&self.setup)
    }
}

/// Version, and setup of the cluster.
pub(crate) fn build(setup: &str) -> String {
    let checks = if cfg!(debug_assertions) { "assertions on" } else { "assertions off" };
    let (arch, os) = (std::env::consts::ARCH, std::env::consts::OS);
    format!("raft {}, {checks}, {arch} {os}; {setup}", env!("CARGO_PKG_VERSION"))
}

/// Setup of a cluster in one line.
pub(crate) fn setup(settings: &Settings) -> String {
    let Settings { peers, network, snapshots, .. } = settings;
    format!("{peers} peers, {network}, {snapshots}")
}

impl fmt::Display for FailureReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, part, seed, events, trace, .. } = self;
        let ms = self.at.as_nanos() / 1_000_000;
        let (seconds, ms) = (ms / 1000, ms % 1000);
        writeln!(
            f,
            "FAIL {part} {name}   seed={seed}   t={seconds}.{ms:03}s   event #{events}   trace={trace}"
        )?;
        fmt_failure(&self.failure, f)?;
        writeln!(f, "{HEADING}")?;
        for view in &self.peers {
            writeln!(f, "{}", Row(view))?;
        }
        if let Some(evidence) = &self.evidence {
            fmt_evidence(evidence, f)?;
        }
        let decisions = self.decisions;
        writeln!(f, "DECISIONS  {decisions}; DSTEST_SHRINK=FILE writes the few that matter")?;
        writeln!(f, "BUILD      {}", self.build())?;
        write!(f, "REPLAY     {}", self.replay())
    }
}

/// A failure may have many lines; those beyond the limit are in the JSON.
pub(crate) fn fmt_failure(failure: &Failure, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = failure.to_string();
    let mut lines = text.lines();
    for line in lines.by_ref().take(FAILURE_LINES_MAX) {
        writeln!(f, "{line}")?;
    }
    match lines.count() {
        0 => Ok(()),
        more => writeln!(f, "           … and {more} lines more in report.json"),
    }
}

fn fmt_evidence(evidence: &Evidence, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match &evidence.difference {
        None => writeln!(f, "VERIFIED   a second run of the seed gave the same trace and failure")?,
        Some(difference) => {
            writeln!(f, "DIFFERS    a second run of the seed gave {difference}")?;
        }
    }
    let (shown, total) = (evidence.causes.len(), evidence.causes_total);
    writeln!(f, "CAUSES     the last {shown} of {total} events that can have caused it")?;
    evidence.causes.iter().try_for_each(|line| writeln!(f, "           {line}"))
}

/// The most lines a report has.
pub const LINES_MAX: usize = 60;

/// Room for the waiting tasks of a test that is stuck.
const FAILURE_LINES_MAX: usize = 20;

const HEADING: &str = "STATE      peer role      term vote log            commit applied  \
                       disk term/last/pending  net";

/// One line for one peer.
struct Row<'a>(&'a PeerView);

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(view) = self;
        write!(f, "           {:<4} ", view.peer.number())?;
        match (&view.status, &view.log) {
            (Some(status), Some((base, last))) => {
                let log = format!("[{}..{last}]", base.index.next());
                write!(
                    f,
                    "{:<9} {:<4} {:<4} {log:<14} {:<6} {:<8} ",
                    status.role,
                    status.current_term,
                    Vote(status.voted_for),
                    status.commit_index,
                    view.service,
                )?;
            }
            (None, _) | (_, None) => write!(f, "{:<40} {:<8} ", "down", view.service)?,
        }
        let disk = format!("{}/{}/{}", view.disk_term, view.disk_last, view.disk_pending);
        let net = match view.connection {
            Connection::Up => "up",
            Connection::Cut => "cut",
        };
        write!(f, "{disk:<23} {net}")
    }
}

struct Vote(Option<PeerId>);

impl fmt::Display for Vote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(candidate) => f.pad(&candidate.to_string()),
            None => f.pad("-"),
        }
    }
}
