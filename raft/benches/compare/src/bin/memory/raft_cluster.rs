//! Three nodes of this library.

use std::time::Duration;

use raft::driver::{MachineError, from_bytes, to_bytes};
use raft::storage::MemoryStorage;
use raft::transport::memory::Hub;
use raft::{PeerId, Raft, RoleName, StateMachine};
use serde::{Deserialize, Serialize};

use crate::{Command, Contender, Fallible};

#[derive(Clone)]
pub(crate) struct Cluster {
    leader: Raft<Counter>,
    others: Vec<Raft<Counter>>,
}

/// Counts commands.
#[derive(Default)]
pub(crate) struct Counter(u64);

#[derive(Serialize, Deserialize)]
pub(crate) struct Put(Command);

impl StateMachine for Counter {
    type Command = Put;
    type Answer = u64;

    fn apply(&mut self, Put(command): Put) -> u64 {
        self.0 += u64::from(command[8] & 1) + 1;
        self.0
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        to_bytes(&self.0)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        self.0 = from_bytes(snapshot)?;
        Ok(())
    }
}

impl Contender for Cluster {
    async fn start() -> Fallible<Self> {
        let hub = Hub::default();
        let mut rafts = Vec::new();
        for id in 1..=3 {
            let raft = Raft::builder(id)
                .peers([1, 2, 3])
                .storage(MemoryStorage::default())
                .transport(hub.join(PeerId::new(id)))
                .state_machine(Counter::default())
                .start()
                .await?;
            rafts.push(raft);
        }
        let limit = Duration::from_secs(10);
        loop {
            let known = rafts[0].wait(|status| status.leader.is_some(), limit).await?;
            let leader = known.leader.ok_or("no leader")?;
            let index = rafts.iter().position(|raft| raft.id() == leader).ok_or("no such peer")?;
            if rafts[index].status().role == RoleName::Leader {
                let leader = rafts.swap_remove(index);
                return Ok(Self { leader, others: rafts });
            }
            tokio::task::yield_now().await;
        }
    }

    async fn write(&self, command: Command) {
        self.leader.propose(Put(command)).await.expect("it leads");
    }

    async fn end(self) {
        for raft in self.others.iter().chain([&self.leader]) {
            raft.shutdown().await;
        }
    }
}
