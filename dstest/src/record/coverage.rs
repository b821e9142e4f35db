//! Coverage of situations: a count of each, as a run reports it in its `sometimes:` line.
//!
//! The line is `sometimes: name=count name=count …`, with every situation that the run knows, zeros
//! included. A campaign that never reaches a situation does not test it.

use serde::{Deserialize, Serialize};

/// The situations of one run in its order, each with its count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunCoverage(Vec<(String, u64)>);

impl RunCoverage {
    /// Situations with their counts, in the order of the line.
    pub fn situations(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// Reads a line; `None` for every other line, and for one with anything else in it.
    #[must_use]
    pub fn of_line(line: &[u8]) -> Option<Self> {
        let words = line.strip_prefix(PREFIX)?;
        let words = std::str::from_utf8(words).ok()?.split_ascii_whitespace();
        let pair = |word: &str| {
            let (name, count) = word.split_once('=')?;
            (!name.is_empty()).then_some(())?;
            Some((name.to_owned(), count.parse().ok()?))
        };
        let pairs: Vec<_> = words.map(pair).collect::<Option<_>>()?;
        (!pairs.is_empty()).then_some(Self(pairs))
    }
}

/// The start of a line of coverage.
const PREFIX: &[u8] = b"sometimes:";

#[cfg(test)]
mod tests {
    use super::*;

    fn situations(line: &str) -> RunCoverage {
        RunCoverage::of_line(line.as_bytes()).expect(line)
    }

    #[test]
    fn only_a_whole_line_of_counts_is_taken() {
        for line in
            ["sometimes:", "sometimes: a", "sometimes: a=b", "sometimes: =1", "x sometimes: a=1"]
        {
            assert_eq!(RunCoverage::of_line(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn stored_coverage_is_read_again() {
        let read = situations("sometimes: b=1 a=0");
        let text = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<RunCoverage>(&text).unwrap(), read);
    }
}
