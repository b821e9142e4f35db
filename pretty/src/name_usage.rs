//! Names in a filter that no event of the log has: mistyped, most likely. They show and hide
//! nothing, which must not pass for an answer.

use std::collections::BTreeSet;

use crate::filter::{Filter, NameSet};
use crate::line::Event;
use crate::peer::natural;
use crate::text::safe_text;

/// The names in a log, beside those in a filter.
#[derive(Clone, Debug)]
pub struct NameUsage {
    just: NameSet,
    ignore: NameSet,
    peers: NameSet,
    not_peers: NameSet,
    seen_topics: BTreeSet<Box<[u8]>>,
    seen_peers: BTreeSet<Box<[u8]>>,
}

/// A name in a filter that no event has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// The list it is in.
    pub list: FilterList,
    /// As it was written.
    pub name: String,
    /// The names the log has, in natural order.
    pub known: Vec<String>,
}

/// The lists of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterList {
    /// [`Filter::just`].
    Just,
    /// [`Filter::ignore`].
    Ignore,
    /// [`Filter::peers`].
    Peers,
    /// [`Filter::not_peers`].
    NotPeers,
}

impl NameUsage {
    /// The usage of a filter's names; none if it has no names.
    pub(crate) fn of(filter: &Filter) -> Option<Self> {
        let Filter { just, ignore, peers, not_peers, .. } = filter;
        let hides = [ignore, not_peers].into_iter().any(|names| *names != NameSet::default());
        let asks = just.is_some() || peers.is_some() || hides;
        asks.then(|| Self {
            just: just.clone().unwrap_or_default(),
            ignore: ignore.clone(),
            peers: peers.clone().unwrap_or_default(),
            not_peers: not_peers.clone(),
            seen_topics: BTreeSet::new(),
            seen_peers: BTreeSet::new(),
        })
    }

    #[inline]
    pub(crate) fn record(&mut self, event: &Event<'_>) {
        record(&mut self.seen_topics, &event.topic);
        record(&mut self.seen_peers, &event.peer);
    }

    /// The names that no event has had, if there were any events.
    #[must_use]
    pub fn unknown(&self) -> Vec<UnknownName> {
        let lists = [
            (FilterList::Just, &self.just, &self.seen_topics),
            (FilterList::Ignore, &self.ignore, &self.seen_topics),
            (FilterList::Peers, &self.peers, &self.seen_peers),
            (FilterList::NotPeers, &self.not_peers, &self.seen_peers),
        ];
        let mut all = Vec::new();
        for (list, asked, seen) in lists.into_iter().filter(|(.., seen)| !seen.is_empty()) {
            let unknown = asked.as_written().filter(|name| {
                let alone = NameSet::of_peers([*name]);
                !seen.iter().any(|own| alone.contains(own))
            });
            all.extend(unknown.map(|name| UnknownName {
                list,
                name: name.to_owned(),
                known: names(seen),
            }));
        }
        all
    }
}

fn record(seen: &mut BTreeSet<Box<[u8]>>, name: &[u8]) {
    if !seen.contains(name) && seen.len() < NAMES_MAX {
        seen.insert(name.into());
    }
}

/// A log with more names has none worth listing.
const NAMES_MAX: usize = 1024;

fn names(seen: &BTreeSet<Box<[u8]>>) -> Vec<String> {
    let mut names: Vec<_> = seen.iter().filter(|name| !name.is_empty()).collect();
    names.sort_by(|a, b| natural(a, b));
    names.into_iter().map(|name| safe_text(name)).collect()
}
