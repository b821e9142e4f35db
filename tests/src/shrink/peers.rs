//! Fewer peers: one is taken out with all that is decided about it, and the ones after it move up.

use raft::codec;

use super::attempts::Attempts;
use crate::case::{Case, Change, Decision, Links, MessageName, PeerSet, Step};
use crate::world::{peer_id, server_of};

/// Tries to do without each peer, as long as one can go.
pub(super) fn remove(attempts: &mut Attempts) {
    while (0..attempts.best.settings.peers).rev().any(|peer| {
        let case = without(&attempts.best, peer);
        case.settings.initial_members > 0 && attempts.try_case(case)
    }) {}
}

fn without(case: &Case, gone: usize) -> Case {
    let mut case = case.clone();
    case.settings.peers -= 1;
    if gone < case.settings.initial_members {
        case.settings.initial_members -= 1;
    }
    if gone < case.settings.clocks.len() {
        case.settings.clocks.remove(gone);
    }
    let peers = case.settings.peers;
    case.decisions = case.decisions.iter().filter_map(|one| renamed(one, gone, peers)).collect();
    case
}

/// A peer's server number after the removal of another one.
fn server(peer: usize, gone: usize) -> Option<usize> {
    match peer.cmp(&gone) {
        std::cmp::Ordering::Less => Some(peer),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(peer - 1),
    }
}

fn set(peers: PeerSet, gone: usize) -> PeerSet {
    peers.iter().filter_map(|peer| server(peer, gone)).collect()
}

fn renamed(decision: &Decision, gone: usize, peers: usize) -> Option<Decision> {
    let name = |name: &MessageName| {
        let (from, to) = (server(name.from, gone)?, server(name.to, gone)?);
        Some(MessageName { from, to, ..*name })
    };
    Some(match decision {
        Decision::Lost(message) => Decision::Lost(name(message)?),
        Decision::Late(message, delay) => Decision::Late(name(message)?, *delay),
        Decision::Twice(message, delay) => Decision::Twice(name(message)?, *delay),
        Decision::Flipped(message, bits) => Decision::Flipped(name(message)?, *bits),
        Decision::Flush { peer, number, fault } => {
            Decision::Flush { peer: server(*peer, gone)?, number: *number, fault: *fault }
        }
        Decision::Step { at, step } => {
            Decision::Step { at: *at, step: renamed_step(step, gone, peers)? }
        }
    })
}

fn renamed_change(change: Change, gone: usize) -> Option<Change> {
    Some(match change {
        Change::Add(peer) => Change::Add(server(peer, gone)?),
        Change::Promote(peer) => Change::Promote(server(peer, gone)?),
        Change::Demote(peer) => Change::Demote(server(peer, gone)?),
        Change::Remove(peer) => Change::Remove(server(peer, gone)?),
        Change::Replace { voters, learners } => {
            Change::Replace { voters: set(voters, gone), learners: set(learners, gone) }
        }
    })
}

fn renamed_step(step: &Step, gone: usize, peers: usize) -> Option<Step> {
    let mut step = step.clone();
    match &mut step {
        Step::Crash { peer, .. }
        | Step::Start { peer }
        | Step::Pause { peer, .. }
        | Step::Disconnect { peer }
        | Step::Connect { peer }
        | Step::Disk { peer, .. }
        | Step::Snapshot { peer }
        | Step::Resign { peer }
        | Step::Wipe { peer }
        | Step::Offer { peer, .. } => *peer = server(*peer, gone)?,
        Step::Forge { peer, message } => {
            let mut envelope = codec::decode(message).ok()?;
            *peer = server(*peer, gone)?;
            envelope.to = peer_id(*peer);
            if let Some(from) = server_of(envelope.from, peers + 1) {
                envelope.from = peer_id(server(from, gone)?);
            }
            *message = codec::encode(&envelope).into();
        }
        Step::Transfer { peer, to } => {
            (*peer, *to) = (server(*peer, gone)?, server(*to, gone)?);
        }
        Step::Cut(links) | Step::Heal(links) => {
            *links = Links { from: set(links.from, gone), to: set(links.to, gone), ..*links };
            if links.from.is_empty() || links.to.is_empty() {
                return None;
            }
        }
        Step::Change { peer, change } => {
            *peer = server(*peer, gone)?;
            *change = renamed_change(*change, gone)?;
        }
        Step::Calm { core } => {
            *core = set(*core, gone);
            if core.len() <= peers / 2 {
                *core = PeerSet::first(peers);
            }
        }
        Step::Network { .. } | Step::Ask { .. } => {}
    }
    Some(step)
}
