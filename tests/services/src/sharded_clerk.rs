//! The client of the sharded service: it knows the controller, and asks it which group to ask.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use crate::client::{RequestError, Servers};
use crate::controller::{self, Configuration, ControllerClerk, GroupId};
use crate::key_value::Operation;
use crate::session::{ClientId, RequestId};
use crate::sharded::{Groups, Reply, Request, ask, shard_of};

/// A client of the sharded service. It repeats a request, with the same number, until a group
/// answers it.
pub struct ShardedClerk<S, G> {
    id: ClientId,
    controller: ControllerClerk<S>,
    groups: G,
    last_number: Cell<u64>,
    configuration: RefCell<Configuration>,
    /// The server to ask first, of each group.
    leaders: RefCell<BTreeMap<GroupId, usize>>,
}

impl<S, G> ShardedClerk<S, G>
where
    S: Servers<Request = controller::Request, Reply = Configuration>,
    G: Groups,
{
    /// A client whose number no other client has.
    pub fn new(id: ClientId, controller: ControllerClerk<S>, groups: G) -> Self {
        Self {
            id,
            controller,
            groups,
            last_number: Cell::new(0),
            configuration: RefCell::default(),
            leaders: RefCell::default(),
        }
    }

    /// Does an operation: the value of a Get.
    ///
    /// # Errors
    /// The controller did not answer in time.
    pub async fn request(&self, key: &str, operation: Operation) -> Result<String, RequestError> {
        let number = self.last_number.get() + 1;
        self.last_number.set(number);
        let id = RequestId { client: self.id, number };
        let request = Request::Client { id, key: key.to_owned(), operation };
        loop {
            if let Some(value) = self.ask_owner(key, &request).await {
                return Ok(value);
            }
            self.controller.servers().pause(CONFIGURATION_PAUSE).await;
            let newest = self.controller.query(None).await?;
            self.configuration.replace(newest);
        }
    }

    /// Asks the servers of the shard's owner, up to each twice.
    async fn ask_owner(&self, key: &str, request: &Request) -> Option<String> {
        let (group, servers) = {
            let configuration = self.configuration.borrow();
            let group = configuration.shards[shard_of(key)]?;
            (group, configuration.groups.get(&group)?.clone())
        };
        let first = self.leaders.borrow().get(&group).copied().unwrap_or_default();
        let answer = ask(&self.groups, &servers, first, 2 * servers.len(), request).await;
        let (server, Reply::Value(value)) = answer? else { return None };
        self.leaders.borrow_mut().insert(group, server);
        Some(value)
    }
}

/// Pause before the controller is asked again.
const CONFIGURATION_PAUSE: Duration = Duration::from_millis(100);
