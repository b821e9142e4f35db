//! The summary of a run that passed, as the labs print it.

use std::fmt;
use std::time::Duration;

use crate::coverage::Coverage;
use crate::scenario::Part;
use crate::sim::trace_hash::TraceHash;
use crate::world::{Traffic, World};

/// Summary of a run that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Cluster time.
    pub cluster_time: Duration,
    /// Number of peers.
    pub peers: usize,
    /// Network traffic.
    pub traffic: Traffic,
    /// Number of applied commands.
    pub commands: u64,
    /// Number of events.
    pub events: u64,
    /// The hash of everything that happened.
    pub trace: TraceHash,
    /// Number of keys whose histories were too long to check for linearizability.
    pub undecided: u64,
    /// The situations that came about.
    pub coverage: Coverage,
}

impl RunSummary {
    /// The summary of what happened in a world.
    #[must_use]
    pub fn of(world: &World) -> Self {
        Self {
            cluster_time: Duration::from_nanos(world.now().as_nanos()),
            peers: world.size(),
            traffic: world.traffic(),
            commands: world.applied_log().last().number(),
            events: world.events(),
            trace: world.trace(),
            undecided: world.undecided(),
            coverage: *world.coverage(),
        }
    }

    pub(crate) const fn of_part(&self, part: Part) -> SummaryOfPart<'_> {
        SummaryOfPart(self, part)
    }

    /// Adds the summary of another run; the trace becomes one of both.
    pub fn add(&mut self, other: &Self) {
        self.cluster_time += other.cluster_time;
        self.peers = self.peers.max(other.peers);
        self.traffic.add(&other.traffic);
        self.commands += other.commands;
        self.events += other.events;
        self.trace.number(other.trace.finish());
        self.undecided += other.undecided;
        self.coverage.add(&other.coverage);
    }
}

/// As lab 2 prints it, and the trace on a line of its own.
impl fmt::Display for RunSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of_part(Part::A).fmt(f)
    }
}

/// A summary in the columns of a part of the labs: those of services count no bytes.
#[derive(Clone, Copy)]
pub(crate) struct SummaryOfPart<'a>(&'a RunSummary, Part);

impl fmt::Display for SummaryOfPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(summary, part) = self;
        let RunSummary { cluster_time, peers, traffic, commands, undecided, trace, .. } = summary;
        if part.package() == "services" {
            let seconds = cluster_time.as_secs_f64();
            let rpcs = traffic.rpcs;
            write!(f, "  ... Passed --  {seconds:4.1}  {peers} {rpcs:5} {commands:4}")?;
        } else {
            fmt_passed(f, *cluster_time, *peers, traffic, *commands)?;
        }
        if *undecided > 0 {
            write!(f, "\nundecided: {undecided} keys, whose histories are too long to check")?;
        }
        write!(f, "\ntrace={trace}")
    }
}

/// The labs' line of a test that passed.
pub(crate) fn fmt_passed(
    f: &mut fmt::Formatter<'_>,
    cluster_time: Duration,
    peers: usize,
    traffic: &Traffic,
    commands: u64,
) -> fmt::Result {
    let Traffic { rpcs, bytes, .. } = traffic;
    let seconds = cluster_time.as_secs_f64();
    write!(f, "  ... Passed --  {seconds:4.1}  {peers} {rpcs:4} {bytes:7} {commands:4}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_like_the_labs() {
        let report = RunSummary {
            cluster_time: Duration::from_millis(3590),
            peers: 3,
            traffic: Traffic { rpcs: 62, bytes: 17_250, snapshot_chunks: 0 },
            commands: 0,
            events: 1,
            trace: TraceHash::EMPTY,
            undecided: 0,
            coverage: Coverage::default(),
        };
        let expected = "  ... Passed --   3.6  3   62   17250    0\ntrace=";
        assert!(report.to_string().starts_with(expected), "{report}");
    }
}
