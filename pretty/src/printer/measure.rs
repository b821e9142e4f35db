//! The widths a layout needs, from the events seen so far.

use super::TimeColumn;
use crate::layout::{Columns, Layout};
use crate::line::{Event, Stamp};
use crate::peer::Seen;
use crate::text::columns_of;
use crate::time::Tick;

/// The widest fields so far. Invariant: widths only grow until [`Measure::start_run`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    time: TimeColumn,
    columns: Columns,
    unit: Option<Tick>,
}

impl Measure {
    pub(super) fn new(time: TimeColumn) -> Self {
        Self { time, columns: Columns::default(), unit: None }
    }

    pub(super) fn start_run(&self) -> Self {
        Self::new(self.time)
    }

    /// Takes an event's fields into account; `New` if the layout has become too narrow for them.
    #[inline]
    pub(super) fn record(&mut self, event: &Event<'_>) -> Seen {
        let before = self.columns;
        if let (Some(stamp), TimeColumn::Shown) = (&event.stamp, self.time) {
            self.record_stamp(stamp);
        }
        let topic = columns_of(&event.topic);
        if topic <= Layout::TOPIC_MAX {
            self.columns.topic = self.columns.topic.max(topic);
        }
        let peer = columns_of(&event.peer);
        if peer <= Layout::TAG_MAX {
            self.columns.peer = self.columns.peer.max(peer);
        }
        if before == self.columns { Seen::Known } else { Seen::New }
    }

    /// The widths, with so many peers.
    pub(super) fn columns(&self, peers: usize) -> Columns {
        Columns { peers, ..self.columns }
    }

    /// The unit of the time column.
    pub(super) fn unit(&self) -> Option<Tick> {
        self.unit
    }

    fn record_stamp(&mut self, stamp: &Stamp<'_>) {
        // Room to grow, so that the first second or ten do not end in a new layout.
        if self.columns.time < FRACTION_MIN {
            let least = if stamp.text.contains(&b'.') { FRACTION_MIN } else { WHOLE_MIN };
            self.columns.time = self.columns.time.max(least);
        }
        self.columns.time = self.columns.time.max(columns_of(&stamp.text));
        self.unit = stamp.unit.or(self.unit);
    }
}

/// `99999.999`: milliseconds of runs up to 100 seconds.
const FRACTION_MIN: usize = 9;
/// `999999`: the digits of whole-number times.
const WHOLE_MIN: usize = 6;
