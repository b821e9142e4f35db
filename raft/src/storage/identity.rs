//! The identity of a store: its peer, writer and format, and the extent of earlier reads.

use std::fmt::Write as _;

use xxhash_rust::xxh3::xxh3_64;

use super::StorageError;
use super::directory::{self, Directory, TEMPORARY, io_error};
use super::lock::LOCK;
use crate::types::PeerId;

pub(super) const IDENTITY: &str = "IDENTITY";

/// The format that this version writes, of either kind. Format 1 has no identity of the peer, format 2
/// has other snapshot files: their stores are taken over when they are opened.
const FORMAT: u64 = 3;

/// The kind of store in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// `DiskStorage`.
    Log,
    /// `RedbStorage`.
    Redb,
}

impl StoreKind {
    const ALL: [Self; 2] = [Self::Log, Self::Redb];

    /// The first line up to the format number.
    const fn title(self) -> &'static str {
        match self {
            Self::Log => "raft store, format ",
            Self::Redb => "raft store in redb, format ",
        }
    }

    /// The name of the type that opens it.
    #[must_use]
    pub const fn storage(self) -> &'static str {
        match self {
            Self::Log => "DiskStorage",
            Self::Redb => "RedbStorage",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) kind: StoreKind,
    pub(super) peer: PeerId,
    /// The seed of all checksums; no two stores have the same.
    pub(super) seed: u64,
    /// All writes with lower numbers were durable and have been read, so that a missing or broken
    /// one is damage. `DiskStorage` counts its frames, `RedbStorage` its transactions.
    pub(super) read_through: u64,
}

impl Identity {
    pub(super) fn new(kind: StoreKind, peer: PeerId) -> Self {
        use std::hash::{BuildHasher, RandomState};
        Self { kind, peer, seed: RandomState::new().hash_one(peer), read_through: 0 }
    }

    /// Reads the identity of the store in a directory; `None` without a store.
    pub(super) fn read<F: Directory>(directory: &F) -> Result<Option<Self>, StorageError> {
        let path = directory.path_of(IDENTITY);
        let names = directory::names(directory)?;
        if !names.iter().any(|name| name == IDENTITY) {
            let ours = |name: &&String| *name == LOCK || name.ends_with(TEMPORARY);
            return match names.iter().find(|name| !ours(name)) {
                None => Ok(None),
                Some(other) => Err(not_a_store(&directory.path_of(""), other)),
            };
        }
        let bytes = directory.read(IDENTITY).map_err(io_error(format!("read {path}")))?;
        Self::parse(&String::from_utf8_lossy(&bytes), &path).map(Some)
    }

    /// Reads the identity of the store in a directory, or creates one.
    ///
    /// # Errors
    /// The directory belongs to another peer, another kind of store, or something else.
    pub(super) fn read_or_create<F: Directory>(
        directory: &mut F,
        kind: StoreKind,
        peer: PeerId,
    ) -> Result<Self, StorageError> {
        if let Some(identity) = Self::read(directory)? {
            identity.check_owner(kind, peer, &directory.path_of(""))?;
            return Ok(identity);
        }
        let identity = Self::new(kind, peer);
        identity.write(directory)?;
        Ok(identity)
    }

    pub(super) fn write<F: Directory>(&self, directory: &mut F) -> Result<(), StorageError> {
        directory::replace(directory, IDENTITY, &[self.text().as_bytes()])
    }

    /// # Errors
    /// The directory belongs to another peer or another kind of store.
    pub(super) fn check_owner(
        &self,
        kind: StoreKind,
        peer: PeerId,
        directory: &str,
    ) -> Result<(), StorageError> {
        if self.kind != kind {
            let (found, wanted) = (self.kind.storage(), kind.storage());
            return Err(StorageError::Unreadable(format!(
                "{directory} was written by {found}, not by {wanted}: open it with {found}, or name \
                 another data_dir"
            )));
        }
        if self.peer == peer {
            return Ok(());
        }
        let owner = self.peer;
        Err(StorageError::Unreadable(format!(
            "{directory} holds the state of peer {owner}, not of peer {peer}: \
             every peer needs a data_dir of its own"
        )))
    }

