//! Numbers that a run reports of itself, by name.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The numbers of one run, in the order of its report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metrics(Vec<(Cow<'static, str>, Number)>);

/// A number that a run reports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A count.
    Count(u64),
    /// A measure: a length of time in seconds.
    Measure(f64),
}

impl Metrics {
    /// Every name with its number.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Number)> {
        self.0.iter().map(|(name, number)| (name.as_ref(), *number))
    }
}

impl FromIterator<(&'static str, Number)> for Metrics {
    fn from_iter<I: IntoIterator<Item = (&'static str, Number)>>(numbers: I) -> Self {
        Self(numbers.into_iter().map(|(name, number)| (Cow::Borrowed(name), number)).collect())
    }
}

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_map(self.iter())
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => out.serialize_u64(*count),
            Self::Measure(measure) => out.serialize_f64(*measure),
        }
    }
}

impl<'de> Deserialize<'de> for Metrics {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_map(Numbers)
    }
}

struct Numbers;

impl<'de> Visitor<'de> for Numbers {
    type Value = Metrics;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metrics, A::Error> {
        let mut metrics = Metrics::default();
        while let Some((name, number)) = map.next_entry::<String, serde_json::Number>()? {
            let number = match number.as_u64() {
                Some(count) => Number::Count(count),
                None => Number::Measure(number.as_f64().unwrap_or(f64::NAN)),
            };
            metrics.0.push((Cow::Owned(name), number));
        }
        Ok(metrics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stored_as_they_always_were() {
        let stored = r#"{"cluster_s":3.0,"peers":5,"rpcs":1988,"commands":102}"#;
        let metrics: Metrics = serde_json::from_str(stored).unwrap();
        assert_eq!(metrics.iter().next(), Some(("cluster_s", Number::Measure(3.0))));
        assert_eq!(metrics.iter().nth(2), Some(("rpcs", Number::Count(1988))));
        assert_eq!(serde_json::to_string(&metrics).unwrap(), stored);
        assert!(serde_json::from_str::<Metrics>(r#"{"peers":"many"}"#).is_err());
    }
}
