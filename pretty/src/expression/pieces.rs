//! An expression as a sequence of pieces, each of which only has to find its end.
//!
//! An engine that finds groups tries the alternatives of an expression byte by byte, which takes
//! longer than all else about a line. Expressions for logs are sequences, such as a time, a blank,
//! a level; so each part between the edges of groups becomes a literal, a run of one class of bytes
//! or an automaton. Each piece takes what it prefers. If all of them match in this way, that is the
//! match the whole expression prefers, with the same groups, because the choices of earlier parts
//! count first. If one does not, another choice of a piece before it may help: then the whole
//! expression must be asked.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Capture, Class, Hir, HirKind, Look, Repetition};

use super::spans::Spans;

/// The pieces behind the `^` of an expression.
#[derive(Clone, Debug)]
pub(super) struct Pieces(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Literal(Box<[u8]>),
    Run(Run),
    /// Anything without a group in it.
    Automaton(Dfa),
    /// A group that is all of these pieces, by its number.
    Group(usize, Vec<Self>),
    /// A group that ends so many bytes before the end of a piece.
    LazyGroup(usize, Dfa, usize),
    /// A group that ends where this edge first matches.
    LazyRun(usize, Run, Edge),
    /// Pieces that may be missing, and all of them as one.
    Optional(Vec<Self>, Dfa),
}

type Dfa = dense::DFA<Vec<u32>>;

/// An automaton, and the bytes that it may begin with.
#[derive(Clone, Debug)]
struct Edge {
    dfa: Dfa,
    first: Box<[bool; 256]>,
}

/// As many bytes of a class as there are.
#[derive(Clone, Debug)]
struct Run {
    class: Box<[bool; 256]>,
    least: usize,
    most: usize,
}

/// The result of matching pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The end of the match.
    Match(usize),
    NoMatch,
    /// Only the whole expression can tell.
    Undecided,
}

impl Pieces {
    /// The pieces of an expression that has been [numbered](numbered); `None` if it does not begin
    /// with `^` or cannot be taken apart.
    pub(super) fn of(expression: &Hir) -> Option<Self> {
        let mut elements = Vec::new();
        flatten(expression, &mut elements);
        let (first, elements) = elements.split_first()?;
        let is_anchored = matches!(first.kind(), HirKind::Look(Look::Start));
        is_anchored.then(|| pieces(elements).map(Self)).flatten()
    }

    /// Matches a line from its start on.
    pub(super) fn find(&self, line: &[u8], spans: &mut Spans) -> Outcome {
        find(&self.0, line, 0, spans)
    }
}

fn find(pieces: &[Piece], line: &[u8], start: usize, spans: &mut Spans) -> Outcome {
    let mut at = start;
    for (number, piece) in pieces.iter().enumerate() {
        match piece.find(line, at, spans) {
            Outcome::Match(end) => at = end,
            // The first piece has no other choice before it.
            Outcome::NoMatch if number == 0 => return Outcome::NoMatch,
            Outcome::NoMatch | Outcome::Undecided => return Outcome::Undecided,
        }
    }
    Outcome::Match(at)
}

impl Piece {
    #[inline]
    fn find(&self, line: &[u8], at: usize, spans: &mut Spans) -> Outcome {
        match self {
            Self::Literal(literal) => match line[at..].starts_with(literal) {
                true => Outcome::Match(at + literal.len()),
                false => Outcome::NoMatch,
            },
            Self::Run(run) => run.find(line, at),
            Self::Automaton(dfa) => end_of(dfa, line, at).map_or(Outcome::NoMatch, Outcome::Match),
            Self::Group(group, pieces) => {
                let outcome = find(pieces, line, at, spans);
                if let Outcome::Match(end) = outcome {
                    spans.set(*group, at..end);
                }
                outcome
            }
            Self::LazyGroup(group, dfa, behind) => match end_of(dfa, line, at) {
                None => Outcome::NoMatch,
                Some(end) => {
                    spans.set(*group, at..end - behind);
                    Outcome::Match(end)
                }
            },
            Self::LazyRun(group, run, edge) => match run.find_lazy(line, at, edge) {
                None => Outcome::NoMatch,
                Some((end, behind)) => {
                    spans.set(*group, at..end);
                    Outcome::Match(behind)
                }
            },
            Self::Optional(pieces, whole) => {
                let before = *spans;
                match find(pieces, line, at, spans) {
                    Outcome::Undecided if end_of(whole, line, at).is_some() => Outcome::Undecided,
                    Outcome::NoMatch | Outcome::Undecided => {
                        *spans = before;
                        Outcome::Match(at)
                    }
                    found @ Outcome::Match(_) => found,
                }
            }
        }
    }
}

