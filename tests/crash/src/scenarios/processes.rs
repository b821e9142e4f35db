//! Processes that are killed, paused and restarted.

use std::sync::Arc;
use std::thread;

use raft_tests::sim::random::Chance;
use rustix::process::Signal;

use super::Run;
use crate::Outcome;
use crate::cluster::PEERS;
use crate::concurrent_readers::ConcurrentReaders;
use crate::process::exit_text;
use crate::recorder::Totals;

/// `kill -9` of one, two or all processes, and a restart a moment later. In every Nth round, if the
/// options say so, one of them comes back with an empty disk, which the leader re-seeds while the
/// rounds go on. The next disk is lost only when that is done: with two of three lost at once, so is
/// what they acknowledged.
pub(super) fn kill_9(run: &mut Run<'_>) -> Outcome {
    for round in 0..run.rounds {
        run.pause(10, 150);
        run.check_all_run()?;
        let victims = run.victims()?;
        let loses_disk = run.wipe_every.is_some_and(|every| (round + 1).is_multiple_of(every));
        if loses_disk {
            run.wait_for_repair()?;
        }
        for peer in &victims {
            run.cluster.kill(*peer)?;
        }
        if loses_disk {
            let peer = victims[run.stream.index(victims.len())];
            run.lose_disk(peer)?;
        }
        if run.stream.happens(Chance::percent(50)) {
            run.pause(1, 300);
        }
        for peer in victims {
            run.cluster.restart(peer)?;
        }
        run.next_round(round)?;
    }
    run.wait_for_repair()
}

/// The leader is paused until another one leads, and resumes with the calls that reached it
/// meanwhile: it must not answer them from its outdated state. Many readers call it at once after
/// something was written; every other time no peer's message reaches it before their calls.
pub(super) fn paused_leader(run: &mut Run<'_>) -> Outcome {
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

/// Every process in turn gets SIGTERM, exits and restarts, without a gap for clients.
pub(super) fn rolling_restart(run: &mut Run<'_>) -> Outcome {
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
pub(super) fn check_no_gap(run: &Run<'_>, totals: &Totals) -> Outcome {
    let (gap, limit) = (totals.longest_gap, run.election_timeout);
    if gap > limit {
        return Err(format!("no write acknowledged for {gap:?}, longer than {limit:?}").into());
    }
    Ok(())
}
