//! What peers owe clients: who was asked for what, and the first answer that comes back.
//!
//! A peer answers the client that asked it when it has carried the request out. A peer that crashes
//! forgets whom it owes an answer.

use crate::case::PeerSet;
use crate::kv::{Execution, Request, Seen};

/// The clients' open requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    open: Vec<Open>,
}

/// A client's newest request.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    serial: u32,
    /// The peers that took it and live.
    asked: PeerSet,
    answer: Option<(u64, Seen)>,
    given_up: bool,
}

impl Clients {
    /// A peer has taken a request.
    pub(super) fn takes(&mut self, peer: usize, request: &Request) {
        let open = self.open_of(request.client);
        if open.serial != request.serial {
            *open = Open { serial: request.serial, ..Open::default() };
        }
        open.asked = open.asked.with(peer);
    }

    /// A peer has carried a request out, or finds that it was before.
    pub(super) fn carries_out(
        &mut self,
        peer: usize,
        request: &Request,
        carried: Execution,
        event: u64,
    ) {
        let Some(open) = self.open.get_mut(usize::from(request.client)) else { return };
        let told = match carried {
            Execution::Out(told) | Execution::Before(told) => told,
            Execution::Outdated => return,
        };
        if open.serial == request.serial && open.asked.contains(peer) && open.answer.is_none() {
            open.answer = Some((event, told));
        }
    }

    /// A client has turned to a read.
    pub(super) fn begins_read(&mut self, client: u16, serial: u32) {
        let open = self.open_of(client);
        if open.serial != serial {
            *open = Open { serial, ..Open::default() };
        }
    }

    /// A peer has served a read.
    pub(super) fn serves(&mut self, client: u16, serial: u32, event: u64, told: Seen) {
        let open = self.open_of(client);
        if open.serial == serial && open.answer.is_none() {
            open.answer = Some((event, told));
        }
    }

    fn open_of(&mut self, client: u16) -> &mut Open {
        let client = usize::from(client);
        if client >= self.open.len() {
            self.open.resize(client + 1, Open::default());
        }
        &mut self.open[client]
    }

    /// The client no longer waits.
    pub(super) fn gives_up(&mut self, client: u16, serial: u32) {
        if let Some(open) = self.open.get_mut(usize::from(client))
            && open.serial == serial
        {
            open.given_up = true;
        }
    }

    /// Whether the client has turned to something else without an answer to this.
    pub(super) fn has_left(&self, request: &Request) -> bool {
        self.open.get(usize::from(request.client)).is_some_and(|open| {
            open.serial > request.serial || open.serial == request.serial && open.given_up
        })
    }

    /// The answer, and the event at which it was given.
    pub(super) fn answer(&self, client: u16, serial: u32) -> Option<(u64, Seen)> {
        let open = self.open.get(usize::from(client))?;
        open.answer.filter(|_| open.serial == serial)
    }

    /// A peer crashes.
    pub(super) fn forgets(&mut self, peer: usize) {
        for open in &mut self.open {
            open.asked = open.asked.without(peer);
        }
    }
}
