//! The task that owns the node: takes all requests, passes them to the node, executes its outputs,
//! and sleeps until the next request or timeout.
//!
//! Invariant: it never waits for a disk, a peer or the state machine.

mod leadership_transfer;
pub(super) mod links;
mod membership_request;
mod outputs;
pub(super) mod request;
mod request_handlers;
pub(super) mod snapshot_schedule;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::JoinHandle;

use self::links::ViewKey;
use self::request::{PendingChange, PendingTransfer, Request};
use self::snapshot_schedule::SnapshotSchedule;
use super::apply::job::Job;
use super::apply::query::Query;
use super::clock::Sleep;
use super::disk::Disk;
use super::error::{ReadError, StopReason};
use super::machine::Machine;
use super::shared::Shared;
use super::status::{DiskState, MemberState};
use super::waiters::Waiter;
use crate::cluster_view::ClusterView;
use crate::node::Node;
use crate::output::{AddressBook, Input};
use crate::role::RoleName;
use crate::transport::Transport;
use crate::types::{Instant, PeerId, ReadId, Term};

/// A running node.
pub(super) struct CoreTask<M: Machine> {
    pub(super) node: Node,
    pub(super) shared: Arc<Shared<M>>,
    pub(super) disk: Disk,
    pub(super) disk_state: DiskState,
    /// As last reported.
    pub(super) member: Option<MemberState>,
    pub(super) transport: Box<dyn Transport>,
    pub(super) addresses: AddressBook,
    /// As last passed to the transport.
    pub(super) view: Arc<ClusterView>,
    pub(super) view_key: ViewKey,
    pub(super) timeouts: Timeouts,
    /// The time of this turn.
    pub(super) now: Instant,
    /// The term led by this peer at the end of the last turn.
    pub(super) led_term: Option<Term>,
    pub(super) new_waiters: Vec<Waiter<M::Answer>>,
    /// Reads that the node has not confirmed yet.
    pub(super) reads: BTreeMap<ReadId, Box<dyn Query<M>>>,
    pub(super) next_read: ReadId,
    /// The membership change that a caller waits for.
    pub(super) change: Option<PendingChange>,
    /// The leadership transfers that callers wait for, all to the same peer.
    pub(super) transfers: Vec<PendingTransfer>,
    pub(super) snapshots: SnapshotSchedule,
    /// Limit on received snapshots.
    pub(super) snapshot_bytes_max: u64,
    pub(super) stop: Option<StopReason>,
    pub(super) timer: Timer,
    pub(super) requests: Vec<Request<M>>,
    pub(super) applier: JoinHandle<()>,
}

/// Timeouts of the core task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// Limit on the disk's answer.
    pub(super) disk_timeout: Duration,
    /// Limit on the callers' wait after leadership is lost.
    pub(super) outcome_timeout: Duration,
    /// Wait for a leader after the disk has recovered.
    pub(super) leader_wait: Duration,
}

/// The one timer of the task.
#[derive(Default)]
pub(super) struct Timer {
    set: Option<(Instant, Sleep)>,
    /// The node's next timeout, as of its last outputs.
    tick: Option<Instant>,
    /// The next deadline of a caller.
    expiry: Option<Instant>,
    /// The node gets no tick before this time.
    pub(super) no_tick_before: Instant,
}

/// Granularity of callers' deadlines.
const EXPIRY_GRID: Duration = Duration::from_millis(10);

impl<M: Machine> CoreTask<M> {
    /// Runs until the node is stopped or fails. The end is reported even by a future that is dropped
    /// before its first poll, as a runtime does that ends early.
    pub(super) fn run(mut self) -> impl Future<Output = ()> {
        let mut guard = StopGuard { shared: Arc::clone(&self.shared), reason: None };
        async move {
            self.turn();
            let reason = loop {
                if let Some(reason) = self.stop.take() {
                    break reason;
                }
                poll_fn(|context| self.poll_events(context)).await;
                self.turn();
            };
            guard.set_reason(&reason);
            self.end(reason).await;
        }
    }

