//! Clients: each has one request at a time and repeats it until it is answered or its patience
//! ends.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::clients::SharedClients;
use super::fault_plan::{FaultPlan, Phase};
use crate::case::Step;
use crate::cluster::Cluster;
use crate::kv::{Operation, Request};
use crate::oracle::history::Asked;
use crate::sim::random::{Chance, Domain, Stream};

/// One client.
pub(crate) struct Client {
    cluster: Cluster,
    number: u16,
    clients: SharedClients,
    /// The peer that answered last.
    leader: Cell<Option<usize>>,
}

/// Starts the clients of a plan.
pub(crate) fn start(
    cluster: &Cluster,
    plan: &FaultPlan,
    phase: &Rc<Cell<Phase>>,
    clients: &SharedClients,
) {
    for number in 0..plan.clients {
        let client = Client::new(cluster, number, clients);
        let (phase, plan) = (Rc::clone(phase), plan.clone());
        cluster.spawn(format!("client {number}"), async move {
            client.run(&plan, &phase).await;
        });
    }
}

impl Client {
    pub(crate) fn new(cluster: &Cluster, number: u16, clients: &SharedClients) -> Self {
        Self {
            cluster: cluster.clone(),
            number,
            clients: Rc::clone(clients),
            leader: Cell::new(None),
        }
    }

    /// Sends one request after the other during the fault phase.
    async fn run(&self, plan: &FaultPlan, phase: &Cell<Phase>) {
        for serial in 1.. {
            let mut rng = self.rng(serial, CHOICES);
            self.cluster.sleep(rng.between(Duration::ZERO, plan.think_time)).await;
            if phase.get() == Phase::Liveness {
                return;
            }
            let operation = self.drawn_operation(&mut rng, serial, plan.keys);
            self.request(serial, operation).await;
        }
    }

    /// Sends one request after the other, with short pauses, while `busy` is set.
    pub(crate) async fn run_workload(
        &self,
        busy: &Cell<bool>,
        operation: fn(u16, u32) -> Operation,
    ) {
        let number = self.number;
        for serial in 1.. {
            let names = u64::from(number) << 32 | u64::from(serial);
            let mut rng = self.cluster.client_rng(names);
            let heartbeat = self.cluster.world().settings().timing.heartbeat;
            self.cluster.sleep(rng.between(Duration::ZERO, heartbeat)).await;
            if !busy.get() {
                return;
            }
            self.request(serial, operation(number, serial)).await;
        }
    }

    fn rng(&self, serial: u32, purpose: u64) -> Stream {
        let names = [u64::from(self.number) << 32 | u64::from(serial), purpose];
        Stream::new(self.cluster.seed(), Domain::Client, names)
    }

    /// Every value is written once, so that a read identifies its write.
    fn drawn_operation(&self, rng: &mut Stream, serial: u32, keys: u8) -> Operation {
        let key = rng.below(u64::from(keys)) as u8;
        let value = u64::from(serial) * 100 + u64::from(self.number) + 1;
        match rng.below(6) {
            0 => Operation::Get { key },
            1 | 2 => Operation::Read { key },
            3 | 4 => Operation::Put { key, value },
            _ => Operation::Swap { key, expected: self.last_seen(key), value },
        }
    }

    /// The newest value any client has seen or written, so that swaps succeed at times.
    fn last_seen(&self, key: u8) -> u64 {
        let history = self.clients.history.borrow();
        let about_key = history
            .requests()
            .iter()
            .rev()
            .find(|asked| asked.operation.key() == key && asked.answer.is_some());
        about_key.map_or(0, |asked| match asked.operation {
            Operation::Get { .. } | Operation::Read { .. } => {
                asked.answer.map_or(0, |(_, value)| value)
            }
            Operation::Put { value, .. } | Operation::Swap { value, .. } => value,
        })
    }

    /// Repeats a request until it is answered or patience ends; returns whether it was answered.
    pub(crate) async fn request(&self, serial: u32, operation: Operation) -> bool {
        self.clients.waiting.update(|waiting| waiting + 1);
        let answered = self.request_until_answered(serial, operation).await;
        self.clients.waiting.update(|waiting| waiting - 1);
        answered
    }

    async fn request_until_answered(&self, serial: u32, operation: Operation) -> bool {
        let client = self.number;
        self.cluster.world_mut().record(Step::Ask { client, serial, operation });
        let asked_at = self.cluster.world().events();
        let entry = self.clients.history.borrow_mut().begins(Asked {
            client,
            serial,
            operation,
            asked_at,
            answer: None,
        });
        let timing = self.cluster.world().settings().timing;
        let end = self.cluster.now().after(timing.election_max * TIMEOUTS_MAX);
        for attempt in 0.. {
            let request = Request { client, serial, attempt, operation };
            let server = match operation {
                Operation::Read { .. } => self.attempt_read(&request).await,
                Operation::Get { .. } | Operation::Put { .. } | Operation::Swap { .. } => {
                    self.attempt(&request).await
                }
            };
            if let Some(answer) = self.cluster.world().answer(client, serial) {
                self.clients.history.borrow_mut().is_answered(entry, answer);
                self.leader.set(server);
                return true;
            }
            self.leader.set(None);
            if self.cluster.now() >= end {
                break;
            }
        }
        self.cluster.world_mut().abandon_request(client, serial);
        false
    }

    /// Sends a request to one peer and waits for an answer for a while. A peer that does not lead
    /// rejects it.
    async fn attempt(&self, request: &Request) -> Option<usize> {
        let mut rng = self.rng(request.serial, u64::from(request.attempt));
        let any = rng.index(self.cluster.size());
        let server = self.leader.get().unwrap_or(any);
        let timing = self.cluster.world().settings().timing;
        let padding = self.cluster.world().settings().padding;
        if self.cluster.world_mut().request(server, request, padding).is_none() {
            self.cluster.sleep(rng.between(timing.heartbeat / 8, timing.heartbeat)).await;
            return None;
        }
        let end = self.cluster.now().after(timing.election_max * 2);
        while self.cluster.now() < end {
            self.cluster.sleep(timing.heartbeat / 4).await;
            if self.cluster.world().answer(request.client, request.serial).is_some() {
                return Some(server);
            }
        }
        None
    }

    /// Sends a read to one peer, which need not lead, and waits until it is served or dropped.
    async fn attempt_read(&self, request: &Request) -> Option<usize> {
        let mut rng = self.rng(request.serial, u64::from(request.attempt));
        let any = rng.index(self.cluster.size());
        let any_peer = rng.happens(Chance::percent(50));
        let server = self.leader.get().filter(|_| !any_peer).unwrap_or(any);
        let timing = self.cluster.world().settings().timing;
        let read = self.cluster.world_mut().request_read(server, request);
        let Some(read) = read else {
            self.cluster.sleep(rng.between(timing.heartbeat / 8, timing.heartbeat)).await;
            return None;
        };
        let end = self.cluster.now().after(timing.election_max * 2);
        while self.cluster.now() < end && self.cluster.world().is_read_open(read) {
            self.cluster.sleep(timing.heartbeat / 4).await;
        }
        let answered = self.cluster.world().answer(request.client, request.serial).is_some();
        answered.then_some(server)
    }
}

/// A purpose of a request's stream that no attempt has.
const CHOICES: u64 = 1 << 32;

/// Patience of a client, in longest election timeouts.
const TIMEOUTS_MAX: u32 = 6;
