//! Incoming connections before their handshake is complete: a limited number, in which a newcomer
//! takes the place of another one, so that idle connections keep no peer out.
//!
//! The place is taken from the address with the most connections, first from a connection that has
//! sent nothing, then from the oldest one. Addresses of members come last.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The unidentified connections of a peer.
#[derive(Debug)]
pub(super) struct Unidentified {
    max: usize,
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    next: u64,
    connections: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    number: u64,
    source: IpAddr,
    place: Arc<Place>,
}

#[derive(Debug, Default)]
struct Place {
    /// True once the first byte has come.
    has_sent: AtomicBool,
    evicted: Notify,
}

/// The place of one connection, freed on drop.
#[derive(Debug)]
pub(super) struct Ticket {
    unidentified: Arc<Unidentified>,
    number: u64,
    place: Arc<Place>,
}

impl Unidentified {
    pub(super) fn new(max: usize) -> Self {
        Self { max, list: Mutex::default() }
    }

    /// Admits a connection, and evicts another one if there are too many.
    pub(super) fn admit(self: &Arc<Self>, source: IpAddr, members: &BTreeSet<IpAddr>) -> Ticket {
        let mut list = self.lock();
        if list.connections.len() >= self.max
            && let Some(victim) = list.victim(members)
        {
            list.connections.remove(victim).place.evicted.notify_one();
        }
        let (number, place) = (list.next, Arc::<Place>::default());
        list.next += 1;
        list.connections.push(Connection { number, source, place: Arc::clone(&place) });
        Ticket { unidentified: Arc::clone(self), number, place }
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    /// The position of the connection to evict.
    fn victim(&self, members: &BTreeSet<IpAddr>) -> Option<usize> {
        let mut counts = BTreeMap::<IpAddr, usize>::new();
        for connection in &self.connections {
            *counts.entry(connection.source).or_default() += 1;
        }
        let order = |connection: &Connection| {
            let Connection { number, source, place } = connection;
            let has_sent = place.has_sent.load(Ordering::Relaxed);
            (members.contains(source), Reverse(counts[source]), has_sent, *number)
        };
        let all = self.connections.iter().enumerate();
        all.min_by_key(|(_, connection)| order(connection)).map(|(position, _)| position)
    }
}

impl Ticket {
    /// Notes that the first byte has come.
    pub(super) fn has_sent(&self) {
        self.place.has_sent.store(true, Ordering::Relaxed);
    }

    /// Waits until another connection takes the place.
    pub(super) async fn evicted(&self) {
        self.place.evicted.notified().await;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut list = self.unidentified.lock();
        list.connections.retain(|connection| connection.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn source(last: u8) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, last))
    }

    /// The numbers of the connections that remain.
    fn remaining(unidentified: &Unidentified) -> Vec<u64> {
        unidentified.lock().connections.iter().map(|connection| connection.number).collect()
    }

    #[test]
    fn a_flood_evicts_its_own_connections_and_silent_ones_first() {
        let unidentified = Arc::new(Unidentified::new(3));
        let members = [source(9)].into();
        let admit = |last| unidentified.admit(source(last), &members);
        let tickets = [admit(1), admit(7), admit(7)];
        tickets[1].has_sent();
        let flood = admit(7);
        assert_eq!(remaining(&unidentified), [0, 1, 3], "2 has sent nothing");
        let more = admit(7);
        assert_eq!(remaining(&unidentified), [0, 1, 4], "3 has sent nothing");
        drop((tickets, flood, more));
        assert_eq!(remaining(&unidentified), [0; 0]);

        let tickets = [admit(9), admit(9), admit(2)];
        let _new = admit(3);
        assert_eq!(remaining(&unidentified), [5, 6, 8], "members come last");
        drop(tickets);
    }
}
