//! Colours, how they degrade on terminals with fewer of them, and how well they can be read.
//!
//! Pure arithmetic on colour values; which depth a terminal has is decided elsewhere.

use std::sync::LazyLock;

/// A colour by its red, green and blue parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// The number of colours the output can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// None at all: not a single escape code is written.
    #[default]
    None,
    /// The sixteen colours with the values of the terminal's own palette.
    Ansi16,
    /// The 256 colours of xterm.
    Ansi256,
    /// All of them.
    True,
}

impl Depth {
    /// The number of colours of the terminal by its variables; `None` if it has none or none is
    /// given.
    #[must_use]
    pub fn of_terminal(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let term = variable("TERM").filter(|term| !term.is_empty() && term != "dumb")?;
        let color = variable("COLORTERM").unwrap_or_default();
        if color.contains("truecolor") || color.contains("24bit") || term.contains("direct") {
            return Some(Self::True);
        }
        Some(if term.contains("256") { Self::Ansi256 } else { Self::Ansi16 })
    }
}

impl Rgb {
    /// The colour written as `0xd0b343`.
    #[must_use]
    pub const fn hex(value: u32) -> Self {
        let [_, red, green, blue] = value.to_be_bytes();
        Self(red, green, blue)
    }

    /// Reads `#d0b343`, also without the `#`.
    ///
    /// # Errors
    /// If the text is anything but six hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, ColorError> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        let is_hex = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex);
        value.map(Self::hex).ok_or_else(|| ColorError { text: text.to_owned() })
    }

    /// The same colour, made lighter or darker until text in it can be read on `background`.
    ///
    /// ```
    /// use pretty::Rgb;
    /// let (navy, black) = (Rgb(0, 0, 96), Rgb(0, 0, 0));
    /// assert!(navy.contrast(black) < 4.5);
    /// assert!(navy.readable_on(black).contrast(black) >= 4.5);
    /// ```
    #[must_use]
    pub fn readable_on(self, background: Self) -> Self {
        let far = if background.luminance() < 0.18 { Self(255, 255, 255) } else { Self(0, 0, 0) };
        let mixed = (0..=STEPS).map(|step| self.mix(far, step));
        let mut readable = mixed.filter(|color| color.contrast(background) >= CONTRAST_MIN);
        readable.next().unwrap_or(far)
    }

    /// So many of [`STEPS`] steps on the way to another colour.
    fn mix(self, other: Self, step: u16) -> Self {
        let part = |own: u8, other: u8| {
            let sum = u16::from(own) * (STEPS - step) + u16::from(other) * step;
            u8::try_from(sum / STEPS).unwrap_or(u8::MAX)
        };
        Self(part(self.0, other.0), part(self.1, other.1), part(self.2, other.2))
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
        contrast(self.luminance(), other.luminance())
    }

    fn luminance(self) -> f64 {
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// The nearest of xterm's colours 16 to 255 that can be read on `background`.
    #[must_use]
    pub fn to_256(self, background: Self) -> u8 {
        let (own, ground) = (self.oklab(), background.luminance());
        let is_grey = self.is_grey();
        let readable = XTERM.iter().zip(16..=255).filter(|(color, _)| {
            color.is_grey == is_grey && contrast(color.luminance, ground) >= CONTRAST_MIN
        });
        readable
            .map(|(color, index)| (difference(own, color.oklab), index))
            .min_by(|(a, _), (b, _)| a.total_cmp(b))
            .map_or(16, |(_, index)| index)
    }

    /// The nearest of xterm's greys.
    #[cfg(feature = "view")]
    pub(crate) fn nearest_grey_256(self) -> u8 {
        let away = |index: &u8| (self.luminance() - Self::of_256(*index).luminance()).abs();
        (232..=255).min_by(|a, b| away(a).total_cmp(&away(b))).unwrap_or(232)
    }

    /// The value of xterm's colour `index`, from 16 on.
    #[cfg(any(test, feature = "view"))]
    pub(crate) fn of_256(index: u8) -> Self {
        ansi256(index)
    }

    /// The best of the sixteen colours, as its number in escape codes (30–37, 90–97). Their values
    /// are the user's, so hue is all that can be kept.
    #[must_use]
    pub fn to_16(self, background: Self) -> u8 {
        let dark = background.luminance() < 0.5;
        if self.is_grey() {
            return match (dark, self.contrast(background) > 9.0) {
                (_, false) => 90,
                (true, true) => 97,
                (false, true) => 30,
            };
        }
        let (high, low) = self.extremes();
        let bright = dark && u16::from(high) + u16::from(low) > 2 * 0x90;
        let hue = self.hue_sixth();
        // Blue is the one that is unreadable on black in many palettes.
        if bright || (dark && hue == BLUE) { 90 + hue } else { 30 + hue }
    }

    /// The nearest of red, yellow, green, cyan, blue and magenta, as the last digit of its code.
    fn hue_sixth(self) -> u8 {
        let (high, low) = self.extremes();
        let spread = f64::from(high - low);
        let part = |a: u8, b: u8| (f64::from(a) - f64::from(b)) / spread;
        let sixths = match high {
            _ if high == self.0 => part(self.1, self.2),
            _ if high == self.1 => 2.0 + part(self.2, self.0),
            _ => 4.0 + part(self.0, self.1),
        };
        let nearest = [1, 3, 2, 6, BLUE, 5].into_iter().enumerate().min_by(|(a, _), (b, _)| {
            let away = |at: usize| {
                let straight = (sixths.rem_euclid(6.0) - at as f64).abs();
                straight.min(6.0 - straight)
            };
            away(*a).total_cmp(&away(*b))
        });
        nearest.map_or(7, |(_, code)| code)
    }

    fn extremes(self) -> (u8, u8) {
        (self.0.max(self.1).max(self.2), self.0.min(self.1).min(self.2))
    }

    fn is_grey(self) -> bool {
        let (high, low) = self.extremes();
        high - low < GREY_SPREAD
    }

    /// Lightness and the two colour axes of Oklab.
    fn oklab(self) -> [f64; 3] {
        let [r, g, b] = [self.0, self.1, self.2].map(linear);
        let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
        let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
        let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
        [
            0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
            1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
            0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
        ]
    }
}

