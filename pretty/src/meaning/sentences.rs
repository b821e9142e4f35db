//! All sentences as one automaton, which finds those that a text begins with, and none for nearly
//! every text after a few bytes.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use regex::bytes::RegexSet;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind, PatternSet};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use crate::expression::digits::{tells_digits_apart, with_all_digits};

/// An automaton for expressions that begin with `^`.
#[derive(Debug)]
pub(super) struct Sentences {
    automaton: DFA,
    /// Unlike that of any other.
    number: u64,
    /// Those expressions, and exceptions to them, that tell digits apart, with all digits where they have some.
    with_all_digits: RegexSet,
}

thread_local! {
    /// The states met by a thread of the automaton with a number. A process shows logs by one automaton
    /// alone.
    static STATES: RefCell<Option<(u64, Cache, PatternSet)>> = const { RefCell::new(None) };
}

/// The number of the next automaton.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Sentences {
    /// An automaton for these expressions; the exceptions are those of rules whose expressions match.
    ///
    /// # Errors
    /// If they are too large together.
    pub(super) fn new(
        expressions: &[String],
        exceptions: &[String],
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let mut parser = ParserBuilder::new().utf8(false).build();
        let mut parse = |text: &String| parser.parse(text).map_err(Box::new);
        let hirs: Vec<Hir> = expressions.iter().map(&mut parse).collect::<Result<_, _>>()?;
        let exceptions: Vec<Hir> = exceptions.iter().map(parse).collect::<Result<_, _>>()?;
        let config = thompson::Config::new().utf8(false).which_captures(WhichCaptures::None);
        let nfa = thompson::Compiler::new()
            .configure(config.nfa_size_limit(Some(NFA_BYTES_MAX)))
            .build_many_from_hir(&hirs)?;
        let config = Config::new()
            .match_kind(MatchKind::All)
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true);
        let automaton = DFA::builder().configure(config).build_from_nfa(nfa)?;
        let odd = hirs.iter().chain(&exceptions).filter(|hir| tells_digits_apart(hir));
        let with_all_digits = RegexSet::new(odd.map(|hir| with_all_digits(hir).to_string()))?;
        Ok(Self { automaton, number: NEXT.fetch_add(1, Ordering::Relaxed), with_all_digits })
    }

    /// Tells whether the same text with other digits may match other expressions.
    pub(super) fn tell_digits_apart(&self, text: &[u8]) -> bool {
        self.with_all_digits.is_match(text)
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The places of the expressions that match, in order.
    pub(super) fn matching(&self, text: &[u8]) -> Vec<usize> {
        STATES.with_borrow_mut(|states| {
            let Self { automaton, number, .. } = self;
            if states.as_ref().is_some_and(|(own, ..)| own != number) {
                *states = None;
            }
            let patterns = || PatternSet::new(automaton.pattern_len());
            let new = || (*number, automaton.create_cache(), patterns());
            let (_, cache, found) = states.get_or_insert_with(new);
            let input = Input::new(text).anchored(Anchored::Yes);
            // Whether any matches is known several times as fast as which of them. An automaton that
            // reads every byte, and forgets states instead of giving up, has no errors.
            let any = automaton.try_search_fwd(cache, &input.clone().earliest(true));
            if any.is_ok_and(|any| any.is_none()) {
                return Vec::new();
            }
            found.clear();
            let _ = automaton.try_which_overlapping_matches(cache, &input, found);
            found.iter().map(|place| place.as_usize()).collect()
        })
    }
}

const CACHE_BYTES: usize = 4 << 20;

/// Many times what the built-in dialects take.
const NFA_BYTES_MAX: usize = 16 << 20;
