//! The way from a line to its peer: found out once for a source, walked for each line.

use std::borrow::Cow;

use super::keys::PeerField;
use super::layers::Layers;
use super::peer_from::PeerFrom;
use super::record::Record;
use super::settings::ParserSettings;

/// The way from a line to its peer.
#[derive(Clone, Debug, Default)]
pub(super) struct PeerPlan {
    pub(super) from: PeerPlace,
    /// The key that names it, if one does.
    pub(super) key: Option<Box<str>>,
    /// The peer of lines that name none.
    pub(super) missing: Option<Box<[u8]>>,
}

/// The origin of a peer's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamedBy {
    /// The line or its transport.
    Line,
    /// The plan: the line names none.
    Default,
}

/// The place where peers are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PeerPlace {
    /// The record, its fields, or the head of its text; then the transport.
    #[default]
    Line,
    /// The transport alone.
    Transport,
    /// Nothing in a line.
    Source,
    /// The first word of a sentence.
    Subject(usize),
}

impl PeerPlan {
    /// The fields of a record that may name its peer.
    pub(super) fn field(&self) -> PeerField<'_> {
        match (self.from, &self.key) {
            (PeerPlace::Line, Some(key)) => PeerField::Key(key),
            (PeerPlace::Line | PeerPlace::Subject(_), _) => PeerField::Any,
            (PeerPlace::Transport | PeerPlace::Source, _) => PeerField::None,
        }
    }

    /// Gives a record of `line` its peer; `carried` is the one that a transport names.
    pub(super) fn name_peer<'a>(
        &self,
        record: &mut Record<'a>,
        line: &'a [u8],
        carried: Option<Cow<'a, [u8]>>,
        heads: Heads<'_>,
        settings: &ParserSettings,
    ) -> NamedBy {
        match self.from {
            PeerPlace::Line if record.peer.is_none() => take_head(record, heads),
            PeerPlace::Subject(at) if record.peer.is_none() => {
                let subject = &heads.layers.subjects[at];
                record.peer = match &record.text {
                    Cow::Borrowed(text) => subject.head(text).map(|(peer, _)| peer.into()),
                    Cow::Owned(text) => subject.head(text).map(|(peer, _)| peer.to_vec().into()),
                };
            }
            PeerPlace::Line | PeerPlace::Subject(_) => {}
            PeerPlace::Transport | PeerPlace::Source => record.peer = None,
        }
        if let PeerFrom::Regex(regex) = &settings.peer_from {
            let found = regex.captures(line);
            let group = found.and_then(|found| found.name("peer").or_else(|| found.get(1)));
            record.peer = group.map(|own| Cow::Borrowed(own.as_bytes())).or(record.peer.take());
        }
        if self.from != PeerPlace::Source {
            record.peer = record.peer.take().or(carried);
        }
        let named = if record.peer.is_some() { NamedBy::Line } else { NamedBy::Default };
        if named == NamedBy::Default {
            record.peer = self.missing.as_ref().map(|missing| Cow::Owned(missing.to_vec()));
        }
        for (from, to) in &settings.rename {
            if let Some(peer) = &record.peer
                && from.is_match(peer)
            {
                record.peer = Some(Cow::Owned(from.replace(peer, to.as_bytes()).into_owned()));
            }
        }
        named
    }
}

/// The peer at the head of the text, which is taken off it.
fn take_head(record: &mut Record<'_>, heads: Heads<'_>) {
    match &mut record.text {
        Cow::Borrowed(text) => {
            if let Some((peer, rest)) = heads.find(text) {
                (record.peer, *text) = (Some(Cow::Borrowed(peer)), rest);
            }
        }
        Cow::Owned(text) => {
            if let Some((peer, rest)) = heads.find(text) {
                let taken = text.len() - rest.len();
                record.peer = Some(Cow::Owned(peer.to_vec()));
                text.drain(..taken);
            }
        }
    }
}

/// The heads that the texts of a source may have.
#[derive(Clone, Copy)]
pub(super) struct Heads<'p> {
    pub(super) layers: &'p Layers,
    /// Their places among the layers.
    pub(super) places: &'p [usize],
}

impl Heads<'_> {
    /// The peer at the head of a text, and what follows it.
    pub(super) fn find<'t>(&self, text: &'t [u8]) -> Option<(&'t [u8], &'t [u8])> {
        self.places.iter().find_map(|at| self.layers.heads[*at].head(text))
    }
}
