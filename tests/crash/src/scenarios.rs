//! The scenarios: faults that are injected into the processes while clients write and read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use raft_tests::sim::random::{Chance, Domain, Stream};
use rustix::process::Signal;

use crate::cluster::{Cluster, Links, PEERS, Settings, exit_text, wait};
use crate::concurrent_readers::ConcurrentReaders;
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
    election_timeout: Duration,
}

pub(crate) const SCENARIOS: [Scenario; 6] = [
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
        let rounds = options.rounds;
        let (cluster, workload) = (&mut cluster, &mut workload);
        let mut run = Run { cluster, workload, stream, rounds, election_timeout };
        let seen = run.play(self);
        if seen.is_err() {
            fs::write(directory.join("history.txt"), run.workload.recorder.text())?;
        }
        seen
    }
}

impl Run<'_> {
    fn play(&mut self, scenario: &Scenario) -> Outcome<Totals> {
        (scenario.inject)(self)?;
        self.workload.wait_for_progress()?;
        let totals = self.workload.finish()?;
        (scenario.check)(self, &totals)?;
        Ok(totals)
    }

    fn pause(&mut self, shortest: u64, longest: u64) {
        let (shortest, longest) = (Duration::from_millis(shortest), Duration::from_millis(longest));
        thread::sleep(self.stream.between(shortest, longest));
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

/// `kill -9` of one, two or all processes, and a restart a moment later.
fn kill_9(run: &mut Run<'_>) -> Outcome {
    for round in 0..run.rounds {
        run.pause(10, 150);
        run.check_all_run()?;
        let victims = run.victims()?;
        for peer in &victims {
            run.cluster.kill(*peer)?;
        }
        if run.stream.happens(Chance::percent(50)) {
            run.pause(1, 300);
        }
        for peer in victims {
            run.cluster.restart(peer)?;
        }
        run.next_round(round)?;
    }
    Ok(())
}

/// The leader is paused until another one leads, and resumes with the calls that reached it
/// meanwhile: it must not answer them from its outdated state. Many readers call it at once after
/// something was written; every other time no peer's message reaches it before their calls.
fn paused_leader(run: &mut Run<'_>) -> Outcome {
    let (mut readers, recorder) =
        (ConcurrentReaders::new(&run.cluster.http()), Arc::clone(&run.workload.recorder));
    for round in 0..run.rounds {
        let leader = run.cluster.leader()?;
        if run.stream.happens(Chance::percent(50)) {
            run.cluster.proxies()?.hold(leader);
        }
        run.cluster.signal(leader, Signal::STOP)?;
        run.workload.wait_for_progress()?;
        thread::scope(|scope| {
            readers.read(scope, &recorder, leader);
            run.pause(1, 100);
            run.cluster.signal(leader, Signal::CONT)?;
            run.pause(10, 100);
            run.cluster.proxies()?.release(leader);
            Outcome::Ok(())
        })?;
        run.next_round(round)?;
    }
    run.check_all_run()
}

/// A process whose disk is full logs it and exits; the others go on. With room on the disk it
/// restarts and catches up.
fn full_disk(run: &mut Run<'_>) -> Outcome {
    for round in 0..run.rounds {
        let leader = run.cluster.leader()?;
        let peer = if round % 2 == 0 { leader } else { (leader + 1) % PEERS };
        run.cluster.limit_file_size(peer)?;
        let status = run.cluster.wait_for_exit(peer)?;
        let output = run.cluster.output(peer)?;
        let reason = output.lines().rev().find(|line| line.contains("the store failed"));
        if status.code() != Some(1) || reason.is_none_or(|it| !it.contains("File too large")) {
            let how = exit_text(status);
            return Err(format!("peer {} exited on a full disk {how}: {output}", peer + 1).into());
        }
        run.workload.wait_for_progress()?;
        run.cluster.restart(peer)?;
        run.cluster.wait_for_catch_up(peer)?;
        run.next_round(round)?;
    }
    run.check_all_run()
}

/// The end of a killed leader's log is cut off, within entries that were not acknowledged: the others
/// were paused while it was written. The process accepts such an end of a crash, and catches up.
fn torn_tail(run: &mut Run<'_>) -> Outcome {
    for round in 0..run.rounds {
        let (leader, before) = isolate_writing_leader(run)?;
        run.cluster.kill(leader)?;
        let after = log_end(&run.cluster.data(leader))?;
        let new = if after.file == before.file { after.length - before.length } else { 0 };
        let kept = after.length - run.stream.below(new + 1);
        fs::File::options().write(true).open(after.file)?.set_len(kept)?;
        signal_others(run, leader, Signal::CONT)?;
        run.cluster.restart(leader)?;
        run.cluster.wait_for_catch_up(leader)?;
        run.next_round(round)?;
    }
    run.check_all_run()
}

/// Pauses the others until the leader has written something alone; returns it with the end of its
/// log before. A leader without answers soon steps down, perhaps before it wrote anything.
fn isolate_writing_leader(run: &Run<'_>) -> Outcome<(usize, LogEnd)> {
    for _ in 0..100 {
        let leader = run.cluster.leader()?;
        signal_others(run, leader, Signal::STOP)?;
        let before = log_end(&run.cluster.data(leader))?;
        let has_grown = || {
            let now = log_end(&run.cluster.data(leader)).ok()?;
            let grows = now.file != before.file || now.length > before.length;
            (grows || !run.cluster.leads(leader)).then_some(grows)
        };
        if wait("the leader to write or step down", has_grown)? {
            return Ok((leader, before));
        }
        signal_others(run, leader, Signal::CONT)?;
    }
    Err("no leader wrote anything while the others were paused".into())
}

fn signal_others(run: &Run<'_>, leader: usize, signal: Signal) -> Outcome {
    (0..PEERS).filter(|peer| *peer != leader).try_for_each(|peer| run.cluster.signal(peer, signal))
}

/// The end of a store's newest log file.
struct LogEnd {
    file: PathBuf,
    length: u64,
}

fn log_end(data: &Path) -> Outcome<LogEnd> {
    let mut logs = Vec::new();
    for entry in fs::read_dir(data)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "log") {
            logs.push(file);
        }
    }
    let file = logs.into_iter().max().ok_or_else(|| format!("no log in {}", data.display()))?;
    // Zeros follow the last record; the store writes them ahead.
    let used = fs::read(&file)?.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    Ok(LogEnd { file, length: used as u64 })
}

/// Every process in turn gets SIGTERM, exits and restarts, without a gap for clients.
fn rolling_restart(run: &mut Run<'_>) -> Outcome {
    for round in 0..run.rounds {
        for peer in 0..PEERS {
            run.cluster.signal(peer, Signal::TERM)?;
            let status = run.cluster.wait_for_exit(peer)?;
            if !status.success() {
                let how = exit_text(status);
                return Err(format!("peer {} exited after SIGTERM {how}", peer + 1).into());
            }
            run.cluster.restart(peer)?;
            run.cluster.wait_for_catch_up(peer)?;
        }
        run.next_round(round)?;
    }
    run.check_all_run()
}

/// A leader that exits without a transfer of leadership would leave a gap of an election timeout.
fn check_no_gap(run: &Run<'_>, totals: &Totals) -> Outcome {
    let (gap, limit) = (totals.longest_gap, run.election_timeout);
    if gap > limit {
        return Err(format!("no write acknowledged for {gap:?}, longer than {limit:?}").into());
    }
    Ok(())
}