impl Piece {
    /// Tells whether it takes nothing that these elements may need.
    fn is_apart_from(&self, elements: &[&Hir]) -> bool {
        let Self::Run(run) = self else { return true };
        let next = elements.first().map(|next| simple(next));
        run.least == run.most
            || match next {
                None => true,
                Some(Some(Self::Literal(literal))) => !run.class[usize::from(literal[0])],
                Some(Some(Self::Run(next))) => {
                    let common = run.class.iter().zip(&*next.class).any(|(a, b)| *a && *b);
                    next.least > 0 && !common
                }
                Some(_) => false,
            }
    }
}

impl Run {
    #[inline]
    fn find(&self, line: &[u8], at: usize) -> Outcome {
        let of_class = line[at..].iter().take(self.most);
        let length = of_class.take_while(|byte| self.class[usize::from(**byte)]).count();
        if length < self.least { Outcome::NoMatch } else { Outcome::Match(at + length) }
    }

    /// As few bytes as there are before the edge: where they end, and where it ends.
    fn find_lazy(&self, line: &[u8], at: usize, edge: &Edge) -> Option<(usize, usize)> {
        let is_here = |end: &usize| edge.first[usize::from(line[*end])];
        let ends = (at..line.len()).take(self.most.saturating_add(1));
        for end in ends {
            if end >= at + self.least
                && is_here(&end)
                && let Some(behind) = end_of(&edge.dfa, line, end)
            {
                return Some((end, behind));
            }
            if !self.class[usize::from(line[end])] {
                return None;
            }
        }
        None
    }
}

impl Edge {
    fn of(elements: &[&Hir]) -> Option<Self> {
        let dfa = dfa(&Hir::concat(elements.iter().map(|own| (*own).clone()).collect()))?;
        let start = dfa.start_state_forward(&Input::new(b"").anchored(Anchored::Yes)).ok()?;
        let may_begin = |byte| !dfa.is_dead_state(dfa.next_state(start, byte));
        let mut first = Box::new([false; 256]);
        (0..=u8::MAX).for_each(|byte| first[usize::from(byte)] = may_begin(byte));
        Some(Self { dfa, first })
    }
}

fn end_of(dfa: &Dfa, line: &[u8], at: usize) -> Option<usize> {
    let input = Input::new(line).span(at..line.len()).anchored(Anchored::Yes);
    // An automaton without words of Unicode reads every byte.
    dfa.try_search_fwd(&input).ok().flatten().map(|end| end.offset())
}

/// The elements of a sequence.
fn flatten<'h>(hir: &'h Hir, elements: &mut Vec<&'h Hir>) {
    match hir.kind() {
        HirKind::Concat(parts) => parts.iter().for_each(|part| flatten(part, elements)),
        HirKind::Empty => {}
        HirKind::Capture(_)
        | HirKind::Literal(_)
        | HirKind::Class(_)
        | HirKind::Look(_)
        | HirKind::Repetition(_)
        | HirKind::Alternation(_) => elements.push(hir),
    }
}

fn pieces(elements: &[&Hir]) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = elements;
    while let [first, behind @ ..] = rest {
        if let Some((piece, length)) = lazy_group(first, behind) {
            pieces.push(piece);
            rest = &behind[length..];
            continue;
        }
        if has_group(first) {
            pieces.push(piece_with_group(first)?);
            rest = behind;
            continue;
        }
        let mut length = rest.iter().take_while(|own| !has_group(own)).count();
        // What is short by choice grows if what follows does not match: a piece must not end there.
        while length > 0 && ends_by_choice(&rest[..length]) && length < rest.len() {
            length += 1;
        }
        let (plain, behind) = rest.split_at(length);
        if plain.iter().any(|own| has_group(own)) {
            return None;
        }
        push_plain(&mut pieces, plain)?;
        rest = behind;
    }
    Some(pieces)
}

