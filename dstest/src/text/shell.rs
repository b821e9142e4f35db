//! Commands as text that can be pasted into a shell.

use std::path::{Path, PathBuf};

use super::sink;

/// Quotes a word so that the shell of a terminal reads it as it is, and the terminal shows all of it.
///
/// ```
/// assert_eq!(dstest::text::shell::quote("a_b#17"), "a_b#17");
/// assert_eq!(dstest::text::shell::quote("it's"), r"'it'\''s'");
/// assert_eq!(dstest::text::shell::quote("a\u{1b}[2J"), r"$'a\033[2J'");
/// ```
#[must_use]
pub fn quote(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    // `#` begins a comment only at the beginning of a word, and `~` a directory only there.
    let is_safe = |(at, c): (usize, char)| is_plain(c) || (c == '#' && at > 0);
    if !word.is_empty() && word.char_indices().all(is_safe) {
        return word.to_owned();
    }
    // Controls and invisible characters.
    let is_hidden =
        |c: char| sink::screen(c.encode_utf8(&mut [0; 4])).starts_with('\\') && c != '\\';
    if word.chars().any(is_hidden) || word.contains('\t') {
        // Spelled out, so that neither a terminal nor a reader takes it for something else.
        let spell = |c: char| match c {
            '\'' | '\\' => format!("\\{c}"),
            c if c == '\t' || is_hidden(c) => {
                let mut bytes = [0; 4];
                let bytes = c.encode_utf8(&mut bytes).bytes();
                bytes.map(|byte| format!("\\{byte:03o}")).collect()
            }
            c => c.to_string(),
        };
        return format!("$'{}'", word.chars().map(spell).collect::<String>());
    }
    literal(word)
}

/// Quotes a word for a script, whose shell need not know `$'…'`; no terminal shows it.
///
/// ```
/// assert_eq!(dstest::text::shell::literal("it's\t"), "'it'\\''s\t'");
/// ```
#[must_use]
pub fn literal(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The command that starts this program: its bare name if `PATH` finds it, its path otherwise.
#[must_use]
pub fn this_program() -> String {
    let Ok(this) = std::env::current_exe() else { return "dstest".to_owned() };
    let name = this.file_name().unwrap_or_default();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|f| f.is_file());
    let is_this = |found: PathBuf| found.canonicalize().ok() == this.canonicalize().ok();
    if first.is_some_and(is_this) {
        quote(&name.to_string_lossy())
    } else {
        // A bare name would be looked up in PATH.
        let near = relative(&this);
        quote(&if near.contains('/') { near } else { format!("./{near}") })
    }
}

/// The path as seen from the current directory, where that is shorter.
#[must_use]
pub fn relative(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    match below.unwrap_or(path).to_string_lossy() {
        here if here.is_empty() => ".".to_owned(),
        path => path.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_current_directory_has_a_name() {
        let here = std::env::current_dir().unwrap();
        assert_eq!([relative(&here), relative(&here.join("a"))], [".", "a"]);
        assert_eq!(relative(here.parent().unwrap()), here.parent().unwrap().to_string_lossy());
    }

    fn read_back(quoted: &str) -> String {
        let script = format!("printf %s {quoted}");
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn a_shell_reads_the_word_back(word in "[ -~]{0,12}", any in "[^\0]{0,6}[\u{1}-/]{0,6}") {
            prop_assert_eq!(read_back(&quote(&word)), word);
            prop_assert_eq!(read_back(&literal(&any)), any);
        }
    }
}
