//! Points in time as UTC text, for directory names and exports.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time, in whole seconds of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utc {
    seconds: u64,
}

impl Utc {
    /// The present; 1970 on a machine whose clock stands before it.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { seconds: since.as_secs() }
    }

    /// `20261123T115916Z`: sorts by time and is safe as a file name.
    #[must_use]
    pub fn compact(self) -> String {
        let [year, month, day, hour, minute, second] = self.fields();
        format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }

    /// `2026-11-23T11:59:16Z` (RFC 3339).
    #[must_use]
    pub fn rfc3339(self) -> String {
        let [year, month, day, hour, minute, second] = self.fields();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// Year, month, day, hour, minute, second. The date follows Howard Hinnant's
    /// `civil_from_days`, in which years begin in March so that the leap day is the last one.
    fn fields(self) -> [u64; 6] {
        let days = self.seconds / 86_400 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        [year, month, day, self.seconds / 3600 % 24, self.seconds / 60 % 60, self.seconds % 60]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        let rows = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_795_435_156, "2026-11-23T11:59:16Z"),
            (4_102_444_800, "2100-01-01T00:00:00Z"),
        ];
        for (seconds, want) in rows {
            assert_eq!(Utc { seconds }.rfc3339(), want);
        }
        assert_eq!(Utc { seconds: 1_795_435_156 }.compact(), "20261123T115916Z");
    }
}
