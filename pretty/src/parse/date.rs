//! Dates and times of day in the usual forms, as they are written.

use std::ops::Range;

use super::days::days_since_1970;

mod calendar_date;

use calendar_date::set_date;

/// Reads a whole text as a date with a time of day, or as a time of day.
pub(super) fn read(text: &[u8]) -> Option<Date> {
    usual(text).or_else(|| scan(text))
}

fn scan(text: &[u8]) -> Option<Date> {
    Scan::new(text).date()
}

/// Reads `2024-05-02T08:11:22.123Z`, which most logs have, in a few steps; `None` for all else.
pub(super) fn usual(text: &[u8]) -> Option<Date> {
    let (head, rest) = text.split_first_chunk::<19>()?;
    let mark = head[4];
    let marks = [head[7], head[13], head[16]] == [mark, b':', b':'];
    if !marks || !matches!((mark, head[10]), (b'-' | b'/', b'T' | b' ')) {
        return None;
    }
    let number = |at: usize| two_digits([head[at], head[at + 1]]);
    let (month, day) = (number(5)?, number(8)?);
    let (hours, minutes, seconds) = (number(11)?, number(14)?, number(17)?);
    let mut date = Date::default();
    set_date(&mut date, Some(number(0)? * 100 + number(2)?), month, day)?;
    if hours > 24 || minutes > 59 || seconds > 60 {
        return None;
    }
    let mut nanos = 0;
    let mut decimals = 0;
    if let [b'.' | b',', digits @ ..] = rest {
        decimals = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&decimals) {
            return None;
        }
        let value = |value: i64, byte: &u8| value * 10 + i64::from(byte - b'0');
        nanos = digits[..decimals].iter().fold(0, value) * POWERS[9 - decimals];
    }
    let end = head.len() + if decimals > 0 { 1 + decimals } else { 0 };
    date.zone = match text[end..] {
        [] => None,
        [b'Z'] => Some(0),
        [sign @ (b'+' | b'-'), a, b, c, d] | [sign @ (b'+' | b'-'), a, b, b':', c, d] => {
            let offset = (two_digits([a, b])? * 60 + two_digits([c, d])?) * 60;
            i32::try_from(if sign == b'-' { -offset } else { offset }).ok()
        }
        _ => return None,
    };
    (date.clock, date.digits) = (11..end, decimals);
    date.of_day = (hours * 3600 + minutes * 60 + seconds) * SECOND + nanos;
    Some(date)
}

#[inline]
fn two_digits([tens, ones]: [u8; 2]) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

const POWERS: [i64; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// A date or time of day in nanoseconds: since 1970, since 1970 on the clocks of a place, or since
/// midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenTime {
    /// With a zone.
    Instant(i64),
    /// Without one.
    Local(i64),
    /// Without a date.
    OfDay(i64),
}

impl WrittenTime {
    /// Reads a whole text; a date must have its year.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let date = read(text)?;
        let Some((month, day)) = date.month_and_day else { return Some(Self::OfDay(date.of_day)) };
        let days = days_since_1970(date.year?, month, day);
        let local = days.checked_mul(86_400 * SECOND)?.checked_add(date.of_day)?;
        Some(match date.zone {
            Some(zone) => Self::Instant(local.checked_sub(i64::from(zone) * SECOND)?),
            None => Self::Local(local),
        })
    }
}

/// Seconds east of Greenwich of `+02:00`, `-0330`, `+02`, `Z`.
pub(super) fn offset(text: &[u8]) -> Option<i32> {
    let mut scan = Scan::new(text);
    let offset = scan.zone()?;
    scan.rest().is_empty().then_some(offset)
}

/// A date as it is written; what is missing is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: Option<i64>,
    pub(super) month_and_day: Option<(i64, i64)>,
    /// Nanoseconds since midnight.
    pub(super) of_day: i64,
    /// The place of the time of day.
    pub(super) clock: Range<usize>,
    /// The number of its decimals.
    pub(super) digits: usize,
    pub(super) zone: Option<i32>,
}

