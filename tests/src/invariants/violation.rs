//! Violations of invariants, and the witnesses of them.

use std::path::Path;
use std::{fmt, fs, io};

use raft::{Instant, PeerId};

use super::table::Invariant;

/// A broken invariant, with both witnesses where there are two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant.
    pub invariant: Invariant,
    /// The observation that breaks it.
    pub text: String,
    /// A picture of it, if there is one.
    pub picture: Option<Picture>,
}

/// A picture of a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// For a terminal.
    pub text: String,
    /// A page for a browser.
    pub html: String,
}

impl Picture {
    /// Writes both forms into a directory, under the names that dstest shows.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn save(&self, directory: &Path) -> io::Result<()> {
        fs::write(directory.join("picture.txt"), &self.text)?;
        fs::write(directory.join("picture.html"), &self.html)
    }
}

impl Invariant {
    /// A violation of this invariant, described by the text.
    #[must_use]
    pub fn broken(self, text: fmt::Arguments<'_>) -> Box<Violation> {
        Box::new(Violation { invariant: self, text: text.to_string(), picture: None })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant.as_str(), self.text)
    }
}

/// A peer and the time at which it did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The peer.
    pub peer: PeerId,
    /// The time.
    pub at: Instant,
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.at.as_nanos() / 1000;
        write!(f, "peer {} at {}.{:03} ms", self.peer, us / 1000, us % 1000)
    }
}
