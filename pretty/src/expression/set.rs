//! Several expressions as one automaton, which finds those that a text begins with, and none for nearly
//! every text after a few bytes.
//!
//! Its states are made as texts need them: a set that is asked about few lines costs little more than
//! the reading of its expressions.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind, PatternSet};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, Look};

/// An automaton for expressions that begin with `^`.
#[derive(Debug)]
pub(crate) struct ExpressionSet {
    automaton: DFA,
    /// Unlike that of any other.
    number: u64,
}

/// The states that a thread has met of an automaton.
struct States {
    number: u64,
    cache: Cache,
    found: PatternSet,
}

thread_local! {
    /// Those of the automata that a thread has used last.
    static STATES: RefCell<Vec<States>> = const { RefCell::new(Vec::new()) };
}

/// The number of the next automaton.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Reads an expression whose texts need not be UTF-8.
///
/// # Errors
/// If it is not an expression.
pub(crate) fn read(text: &str) -> Result<Hir, Box<regex_syntax::Error>> {
    ParserBuilder::new().utf8(false).build().parse(text).map_err(Box::new)
}

impl ExpressionSet {
    /// An automaton for these expressions, none of which may match elsewhere than at the start of a text.
    ///
    /// # Errors
    /// If they are too large together.
    pub(crate) fn new(expressions: &[Hir]) -> Result<Self, Box<dyn std::error::Error>> {
        let at_start = |own: &Hir| own.properties().look_set_prefix().contains(Look::Start);
        debug_assert!(expressions.iter().all(at_start), "an expression without `^`");
        let config = thompson::Config::new().utf8(false).which_captures(WhichCaptures::None);
        let nfa = thompson::Compiler::new()
            .configure(config.nfa_size_limit(Some(NFA_BYTES_MAX)))
            .build_many_from_hir(expressions)?;
        let config = Config::new()
            .match_kind(MatchKind::All)
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true);
        let automaton = DFA::builder().configure(config).build_from_nfa(nfa)?;
        Ok(Self { automaton, number: NEXT.fetch_add(1, Ordering::Relaxed) })
    }

    /// A number that no other set of this process has.
    #[cfg(feature = "view")]
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// The number of expressions.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.automaton.pattern_len()
    }

    /// Tells whether any of the expressions matches.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.with_states(|states| self.matches_any(text, states))
    }

    /// The places of the expressions that match, in order.
    pub(crate) fn matching(&self, text: &[u8]) -> Vec<usize> {
        self.with_states(|states| {
            // Whether any matches is known several times as fast as which of them.
            if !self.matches_any(text, states) {
                return Vec::new();
            }
            let States { cache, found, .. } = states;
            found.clear();
            let input = Input::new(text).anchored(Anchored::Yes);
            let _ = self.automaton.try_which_overlapping_matches(cache, &input, found);
            found.iter().map(|place| place.as_usize()).collect()
        })
    }

    /// An automaton that reads every byte, and forgets states instead of giving up, has no errors.
    fn matches_any(&self, text: &[u8], states: &mut States) -> bool {
        let input = Input::new(text).anchored(Anchored::Yes).earliest(true);
        let any = self.automaton.try_search_fwd(&mut states.cache, &input);
        any.map_or(true, |any| any.is_some())
    }

    fn with_states<T>(&self, read: impl FnOnce(&mut States) -> T) -> T {
        STATES.with_borrow_mut(|all| {
            let at = all.iter().position(|own| own.number == self.number).unwrap_or_else(|| {
                if all.len() >= AUTOMATA_MAX {
                    all.remove(0);
                }
                let found = PatternSet::new(self.automaton.pattern_len());
                all.push(States {
                    number: self.number,
                    cache: self.automaton.create_cache(),
                    found,
                });
                all.len() - 1
            });
            read(&mut all[at])
        })
    }
}

/// Those of a process that shows logs, twice.
const AUTOMATA_MAX: usize = 8;

const CACHE_BYTES: usize = 4 << 20;

/// Many times what the built-in formats and dialects take.
const NFA_BYTES_MAX: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// Class: the states of one automaton are used for another, as they are kept by thread.
    #[test]
    fn sets_are_kept_apart() {
        let hirs =
            |texts: &[&str]| texts.iter().map(|text| read(text).unwrap()).collect::<Vec<_>>();
        let sets: Vec<_> = (0..2 * AUTOMATA_MAX)
            .map(|at| ExpressionSet::new(&hirs(&["^x", &format!("^n{at}$"), "^n"])).unwrap())
            .collect();
        for _ in 0..2 {
            for (at, set) in sets.iter().enumerate() {
                assert_eq!(set.matching(format!("n{at}").as_bytes()), [1, 2]);
                assert_eq!(set.matching(b"n"), [2]);
                assert!(set.is_match(b"xn") && !set.is_match(b"an"));
            }
        }
    }
}
