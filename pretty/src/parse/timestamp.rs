//! Times of logs → [`Stamp`]s: numbers since the start of a run or since 1970, dates in the usual
//! forms, times of day.
//!
//! Total: a text that is not a time gives `None`. Of a date the time of day is shown, in the zone of
//! the [`Calendar`].

use std::borrow::Cow;
use std::ops::Range;

use super::calendar::Calendar;
use super::date::{self, Date};
use super::days::days_since_1970;
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

/// A time that counts in this unit, as written but for leading zeros.
#[inline]
pub(super) fn counted(text: &[u8], number: Number, unit: Tick) -> Stamp<'_> {
    let text = Cow::Borrowed(without_leading_zeros(text));
    Stamp { text, at: Some(number.at(unit)), unit: Some(unit), offset: None }
}

/// A number since 1970, in seconds, milliseconds, microseconds or nanoseconds, whichever gives a
/// date of our time.
pub(super) fn since_1970(number: Number, text: &[u8], calendar: &Calendar) -> Stamp<'static> {
    let whole = text.iter().take_while(|byte| **byte != b'.').count();
    let (unit, digits) = match whole {
        0..=11 => (Tick::SECOND, text.len().saturating_sub(whole + 1).min(9)),
        12..=14 => (Tick::MILLISECOND, 3),
        15..=17 => (Tick::MICROSECOND, 6),
        _ => (Tick::NANOSECOND, 9),
    };
    let at = number.at(if number.fraction == Fraction::Present && whole <= 11 {
        Tick::SECOND
    } else {
        unit
    });
    let offset = calendar.offset_at(at.nanos().div_euclid(SECOND));
    let text = clock_text(at.in_zone(offset), digits, b'.');
    Stamp { text: Cow::Owned(text), at: Some(at), unit: None, offset: Some(offset) }
}

/// Tells whether a number of this many digits can be one since 1970: seconds from 2001 to 2286,
/// or parts of them.
pub(super) fn is_since_1970(text: &[u8]) -> bool {
    let whole = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    matches!(whole, 10 | 13 | 16 | 19) && matches!(text.get(whole), None | Some(b'.'))
}

/// Tells whether a text is a date or a number since 1970.
pub(super) fn is_time(text: &[u8]) -> bool {
    is_since_1970(text) || date::read(text).is_some()
}

/// A time in any of the forms known here, numbers since 1970 among them.
pub(super) fn wall<'a>(text: Cow<'a, [u8]>, calendar: &Calendar) -> Option<Stamp<'a>> {
    if let Some(date) = date::usual(&text) {
        return of_date(text, date, calendar);
    }
    if let Some(number) = Number::parse(&text) {
        return Some(since_1970(number, &text, calendar));
    }
    if let Some(plain) = without_exponent(&text) {
        return Some(since_1970(Number::parse(&plain)?, &plain, calendar));
    }
    let date = date::read(&text)?;
    of_date(text, date, calendar)
}

/// The stamp of a text that is this date.
fn of_date<'a>(text: Cow<'a, [u8]>, date: Date, calendar: &Calendar) -> Option<Stamp<'a>> {
    let Some(day) = day(&date, calendar) else {
        let at = Some(Time::from_nanos(date.of_day));
        return Some(Stamp { text: part(text, date.clock), at, unit: None, offset: None });
    };
    let local = day.checked_mul(DAY)?.checked_add(date.of_day)?;
    let seconds = local.div_euclid(SECOND);
    let written = date.zone.unwrap_or_else(|| calendar.offset_at_local(seconds));
    let at = Time::from_nanos(local.checked_sub(i64::from(written) * SECOND)?);
    let shown = match date.zone {
        None => written,
        Some(_) => calendar.offset_at(at.nanos().div_euclid(SECOND)),
    };
    let has_colons = text[date.clock.clone()].contains(&b':');
    let text = match shown == written && has_colons {
        true => part(text, date.clock),
        false => {
            let point = if text[date.clock.clone()].contains(&b',') { b',' } else { b'.' };
            Cow::Owned(clock_text(at.in_zone(shown), date.digits, point))
        }
    };
    Some(Stamp { text, at: Some(at), unit: None, offset: Some(shown) })
}

/// `1714637482.101` for `1.714637482101e+09`.
fn without_exponent(text: &[u8]) -> Option<Vec<u8>> {
    let end = memchr::memchr2(b'e', b'E', text)?;
    let (number, exponent) = (&text[..end], std::str::from_utf8(&text[end + 1..]).ok()?);
    let exponent: usize = exponent.parse().ok().filter(|exponent| *exponent < 19)?;
    let (whole, fraction) = (number.get(..1)?, number.get(1..)?);
    let fraction = if fraction.is_empty() { fraction } else { fraction.strip_prefix(b".")? };
    let mut digits = [whole, fraction].concat();
    while digits.len() < 1 + exponent {
        digits.push(b'0');
    }
    if digits.len() > 1 + exponent {
        digits.insert(1 + exponent, b'.');
    }
    Some(digits)
}

