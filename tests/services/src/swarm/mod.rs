//! Swarm of services: groups, clients, changes of the configuration and faults of all kinds, drawn
//! from the seed; then a liveness phase, and the checks.
//!
//! ```text
//! Plan ─► nemesis (a task for each kind) ∥ clients ─► liveness ─► all keys read ─► history
//! ```

mod case;
mod liveness;
mod nemesis;
mod plan;
mod shrink;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use raft_tests::failure::Failure;
use raft_tests::sim::executor::Join;
use raft_tests::sim::random::Stream;
use raft_tests::swarm::Phase;

pub(crate) use self::case::Case;
pub(crate) use self::nemesis::Happened;
pub(crate) use self::plan::Plan;
pub(crate) use self::shrink::Shrinking;
use crate::lab4::lab::ShardedLab;

/// A run whose events are drawn.
pub(crate) async fn run(
    lab: ShardedLab,
    (plan, happened): (Plan, Happened),
) -> Result<(), Failure> {
    let phase = Rc::new(Cell::new(Phase::Faults));
    nemesis::start(&lab, &plan, &phase, &happened);
    let clients: Vec<_> = (0..plan.clients).map(|_| start_client(&lab, &plan, &phase)).collect();
    lab.cluster().sleep(plan.duration).await;
    phase.set(Phase::Liveness);
    liveness::run(&lab, &plan, clients).await?;
    let reader = lab.client();
    for key in 0..plan.keys {
        reader.get(&key.to_string()).await?;
    }
    lab.check_history().await
}

/// A client in a closed loop until the faults end.
fn start_client(
    lab: &ShardedLab,
    plan: &Plan,
    phase: &Rc<Cell<Phase>>,
) -> Join<Result<(), Failure>> {
    let (lab, phase) = (lab.clone(), Rc::clone(phase));
    let (keys, pause) = (plan.keys, plan.pause);
    let client = lab.client();
    let mut rng: Stream = lab.cluster().client_rng(CHOICES | lab.clients());
    lab.cluster().clone().spawn("client", async move {
        while phase.get() == Phase::Faults {
            let key = rng.index(keys).to_string();
            match rng.below(100) {
                0..45 => client.append(&key, &lab.text(3)).await?,
                45..55 => client.put(&key, &lab.text(3)).await?,
                _ => drop(client.get(&key).await?),
            }
            if pause > Duration::ZERO {
                lab.cluster().sleep(rng.between(Duration::ZERO, pause)).await;
            }
        }
        Ok(())
    })
}

/// Streams of clients' choices, beyond those of their links.
const CHOICES: u64 = 1 << 59;
