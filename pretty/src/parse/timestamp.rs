//! Times of structured logs: microseconds of a run, seconds since 1970, or dates.

use std::borrow::Cow;

use crate::line::Stamp;
use crate::time::{Fraction, Number, Tick, Time};

/// Microseconds as the text form writes them: milliseconds with three decimals.
pub(super) fn micros(micros: i64) -> Option<Stamp<'static>> {
    let sign = if micros < 0 { "-" } else { "" };
    let size = micros.unsigned_abs();
    let text = format!("{sign}{}.{:03}", size / 1000, size % 1000);
    Some(Stamp {
        text: Cow::Owned(text.into_bytes()),
        at: Some(Time::from_nanos(micros.checked_mul(1000)?)),
        unit: Some(Tick::MILLISECOND),
        offset: None,
    })
}

/// A number of seconds, milliseconds, microseconds or nanoseconds since 1970, whichever gives a
/// date of our time; or a date as in `2026-11-23T06:12:00.123456Z`, of which the time of day is
/// shown. `None` for anything else.
pub(super) fn wall(text: Cow<'_, str>) -> Option<Stamp<'_>> {
    if let Some(number) = Number::parse(text.as_bytes()) {
        return Some(Stamp {
            at: Some(since_1970(number, &text)),
            text: bytes(text),
            unit: None,
            offset: None,
        });
    }
    let date = Date::parse(&text)?;
    let day = match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text.as_bytes()[DATE_BYTES..date.end]),
        Cow::Owned(text) => Cow::Owned(text.as_bytes()[DATE_BYTES..date.end].to_vec()),
    };
    Some(Stamp { text: day, at: Some(date.time), unit: None, offset: Some(0) })
}

/// Seconds have ten digits from 2001 to 2286.
fn since_1970(number: Number, text: &str) -> Time {
    let digits = text.split('.').next().unwrap_or_default().len();
    number.at(match (number.fraction, digits) {
        (Fraction::Present, _) | (_, 0..=11) => Tick::SECOND,
        (_, 12..=14) => Tick::MILLISECOND,
        (_, 15..=17) => Tick::MICROSECOND,
        (..) => Tick::NANOSECOND,
    })
}

/// `2026-11-23T`.
const DATE_BYTES: usize = 11;

struct Date {
    time: Time,
    /// The end of the time of day, where the zone begins.
    end: usize,
}

impl Date {
    /// Reads RFC 3339, with a blank instead of the `T` too.
    fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let number = |from: usize, length: usize| -> Option<i64> {
            let digits = text.get(from..from + length)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let separators = [(4, b"-"), (7, b"-"), (13, b":"), (16, b":")];
        let in_place = separators.iter().all(|(at, byte)| bytes.get(*at) == Some(&byte[0]));
        if !in_place || !matches!(bytes.get(10), Some(b'T' | b't' | b' ')) {
            return None;
        }
        let days = days_since_1970(number(0, 4)?, number(5, 2)?, number(8, 2)?);
        let seconds = number(11, 2)? * 3600 + number(14, 2)? * 60 + number(17, 2)?;
        let (nanos, end) = fraction(bytes);
        let zone = zone(text.get(end..)?)?;
        let whole = days.checked_mul(86_400)?.checked_add(seconds - zone)?;
        let time = whole.checked_mul(1_000_000_000)?.checked_add(nanos)?;
        Some(Self { time: Time::from_nanos(time), end })
    }
}

/// The nanoseconds behind `hh:mm:ss`, and where they end.
fn fraction(bytes: &[u8]) -> (i64, usize) {
    let start = DATE_BYTES + "hh:mm:ss".len();
    if bytes.get(start) != Some(&b'.') {
        return (0, start);
    }
    let digits = bytes[start + 1..].iter().take_while(|byte| byte.is_ascii_digit());
    let mut nanos = 0;
    let mut scale = 100_000_000;
    let mut end = start + 1;
    for digit in digits {
        nanos += i64::from(digit - b'0') * scale;
        scale /= 10;
        end += 1;
    }
    (nanos, end)
}

/// Seconds east of Greenwich; no zone counts as Greenwich.
fn zone(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first() {
        None | Some(b'Z' | b'z') => return Some(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let hours: i64 = text.get(1..3)?.parse().ok()?;
    let minutes: i64 = text.get(text.len() - 2..)?.parse().ok()?;
    Some(sign * (hours * 3600 + minutes * 60))
}

/// Days of the Gregorian calendar, counted in years that begin in March so that the leap day is
/// their last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str, nanos: i64) {
        let stamp = wall(Cow::Borrowed(text)).unwrap();
        assert_eq!(std::str::from_utf8(&stamp.text), Ok(shown));
        assert_eq!(stamp.at, Some(Time::from_nanos(nanos)), "{text}");
    }

    #[test]
    fn dates_and_numbers() {
        check("1970-01-01T00:00:00Z", "00:00:00", 0);
        check("2000-02-29T12:00:00.5Z", "12:00:00.5", 951_825_600_500_000_000);
        check("2026-11-23T06:12:00.123456+02:00", "06:12:00.123456", 1_795_407_120_123_456_000);
        check("1795407120.25", "1795407120.25", 1_795_407_120_250_000_000);
        check("1795407120250", "1795407120250", 1_795_407_120_250_000_000);
        for bad in ["", "yesterday", "2026-11-23", "2026-11-23T06:12:00 CET", "2026-11-2é06:12:00Z"]
        {
            assert_eq!(wall(Cow::Borrowed(bad)), None, "{bad}");
        }
    }
}