/// The text of a stamp that has been moved to another time.
pub(super) fn shifted(stamp: &Stamp<'_>, at: Time, calendar: &Calendar) -> Vec<u8> {
    let point = stamp.text.iter().position(|byte| b".,".contains(byte));
    let digits = point.map_or(0, |point| stamp.text.len() - point - 1);
    match (stamp.unit, stamp.offset) {
        (Some(unit), _) => {
            let scaled = i128::from(at.nanos()) * 1_000 / i128::from(unit.nanos());
            let (whole, thousandths) = (scaled / 1_000, scaled.unsigned_abs() % 1_000);
            if digits == 0 {
                whole.to_string().into_bytes()
            } else {
                format!("{whole}.{thousandths:03}").into_bytes()
            }
        }
        (None, offset) => {
            let offset = offset.map_or(0, |_| calendar.offset_at(at.nanos().div_euclid(SECOND)));
            let point = point.map_or(b'.', |point| stamp.text[point]);
            clock_text(at.in_zone(offset), digits.min(9), point)
        }
    }
}

fn part(text: Cow<'_, [u8]>, range: Range<usize>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[range]),
        Cow::Owned(text) => Cow::Owned(text[range].to_vec()),
    }
}

/// `06:12:00.123` of a local time, with this many decimals.
fn clock_text(local: Time, digits: usize, point: u8) -> Vec<u8> {
    let of_day = local.nanos().rem_euclid(DAY);
    let (seconds, nanos) = (of_day / SECOND, of_day % SECOND);
    let mut text = Vec::with_capacity(18);
    for (at, part) in [seconds / 3600, seconds / 60 % 60, seconds % 60].into_iter().enumerate() {
        if at > 0 {
            text.push(b':');
        }
        text.extend([digit(part / 10), digit(part % 10)]);
    }
    if digits > 0 {
        text.push(point);
        let mut scale = SECOND / 10;
        for _ in 0..digits {
            text.push(digit(nanos / scale % 10));
            scale = (scale / 10).max(1);
        }
    }
    text
}

fn digit(value: i64) -> u8 {
    b'0' + u8::try_from(value).unwrap_or(0)
}

/// `000123` → `123`, `000000.500` → `0.500`.
#[inline]
pub(super) fn without_leading_zeros(time: &[u8]) -> &[u8] {
    let zeros = time.iter().take_while(|byte| **byte == b'0').count();
    match time.get(zeros) {
        Some(b'0'..=b'9') => &time[zeros..],
        Some(_) | None => &time[zeros.saturating_sub(1)..],
    }
}

