//! Sets of peers, and the links between two of them.

/// Links between two groups of peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Links {
    /// The one group.
    pub from: PeerSet,
    /// The other.
    pub to: PeerSet,
    /// Direction of the links.
    pub direction: LinkDirection,
}

/// Direction of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkDirection {
    /// From the one group to the other.
    One,
    /// To and fro.
    Both,
}

impl Links {
    /// Each directed link.
    pub fn each(self) -> impl Iterator<Item = (usize, usize)> {
        let there = move |(from, to)| std::iter::once((from, to));
        let back = move |(from, to)| (self.direction == LinkDirection::Both).then_some((to, from));
        self.from
            .iter()
            .flat_map(move |from| self.to.iter().map(move |to| (from, to)))
            .filter(|(from, to)| from != to)
            .flat_map(move |link| there(link).chain(back(link)))
    }
}

/// A set of peers, by their server numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerSet(u32);

impl PeerSet {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// The first peers.
    #[must_use]
    pub const fn first(peers: usize) -> Self {
        Self((1 << peers) - 1)
    }

    /// One peer.
    #[must_use]
    pub const fn only(peer: usize) -> Self {
        Self(1 << peer)
    }

    /// A bit for each peer.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns whether a peer is in the set.
    #[must_use]
    pub const fn contains(self, peer: usize) -> bool {
        self.0 & 1 << peer != 0
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, peer: usize) -> Self {
        Self(self.0 | 1 << peer)
    }

    /// These without one.
    #[must_use]
    pub const fn without(self, peer: usize) -> Self {
        Self(self.0 & !(1 << peer))
    }

    /// The others among the first peers.
    #[must_use]
    pub const fn others(self, peers: usize) -> Self {
        Self(Self::first(peers).0 & !self.0)
    }

    /// Number of peers in the set.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The peers in order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..PEERS_MAX).filter(move |peer| self.contains(*peer))
    }
}

impl FromIterator<usize> for PeerSet {
    fn from_iter<T: IntoIterator<Item = usize>>(peers: T) -> Self {
        peers.into_iter().fold(Self::NONE, Self::with)
    }
}

/// More peers than any cluster here has.
pub(super) const PEERS_MAX: usize = 16;
