//! The user's editor at a line of a file, as a command.
//!
//! Invariant: a file's name is never taken for an option or a command of the editor. Paths are
//! absolute, so that none begins with `+` or `-`, and follow `--` where the editor knows it.

use std::ffi::OsString;
use std::io;
use std::path::{self, Path};
use std::process::Command;

/// The command that opens a file at a line, counted from 1. `editor` may have arguments.
///
/// # Errors
/// If the path is relative and there is no working directory.
pub(crate) fn command(editor: &str, file: &Path, line: usize) -> io::Result<Command> {
    let file = path::absolute(file)?;
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or(FALLBACK);
    let mut command = Command::new(program);
    command.args(words);
    match place_style(program) {
        PlaceStyle::PlusAndDashes => command.arg(format!("+{line}")).arg("--").arg(file),
        PlaceStyle::Plus => command.arg(format!("+{line}")).arg(file),
        PlaceStyle::Colon => command.arg(with_line(file.into_os_string(), line)),
        PlaceStyle::GoTo => command.arg("--goto").arg(with_line(file.into_os_string(), line)),
    };
    Ok(command)
}

/// The editor of the environment.
pub(crate) fn of_environment(variable: impl Fn(&str) -> Option<String>) -> String {
    let given = ["VISUAL", "EDITOR"].into_iter().find_map(variable);
    given.filter(|editor| !editor.trim().is_empty()).unwrap_or_else(|| FALLBACK.to_owned())
}

/// The arguments that name a place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PlaceStyle {
    /// `+12 -- FILE`.
    PlusAndDashes,
    /// `+12 FILE`.
    Plus,
    /// `FILE:12`.
    Colon,
    /// `--goto FILE:12`.
    GoTo,
}

fn place_style(program: &str) -> PlaceStyle {
    let name = Path::new(program).file_name().unwrap_or_default();
    let known = EDITORS.iter().find(|(names, _)| names.split(' ').any(|own| own == name));
    known.map_or(PlaceStyle::Plus, |(_, style)| *style)
}

fn with_line(mut file: OsString, line: usize) -> OsString {
    file.push(format!(":{line}"));
    file
}

/// Editors by their manuals; any other is given what vi has made usual, without the dashes.
const EDITORS: [(&str, PlaceStyle); 3] = [
    ("vi vim nvim view vimx gvim nano pico emacsclient gedit kak less", PlaceStyle::PlusAndDashes),
    ("hx helix subl zed zeditor mate lapce", PlaceStyle::Colon),
    ("code code-insiders codium cursor windsurf", PlaceStyle::GoTo),
];

/// The editor POSIX has.
const FALLBACK: &str = "vi";

#[cfg(test)]
mod tests {
    use super::*;

    fn words(editor: &str, file: &str) -> Vec<String> {
        let command = command(editor, Path::new(file), 12).unwrap();
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn no_file_name_is_an_option_or_a_command() {
        for name in ["+!touch X", "-c:q", "--cmd=!touch X", "+1", "a b", "-", "sub/+x"] {
            for editor in ["vi", "/usr/bin/vim -n", "nano", "emacs", "hx", "code --wait", "unknown"]
            {
                let all = words(editor, name);
                let given = editor.split_whitespace().count();
                for word in &all[given..] {
                    let ours = ["+12", "--", "--goto"].contains(&word.as_str());
                    assert!(ours || word.starts_with('/'), "{editor} {name}: {word}");
                }
                let last = all.last().unwrap();
                assert!(last.contains(name), "{last} {name}");
            }
        }
    }

    #[test]
    fn each_editor_gets_the_line_in_its_own_way() {
        for (editor, expected) in [
            ("vi", "vi +12 -- /a.log"),
            ("/usr/bin/nvim -R", "/usr/bin/nvim -R +12 -- /a.log"),
            ("emacs -nw", "emacs -nw +12 /a.log"),
            ("hx", "hx /a.log:12"),
            ("code --wait", "code --wait --goto /a.log:12"),
            ("", "vi +12 -- /a.log"),
        ] {
            let editor = of_environment(|_| Some(editor.to_owned()));
            assert_eq!(words(&editor, "/a.log").join(" "), expected);
        }
    }
}