/// A group that is as short as what follows it allows, if that has a fixed length; and the number
/// of elements that follow it up to the one that must be there.
fn lazy_group(hir: &Hir, behind: &[&Hir]) -> Option<(Piece, usize)> {
    let HirKind::Capture(capture) = hir.kind() else { return None };
    let length = 1 + behind.iter().position(|own| own.properties().minimum_len() != Some(0))?;
    let edge = &behind[..length];
    let fixed = |own: &&Hir| {
        let (least, most) = (own.properties().minimum_len(), own.properties().maximum_len());
        least.filter(|_| least == most && !has_group(own))
    };
    if !has_lazy(&capture.sub) || has_group(&capture.sub) {
        return None;
    }
    let Some(bytes) = edge.iter().map(fixed).sum::<Option<usize>>() else {
        let is_odd =
            |own: &&Hir| has_group(own) || has_lazy(own) || !own.properties().look_set().is_empty();
        let is_plain = !edge.iter().any(is_odd);
        let run = lazy_run(&capture.sub).filter(|_| is_plain)?;
        return Some((Piece::LazyRun(capture.index as usize, run, Edge::of(edge)?), length));
    };
    let parts = std::iter::once(&*capture.sub).chain(edge.iter().copied());
    let dfa = dfa(&Hir::concat(parts.cloned().collect()))?;
    Some((Piece::LazyGroup(capture.index as usize, dfa, bytes), length))
}

/// As few bytes of a class as possible.
fn lazy_run(hir: &Hir) -> Option<Run> {
    let HirKind::Repetition(own) = hir.kind() else { return None };
    let HirKind::Class(class) = own.sub.kind() else { return None };
    let most = own.max.map_or(usize::MAX, |most| most as usize);
    (!own.greedy).then_some(Run { class: bytes_of(class)?, least: own.min as usize, most })
}

/// Tells whether a lazy repetition is followed by nothing that must be there.
fn ends_by_choice(elements: &[&Hir]) -> bool {
    let last = elements.iter().rposition(|own| own.properties().minimum_len() != Some(0));
    elements[last.unwrap_or(0)..].iter().any(|own| has_lazy(own))
}

fn piece_with_group(hir: &Hir) -> Option<Piece> {
    match hir.kind() {
        HirKind::Capture(capture) if !has_group(&capture.sub) => {
            let mut inner = Vec::new();
            push_plain(&mut inner, &[&capture.sub])?;
            Some(Piece::Group(capture.index as usize, inner))
        }
        HirKind::Capture(capture) => {
            let mut elements = Vec::new();
            flatten(&capture.sub, &mut elements);
            Some(Piece::Group(capture.index as usize, pieces(&elements)?))
        }
        HirKind::Repetition(Repetition { min: 0, max: Some(1), greedy: true, sub }) => {
            let mut elements = Vec::new();
            flatten(sub, &mut elements);
            Some(Piece::Optional(pieces(&elements)?, dfa(sub)?))
        }
        HirKind::Empty
        | HirKind::Literal(_)
        | HirKind::Class(_)
        | HirKind::Look(_)
        | HirKind::Repetition(_)
        | HirKind::Concat(_)
        | HirKind::Alternation(_) => None,
    }
}

/// The pieces of a sequence without groups: the literal at its start, and the rest as one.
fn push_plain(pieces: &mut Vec<Piece>, elements: &[&Hir]) -> Option<()> {
    let mut rest = elements;
    while let [first, behind @ ..] = rest
        && let Some(piece) = simple(first).filter(|piece| piece.is_apart_from(behind))
    {
        pieces.push(piece);
        rest = behind;
    }
    if !rest.is_empty() {
        let sequence = rest.iter().map(|own| (*own).clone()).collect();
        pieces.push(Piece::Automaton(dfa(&Hir::concat(sequence))?));
    }
    Some(())
}

