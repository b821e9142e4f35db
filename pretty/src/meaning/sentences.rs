//! All sentences as one automaton, which finds those that a text begins with, and none for nearly
//! every text after a few bytes.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind, PatternSet};

/// An automaton for expressions that begin with `^`.
#[derive(Debug)]
pub(super) struct Sentences {
    automaton: DFA,
    /// Unlike that of any other.
    number: u64,
}

thread_local! {
    /// The states met by a thread of the automaton with a number. A process has one automaton, but
    /// for its tests.
    static STATES: RefCell<Option<(u64, Cache, PatternSet)>> = const { RefCell::new(None) };
}

/// The number of the next automaton.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Sentences {
    /// # Errors
    /// If an expression does not compile.
    pub(super) fn new(expressions: &[String]) -> Result<Self, Box<dyn std::error::Error>> {
        let nfa = thompson::Compiler::new()
            .syntax(syntax::Config::new().utf8(false))
            .configure(thompson::Config::new().utf8(false).which_captures(WhichCaptures::None))
            .build_many(expressions)?;
        let config = Config::new().match_kind(MatchKind::All).cache_capacity(CACHE_BYTES);
        let automaton = DFA::builder().configure(config).build_from_nfa(nfa)?;
        Ok(Self { automaton, number: NEXT.fetch_add(1, Ordering::Relaxed) })
    }

    /// The places of the expressions that match, in order.
    pub(super) fn matching(&self, text: &[u8]) -> Vec<usize> {
        STATES.with_borrow_mut(|states| {
            let Self { automaton, number } = self;
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
