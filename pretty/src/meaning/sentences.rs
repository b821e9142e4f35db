//! All sentences as one set of expressions.

use regex::bytes::RegexSet;
use regex_syntax::hir::Hir;

use crate::expression::digits::{tells_digits_apart, with_all_digits};
use crate::expression::set::{ExpressionSet, read};

/// A set of expressions that begin with `^`.
#[derive(Debug)]
pub(super) struct Sentences {
    set: ExpressionSet,
    /// Those expressions, and exceptions to them, that tell digits apart, with all digits where they have some.
    with_all_digits: RegexSet,
}

impl Sentences {
    /// A set of these expressions; the exceptions are those of rules whose expressions match.
    ///
    /// # Errors
    /// If they are too large together.
    pub(super) fn new(
        expressions: &[String],
        exceptions: &[String],
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let hirs: Vec<Hir> = expressions.iter().map(|text| read(text)).collect::<Result<_, _>>()?;
        let exceptions: Vec<Hir> =
            exceptions.iter().map(|text| read(text)).collect::<Result<_, _>>()?;
        let odd = hirs.iter().chain(&exceptions).filter(|hir| tells_digits_apart(hir));
        let with_all_digits = RegexSet::new(odd.map(|hir| with_all_digits(hir).to_string()))?;
        Ok(Self { set: ExpressionSet::new(&hirs)?, with_all_digits })
    }

    /// Tells whether the same text with other digits may match other expressions.
    pub(super) fn tell_digits_apart(&self, text: &[u8]) -> bool {
        self.with_all_digits.is_match(text)
    }

    pub(super) const fn number(&self) -> u64 {
        self.set.number()
    }

    /// The places of the expressions that match, in order.
    pub(super) fn matching(&self, text: &[u8]) -> Vec<usize> {
        self.set.matching(text)
    }
}
