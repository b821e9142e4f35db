//! The links to other peers: what this peer states about itself, and what became of it.

use std::sync::Arc;

use super::CoreTask;
use crate::cluster_view::ClusterView;
use crate::driver::machine::Machine;
use crate::identity::{Identity, Standing};
use crate::membership::{Address, Membership};
use crate::node::Node;
use crate::transport::{LinkReport, RefusalKind};
use crate::types::Index;

/// Everything that a [`ClusterView`] follows from, but for what only makes it newer.
#[derive(Clone)]
pub(in crate::driver) struct ViewKey {
    membership: Arc<Membership>,
    membership_index: Index,
    committed_index: Index,
    identity: Option<Identity>,
}

impl ViewKey {
    pub(in crate::driver) fn of(node: &Node) -> Self {
        Self {
            membership: Arc::clone(node.membership()),
            membership_index: node.membership_index(),
            committed_index: node.committed_membership_index(),
            identity: node.identity().cloned(),
        }
    }

    fn is_of(&self, node: &Node) -> bool {
        Arc::ptr_eq(&self.membership, node.membership())
            && self.membership_index == node.membership_index()
            && self.committed_index == node.committed_membership_index()
            && is_same(self.identity.as_ref(), node.identity())
    }
}

/// Compares what may change of an identity. A confirmed store only adds records.
fn is_same(before: Option<&Identity>, now: Option<&Identity>) -> bool {
    let (Some(before), Some(now)) = (before, now) else { return before.is_none() == now.is_none() };
    before.standing == now.standing
        && before.known.len() == now.known.len()
        && (now.standing == Standing::Confirmed || before.known == now.known)
}

/// The view of a node, with the address that its builder names if its configuration has none.
pub(in crate::driver) fn view_of(node: &Node, address: Option<&Address>) -> Arc<ClusterView> {
    let mut view = node.cluster_view();
    view.address = view.address.or_else(|| address.cloned());
    Arc::new(view)
}

impl<M: Machine> CoreTask<M> {
    /// Passes a new view to the transport, then the commit index.
    pub(super) fn update_view(&mut self) {
        if !self.view_key.is_of(&self.node) {
            self.view_key = ViewKey::of(&self.node);
            self.view = view_of(&self.node, self.view.address.as_ref());
            self.transport.set_view(&self.view);
        }
        self.transport.set_commit_index(self.node.status().commit_index);
    }

    /// Handles a report of the transport.
    pub(super) fn on_link(&mut self, report: LinkReport) {
        if let LinkReport::Removed { by, committed } = report {
            return self.node.note_removal(self.now, by, committed);
        }
        let mut refused = [0; RefusalKind::ALL.len()];
        self.shared.status.update(|status| {
            let changed = status.note_link(report);
            for link in &status.refused_links {
                refused[link.kind as usize] += 1;
            }
            changed
        });
        self.shared.metrics.set_links_refused(refused);
    }
}