    fn text(&self) -> String {
        let Self { kind, peer, seed, read_through } = self;
        let title = kind.title();
        let version = env!("CARGO_PKG_VERSION");
        let mut text = format!(
            "{title}{FORMAT}\nwritten by raft {version}\n\
             peer {peer}\nseed {seed:016x}\nread through {read_through}\n"
        );
        let check = xxh3_64(text.as_bytes());
        // Writing to a string does not fail.
        let _ = writeln!(text, "check {check:016x}");
        text
    }

    /// The format and the version that wrote it, as a directory with an identity states them.
    pub(super) fn stated_format<F: Directory>(
        directory: &F,
    ) -> Result<(u64, String), StorageError> {
        let path = directory.path_of(IDENTITY);
        let bytes = directory.read(IDENTITY).map_err(io_error(format!("read {path}")))?;
        let text = String::from_utf8_lossy(&bytes);
        let format = StoreKind::ALL.into_iter().find_map(|kind| value(&text, kind.title()));
        let format = format.and_then(|format| format.parse().ok()).unwrap_or(0);
        Ok((format, value(&text, "written by ").unwrap_or("an unknown version").to_owned()))
    }

    fn parse(text: &str, path: &str) -> Result<Self, StorageError> {
        let damaged = || StorageError::Damaged(format!("{path}: unexpected content {text:?}"));
        let titled = |kind: StoreKind| Some((kind, value(text, kind.title())?.parse().ok()?));
        let titled: Option<(StoreKind, u64)> = StoreKind::ALL.into_iter().find_map(titled);
        let (kind, format) = titled.ok_or_else(damaged)?;
        if format > FORMAT {
            return Err(newer(path, format, value(text, "written by ").unwrap_or("something")));
        }
        let (content, check) = text.split_at(text.find("check ").ok_or_else(damaged)?);
        if check != format!("check {:016x}\n", xxh3_64(content.as_bytes())) {
            return Err(damaged());
        }
        let number = |name| value(text, name).and_then(|word| word.parse().ok());
        let seed = value(text, "seed ").and_then(|word| u64::from_str_radix(word, 16).ok());
        let identity = (number("peer "), seed, number("read through "));
        let (Some(peer), Some(seed), Some(read_through)) = identity else { return Err(damaged()) };
        Ok(Self { kind, peer: PeerId::new(peer), seed, read_through })
    }
}

/// The rest of the line that begins with `name`.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name))
}

fn newer(path: &str, format: u64, writer: &str) -> StorageError {
    StorageError::Unreadable(format!(
        "{path}: the store has format {format}, written by {writer}; raft {} reads formats up to \
         {FORMAT}: start the version that wrote it, or a newer one",
        env!("CARGO_PKG_VERSION"),
    ))
}

fn not_a_store(directory: &str, other: &str) -> StorageError {
    StorageError::Unreadable(format!(
        "{directory} holds {other:?} but no {IDENTITY}: data_dir must name an empty directory, or one \
         that a raft store has written"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IT: Identity =
        Identity { kind: StoreKind::Log, peer: PeerId::new(7), seed: 0xfeed, read_through: 12 };

    #[test]
    fn an_identity_is_read_back() {
        for kind in StoreKind::ALL {
            let it = Identity { kind, ..IT };
            assert_eq!(Identity::parse(&it.text(), "f").map_err(|error| error.to_string()), Ok(it));
        }
    }

    #[test]
    fn any_changed_byte_is_an_error() {
        let text = IT.text();
        for position in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[position] ^= 1;
            let wrong = String::from_utf8_lossy(&bytes).into_owned();
            assert!(Identity::parse(&wrong, "f").is_err(), "{wrong}");
            assert!(Identity::parse(&text[..position], "f").is_err(), "cut at {position}");
        }
    }

    #[test]
    fn a_newer_format_says_which_version_to_use() {
        let text = IT.text().replace("format 3", "format 4").replace("raft 0", "raft 9");
        let error = Identity::parse(&text, "data/IDENTITY").expect_err("newer").to_string();
        assert!(
            error.starts_with("data/IDENTITY: the store has format 4, written by raft 9."),
            "{error}"
        );
        assert!(error.ends_with("start the version that wrote it, or a newer one"), "{error}");
    }
}
