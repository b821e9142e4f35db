//! The sharded service in real processes: shards move while clients write and read, and processes are
//! killed.

mod client;
mod deployment;
mod recorder;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use raft_tests::harness::run_directory;
use raft_tests::sim::random::{Domain, Stream};

use self::client::Clients;
use self::deployment::{CONTROLLER, Deployment, GROUPS, SERVERS};
use self::recorder::{ALL_SHARDS, Latency};
use crate::{Options, Outcome};

/// A scenario: it plays, and says in one line what happened.
type Play = fn(&Options, &Path) -> Outcome<String>;

/// The scenarios, by their names.
pub(crate) const SCENARIOS: [(&str, Play); 2] =
    [("moving_shards", moving_shards), ("unmoved_shards", unmoved_shards)];

/// Groups join and leave, shards move, and `kill -9` ends one server, a whole group, one of each group, or
/// the controller. Each request is done once, and in the end each shard is where it belongs alone.
fn moving_shards(options: &Options, directory: &Path) -> Outcome<String> {
    let mut deployment = Deployment::start(directory)?;
    deployment.join(0)?;
    let shards = [(CLIENTS, ALL_SHARDS.collect())];
    let mut clients = Clients::start(&deployment.groups(), options.seed, &shards, Duration::ZERO);
    let mut faults = Faults {
        stream: Stream::new(options.seed, Domain::Faults, [0, 0]),
        joined: vec![0],
        changes: 1,
        kills: 0,
    };
    let played = (0..options.rounds).try_for_each(|round| {
        faults.inject(&mut deployment)?;
        clients.wait_for_progress()?;
        clients.recorder.next_round();
        round.checked_sub(1).map_or(Ok(()), |before| clients.recorder.check(before))
    });
    let played = played.and_then(|()| deployment.wait_until_settled());
    with_picture(played.and_then(|()| clients.finish()), &clients, directory)?;
    deployment.check_all_run()?;
    let (answers, retries) = (clients.recorder.answers(), clients.recorder.retries());
    let Faults { changes, kills, .. } = faults;
    Ok(format!(
        "{answers} calls answered after {retries} retries, {changes} configurations, {kills} processes killed"
    ))
}

/// Faults of a run.
struct Faults {
    stream: Stream,
    /// Groups that have joined.
    joined: Vec<usize>,
    changes: usize,
    kills: usize,
}

impl Faults {
    /// Kills processes, changes the configuration meanwhile, and starts them again.
    fn inject(&mut self, deployment: &mut Deployment) -> Outcome {
        deployment.check_all_run()?;
        self.pause(10, 150);
        let victims = self.victims();
        for (cluster, server) in &victims {
            deployment.kill(*cluster, *server)?;
        }
        self.kills += victims.len();
        // A controller without a majority changes nothing.
        let of_controller = victims.iter().filter(|(cluster, _)| *cluster == CONTROLLER).count();
        if 2 * of_controller < SERVERS {
            self.change(deployment)?;
            self.pause(1, 300);
        }
        for (cluster, server) in victims {
            deployment.restart(cluster, server)?;
        }
        self.change(deployment)
    }

    fn victims(&mut self) -> Vec<(usize, usize)> {
        let server = self.stream.index(SERVERS);
        let cluster = self.stream.index(GROUPS + 1);
        match self.stream.below(10) {
            0..4 => vec![(cluster, server)],
            4..7 => (0..SERVERS).map(|server| (cluster, server)).collect(),
            _ => (0..=GROUPS).map(|cluster| (cluster, server)).collect(),
        }
    }

    fn change(&mut self, deployment: &Deployment) -> Outcome {
        self.changes += 1;
        let absent: Vec<_> = (0..GROUPS).filter(|group| !self.joined.contains(group)).collect();
        match self.stream.below(3) {
            0 if self.joined.len() > 1 => {
                let leaving = self.joined.remove(self.stream.index(self.joined.len()));
                deployment.leave(leaving)
            }
            1 if self.joined.len() > 1 => {
                let shard = self.stream.index(ALL_SHARDS.end);
                deployment.move_shard(shard, self.joined[self.stream.index(self.joined.len())])
            }
            _ if !absent.is_empty() => {
                let joining = absent[self.stream.index(absent.len())];
                self.joined.push(joining);
                deployment.join(joining)
            }
            _ => {
                let leaving = self.joined.remove(0);
                deployment.leave(leaving)
            }
        }
    }

