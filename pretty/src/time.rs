//! Points in log time and the units logs count them in.
//!
//! A log's clock is the clock of the run that wrote it: only differences and order mean
//! anything, so a [`Time`] is nanoseconds since the log's own zero. Nothing here reads
//! a real clock.

use std::fmt;

/// A point in log time, in nanoseconds since the log's own zero; for logs with dates since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// The time this many nanoseconds after the log's zero.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the log's zero.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The same time on a clock that reads zero at `origin`.
    #[must_use]
    pub const fn since(self, origin: Self) -> Self {
        Self(self.0.saturating_sub(origin.0))
    }

    /// The time that is this long after `origin`: the inverse of [`Time::since`].
    #[must_use]
    pub const fn after(self, origin: Self) -> Self {
        Self(self.0.saturating_add(origin.0))
    }

    /// An instant as a clock shows it that is so many seconds east of Greenwich.
    #[must_use]
    pub(crate) fn in_zone(self, offset: i32) -> Self {
        Self(i64::from(offset) * 1_000_000_000).after(self)
    }
}

/// The length of one unit of a time field, in nanoseconds; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick(i64);

impl Tick {
    /// One nanosecond.
    pub const NANOSECOND: Self = Self(1);
    /// One microsecond.
    pub const MICROSECOND: Self = Self(1_000);
    /// One millisecond: the unit of `verbose/1`.
    pub const MILLISECOND: Self = Self(1_000_000);
    /// Ten milliseconds: the unit of whole-number times between bars.
    pub const TEN_MILLISECONDS: Self = Self(10_000_000);
    /// A hundred microseconds: the unit of `000123 VOTE S1 …` lines.
    pub const HUNDRED_MICROSECONDS: Self = Self(100_000);
    /// One second: the unit of epoch times with a fraction.
    pub const SECOND: Self = Self(1_000_000_000);

    /// Reads a length such as `10ms`, `100us` or `1s`.
    ///
    /// # Errors
    /// If the text is not a positive number followed by one of `ns us µs ms s m h`.
    ///
    /// ```
    /// assert_eq!("10ms".parse(), Ok(pretty::Tick::TEN_MILLISECONDS));
    /// assert!("0ms".parse::<pretty::Tick>().is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let error = || TimeError { text: text.to_owned() };
        let (number, unit) = split_unit(text);
        let number = Number::parse(number.as_bytes()).ok_or_else(error)?;
        match number.at(unit.ok_or_else(error)?).nanos() {
            nanos if nanos > 0 => Ok(Self(nanos)),
            _ => Err(error()),
        }
    }

    /// Nanoseconds in one unit.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }
}

impl std::str::FromStr for Tick {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (length, unit) = UNITS
            .iter()
            .rev()
            .map(|(unit, length)| (*length, *unit))
            .find(|(length, _)| self.0 % length == 0)
            .unwrap_or((1, "ns"));
        match self.0 / length {
            1 => f.write_str(unit),
            count => write!(f, "{count}{unit}"),
        }
    }
}

/// A text that is not a time or a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid time {text:?}; use 1.5s, 200ms, a time as in the column, 2024-05-02, 2024-05-02T08:11:22Z, \
     -5m, today or yesterday"
)]
pub struct TimeError {
    text: String,
}

impl TimeError {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned() }
    }
}

/// A decimal number of some unit, as logs write it: `001234`, `1234.567`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    whole: i64,
    /// The part after the point, in billionths; digits beyond the ninth are dropped.
    billionths: i64,
    pub(crate) fraction: Fraction,
}

/// The point of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fraction {
    Absent,
    Present,
}

