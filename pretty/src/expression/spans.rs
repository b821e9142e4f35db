//! The places of groups in a text.

use std::ops::Range;

/// The places of the groups of a match, by the numbers of groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spans([Option<(usize, usize)>; GROUPS_MAX]);

impl Spans {
    #[inline]
    pub(super) fn set(&mut self, group: usize, span: Range<usize>) {
        self.0[group] = Some((span.start, span.end));
    }

    #[cfg(feature = "view")]
    #[inline]
    pub(super) fn place(&self, group: usize) -> Option<Range<usize>> {
        self.0[group].map(|(start, end)| start..end)
    }

    #[inline]
    pub(super) fn text<'a>(&self, group: usize, line: &'a [u8]) -> Option<&'a [u8]> {
        self.0[group].map(|(start, end)| &line[start..end])
    }
}

/// More than any expression has names that matter.
pub(super) const GROUPS_MAX: usize = 10;
