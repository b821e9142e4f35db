//! Fault injection for tests: cuts, loss and delay around any transport.
//!
//! Once [`Faults::cut`] has returned, no message between the two peers reaches a driver, not even
//! one in flight, and no message sent during the cut arrives after it. Delayed messages are
//! reordered.
//!
//! For tests only: each message costs an additional lock and task wake-up.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::faulty::{Delivery, FaultPolicy, LinkState};
use crate::message::Envelope;
use crate::types::PeerId;

/// Faults of one direction of a link.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkFaults {
    /// Probability that a message is lost, from 0 to 1.
    pub loss: f64,
    /// Additional delay, drawn for each message.
    pub delay: RangeInclusive<Duration>,
}

impl LinkFaults {
    /// No loss, no delay.
    pub const NONE: Self = Self { loss: 0.0, delay: Duration::ZERO..=Duration::ZERO };
}

/// The faults of a network. Clones share their state: one for each peer's transport, one for the
/// test.
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
    /// A network without faults. Losses and delays are drawn from `random`, a source of uniform
    /// numbers, in the order in which messages arrive.
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

    /// Removes the cuts of a link in both directions; its other faults stay.
    pub fn heal(&self, a: PeerId, b: PeerId) {
        self.heal_one_way(a, b);
        self.heal_one_way(b, a);
    }

    /// Removes the cut of one direction.
    pub fn heal_one_way(&self, from: PeerId, to: PeerId) {
        self.lock().link(Direction { from, to }).state = LinkState::Open;
    }

    /// Sets loss and delay of one direction.
    ///
    /// # Panics
    /// The loss is not between 0 and 1, or the delay's range is empty.
    pub fn set_link_faults(&self, from: PeerId, to: PeerId, faults: LinkFaults) {
        assert!((0.0..=1.0).contains(&faults.loss), "loss {} is not in 0..=1", faults.loss);
        assert!(!faults.delay.is_empty(), "the delay {:?} is empty", faults.delay);
        self.lock().link(Direction { from, to }).faults = Some(faults);
    }

    /// Removes all faults.
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
