//! Diagnosis of a cluster that makes no progress: the wait of each peer.

use std::fmt::Write as _;

use raft::Index;
use raft::progress::{Flow, Probe};
use raft::role::{Leader, Role};

use super::state::World;
use crate::sim::network::Connection;

impl World {
    /// Diagnosis of a peer, in a line.
    #[must_use]
    pub fn diagnose(&self, server: usize) -> String {
        let peer = &self.peers[server];
        let mut text = format!("peer {server}");
        let Some(node) = &peer.node else {
            return format!("{text} is down; its disk ends with {}", peer.disk.durable().last());
        };
        let status = node.status();
        let _ = write!(text, " {} in term {}", status.role, status.current_term);
        let _ = match node.role() {
            Role::Follower(follower) => match follower.leader {
                Some(leader) => write!(text, ", follows {leader}"),
                None => write!(text, ", no leader, voted for {}", Vote(status.voted_for)),
            },
            Role::PreCandidate(_) => write!(text, ", awaits pre-votes"),
            Role::Candidate(_) => write!(text, ", awaits votes"),
            Role::Leader(leader) => self.diagnose_followers(&mut text, server, leader),
        };
        let last = node.log().last();
        let _ = write!(
            text,
            "; log ends with {last}, {} durable, {} committed, {} applied",
            status.durable_index,
            status.commit_index,
            peer.service.last_applied()
        );
        if peer.disk.pending() > 0 {
            let _ = write!(text, "; {} writes not durable", peer.disk.pending());
        }
        if peer.paused_until.is_some_and(|until| until > self.now) {
            text.push_str("; paused");
        }
        let cut: Vec<String> = (0..self.size())
            .filter(|to| *to != server && self.network.link(server, *to) == Connection::Cut)
            .map(|to| to.to_string())
            .collect();
        if !cut.is_empty() {
            let _ = write!(text, "; cannot reach {}", cut.join(","));
        }
        text
    }

    fn diagnose_followers(
        &self,
        text: &mut String,
        server: usize,
        leader: &Leader,
    ) -> std::fmt::Result {
        for other in (0..self.size()).filter(|other| *other != server) {
            let Some(progress) = leader.followers.get(&self.peer_id(other)) else { continue };
            write!(text, ", {other} matches {}", progress.match_index)?;
            match &progress.flow {
                Flow::Probe(probe) => {
                    write!(text, " ({})", describe_probe(*probe, progress.next_index))?;
                }
                Flow::Replicate(in_flight) => write!(text, " ({} in flight)", in_flight.len())?,
                Flow::Snapshot(transfer) => write!(
                    text,
                    " (snapshot through {}, {} of {} bytes)",
                    transfer.snapshot.index(),
                    transfer.offset,
                    transfer.snapshot.data.len()
                )?,
            }
        }
        Ok(())
    }
}

fn describe_probe(probe: Probe, next_index: Index) -> String {
    match probe {
        Probe::Ready => format!("probe from {next_index} is due"),
        Probe::Waiting => format!("probe from {next_index} is open_pre_votes"),
        Probe::Silent => format!("silent since the probe from {next_index}"),
    }
}

struct Vote(Option<raft::PeerId>);

impl std::fmt::Display for Vote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(candidate) => candidate.fmt(f),
            None => f.write_str("-"),
        }
    }
}
