//! Failure signatures: one line for each failure, and a key that equal failures share.
//!
//! [`group_key`] replaces what differs between two instances
//! of one failure (numbers, addresses, times) and keeps what does not (words, file and line).

use std::sync::LazyLock;

use regex::Regex;

/// The part of a signature that is the same in every instance of one failure.
///
/// ```
/// use dstest::record::signature::group_key;
/// let a = group_key("two leaders in term 4: 1 and 3 (tests/lab.rs:88:9)");
/// assert_eq!(a, group_key("two leaders in term 17: 0 and 2 (tests/lab.rs:88:9)"));
/// assert_ne!(a, group_key("two leaders in term 4: 1 and 3 (tests/lab.rs:91:9)"));
/// ```
#[must_use]
pub fn group_key(signature: &str) -> String {
    // A run that hangs is cut at any line.
    let is_timeout = signature.starts_with("timed out after ");
    let signature =
        if is_timeout { signature.split("; last: ").next().unwrap_or("") } else { signature };
    let signature = VALUES.replace(signature, "$1");
    let signature = TIMES.replace_all(&signature, "#");
    let signature = IDS.replace_all(&signature, id);
    let words: Vec<String> = signature.split_whitespace().map(normalise_word).collect();
    let text = words.join(" ");
    LISTS.replace_all(&text, "#").into_owned()
}

/// Both sides of an assertion of Rust, which may be anything: the assertion and its place are the kind.
static VALUES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r",? left: .*, right: .*?( \([^() ]+:[0-9]+\))?$")
        .expect("compiled by the tests below")
});

/// UUIDs, hashes, addresses of network cards, numbers with an exponent.
static IDS: LazyLock<Regex> = LazyLock::new(|| {
    let hex = r"\b(?P<hex>[0-9A-Fa-f]{8,})\b";
    let uuid = r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b";
    let network_card = r"\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\b";
    let number = r"\b[0-9]+(?:\.[0-9]+)?[eE][-+]?[0-9]+\b";
    Regex::new(&format!("{uuid}|{network_card}|{number}|{hex}"))
        .expect("compiled by the tests below")
});

/// The sign for an id. A word stays, and so does a number: that is the matter of others.
fn id(found: &regex::Captures<'_>) -> String {
    let is_mixed = |hex: &str| {
        let digits = hex.chars().filter(char::is_ascii_digit).count();
        digits >= 2 && hex.len() - digits >= 2
    };
    match found.name("hex") {
        Some(hex) if !is_mixed(hex.as_str()) => hex.as_str().to_owned(),
        Some(_) | None => "#".to_owned(),
    }
}

/// Points in time and durations, in the forms of RFC 3339 and Go.
static TIMES: LazyLock<Regex> = LazyLock::new(|| {
    let time = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}[0-9.,]*(?:Z|[+-][0-9]{2}:?[0-9]{2})?";
    let duration = r"\b(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|ms|s|m|h))+\b";
    Regex::new(&format!("{time}|{duration}")).expect("compiled by the tests below")
});

/// Numbers side by side, of which there may be more or fewer.
static LISTS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"#(?:,? ?#)+").expect("compiled by the tests below"));

/// The line as printable text of bounded length, without escape sequences.
#[must_use]
pub fn printable(line: &[u8]) -> String {
    visible(line).trim().chars().take(SIGNATURE_CHARS_MAX).collect()
}

/// The line as printable text with its indentation, without escape sequences.
pub(super) fn visible(line: &[u8]) -> String {
    if line.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return String::from_utf8_lossy(line).into_owned();
    }
    strip_escapes(&String::from_utf8_lossy(line))
}

/// Removes terminal escape sequences and control characters.
fn strip_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.next_if_eq(&'[').is_some() {
            while chars.next_if(|c| !('@'..='~').contains(c)).is_some() {}
            chars.next();
        } else if c == '\t' {
            out.push(' ');
        } else if !c.is_control() {
            out.push(c);
        }
    }
    out
}

fn normalise_word(word: &str) -> String {
    if is_location(word) {
        return word.to_owned();
    }
    if let Some(path) = temporary_path(word) {
        return path;
    }
    if let Some(address) = ip_address(word) {
        return address;
    }
    let bare: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
    if bare.len() >= HEX_DIGITS_MIN
        && bare.chars().all(|c| c.is_ascii_hexdigit())
        && bare.chars().any(|c| c.is_ascii_digit())
    {
        return "#".to_owned();
    }
    normalise_numbers(word)
}

/// A path in a directory for temporary files, in which names are random; with what stands around it.
fn temporary_path(word: &str) -> Option<String> {
    let (at, root) = TEMPORARY.iter().find_map(|root| Some((word.find(root)?, root)))?;
    let rest = &word[at + root.len()..];
    let is_path = |c: char| c.is_alphanumeric() || "/._-+%~#".contains(c);
    let end = rest.find(|c| !is_path(c)).unwrap_or(rest.len());
    let (before, after) = (normalise_numbers(&word[..at]), normalise_numbers(&rest[end..]));
    Some(format!("{before}{root}#{after}"))
}

/// The directories, and the words that stand for a run's own in signatures.
const TEMPORARY: [&str; 5] =
    ["$TMPDIR/", "$DSTEST_RUN_DIR/", "/var/tmp/", "/tmp/", "/var/folders/"];

