//! All sentences as one automaton, which finds those that a text begins with, and none for nearly
//! every text after a few bytes.

use std::cell::RefCell;

use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind, PatternSet};

/// An automaton for expressions that begin with `^`.
#[derive(Debug)]
pub(super) struct Sentences(DFA);

thread_local! {
    /// The states of the automaton met by a thread. There is one automaton.
    static STATES: RefCell<Option<(Cache, PatternSet)>> = const { RefCell::new(None) };
}

impl Sentences {
    /// # Errors
    /// If an expression does not compile.
    pub(super) fn new(expressions: &[String]) -> Result<Self, Box<dyn std::error::Error>> {
        let nfa = thompson::Compiler::new()
            .syntax(syntax::Config::new().utf8(false))
            .configure(thompson::Config::new().utf8(false).which_captures(WhichCaptures::None))
            .build_many(expressions)?;
        let config = Config::new().match_kind(MatchKind::All).cache_capacity(CACHE_BYTES);
        Ok(Self(DFA::builder().configure(config).build_from_nfa(nfa)?))
    }

    /// The places of the expressions that match, in order.
    pub(super) fn matching(&self, text: &[u8]) -> Vec<usize> {
        STATES.with_borrow_mut(|states| {
            let new = || (self.0.create_cache(), PatternSet::new(self.0.pattern_len()));
            let (cache, found) = states.get_or_insert_with(new);
            let input = Input::new(text).anchored(Anchored::Yes);
            // Whether any matches is known several times as fast as which of them. An automaton that
            // reads every byte, and forgets states instead of giving up, has no errors.
            let any = self.0.try_search_fwd(cache, &input.clone().earliest(true));
            if any.is_ok_and(|any| any.is_none()) {
                return Vec::new();
            }
            found.clear();
            let _ = self.0.try_which_overlapping_matches(cache, &input, found);
            found.iter().map(|place| place.as_usize()).collect()
        })
    }
}

const CACHE_BYTES: usize = 4 << 20;
