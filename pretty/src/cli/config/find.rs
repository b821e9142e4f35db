//! Finding the files of settings: the nearest `pretty.toml` from the working directory upwards,
//! then the user's own; the nearer one takes precedence. Files of other users count only if `--config`
//! names them.

use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::file::{self, Found};
use super::layers::{Kind, OwnLayer, OwnLayers, dialect_of, format_of, is_file};
use super::settings::Config;
use super::values::{DialectValue, FormatValue, Pager};

/// Reads an environment variable.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The name of a project's file.
const FILE_NAME: &str = "pretty.toml";

/// The files to read, from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Those that are found.
    Discovered,
    /// This one instead.
    File(PathBuf),
    /// None at all.
    None,
}

/// The settings, and the files they come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadedConfig {
    pub(crate) config: Config,
    /// The files that were read, the nearest first.
    pub(crate) files: Vec<PathBuf>,
    /// Files of other users, which were not read.
    pub(crate) foreign: Vec<PathBuf>,
}

/// The origin of a file, which decides what it may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    User,
    /// The project's, which may be another person's.
    Project,
}

/// Finds and reads the files for a directory.
///
/// # Errors
/// See [`ConfigError`].
pub(crate) fn find(
    choice: &Choice,
    directory: Option<&Path>,
    environment: Environment<'_>,
) -> Result<LoadedConfig, ConfigError> {
    let mut found = LoadedConfig::default();
    match choice {
        Choice::None => {}
        Choice::File(path) => {
            found.add(path.clone(), &file::read_or_await(path)?, Scope::User)?;
        }
        Choice::Discovered => {
            let directories = directory.into_iter().flat_map(Path::ancestors);
            let projects = directories.map(|directory| directory.join(FILE_NAME));
            for path in projects {
                if found.look_at(path, Scope::Project)? {
                    break;
                }
            }
            if let Some(path) = user_file(environment) {
                found.look_at(path, Scope::User)?;
            }
        }
    }
    Ok(found)
}

impl LoadedConfig {
    /// Adds the files of layers that options name.
    ///
    /// # Errors
    /// If one cannot be read or is wrong.
    pub(crate) fn add_layers(
        &mut self,
        format: Option<&str>,
        dialect: Option<&str>,
    ) -> Result<(), ConfigError> {
        for (option, kind) in [(format, Kind::Format), (dialect, Kind::Dialect)] {
            if let Some(file) = option.filter(|name| is_file(name)) {
                self.config.layers.add_file(Path::new(file), file, kind)?;
            }
        }
        Ok(())
    }

