//! Lines that say something of those behind them: the first of a record of two lines, and the name of a
//! source between the lines of several, as `tail -f` writes it.

use std::sync::Arc;

use super::layers::RecordLayer;
use crate::time::Time;

/// The state that such lines of one source leave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leads {
    /// Lines so far.
    lines: u64,
    /// First lines whose second is still to come.
    firsts: Vec<First>,
    /// First lines without a second.
    unpaired: Vec<UnpairedLine>,
    /// The name of the source of the lines that follow.
    name: Option<Arc<[u8]>>,
}

/// The first line of a record.
#[derive(Clone, Debug)]
pub(super) struct First {
    pub(super) layer: RecordLayer,
    /// Without what carries it.
    pub(super) line: Vec<u8>,
    pub(super) at: Option<Time>,
    /// The source that a transport names.
    pub(super) source: Option<Vec<u8>>,
    /// Its number in its source, from 1 on.
    number: u64,
    /// With what carries it.
    pub(super) whole: Vec<u8>,
}

/// A line that began as the first of a record of two, whose second did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnpairedLine {
    /// The line, as one that is not an event.
    pub text: Vec<u8>,
    /// The number of lines of its source that have come since.
    pub lines_ago: u64,
}

impl Leads {
    /// Another line is read.
    pub(super) fn count_line(&mut self) {
        self.lines += 1;
    }

    pub(super) fn name(&self) -> Option<&[u8]> {
        self.name.as_deref()
    }

    pub(super) fn set_name(&mut self, name: &[u8]) {
        self.name = Some(name.into());
    }

    /// Keeps a first line until its second comes from the same source.
    pub(super) fn keep(
        &mut self,
        layer: RecordLayer,
        line: &[u8],
        at: Option<Time>,
        source: Option<&[u8]>,
    ) {
        if self.firsts.len() == FIRSTS_MAX {
            let first = self.firsts.remove(0);
            self.let_go(first);
        }
        let (line, source) = (line.to_vec(), source.map(<[u8]>::to_vec));
        self.firsts.push(First { layer, line, at, source, number: self.lines, whole: Vec::new() });
    }

    /// The last line as it is shown if its second does not come.
    pub(super) fn set_whole(&mut self, line: &[u8]) {
        if let Some(first) = self.firsts.last_mut().filter(|own| own.number == self.lines) {
            first.whole = line.to_vec();
        }
    }

    /// The first line before a line of this source.
    pub(super) fn take(&mut self, source: Option<&[u8]>) -> Option<First> {
        let at = self.firsts.iter().position(|own| own.source.as_deref() == source)?;
        Some(self.firsts.remove(at))
    }

    /// The second line of a record did not come.
    pub(super) fn let_go(&mut self, first: First) {
        let lines_ago = self.lines_since(&first);
        self.unpaired.push(UnpairedLine { text: first.whole, lines_ago });
    }

    /// No line is to come.
    pub(super) fn let_all_go(&mut self) {
        std::mem::take(&mut self.firsts).into_iter().for_each(|first| self.let_go(first));
    }

    pub(super) fn lines_since(&self, first: &First) -> u64 {
        self.lines - first.number
    }

    /// Tells whether a first line waits for its second.
    pub(super) const fn has_firsts(&self) -> bool {
        !self.firsts.is_empty()
    }

    pub(super) const fn has_unpaired(&self) -> bool {
        !self.unpaired.is_empty()
    }

    pub(super) fn take_unpaired(&mut self) -> Vec<UnpairedLine> {
        std::mem::take(&mut self.unpaired)
    }

    /// The time of the last first line.
    pub(super) fn time(&self) -> Option<Time> {
        self.firsts.last()?.at
    }

    /// Tells whether the last line is a first one.
    #[cfg(feature = "view")]
    pub(crate) fn is_first(&self) -> bool {
        self.firsts.last().is_some_and(|own| own.number == self.lines)
    }

    /// The same name, without first lines, whose second lines have come.
    #[cfg(feature = "view")]
    pub(crate) fn name_alone(&self) -> Self {
        Self { name: self.name.clone(), ..Self::default() }
    }
}

/// More containers than write records of two lines into one log.
const FIRSTS_MAX: usize = 64;
