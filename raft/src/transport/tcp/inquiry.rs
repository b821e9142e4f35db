//! Inquiry of a peer that is not known: whether there may be a configuration with it that this peer lacks.
//!
//! A new member is not known to those that are behind, and must reach them: it may be the leader. A
//! removed peer may say that it is one, and peers of versions 1 and 2 say nothing. So what a peer says of
//! itself does not admit it; the known members are asked, each over a new connection, for their newest
//! configurations. If a quorum has none that this peer lacks, there is none
//! ([`ClusterView::is_newest`]). Without a quorum nothing is known, and the peer is accepted: all known
//! members may have been replaced while this one was away. Accepted ones are looked at again and again.
//!
//! There is one inquiry at a time, and its answers are used for a second, so that a flood of strangers
//! causes few.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::context::Context;
use super::dial::dial;
use super::error::ConnectionError;
use super::process::Process;
use super::wire::VERSION;
use crate::cluster_view::{ClusterView, NotAccepted, OwnPlace, StatedIdentity};
use crate::types::PeerId;

/// Age up to which answers are used.
const FRESH: Duration = Duration::from_secs(1);
/// Time after which a connected peer that is still not known is looked at again.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The state of inquiries.
#[derive(Debug, Default)]
pub(super) struct Inquiry {
    wanted: Notify,
    answers: watch::Sender<Answers>,
}

/// Statements of the members.
#[derive(Clone, Debug, Default)]
struct Answers {
    /// The time at which they were asked.
    at: Option<Instant>,
    stated: BTreeMap<PeerId, StatedIdentity>,
}

impl Inquiry {
    /// Asks whenever it is wanted, and never ends.
    pub(super) async fn run(&self, context: &Arc<Context>) {
        loop {
            self.wanted.notified().await;
            if !self.answers.borrow().are_fresh() {
                let at = Some(Instant::now());
                let stated = ask_members(context).await;
                self.answers.send_replace(Answers { at, stated });
            }
        }
    }

    /// Checks a peer that has connected, by what it states, if it does; then, unless it is known, by what
    /// the members state.
    ///
    /// # Errors
    /// It is of another cluster, or not a member of any configuration that may be in force.
    pub(super) async fn check(
        &self,
        context: &Context,
        peer: PeerId,
        process: Option<&Process>,
    ) -> Result<(), ConnectionError> {
        let view = Arc::clone(&context.view.borrow());
        if let Some(process) = process {
            view.check(peer, &process.identity)?;
        }
        if view.knows(peer) {
            return Ok(());
        }
        let answers = self.fresh_answers().await;
        let (view, is_newest) = context.judge(&answers.stated);
        if view.knows(peer) || !is_newest {
            return Ok(());
        }
        let (place, committed) = (OwnPlace::Member, view.own.committed);
        Err(NotAccepted::NotAMember { place, committed }.into())
    }

    /// Checks a connected peer again with every view, and now and then as long as it is not known. Returns
    /// the reason for which it is not accepted any more.
    pub(super) async fn rejected(
        &self,
        context: &Context,
        peer: PeerId,
        process: Option<&Process>,
    ) -> ConnectionError {
        let mut view = context.view.subscribe();
        loop {
            let is_known = view.borrow_and_update().knows(peer);
            if let Err(reason) = self.check(context, peer, process).await {
                return reason;
            }
            // Its sender lives as long as the context.
            if is_known {
                let _ = view.changed().await;
            } else {
                let _ = timeout(AGAIN_AFTER, view.changed()).await;
            }
        }
    }

    async fn fresh_answers(&self) -> Answers {
        let mut answers = self.answers.subscribe();
        let known = answers.borrow_and_update().clone();
        if known.are_fresh() {
            return known;
        }
        self.wanted.notify_one();
        let _ = answers.changed().await;
        answers.borrow().clone()
    }
}

impl Answers {
    fn are_fresh(&self) -> bool {
        self.at.is_some_and(|at| at.elapsed() < FRESH)
    }
}

impl Context {
    /// The view, and whether no configuration after its own can be committed, by these statements.
    fn judge(&self, stated: &BTreeMap<PeerId, StatedIdentity>) -> (Arc<ClusterView>, bool) {
        // In this order: a view may be newer than the commit index, never older.
        let commit = self.commit_index();
        let view = Arc::clone(&self.view.borrow());
        let is_newest = view.is_newest(self.me, commit, stated);
        (view, is_newest)
    }
}

/// Asks the known members, until their answers decide or all have answered or failed.
async fn ask_members(context: &Arc<Context>) -> BTreeMap<PeerId, StatedIdentity> {
    let (mut asked, mut stated) = (JoinSet::new(), BTreeMap::new());
    for (peer, address) in context.driver_addresses() {
        asked.spawn(ask(Arc::clone(context), peer, address));
    }
    while let Some(answer) = asked.join_next().await {
        stated.extend(answer.ok().flatten());
        if context.judge(&stated).1 {
            break;
        }
    }
    stated
}

/// Asks one member.
async fn ask(
    context: Arc<Context>,
    peer: PeerId,
    address: String,
) -> Option<(PeerId, StatedIdentity)> {
    // As long as a probe: the side that waits has the same limit for its whole handshake.
    let limit = context.options.handshake_timeout / 3;
    let dialled = timeout(limit, dial(&context, peer, &address, VERSION, |_| {})).await;
    let (_, answer) = dialled.ok()?.ok()?;
    Some((peer, answer.process?.identity))
}
