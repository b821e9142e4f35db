//! Expressions that tell digits apart, as in `n0*` or `[1-3]`. For all others texts that differ in
//! digits alone match alike, with groups at the same places.

use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicodeRange, Hir, HirKind, Repetition,
};

/// Tells whether a word has digits, so that it is another one with others.
pub(crate) fn has_digits(word: &[u8]) -> bool {
    word.iter().any(u8::is_ascii_digit)
}

/// Tells whether an expression tells digits apart.
pub(crate) fn tells_digits_apart(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => has_digits(&literal.0),
        HirKind::Class(class) => (1..10).contains(&digits_in(class)),
        HirKind::Empty
        | HirKind::Look(_)
        | HirKind::Repetition(_)
        | HirKind::Capture(_)
        | HirKind::Concat(_)
        | HirKind::Alternation(_) => hir.kind().subs().iter().any(tells_digits_apart),
    }
}

/// The same expression with all digits wherever it has any.
pub(crate) fn with_all_digits(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let byte = |byte: &u8| match byte.is_ascii_digit() {
                true => Hir::class(all_digits()),
                false => Hir::literal([*byte]),
            };
            Hir::concat(literal.0.iter().map(byte).collect())
        }
        HirKind::Class(class) if digits_in(class) > 0 => Hir::class(match class.clone() {
            Class::Bytes(mut bytes) => {
                bytes.push(ClassBytesRange::new(b'0', b'9'));
                Class::Bytes(bytes)
            }
            Class::Unicode(mut characters) => {
                characters.push(ClassUnicodeRange::new('0', '9'));
                Class::Unicode(characters)
            }
        }),
        HirKind::Empty
        | HirKind::Look(_)
        | HirKind::Class(_)
        | HirKind::Repetition(_)
        | HirKind::Capture(_)
        | HirKind::Concat(_)
        | HirKind::Alternation(_) => rebuilt(hir, &with_all_digits),
    }
}

/// The same expression, made of other parts.
pub(super) fn rebuilt(hir: &Hir, part: &impl Fn(&Hir) -> Hir) -> Hir {
    let parts = |all: &[Hir]| all.iter().map(part).collect();
    match hir.kind() {
        HirKind::Capture(own) => {
            Hir::capture(Capture { sub: Box::new(part(&own.sub)), ..own.clone() })
        }
        HirKind::Repetition(own) => {
            Hir::repetition(Repetition { sub: Box::new(part(&own.sub)), ..*own })
        }
        HirKind::Concat(all) => Hir::concat(parts(all)),
        HirKind::Alternation(all) => Hir::alternation(parts(all)),
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) | HirKind::Class(_) => hir.clone(),
    }
}

fn all_digits() -> Class {
    Class::Bytes(ClassBytes::new([ClassBytesRange::new(b'0', b'9')]))
}

fn digits_in(class: &Class) -> usize {
    let has = |digit: u8| match class {
        Class::Bytes(bytes) => {
            bytes.ranges().iter().any(|own| (own.start()..=own.end()).contains(&digit))
        }
        Class::Unicode(characters) => {
            let digit = char::from(digit);
            characters.ranges().iter().any(|own| (own.start()..=own.end()).contains(&digit))
        }
    };
    (b'0'..=b'9').filter(|digit| has(*digit)).count()
}

#[cfg(test)]
mod tests {
    use regex_syntax::ParserBuilder;

    use super::*;

    fn hir(text: &str) -> Hir {
        ParserBuilder::new().utf8(false).build().parse(text).unwrap()
    }

    #[test]
    fn digits_count_in_literals_and_in_parts_of_classes() {
        for text in [r"\d+", "[a-f0-9]", r"[^\]]", "(?-u)x|y{3}z", r"\w \b.*$", "[^0-9]"] {
            assert!(!tells_digits_apart(&hir(text)), "{text}");
        }
        for (text, wide) in [("n0*x", "n[0-9]*x"), ("[1-3a]", "[0-9a]"), ("(x7)?", "(x[0-9])?")] {
            assert!(tells_digits_apart(&hir(text)), "{text}");
            let with_all = with_all_digits(&hir(&format!("(?-u){text}")));
            assert_eq!(with_all, hir(&format!("(?-u){wide}")), "{text}");
        }
    }
}
