//! Disks that are full, torn or lost, and starts with another list of members.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::Run;
use crate::Outcome;
use crate::cluster::{Members, PEERS};
use crate::process::wait;

/// A process whose disk is full logs it and exits; the others go on. With room on the disk it
/// restarts and catches up.
pub(super) fn full_disk(run: &mut Run<'_>) -> Outcome {
    for round in 0..run.rounds {
        let leader = run.cluster.leader()?;
        let peer = if round % 2 == 0 { leader } else { (leader + 1) % PEERS };
        run.cluster.limit_file_size(peer)?;
        let reason = run.expect_failure(peer, "the store failed")?;
        if !reason.contains("File too large") {
            return Err(format!("peer {} with a full disk said: {reason}", peer + 1).into());
        }
        run.workload.wait_for_progress()?;
        run.cluster.restart(peer)?;
        run.cluster.wait_for_catch_up(peer)?;
        run.next_round(round)?;
    }
    run.check_all_run()
}

/// The end of a killed leader's log is cut off, within entries that no other process has: the others
/// were paused while it was written. With the mark of its last writes the process refuses such a log,
/// and comes back empty; without it, as after a loss of power, it takes the end for that of a crash, and
/// catches up.
pub(super) fn torn_tail(run: &mut Run<'_>) -> Outcome {
    for round in 0..run.rounds {
        let (leader, before) = isolate_writing_leader(run)?;
        run.cluster.kill(leader)?;
        let data = run.cluster.data(leader);
        let after = log_end(&data)?;
        let new = if after.file == before.file { after.length - before.length } else { 0 };
        let kept = after.length - run.stream.below(new + 1);
        fs::File::options().write(true).open(&after.file)?.set_len(kept)?;
        // The last write may have no mark yet.
        let refused = new > 0 && round % 2 == 1 && after.mark > before.mark + 1;
        if refused {
            fs::File::options().write(true).open(&after.file)?.set_len(before.length)?;
            run.cluster.restart(leader)?;
            let reason = run.expect_failure(leader, "ends before write")?;
            if !reason.contains("acknowledged writes are missing") {
                return Err(format!("peer {} with a cut log said: {reason}", leader + 1).into());
            }
            run.lose_disk(leader)?;
        } else {
            fs::remove_file(data.join(MARK))?;
        }
        signal_others(run, leader, Signal::CONT)?;
        run.cluster.restart(leader)?;
        run.wait_for_repair()?;
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
            let grows = now.file != before.file || now.mark > before.mark + 1;
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
    /// The number of writes that the store has marked as durable.
    mark: u64,
}

/// The file with the mark.
const MARK: &str = "DURABLE";

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
    let text = fs::read_to_string(data.join(MARK))?;
    let number = text.split_whitespace().nth(2).and_then(|number| number.parse().ok());
    let mark = number.ok_or_else(|| format!("no number in {MARK}: {text:?}"))?;
    Ok(LogEnd { file, length: used as u64, mark })
}

/// The disk of a follower that has acknowledged writes is lost, and its leader is killed. The third
/// process was paused meanwhile: it and the empty one are a majority, and must not elect a leader, as
/// neither has those writes. Once the leader is back, it re-seeds the empty one.
pub(super) fn lost_disk(run: &mut Run<'_>) -> Outcome {
    for round in 0..run.rounds {
        let leader = run.cluster.leader()?;
        let (follower, paused) = ((leader + 1) % PEERS, (leader + 2) % PEERS);
        run.cluster.signal(paused, Signal::STOP)?;
        run.workload.wait_for_progress()?;
        run.cluster.kill(follower)?;
        run.lose_disk(follower)?;
        run.cluster.kill(leader)?;
        run.cluster.restart(follower)?;
        run.cluster.signal(paused, Signal::CONT)?;
        run.pause(10 * run.election_timeout_ms(), 15 * run.election_timeout_ms());
        if let Some(elected) = [follower, paused].into_iter().find(|it| run.cluster.leads(*it)) {
            return Err(
                format!("peer {} leads without the writes of {}", elected + 1, leader + 1).into()
            );
        }
        run.cluster.restart(leader)?;
        run.wait_for_repair()?;
        run.expect_output(&[follower], "this peer's store is not the one that its cluster knows")?;
        // The paused one may have received everything when it went on.
        run.expect_output(&[leader, paused], "a member lost its data")?;
        run.next_round(round)?;
    }
    run.check_all_run()
}

/// A process whose two peers are paused restarts as a cluster of its own: it is refused, since it would
/// lead alone and acknowledge what the others never see.
pub(super) fn other_members(run: &mut Run<'_>) -> Outcome {
    for round in 0..run.rounds {
        signal_others(run, 0, Signal::STOP)?;
        run.cluster.kill(0)?;
        run.cluster.start_with(0, Members::Itself)?;
        let reason =
            run.expect_failure(0, "`peers` lists 1, but the store of peer 1 belongs to")?;
        if !reason.contains("a cluster of 1 2 3") {
            return Err(format!("peer 1 said: {reason}").into());
        }
        signal_others(run, 0, Signal::CONT)?;
        run.cluster.restart(0)?;
        run.cluster.wait_for_catch_up(0)?;
        run.next_round(round)?;
    }
    run.check_all_run()
}
