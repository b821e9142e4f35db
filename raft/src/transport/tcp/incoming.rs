//! Incoming connections: accept, identify (`identify.rs`), receive until the end (`identified.rs`).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, timeout};

use super::context::Context;
use super::error::ConnectionError;
use super::inquiry::Inquiry;
use super::live::Live;
use super::rejection_log::RejectionLog;
use super::unfinished::Unfinished;
use super::unidentified::{Ticket, Unidentified};
use crate::transport::Inbox;
use crate::types::PeerId;

/// Pause after a failed accept, for example without a free socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Interval of summaries of the lines that were left out.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(10);

/// The listening end of all links of a peer.
pub(super) struct Incoming {
    pub(super) context: Arc<Context>,
    pub(super) inbox: Inbox,
    unidentified: Arc<Unidentified>,
    /// Unfinished messages of unknown peers.
    pub(super) unfinished: Unfinished,
    identified: Mutex<BTreeMap<PeerId, Arc<Live>>>,
    pub(super) rejections: RejectionLog,
    /// Decides on peers that are not known.
    pub(super) inquiry: Inquiry,
}

impl Incoming {
    pub(super) fn new(context: Arc<Context>, inbox: Inbox) -> Self {
        let unidentified = Arc::new(Unidentified::new(context.options.unidentified_max));
        // One of the largest messages at a time, in two growing buffers.
        let unfinished = Unfinished::new(context.options.frame_bytes_max.saturating_mul(4));
        let rejections = RejectionLog::new(Arc::clone(&context));
        let (identified, inquiry) = (Mutex::default(), Inquiry::default());
        Self { context, inbox, unidentified, unfinished, identified, rejections, inquiry }
    }

    /// Accepts connections until the task is aborted, which also ends them.
    pub(super) async fn run(self, listener: TcpListener) {
        let this = Arc::new(self);
        let mut connections = JoinSet::new();
        let mut summary = tokio::time::interval(SUMMARY_INTERVAL);
        summary.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let asking = Arc::clone(&this);
        connections.spawn(async move { asking.inquiry.run(&asking.context).await });
        loop {
            tokio::select! {
                _ = summary.tick() => this.rejections.summarize(),
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => this.take(stream, address, &mut connections),
                    Err(error) => {
                        this.rejections.accept_failed(&error);
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    fn take(self: &Arc<Self>, stream: TcpStream, address: SocketAddr, tasks: &mut JoinSet<()>) {
        let members = self.context.known_addresses();
        let ticket = self.unidentified.admit(address.ip().to_canonical(), &members);
        tasks.spawn(Arc::clone(self).connection(stream, address, ticket));
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, address: SocketAddr, ticket: Ticket) {
        let limit = self.context.options.handshake_timeout;
        let open = self.context.options.unidentified_max;
        let mut claimed = None;
        let identified = tokio::select! {
            biased;
            identified = timeout(limit, self.identify(stream, address, &ticket, &mut claimed)) => {
                identified
            }
            () = ticket.evicted() => Ok(Err(ConnectionError::Evicted { open }.into())),
        };
        drop(ticket);
        let (peer, end) = match identified {
            Ok(Ok(identified)) => (Some(identified.peer), self.serve(identified).await),
            Ok(Err(end)) => (None, end),
            Err(_) => (None, ConnectionError::HandshakeTimeout { limit }.into()),
        };
        self.rejections.ended(peer, claimed, address, &end);
    }

    pub(super) fn identified(&self) -> MutexGuard<'_, BTreeMap<PeerId, Arc<Live>>> {
        self.identified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