    /// Takes all requests; pending while there are none. A turn reads the time anyway, so the timer
    /// is polled only if there is no request.
    fn poll_events(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.shared.requests.poll_take(context, &mut self.requests) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => self.timer.poll(context),
        }
    }

    /// Handles all requests, then executes all outputs.
    fn turn(&mut self) {
        self.now = self.shared.clock.now();
        let mut requests = std::mem::take(&mut self.requests);
        for request in requests.drain(..) {
            self.on_request(request);
        }
        self.requests = requests;
        self.shared.waiters.add(&mut self.new_waiters);
        self.check_disk();
        self.tick();
        self.check_leadership();
        self.process_outputs();
        self.update_view();
        self.publish();
        self.answer_membership_change();
        self.answer_transfers();
        self.set_timer();
    }

    /// Ticks the node when its timeout is due; requests since may have postponed it, which the node
    /// sees itself.
    fn tick(&mut self) {
        let due = self.timer.tick.filter(|_| self.disk_state == DiskState::Healthy);
        if due.is_some_and(|due| due <= self.now) {
            self.node.handle(self.now, Input::Tick);
        }
        if self.timer.expiry.is_some_and(|expiry| expiry <= self.now) {
            self.timer.expiry = self.shared.waiters.expire(self.now);
        }
    }

    /// The time of the next tick.
    fn node_timeout(&self) -> Option<Instant> {
        match self.disk_state {
            DiskState::Healthy => Some(self.node.poll_timeout()?.max(self.timer.no_tick_before)),
            DiskState::Stuck { .. } => None,
        }
    }

    /// Declares a disk stuck that does not answer: its leader would block the cluster.
    fn check_disk(&mut self) {
        let timeout = self.timeouts.disk_timeout;
        let Some(waited) = self.disk.silent_for(self.now, timeout) else { return };
        if self.disk_state == DiskState::Healthy && waited >= timeout {
            tracing::warn!(peer = %self.id(), ?waited, "the disk does not answer");
            self.disk_state = DiskState::Stuck { waited };
            self.node.resign(self.now);
        }
    }

    /// Notes an answer of the disk: the peer takes part again, and first waits for a leader.
    pub(super) fn disk_answered(&mut self) {
        if let DiskState::Stuck { .. } = self.disk_state {
            tracing::warn!(peer = %self.id(), "the disk answers again");
            self.disk_state = DiskState::Healthy;
            self.timer.no_tick_before = self.now.after(self.timeouts.leader_wait);
        }
    }

    /// Limits the wait of callers after leadership was lost.
    fn check_leadership(&mut self) {
        let leads = self.leading_term();
        if leads == self.led_term {
            return;
        }
        if self.led_term.is_some() {
            let until = self.now.after(self.timeouts.outcome_timeout);
            self.shared.waiters.shorten_deadlines(until);
            self.schedule_expiry(until);
        }
        self.led_term = leads;
    }

    fn publish(&mut self) {
        let (node, disk) = (&self.node, self.disk_state);
        let mut member = None;
        self.shared.status.update(|status| {
            let changed = status.update(node, disk);
            member = Some(status.member);
            changed
        });
        let (metrics, status) = (&self.shared.metrics, node.status());
        let receiver = &self.shared.snapshots.receiver;
        receiver.give_up_obsolete(status.current_term, status.commit_index);
        if std::mem::replace(&mut self.member, member) != member {
            let removed = member == Some(MemberState::Removed);
            metrics.removed.set(f64::from(u8::from(removed)));
            if removed {
                tracing::warn!(peer = %status.id, "removed from the cluster: shut this peer down");
            }
        }
        metrics.term.set(status.current_term.number() as f64);
        metrics.is_leader.set(f64::from(u8::from(status.role == RoleName::Leader)));
        metrics.commit_index.set(status.commit_index.number() as f64);
        metrics.calls_waiting.set(self.shared.admission.calls() as f64);
        metrics.store_new.set(f64::from(u8::from(node.votes_later())));
        metrics.terms_exhausted.set(f64::from(u8::from(node.terms_exhausted())));
        metrics.terms_refused.absolute(node.refused_term().map_or(0, |refused| refused.count));
        metrics.members_lost.set(node.members_lost() as f64);
        metrics.disk_stuck.set(f64::from(u8::from(disk != DiskState::Healthy)));
    }

    fn set_timer(&mut self) {
        let disk = match self.disk_state {
            DiskState::Healthy => self.disk.next_look(self.timeouts.disk_timeout),
            DiskState::Stuck { .. } => None,
        };
        self.timer.tick = self.node_timeout();
        let next = [self.timer.tick, self.timer.expiry, disk].into_iter().flatten().min();
        if let Some(next) = next {
            self.timer.set(next, |deadline| self.shared.clock.sleep_until(deadline));
        }
    }

    /// Schedules the expiry of a caller's deadline.
    pub(super) fn schedule_expiry(&mut self, deadline: Instant) {
        let seen = deadline.after(EXPIRY_GRID);
        self.timer.expiry = Some(self.timer.expiry.map_or(seen, |expiry| expiry.min(seen)));
    }

    pub(super) fn submit_job(&self, job: Job<M>) {
        if let Err(Job::Read(query)) = self.shared.jobs.put(job) {
            query.fail(ReadError::Stopped(self.shared.stop_reason()));
        }
    }

    /// The term led by this peer.
    pub(super) fn leading_term(&self) -> Option<Term> {
        let status = self.node.status();
        (status.role == RoleName::Leader).then_some(status.current_term)
    }

    pub(super) fn id(&self) -> PeerId {
        self.shared.id
    }

    /// Releases everything and stops.
    async fn end(self, reason: StopReason) {
        match reason {
            StopReason::ShutDown => {}
            StopReason::Killed
            | StopReason::Storage(_)
            | StopReason::StateMachine(_)
            | StopReason::RuntimeEnded
            | StopReason::Driver => self.disk.abandon(),
        }
        self.shared.end(&reason);
        let Self { disk, transport, shared, applier, reads, change, transfers, .. } = self;
        // Their callers learn that the node has stopped.
        drop((reads, change, transfers));
        drop(transport);
        let timeout = shared.settings.shutdown_timeout;
        // A hanging state machine must not delay the node's end further.
        let _ = tokio::time::timeout(timeout, applier).await;
        disk.end(timeout).await;
        let entries = Arc::clone(&shared.entries);
        let released = tokio::task::spawn_blocking(move || entries.release());
        // Nor must a hanging read.
        let _ = tokio::time::timeout(timeout, released).await;
    }
}