impl Number {
    /// Reads digits with at most one point; `None` for anything else or a whole part that does not
    /// fit.
    #[inline]
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let point = text.iter().position(|byte| *byte == b'.');
        let (whole, fraction) = match point {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, &[][..]),
        };
        let fits = whole.len() < 19 || whole <= &b"9223372036854775807"[..];
        if whole.is_empty() || whole.len() > 19 || !fits || point.is_some() == fraction.is_empty() {
            return None;
        }
        let whole = digits(whole)?;
        let head = match fraction.split_at_checked(9) {
            Some((head, more)) => digits(more).map(|_| head)?,
            None => fraction,
        };
        let scale = SCALES[head.len()];
        let fraction = if point.is_some() { Fraction::Present } else { Fraction::Absent };
        Some(Self { whole, billionths: digits(head)? * scale, fraction })
    }

    /// This many units after zero, clamped to what a [`Time`] can hold.
    #[inline]
    pub(crate) fn at(self, unit: Tick) -> Time {
        let whole = self.whole.saturating_mul(unit.0);
        Time(whole.saturating_add(self.part_of(unit)))
    }

    /// The part after the point, in nanoseconds.
    fn part_of(self, unit: Tick) -> i64 {
        // Nearly every unit is short enough for a division that processors can do themselves.
        if let Some(product) = self.billionths.checked_mul(unit.0) {
            return product / 1_000_000_000;
        }
        let part = i128::from(self.billionths) * i128::from(unit.0) / 1_000_000_000;
        i64::try_from(part).unwrap_or(i64::MAX)
    }
}

/// By the number of digits of a fraction, the billionths in a unit of the last of them.
const SCALES: [i64; 10] =
    [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];

/// The value of a run of digits (wrapping beyond what fits); `None` if anything else is in it.
#[inline]
fn digits(text: &[u8]) -> Option<i64> {
    let (mut value, mut are_digits) = (0_i64, true);
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        are_digits &= digit < 10;
        value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
    }
    are_digits.then_some(value)
}

/// Splits `1.5s` into `1.5` and its unit.
pub(crate) fn split_unit(text: &str) -> (&str, Option<Tick>) {
    let text = text.trim();
    let start = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(start);
    let suffix = suffix.trim();
    let name = if suffix == "µs" || suffix == "μs" { "us" } else { suffix };
    let unit = UNITS.iter().find(|(unit, _)| *unit == name).map(|(_, nanos)| Tick(*nanos));
    (number, unit)
}

/// Unit names and their lengths in nanoseconds, shortest first.
const UNITS: [(&str, i64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, unit: Tick, nanos: Option<i64>) {
        assert_eq!(Number::parse(text.as_bytes()).map(|n| n.at(unit).nanos()), nanos, "{text}");
    }

    #[test]
    fn numbers_with_and_without_a_point() {
        check("000123", Tick::TEN_MILLISECONDS, Some(1_230_000_000));
        check("001234.567", Tick::MILLISECOND, Some(1_234_567_000));
        check("0.0000000019", Tick::SECOND, Some(1));
        check("0.5", Tick(7_200_000_000_000_000_000), Some(3_600_000_000_000_000_000));
        check("1.", Tick::SECOND, None);
        check(".5", Tick::SECOND, None);
        check("1.2.3", Tick::SECOND, None);
        check("-1", Tick::SECOND, None);
        check("", Tick::SECOND, None);
        check("999999999999999999", Tick::SECOND, Some(i64::MAX));
        check("1714637482101234567", Tick::NANOSECOND, Some(1_714_637_482_101_234_567));
        check("9223372036854775808", Tick::NANOSECOND, None);
        check("9999999999999999999", Tick::SECOND, None);
    }

    #[test]
    fn ticks_read_and_print() {
        for text in ["10ms", "100us", "ms", "s", "90s", "2h", "7ns"] {
            let spelled = if text.starts_with(char::is_alphabetic) {
                format!("1{text}")
            } else {
                text.to_owned()
            };
            assert_eq!(Tick::parse(&spelled).map(|tick| tick.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(Tick::parse("5µs"), Tick::parse("5us"));
        for bad in ["", "10", "ms", "0ms", "-1ms", "1 parsec"] {
            assert_eq!(Tick::parse(bad), Err(TimeError::new(bad)), "{bad}");
        }
    }
}
