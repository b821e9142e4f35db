//! The clients of a run together: their history, and its checks.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::case::PeerSet;
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::oracle::history::History;

/// State shared by the clients of a run.
#[derive(Default)]
pub(crate) struct Clients {
    pub(crate) history: RefCell<History>,
    /// Number of clients that wait for an answer.
    pub(super) waiting: Cell<usize>,
}

pub(crate) type SharedClients = Rc<Clients>;

/// Checks the clients' history against the commands that the peers of `core` applied.
pub(crate) fn verify(cluster: &Cluster, clients: &Clients, core: PeerSet) -> Result<(), Failure> {
    let history = clients.history.borrow();
    history.cover(cluster.world_mut().coverage_mut());
    for peer in core.iter() {
        history.check_answers(cluster.world().history(peer))?;
    }
    let undecided = history.check_linearizability()?;
    let mut world = cluster.world_mut();
    world.add_undecided(undecided);
    world.check_hanging_reads(core)
}
