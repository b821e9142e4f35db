//! Names: the shortest unambiguous one, the nearest to a mistyped one, a safe file name.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

/// Gives each path of segments (`["lab2", "election", "basic"]`) the shortest tail that no other
/// path shares, joined by `::`, and of at least so many parts. Equal paths keep their full, equal
/// names.
///
/// ```
/// let paths = [vec!["lab", "a", "one"], vec!["lab", "b", "one"], vec!["lab", "b", "two"]];
/// assert_eq!(dstest::text::names::shortest(&paths, &[1, 1, 1]), ["a::one", "b::one", "two"]);
/// ```
#[must_use]
pub fn shortest<S: AsRef<str>>(paths: &[Vec<S>], least: &[usize]) -> Vec<String> {
    let least = |at: usize| least.get(at).copied().unwrap_or(1);
    let longest = paths.iter().map(Vec::len).max().unwrap_or(0);
    let mut names: Vec<String> =
        paths.iter().enumerate().map(|(at, path)| tail(path, least(at))).collect();
    for length in 2..=longest {
        let mut owners: BTreeMap<&str, u32> = BTreeMap::new();
        names.iter().for_each(|name| *owners.entry(name).or_default() += 1);
        let longer: Vec<String> = paths
            .iter()
            .enumerate()
            .zip(&names)
            .map(|((at, path), name)| {
                let is_shared = owners[name.as_str()] > 1;
                if is_shared { tail(path, length.max(least(at))) } else { name.clone() }
            })
            .collect();
        names = longer;
    }
    names
}

/// A short name for a text, the same on every machine.
#[must_use]
pub fn fingerprint(text: &str) -> String {
    format!("{:016x}", xxh3_64(text.as_bytes()))
}

/// Up to `limit` candidates that look like `wanted`, the most similar first.
#[must_use]
pub fn nearest<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    limit: usize,
) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut scored: Vec<(f64, &str)> = candidates
        .into_iter()
        .map(|name| (similarity(&wanted, &name.to_lowercase()), name))
        .filter(|(score, _)| *score >= SIMILAR_ENOUGH)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup_by_key(|(_, name)| *name);
    scored.into_iter().take(limit).map(|(_, name)| name).collect()
}

/// `true` if one letter of `typed` is wrong, missing, one too many or in its neighbour's place. The
/// beginning of a name, and a longer one, are words of their own.
///
/// ```
/// use dstest::text::names::is_slip;
/// assert!(is_slip("reprot", "report") && is_slip("brwse", "browse"));
/// assert!(!is_slip("repor", "report") && !is_slip("reports", "report") && !is_slip("2B", "run"));
/// ```
#[must_use]
pub fn is_slip(typed: &str, name: &str) -> bool {
    let is_extended = typed.starts_with(name) || name.starts_with(typed);
    name.len() > 3 && !is_extended && strsim::damerau_levenshtein(typed, name) == 1
}

/// The name as one component of a path: letters, digits and `_-.` stay, other bytes become `%XX`,
/// and a long name is cut and made unique by a hash. Different names stay different.
///
/// ```
/// assert_eq!(dstest::text::names::file_name("TestA/sub 1"), "TestA%2Fsub%201");
/// ```
#[must_use]
pub fn file_name(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        let is_plain =
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || byte == b'.' && at > 0;
        if is_plain {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02X}"));
        }
    }
    if safe.is_empty() || safe.len() > FILE_NAME_BYTES_MAX {
        safe.truncate(FILE_NAME_BYTES_MAX);
        safe.push_str(&format!("%-{:016x}", xxh3_64(name.as_bytes())));
    }
    safe
}

fn tail<S: AsRef<str>>(path: &[S], length: usize) -> String {
    let parts: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
    parts[parts.len().saturating_sub(length)..].join("::")
}

/// The similarity of two lower-case names, from 0 to 1: as a whole, or to the best of its words.
fn similarity(wanted: &str, name: &str) -> f64 {
    let whole = strsim::normalized_damerau_levenshtein(wanted, name);
    let parts = name.split(['_', ':', '/']).filter(|part| !part.is_empty());
    let best_part =
        parts.map(|part| strsim::normalized_damerau_levenshtein(wanted, part)).fold(0.0, f64::max);
    whole.max(best_part * 0.95)
}

/// A suggestion below this similarity does not help.
const SIMILAR_ENOUGH: f64 = 0.45;

/// Leaves room for a hash within the 255 bytes that file systems allow.
const FILE_NAME_BYTES_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_as_long_as_needed() {
        let rows: [(&[&str], &[&str]); 4] = [
            (&["lab::a::x", "lab::a::y"], &["x", "y"]),
            (&["lab::a::x", "lab::b::x", "lab::c"], &["a::x", "b::x", "c"]),
            (&["one::t::x", "two::t::x"], &["one::t::x", "two::t::x"]),
            (&["x", "x"], &["x", "x"]),
        ];
        for (full, want) in rows {
            let paths: Vec<Vec<&str>> =
                full.iter().map(|name| name.split("::").collect()).collect();
            assert_eq!(shortest(&paths, &[]), want);
        }
    }

    #[test]
    fn a_mistyped_name_finds_its_test() {
        let names = ["initial_election_2a", "reelection_2a", "backup_2b", "figure8_2c"];
        assert_eq!(nearest("inital_election_2a", names, 1), ["initial_election_2a"]);
        assert_eq!(nearest("bakcup", names, 3), ["backup_2b"]);
        assert!(nearest("xyzzy", names, 3).is_empty());
    }

    #[test]
    fn file_names_are_safe() {
        assert_eq!(file_name("../etc"), "%2E.%2Fetc");
        assert_eq!(file_name("a::b"), "a%3A%3Ab");
        assert!(file_name(&"x".repeat(5000)).len() < 200);
    }

    proptest! {
        #[test]
        fn different_names_are_different_safe_files(names in prop::collection::hash_set("\\PC{0,150}", 2..20)) {
            let files: HashSet<String> = names.iter().map(|name| file_name(name)).collect();
            prop_assert_eq!(files.len(), names.len());
            for file in files {
                prop_assert!(!file.is_empty() && file.len() < 200 && !file.contains('/') && !file.starts_with('.'));
            }
        }

        #[test]
        fn shortest_names_are_unique_tails(paths in prop::collection::hash_set(prop::collection::vec("[ab]", 1..4), 1..12)) {
            let paths: Vec<Vec<String>> = paths.into_iter().collect();
            let names = shortest(&paths, &[]);
            let distinct: HashSet<&String> = names.iter().collect();
            // A path that is the tail of another cannot be distinguished by tails alone.
            let nested = paths.iter().any(|a| paths.iter().any(|b| a != b && b.ends_with(a)));
            prop_assert!(nested || distinct.len() == names.len());
            for (path, name) in paths.iter().zip(&names) {
                prop_assert!(path.join("::").ends_with(name.as_str()));
            }
        }
    }
}
