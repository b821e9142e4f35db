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
    pub const NONE: Self = Self { loss: 0.0, delay: Duration::ZERO..=Duration::ZERO };
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
    links: BTreeMap<Direction, Link>,
    random: Box<dyn FnMut() -> u64 + Send>,
}

/// A direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Direction {
    from: PeerId,
    to: PeerId,
}

#[derive(Clone, Debug, Default)]
struct Link {
    state: LinkState,
    faults: Option<LinkFaults>,
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
        self.cut_one_way(a, b);
        self.cut_one_way(b, a);
    }

    /// Cuts one direction of a link.
    pub fn cut_one_way(&self, from: PeerId, to: PeerId) {
        self.lock().link(Direction { from, to }).state = LinkState::Cut;
    }

    /// Takes back all cuts of a link, in both directions; its other faults stay.
    pub fn heal(&self, a: PeerId, b: PeerId) {
        self.heal_one_way(a, b);
        self.heal_one_way(b, a);
    }

    /// Takes back the cut of one direction.
    pub fn heal_one_way(&self, from: PeerId, to: PeerId) {
        self.lock().link(Direction { from, to }).state = LinkState::Open;
    }

    /// Changes how messages of one direction fare from now on.
    ///
    /// # Panics
    /// The loss is not between 0 and 1, or the delay's range is empty.
    pub fn set_link_faults(&self, from: PeerId, to: PeerId, faults: LinkFaults) {
        assert!((0.0..=1.0).contains(&faults.loss), "loss {} is not in 0..=1", faults.loss);
        assert!(!faults.delay.is_empty(), "the delay {:?} is empty", faults.delay);
        self.lock().link(Direction { from, to }).faults = Some(faults);
    }

    /// Takes back every fault.
    pub fn clear(&self) {
        self.lock().links.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Links> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self, envelope: &Envelope) -> LinkState {
        let links = &self.lock().links;
        links.get(&Direction::of(envelope)).map_or(LinkState::Open, |link| link.state)
    }
}

impl FaultPolicy for Faults {
    fn on_send(&self, envelope: &Envelope) -> LinkState {
        self.state(envelope)
    }

    fn on_receive(&self, envelope: &Envelope) -> Delivery {
        self.lock().delivery(Direction::of(envelope))
    }

    fn on_delayed(&self, envelope: &Envelope) -> LinkState {
        self.state(envelope)
    }
}

impl Direction {
    fn of(envelope: &Envelope) -> Self {
        Self { from: envelope.from, to: envelope.to }
    }
}

impl Links {
    fn link(&mut self, direction: Direction) -> &mut Link {
        self.links.entry(direction).or_default()
    }

    fn delivery(&mut self, direction: Direction) -> Delivery {
        let Some(Link { state, faults }) = self.links.get(&direction) else {
            return Delivery::After(Duration::ZERO);
        };
        if *state == LinkState::Cut {
            return Delivery::Lost;
        }
        let Some(LinkFaults { loss, delay }) = faults.clone() else {
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