    /// Adds the file with this path, if there is one that counts; tells whether there is.
    fn look_at(&mut self, path: PathBuf, scope: Scope) -> Result<bool, ConfigError> {
        match file::find(&path)? {
            Found::Nothing => {}
            Found::Foreign => self.foreign.push(path),
            Found::Text(text) => {
                self.add(path, &text, scope)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds a file that counts less than those before.
    fn add(&mut self, path: PathBuf, text: &str, scope: Scope) -> Result<(), ConfigError> {
        let mut config = parse(text, scope)
            .map_err(|message| ConfigError::Malformed { path: path.clone(), message })?;
        config.layers = layers_of(&config, &path)?;
        self.config = std::mem::take(&mut self.config).over(config);
        self.files.push(path);
        Ok(())
    }
}

fn parse(text: &str, scope: Scope) -> Result<Config, String> {
    let config: Config = toml::from_str(text).map_err(|error| error.to_string())?;
    if let (Scope::Project, Some(pager)) = (scope, &config.pager)
        && let Pager::Command(_) = pager.get_ref()
    {
        let line = 1 + text[..pager.span().start].matches('\n').count();
        return Err(format!(
            "line {line}: a project's file may not name a program to run; use `pager = true`, or set \
             PRETTY_PAGER or the pager in the user's own file"
        ));
    }
    Ok(config)
}

/// The layers that a file of settings has or names; paths in it begin where it lies.
///
/// # Errors
/// If a file it names cannot be read, or is not in the words of its kind.
fn layers_of(config: &Config, path: &Path) -> Result<OwnLayers, ConfigError> {
    let place = path.parent().unwrap_or(Path::new(""));
    let mut layers = OwnLayers::default();
    for (name, value) in config.written_formats() {
        let (layer, origin) = match value {
            FormatValue::Here(format) => (format.named_as(name), path.to_owned()),
            FormatValue::File(file) => (format_of(name, &place.join(file))?, place.join(file)),
        };
        layers.formats.push(OwnLayer { name: name.into(), layer, origin });
    }
    for (name, value) in config.written_dialects() {
        let (layer, origin) = match value {
            DialectValue::Here(dialect) => ((**dialect).clone(), path.to_owned()),
            DialectValue::File(file) => (dialect_of(&place.join(file))?, place.join(file)),
        };
        layers.dialects.push(OwnLayer { name: name.into(), layer, origin });
    }
    for (option, kind) in [(&config.format, Kind::Format), (&config.dialect, Kind::Dialect)] {
        if let Some(file) = option.as_deref().filter(|name| is_file(name)) {
            layers.add_file(&place.join(file), file, kind)?;
        }
    }
    Ok(layers)
}

/// `$XDG_CONFIG_HOME/pretty/config.toml`, usually `~/.config/pretty/config.toml`.
fn user_file(environment: Environment<'_>) -> Option<PathBuf> {
    let set = |name| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let directory = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(directory.join("pretty").join("config.toml"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A directory with a project in it and a home, and the settings found from within the project.
    fn found(
        project: &str,
        user: &str,
        choice: impl Fn(&Path) -> Choice,
    ) -> Result<LoadedConfig, String> {
        let root = tempfile::tempdir().unwrap();
        let (inner, home) = (root.path().join("a/b"), root.path().join("home"));
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir_all(home.join(".config/pretty")).unwrap();
        fs::write(root.path().join("a/pretty.toml"), project).unwrap();
        fs::write(home.join(".config/pretty/config.toml"), user).unwrap();
        let home = home.to_str().unwrap().to_owned();
        let environment = |name: &str| (name == "HOME").then(|| home.clone());
        find(&choice(root.path()), Some(&inner), &environment).map_err(|error| error.to_string())
    }

    #[test]
    fn the_project_counts_before_the_user() {
        let found =
            found("fold = true", "fold = false\ntime = false", |_| Choice::Discovered).unwrap();
        assert_eq!((found.config.fold, found.config.time), (Some(true), Some(false)));
        assert!(found.files[0].ends_with("a/pretty.toml"));
        assert!(found.files[1].ends_with(".config/pretty/config.toml"));
    }

    #[test]
    fn a_file_that_is_named_counts_alone() {
        let user = |root: &Path| Choice::File(root.join("home/.config/pretty/config.toml"));
        let found = |choice: fn(&Path) -> Choice| found("fold = true", "time = false", choice);
        let alone = self::found("fold = true", "time = false", user).unwrap().config;
        assert_eq!((alone.fold, alone.time), (None, Some(false)));
        assert!(found(|_| Choice::None).unwrap().files.is_empty());
        let error = found(|root| Choice::File(root.join("nowhere.toml"))).unwrap_err();
        assert!(error.starts_with("cannot read ") && error.contains("nowhere.toml: No such file"));
    }

    #[test]
    fn mistakes_are_shown_with_their_file() {
        let error = found("", "speed = 1", |_| Choice::Discovered).unwrap_err();
        assert!(error.contains("config.toml: ") && error.contains("line 1"), "{error}");
    }

    #[test]
    fn a_file_that_is_found_is_regular_and_of_bounded_size() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("pretty.toml");
        let found = || {
            let found = find(&Choice::Discovered, Some(root.path()), &|_| None);
            found.map(|found| found.files.len()).map_err(|error| error.to_string())
        };
        let refused = |found: Result<usize, String>| {
            let error = found.unwrap_err();
            assert!(error.ends_with("pretty.toml: not a file of at most 1048576 bytes"), "{error}");
        };
        fs::create_dir(&file).unwrap();
        refused(found());
        fs::remove_dir(&file).unwrap();
        // No process writes to it.
        let made = std::process::Command::new("mkfifo").arg(&file).status();
        assert!(made.unwrap().success());
        refused(found());
        fs::remove_file(&file).unwrap();
        fs::write(&file, vec![b'#'; 1 << 20]).unwrap();
        assert_eq!(found(), Ok(1));
        fs::write(&file, vec![b'#'; (1 << 20) + 1]).unwrap();
        refused(found());
        // A device has no size.
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
        refused(found());
    }

    #[test]
    fn only_the_user_names_a_program_to_run() {
        let error = found("\npager = 'rm -r /'", "", |_| Choice::Discovered).unwrap_err();
        assert!(
            error.contains("pretty.toml: line 2: a project's file may not name a program"),
            "{error}"
        );
        let project = found("pager = true", "", |_| Choice::Discovered).unwrap();
        assert_eq!(project.config.pager(), Some(&Pager::Usual));
        let user = found("", "pager = 'less -S'", |_| Choice::Discovered).unwrap();
        assert_eq!(user.config.pager(), Some(&Pager::Command("less -S".to_owned())));
    }
}
