//! `[preset.NAME]`: other defaults under a name, selected by `--preset NAME` or the environment.

use super::tables::RunConfig;
use super::{Config, ConfigError};
use crate::text::names;

impl Config {
    /// The configuration with a preset applied: its values win, and its exceptions for tests come
    /// first. Without a name it is the preset that `environment`, the values of variables, selects.
    ///
    /// # Errors
    /// [`ConfigError::NoPreset`] for an unknown name, and mistakes in `when-env`.
    pub fn with_preset(
        mut self,
        name: Option<&str>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let asked_for = self.asked_for(environment)?;
        let Some(name) = name.map(str::to_owned).or(asked_for) else { return Ok(self) };
        let Some(mut preset) = self.preset.remove(&name) else { return Err(self.no_preset(&name)) };
        replace(&mut self.cargo.package, preset.cargo.package);
        self.cargo.package_if.append(&mut preset.cargo.package_if);
        replace(&mut self.cargo.tests, preset.cargo.tests);
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

    /// The preset that the environment selects.
    fn asked_for(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<String>, ConfigError> {
        let mut found: Option<&String> = None;
        for (name, preset) in &self.preset {
            let Some(variable) = &preset.when_env else { continue };
            let Some(value) = preset.env.get(variable) else {
                let (preset, variable) = (name.clone(), variable.clone());
                return Err(ConfigError::NoValue { preset, variable });
            };
            if environment(variable).as_ref() != Some(value) {
                continue;
            }
            if let Some(first) = found.replace(name) {
                let (first, second) = (first.clone(), name.clone());
                return Err(ConfigError::TwoPresets { first, second });
            }
        }
        Ok(found.cloned())
    }

    fn no_preset(&self, name: &str) -> ConfigError {
        let known = self.preset.keys().map(String::as_str);
        let hint = match names::nearest(name, known, 1).as_slice() {
            [] if self.preset.is_empty() => "; dstest.toml has no presets".to_owned(),
            [] => {
                format!("; presets: {}", self.preset.keys().cloned().collect::<Vec<_>>().join(", "))
            }
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

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn the_environment_can_ask_for_a_preset() {
        let text = "env.W = '0'\n[preset.real]\nwhen-env = 'W'\nenv.W = '1'\nrun.workers = 8\n\
            [preset.other]\nenv.W = '2'\n[preset.race]\nwhen-env = 'R'\nenv.R = 'yes'\n";
        let config = || toml::from_str::<Config>(text).unwrap();
        let workers = |name, w: &'static str| {
            let taken = config().with_preset(name, |n| (n == "W").then(|| w.to_owned())).unwrap();
            (taken.run.workers.map(NonZeroU32::get), taken.env["W"].clone())
        };
        assert_eq!(workers(None, "1"), (Some(8), "1".into()));
        assert_eq!(workers(None, "2"), (None, "0".into()), "another value, and no `when-env`");
        assert_eq!(workers(Some("other"), "1"), (None, "2".into()), "--preset counts");

        let all = |name: &str| Some(if name == "W" { "1" } else { "yes" }.to_owned());
        let error = config().with_preset(None, all).unwrap_err().to_string();
        assert_eq!(
            error,
            "the environment selects two presets, race and real; choose one with --preset"
        );
        let config: Config = toml::from_str("[preset.real]\nwhen-env = 'W'\n").unwrap();
        let error = config.with_preset(None, nothing).unwrap_err().to_string();
        assert!(error.contains("[preset.real]") && error.contains("env.W"), "{error}");
    }

    #[test]
    fn a_preset_overrides_where_it_has_a_value() {
        let config = config().with_preset(Some("nightly"), nothing).unwrap();
        assert_eq!(config.run.iterations, NonZeroU32::new(1000));
        assert_eq!(config.run.workers, NonZeroU32::new(2));
        assert_eq!((&*config.env["A"], &*config.env["B"]), ("1", "2"));
        assert_eq!((config.cargo.package, config.go.race), (vec!["lab".to_owned()], Some(false)));
        let tests: Vec<_> = config.test.iter().map(|test| (&*test.pattern, test.timeout)).collect();
        assert_eq!(tests, [("y", Some(Duration::from_secs(300))), ("x", None)]);
    }

    #[test]
    fn without_one_nothing_changes_and_a_mistyped_one_is_an_error() {
        assert_eq!(config().with_preset(None, nothing).unwrap(), config());
        let message = |name| config().with_preset(Some(name), nothing).unwrap_err().to_string();
        assert_eq!(message("nigthly"), "unknown preset `nigthly`; did you mean nightly?");
        assert_eq!(message("zzz"), "unknown preset `zzz`; presets: nightly, quick");
        let none = Config::default().with_preset(Some("a"), nothing).unwrap_err().to_string();
        assert_eq!(none, "unknown preset `a`; dstest.toml has no presets");
    }
}
