//! Fields without a column of their own, which come before the text instead.

use crate::layout::{Layout, Shape};
use crate::line::Event;
use crate::text::columns_of;

/// The fields before a text, in the order they are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix<'a> {
    pub(crate) time: Option<&'a [u8]>,
    pub(crate) topic: Option<&'a [u8]>,
    pub(crate) peer: Option<&'a [u8]>,
}

impl<'a> Prefix<'a> {
    /// The fields of an event the layout has no column for.
    #[inline]
    pub(crate) fn of(event: &'a Event<'_>, layout: &Layout) -> Self {
        let (topic, peer) = (&*event.topic, &*event.peer);
        match layout.shape {
            Shape::Columns(_) => Self { time: None, topic: wide(topic, layout.topic), peer: None },
            Shape::Tagged(tag) => {
                Self { time: None, topic: wide(topic, layout.topic), peer: wide(peer, tag) }
            }
            Shape::Stacked => {
                let shown = event.stamp.as_ref().filter(|_| layout.time > 0);
                Self { time: shown.map(|stamp| &*stamp.text), topic: Some(topic), peer: Some(peer) }
            }
        }
    }

    /// The text with these fields before it, in `scratch` if there are any.
    #[inline]
    pub(crate) fn before<'t>(&self, text: &'t [u8], scratch: &'t mut Vec<u8>) -> &'t [u8] {
        if self.time.or(self.topic).or(self.peer).is_none() {
            return text;
        }
        scratch.clear();
        for field in [self.time, self.topic, self.peer].into_iter().flatten() {
            if !field.is_empty() {
                scratch.extend_from_slice(field);
                scratch.push(b' ');
            }
        }
        scratch.extend_from_slice(text);
        scratch
    }
}

/// The field, if it is wider than its column.
#[inline]
fn wide(field: &[u8], column: usize) -> Option<&[u8]> {
    (columns_of(field) > column).then_some(field)
}
