//! Differences between two logs, peer by peer.
//!
//! Lines of different peers come in another order in every run, so whole logs do not compare; the
//! lines of one peer do. Numbers that name messages and times are left out of the comparison.
//! Pure: lines in, differences out.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffTag, capture_diff_slices_deadline};

/// One line of a log: its peer, and its text without times and message numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerLine {
    pub(crate) line: usize,
    pub(crate) peer: String,
    pub(crate) text: String,
}

/// A stretch in which a peer's lines differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Divergence {
    pub(crate) peer: String,
    /// The lines on the left and on the right; where one side has none, where they would be.
    pub(crate) left: Vec<usize>,
    pub(crate) right: Vec<usize>,
    pub(crate) at: [usize; 2],
}

/// All differences, in the order of the left log.
pub(crate) fn divergences(left: &[PeerLine], right: &[PeerLine]) -> Vec<Divergence> {
    let (left, right) = (by_peer(left), by_peer(right));
    let deadline = Instant::now() + PATIENCE;
    let mut found = Vec::new();
    let peers: std::collections::BTreeSet<&str> =
        left.keys().chain(right.keys()).copied().collect();
    let none = Vec::new();
    for peer in peers {
        let sides = [left.get(peer).unwrap_or(&none), right.get(peer).unwrap_or(&none)];
        found.extend(of_peer(peer, sides, deadline));
    }
    found.sort_by_key(|divergence| divergence.at[0]);
    found
}

/// The lines of one peer.
type Lines<'a> = Vec<&'a PeerLine>;

fn by_peer(log: &[PeerLine]) -> BTreeMap<&str, Lines<'_>> {
    let mut peers: BTreeMap<&str, Lines<'_>> = BTreeMap::new();
    log.iter().for_each(|peer_line| peers.entry(&peer_line.peer).or_default().push(peer_line));
    peers
}

fn of_peer(peer: &str, sides: [&Lines<'_>; 2], deadline: Instant) -> Vec<Divergence> {
    let [left, right] =
        sides.map(|side| side.iter().map(|peer_line| &*peer_line.text).collect::<Vec<_>>());
    let operations =
        capture_diff_slices_deadline(Algorithm::Patience, &left, &right, Some(deadline));
    let differ = operations.into_iter().filter(|operation| operation.tag() != DiffTag::Equal);
    let lines = |side: &Lines<'_>, range: Range<usize>| -> Vec<usize> {
        side[range].iter().map(|peer_line| peer_line.line).collect()
    };
    // A side without lines is placed at the line before.
    let place = |side: &Lines<'_>, range: &Range<usize>| {
        let nearest = side.get(range.start).or_else(|| side.last());
        nearest.map_or(0, |peer_line| peer_line.line)
    };
    differ
        .map(|operation| {
            let (old, new) = (operation.old_range(), operation.new_range());
            Divergence {
                peer: peer.to_owned(),
                at: [place(sides[0], &old), place(sides[1], &new)],
                left: lines(sides[0], old),
                right: lines(sides[1], new),
            }
        })
        .collect()
}

/// The text of a line without the parts that differ between any two runs: message numbers and
/// fractions of milliseconds.
pub(crate) fn comparable(topic: &str, text: &str) -> String {
    let words = text.split(' ').filter(|word| !word.starts_with("id="));
    let stable = words.map(|word| if is_length(word) { "…" } else { word });
    let words: Vec<&str> = std::iter::once(topic).chain(stable).collect();
    words.join(" ")
}

/// `573.654`, as lengths of time are written.
fn is_length(word: &str) -> bool {
    word.split_once('.').is_some_and(|(whole, part)| {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits(whole) && digits(part)
    })
}

/// A diff that takes longer becomes coarser.
const PATIENCE: Duration = Duration::from_millis(400);

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[(&str, &str)]) -> Vec<PeerLine> {
        let peer_line = |(line, (peer, text)): (usize, &(&str, &str))| PeerLine {
            line,
            peer: (*peer).to_owned(),
            text: comparable("X", text),
        };
        lines.iter().enumerate().map(peer_line).collect()
    }

    #[test]
    fn another_interleaving_is_not_a_difference() {
        let left = log(&[("0", "a id=0.1"), ("1", "b"), ("0", "waits 12.5 ms"), ("1", "d")]);
        let right = log(&[("1", "b"), ("1", "d"), ("0", "a id=0.7"), ("0", "waits 13.75 ms")]);
        assert_eq!(divergences(&left, &right), []);
    }

    #[test]
    fn the_first_difference_of_each_peer_is_found() {
        let left = log(&[("0", "a"), ("1", "b"), ("0", "votes for 1"), ("0", "c"), ("1", "same")]);
        let right = log(&[("1", "b"), ("0", "a"), ("0", "votes for 2"), ("0", "c"), ("1", "same")]);
        let found = divergences(&left, &right);
        assert_eq!(found.len(), 1);
        assert_eq!((&*found[0].peer, &*found[0].left, &*found[0].right), ("0", &[2][..], &[2][..]));
    }

    #[test]
    fn lines_of_one_side_are_differences_at_their_place() {
        let left = log(&[("0", "a"), ("0", "extra"), ("0", "b"), ("2", "only here")]);
        let right = log(&[("0", "a"), ("0", "b")]);
        let found = divergences(&left, &right);
        let short: Vec<_> = found.iter().map(|d| (&*d.peer, d.left.clone(), d.at)).collect();
        assert_eq!(short, [("0", vec![1], [1, 1]), ("2", vec![3], [3, 0])]);
    }
}
