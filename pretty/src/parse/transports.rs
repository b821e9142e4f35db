//! The transports a log may have: the user's own, then those built in.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::calendar::Calendar;
use super::catalog::{CATALOG, FILES_WITH_SAMPLES, PatternText, Transport};
use super::context::ReadContext;
use super::keys::PeerField;
use super::own_format::CustomFormat;
use super::pattern::{Carried, Fit, FormatError};
use super::{json, record, timestamp};
use crate::level::{Level, OwnLevels};

/// The user's choice of transports; by default all built-in ones.
#[derive(Clone, Debug, Default)]
pub struct Transports {
    own: Vec<CustomTransport>,
    /// Only those with these names.
    only: Option<Vec<String>>,
}

/// A transport given by the user, in the words of `pretty/formats/transports.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "PatternText")]
pub struct CustomTransport(Arc<Transport>);

impl TryFrom<PatternText> for CustomTransport {
    type Error = FormatError;

    fn try_from(text: PatternText) -> Result<Self, FormatError> {
        text.transport("transport").map(Arc::new).map(Self)
    }
}

impl CustomTransport {
    /// Its name, or `transport`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }
}

impl Transports {
    /// These transports before the built-in ones; `only` leaves the others out.
    #[must_use]
    pub fn new(own: Vec<CustomTransport>, only: Option<Vec<String>>) -> Self {
        Self { own, only }
    }

    /// The names of the built-in transports.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let mut seen = BTreeSet::new();
        CATALOG.transports.iter().map(Transport::name).filter(move |name| seen.insert(*name))
    }

    /// The names of the built-in transports, each with a line it carries.
    pub fn documented() -> impl Iterator<Item = (&'static str, &'static str)> {
        Self::names().map(|name| (name, example(name).unwrap_or_default()))
    }

    /// The transports that may carry lines; those of formats come first.
    pub(super) fn layers(&self, formats: &[CustomFormat]) -> Vec<TransportLayer> {
        let of_formats = formats.iter().flat_map(|format| &format.0.transports);
        let own = of_formats.chain(self.own.iter().map(|own| &own.0));
        let own = own.map(|own| TransportLayer::Own(own.clone()));
        let built_in = (0..CATALOG.transports.len()).map(TransportLayer::BuiltIn);
        let wanted = |layer: &TransportLayer| {
            let only = self.only.as_ref();
            only.is_none_or(|only| only.iter().any(|name| name == layer.get().name()))
        };
        own.chain(built_in).filter(wanted).collect()
    }
}

/// A transport, wherever it comes from.
#[derive(Clone, Debug)]
pub(super) enum TransportLayer {
    /// One of the catalog, by its place.
    BuiltIn(usize),
    Own(Arc<Transport>),
}

impl TransportLayer {
    pub(super) fn get(&self) -> &Transport {
        match self {
            Self::BuiltIn(at) => &CATALOG.transports[*at],
            Self::Own(own) => own,
        }
    }

    /// A strict one of the user.
    pub(super) fn is_strict_and_own(&self) -> bool {
        matches!(self, Self::Own(_)) && self.get().is_strict()
    }
}

impl Transport {
    /// Tells whether a line is one of its own.
    pub(super) fn carries(&self, line: &[u8], context: &ReadContext<'_>) -> bool {
        strip(self, line, context).is_some()
    }

    /// Tells whether it is a line of its own, which names the source of those behind it.
    pub(super) fn leads(&self) -> bool {
        self.pattern().is_some_and(|pattern| pattern.leads)
    }

    pub(super) fn is_strict(&self) -> bool {
        self.pattern().is_none_or(|pattern| pattern.fit == Fit::Strict)
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Text(pattern) => &pattern.name,
            Self::Json(name, _) => name,
        }
    }
}

/// A transport's facts and the line it carries.
pub(super) fn strip<'a>(
    transport: &Transport,
    line: &'a [u8],
    context: &ReadContext<'_>,
) -> Option<(Carried<'a>, Cow<'a, [u8]>)> {
    let json = match transport {
        Transport::Text(pattern) => {
            return pattern
                .strip(line, context)
                .map(|(carried, rest)| (carried, Cow::Borrowed(rest)));
        }
        Transport::Json(_, json) => json,
    };
    if line.first() != Some(&b'{') {
        return None;
    }
    let found = json::strings(line, &json.when)?;
    let member =
        |key: &str| found.iter().find(|(own, _)| own == key).map(|(_, value)| value.clone());
    let value = |key: &str| {
        member(key).or_else(|| {
            let (outer, inner) = key.split_once('.')?;
            json::string_in(member(outer)?.as_bytes(), inner).map(Cow::Owned)
        })
    };
    let rest = match value(&json.msg) {
        Some(rest) => record::bytes(rest),
        None if json.instead.is_empty() => return None,
        None => {
            let words: Vec<_> = json.instead.iter().filter_map(|key| value(key)).collect();
            Cow::Owned(format!("=== {}", words.join(" ")).into_bytes())
        }
    };
    let stamp =
        value(&json.time).and_then(|time| timestamp::wall(record::bytes(time), context.calendar));
    let level = value(&json.level).and_then(|level| Level::of_number(level.as_bytes()));
    let carried = Carried { stamp, source: value(&json.source).map(record::bytes), level };
    let rest = match rest {
        Cow::Borrowed(rest) => Cow::Borrowed(rest.trim_ascii_end()),
        Cow::Owned(rest) => Cow::Owned(rest.trim_ascii_end().to_vec()),
    };
    Some((carried, rest))
}

/// The first sample that a transport of this name carries.
fn example(name: &str) -> Option<&'static str> {
    let calendar = Calendar::default();
    let (tick, header_unit, peer) = (None, None, PeerField::None);
    let (keys, levels) = (&CATALOG.keys, &OwnLevels::default());
    let context = ReadContext { calendar: &calendar, tick, header_unit, keys, levels, peer };
    let file = FILES_WITH_SAMPLES.iter().find(|file| file.name == "transports")?;
    let lines = file.sample.iter().filter_map(|sample| sample.get("line")?.as_str());
    let is_of = |line: &&str| {
        let mut all = CATALOG.transports.iter();
        let first = all.find(|own| strip(own, line.as_bytes(), &context).is_some());
        first.is_some_and(|own| own.name() == name)
    };
    lines.into_iter().find(is_of)
}
