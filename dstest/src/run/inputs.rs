//! The files of a command that may be edited while its campaign runs: its program, and scripts among
//! its arguments. Programs that dstest has built are copies and cannot change.
//!
//! Contents decide, not times: a file that is only touched is the same.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::store::{CampaignFile, Input, program_hash};

/// The files of a campaign's command.
#[derive(Debug, Default)]
pub struct Inputs(Vec<Watched>);

#[derive(Debug)]
struct Watched {
    input: Input,
    is_program: bool,
    /// The file when its contents were last known to be the same.
    stamp: Mutex<Option<Stamp>>,
}

/// Everything about a file that an edit changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Inputs {
    /// The files that a campaign began with.
    #[must_use]
    pub fn new(file: &CampaignFile) -> Self {
        let watched = |input: &Input| Watched {
            is_program: file.binaries.iter().any(|binary| binary.path == input.path),
            input: input.clone(),
            stamp: Mutex::new(None),
        };
        Self(file.inputs.iter().map(watched).collect())
    }

    /// The first file that is not what the campaign began with; its contents are read only if
    /// something about it has changed.
    #[must_use]
    pub fn edited(&self) -> Option<&Path> {
        let edited = self.0.iter().find(|watched| watched.is_edited())?;
        Some(&edited.input.path)
    }
}

/// The change of a file that is not what the campaign began with: `has changed` or `is missing`.
#[must_use]
pub fn change_of(file: &Path) -> &'static str {
    if file.exists() { "has changed" } else { "is missing" }
}

impl Watched {
    fn is_edited(&self) -> bool {
        // Without its program no run is started; without a script one would fail.
        let Some(now) = Stamp::of(&self.input.path) else { return !self.is_program };
        let mut stamp = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        if *stamp == Some(now) {
            return false;
        }
        let is_same = program_hash(&self.input.path).as_ref() == Some(&self.input.contents);
        // An edit while it was read shows at the next look.
        *stamp = is_same.then_some(now);
        !is_same
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let file = fs::metadata(path).ok()?;
        Some(Self {
            device: file.dev(),
            inode: file.ino(),
            bytes: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }
}

/// The files of a command that runs in `cwd`.
#[must_use]
pub fn inputs_of(program: &Path, args: &[String], cwd: &Path) -> Vec<Input> {
    let scripts = args.iter().map(|arg| cwd.join(arg)).filter(|path: &PathBuf| is_script(path));
    let program = Some(program.to_owned()).filter(|path| path.is_absolute());
    let mut inputs: Vec<Input> = Vec::new();
    for path in program.into_iter().chain(scripts) {
        let is_new = inputs.iter().all(|input| input.path != path);
        let contents = program_hash(&path).filter(|_| is_new);
        inputs.extend(contents.map(|contents| Input { path, contents }));
    }
    inputs
}

/// `true` for a program or a script; other files among the arguments may be written by the tests.
fn is_script(path: &Path) -> bool {
    let Ok(file) = fs::metadata(path) else { return false };
    if !file.is_file() {
        return false;
    }
    let extension = path.extension().unwrap_or_default();
    let is_executable = file.permissions().mode() & 0o111 != 0;
    is_executable || SCRIPTS.iter().any(|known| extension == *known) || has_interpreter(path)
}

fn has_interpreter(path: &Path) -> bool {
    let mut start = [0; 2];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *b"#!"
}

/// Extensions of programs that an interpreter reads.
const SCRIPTS: [&str; 22] = [
    "awk", "bash", "bats", "clj", "exs", "fish", "jl", "js", "ksh", "lua", "mjs", "php", "pl",
    "ps1", "py", "r", "rb", "sh", "t", "tcl", "ts", "zsh",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::campaign_file::tests::campaign_file;

    #[test]
    fn programs_and_scripts_are_watched_and_data_is_not() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["t.py", "data.db", "plain"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        fs::write(dir.path().join("plain"), "#!/bin/sh\n").unwrap();
        let args = ["t.py", "data.db", "plain", "--x", "missing.sh", "t.py"].map(ToOwned::to_owned);
        let inputs = inputs_of(Path::new("python3"), &args, dir.path());
        let names: Vec<_> = inputs.iter().map(|input| input.path.file_name().unwrap()).collect();
        assert_eq!(names, ["t.py", "plain"]);
    }

    #[test]
    fn contents_decide() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("t.sh");
        fs::write(&script, "exit 0").unwrap();
        let args = [script.to_string_lossy().into_owned()];
        let mut file = campaign_file(&["a"]);
        file.inputs = inputs_of(Path::new("sh"), &args, dir.path());
        let inputs = Inputs::new(&file);
        assert_eq!(inputs.edited(), None);
        fs::write(&script, "exit 0").unwrap();
        assert_eq!(inputs.edited(), None, "the same again");
        fs::write(&script, "exit 1").unwrap();
        assert_eq!(inputs.edited(), Some(&*script), "even of the same length");
        fs::write(&script, "exit 0").unwrap();
        assert_eq!(inputs.edited(), None);
        fs::remove_file(&script).unwrap();
        assert_eq!(inputs.edited(), Some(&*script));
    }
}
