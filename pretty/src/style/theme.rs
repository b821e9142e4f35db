//! The colours of everything, on dark and on light backgrounds.
//!
//! Every text colour has a contrast of at least 4.5 : 1 with the background it is made for; no
//! two topics of one theme share a colour. Colours are chosen by name only, so that a topic has
//! the same colour in every log.

use crate::level::Level;
use crate::style::color::Rgb;
use crate::style::topic::{KNOWN, LEVELS, OTHER, Topic};

/// The background the colours have to be readable on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// Light text on black.
    #[default]
    Dark,
    /// Dark text on white.
    Light,
}

impl Background {
    /// The background the terminal's variables give; dark without one.
    #[must_use]
    pub fn of_terminal(variable: impl Fn(&str) -> Option<String>) -> Self {
        // "foreground;background", as numbers of the sixteen colours: 7 and 15 are white.
        let variable = variable("COLORFGBG").unwrap_or_default();
        match variable.rsplit(';').next() {
            Some("7" | "15") => Self::Light,
            Some(_) | None => Self::Dark,
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::Dark,
        }
    }
}

/// Colours of the user's own for some topics; they count before those of the theme.
///
/// Whatever colour is given, it is shown lighter or darker where it could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette(Vec<OwnColor>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct OwnColor {
    topic: Box<[u8]>,
    dark: Rgb,
    light: Rgb,
}

impl Palette {
    /// Gives a topic, in any case, a colour for dark and one for light backgrounds.
    ///
    /// ```
    /// use pretty::{Background, Palette, Rgb, Theme};
    /// let mut palette = Palette::default();
    /// palette.set("gossip", Rgb(255, 255, 0), Rgb(255, 255, 0));
    /// let theme = Theme::with_palette(Background::Dark, palette.clone());
    /// assert_eq!(theme.topic(b"GOSSIP"), Rgb(255, 255, 0));
    /// // Yellow on white could not be read.
    /// let theme = Theme::with_palette(Background::Light, palette);
    /// assert!(theme.topic(b"GOSSIP").contrast(theme.background) >= 4.5);
    /// ```
    pub fn set(&mut self, topic: &str, dark: Rgb, light: Rgb) {
        self.0.push(OwnColor {
            topic: topic.as_bytes().into(),
            dark: dark.readable_on(Theme::new(Background::Dark).background),
            light: light.readable_on(Theme::new(Background::Light).background),
        });
    }

    /// The colour given last.
    fn get(&self, topic: &[u8], background: Background) -> Option<Rgb> {
        let own = self.0.iter().rfind(|own| own.topic.eq_ignore_ascii_case(topic))?;
        Some(match background {
            Background::Dark => own.dark,
            Background::Light => own.light,
        })
    }
}

/// The colours of one background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    /// The background the colours are made for.
    pub background: Rgb,
    /// The time column.
    pub time: Rgb,
    /// Names of peers and titles of rules.
    pub title: Rgb,
    /// Lines between columns; no text, so their contrast may be low.
    pub line: Rgb,
    /// Passed tests.
    pub good: Rgb,
    /// Failures.
    pub bad: Rgb,
    /// The background of what is selected in the view.
    pub selection: Rgb,
    /// The background of marked lines.
    pub highlight: Rgb,
    which: Background,
    own: Palette,
}

impl Theme {
    /// The colours for a background.
    #[must_use]
    pub const fn new(background: Background) -> Self {
        match background {
            Background::Dark => Self {
                background: Rgb(0, 0, 0),
                time: Rgb::hex(0x9a_9a_99),
                title: Rgb::hex(0xd8_d8_d8),
                line: Rgb::hex(0x58_58_58),
                good: Rgb::hex(0x70_c4_3f),
                bad: Rgb::hex(0xff_61_5c),
                selection: Rgb(0x2a, 0x2a, 0x32),
                highlight: Rgb(0x3a, 0x31, 0x10),
                which: background,
                own: Palette(Vec::new()),
            },
            Background::Light => Self {
                background: Rgb(255, 255, 255),
                time: Rgb::hex(0x6c_6c_6c),
                title: Rgb::hex(0x26_26_26),
                line: Rgb::hex(0xb8_b8_b8),
                good: Rgb::hex(0x3e_78_1c),
                bad: Rgb::hex(0xc0_06_00),
                selection: Rgb::hex(0xe4_e4_ee),
                highlight: Rgb::hex(0xff_f3_c4),
                which: background,
                own: Palette(Vec::new()),
            },
        }
    }

    /// The same, with colours of the user's own for some topics.
    #[must_use]
    pub fn with_palette(background: Background, own: Palette) -> Self {
        Self { own, ..Self::new(background) }
    }

    /// The user's own colours.
    #[cfg(feature = "view")]
    pub(crate) const fn palette(&self) -> &Palette {
        &self.own
    }

    /// The same theme on a background.
    #[must_use]
    pub fn on(&self, background: Background) -> Self {
        Self::with_palette(background, self.own.clone())
    }

