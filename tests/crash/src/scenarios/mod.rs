//! The scenarios: faults that are injected into the processes while clients write and read.

mod disks;
mod processes;

use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;
use std::time::Duration;

use raft_tests::sim::random::{Domain, Stream};

use self::disks::{full_disk, lost_disk, other_members, torn_tail};
use self::processes::{check_no_gap, kill_9, paused_leader, rolling_restart};
use crate::cluster::{Cluster, Links, PEERS, Settings};
use crate::evidence;
use crate::process::exit_text;
use crate::recorder::Totals;
use crate::workload::Workload;
use crate::{Options, Outcome, ReadMode, Store};

/// A scenario: settings of the cluster, the faults, and a check of the totals.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    election_timeout: Duration,
    /// The way of reading, if it is not that of the options.
    reads: Option<ReadMode>,
    /// The store, if it is not that of the options.
    store: Option<Store>,
    links: Links,
    inject: fn(&mut Run<'_>) -> Outcome,
    /// Checks the totals of the run.
    check: fn(&Run<'_>, &Totals) -> Outcome,
}

/// A run under way.
pub(crate) struct Run<'a> {
    cluster: &'a mut Cluster,
    workload: &'a mut Workload,
    stream: Stream,
    rounds: usize,
    wipe_every: Option<usize>,
    election_timeout: Duration,
    /// The peer whose disk was lost last, until it is a voter again.
    lost: Option<usize>,
    disks_lost: usize,
}

pub(crate) const SCENARIOS: [Scenario; 8] = [
    Scenario::usual("kill_9", kill_9),
    Scenario { links: Links::Proxied, ..Scenario::usual("paused_leader", paused_leader) },
    Scenario {
        links: Links::Proxied,
        reads: Some(ReadMode::Lease),
        ..Scenario::usual("paused_leader_with_lease", paused_leader)
    },
    Scenario::usual("full_disk", full_disk),
    // A database has no end that could be torn.
    Scenario { store: Some(Store::Disk), ..Scenario::usual("torn_tail", torn_tail) },
    Scenario::usual("lost_disk", lost_disk),
    Scenario::usual("other_members", other_members),
    Scenario {
        election_timeout: Duration::from_millis(1000),
        check: check_no_gap,
        ..Scenario::usual("rolling_restart", rolling_restart)
    },
];

impl Scenario {
    const fn usual(name: &'static str, inject: fn(&mut Run<'_>) -> Outcome) -> Self {
        Self {
            name,
            election_timeout: Duration::from_millis(150),
            reads: None,
            store: None,
            links: Links::Direct,
            inject,
            check: |_, _| Ok(()),
        }
    }

    /// Plays the scenario, and checks all calls.
    pub(crate) fn play(&self, options: &Options, directory: &Path) -> Outcome<Totals> {
        let Self { election_timeout, links, .. } = *self;
        let (reads, store) =
            (self.reads.unwrap_or(options.reads), self.store.unwrap_or(options.store));
        let settings = Settings { election_timeout, reads, store, links };
        let mut cluster = Cluster::start(directory, settings)?;
        cluster.leader()?;
        let mut workload = Workload::start(cluster.http(), options.seed);
        workload.wait_for_progress()?;
        let stream = Stream::new(options.seed, Domain::Faults, [0, 0]);
        let (rounds, wipe_every) = (options.rounds, options.wipe_every.map(NonZeroUsize::get));
        let mut run = Run {
            cluster: &mut cluster,
            workload: &mut workload,
            stream,
            rounds,
            wipe_every,
            election_timeout,
            lost: None,
            disks_lost: 0,
        };
        let seen = run.play(self);
        seen.map_err(|error| evidence::save(error, &run.workload.recorder, directory))
    }
}

impl Run<'_> {
    fn play(&mut self, scenario: &Scenario) -> Outcome<Totals> {
        (scenario.inject)(self)?;
        self.workload.wait_for_progress()?;
        let totals = Totals { disks_lost: self.disks_lost, ..self.workload.finish()? };
        (scenario.check)(self, &totals)?;
        Ok(totals)
    }

    fn pause(&mut self, shortest: u64, longest: u64) {
        let (shortest, longest) = (Duration::from_millis(shortest), Duration::from_millis(longest));
        thread::sleep(self.stream.between(shortest, longest));
    }

    fn election_timeout_ms(&self) -> u64 {
        u64::try_from(self.election_timeout.as_millis()).unwrap_or(u64::MAX)
    }

    /// Waits for writes, and checks the calls of the previous round.
    fn next_round(&mut self, round: usize) -> Outcome {
        self.workload.wait_for_progress()?;
        self.workload.recorder.next_round();
        if let Some(before) = round.checked_sub(1) {
            self.workload.recorder.check(before)?;
        }
        Ok(())
    }

    /// Fails if a process has exited unexpectedly.
    fn check_all_run(&mut self) -> Outcome {
        for peer in 0..PEERS {
            if let Some(status) = self.cluster.exit_status(peer)? {
                return Err(format!(
                    "peer {} exited unexpectedly, {}",
                    peer + 1,
                    exit_text(status)
                )
                .into());
            }
        }
        Ok(())
    }

    /// Empties the disk of a peer that does not run.
    fn lose_disk(&mut self, peer: usize) -> Outcome {
        self.cluster.wipe(peer)?;
        self.disks_lost += 1;
        self.lost = Some(peer);
        Ok(())
    }

    /// Waits until the peer that lost its disk last is a voter again.
    fn wait_for_repair(&mut self) -> Outcome {
        self.lost.take().map_or(Ok(()), |peer| self.cluster.wait_for_vote(peer))
    }

    /// Waits until a process exits with an error, and returns the last line of its output with these
    /// words.
    fn expect_failure(&mut self, peer: usize, words: &str) -> Outcome<String> {
        let status = self.cluster.wait_for_exit(peer)?;
        let output = self.cluster.output(peer)?;
        match output.lines().rev().find(|line| line.contains(words)) {
            Some(reason) if status.code() == Some(1) => Ok(reason.to_owned()),
            Some(_) | None => {
                let how = exit_text(status);
                Err(format!("peer {} exited {how} without {words:?}: {output}", peer + 1).into())
            }
        }
    }

    /// Fails if none of these peers has written these words since its first start.
    fn expect_output(&self, peers: &[usize], words: &str) -> Outcome {
        for peer in peers {
            if self.cluster.output(*peer)?.contains(words) {
                return Ok(());
            }
        }
        let names: Vec<_> = peers.iter().map(|peer| peer + 1).collect();
        Err(format!("none of the peers {names:?} wrote {words:?}").into())
    }

    fn victims(&mut self) -> Outcome<Vec<usize>> {
        let any = self.stream.index(PEERS);
        Ok(match self.stream.below(10) {
            0..4 => vec![self.cluster.leader()?],
            4..7 => vec![any],
            7..9 => vec![any, (any + 1) % PEERS],
            _ => (0..PEERS).collect(),
        })
    }
}
