//! Corrections of times: the day of a time of day, clocks that are wrong.

use std::borrow::Cow;

use super::calendar::Calendar;
use super::timestamp;
use crate::line::Stamp;
use crate::time::Time;

/// Times of day without a date, of one source: midnight begins the next day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClockOfDay {
    /// The first time and the last, in nanoseconds since midnight.
    first: Option<i64>,
    last: Option<i64>,
    days: i64,
}

impl ClockOfDay {
    /// Puts a time of day into its day.
    pub(super) fn record(&mut self, stamp: &mut Stamp<'_>) {
        let (None, None, Some(at)) = (stamp.unit, stamp.offset, stamp.at) else { return };
        let of_day = at.nanos();
        self.days = self.day_of(of_day);
        self.first = self.first.or(Some(of_day));
        self.last = Some(of_day);
        stamp.at = Some(Time::from_nanos(of_day + self.days * A_DAY));
    }

    /// The day of the next time.
    fn day_of(&self, of_day: i64) -> i64 {
        match self.last {
            Some(last) if of_day < last - A_DAY / 2 => self.days + 1,
            // Threads write late: a line from before midnight.
            Some(last) if of_day > last + A_DAY - A_MINUTE => self.days - 1,
            Some(_) | None => self.days,
        }
    }
}

#[cfg(feature = "view")]
impl ClockOfDay {
    /// A clock before the first time of a day.
    pub(crate) fn on_day(days: i64) -> Self {
        Self { days, ..Self::default() }
    }

    pub(crate) const fn days(&self) -> i64 {
        self.days
    }

    /// The same clock at the start of a part of the log.
    pub(crate) fn at_start(self) -> Self {
        Self { first: None, ..self }
    }

    /// The days that a part of the log lies later, which this clock has ended and `assumed` started, if
    /// `before` was the right one.
    pub(crate) fn days_late(&self, assumed: &Self, before: &Self) -> i64 {
        let day = |clock: &Self| self.first.map_or(clock.days, |first| clock.day_of(first));
        day(before) - day(assumed)
    }

    /// This clock, which has ended a part of the log, if that lies some days later.
    pub(crate) fn later_by(self, days: i64, before: &Self) -> Self {
        Self { days: self.days + days, last: self.last.or(before.last), ..self }
    }
}

/// Moves a time by nanoseconds, and what is shown of it.
pub(super) fn shift_by(stamp: &mut Stamp<'_>, shift: i64, calendar: &Calendar) {
    let Some(at) = stamp.at.filter(|_| shift != 0) else { return };
    let at = Time::from_nanos(at.nanos().saturating_add(shift));
    stamp.at = Some(at);
    stamp.text = Cow::Owned(timestamp::shifted(stamp, at, calendar));
}

/// In nanoseconds.
pub(crate) const A_DAY: i64 = 24 * 60 * A_MINUTE;
const A_MINUTE: i64 = 60_000_000_000;