    fn pause(&mut self, shortest: u64, longest: u64) {
        let (shortest, longest) = (Duration::from_millis(shortest), Duration::from_millis(longest));
        thread::sleep(self.stream.between(shortest, longest));
    }
}

/// Shards move between two groups for half of the time. The latency of the others, of these groups and of
/// a third one, is compared with that of the other half.
fn unmoved_shards(options: &Options, directory: &Path) -> Outcome<String> {
    let mut deployment = Deployment::start(directory)?;
    (0..GROUPS).try_for_each(|group| deployment.join(group))?;
    for shard in ALL_SHARDS {
        let moves = MOVED.contains(&shard);
        deployment.move_shard(shard, if moves { 0 } else { shard % GROUPS })?;
    }
    deployment.wait_until_settled()?;
    let others = ALL_SHARDS.filter(|shard| !MOVED.contains(shard)).collect();
    let shards = [(2, MOVED.to_vec()), (4, others)];
    let mut clients = Clients::start(&deployment.groups(), options.seed, &shards, PAUSE);
    clients.wait_for_progress()?;
    let (mut quiet, mut moving, mut moves) = (Vec::new(), Vec::new(), 0);
    let played = (0..options.rounds).try_for_each(|round| {
        let begun = Instant::now();
        thread::sleep(PHASE);
        quiet.push((begun, Instant::now()));
        let begun = Instant::now();
        while begun.elapsed() < PHASE {
            deployment.move_shard(MOVED[moves % 2], 1 - moves / 2 % 2)?;
            moves += 1;
            thread::sleep(MOVE_INTERVAL);
        }
        moving.push((begun, Instant::now()));
        // Not meanwhile: the controller asks all servers for each map.
        deployment.wait_until_settled()?;
        clients.wait_for_progress()?;
        clients.recorder.next_round();
        round.checked_sub(1).map_or(Ok(()), |before| clients.recorder.check(before))
    });
    with_picture(played.and_then(|()| clients.finish()), &clients, directory)?;
    deployment.check_all_run()?;
    let latencies = clients.recorder.latencies();
    let (quiet, moving) = (unmoved(&latencies, &quiet), unmoved(&latencies, &moving));
    let p99 = [&quiet, &moving].map(|taken| percentile(taken, 99));
    let p50 = [&quiet, &moving].map(|taken| percentile(taken, 50));
    let ratio = |[quiet, moving]: [Duration; 2]| moving.as_secs_f64() / quiet.as_secs_f64();
    Ok(format!(
        "a shard moved {} times; {} calls on others meanwhile, {} before: median {:.1?}, {:.2} × of before; \
         p99 {:.1?}, {:.2} × of before; {} retries",
        moves,
        moving.len(),
        quiet.len(),
        p50[1],
        ratio(p50),
        p99[1],
        ratio(p99),
        clients.recorder.retries(),
    ))
}

/// Times of calls on shards that do not move, within these spans, in order.
fn unmoved(latencies: &[Latency], spans: &[(Instant, Instant)]) -> Vec<Duration> {
    let within = |call: &&Latency| {
        let end = call.begun + call.taken;
        let is_within = |(from, to): &(Instant, Instant)| *from <= call.begun && end <= *to;
        !MOVED.contains(&call.shard) && spans.iter().any(is_within)
    };
    let mut taken: Vec<_> = latencies.iter().filter(within).map(|call| call.taken).collect();
    taken.sort_unstable();
    taken
}

/// The time below which so many percent of these are.
fn percentile(taken: &[Duration], percent: usize) -> Duration {
    taken.get(taken.len() * percent / 100).copied().unwrap_or_default()
}

/// Saves the picture of a failure, where dstest shows it, if it runs this.
fn with_picture(played: Outcome, clients: &Clients, directory: &Path) -> Outcome {
    played.map_err(|failure| {
        let of_run = run_directory();
        match clients.recorder.save(of_run.as_deref().unwrap_or(directory)) {
            Ok(()) => failure,
            Err(error) => format!("{failure}\nits picture cannot be saved: {error}").into(),
        }
    })
}

/// Number of clients.
const CLIENTS: usize = 6;

/// Shards that move.
const MOVED: [usize; 2] = [3, 7];

/// Pause of a client: clients without one would use all of the machine, and anything else would slow
/// them down.
const PAUSE: Duration = Duration::from_millis(20);

/// Pause between two moves.
const MOVE_INTERVAL: Duration = Duration::from_millis(200);

/// Length of a phase.
const PHASE: Duration = Duration::from_millis(400);