/// A colour with what comparing it takes.
struct Measured {
    is_grey: bool,
    luminance: f64,
    oklab: [f64; 3],
}

/// Xterm's colours from 16 on. A screen asks for the nearest of them hundreds of times, and each
/// takes powers and roots to measure.
static XTERM: LazyLock<Vec<Measured>> = LazyLock::new(|| {
    let measured = |own: Rgb| Measured {
        is_grey: own.is_grey(),
        luminance: own.luminance(),
        oklab: own.oklab(),
    };
    (16..=255).map(ansi256).map(measured).collect()
});

/// Contrast of two luminances.
fn contrast(a: f64, b: f64) -> f64 {
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The perceived difference of two colours: a distance in Oklab in which lightness counts less
/// than hue, because hue distinguishes topics.
fn difference(a: [f64; 3], b: [f64; 3]) -> f64 {
    0.25 * (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2) + (a[2] - b[2]).powi(2)
}

/// An error for a text that is not a colour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid colour `{text}`; write it as #d0b343")]
pub struct ColorError {
    text: String,
}

/// One part of a colour as an amount of light.
fn linear(part: u8) -> f64 {
    let part = f64::from(part) / 255.0;
    if part <= 0.03928 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
}

/// Steps between a colour and black or white: fine enough not to overshoot what can be read.
const STEPS: u16 = 32;

/// The last digit of the code for blue.
const BLUE: u8 = 4;

/// Parts closer together than this make a grey.
const GREY_SPREAD: u8 = 0x20;

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

    #[test]
    fn colours_are_six_digits() {
        assert_eq!(Rgb::parse("#d0b343"), Ok(Rgb(0xd0, 0xb3, 0x43)));
        assert_eq!(Rgb::parse("D0B343"), Ok(Rgb(0xd0, 0xb3, 0x43)));
        for bad in ["", "#", "#d0b34", "#d0b3434", "red", "+0b343", "#d0b34é"] {
            assert_eq!(Rgb::parse(bad), Err(ColorError { text: bad.to_owned() }), "{bad}");
        }
    }

    #[test]
    fn any_colour_can_be_made_readable() {
        let parts = [0, 51, 102, 153, 204, 255];
        let backgrounds =
            [Rgb(0, 0, 0), Rgb(255, 255, 255), Rgb(0x2a, 0x2a, 0x32), Rgb(90, 90, 90)];
        for background in backgrounds {
            for (red, green) in parts.iter().flat_map(|red| parts.map(|green| (*red, green))) {
                let color = Rgb(red, green, 128);
                let readable = color.readable_on(background);
                assert!(readable.contrast(background) >= CONTRAST_MIN, "{color:?} {background:?}");
                let kept = color.contrast(background) < CONTRAST_MIN || readable == color;
                assert!(kept, "{color:?} could be read already");
            }
        }
    }

    #[test]
    fn fewer_colours_keep_the_hue() {
        let black = Rgb(0, 0, 0);
        let white = Rgb(255, 255, 255);
        for (color, background, code) in [
            (Rgb::hex(0x67_a0_b2), black, 36),
            (Rgb::hex(0x70_c4_3f), black, 32),
            (Rgb::hex(0xff_61_5c), black, 91),
            (Rgb::hex(0x48_78_bc), black, 94),
            (Rgb::hex(0x45_76_bb), white, 34),
            (Rgb::hex(0x3e_78_1c), white, 32),
            (Rgb::hex(0xff_ff_ff), black, 97),
            (Rgb::hex(0x30_30_30), white, 30),
            (Rgb::hex(0x9a_9a_99), black, 90),
        ] {
            assert_eq!(color.to_16(background), code, "{color:?} on {background:?}");
        }
        // Dark teal stays teal and dark green green, where plain distance makes them grey.
        assert_eq!(ansi256(Rgb::hex(0x47_7c_8c).to_256(white)), Rgb(0, 95, 135));
        assert_eq!(ansi256(Rgb::hex(0x3e_78_1c).to_256(white)), Rgb(0, 95, 0));
    }
}
