//! The work of a group's leader: it looks for what is left to do, and does it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use raft::RoleName;
use services::client::Patience;
use services::controller::ControllerClerk;
use services::driver::DriverReplica;
use services::sharded::{ShardedStore, Work, do_work};
use tokio::sync::watch;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use crate::calls::{AllGroups, Controllers};
use crate::state::GroupState;

/// Does the group's work, while this server leads. Never ends; runs among local tasks, as a clerk is for
/// one thread.
pub(crate) async fn run(
    replica: DriverReplica<ShardedStore>,
    view: watch::Receiver<GroupState>,
    controllers: Arc<[SocketAddr]>,
) {
    let patience = Patience::Limited(WORK_LIMIT);
    let controller = Rc::new(ControllerClerk::new(0, Controllers::new(controllers), patience));
    let under_way: Rc<RefCell<BTreeSet<Work>>> = Rc::default();
    loop {
        sleep(WORK_PAUSE).await;
        if replica.raft.status().role != RoleName::Leader {
            continue;
        }
        let work = view.borrow().work.clone();
        for work in work {
            if !under_way.borrow_mut().insert(work.clone()) {
                continue;
            }
            let (replica, controller) = (replica.clone(), Rc::clone(&controller));
            let under_way = Rc::clone(&under_way);
            spawn_local(async move {
                let next = async {
                    let Work::Configure(number) = work else { return None };
                    controller.query(Some(number)).await.ok()
                };
                let doing = do_work(work.clone(), &replica, &AllGroups, next);
                // What is not done in time, or was in vain, is found again.
                let done = timeout(WORK_LIMIT, doing).await;
                if matches!((done, &work), (Ok(Ok(())), Work::Configure(_))) {
                    sleep(POLL_PAUSE).await;
                }
                under_way.borrow_mut().remove(&work);
            });
        }
    }
}

/// A leader looks for work this often.
const WORK_PAUSE: Duration = Duration::from_millis(25);

/// Pause between two queries for the next configuration.
const POLL_PAUSE: Duration = Duration::from_millis(75);

/// Time for a piece of work, after which it begins again.
const WORK_LIMIT: Duration = Duration::from_secs(5);
