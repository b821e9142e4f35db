//! Part 2A: leaders appear, are replaced, and are one a term.

use std::time::Duration;

use raft::Term;

use super::ELECTION_TIMEOUT;
use crate::cluster::{Cluster, Testbed, expect};
use crate::failure::Failure;

/// A leader appears and stays while nothing fails.
///
/// # Errors
/// It does not.
pub(crate) async fn initial_election(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    cluster.check_one_leader().await?;
    // Followers learn of the election a little later than the tester.
    cluster.sleep(Duration::from_millis(50)).await;
    let before = cluster.check_terms()?;
    expect(before >= Term::new(1), format_args!("a term of at least 1, found {before}"))?;
    cluster.sleep(2 * ELECTION_TIMEOUT).await;
    let after = cluster.check_terms()?;
    if before != after {
        cluster.note(format_args!("warning: the term moved from {before} to {after} unprovoked"));
    }
    cluster.check_one_leader().await?;
    Ok(())
}

/// A leader that is cut off is replaced, and without a majority there is none.
///
/// # Errors
/// Too many or too few leaders.
pub(crate) async fn re_election(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    let first = cluster.check_one_leader().await?;
    cluster.disconnect(first);
    cluster.check_one_leader().await?;
    // The old leader comes back and must not disturb the new one.
    cluster.connect(first);
    let second = cluster.check_one_leader().await?;

    let other = cluster.after(second, 1);
    cluster.disconnect(second);
    cluster.disconnect(other);
    cluster.sleep(2 * ELECTION_TIMEOUT).await;
    cluster.check_no_leader()?;

    cluster.connect(other);
    cluster.check_one_leader().await?;
    cluster.connect(second);
    cluster.check_one_leader().await?;
    Ok(())
}

/// Nine times, up to three random peers of seven are cut off: four remain, and elect.
///
/// # Errors
/// There is no leader, or more than one a term.
pub(crate) async fn many_elections(cluster: Cluster<impl Testbed>) -> Result<(), Failure> {
    cluster.check_one_leader().await?;
    for _ in 1..ROUNDS {
        let size = cluster.size();
        let victims: [usize; 3] = std::array::from_fn(|_| cluster.fault_rng().index(size));
        victims.iter().for_each(|victim| cluster.disconnect(*victim));
        cluster.check_one_leader().await?;
        victims.iter().for_each(|victim| cluster.connect(*victim));
    }
    cluster.check_one_leader().await?;
    Ok(())
}

const ROUNDS: usize = 10;