/// An IPv6 address, with or without a port; with what stands around it.
fn ip_address(word: &str) -> Option<String> {
    let start = word.find(|c: char| c.is_ascii_hexdigit() || c == ':')?;
    let is_part = |c: char| c.is_ascii_hexdigit() || c == ':' || c == '.';
    let end = word[start..].find(|c| !is_part(c)).map_or(word.len(), |length| start + length);
    let address = word[start..end].trim_end_matches(['.', ':']);
    // A path of names such as `a::b` has the same form.
    let is_address = address.contains(|c: char| c.is_ascii_digit())
        && address.parse::<std::net::Ipv6Addr>().is_ok();
    let rest = &word[start + address.len()..];
    is_address.then(|| format!("{}#{}", &word[..start], normalise_numbers(rest)))
}

/// Replaces each number, with its sign, fraction and hexadecimal digits, by `#`; digits inside a
/// name (`fig8_2c`, `S1`) belong to the name.
fn normalise_numbers(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut chars = word.chars().peekable();
    let mut in_name = false;
    while let Some(c) = chars.next() {
        let is_sign = matches!(c, '-' | '+') && !in_name;
        if is_sign && chars.peek().is_some_and(char::is_ascii_digit) && !out.ends_with('#') {
            continue;
        }
        if c.is_ascii_digit() && !in_name {
            let is_hex = c == '0' && chars.next_if_eq(&'x').is_some();
            let belongs =
                |c: &char| c.is_ascii_digit() || *c == '.' || is_hex && c.is_ascii_hexdigit();
            while chars.next_if(belongs).is_some() {}
            out.push('#');
        } else {
            in_name = c.is_alphanumeric() || c == '_';
            out.push(c);
        }
    }
    out
}

/// `true` if the word names a line of a source file (`src/a.rs:10:5`).
fn is_location(word: &str) -> bool {
    word.match_indices(':').any(|(at, _)| {
        let after_is_digit = word[at + 1..].starts_with(|c: char| c.is_ascii_digit());
        let name = word[..at].rsplit('/').next().unwrap_or("");
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        after_is_digit && SOURCES.contains(&extension)
    })
}

/// The extensions of sources: a host and its port have the same form.
const SOURCES: [&str; 44] = [
    "bash", "bats", "c", "cc", "cjs", "clj", "cpp", "cs", "cxx", "d", "dart", "erl", "ex", "exs",
    "f90", "fs", "go", "groovy", "h", "hpp", "hs", "java", "jl", "js", "jsx", "kt", "lua", "m",
    "mjs", "ml", "nim", "php", "pl", "pm", "py", "rb", "rs", "scala", "sh", "swift", "t", "ts",
    "tsx", "zig",
];

/// Long enough for a sentence with its numbers, short enough for a few terminal lines.
pub(super) const SIGNATURE_CHARS_MAX: usize = 240;

/// The shortest run of hexadecimal digits taken for a hash or an id rather than a word.
const HEX_DIGITS_MIN: usize = 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn differences_between_instances_are_replaced() {
        let rows = [
            ("term 17 at 0xdeadbeef after 1.5s", "term # at # after #"),
            ("after 1m2.5s", "after #"),
            ("at 2026-11-30T10:20:30.5Z", "at #"),
            ("x=-3", "x=#"),
            ("got [1, 2, 3] of (4,5)", "got [#] of (#)"),
            ("no file /tmp/tmp.AbCdEf1234/x.txt: 2", "no file /tmp/#: #"),
            ("open '$TMPDIR/junit9876/x'", "open '$TMPDIR/#'"),
            ("dial [::1]:8080", "dial [#]:#"),
            ("dial fe80::1%eth0", "dial #%eth0"),
            ("in a::b and dead::beef", "in a::b and dead::beef"),
            ("timed out after 2 s; last: x", "timed out after # s"),
            ("fig8_2c: S1 lost 3 entries", "fig8_2c: S1 lost # entries"),
            ("hash 0123456789abcdef", "hash #"),
            ("x (src/a.rs:10:5)", "x (src/a.rs:10:5)"),
            ("connect 127.0.0.1:8080", "connect #:#"),
            ("dial db.example.com:49153: refused", "dial db.example.com:#: refused"),
            ("id=550e8400-e29b-41d4-a716-446655440000,", "id=#,"),
            ("container=3f9a2b1c4d at aa:bb:cc:dd:ee:0f", "container=# at #"),
            ("sha256:9f86d081884c7d65", "sha256:#"),
            ("deadbeef in defaced1 or 12345678", "deadbeef in defaced1 or #"),
            ("got 1.5e-7, want 2E+10", "got #, want #"),
            (
                "assertion `left == right` failed: a, left: \"x y\", right: None (src/a.rs:1:2)",
                "assertion `left == right` failed: a (src/a.rs:1:2)",
            ),
            ("assertion failed: left: 3, right: 4", "assertion failed:"),
        ];
        for (raw, want) in rows {
            assert_eq!(group_key(raw), want, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in "[ -~]{0,60}") {
            let key = group_key(&text);
            prop_assert_eq!(group_key(&key), key.clone());
        }
    }
}