    /// The colour of a topic: the user's, its own if it is a known one, else one that follows from
    /// its name.
    ///
    /// ```
    /// use pretty::{Background, Rgb, Theme};
    /// let theme = Theme::new(Background::Dark);
    /// assert_eq!(theme.topic(b"LEAD"), Rgb::hex(0xd0b343));
    /// assert_eq!(theme.topic(b"GOSSIP"), theme.topic(b"GOSSIP"));
    /// ```
    #[must_use]
    pub fn topic(&self, name: &[u8]) -> Rgb {
        if let Some(color) = self.own.get(name, self.which) {
            return color;
        }
        let topic = KNOWN
            .iter()
            .chain(&LEVELS)
            .find(|topic| topic.name.as_bytes() == name)
            .unwrap_or_else(|| &OTHER[stable_hash(name) % OTHER.len()]);
        self.color_of(topic)
    }

    /// The colour of an event: that of its topic, but warnings and errors have that of their level.
    #[must_use]
    pub fn event(&self, topic: &[u8], level: Option<Level>) -> Rgb {
        match level {
            Some(level @ (Level::Warn | Level::Error | Level::Fatal)) => {
                self.topic(level.name().as_bytes())
            }
            Some(Level::Trace | Level::Debug | Level::Info) | None => self.topic(topic),
        }
    }

    /// The topics with a colour of their own.
    pub fn known_topics() -> impl Iterator<Item = &'static str> {
        KNOWN.iter().map(|topic| topic.name)
    }

    fn color_of(&self, topic: &Topic) -> Rgb {
        match self.which {
            Background::Dark => topic.dark,
            Background::Light => topic.light,
        }
    }
}

/// FNV-1a: the same on every machine and in every version, unlike the standard library's hash.
fn stable_hash(name: &[u8]) -> usize {
    let hash = name
        .iter()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    hash as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::style::color::CONTRAST_MIN;

    const RECIPE: &str = "choose another in src/style/topic.rs";

    fn texts(theme: &Theme) -> Vec<(&str, Rgb)> {
        let roles = [
            ("time", theme.time),
            ("title", theme.title),
            ("good", theme.good),
            ("bad", theme.bad),
        ];
        let topics = KNOWN.iter().chain(&OTHER).map(|topic| (topic.name, theme.color_of(topic)));
        roles.into_iter().chain(topics).collect()
    }

    #[test]
    fn every_text_can_be_read() {
        for background in [Background::Dark, Background::Light] {
            let theme = Theme::new(background);
            for (name, color) in texts(&theme) {
                let contrast = color.contrast(theme.background);
                assert!(
                    contrast >= CONTRAST_MIN,
                    "{background:?} {name}: contrast {contrast:.2}, {RECIPE}"
                );
                let few = Rgb::of_256(color.to_256(theme.background));
                let contrast = few.contrast(theme.background);
                assert!(
                    contrast >= CONTRAST_MIN,
                    "{background:?} {name}, 256: contrast {contrast:.2}, {RECIPE}"
                );
                let selected = color.readable_on(theme.selection).contrast(theme.selection);
                assert!(
                    selected >= CONTRAST_MIN,
                    "{background:?} {name}: {selected:.2} selected, {RECIPE}"
                );
            }
        }
    }

    #[test]
    fn no_two_topics_share_a_colour() {
        for background in [Background::Dark, Background::Light] {
            let theme = Theme::new(background);
            let mut colors = HashSet::new();
            for topic in KNOWN.iter().chain(&OTHER) {
                let is_new = colors.insert(theme.color_of(topic));
                assert!(is_new, "{background:?} {}: shares its colour, {RECIPE}", topic.name);
            }
        }
    }

    #[test]
    fn the_users_colours_count_and_can_be_read() {
        let mut palette = Palette::default();
        palette.set("Vote", Rgb(0, 0, 64), Rgb(255, 255, 200));
        palette.set("GOSSIP", Rgb(1, 2, 3), Rgb(1, 2, 3));
        palette.set("GOSSIP", Rgb(255, 255, 0), Rgb(120, 0, 0));
        for background in [Background::Dark, Background::Light] {
            let theme = Theme::with_palette(background, palette.clone());
            for topic in [&b"VOTE"[..], b"GOSSIP"] {
                assert!(theme.topic(topic).contrast(theme.background) >= CONTRAST_MIN);
                assert_ne!(theme.topic(topic), Theme::new(background).topic(topic));
            }
            assert_eq!(theme.topic(b"LEAD"), Theme::new(background).topic(b"LEAD"));
        }
        assert_eq!(
            Theme::with_palette(Background::Dark, palette).topic(b"GOSSIP"),
            Rgb(255, 255, 0)
        );
    }

    #[test]
    fn an_unknown_topic_keeps_its_colour_for_ever() {
        let theme = Theme::new(Background::Dark);
        assert_eq!(theme.topic(b"GOSSIP"), OTHER[stable_hash(b"GOSSIP") % OTHER.len()].dark);
        assert_eq!(stable_hash(b"GOSSIP"), 638_634_520);
    }

    #[test]
    fn warnings_and_errors_have_the_colours_of_their_levels() {
        for background in [Background::Dark, Background::Light] {
            let theme = Theme::new(background);
            for level in Level::ALL {
                let own = theme.topic(level.name().as_bytes());
                assert!(own.contrast(theme.background) >= 4.5, "{level:?} {background:?}");
                let is_bad = level >= Level::Warn;
                let wanted = if is_bad { own } else { theme.topic(b"REPL") };
                assert_eq!(theme.event(b"REPL", Some(level)), wanted, "{level:?}");
            }
            assert_eq!(theme.event(b"REPL", None), theme.topic(b"REPL"));
        }
    }
}
