//! Levels: the severity a program gives its lines.

/// The level of an event, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For finding mistakes, in every detail.
    Trace,
    /// For finding mistakes.
    Debug,
    /// As expected.
    Info,
    /// Unexpected, but handled.
    Warn,
    /// Something failed.
    Error,
    /// The program ends.
    Fatal,
}

impl Level {
    /// All levels, the least first.
    pub const ALL: [Self; 6] =
        [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// The level in any spelling that programs use: `WARN`, `warning`, `W`, `WRN`, slog's `WARN+1`.
    ///
    /// ```
    /// use pretty::Level;
    /// for text in ["WARN", "warning", "W", "wrn", "WARN+1"] {
    ///     assert_eq!(Level::of(text.as_bytes()), Some(Level::Warn));
    /// }
    /// assert!(Level::of(b"ERROR") > Level::of(b"WARN"));
    /// assert_eq!(Level::of(b"VOTE"), None);
    /// ```
    #[must_use]
    pub fn of(text: &[u8]) -> Option<Self> {
        let between = memchr::memchr2(b'+', b'-', text).filter(|at| *at > 0);
        let text = &text[..between.unwrap_or(text.len())];
        if text.len() > LONGEST {
            return None;
        }
        let mut word = [0; LONGEST];
        let word = &mut word[..text.len()];
        word.copy_from_slice(text);
        word.make_ascii_uppercase();
        Some(match &*word {
            b"INFO" | b"I" | b"INF" | b"NOTICE" | b"N" | b"NTC" | b"INFORMATION" | b"NOTE"
            | b"CONFIG" | b"LOG" | b"SUCCESS" | b"SYSTEM" => Self::Info,
            b"DEBUG" | b"D" | b"DBG" | b"DEBU" | b"DBUG" | b"FINE" => Self::Debug,
            b"WARN" | b"W" | b"WRN" | b"WARNING" => Self::Warn,
            b"ERROR" | b"E" | b"ERR" | b"ERRO" | b"EROR" | b"FAIL" | b"SEVERE" | b"FAILURE" => {
                Self::Error
            }
            b"FATAL" | b"F" | b"FTL" | b"FATA" | b"PANIC" | b"PNC" | b"DPANIC" | b"CRITICAL"
            | b"CRIT" | b"C" | b"CRT" | b"ALERT" | b"EMERG" | b"EMERGENCY" => Self::Fatal,
            b"TRACE" | b"T" | b"TRC" | b"V" | b"TRAC" | b"TRCE" | b"FINER" | b"FINEST"
            | b"VERBOSE" => Self::Trace,
            _ => return None,
        })
    }

    /// The level of a number: those of pino and bunyan from 10 on, of syslog below.
    ///
    /// ```
    /// use pretty::Level;
    /// for text in ["40", "45", "4"] {
    ///     assert_eq!(Level::of_number(text.as_bytes()), Some(Level::Warn));
    /// }
    /// assert_eq!(Level::of_number(b"400"), None);
    /// ```
    #[must_use]
    pub fn of_number(text: &[u8]) -> Option<Self> {
        let number: u8 = std::str::from_utf8(text).ok()?.parse().ok()?;
        Some(match number {
            0..=2 | 60..=69 => Self::Fatal,
            3 | 50..=59 => Self::Error,
            4 | 40..=49 => Self::Warn,
            5 | 6 | 30..=39 => Self::Info,
            7 | 20..=29 => Self::Debug,
            10..=19 => Self::Trace,
            8 | 9 | 70.. => return None,
        })
    }

    /// The name as columns show it: `WARN`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

impl std::str::FromStr for Level {
    type Err = LevelError;

    fn from_str(text: &str) -> Result<Self, LevelError> {
        Self::of(text.as_bytes()).ok_or_else(|| LevelError(text.to_owned()))
    }
}

/// A text that is not a level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown level `{0}`; levels: trace, debug, info, warn, error, fatal")]
pub struct LevelError(String);

/// The longest spelling.
const LONGEST: usize = 11;
