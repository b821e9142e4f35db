//! Open requests of clients: the peers that accepted them, and the first answer.
//!
//! A peer answers the client that sent it the request when it has executed it. A crash loses the
//! peer's open requests.

use crate::case::PeerSet;
use crate::kv::{Execution, Request, Seen};

/// The clients' open requests.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenRequests {
    open: Vec<Open>,
}

/// A client's newest request.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    serial: u32,
    /// The peers that accepted it and have not crashed since.
    asked: PeerSet,
    answer: Option<(u64, Seen)>,
    abandoned: bool,
}

impl OpenRequests {
    /// A peer has accepted a request.
    pub(super) fn record_taken(&mut self, peer: usize, request: &Request) {
        let open = self.open_mut(request.client);
        if open.serial != request.serial {
            *open = Open { serial: request.serial, ..Open::default() };
        }
        open.asked = open.asked.with(peer);
    }

    /// A peer has executed a request, now or before.
    pub(super) fn record_executed(
        &mut self,
        peer: usize,
        request: &Request,
        execution: Execution,
        event: u64,
    ) {
        let Some(open) = self.open.get_mut(usize::from(request.client)) else { return };
        let value = match execution {
            Execution::Executed(value) | Execution::Repeated(value) => value,
            Execution::Stale => return,
        };
        if open.serial == request.serial && open.asked.contains(peer) && open.answer.is_none() {
            open.answer = Some((event, value));
        }
    }

    /// A client has begun a read.
    pub(super) fn record_read(&mut self, client: u16, serial: u32) {
        let open = self.open_mut(client);
        if open.serial != serial {
            *open = Open { serial, ..Open::default() };
        }
    }

    /// A peer has served a read.
    pub(super) fn record_served(&mut self, client: u16, serial: u32, event: u64, value: Seen) {
        let open = self.open_mut(client);
        if open.serial == serial && open.answer.is_none() {
            open.answer = Some((event, value));
        }
    }

    fn open_mut(&mut self, client: u16) -> &mut Open {
        let client = usize::from(client);
        if client >= self.open.len() {
            self.open.resize(client + 1, Open::default());
        }
        &mut self.open[client]
    }

    /// The client no longer waits.
    pub(super) fn abandon(&mut self, client: u16, serial: u32) {
        if let Some(open) = self.open.get_mut(usize::from(client))
            && open.serial == serial
        {
            open.abandoned = true;
        }
    }

    /// Returns whether the client has abandoned a request.
    pub(super) fn is_abandoned(&self, request: &Request) -> bool {
        self.open.get(usize::from(request.client)).is_some_and(|open| {
            open.serial > request.serial || open.serial == request.serial && open.abandoned
        })
    }

    /// The answer, and the event at which it was given.
    pub(super) fn answer(&self, client: u16, serial: u32) -> Option<(u64, Seen)> {
        let open = self.open.get(usize::from(client))?;
        open.answer.filter(|_| open.serial == serial)
    }

    /// A peer crashes.
    pub(super) fn peer_crashed(&mut self, peer: usize) {
        for open in &mut self.open {
            open.asked = open.asked.without(peer);
        }
    }
}
