//! `[preset.NAME]`: other defaults under a name, for `--preset NAME`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{CargoConfig, Config, ConfigError, GoConfig, RunConfig, TestConfig};
use crate::names;

/// What a preset says; the tables are those of the file itself.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Preset {
    /// What is built in a cargo project.
    pub cargo: CargoConfig,
    /// What is built in a Go module.
    pub go: GoConfig,
    /// Defaults of the options with the same meaning.
    pub run: RunConfig,
    /// Variables set for every run.
    pub env: BTreeMap<String, String>,
    /// Exceptions for some tests.
    pub test: Vec<TestConfig>,
}

impl Config {
    /// The configuration with a preset put over it: what the preset says counts, and its
    /// exceptions for tests come first.
    ///
    /// # Errors
    /// [`ConfigError::NoPreset`] if there is none of that name.
    pub fn with_preset(mut self, name: Option<&str>) -> Result<Self, ConfigError> {
        let Some(name) = name else { return Ok(self) };
        let Some(mut preset) = self.preset.remove(name) else { return Err(self.no_preset(name)) };
        replace(&mut self.cargo.package, preset.cargo.package);
        replace(&mut self.cargo.features, preset.cargo.features);
        replace(&mut self.go.package, preset.go.package);
        let run = preset.run;
        self.cargo.profile = preset.cargo.profile.or(self.cargo.profile);
        self.go.race = preset.go.race.or(self.go.race);
        self.run = RunConfig {
            iterations: run.iterations.or(self.run.iterations),
            workers: run.workers.or(self.run.workers),
            timeout: run.timeout.or(self.run.timeout),
            grace: run.grace.or(self.run.grace),
            seed_env: run.seed_env.or(self.run.seed_env),
        };
        self.env.append(&mut preset.env);
        preset.test.append(&mut self.test);
        self.test = preset.test;
        Ok(self)
    }

    fn no_preset(&self, name: &str) -> ConfigError {
        let known = self.preset.keys().map(String::as_str);
        let hint = match names::nearest(name, known, 1).as_slice() {
            [] if self.preset.is_empty() => "; dstest.toml has none".to_owned(),
            [] => format!(
                "; there are {}",
                self.preset.keys().cloned().collect::<Vec<_>>().join(", ")
            ),
            near => format!("; did you mean {}?", near.join(", ")),
        };
        ConfigError::NoPreset { name: name.to_owned(), hint }
    }
}

fn replace(list: &mut Vec<String>, by: Vec<String>) {
    if !by.is_empty() {
        *list = by;
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    fn config() -> Config {
        let text = "run.iterations = 5\nrun.workers = 2\nenv.A = '1'\nenv.B = '1'\n\
            cargo.package = ['lab']\ngo.race = true\n[[test]]\nmatch = 'x'\n\
            [preset.nightly]\nrun.iterations = 1000\nenv.B = '2'\ngo.race = false\n\
            [[preset.nightly.test]]\nmatch = 'y'\ntimeout = '5m'\n[preset.quick.run]\niterations = 1\n";
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_preset_counts_where_it_says_something() {
        let config = config().with_preset(Some("nightly")).unwrap();
        assert_eq!(config.run.iterations, NonZeroU32::new(1000));
        assert_eq!(config.run.workers, NonZeroU32::new(2));
        assert_eq!((&*config.env["A"], &*config.env["B"]), ("1", "2"));
        assert_eq!((config.cargo.package, config.go.race), (vec!["lab".to_owned()], Some(false)));
        let tests: Vec<_> = config.test.iter().map(|test| (&*test.pattern, test.timeout)).collect();
        assert_eq!(tests, [("y", Some(Duration::from_secs(300))), ("x", None)]);
    }

    #[test]
    fn without_one_nothing_changes_and_a_mistyped_one_is_an_error() {
        assert_eq!(config().with_preset(None).unwrap(), config());
        let message = |name| config().with_preset(Some(name)).unwrap_err().to_string();
        assert_eq!(message("nigthly"), "no preset `nigthly`; did you mean nightly?");
        assert_eq!(message("zzz"), "no preset `zzz`; there are nightly, quick");
        let none = Config::default().with_preset(Some("a")).unwrap_err().to_string();
        assert_eq!(none, "no preset `a`; dstest.toml has none");
    }
}
