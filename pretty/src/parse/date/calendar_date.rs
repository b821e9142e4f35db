//! The day, month and year of a date, in any order.

use super::{Date, Scan};

impl Scan<'_> {
    /// The day, month and year in any order; `None` and nothing read if there is no such date.
    pub(super) fn calendar_date(&mut self, date: &mut Date) -> Option<()> {
        let start = self.at;
        let found = self.date_in_digits(date).or_else(|| {
            self.at = start;
            self.date_with_a_name(date)
        });
        if found.is_none() {
            self.at = start;
        }
        found
    }

    fn date_in_digits(&mut self, date: &mut Date) -> Option<()> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mark = *self.rest().get(digits)?;
        let (year, month, day) = match (digits, mark) {
            (4, b'-' | b'/' | b'.') => {
                let year = self.number(4..=4)?;
                self.byte(mark)?;
                let month = self.number(1..=2)?;
                self.byte(mark)?;
                (Some(year), month, self.number(1..=2)?)
            }
            (1..=2, b'/' | b'-' | b'.') => return self.date_of_short_numbers(date, mark),
            (8, b' ' | b'T' | b'-') => {
                (Some(self.number(4..=4)?), self.number(2..=2)?, self.number(2..=2)?)
            }
            (6, b' ') => {
                (Some(2000 + self.number(2..=2)?), self.number(2..=2)?, self.number(2..=2)?)
            }
            (4, b' ') => (None, self.number(2..=2)?, self.number(2..=2)?),
            (3, b' ') => (None, self.number(1..=1)?, self.number(2..=2)?),
            _ => return None,
        };
        set_date(date, year, month, day)
    }

    /// `10/05/2024`, `5.10.2024`, `24/10/05`, `10-05`.
    fn date_of_short_numbers(&mut self, date: &mut Date, mark: u8) -> Option<()> {
        let (one, _) = (self.number(1..=2)?, self.byte(mark)?);
        let two = self.number(1..=2)?;
        if !self.skip(mark) {
            return set_date(date, None, one, two);
        }
        if self.rest().get(2).is_none_or(|byte| !byte.is_ascii_digit()) {
            let three = self.number(2..=2)?;
            // Of two digits only the year is above twelve.
            let year_first = one > 12 && two <= 12 && mark != b'.';
            let (year, month, day) = if year_first { (one, two, three) } else { (three, one, two) };
            let (month, day) = if mark == b'.' { (day, month) } else { (month, day) };
            return set_date(date, Some(2000 + year), month, day);
        }
        let year = self.number(4..=4)?;
        // Only a day is above twelve; else the point and the bar put the day first.
        let day_first = one > 12 || (two <= 12 && mark != b'/');
        let (month, day) = if day_first { (two, one) } else { (one, two) };
        set_date(date, Some(year), month, day)
    }

    /// `Oct  5`, `Oct 5, 2024`, `5 Oct 2024`, `5 Oct`, `05/Oct/2024`, with or without the day of the week.
    fn date_with_a_name(&mut self, date: &mut Date) -> Option<()> {
        if let Some(word) = self.word().filter(|word| WEEKDAYS.contains(&&word[..])) {
            self.at += word.len();
            self.skip(b',');
            self.blanks();
            if self.rest().get(4) == Some(&b'-') {
                return self.date_in_digits(date);
            }
        }
        if let Some(month) = self.month() {
            self.blanks();
            let day = self.number(1..=2)?;
            let with_year = self.skip(b',') && self.blanks() > 0;
            let year = if with_year { Some(self.number(4..=4)?) } else { self.year_behind() };
            return set_date(date, year, month, day);
        }
        let day = self.number(1..=2)?;
        let mark = *self.rest().first().filter(|byte| b"/- ".contains(byte))?;
        self.byte(mark)?;
        let month = self.month()?;
        let year = match self.rest() {
            [next, year @ ..] if *next == mark && year.iter().take(4).all(u8::is_ascii_digit) => {
                self.byte(mark)?;
                Some(self.number(4..=4)?)
            }
            _ => None,
        };
        set_date(date, year, month, day)
    }

    /// ` 2024` where the time of day follows it.
    fn year_behind(&mut self) -> Option<i64> {
        let rest = self.rest().strip_prefix(b" ")?;
        let is_year = rest.len() > 4 && rest[..4].iter().all(u8::is_ascii_digit) && rest[4] == b' ';
        if !is_year {
            return None;
        }
        self.at += 1;
        self.number(4..=4)
    }
}

pub(super) fn set_date(date: &mut Date, year: Option<i64>, month: i64, day: i64) -> Option<()> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    date.year = year;
    date.month_and_day = Some((month, day));
    Some(())
}

const WEEKDAYS: [&[u8]; 14] = [
    b"mon",
    b"tue",
    b"wed",
    b"thu",
    b"fri",
    b"sat",
    b"sun",
    b"monday",
    b"tuesday",
    b"wednesday",
    b"thursday",
    b"friday",
    b"saturday",
    b"sunday",
];