impl Timer {
    /// Fires at `next` or earlier: an earlier timer stays, since setting it again with every
    /// heartbeat would cost more than firing in vain.
    fn set(&mut self, next: Instant, sleep_until: impl FnOnce(Instant) -> Sleep) {
        if self.set.as_ref().is_none_or(|(deadline, _)| next < *deadline) {
            self.set = Some((next, sleep_until(next)));
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some((_, sleep)) = &mut self.set else { return Poll::Pending };
        let fired = sleep.as_mut().poll(context);
        if fired.is_ready() {
            self.set = None;
        }
        fired
    }
}

/// Reports the node's end in every case: the runtime may drop the task, and a bug may panic.
struct StopGuard<M: Machine> {
    shared: Arc<Shared<M>>,
    reason: Option<StopReason>,
}

impl<M: Machine> StopGuard<M> {
    /// Sets the reason to report. Writing to the field would capture no more than the field.
    fn set_reason(&mut self, reason: &StopReason) {
        self.reason = Some(reason.clone());
    }
}

impl<M: Machine> Drop for StopGuard<M> {
    fn drop(&mut self) {
        let reason = self.reason.take().unwrap_or_else(StopReason::of_dropped_task);
        self.shared.end(&reason);
        let reason = self.shared.stop_reason();
        let id = self.shared.id;
        match &reason {
            StopReason::ShutDown | StopReason::Killed | StopReason::RuntimeEnded => {
                tracing::info!(peer = %id, %reason, "the node has stopped");
            }
            StopReason::Storage(_) | StopReason::StateMachine(_) | StopReason::Driver => {
                tracing::error!(peer = %id, %reason, "the node has stopped");
            }
        }
        self.shared.metrics.stop(reason.name());
        self.shared.status.update(|status| {
            status.stop(reason);
            true
        });
    }
}
