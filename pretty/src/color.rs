//! Colours, how they degrade on terminals with fewer of them, and how well they can be read.
//!
//! Pure arithmetic on colour values; which depth a terminal has is decided elsewhere.

/// A colour by its red, green and blue parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// How many colours the output can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// None at all: not a single escape code is written.
    #[default]
    None,
    /// The sixteen colours whose values the terminal's user chooses.
    Ansi16,
    /// The 256 colours of xterm.
    Ansi256,
    /// All of them.
    True,
}

impl Rgb {
    /// The colour written as `0xd0b343`.
    #[must_use]
    pub const fn hex(value: u32) -> Self {
        let [_, red, green, blue] = value.to_be_bytes();
        Self(red, green, blue)
    }

    /// Contrast with another colour as WCAG 2 defines it: 1 for equal ones, 21 for black and
    /// white; text is readable from 4.5 on.
    ///
    /// ```
    /// use pretty::Rgb;
    /// assert!((Rgb(0, 0, 0).contrast(Rgb(255, 255, 255)) - 21.0).abs() < 0.01);
    /// ```
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.03928 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    fn distance(self, other: Self) -> u32 {
        let part = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        part(self.0, other.0) + part(self.1, other.1) + part(self.2, other.2)
    }

    /// The nearest of xterm's colours 16 to 255 that can be read on `background`.
    #[must_use]
    pub fn to_256(self, background: Self) -> u8 {
        (16..=255)
            .filter(|index| ansi256(*index).contrast(background) >= CONTRAST_MIN)
            .min_by_key(|index| self.distance(ansi256(*index)))
            .unwrap_or(16)
    }

    /// The nearest of the sixteen colours, as its number in escape codes (30–37, 90–97), among
    /// those that are readable on `background` in the usual palettes.
    #[must_use]
    pub fn to_16(self, background: Self) -> u8 {
        ANSI16
            .into_iter()
            .filter(|(_, color)| color.contrast(background) >= 3.0)
            .min_by_key(|(_, color)| self.distance(*color))
            .map_or(39, |(code, _)| code)
    }
}

/// The least contrast text may have.
pub(crate) const CONTRAST_MIN: f64 = 4.5;

/// The value of xterm's colour `index` (16 to 255): a 6×6×6 cube, then 24 greys.
fn ansi256(index: u8) -> Rgb {
    if index >= 232 {
        let grey = 8 + 10 * (index - 232);
        return Rgb(grey, grey, grey);
    }
    let index = index.saturating_sub(16);
    let part = |level: u8| if level == 0 { 0 } else { 55 + 40 * level };
    Rgb(part(index / 36), part(index / 6 % 6), part(index % 6))
}

/// The chromatic ones of the sixteen colours with xterm's values, and the greys.
const ANSI16: [(u8, Rgb); 16] = [
    (30, Rgb(0, 0, 0)),
    (31, Rgb(205, 0, 0)),
    (32, Rgb(0, 205, 0)),
    (33, Rgb(205, 205, 0)),
    (34, Rgb(0, 0, 238)),
    (35, Rgb(205, 0, 205)),
    (36, Rgb(0, 205, 205)),
    (37, Rgb(229, 229, 229)),
    (90, Rgb(127, 127, 127)),
    (91, Rgb(255, 0, 0)),
    (92, Rgb(0, 255, 0)),
    (93, Rgb(255, 255, 0)),
    (94, Rgb(92, 92, 255)),
    (95, Rgb(255, 0, 255)),
    (96, Rgb(0, 255, 255)),
    (97, Rgb(255, 255, 255)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cube_and_the_greys_have_xterms_values() {
        assert_eq!(ansi256(16), Rgb(0, 0, 0));
        assert_eq!(ansi256(196), Rgb(255, 0, 0));
        assert_eq!(ansi256(110), Rgb(135, 175, 215));
        assert_eq!(ansi256(255), Rgb(238, 238, 238));
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        let grey = Rgb::hex(0x76_76_76).contrast(Rgb(255, 255, 255));
        assert!((grey - 4.54).abs() < 0.01, "{grey}");
    }
}
