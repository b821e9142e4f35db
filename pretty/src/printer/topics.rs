//! The style of each topic of a log: a cache, filled as topics appear.

use std::ops::Index;

use crate::filter::Filter;
use crate::name_hash::NameMap;
use crate::render::{AnsiTheme, Code};
use crate::text::make_safe;

/// The topics seen so far.
#[derive(Debug, Default)]
pub(super) struct Topics {
    ids: NameMap<TopicId>,
    styles: Vec<Style>,
}

/// A topic, until the next call of [`Topics::id`].
#[derive(Clone, Copy, Debug)]
pub(super) struct TopicId(usize);

/// The style of a topic, and whether its events pass the filter.
#[derive(Debug)]
pub(super) struct Style {
    pub(super) sgr: Code,
    pub(super) label: Box<str>,
    pub(super) shown: bool,
}

impl Topics {
    #[inline]
    pub(super) fn id(&mut self, name: &[u8], ansi: &AnsiTheme, filter: &Filter) -> TopicId {
        match self.ids.get(name) {
            Some(id) => *id,
            None => self.add(name, ansi, filter),
        }
    }

    fn add(&mut self, name: &[u8], ansi: &AnsiTheme, filter: &Filter) -> TopicId {
        if self.styles.len() >= TOPICS_MAX {
            // Everything here follows from the name, so nothing is lost with the cache.
            *self = Self::default();
        }
        let id = TopicId(self.styles.len());
        self.styles.push(Style {
            sgr: ansi.sgr(ansi.theme.topic(name)),
            label: make_safe(name, &mut String::new()).text().into(),
            shown: filter.shows_topic(name),
        });
        self.ids.insert(name.into(), id);
        id
    }
}

impl Index<TopicId> for Topics {
    type Output = Style;

    fn index(&self, id: TopicId) -> &Style {
        &self.styles[id.0]
    }
}

const TOPICS_MAX: usize = 1024;
