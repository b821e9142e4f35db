//! The bytes that matches begin with: one look at a text rules out most expressions, which need not be
//! compiled for it then.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FirstBytes([u64; 4]);

impl FirstBytes {
    /// Those of an expression for the start of a text; `None` if it may match elsewhere, or nothing.
    pub(super) fn of(hir: &Hir) -> Option<Self> {
        let mut all = Self::default();
        let is_anchored = hir.properties().look_set_prefix().contains(Look::Start);
        (is_anchored && all.add(hir) == Begins::Surely).then_some(all)
    }

    pub(super) fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte / 64)] >> (byte % 64) & 1 == 1
    }

    fn add_range(&mut self, from: u8, to: u8) {
        (from..=to).for_each(|byte| self.0[usize::from(byte / 64)] |= 1 << (byte % 64));
    }

    /// Adds the first bytes of a part.
    fn add(&mut self, hir: &Hir) -> Begins {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => return Begins::Perhaps,
            HirKind::Literal(literal) => match literal.0.first() {
                Some(byte) => self.add_range(*byte, *byte),
                None => return Begins::Perhaps,
            },
            HirKind::Class(Class::Bytes(class)) => {
                class.iter().for_each(|own| self.add_range(own.start(), own.end()));
            }
            HirKind::Class(Class::Unicode(class)) => {
                for own in class.iter() {
                    let ascii = |c: char| u8::try_from(c).ok().filter(u8::is_ascii);
                    if let Some(start) = ascii(own.start()) {
                        self.add_range(start, ascii(own.end()).unwrap_or(0x7f));
                    }
                    if ascii(own.end()).is_none() {
                        self.add_range(0x80, 0xff);
                    }
                }
            }
            HirKind::Repetition(own) => {
                let sub = self.add(&own.sub);
                return if own.min == 0 { Begins::Perhaps } else { sub };
            }
            HirKind::Capture(own) => return self.add(&own.sub),
            HirKind::Concat(all) => {
                let surely = all.iter().any(|own| self.add(own) == Begins::Surely);
                return if surely { Begins::Surely } else { Begins::Perhaps };
            }
            HirKind::Alternation(all) => {
                // Each of them counts.
                let perhaps = all.iter().filter(|own| self.add(own) == Begins::Perhaps).count();
                return if perhaps == 0 { Begins::Surely } else { Begins::Perhaps };
            }
        }
        Begins::Surely
    }
}

/// The certainty that a part has a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begins {
    Surely,
    Perhaps,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_of_expressions() {
        for (expression, bytes) in [
            ("^abc", Some("a")),
            ("^[a-c]?x", Some("abcx")),
            ("^(?:x|[0-9]{2}|(?<n>y+))z", Some("xy0123456789")),
            ("^(?:^a|b*c)", Some("abc")),
            ("^(?i:k)", Some("kK")),
            ("^(?-u)[^ -~]", None),
            ("^x*", None),
            ("^", None),
            ("a", None),
            ("^a|b", None),
            (r"^\bx", Some("x")),
        ] {
            let hir = regex_syntax::parse(expression);
            let hir = hir.unwrap_or_else(|_| {
                regex_syntax::ParserBuilder::new().utf8(false).build().parse(expression).unwrap()
            });
            let found = FirstBytes::of(&hir);
            let ascii = |set: FirstBytes| (0..0x80).filter(|byte| set.contains(*byte)).collect();
            let mut found: Option<Vec<u8>> = found.map(ascii);
            if expression.contains("?-u") {
                assert!(found.take().is_some_and(|own| own.len() == 0x80 - 95));
            }
            let wanted = bytes.map(|bytes: &str| {
                let mut bytes = bytes.as_bytes().to_vec();
                bytes.sort_unstable();
                bytes
            });
            assert_eq!(found, wanted, "{expression}");
        }
        // Lines in UTF-8 begin so.
        let set = FirstBytes::of(&regex_syntax::parse("^[é-ü]").unwrap()).unwrap();
        assert!(set.contains("é".as_bytes()[0]) && !set.contains(b'e'));
    }
}
