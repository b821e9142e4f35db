//! Numbers that a run reports of itself, by name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Number;

/// The numbers of one run: counts as integers, seconds with a fraction.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metrics(BTreeMap<Cow<'static, str>, Number>);

impl Metrics {
    /// Sets a number.
    pub(super) fn set(&mut self, name: &'static str, number: Number) {
        self.0.insert(name.into(), number);
    }

    /// Every name with its number.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Number)> {
        self.0.iter().map(|(name, number)| (name.as_ref(), number))
    }
}

impl FromIterator<(&'static str, Number)> for Metrics {
    fn from_iter<I: IntoIterator<Item = (&'static str, Number)>>(numbers: I) -> Self {
        Self(numbers.into_iter().map(|(name, number)| (name.into(), number)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stored_as_they_always_were() {
        let stored = r#"{"cluster_s":3.0,"commands":102,"peers":5,"rpcs":1988}"#;
        let metrics: Metrics = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&metrics).unwrap(), stored);
        assert!(serde_json::from_str::<Metrics>(r#"{"peers":"many"}"#).is_err());
    }
}
