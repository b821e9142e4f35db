//! Links between peers, each direction for itself.
//!
//! A link decides about a message; the world carries the decision out. A link that is cut loses
//! messages at sending and at delivery, so that a cut also loses messages in flight. Nothing here
//! depends on a message's content, only on whether it is a request or a reply.

use std::fmt;
use std::time::Duration;

use raft::message::Direction;

use super::random::{Chance, Domain, Stream};

/// Faults and delays of requests, or of replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkProfile {
    /// Rate of loss.
    pub loss: Chance,
    /// Rate of duplication.
    pub duplication: Chance,
    /// The longest delay; delays are uniform between zero and this.
    pub delay_max: Duration,
    /// Rate of long delays, which let later messages overtake.
    pub reordering: Chance,
}

/// Faults and delays of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkProfile {
    /// Requests.
    pub request: LinkProfile,
    /// Replies.
    pub reply: LinkProfile,
}

impl LinkProfile {
    /// Delivered at once, always.
    pub const PERFECT: Self = Self {
        loss: Chance::NEVER,
        duplication: Chance::NEVER,
        delay_max: Duration::ZERO,
        reordering: Chance::NEVER,
    };
}

impl NetworkProfile {
    /// The lab's reliable network: delivered at once.
    pub const LAB_RELIABLE: Self =
        Self { request: LinkProfile::PERFECT, reply: LinkProfile::PERFECT };

    /// The lab's unreliable network: requests take up to 26 ms, and one request in ten and one
    /// reply in ten is lost.
    pub const LAB_UNRELIABLE: Self = Self {
        request: LinkProfile {
            loss: Chance::percent(10),
            delay_max: Duration::from_millis(26),
            ..LinkProfile::PERFECT
        },
        reply: LinkProfile { loss: Chance::percent(10), ..LinkProfile::PERFECT },
    };

    /// The same network with two of three replies held up for 200 ms to 2200 ms.
    #[must_use]
    pub const fn with_long_reordering(self) -> Self {
        Self { reply: LinkProfile { reordering: Chance::of(2, 3), ..self.reply }, ..self }
    }

    const fn link(&self, direction: Direction) -> &LinkProfile {
        match direction {
            Direction::Request => &self.request,
            Direction::Reply => &self.reply,
        }
    }
}

/// A sent message, with its delay and its faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The message's number on its directed link, from 1, lost ones and cut links included.
    pub number: u64,
    /// State of the link.
    pub link: Connection,
    /// Usual duration.
    pub delay: Duration,
    /// Its faults.
    pub faults: MessageFaults,
}

/// Faults of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageFaults {
    /// It is lost.
    pub lost: bool,
    /// It takes this long instead.
    pub late: Option<Duration>,
    /// It arrives once more, after this long.
    pub twice: Option<Duration>,
    /// Bits of its frame are flipped, drawn by this number.
    pub flipped: Option<u32>,
}

impl MessageFaults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self { lost: false, late: None, twice: None, flipped: None };

    /// Everything that goes wrong in either.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            lost: self.lost || other.lost,
            late: other.late.or(self.late),
            twice: other.twice.or(self.twice),
            flipped: other.flipped.or(self.flipped),
        }
    }
}

/// Its faults in words.
impl fmt::Display for NetworkProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::LAB_RELIABLE {
            return f.write_str("reliable network");
        }
        write!(f, "requests{}, replies{}", self.request, self.reply)
    }
}

/// Its faults in words, to follow "requests" or "replies".
impl fmt::Display for LinkProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::PERFECT {
            return f.write_str(" at once");
        }
        let faults = [
            (self.loss, "lost"),
            (self.duplication, "doubled"),
            (self.reordering, "held up for long"),
        ];
        for (chance, what) in faults.into_iter().filter(|(chance, _)| *chance != Chance::NEVER) {
            write!(f, " {chance} {what}")?;
        }
        if self.delay_max > Duration::ZERO {
            write!(f, " within {} ms", self.delay_max.as_millis())?;
        }
        Ok(())
    }
}

/// Verdict on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrives after this long.
    Deliver(Duration),
    /// It arrives twice.
    DeliverTwice(Duration, Duration),
    /// It is lost.
    Lose(Loss),
}

impl Sent {
    /// Verdict on the message.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let MessageFaults { lost, late, twice, flipped: _ } = self.faults;
        let first = late.unwrap_or(self.delay);
        match (self.link, lost, twice) {
            (Connection::Cut, _, _) => Verdict::Lose(Loss::Cut),
            (Connection::Up, true, _) => Verdict::Lose(Loss::Chance),
            (Connection::Up, false, Some(second)) => Verdict::DeliverTwice(first, second),
            (Connection::Up, false, None) => Verdict::Deliver(first),
        }
    }
}

/// Reason for a lost message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The link is cut.
    Cut,
    /// A random loss on an unreliable link.
    Chance,
    /// The receiver is down.
    PeerDown,
    /// Its frame was damaged, and the receiver has noticed.
    Damaged,
}

impl Loss {
    /// The reason as log lines show it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Chance => "chance",
            Self::PeerDown => "peer-down",
            Self::Damaged => "damaged",
        }
    }
}

