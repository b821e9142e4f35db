//! What happens to the processes while clients write and read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use raft_tests::sim::random::{Chance, Domain, Stream};
use rustix::process::Signal;

use crate::crowd::Crowd;
use crate::group::{Group, Links, PEERS, Settings, ending, wait};
use crate::load::Load;
use crate::record::Totals;
use crate::{Outcome, Plan, Reads, Store};

/// A kind of trouble: its name, and what goes on. It leaves the clients running.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    election_timeout: Duration,
    /// How reads are answered; as the plan says if there is nothing here.
    reads: Option<Reads>,
    /// What logs are kept in; as the plan says if there is nothing here.
    store: Option<Store>,
    links: Links,
    trouble: fn(&mut Run<'_>) -> Outcome,
    /// What the totals must be like.
    judge: fn(&Run<'_>, &Totals) -> Outcome,
}

/// A run under way.
pub(crate) struct Run<'a> {
    group: &'a mut Group,
    load: &'a mut Load,
    stream: Stream,
    rounds: usize,
    election_timeout: Duration,
}

pub(crate) const SCENARIOS: [Scenario; 6] = [
    Scenario::usual("kill_9", kill_9),
    Scenario { links: Links::Gated, ..Scenario::usual("paused_leader", paused_leader) },
    Scenario {
        links: Links::Gated,
        reads: Some(Reads::Lease),
        ..Scenario::usual("paused_leader_with_lease", paused_leader)
    },
    Scenario::usual("full_disk", full_disk),
    // A database has no end that could be torn.
    Scenario { store: Some(Store::Disk), ..Scenario::usual("torn_tail", torn_tail) },
    Scenario {
        election_timeout: Duration::from_millis(1000),
        judge: without_gap,
        ..Scenario::usual("rolling_restart", rolling_restart)
    },
];

impl Scenario {
    const fn usual(name: &'static str, trouble: fn(&mut Run<'_>) -> Outcome) -> Self {
        Self {
            name,
            election_timeout: Duration::from_millis(150),
            reads: None,
            store: None,
            links: Links::Direct,
            trouble,
            judge: |_, _| Ok(()),
        }
    }

    /// Plays the scenario, and tells in a line what was seen.
    pub(crate) fn play(&self, plan: &Plan, folder: &Path) -> Outcome<Totals> {
        let Self { election_timeout, links, .. } = *self;
        let (reads, store) = (self.reads.unwrap_or(plan.reads), self.store.unwrap_or(plan.store));
        let settings = Settings { election_timeout, reads, store, links };
        let mut group = Group::start(folder, settings)?;
        group.leader()?;
        let mut load = Load::start(group.http(), plan.seed);
        load.wait_for_progress()?;
        let stream = Stream::new(plan.seed, Domain::Faults, [0, 0]);
        let rounds = plan.rounds;
        let (group, load) = (&mut group, &mut load);
        let mut run = Run { group, load, stream, rounds, election_timeout };
        let seen = run.play(self);
        if seen.is_err() {
            fs::write(folder.join("history.txt"), run.load.record.text())?;
        }
        seen
    }
}

impl Run<'_> {
    fn play(&mut self, scenario: &Scenario) -> Outcome<Totals> {
        (scenario.trouble)(self)?;
        self.load.wait_for_progress()?;
        let totals = self.load.finish()?;
        (scenario.judge)(self, &totals)?;
        Ok(totals)
    }

    fn pause(&mut self, shortest: u64, longest: u64) {
        let (shortest, longest) = (Duration::from_millis(shortest), Duration::from_millis(longest));
        thread::sleep(self.stream.between(shortest, longest));
    }

    /// Writes go on, and what was asked in the round before has an order.
    fn next_round(&mut self, round: usize) -> Outcome {
        self.load.wait_for_progress()?;
        self.load.record.next_round();
        if let Some(before) = round.checked_sub(1) {
            self.load.record.check(before)?;
        }
        Ok(())
    }

    /// Nobody ends without being told to.
    fn all_run(&mut self) -> Outcome {
        for peer in 0..PEERS {
            if let Some(status) = self.group.ended(peer)? {
                return Err(format!("peer {} ended by itself, {}", peer + 1, ending(status)).into());
            }
        }
        Ok(())
    }

    fn victims(&mut self) -> Outcome<Vec<usize>> {
        let any = self.stream.index(PEERS);
        Ok(match self.stream.below(10) {
            0..4 => vec![self.group.leader()?],
            4..7 => vec![any],
            7..9 => vec![any, (any + 1) % PEERS],
            _ => (0..PEERS).collect(),
        })
    }
}

/// `kill -9` of one, two or all processes, and a new start a moment later.
fn kill_9(run: &mut Run<'_>) -> Outcome {
    for round in 0..run.rounds {
        run.pause(10, 150);
        run.all_run()?;
        let victims = run.victims()?;
        for peer in &victims {
            run.group.kill(*peer)?;
        }
        if run.stream.happens(Chance::percent(50)) {
            run.pause(1, 300);
        }
        for peer in victims {
            run.group.restart(peer)?;
        }
        run.next_round(round)?;
    }
    Ok(())
}

