//! The calendar of a log: the zone its column shows, and what is missing in its dates.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::time::Time;

/// The zone of a log's time column; dates without a zone are in it too.
///
/// ```
/// use pretty::Calendar;
/// assert!(Calendar::in_zone("Europe/Berlin").is_ok());
/// assert!(Calendar::in_zone("+02:00").is_ok());
/// assert!(Calendar::in_zone("Berlin").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Seconds east of Greenwich, from these seconds since 1970 on. Invariant: in order.
    offsets: Vec<(i64, i32)>,
    /// The offset before the first of them.
    first: i32,
    /// The present, for dates without a year.
    now: Time,
}

/// A zone that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown zone `{0}`; use local, utc, +02:00 or a name as in Europe/Berlin")]
pub struct ZoneError(String);

impl Default for Calendar {
    /// Greenwich.
    fn default() -> Self {
        Self::fixed(0)
    }
}

impl Calendar {
    const fn fixed(offset: i32) -> Self {
        Self { offsets: Vec::new(), first: offset, now: Time::from_nanos(i64::MAX) }
    }

    /// The calendar of a zone: `local`, `utc`, `+02:00`, or a name of the zone database.
    ///
    /// # Errors
    /// If the zone is not known.
    pub fn in_zone(zone: &str) -> Result<Self, ZoneError> {
        let error = || ZoneError(zone.to_owned());
        match zone {
            "utc" | "UTC" | "Z" => return Ok(Self::default()),
            "local" => return Ok(Self::local()),
            _ => {}
        }
        if zone.starts_with(['+', '-']) {
            let offset = super::date::offset(zone.as_bytes()).ok_or_else(error)?;
            return Ok(Self::fixed(offset));
        }
        TimeZone::get(zone).map(|zone| Self::of(&zone)).map_err(|_| error())
    }

    /// The calendar of the system. Its zone is asked for by name, for which the names of all zones are
    /// read, only where it is neither UTC nor in the file that is there for it.
    fn local() -> Self {
        match std::env::var_os("TZ") {
            Some(zone) if zone == "UTC" => Self::default(),
            Some(_) => Self::of(&TimeZone::system()),
            None => {
                let zone = std::fs::read("/etc/localtime").ok();
                let zone = zone.and_then(|zone| TimeZone::tzif("local", &zone).ok());
                Self::of(&zone.unwrap_or_else(TimeZone::system))
            }
        }
    }

    /// The same calendar at this time since 1970: a date without a year is the last such date.
    #[must_use]
    pub fn with_now(self, now: Time) -> Self {
        Self { now, ..self }
    }

    fn of(zone: &TimeZone) -> Self {
        let first = zone.to_offset(Timestamp::UNIX_EPOCH).seconds();
        let changes = zone.following(Timestamp::UNIX_EPOCH).take(CHANGES_MAX);
        let offsets =
            changes.map(|change| (change.timestamp().as_second(), change.offset().seconds()));
        Self { offsets: offsets.collect(), ..Self::fixed(first) }
    }

    /// Seconds east of Greenwich at a time since 1970.
    #[must_use]
    pub fn offset_at(&self, seconds: i64) -> i32 {
        let after = self.offsets.partition_point(|(from, _)| *from <= seconds);
        after.checked_sub(1).map_or(self.first, |at| self.offsets[at].1)
    }

    /// The offset at a time of the zone's own clocks, in seconds since the start of 1970 there.
    pub(super) fn offset_at_local(&self, seconds: i64) -> i32 {
        let guess = self.offset_at(seconds - i64::from(self.offset_at(seconds)));
        self.offset_at(seconds - i64::from(guess))
    }

    /// The present.
    pub(crate) const fn now(&self) -> Time {
        self.now
    }

    /// The present, in seconds of the zone's own clocks.
    pub(crate) fn local_now(&self) -> i64 {
        let seconds = self.now.nanos().div_euclid(1_000_000_000);
        seconds + i64::from(self.offset_at(seconds))
    }

    /// The year of a month and day without one: the last that is not in the future.
    pub(super) fn year_of(&self, month: i64, day: i64) -> i64 {
        if self.now == Time::from_nanos(i64::MAX) {
            return FIRST_YEAR;
        }
        let (year, now_month, now_day) = super::days::date_of(self.local_now().div_euclid(86_400));
        // Clocks differ: tomorrow is not last year.
        match (month, day).cmp(&(now_month, now_day + 1)) {
            Ordering::Less | Ordering::Equal => year,
            Ordering::Greater => year - 1,
        }
    }
}

/// The changes of a zone from 1970 on that are kept: two a year, for more than a century.
const CHANGES_MAX: usize = 300;

/// The year of dates without one where the present is not known: a leap year.
const FIRST_YEAR: i64 = 1972;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_their_summer() {
        let berlin = Calendar::in_zone("Europe/Berlin").unwrap();
        let (winter, summer) = (1_704_067_200, 1_719_792_000);
        assert_eq!((berlin.offset_at(winter), berlin.offset_at(summer)), (3600, 7200));
        assert_eq!(berlin.offset_at_local(summer + 7200), 7200);
        assert_eq!(Calendar::in_zone("-0330").unwrap().offset_at(0), -12_600);
        let error = Calendar::in_zone("Atlantis").unwrap_err();
        assert!(error.to_string().starts_with("unknown zone `Atlantis`; use local"));
    }

    #[test]
    fn a_date_without_a_year_is_the_last_one() {
        // 2024-02-01
        let now = Time::from_nanos(1_706_745_600_000_000_000);
        let calendar = Calendar::default().with_now(now);
        assert_eq!(calendar.year_of(1, 31), 2024);
        assert_eq!(calendar.year_of(2, 2), 2024);
        assert_eq!(calendar.year_of(10, 5), 2023);
    }
}
