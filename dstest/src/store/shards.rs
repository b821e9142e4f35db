//! The shards among merged campaigns: which are missing, double, or of another campaign. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::CampaignFile;
use crate::shard::Shard;

/// One of the merged campaigns.
pub(super) struct Share<'a> {
    pub(super) id: &'a str,
    pub(super) file: &'a CampaignFile,
    /// Runs with a result.
    pub(super) done: u64,
}

impl Share<'_> {
    fn shard(&self) -> Shard {
        self.file.shard.as_deref().and_then(Shard::parse).unwrap_or(Shard::WHOLE)
    }

    fn is_shard(&self) -> bool {
        self.shard() != Shard::WHOLE
    }

    /// The reason for which it is not a shard of the same campaign as `first`.
    fn foreign_to(&self, first: &Share<'_>) -> Option<String> {
        let (own, other) = (self.file, first.file);
        let tests = |file: &CampaignFile| -> BTreeSet<String> {
            file.tests.iter().map(|test| test.key.clone()).collect()
        };
        let (id, first_id) = (self.id, first.id);
        if own.seed != other.seed {
            return Some(format!("seed {}, and {first_id} has {}", own.seed, other.seed));
        }
        if self.shard().count() != first.shard().count() {
            return Some(format!(
                "{} shards, and {first_id} is {}",
                self.shard().count(),
                first.shard()
            ));
        }
        if own.iterations != other.iterations {
            let count = |n: Option<u32>| n.map_or("no number".to_owned(), |n| n.to_string());
            let (own, other) = (count(own.iterations), count(other.iterations));
            return Some(format!("{own} iterations, and {first_id} has {other}"));
        }
        (tests(own) != tests(other)).then(|| format!("other tests than {first_id} ({id})"))
    }
}

/// The number of runs that the campaigns together were to have: each test of each seed as often as
/// in the campaign that was to run it most often. `None` if one of them had no number.
pub(super) fn planned(shares: &[Share<'_>]) -> Option<u64> {
    let mut planned: BTreeMap<(u64, &str), u64> = BTreeMap::new();
    for file in shares.iter().map(|share| share.file) {
        let iterations = u64::from(file.iterations?);
        for test in &file.tests {
            let most = planned.entry((file.seed.value(), &test.key)).or_default();
            *most = iterations.max(*most);
        }
    }
    Some(planned.values().sum())
}

/// Problems of the shards among the campaigns; nothing without shards.
pub(super) fn problems(shares: &[Share<'_>]) -> Vec<String> {
    let Some(first) = shares.iter().find(|share| share.is_shard()) else { return Vec::new() };
    let mut problems = Vec::new();
    let mut holders: BTreeMap<u32, Vec<&Share<'_>>> = BTreeMap::new();
    for share in shares {
        match share.foreign_to(first) {
            Some(reason) if share.is_shard() => {
                problems.push(format!(
                    "foreign shard: {} ({}) has {reason}",
                    share.shard(),
                    share.id
                ));
            }
            Some(reason) => problems.push(format!("foreign campaign: {} has {reason}", share.id)),
            None => holders.entry(share.shard().index()).or_default().push(share),
        }
    }
    let count = first.shard().count();
    // More shares than iterations.
    let is_empty = |index| {
        let size = Shard::new(index, count).zip(first.file.iterations);
        size.is_some_and(|(shard, iterations)| shard.size(iterations) == 0)
    };
    for index in 1..=count {
        let held = holders.get(&index).map_or(&[][..], Vec::as_slice);
        match held {
            [] if is_empty(index) => {}
            [] => problems.push(format!("missing shard: {index}/{count}")),
            [one] => problems.extend(unfinished(one)),
            several => {
                let ids: Vec<&str> = several.iter().map(|share| share.id).collect();
                problems.push(format!("double shard: {index}/{count} is in {}", ids.join(" and ")));
            }
        }
    }
    problems
}

fn unfinished(share: &Share<'_>) -> Option<String> {
    let planned = share.file.planned()?;
    (share.done < planned).then(|| {
        let (shard, id, done) = (share.shard(), share.id, share.done);
        format!("unfinished shard: {shard} ({id}) has {done} of {planned} runs")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use crate::store::campaign_file::tests::campaign_file;

    fn file(shard: &str, seed: u64) -> CampaignFile {
        let shard = (!shard.is_empty()).then(|| shard.to_owned());
        CampaignFile { shard, seed: Seed::new(seed), ..campaign_file(&["a", "b", "c"]) }
    }

    /// The problems of shards of 60 runs in all, each with all of its runs.
    fn of(shards: &[(&str, u64)]) -> Vec<String> {
        let files: Vec<_> = shards.iter().map(|(shard, seed)| file(shard, *seed)).collect();
        let ids: Vec<String> = (0..shards.len()).map(|number| format!("id{number}")).collect();
        let shares = files.iter().zip(&ids);
        let mut all = Vec::new();
        for (file, id) in shares {
            all.push(Share { id, file, done: file.planned().unwrap() });
        }
        problems(&all)
    }

    #[test]
    fn missing_double_and_foreign_shards_are_named() {
        let nothing: [&str; 0] = [];
        assert_eq!(of(&[("1/3", 7), ("2/3", 7), ("3/3", 7)]), nothing);
        assert_eq!(of(&[("", 7), ("", 8)]), nothing);
        assert_eq!(of(&[("1/3", 7), ("3/3", 7)]), ["missing shard: 2/3"]);
        let double = "double shard: 1/2 is in id0 and id1";
        assert_eq!(of(&[("1/2", 7), ("1/2", 7), ("2/2", 7)]), [double]);
        let seed = "foreign shard: 2/2 (id1) has seed 8, and id0 has 7";
        assert_eq!(of(&[("1/2", 7), ("2/2", 8)]), [seed, "missing shard: 2/2"]);
        // Of 20 iterations each.
        let many: Vec<String> = (1..=20).map(|index| format!("{index}/22")).collect();
        let many: Vec<_> = many.iter().map(|shard| (shard.as_str(), 7)).collect();
        assert_eq!(of(&many), nothing);
        assert_eq!(of(&many[1..]), ["missing shard: 1/22"]);
        let split = "foreign shard: 2/3 (id2) has 3 shards, and id0 is 1/2";
        assert_eq!(of(&[("1/2", 7), ("2/2", 7), ("2/3", 7)]), [split]);
    }

    #[test]
    fn an_unfinished_shard_is_named_with_its_numbers() {
        let (first, second) = (file("1/2", 7), file("2/2", 7));
        let shares = [
            Share { id: "ab12", file: &first, done: 30 },
            Share { id: "cd34", file: &second, done: 29 },
        ];
        assert_eq!(problems(&shares), ["unfinished shard: 2/2 (cd34) has 29 of 30 runs"]);
        assert_eq!(planned(&shares), Some(60));
    }
}
