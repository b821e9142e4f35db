//! Speed of the core alone: three nodes in one thread, messages passed by hand, every write durable
//! at once, 16-byte commands, a fixed number of them in flight.
//!
//! ```text
//! cargo run --release -p raft --example lockstep -- [in flight: 256] [commits: 2000000]
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its result")]
#![expect(clippy::disallowed_methods, reason = "the measurement needs a clock, the core does not")]

use std::collections::VecDeque;
use std::error::Error;

use raft::{
    Bytes, Config, Envelope, Input, Instant, Jitter, Node, Output, PeerId, PersistentState, Term,
};

struct ByName(u64);

impl Jitter for ByName {
    fn draw(&mut self, _: Term) -> u64 {
        self.0 << 60
    }
}

struct Lockstep {
    nodes: Vec<Node>,
    wire: VecDeque<Envelope>,
    now: Instant,
    applied: [u64; 3],
}

impl Lockstep {
    fn new() -> Result<Self, Box<dyn Error>> {
        let names = [0, 1, 2].map(PeerId::new);
        let mut nodes = Vec::new();
        for name in names {
            let config = Config::new(name, names.to_vec()).validate()?;
            let jitter = Box::new(ByName(name.number()));
            nodes.push(Node::new(config, PersistentState::default(), Instant::START, jitter)?);
        }
        let now = nodes[0].poll_timeout().unwrap_or_default();
        nodes[0].handle(now, Input::Tick);
        let mut lockstep = Self { nodes, wire: VecDeque::new(), now, applied: [0; 3] };
        lockstep.settle();
        Ok(lockstep)
    }

    /// Executes all outputs until no message is left.
    fn settle(&mut self) {
        for index in 0..self.nodes.len() {
            self.poll(index);
        }
        while let Some(envelope) = self.wire.pop_front() {
            let index = envelope.to.number() as usize;
            self.nodes[index].handle(self.now, Input::Receive(envelope));
            self.poll(index);
        }
    }

    fn poll(&mut self, index: usize) {
        while let Some(output) = self.nodes[index].poll_output() {
            match output {
                Output::Persist(write) => {
                    self.nodes[index].handle(self.now, Input::Persisted(write.id));
                }
                Output::Send(envelope) => self.wire.push_back(envelope),
                Output::Apply(entries) => self.applied[index] += entries.len() as u64,
                // All entries are in memory, no snapshots are sent, nothing is read, no peer joins or leaves.
                Output::ReadEntries(_)
                | Output::Restore(_)
                | Output::Peers(_)
                | Output::ReadReady { .. }
                | Output::ReadDropped { .. } => {}
            }
        }
    }

    /// Compacts the logs, as a service with snapshots does.
    fn compact(&mut self) -> Result<(), Box<dyn Error>> {
        for node in &mut self.nodes {
            let through = node.status().last_applied;
            node.compact(self.now, through, [].into())?;
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let in_flight = arguments.next().transpose()?.unwrap_or(256);
    let commits = arguments.next().transpose()?.unwrap_or(2_000_000);
    let mut lockstep = Lockstep::new()?;
    let command: Bytes = [7; 16].as_slice().into();
    let rounds = commits / in_flight;
    let start = std::time::Instant::now();
    for round in 0..rounds {
        for _ in 0..in_flight {
            lockstep.nodes[0].propose(lockstep.now, command.clone())?;
        }
        lockstep.settle();
        if round % 64 == 63 {
            lockstep.compact()?;
            lockstep.settle();
        }
    }
    let ns = start.elapsed().as_nanos() as f64 / (rounds * in_flight) as f64;
    let applied = lockstep.applied.iter().sum::<u64>() / 3;
    println!("{applied} commits on 3 nodes, {in_flight} in flight: {ns:.0} ns a commit");
    Ok(())
}