/// The leader sleeps until another one leads, and wakes up with the calls that reached it
/// meanwhile: it must not answer them from what it knew. A crowd asks it when something was
/// written, and waits for it; now and then nobody else's messages reach it before the crowd's.
fn paused_leader(run: &mut Run<'_>) -> Outcome {
    let (mut crowd, record) = (Crowd::new(&run.group.http()), Arc::clone(&run.load.record));
    for round in 0..run.rounds {
        let leader = run.group.leader()?;
        if run.stream.happens(Chance::percent(50)) {
            run.group.gates()?.shut(leader);
        }
        run.group.signal(leader, Signal::STOP)?;
        run.load.wait_for_progress()?;
        thread::scope(|scope| {
            crowd.ask(scope, &record, leader);
            run.pause(1, 100);
            run.group.signal(leader, Signal::CONT)?;
            run.pause(10, 100);
            run.group.gates()?.open(leader);
            Outcome::Ok(())
        })?;
        run.next_round(round)?;
    }
    run.all_run()
}

/// A process that may write no more says so and ends; the others go on, and with room on the disk
/// it comes back and catches up.
fn full_disk(run: &mut Run<'_>) -> Outcome {
    for round in 0..run.rounds {
        let leader = run.group.leader()?;
        let peer = if round % 2 == 0 { leader } else { (leader + 1) % PEERS };
        run.group.fill_disk(peer)?;
        let status = run.group.wait_for_end(peer)?;
        let said = run.group.said(peer)?;
        let why = said.lines().rev().find(|line| line.contains("the store failed"));
        if status.code() != Some(1) || why.is_none_or(|why| !why.contains("File too large")) {
            let how = ending(status);
            return Err(format!("peer {} had a full disk and ended {how}: {said}", peer + 1).into());
        }
        run.load.wait_for_progress()?;
        run.group.restart(peer)?;
        run.group.wait_for(peer)?;
        run.next_round(round)?;
    }
    run.all_run()
}

/// The end of a killed leader's log is cut off, of what nobody was promised: the others slept
/// while it was written. The process takes it for what a crash leaves behind, and catches up.
fn torn_tail(run: &mut Run<'_>) -> Outcome {
    for round in 0..run.rounds {
        let (leader, before) = leader_that_writes_alone(run)?;
        run.group.kill(leader)?;
        let after = end_of_log(&run.group.data(leader))?;
        let new = if after.file == before.file { after.length - before.length } else { 0 };
        let kept = after.length - run.stream.below(new + 1);
        fs::File::options().write(true).open(after.file)?.set_len(kept)?;
        signal_others(run, leader, Signal::CONT)?;
        run.group.restart(leader)?;
        run.group.wait_for(leader)?;
        run.next_round(round)?;
    }
    run.all_run()
}

/// A leader that has written since the others sleep, and how long its log was before. A leader
/// that nobody answers steps down soon, and may have had nothing to write until then.
fn leader_that_writes_alone(run: &Run<'_>) -> Outcome<(usize, EndOfLog)> {
    for _ in 0..100 {
        let leader = run.group.leader()?;
        signal_others(run, leader, Signal::STOP)?;
        let before = end_of_log(&run.group.data(leader))?;
        let has_grown = || {
            let now = end_of_log(&run.group.data(leader)).ok()?;
            let grows = now.file != before.file || now.length > before.length;
            (grows || !run.group.leads(leader)).then_some(grows)
        };
        if wait("the leader writes or steps down", has_grown)? {
            return Ok((leader, before));
        }
        signal_others(run, leader, Signal::CONT)?;
    }
    Err("no leader wrote anything while the others slept".into())
}

fn signal_others(run: &Run<'_>, leader: usize, signal: Signal) -> Outcome {
    (0..PEERS).filter(|peer| *peer != leader).try_for_each(|peer| run.group.signal(peer, signal))
}

/// How far a store has come.
struct EndOfLog {
    file: PathBuf,
    length: u64,
}

fn end_of_log(data: &Path) -> Outcome<EndOfLog> {
    let mut logs = Vec::new();
    for entry in fs::read_dir(data)? {
        let file = entry?.path();
        if file.extension().is_some_and(|ending| ending == "log") {
            logs.push(file);
        }
    }
    let file = logs.into_iter().max().ok_or_else(|| format!("no log in {}", data.display()))?;
    // Behind the last record lie zeros, which the store has written ahead.
    let used = fs::read(&file)?.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    Ok(EndOfLog { file, length: used as u64 })
}

/// Every process in turn is told to end, does, and starts again; clients hardly notice.
fn rolling_restart(run: &mut Run<'_>) -> Outcome {
    for round in 0..run.rounds {
        for peer in 0..PEERS {
            run.group.signal(peer, Signal::TERM)?;
            let status = run.group.wait_for_end(peer)?;
            if !status.success() {
                let how = ending(status);
                return Err(format!("peer {} was told to end and ended {how}", peer + 1).into());
            }
            run.group.restart(peer)?;
            run.group.wait_for(peer)?;
        }
        run.next_round(round)?;
    }
    run.all_run()
}

/// A leader that ended without handing over would be missed for an election timeout at least.
fn without_gap(run: &Run<'_>, totals: &Totals) -> Outcome {
    let (gap, limit) = (totals.longest_gap, run.election_timeout);
    if gap > limit {
        return Err(format!("no write was acknowledged for {gap:?}, longer than {limit:?}").into());
    }
    Ok(())
}
