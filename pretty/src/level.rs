//! Levels: the severity a program gives its lines.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The level of an event, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// The spellings are data: `pretty/words/levels.toml`.
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
        WORDS.level(&text[..between.unwrap_or(text.len())])
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
        WORDS.numbers[usize::from(number)]
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

/// Levels in words of the user's own, besides the built-in ones: `[levels]` of `pretty.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<Level, Vec<String>>")]
pub struct OwnLevels(Vec<(Box<[u8]>, Level)>);

impl From<BTreeMap<Level, Vec<String>>> for OwnLevels {
    fn from(words: BTreeMap<Level, Vec<String>>) -> Self {
        let words = words.into_iter().flat_map(|(level, words)| {
            words.into_iter().map(move |word| (word.into_bytes().into(), level))
        });
        Self(words.collect())
    }
}

impl OwnLevels {
    /// These words, and those of others that are not among them.
    #[cfg(feature = "cli")]
    pub(crate) fn over(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The level of a word: the user's before a built-in one.
    pub(crate) fn level(&self, word: &[u8]) -> Option<Level> {
        let own = self.0.iter().find(|(own, _)| own.eq_ignore_ascii_case(word));
        own.map(|(_, level)| *level).or_else(|| Level::of(word))
    }
}

/// The built-in words.
struct LevelWords {
    /// By their lengths, in capitals.
    words: [Vec<(Box<[u8]>, Level)>; LONGEST + 1],
    numbers: [Option<Level>; 256],
}

static WORDS: LazyLock<LevelWords> = LazyLock::new(LevelWords::read);

impl LevelWords {
    fn read() -> Self {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            words: BTreeMap<Level, Vec<String>>,
            numbers: BTreeMap<Level, Vec<(u8, u8)>>,
        }
        let file: File = crate::words::read("levels", include_str!("../words/levels.toml"));
        let mut all = Self { words: [const { Vec::new() }; LONGEST + 1], numbers: [None; 256] };
        for (level, words) in file.words {
            for word in words {
                assert!(word.len() <= LONGEST, "{word}: longer than {LONGEST} bytes");
                all.words[word.len()].push((word.into_bytes().into(), level));
            }
        }
        for (level, ranges) in file.numbers {
            for (first, last) in ranges {
                (first..=last).for_each(|number| all.numbers[usize::from(number)] = Some(level));
            }
        }
        all
    }

    fn level(&self, word: &[u8]) -> Option<Level> {
        let words = self.words.get(word.len())?;
        words.iter().find(|(own, _)| own.eq_ignore_ascii_case(word)).map(|(_, level)| *level)
    }
}

/// The longest spelling.
const LONGEST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_levels_are_read() {
        for level in Level::ALL {
            assert_eq!(Level::of(level.name().as_bytes()), Some(level));
        }
        let own: OwnLevels = toml::from_str("error = ['boom', 'I']").unwrap();
        for (word, level) in
            [("BOOM", Level::Error), ("I", Level::Error), ("W", Level::Warn), ("12", Level::Info)]
        {
            let found = own.level(word.as_bytes());
            assert_eq!(found.is_some(), word != "12", "{word}");
            assert!(found.is_none_or(|found| found == level), "{word}");
        }
        assert!(toml::from_str::<OwnLevels>("loud = ['x']").is_err());
    }
}
