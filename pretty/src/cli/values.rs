//! Values of options: choices by name, and forms of their own.

use clap::ValueEnum;

use crate::time::Tick;

/// `--columns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnChoice {
    /// A column for each peer in the log.
    Auto,
    /// Columns for this number of peers before the first line.
    Fixed(u16),
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set; also elsewhere if CLICOLOR_FORCE or FORCE_COLOR is
    Auto,
    /// As many as the terminal supports, even into a pipe
    Always,
    /// None
    Never,
    /// The sixteen basic colours
    #[value(name = "16")]
    Ansi16,
    /// The 256 colours of xterm
    #[value(name = "256")]
    Ansi256,
    /// 24-bit colours
    #[value(name = "true", alias = "truecolor", alias = "24bit")]
    True,
}

/// `--export`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Export {
    /// One self-contained page: columns, switches for topics and peers, search
    Html,
    /// A space–time diagram of up to 400 events; see -s and -u
    Svg,
    /// One JSON object a line: time, peer, level, topic, message, facts, state, file and line
    Json,
}

/// `--generate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Generate {
    /// The manual page, for `man`
    Man,
    /// Completions of bash
    Bash,
    /// Completions of zsh
    Zsh,
    /// Completions of fish
    Fish,
    /// Completions of elvish
    Elvish,
    /// Completions of PowerShell
    Powershell,
}

/// `--theme`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ThemeChoice {
    /// By COLORFGBG or the terminal, else dark
    Auto,
    /// For a dark background
    Dark,
    /// For a light background
    Light,
}

/// `--shift FILE=±D`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// The file, as it is given or by the end of its name.
    pub file: String,
    /// Nanoseconds to add to its times.
    pub nanos: i64,
}

impl Shift {
    /// Tells whether it is about a file with this name.
    #[must_use]
    pub fn is_of(&self, name: &str) -> bool {
        let before = name.strip_suffix(&*self.file);
        before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
    }
}

pub(super) fn shift(text: &str) -> Result<Shift, String> {
    let wrong = || format!("invalid shift `{text}`; write it as in n2.log=+1.5s");
    let (file, length) = text.rsplit_once('=').ok_or_else(wrong)?;
    let (sign, length) = match length.strip_prefix('-') {
        Some(length) => (-1, length),
        None => (1, length.strip_prefix('+').unwrap_or(length)),
    };
    let tick = Tick::parse(length).map_err(|_| wrong())?;
    Ok(Shift { file: file.to_owned(), nanos: sign * tick.nanos() })
}

pub(super) fn columns(text: &str) -> Result<ColumnChoice, String> {
    if text == "auto" {
        return Ok(ColumnChoice::Auto);
    }
    match text.parse() {
        Ok(count @ 1..=COLUMNS_MAX) => Ok(ColumnChoice::Fixed(count)),
        Ok(_) | Err(_) => {
            Err(format!("invalid number of columns; use `auto` or 1 to {COLUMNS_MAX}"))
        }
    }
}

/// More than any screen shows side by side.
const COLUMNS_MAX: u16 = 999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_auto_or_a_number() {
        assert_eq!(columns("auto"), Ok(ColumnChoice::Auto));
        assert_eq!(columns("5"), Ok(ColumnChoice::Fixed(5)));
        for bad in ["0", "-1", "many", "1000", ""] {
            assert!(columns(bad).is_err(), "{bad}");
        }
    }
}
