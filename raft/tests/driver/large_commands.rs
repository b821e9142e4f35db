//! Large commands over TCP and on disks: what is accepted works, and costs no leader its place.

use raft::driver::{Command, MachineError, Settings};
use raft::{Raft, RoleName, StateMachine};

use crate::support::{ElectionOrder, FirstLeads, TEST_TIMEOUT, free_addresses};

/// Counts bytes.
#[derive(Default)]
struct Bytes(usize);

/// Bytes, without an encoding of their own.
struct Blob(Vec<u8>);

impl Command for Blob {
    fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), MachineError> {
        bytes.extend_from_slice(&self.0);
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Self, MachineError> {
        Ok(Self(bytes.to_vec()))
    }
}

impl StateMachine for Bytes {
    type Command = Blob;
    type Answer = usize;

    fn apply(&mut self, Blob(command): Blob) -> usize {
        self.0 += command.len();
        self.0
    }

    fn snapshot(&self) -> Result<Vec<u8>, MachineError> {
        Ok(self.0.to_le_bytes().to_vec())
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), MachineError> {
        self.0 = usize::from_le_bytes(snapshot.try_into()?);
        Ok(())
    }
}

const LARGE: usize = 17 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_above_all_limits_of_messages_and_queues_succeed_in_one_term() {
    let directory = tempfile::tempdir().expect("a directory");
    let addresses: [String; 3] = free_addresses();
    let settings =
        Settings { command_bytes_max: LARGE, deadline: TEST_TIMEOUT, ..Settings::default() };
    let mut rafts = Vec::new();
    for id in 1..=3_u64 {
        let builder = Raft::builder(id)
            .peers((1..).zip(addresses.iter().cloned()))
            .data_dir(directory.path().join(id.to_string()))
            .listen(&addresses[id as usize - 1])
            .settings(settings.clone())
            .election_timeout(ElectionOrder::SHORTEST, ElectionOrder::LONGEST)
            .jitter(FirstLeads(id))
            .state_machine(Bytes::default());
        rafts.push(builder.start().await.expect("directory and address are free"));
    }
    let led = rafts[0].wait(|status| status.leader.is_some(), TEST_TIMEOUT).await;
    let leader = led.expect("an election").leader.expect("checked by the condition");
    let leader = &rafts[leader.number() as usize - 1];
    leader.wait(|status| status.role == RoleName::Leader, TEST_TIMEOUT).await.expect("it leads");
    assert_eq!(leader.propose(Blob(vec![1])).await.expect("it leads"), 1);
    let term = leader.status().current_term;
    let applied = leader.propose(Blob(vec![2; LARGE])).await;
    assert_eq!(applied.expect("it is accepted, so it works"), LARGE + 1);
    for raft in &rafts {
        let caught_up =
            raft.wait(|status| status.last_applied >= status.last_log, TEST_TIMEOUT).await;
        assert_eq!(caught_up.expect("it follows").current_term, term, "of peer {}", raft.id());
    }
    for raft in &rafts {
        raft.shutdown().await;
    }
}
