//! Durations as people write them on a command line: `90`, `0.5`, `10m`, `1h30m`.

use std::time::Duration;

use thiserror::Error;

/// A text that is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a duration: write seconds (90, 0.5) or units (500ms, 10m, 1h30m), above zero")]
pub struct NotADuration;

/// Reads a duration; a number without a unit is in seconds.
///
/// ```
/// use dstest::text::duration::parse;
/// assert_eq!(parse("1h30m").unwrap().as_secs(), 5400);
/// assert_eq!(parse("0.25").unwrap().as_millis(), 250);
/// assert!(parse("fast").is_err());
/// ```
///
/// # Errors
/// [`NotADuration`] for anything else, and for zero.
pub fn parse(text: &str) -> Result<Duration, NotADuration> {
    let mut rest = text.trim();
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().map_err(|_| NotADuration)?;
        let letters = rest[digits..].find(|c: char| !c.is_ascii_alphabetic());
        let end = letters.map_or(rest.len(), |length| digits + length);
        total += number * unit_seconds(&rest[digits..end]).ok_or(NotADuration)?;
        rest = &rest[end..];
    }
    let duration = Duration::try_from_secs_f64(total).map_err(|_| NotADuration)?;
    if duration.is_zero() { Err(NotADuration) } else { Ok(duration) }
}

/// A duration for people: `48 s`, `3 min 20 s`, `1 h 5 min`, `30 days`.
#[must_use]
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds >= 48 * 3600 {
        return format!("{} days", seconds / 86_400);
    }
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) if (1..100).contains(&duration.as_millis()) => {
            format!("{} ms", duration.as_millis())
        }
        (0, 0, _) if seconds < 10 && duration.subsec_millis() > 0 => {
            format!("{:.2} s", duration.as_secs_f64())
        }
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// Seconds in the unit that reads best: `2.1 ms`, `12.35 s`, `120 s`.
#[must_use]
pub fn short(seconds: f64) -> String {
    match seconds {
        s if s < 0.9995 => format!("{:.1} ms", s * 1000.0),
        s if s < 99.995 => format!("{s:.2} s"),
        s => format!("{s:.0} s"),
    }
}

/// A mean and its deviation in one unit: `37.6 ± 23.0 ms`, `3.89 s` where there is only one value.
#[must_use]
pub fn spread(mean_s: f64, deviation_s: Option<f64>) -> String {
    let Some(deviation_s) = deviation_s else { return short(mean_s) };
    match mean_s {
        s if s < 0.9995 => format!("{:.1} ± {:.1} ms", s * 1000.0, deviation_s * 1000.0),
        s if s < 99.995 => format!("{s:.2} ± {deviation_s:.2} s"),
        s => format!("{s:.0} ± {deviation_s:.0} s"),
    }
}

fn unit_seconds(unit: &str) -> Option<f64> {
    match unit {
        "ms" => Some(0.001),
        "" | "s" => Some(1.0),
        "m" | "min" => Some(60.0),
        "h" => Some(3600.0),
        "d" => Some(86_400.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_parsed_and_other_texts_refused() {
        let rows = [
            ("90", Some(90_000)),
            ("500ms", Some(500)),
            ("1h30m", Some(5_400_000)),
            ("2min", Some(120_000)),
        ];
        for (text, want) in rows {
            assert_eq!(parse(text).ok().map(|d| d.as_millis()), want, "{text}");
        }
        for text in
            ["", "0", "-1", "5 parsecs", "1.2.3", "ms", "1e999", "inf", "99999999999999999999999d"]
        {
            assert_eq!(parse(text), Err(NotADuration), "{text}");
        }
    }

    #[test]
    fn durations_read_well() {
        for (seconds, want) in [
            (0.0042, "4 ms"),
            (0.42, "0.42 s"),
            (48.2, "48 s"),
            (200.0, "3 min 20 s"),
            (3900.0, "1 h 5 min"),
        ] {
            assert_eq!(human(Duration::from_secs_f64(seconds)), want);
        }
    }

    #[test]
    fn times_are_short() {
        let rows = [(0.0021, "2.1 ms"), (0.9996, "1.00 s"), (12.345, "12.35 s"), (120.0, "120 s")];
        for (seconds, want) in rows {
            assert_eq!(short(seconds), want);
        }
        assert_eq!(spread(0.0376, Some(0.023)), "37.6 ± 23.0 ms");
        assert_eq!(spread(3.89, Some(0.0234)), "3.89 ± 0.02 s");
        assert_eq!(
            (spread(120.4, Some(3.2)), spread(2.0, None)),
            ("120 ± 3 s".into(), "2.00 s".into())
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            let _ = parse(&text);
        }

        #[test]
        fn whole_seconds_come_back(seconds in 1_u64..1_000_000) {
            prop_assert_eq!(parse(&seconds.to_string()), Ok(Duration::from_secs(seconds)));
        }
    }
}
