//! A network that fails when a test wants it to: cuts, loss and delay around any transport.
//!
//! Once [`Faults::cut`] has returned, no message of the two peers reaches a driver, whatever was
//! still under way, and nothing that was sent during the cut arrives after it. Messages that are
//! delayed overtake each other.
//!
//! For tests alone: every message costs a lock and a task's wake-up more.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::faulty::{Delivery, FaultPolicy, LinkState};
use crate::message::Envelope;
use crate::types::PeerId;

/// How messages of one direction of a link fare.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkFaults {
    /// Which part of the messages is lost: 0 none, 1 all.
    pub loss: f64,
    /// How long a message takes on top of the real way; drawn for each one.
    pub delay: RangeInclusive<Duration>,
}

impl LinkFaults {
    /// Nothing is lost, nothing waits.
    pub const CLEAR: Self = Self { loss: 0.0, delay: Duration::ZERO..=Duration::ZERO };
}

/// The faults of a whole network. Its clones are the same faults, one of them around each peer's
/// transport and one with the tester.
///
/// ```
/// use raft::PeerId;
/// use raft::transport::{Faults, FaultyTransport, memory::Hub};
///
/// let [one, two] = [1, 2].map(PeerId::new);
/// let (hub, faults) = (Hub::default(), Faults::new(|| 42));
/// let transport = FaultyTransport::new(hub.join(one), faults.clone());
/// faults.cut(one, two);
/// faults.heal(one, two);
/// ```
#[derive(Clone)]
pub struct Faults(Arc<Mutex<Links>>);

struct Links {
    links: BTreeMap<Way, Link>,
    random: Box<dyn FnMut() -> u64 + Send>,
}

/// A direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    from: PeerId,
    to: PeerId,
}

#[derive(Clone, Debug, Default)]
struct Link {
    passage: LinkState,
    link_faults: Option<LinkFaults>,
}

impl Faults {
    /// No fault yet. `random` gives evenly spread numbers: what is lost and how long a message
    /// takes is drawn from it, in the order in which messages arrive.
    #[must_use]
    pub fn new(random: impl FnMut() -> u64 + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Links { links: BTreeMap::new(), random: Box::new(random) })))
    }

    /// Cuts the link between two peers, in both directions.
    pub fn cut(&self, a: PeerId, b: PeerId) {
        self.cut_way(a, b);
        self.cut_way(b, a);
    }

    /// Cuts one direction of a link.
    pub fn cut_way(&self, from: PeerId, to: PeerId) {
        self.lock().link(Way { from, to }).passage = LinkState::Cut;
    }

    /// Takes back all cuts of a link, in both directions; its link_faults stays.
    pub fn heal(&self, a: PeerId, b: PeerId) {
        self.heal_way(a, b);
        self.heal_way(b, a);
    }

    /// Takes back the cut of one direction.
    pub fn heal_way(&self, from: PeerId, to: PeerId) {
        self.lock().link(Way { from, to }).passage = LinkState::Open;
    }

    /// Changes how messages of one direction fare from now on.
    ///
    /// # Panics
    /// The loss is not between 0 and 1, or the delay's range is empty.
    pub fn link_faults(&self, from: PeerId, to: PeerId, link_faults: LinkFaults) {
        assert!(
            (0.0..=1.0).contains(&link_faults.loss),
            "loss {} is not in 0..=1",
            link_faults.loss
        );
        assert!(!link_faults.delay.is_empty(), "the delay {:?} is empty", link_faults.delay);
        self.lock().link(Way { from, to }).link_faults = Some(link_faults);
    }

    /// Takes back every fault.
    pub fn clear(&self) {
        self.lock().links.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Links> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn passage(&self, envelope: &Envelope) -> LinkState {
        let links = &self.lock().links;
        links.get(&Way::of(envelope)).map_or(LinkState::Open, |link| link.passage)
    }
}

impl FaultPolicy for Faults {
    fn leaves(&self, envelope: &Envelope) -> LinkState {
        self.passage(envelope)
    }

    fn arrives(&self, envelope: &Envelope) -> Delivery {
        self.lock().fate(Way::of(envelope))
    }

    fn arrives_late(&self, envelope: &Envelope) -> LinkState {
        self.passage(envelope)
    }
}

impl Way {
    fn of(envelope: &Envelope) -> Self {
        Self { from: envelope.from, to: envelope.to }
    }
}

impl Links {
    fn link(&mut self, way: Way) -> &mut Link {
        self.links.entry(way).or_default()
    }

    fn fate(&mut self, way: Way) -> Delivery {
        let Some(Link { passage, link_faults }) = self.links.get(&way) else {
            return Delivery::After(Duration::ZERO);
        };
        if *passage == LinkState::Cut {
            return Delivery::Lost;
        }
        let Some(LinkFaults { loss, delay }) = link_faults.clone() else {
            return Delivery::After(Duration::ZERO);
        };
        if self.unit() < loss {
            return Delivery::Lost;
        }
        let span = *delay.end() - *delay.start();
        Delivery::After(*delay.start() + span.mul_f64(self.unit()))
    }

    /// Draws from 0 up to, but not including, 1.
    fn unit(&mut self) -> f64 {
        // A double holds 53 bits exactly.
        ((self.random)() >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Faults").field(&self.lock().links).finish()
    }
}
