//! The scenarios on real peers.
//!
//! The rules of the sharded service are those of the simulated world alone: groups apply their entries on
//! threads of their own here.

use std::cell::RefCell;
use std::rc::Rc;

use raft::verbose::Logger;
use raft_tests::case::Settings;
use raft_tests::failure::Failure;
use raft_tests::real::{RealGroup, RealOutcome, RealRun, run_groups};
use raft_tests::scenario::Body;
use raft_tests::sim::network::NetworkProfile;

use super::{Deployment, Scenario, Servers, Sharded, controller_setup};
use crate::history::History;
use crate::lab3::Lab;
use crate::lab4::controller::ControllerLab;
use crate::lab4::lab::ShardedLab;
use crate::world::Calls;

impl Scenario {
    /// Runs it once; `None` if it needs the simulated world.
    pub(super) fn on_real_peers(&self, seed: u64, logger: Option<Logger>) -> Option<RealOutcome> {
        Some(match self.deployment {
            Deployment::KeyValue(servers, body) => self.key_value(servers, body, seed, logger),
            Deployment::Controller(body) => self.controller(body, seed, logger),
            Deployment::Sharded(service, body) => self.sharded(service, body, seed, logger),
            Deployment::Drawn(..) => return None,
        })
    }

    fn key_value(
        &self,
        servers: Servers,
        body: fn(Lab) -> Body,
        seed: u64,
        logger: Option<Logger>,
    ) -> RealOutcome {
        let setup = servers.setup(seed, None);
        let settings = setup.settings().clone();
        let (calls, history) = shared();
        let (own, kept) = (calls.clone(), Rc::clone(&history));
        let start = |run: &RealRun| {
            let (group, peers) = setup.start(run)?;
            Ok((vec![peers], body(Lab::new(group, servers.limit, own, kept))))
        };
        let operations = || history.borrow().calls();
        self.run_on(seed, &settings, logger, &calls, operations, start)
    }

    fn controller(
        &self,
        body: fn(ControllerLab) -> Body,
        seed: u64,
        logger: Option<Logger>,
    ) -> RealOutcome {
        let setup = controller_setup(seed, NetworkProfile::LAB_RELIABLE, None);
        let (settings, calls) = (setup.settings().clone(), Calls::default());
        let own = calls.clone();
        let start = |run: &RealRun| {
            let (group, peers) = setup.start(run)?;
            Ok((vec![peers], body(ControllerLab::new(group, own))))
        };
        self.run_on(seed, &settings, logger, &calls, || calls.operations(), start)
    }

    fn sharded(
        &self,
        service: Sharded,
        body: fn(ShardedLab) -> Body,
        seed: u64,
        logger: Option<Logger>,
    ) -> RealOutcome {
        let (controllers, groups) = service.setups(seed, None);
        let settings = controllers[0].settings().clone();
        let (calls, history) = shared();
        let (own, kept) = (calls.clone(), Rc::clone(&history));
        let start = |run: &RealRun| {
            let mut peers = Vec::new();
            let mut labs = Vec::new();
            for setup in controllers {
                let (group, started) = setup.start(run)?;
                peers.push(started);
                labs.push(ControllerLab::new(group, own.clone()));
            }
            let mut started_groups = Vec::new();
            for setup in groups {
                let (group, started) = setup.start(run)?;
                peers.push(started);
                started_groups.push(group);
            }
            let lab = ShardedLab::new(labs, started_groups, service.limit, own, kept);
            Ok((peers, body(lab)))
        };
        let operations = || calls.operations() + history.borrow().calls();
        self.run_on(seed, &settings, logger, &calls, operations, start)
    }

    fn run_on(
        &self,
        seed: u64,
        settings: &Settings,
        logger: Option<Logger>,
        calls: &Calls,
        operations: impl FnOnce() -> u64,
        start: impl FnOnce(&RealRun) -> Result<(Vec<RealGroup>, Body), Failure>,
    ) -> RealOutcome {
        let mut summary = run_groups((self.name, self.part, seed), settings, logger, start)?;
        summary.traffic.rpcs += calls.made();
        summary.commands = operations();
        Ok(summary)
    }
}

fn shared() -> (Calls, Rc<RefCell<History>>) {
    (Calls::default(), Rc::new(RefCell::new(History::default())))
}
