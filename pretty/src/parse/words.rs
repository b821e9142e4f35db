//! Words of expressions: `{iso}` for a date, `{level}` for a level.

/// An expression with the words in braces spelled out; only bytes count, not characters.
pub(super) fn with_words(expression: &str) -> String {
    let mut text = expression.to_owned();
    for (word, meaning) in WORDS {
        if text.contains(word) {
            text = text.replace(word, meaning);
        }
    }
    text
}

/// Words of expressions, those that use others first.
const WORDS: [(&str, &str); 9] = [
    ("{parens}", r"\((?:[^()]|\([^()]*\))*\)"),
    (
        "{date}",
        r"(?:(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d(?:[.,]\d+)?{zone}? \d{4}\b|(?:(?:[A-Z][a-z]{2},? )?(?:\d{4}[-/.]\d\d?[-/.]\d\d?|\d{1,2}[/.-]\d{1,2}(?:[/.-](?:\d{4}|\d\d))?|\d{8}|[A-Z][a-z]{2} {1,2}\d{1,2}(?:,? \d{4})?|\d{1,2}[ /-][A-Z][a-z]{2}[ /-]\d{4})(?:[T_ |-]|::?|\]\[|, | +))?\d{1,2}:\d\d:\d\d(?:[.,:][\d_]+)?(?: [AP]M)?{zone}?|\d{8}T\d{6}(?:\.\d+)?Z?)",
    ),
    ("{iso}", r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?{zone}?"),
    ("{slashdate}", r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?"),
    (
        "{zone}",
        r"(?:Z\b| ?[+-]\d\d:?\d\d|[+-]\d\d\b| (?:UTC|GMT|WES?T|CES?T|EES?T|MSK|[JKCIB]ST|AE[SD]T|[EPM][SD]T|CDT)\b)",
    ),
    // Numbers since 1970.
    ("{epoch}", r"(?:(?:\d{19}|\d{16}|\d{13}(?:\.\d+)?|\d{10}(?:\.\d{1,9})?)\b)"),
    (
        "{LEVEL}",
        r"(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR?)?|FATAL|PANIC|CRIT(?:ICAL)?|SEVERE|ALERT|EMERG|TRC|DBG|INF|WRN|FTL|PNC|TRAC|DEBU|ERRO|FATA|VERBOSE|FINE|FINER|FINEST)",
    ),
    (
        "{level}",
        r"(?i:trace|debug|info(?:rmation)?|notice|warn(?:ing)?|err(?:or?)?|fatal|panic|dpanic|crit(?:ical)?|severe|alert|emerg(?:ency)?|trc|dbg|inf|wrn|ftl|pnc|trac|debu|erro|fata|verbose|fine|finer|finest)",
    ),
    (
        "{role}",
        r"(?:(?i:server|node|peer|raft|replica|rf|kv|process|member|me|id|rf\.me)(?: ?[:=#] ?|[ _-]|))",
    ),
];