/// A text that is read from its start on.
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    /// The whole text as a date with a time of day, or as a time of day.
    fn date(mut self) -> Option<Date> {
        let mut date = Date::default();
        if self.calendar_date(&mut date).is_some() {
            self.separator()?;
        }
        self.clock(&mut date)?;
        if self.blanks() > 0 || self.rest().first().is_some_and(|byte| !byte.is_ascii_digit()) {
            self.zone_and_name(&mut date)?;
        }
        // The year of a date as `date` and `ctime` write it.
        if date.year.is_none() && date.month_and_day.is_some() && !self.rest().is_empty() {
            date.year = self.number(4..=4);
        }
        self.rest().is_empty().then_some(date)
    }

    fn separator(&mut self) -> Option<()> {
        let length = match self.rest() {
            [b':', b':', ..] | [b']', b'[', ..] | [b',', b' ', ..] => 2,
            [b'T' | b't' | b'_' | b'|', ..] | [b':' | b'-', b'0'..=b'9', ..] => 1,
            [b' ', ..] => self.rest().iter().take_while(|byte| **byte == b' ').count(),
            _ => return None,
        };
        self.at += length;
        Some(())
    }

    /// `06:12`, `06:12:00`, `06:12:00.123456`, `6:12:00 PM`, `061200`.
    fn clock(&mut self, date: &mut Date) -> Option<()> {
        let start = self.at;
        let mut hours = self.number(1..=2)?;
        let has_colons = self.skip(b':');
        if !has_colons && date.month_and_day.is_none() {
            return None;
        }
        let minutes = self.number(2..=2)?;
        let mut seconds = 0;
        let mut nanos = 0;
        let mut complete = false;
        if !has_colons || self.skip(b':') {
            seconds = self.number(2..=2)?;
            complete = true;
            let is_point = |rest: &[u8]| matches!(rest, [b'.' | b',' | b':', digit, ..] if digit.is_ascii_digit());
            if is_point(self.rest()) {
                self.at += 1;
                (nanos, date.digits) = self.fraction();
            }
        }
        let end = self.at;
        self.blanks();
        match self.rest() {
            [b'P' | b'p', b'M' | b'm', ..] => {
                hours = hours % 12 + 12;
                self.at += 2;
            }
            [b'A' | b'a', b'M' | b'm', ..] => {
                hours %= 12;
                self.at += 2;
            }
            _ if !complete => return None,
            _ => self.at = end,
        }
        if hours > 24 || minutes > 59 || seconds > 60 {
            return None;
        }
        date.clock = start..self.at;
        date.of_day = (hours * 3600 + minutes * 60 + seconds) * SECOND + nanos;
        Some(())
    }

    /// Nanoseconds, and the number of digits; those behind the ninth count as none, and `_`
    /// between them is left out, as is the comma in `.345,678`.
    fn fraction(&mut self) -> (i64, usize) {
        let (mut nanos, mut scale, mut digits) = (0, SECOND / 10, 0);
        while let Some(byte) = self.rest().first() {
            match byte {
                b'0'..=b'9' => {
                    nanos += i64::from(byte - b'0') * scale;
                    scale /= 10;
                    digits += 1;
                }
                b'_' if self.rest().get(1).is_some_and(u8::is_ascii_digit) => {}
                b',' if digits == 3 && is_three_digits(&self.rest()[1..]) => {}
                _ => break,
            }
            self.at += 1;
        }
        (nanos, digits.min(9))
    }

    /// A zone, and a name of it that may follow: `+0200 CEST`, `{GMT}`.
    fn zone_and_name(&mut self, date: &mut Date) -> Option<()> {
        let brace = self.skip(b'{');
        date.zone = self.zone();
        if brace {
            self.byte(b'}')?;
        }
        self.blanks();
        if date.zone.is_some() {
            let name = self.rest().iter().take_while(|byte| byte.is_ascii_uppercase()).count();
            self.at += name;
            self.blanks();
        }
        Some(())
    }

    /// Seconds east of Greenwich; `None` also for a name that several zones have, such as `CST`.
    fn zone(&mut self) -> Option<i32> {
        let letters = self.rest().iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if let Some((_, hours)) = ZONES.iter().find(|(name, _)| *name == &self.rest()[..letters]) {
            self.at += letters;
            return hours.map(|hours| hours * 3600);
        }
        let sign = match self.rest().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.at += 1;
        let hours = self.number(2..=2)?;
        self.skip(b':');
        let minutes = self.number(2..=2).unwrap_or(0);
        i32::try_from(sign * (hours * 3600 + minutes * 60)).ok()
    }

    fn month(&mut self) -> Option<i64> {
        let word = self.word()?;
        let month = MONTHS.iter().position(|name| word.starts_with(name))?;
        self.at += word.len();
        i64::try_from(month + 1).ok()
    }

    /// The letters here, in small ones.
    fn word(&self) -> Option<Vec<u8>> {
        let letters = self.rest().iter().take_while(|byte| byte.is_ascii_alphabetic()).take(9);
        let word: Vec<_> = letters.map(u8::to_ascii_lowercase).collect();
        (word.len() >= 3).then_some(word)
    }

    fn number(&mut self, digits: std::ops::RangeInclusive<usize>) -> Option<i64> {
        let length =
            self.rest().iter().take(*digits.end()).take_while(|byte| byte.is_ascii_digit());
        let length = length.count();
        if length < *digits.start() {
            return None;
        }
        let value =
            self.rest()[..length].iter().fold(0, |value, byte| value * 10 + i64::from(byte - b'0'));
        self.at += length;
        Some(value)
    }

    fn byte(&mut self, wanted: u8) -> Option<()> {
        self.skip(wanted).then_some(())
    }

    fn skip(&mut self, wanted: u8) -> bool {
        let is_there = self.rest().first() == Some(&wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn blanks(&mut self) -> usize {
        let count = self.rest().iter().take_while(|byte| **byte == b' ').count();
        self.at += count;
        count
    }
}

const SECOND: i64 = 1_000_000_000;

const MONTHS: [&[u8]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];

/// Names of zones, in hours east of Greenwich.
const ZONES: [(&[u8], Option<i32>); 23] = [
    (b"Z", Some(0)),
    (b"z", Some(0)),
    (b"UTC", Some(0)),
    (b"GMT", Some(0)),
    (b"WET", Some(0)),
    (b"WEST", Some(1)),
    (b"CET", Some(1)),
    (b"CEST", Some(2)),
    (b"EET", Some(2)),
    (b"EEST", Some(3)),
    (b"MSK", Some(3)),
    (b"JST", Some(9)),
    (b"KST", Some(9)),
    (b"AEST", Some(10)),
    (b"AEDT", Some(11)),
    (b"EST", Some(-5)),
    (b"EDT", Some(-4)),
    (b"PST", Some(-8)),
    (b"PDT", Some(-7)),
    (b"CDT", Some(-5)),
    (b"CST", None),
    (b"IST", None),
    (b"BST", None),
];

fn is_three_digits(text: &[u8]) -> bool {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count() == 3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_usual_form_is_read_as_any_other(
            text in r"[0-9]{4}[-/.][01][0-9][-/][0-3][0-9][T ][012][0-9]:[0-6][0-9]:[0-6][0-9]([.,][0-9_]{0,11})?(Z| ?[+-][0-9]{2}:?[0-9]{0,2}| UTC| PM)?"
        ) {
            let date = usual(text.as_bytes());
            prop_assert!(date.is_none() || date == scan(text.as_bytes()), "{text}: {date:?}");
        }
    }

    #[test]
    fn most_logs_have_the_usual_form() {
        for text in [
            "2024-05-02T08:11:22Z",
            "2024-05-02 08:11:22,401",
            "2024/05/02 08:11:22.123456",
            "2024-05-02T08:11:22.123456789+02:00",
            "2024-05-02T08:11:22-0330",
        ] {
            assert!(usual(text.as_bytes()).is_some(), "{text}");
        }
    }
}
