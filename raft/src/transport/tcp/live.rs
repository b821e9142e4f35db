//! State of an incoming connection after its handshake, shared with those that may end it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::error::Disconnect;
use super::process::Process;

/// An incoming connection after its handshake.
#[derive(Debug)]
pub(super) struct Live {
    /// The process at the other end, unless it speaks a version without.
    pub(super) process: Option<Process>,
    pub(super) address: SocketAddr,
    probe: Notify,
    state: watch::Sender<State>,
}

#[derive(Clone, Debug)]
enum State {
    /// The number of reads while a probe waits for one.
    Open(u64),
    Replaced,
    Ended,
}

impl Live {
    pub(super) fn new(process: Option<Process>, address: SocketAddr) -> Arc<Self> {
        let (probe, state) = (Notify::new(), watch::Sender::new(State::Open(0)));
        Arc::new(Self { process, address, probe, state })
    }

    /// Lets a newer connection take its place.
    pub(super) fn replace(&self) {
        self.state.send_replace(State::Replaced);
    }

    /// Notes its end.
    pub(super) fn end(&self) {
        self.state.send_replace(State::Ended);
    }

    /// Waits until it is to end.
    pub(super) async fn ended(&self) -> Disconnect {
        let mut state = self.state.subscribe();
        // Its sender lives as long as this.
        let _ = state.wait_for(|state| !matches!(state, State::Open(_))).await;
        Disconnect::Replaced
    }

    /// Waits until a probe is to be sent.
    pub(super) async fn probed(&self) {
        self.probe.notified().await;
    }

    /// Notes that bytes came in.
    pub(super) fn heard(&self) {
        // One is the connection itself.
        if self.state.receiver_count() > 1 {
            self.state.send_if_modified(|state| match state {
                State::Open(reads) => {
                    *reads += 1;
                    true
                }
                State::Replaced | State::Ended => false,
            });
        }
    }

    /// Sends a probe, and returns whether anything comes in within the limit.
    pub(super) async fn answers_within(&self, limit: Duration) -> bool {
        let mut state = self.state.subscribe();
        if !matches!(*state.borrow_and_update(), State::Open(_)) {
            return false;
        }
        self.probe.notify_one();
        let changed = timeout(limit, state.changed()).await;
        matches!(changed, Ok(Ok(()))) && matches!(*state.borrow(), State::Open(_))
    }
}
