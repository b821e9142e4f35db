//! Corrections of times: the day of a time of day, clocks that are wrong.

use std::borrow::Cow;

use super::calendar::Calendar;
use super::timestamp;
use crate::line::Stamp;
use crate::time::Time;

/// Times of day without a date: midnight begins the next day.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClockOfDay {
    last: i64,
    days: i64,
}

impl ClockOfDay {
    /// Puts a time of day into its day.
    pub(super) fn record(&mut self, stamp: &mut Stamp<'_>) {
        let (None, None, Some(at)) = (stamp.unit, stamp.offset, stamp.at) else { return };
        let of_day = at.nanos();
        if of_day < self.last - HALF_A_DAY {
            self.days += 1;
        }
        self.last = of_day;
        stamp.at = Some(Time::from_nanos(of_day + self.days * 2 * HALF_A_DAY));
    }
}

/// Moves a time by nanoseconds, and what is shown of it.
pub(super) fn shift_by(stamp: &mut Stamp<'_>, shift: i64, calendar: &Calendar) {
    let Some(at) = stamp.at.filter(|_| shift != 0) else { return };
    let at = Time::from_nanos(at.nanos().saturating_add(shift));
    stamp.at = Some(at);
    stamp.text = Cow::Owned(timestamp::shifted(stamp, at, calendar));
}

const HALF_A_DAY: i64 = 43_200_000_000_000;
