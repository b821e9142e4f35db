//! The functions in the sources of a Rust test program. A test whose last name is not a function's is
//! a case of a parametrised test (rstest, test-case), named after the function above it.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use crate::build::sources::compiled_from;
use crate::suite::Binary;

/// The names of all functions in a program's sources.
pub(super) struct Functions(HashSet<String>);

impl Functions {
    /// Those of a program; none if its sources are not known.
    pub(super) fn of(binary: &Binary) -> Self {
        let files = |root: &Path| compiled_from(&binary.path, root);
        let has_files = |root: &&Path| files(root).iter().any(|file| file.is_file());
        let root = binary.cwd.ancestors().find(has_files);
        let texts =
            root.into_iter().flat_map(files).filter_map(|file| fs::read_to_string(file).ok());
        let mut names = HashSet::new();
        texts.for_each(|text| collect(&text, &mut names));
        Self(names)
    }

    /// The number of parts at the end of a test's path that name its function and its case.
    pub(super) fn parts_of(&self, id: &str) -> usize {
        let mut parts = id.rsplit("::");
        let last = parts.next().unwrap_or(id);
        if self.0.contains(last) {
            return 1;
        }
        let function = parts.position(|part| self.0.contains(part));
        function.map_or_else(|| 1 + id.rsplit("::").take_while(is_case).count(), |at| at + 2)
    }
}

/// `true` for the names that the usual macros give to cases: `case_1_empty`, `_1_2_expects_3`.
fn is_case(part: &&str) -> bool {
    let number = part.strip_prefix("case_").unwrap_or_default();
    number.starts_with(|c: char| c.is_ascii_digit()) || part.starts_with('_')
}

/// Adds the names after `fn`.
fn collect(text: &str, names: &mut HashSet<String>) {
    for (at, _) in text.match_indices("fn ") {
        let name = text[at + 3..].trim_start().trim_start_matches("r#");
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
        if end > 0 {
            names.insert(name[..end].to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_named_with_its_function() {
        let mut names = HashSet::new();
        collect("#[rstest] async fn adds(a: u8) {}\nmod tests { fn plain() {} }", &mut names);
        let functions = Functions(names);
        let rows = [
            ("tests::plain", 1),
            ("plain", 1),
            ("tests::adds::case_1_small", 2),
            ("tests::adds::small_numbers", 2),
            ("tests::adds::a_1_1::b_2_2", 3),
            ("unknown::module::name", 1),
        ];
        for (id, want) in rows {
            assert_eq!(functions.parts_of(id), want, "{id}");
        }
        let none = Functions(HashSet::new());
        assert_eq!(none.parts_of("tests::adds::case_1_small"), 2);
        assert_eq!(none.parts_of("tests::adds::_1_2_expects_3"), 2);
        assert_eq!(none.parts_of("tests::plain"), 1);
    }
}