/// The day of a date, counted from 1970.
fn day(date: &Date, calendar: &Calendar) -> Option<i64> {
    let (month, day) = date.month_and_day?;
    let year = date.year.unwrap_or_else(|| calendar.year_of(month, day));
    Some(days_since_1970(year, month, day))
}

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::date::WrittenTime;

    fn stamp<'a>(text: &'a str, calendar: &Calendar) -> Option<Stamp<'a>> {
        wall(Cow::Borrowed(text.as_bytes()), calendar)
    }

    #[track_caller]
    fn check(text: &str, shown: &str, nanos: i64) {
        let calendar = Calendar::default().with_now(Time::from_nanos(1_800_000_000_000_000_000));
        let stamp = stamp(text, &calendar).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(std::str::from_utf8(&stamp.text), Ok(shown));
        assert_eq!(stamp.at, Some(Time::from_nanos(nanos)), "{text}");
    }

    #[test]
    fn dates_and_numbers() {
        check("1970-01-01T00:00:00Z", "00:00:00", 0);
        check("2000-02-29T12:00:00.5Z", "12:00:00.5", 951_825_600_500_000_000);
        check("2026-11-23T06:12:00.123456+02:00", "04:12:00.123456", 1_795_407_120_123_456_000);
        check("1795407120.25", "04:12:00.25", 1_795_407_120_250_000_000);
        check("1795407120250", "04:12:00.250", 1_795_407_120_250_000_000);
        for bad in ["", "yesterday", "2026-11-23", "2026-11-23T06:12:00 cet", "2026-11-2é06:12:00Z"]
        {
            assert_eq!(stamp(bad, &Calendar::default()), None, "{bad}");
        }
    }

    /// Class: an instant so near the ends of what can be counted that a zone leads beyond them.
    #[test]
    fn times_at_the_ends_of_the_range_are_shown_in_every_zone() {
        for zone in ["+14:00", "-12:00", "+00:00"] {
            let calendar = Calendar::in_zone(zone).expect("a zone");
            for text in [
                "9223372036854775807",
                "99999999999.5",
                "1677-09-21T00:12:44Z",
                "2262-04-11T23:47:16Z",
                "2262-04-11T23:47:16-12:00",
                "2262-04-11T23:47:16",
            ] {
                let stamp = stamp(text, &calendar);
                let shown = stamp.as_ref().map(|own| (own.text.len() >= 8, own.day().is_some()));
                assert!(matches!(shown, None | Some((true, true))), "{zone}: {stamp:?}");
            }
        }
        assert!(WrittenTime::read(b"2262-04-11T23:47:16-12:00").is_none());
    }

    #[test]
    fn one_instant_in_every_form() {
        const AT: i64 = 1_714_637_482_000_000_000;
        for text in [
            "2024-05-02T08:11:22Z",
            "2024-05-02T08:11:22",
            "2024-05-02 08:11:22 UTC",
            "2024/05/02 08:11:22",
            "2024.05.02 08:11:22",
            "2024-05-02 10:11:22 +02:00",
            "2024-05-02T10:11:22+0200",
            "2024-05-02 10:11:22 +0200 CEST",
            "20240502 08:11:22",
            "240502 08:11:22",
            "02/May/2024:08:11:22 +0000",
            "02 May 2024 08:11:22",
            "2-May-2024::08:11:22",
            "May 2, 2024 8:11:22 AM",
            "May 2 08:11:22 2024",
            "Thu May  2 08:11:22 2024",
            "Thu, 02 May 2024 08:11:22 GMT",
            "05/02/2024 08:11:22",
            "02.05.2024 08:11:22",
            "2024-05-02 08:11:22{GMT}",
            "20240502T081122Z",
            "2024-05-02 10:11:22 CEST",
            "2024-05-02 03:11:22 EST",
            "2024-05-02|08:11:22",
            "2024-05-02][08:11:22",
            "05/02/2024, 8:11:22 AM",
            "24/05/02 08:11:22",
            "05/02/24 08:11:22",
            "02.05.24 08:11:22",
            "Thu 2024-05-02 08:11:22 UTC",
            // A name that several zones have is that of the column.
            "2024-05-02 08:11:22 CST",
            // The year is the last one before the present, 2027.
        ] {
            assert_eq!(
                stamp(text, &Calendar::default()).and_then(|own| own.at).map(Time::nanos),
                Some(AT),
                "{text}"
            );
        }
        check("02 May 08:11:22.709", "08:11:22.709", 1_777_709_482_709_000_000);
        check("502 08:11:22.709", "08:11:22.709", 1_777_709_482_709_000_000);
        check("05-02 08:11:22.709", "08:11:22.709", 1_777_709_482_709_000_000);
        check("20240502T081122.101Z", "08:11:22.101", AT + 101_000_000);
        check("1.714637482101e+09", "08:11:22.101", AT + 101_000_000);
        check("1714637482101234567", "08:11:22.101234567", AT + 101_234_567);
        check("0502 08:11:22.709710", "08:11:22.709710", 1_777_709_482_709_710_000);
        check("2024-05-02 08:11:22,101", "08:11:22,101", AT + 101_000_000);
        check("2024-05-02T08:11:22.214_567+00:00", "08:11:22.214_567", AT + 214_567_000);
        check("08:11:22.5", "08:11:22.5", 29_482_500_000_000);
        check("8:11AM", "8:11AM", 29_460_000_000_000);
    }

    #[test]
    fn the_column_has_one_zone() {
        let berlin = Calendar::in_zone("Europe/Berlin").unwrap();
        for (text, shown) in [
            ("2024-05-02T08:11:22Z", "10:11:22"),
            ("2024-05-02T08:11:22.5+05:00", "05:11:22.5"),
            ("2024-05-02T10:11:22+02:00", "10:11:22"),
            ("2024-05-02 10:11:22", "10:11:22"),
            ("1714637482123", "10:11:22.123"),
        ] {
            let stamp = stamp(text, &berlin).unwrap();
            assert_eq!(std::str::from_utf8(&stamp.text), Ok(shown), "{text}");
            assert_eq!(stamp.offset, Some(7200), "{text}");
        }
        assert_eq!(
            stamp("2024-05-02T23:30:00Z", &berlin).unwrap().day(),
            Some(days_since_1970(2024, 5, 3))
        );
    }

    #[test]
    fn days_and_dates_are_inverse() {
        for day in (-200_000..200_000).step_by(37) {
            let (year, month, of_month) = crate::parse::date_of(day);
            assert_eq!(days_since_1970(year, month, of_month), day);
        }
        assert_eq!(crate::parse::date_of(0), (1970, 1, 1));
    }
}