/// All links of a cluster, between server numbers.
#[derive(Clone, Debug)]
pub struct Network {
    seed: u64,
    profile: NetworkProfile,
    peers: usize,
    links: Vec<Link>,
    connected: Vec<Connection>,
}

/// State of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// They do.
    Up,
    /// They do not.
    Cut,
}

#[derive(Clone, Debug)]
struct Link {
    state: Connection,
    sent: u64,
    /// Rate of messages with flipped bits.
    flips: Chance,
    stream: Stream,
}

impl Network {
    /// A network in which every peer reaches every other.
    #[must_use]
    pub fn new(seed: u64, peers: usize, profile: NetworkProfile) -> Self {
        let link = |position: usize| Link {
            state: Connection::Up,
            sent: 0,
            flips: Chance::NEVER,
            stream: Stream::new(
                seed,
                Domain::Link,
                [(position / peers) as u64, (position % peers) as u64],
            ),
        };
        let links = (0..peers * peers).map(link).collect();
        Self { seed, profile, peers, links, connected: vec![Connection::Up; peers] }
    }

    /// Changes how all links behave from now on.
    pub const fn set_profile(&mut self, profile: NetworkProfile) {
        self.profile = profile;
    }

    /// Profile of all links.
    #[must_use]
    pub const fn profile(&self) -> NetworkProfile {
        self.profile
    }

    /// Cuts every link from and to `peer`.
    pub fn disconnect(&mut self, peer: usize) {
        self.connected[peer] = Connection::Cut;
        for other in 0..self.peers {
            self.set_link(peer, other, Connection::Cut);
            self.set_link(other, peer, Connection::Cut);
        }
    }

    /// Restores the links between `peer` and every other connected peer.
    pub fn connect(&mut self, peer: usize) {
        self.connected[peer] = Connection::Up;
        for other in 0..self.peers {
            if self.connected[other] == Connection::Up {
                self.set_link(peer, other, Connection::Up);
                self.set_link(other, peer, Connection::Up);
            }
        }
    }

    /// Cuts or restores one direction of one link.
    pub fn set_link(&mut self, from: usize, to: usize, state: Connection) {
        self.links[from * self.peers + to].state = state;
    }

    /// Changes the rate of messages with flipped bits of one direction of one link.
    pub fn set_flips(&mut self, from: usize, to: usize, flips: Chance) {
        self.links[from * self.peers + to].flips = flips;
    }

    /// Connection of this peer, as the tester set it.
    #[must_use]
    pub fn connection(&self, peer: usize) -> Connection {
        self.connected[peer]
    }

    /// State of the link from one peer to another.
    #[must_use]
    pub fn link(&self, from: usize, to: usize) -> Connection {
        self.links[from * self.peers + to].state
    }

    /// Decides about a message that is sent now. Every message takes exactly one draw of its link.
    pub fn send(&mut self, from: usize, to: usize, direction: Direction) -> Sent {
        let profile = self.profile.link(direction);
        let place = from * self.peers + to;
        let link = &mut self.links[place];
        link.sent += 1;
        let (number, rng, state) = (link.sent, link.stream.fork(), link.state);
        let (delay, mut faults) = match state {
            Connection::Up if *profile != LinkProfile::PERFECT => profile.decide(rng),
            Connection::Up | Connection::Cut => (Duration::ZERO, MessageFaults::NONE),
        };
        if state == Connection::Up && link.flips != Chance::NEVER && !faults.lost {
            let mut rng = Stream::new(self.seed, Domain::Flip, [place as u64, number]);
            faults.flipped = rng.happens(link.flips).then(|| rng.below(1 << 32) as u32);
        }
        Sent { number, link: state, delay, faults }
    }
}

impl LinkProfile {
    /// The usual delay is drawn first, so that it is the same with and without faults.
    fn decide(&self, mut rng: Stream) -> (Duration, MessageFaults) {
        let delay = rng.between(Duration::ZERO, self.delay_max);
        let mut faults = MessageFaults { lost: rng.happens(self.loss), ..MessageFaults::NONE };
        if !faults.lost {
            let copied = rng.happens(self.duplication);
            faults.late = self.extra_delay(&mut rng).map(|more| delay + more);
            if copied {
                let again = rng.between(Duration::ZERO, self.delay_max);
                faults.twice = Some(again + self.extra_delay(&mut rng).unwrap_or_default());
            }
        }
        (delay, faults)
    }

    /// The labs' long delay is 200 + U(0, U(0, 2000)) ms: mostly short, sometimes very long.
    fn extra_delay(&self, rng: &mut Stream) -> Option<Duration> {
        rng.happens(self.reordering).then(|| {
            let spread = rng.between(Duration::ZERO, EXTRA_DELAY_SPREAD);
            EXTRA_DELAY_MIN + rng.between(Duration::ZERO, spread)
        })
    }
}

const EXTRA_DELAY_MIN: Duration = Duration::from_millis(200);
const EXTRA_DELAY_SPREAD: Duration = Duration::from_millis(2000);
