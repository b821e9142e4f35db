//! Ends of time windows, in all forms a person types them.

use std::ops::RangeInclusive;

use crate::line::Stamp;
use crate::parse::{Calendar, WrittenTime};
use crate::time::{Number, Tick, Time, TimeError, split_unit};

/// One end of a time window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A point in time, given with a unit: `1.5s`. In a log with dates it counts from the first one.
    Time(Time),
    /// A number as it stands in the log's time column, in the unit of that column.
    Column(BareNumber),
    /// A date or time of day.
    Wall(WallTime),
    /// So long before the present: `-5m`.
    Ago(Time),
    /// The start of a day, counted from today: `yesterday`.
    Day(i64),
}

/// A number without a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BareNumber(Number);

/// A date or time of day as it is written, and the time until the next one so written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallTime {
    written: WrittenTime,
    span: i64,
}

impl Bound {
    /// Reads `1.5s`, a bare number or a time of day as it stands in the time column, a date with or
    /// without a time of day (RFC 3339 among them), `-5m`, `now`, `today` or `yesterday`.
    ///
    /// # Errors
    /// If the text is none of these.
    ///
    /// ```
    /// use pretty::Bound;
    /// for text in ["1.5s", "1500", "08:11:22", "2024-05-02", "2024-05-02T08:11:22Z", "-5m", "today"] {
    ///     assert!(Bound::parse(text).is_ok(), "{text}");
    /// }
    /// assert!(Bound::parse("tomorrow").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let text = text.trim();
        match text {
            "now" => return Ok(Self::Ago(Time::from_nanos(0))),
            "today" => return Ok(Self::Day(0)),
            "yesterday" => return Ok(Self::Day(-1)),
            _ => {}
        }
        if let Some(length) = text.strip_prefix('-') {
            let (number, unit) = split_unit(length);
            let ago = Number::parse(number.as_bytes()).zip(unit);
            return ago
                .map(|(number, unit)| Self::Ago(number.at(unit)))
                .ok_or_else(|| TimeError::new(text));
        }
        let (number, unit) = split_unit(text);
        let bare = text.len() == number.len();
        match (Number::parse(number.as_bytes()), unit) {
            (Some(number), Some(unit)) => Ok(Self::Time(number.at(unit))),
            (Some(number), None) if bare => Ok(Self::Column(BareNumber(number))),
            _ => wall_time(text).map(Self::Wall).ok_or_else(|| TimeError::new(text)),
        }
    }

    /// The same bound, with the present and the zone it depends on.
    #[must_use]
    pub fn resolve(self, calendar: &Calendar) -> Self {
        let now = calendar.now().nanos();
        let instant =
            |nanos| Self::Wall(WallTime { written: WrittenTime::Instant(nanos), span: 1 });
        match self {
            Self::Ago(length) => instant(now.saturating_sub(length.nanos())),
            Self::Day(days) => {
                let today = calendar.local_now().div_euclid(DAY / SECOND);
                let written = WrittenTime::Local((today + days) * DAY);
                Self::Wall(WallTime { written, span: DAY })
            }
            Self::Time(_) | Self::Column(_) | Self::Wall(_) => self,
        }
    }

    /// The times a bound stands for, beside a stamp of the log and the time of its first event;
    /// `None` if such a log has no such times.
    pub(crate) fn range(self, stamp: &Stamp<'_>, origin: Time) -> Option<RangeInclusive<Time>> {
        let point = |time: Time| Some(time..=time);
        match (self, stamp.unit) {
            (Self::Time(time), Some(_)) => point(time),
            (Self::Column(BareNumber(number)), Some(unit)) => point(number.at(unit)),
            (Self::Time(time), None) => point(time.after(origin)),
            (Self::Column(BareNumber(number)), None) => {
                point(number.at(Tick::SECOND).after(origin))
            }
            (Self::Wall(wall), None) => Some(wall.range(stamp.offset.unwrap_or(0), origin)),
            (Self::Wall(_), Some(_)) | (Self::Ago(_) | Self::Day(_), _) => None,
        }
    }
}

impl WallTime {
    fn range(self, offset: i32, origin: Time) -> RangeInclusive<Time> {
        let offset = i64::from(offset) * SECOND;
        let start = match self.written {
            WrittenTime::Instant(nanos) => nanos,
            WrittenTime::Local(nanos) => nanos.saturating_sub(offset),
            // That time on the day of the first event, or on the next if it is over by then.
            WrittenTime::OfDay(nanos) => {
                let first = origin.nanos().saturating_add(offset);
                let on_first_day = first.div_euclid(DAY).saturating_mul(DAY).saturating_add(nanos);
                let is_over = on_first_day.saturating_add(self.span) <= first;
                let next = if is_over { DAY } else { 0 };
                on_first_day.saturating_add(next).saturating_sub(offset)
            }
        };
        Time::from_nanos(start)..=Time::from_nanos(start.saturating_add(self.span - 1))
    }
}

fn wall_time(text: &str) -> Option<WallTime> {
    let digits = |text: &str| {
        let fraction = text.split(['.', ',']).nth(1).unwrap_or_default();
        u32::try_from(fraction.bytes().take_while(u8::is_ascii_digit).count().min(9)).unwrap_or(9)
    };
    let read = |text: &str, span: i64| {
        Some(WallTime { written: WrittenTime::read(text.as_bytes())?, span })
    };
    read(text, 10_i64.pow(9 - digits(text)))
        .or_else(|| read(&format!("{text}:00"), 60 * SECOND))
        .or_else(|| read(&format!("{text} 00:00:00"), DAY))
}

impl std::str::FromStr for Bound {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

#[cfg(test)]
mod tests {
    use super::*;

    /// The nanoseconds since 1970 a bound stands for, in a log that begins at 2024-05-02 08:11:22 in a
    /// zone two hours east.
    fn range(text: &str) -> Option<(i64, i64)> {
        let origin = Time::from_nanos(ORIGIN);
        let stamp = Stamp { text: b"".into(), at: Some(origin), unit: None, offset: Some(7200) };
        let calendar =
            Calendar::in_zone("+02:00").unwrap().with_now(Time::from_nanos(ORIGIN + 3600 * SECOND));
        let range = Bound::parse(text).unwrap().resolve(&calendar).range(&stamp, origin)?;
        Some(((range.start().nanos() - ORIGIN) / SECOND, (range.end().nanos() - ORIGIN) / SECOND))
    }

    const ORIGIN: i64 = 1_714_630_282 * SECOND;

    #[test]
    fn times_of_all_forms() {
        for (text, start, end) in [
            ("1.5s", 1, 1),
            ("5m", 300, 300),
            ("90", 90, 90),
            ("08:11:30", 8, 8),
            ("08:11:30.5", 8, 8),
            ("08:12", 38, 97),
            ("07:00:00", 82_118, 82_118),
            ("2024-05-02 08:11:32", 10, 10),
            ("2024-05-02T06:11:32Z", 10, 10),
            ("2024-05-03", 56_918, 143_317),
            ("-5m", 3300, 3300),
            ("today", -29_482, 56_917),
            ("yesterday", -115_882, -29_482),
        ] {
            assert_eq!(range(text), Some((start, end)), "{text}");
        }
    }

    #[test]
    fn errors_tell_the_forms() {
        for bad in ["tomorrow", "5 parsec", "-5", "25:00:00", "2024-13-01", ""] {
            let error = Bound::parse(bad).unwrap_err().to_string();
            assert!(error.contains("2024-05-02"), "{bad}: {error}");
        }
    }
}
