//! Coverage that tests say they have been in: which of them a campaign has never reached.
//!
//! A run prints `sometimes: name=count name=count …`, every situation it knows, those it was not in
//! as 0. A campaign that never reaches one of them says little about what happens there.

use serde::{Deserialize, Serialize};

/// What one run has said: situations in its order, and how often it was in each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunCoverage(Vec<(String, u64)>);

impl RunCoverage {
    /// Situations with their counts, in the order of the line.
    pub fn situations(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// Reads a line; `None` if it is no such line, or has anything else in it.
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

/// The start of a line that tells coverage.
const PREFIX: &[u8] = b"sometimes:";

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> RunCoverage {
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
    fn what_is_stored_is_read_again() {
        let said = said("sometimes: b=1 a=0");
        let text = serde_json::to_string(&said).unwrap();
        assert_eq!(serde_json::from_str::<RunCoverage>(&text).unwrap(), said);
    }
}