/// A piece that needs no automaton.
fn simple(hir: &Hir) -> Option<Piece> {
    let run = |class: Box<[bool; 256]>, least, most| Piece::Run(Run { class, least, most });
    match hir.kind() {
        HirKind::Literal(literal) => Some(Piece::Literal(literal.0.clone())),
        HirKind::Class(class) => Some(run(bytes_of(class)?, 1, 1)),
        HirKind::Repetition(Repetition { min, max, greedy: true, sub }) => {
            let class = match sub.kind() {
                HirKind::Class(class) => bytes_of(class)?,
                HirKind::Literal(literal) if literal.0.len() == 1 => {
                    let mut class = Box::new([false; 256]);
                    class[usize::from(literal.0[0])] = true;
                    class
                }
                HirKind::Empty
                | HirKind::Literal(_)
                | HirKind::Look(_)
                | HirKind::Repetition(_)
                | HirKind::Capture(_)
                | HirKind::Concat(_)
                | HirKind::Alternation(_) => return None,
            };
            let most = max.map_or(usize::MAX, |most| most as usize);
            Some(run(class, *min as usize, most))
        }
        HirKind::Empty
        | HirKind::Look(_)
        | HirKind::Repetition(_)
        | HirKind::Capture(_)
        | HirKind::Concat(_)
        | HirKind::Alternation(_) => None,
    }
}

/// A class as bytes; `None` if it has characters of several.
fn bytes_of(class: &Class) -> Option<Box<[bool; 256]>> {
    let ranges: Vec<(u8, u8)> = match class {
        Class::Bytes(bytes) => {
            bytes.ranges().iter().map(|range| (range.start(), range.end())).collect()
        }
        Class::Unicode(characters) => {
            let ascii = characters.ranges().iter().map(|range| {
                let (start, end) = (range.start(), range.end());
                end.is_ascii().then_some((start as u8, end as u8))
            });
            ascii.collect::<Option<_>>()?
        }
    };
    let mut class = Box::new([false; 256]);
    for (start, end) in ranges {
        class[usize::from(start)..=usize::from(end)].fill(true);
    }
    Some(class)
}

fn dfa(hir: &Hir) -> Option<Dfa> {
    let config = thompson::Config::new()
        .utf8(false)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(DFA_BYTES_MAX));
    let nfa =
        thompson::Compiler::new().configure(config).build_from_hir(&numbered(hir, &[])).ok()?;
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .dfa_size_limit(Some(DFA_BYTES_MAX))
        .determinize_size_limit(Some(DFA_BYTES_MAX));
    dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()
}

/// More states than any built-in format needs. Classes of Unicode have more, and would take
/// milliseconds to build.
const DFA_BYTES_MAX: usize = 128 * 1024;

/// An expression with the groups of these names alone, numbered as they are here.
pub(super) fn numbered(hir: &Hir, names: &[&str]) -> Hir {
    let part = |hir: &Hir| numbered(hir, names);
    let parts = |all: &[Hir]| all.iter().map(part).collect();
    match hir.kind() {
        HirKind::Capture(capture) => {
            let number =
                names.iter().zip(0..).find(|(own, _)| capture.name.as_deref() == Some(*own));
            match number {
                None => part(&capture.sub),
                Some((_, index)) => {
                    Hir::capture(Capture { index, name: None, sub: Box::new(part(&capture.sub)) })
                }
            }
        }
        HirKind::Concat(all) => Hir::concat(parts(all)),
        HirKind::Alternation(all) => Hir::alternation(parts(all)),
        HirKind::Repetition(own) => {
            Hir::repetition(Repetition { sub: Box::new(part(&own.sub)), ..*own })
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
    }
}

/// Tells whether an expression has this group.
pub(super) fn has(hir: &Hir, group: usize) -> bool {
    any(hir, &|own| matches!(own.kind(), HirKind::Capture(own) if own.index as usize == group))
}

fn has_group(hir: &Hir) -> bool {
    any(hir, &|own| matches!(own.kind(), HirKind::Capture(_)))
}

fn has_lazy(hir: &Hir) -> bool {
    any(hir, &|own| matches!(own.kind(), HirKind::Repetition(own) if !own.greedy))
}

/// Tells whether it is true of a part of an expression, or of all of it.
fn any(hir: &Hir, is_it: &dyn Fn(&Hir) -> bool) -> bool {
    is_it(hir) || hir.kind().subs().iter().any(|sub| any(sub, is_it))
}
