//! Suggestions for names that are not known.

/// `did you mean …?` if a name is near enough, else all names: `topics: …`.
pub(crate) fn suggestion<'a>(
    kinds: &str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let lower = name.to_lowercase();
    let similarity = |own: &str| strsim::jaro_winkler(&lower, &own.to_lowercase());
    let near = known.clone().map(|own| (similarity(own), own));
    let near = near.filter(|(similarity, _)| *similarity >= SIMILARITY_MIN);
    if let Some((_, nearest)) = near.max_by(|(a, _), (b, _)| a.total_cmp(b)) {
        return format!("did you mean {nearest}?");
    }
    let shown: Vec<_> = known.clone().take(NAMES_MAX).collect();
    let more = known.count() - shown.len();
    match (shown.is_empty(), more) {
        (true, _) => format!("no {kinds}"),
        (false, 0) => format!("{kinds}: {}", shown.join(", ")),
        (false, more) => format!("{kinds}: {} and {more} more", shown.join(", ")),
    }
}

/// One letter wrong in four, about.
const SIMILARITY_MIN: f64 = 0.8;

/// More names than these fill the screen.
const NAMES_MAX: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_or_all() {
        let suggestion = |name, known: &[&str]| suggestion("topics", name, known.iter().copied());
        assert_eq!(suggestion("votes", &["LEAD", "VOTE"]), "did you mean VOTE?");
        assert_eq!(suggestion("NOPE", &["LEAD", "VOTE"]), "topics: LEAD, VOTE");
        assert_eq!(suggestion("NOPE", &[]), "no topics");
        let many: Vec<_> = (0..60).map(|number| format!("x{number}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(suggestion("NOPE", &many).ends_with(", x49 and 10 more"));
    }
}
