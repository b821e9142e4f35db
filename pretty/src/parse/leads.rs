//! Lines that say something of those behind them: the first of a record of two lines, and the name of a
//! source between the lines of several, as `tail -f` writes it.

use std::sync::Arc;

use super::layers::RecordLayer;
use crate::time::Time;

/// The state that such lines of one source leave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leads {
    /// First lines whose second is still to come.
    firsts: Vec<First>,
    /// The name of the source of the lines that follow.
    name: Option<Arc<[u8]>>,
}

/// The first line of a record.
#[derive(Clone, Debug)]
pub(super) struct First {
    pub(super) layer: RecordLayer,
    pub(super) line: Vec<u8>,
    pub(super) at: Option<Time>,
    /// The source that a transport names.
    source: Option<Vec<u8>>,
}

impl Leads {
    pub(super) fn name(&self) -> Option<&[u8]> {
        self.name.as_deref()
    }

    /// Tells whether a line has named the source.
    #[cfg(feature = "view")]
    pub(crate) const fn has_name(&self) -> bool {
        self.name.is_some()
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
        self.take(source);
        if self.firsts.len() == FIRSTS_MAX {
            self.firsts.remove(0);
        }
        let source = source.map(<[u8]>::to_vec);
        self.firsts.push(First { layer, line: line.to_vec(), at, source });
    }

    /// The first line before a line of this source.
    pub(super) fn take(&mut self, source: Option<&[u8]>) -> Option<First> {
        let at = self.firsts.iter().position(|own| own.source.as_deref() == source)?;
        Some(self.firsts.remove(at))
    }

    /// The time of the last first line.
    pub(super) fn time(&self) -> Option<Time> {
        self.firsts.last()?.at
    }

    /// The same name, without first lines, whose second lines have come.
    #[cfg(feature = "view")]
    pub(crate) fn name_alone(&self) -> Self {
        Self { firsts: Vec::new(), name: self.name.clone() }
    }
}

/// More containers than write records of two lines into one log.
const FIRSTS_MAX: usize = 64;
