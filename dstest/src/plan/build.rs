//! The build of a project's tests.

use std::ffi::OsString;

use regex::RegexBuilder;

use crate::cli::TargetArgs;
use crate::config::Config;

/// The build before the first run.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct BuildPlan {
    /// `-p` of cargo.
    pub packages: Vec<String>,
    /// `--test` of cargo.
    pub tests: Vec<String>,
    /// `--lib` of cargo.
    pub lib: bool,
    /// `--profile` of cargo.
    pub profile: Option<String>,
    /// `--features` of cargo.
    pub features: Vec<String>,
    /// Go packages, as `go` takes them.
    pub go_packages: Vec<String>,
    /// `true` to build with Go's race detector.
    pub race: bool,
    /// Further arguments of the build tool.
    pub args: Vec<OsString>,
}

impl BuildPlan {
    /// Options where given, the configuration otherwise; `patterns` are those on the command line.
    #[must_use]
    pub fn resolve(args: &TargetArgs, patterns: &[String], config: &Config) -> Self {
        let or = |given: &[String], configured: &[String]| {
            if given.is_empty() { configured.to_vec() } else { given.to_vec() }
        };
        // `--go` without a package only selects the kind of project.
        let go: Vec<String> = args.go.iter().chain(&args.package).cloned().collect();
        let go: Vec<String> = go.into_iter().filter(|package| !package.is_empty()).collect();
        Self {
            packages: or(&args.package, &configured_packages(config, patterns)),
            tests: if args.lib { args.test.clone() } else { or(&args.test, &config.cargo.tests) },
            lib: args.lib,
            profile: given_profile(args).or_else(|| config.cargo.profile.clone()),
            features: or(&args.features, &config.cargo.features),
            go_packages: or(&go, &config.go.package),
            race: args.race || config.go.race == Some(true),
            args: args.build_arg.clone(),
        }
    }

    /// The options that decide how programs are built, not which, as typed.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let profile = self.profile.iter().map(|profile| format!("--profile {profile}"));
        let features = self.features.iter().map(|features| format!("--features {features}"));
        let race = self.race.then(|| "--race".to_owned());
        let args = self.args.iter().map(|arg| arg.to_string_lossy().into_owned());
        profile.chain(features).chain(race).chain(args).collect()
    }
}

/// The packages of the configuration, with those that a pattern asks for; none means all.
fn configured_packages(config: &Config, patterns: &[String]) -> Vec<String> {
    let mut packages = config.cargo.package.clone();
    let matches = |regex: &str| {
        let regex = RegexBuilder::new(regex).case_insensitive(true).build();
        regex.is_ok_and(|regex| patterns.iter().any(|pattern| regex.is_match(pattern)))
    };
    if !packages.is_empty() {
        let asked_for = config.cargo.package_if.iter().filter(|(_, regex)| matches(regex));
        packages.extend(asked_for.map(|(package, _)| package.clone()));
    }
    packages
}

fn given_profile(args: &TargetArgs) -> Option<String> {
    args.release.then(|| "release".to_owned()).or_else(|| args.profile.clone())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn a_package_is_built_if_a_pattern_asks_for_it() {
        let config: Config =
            toml::from_str("cargo.package = ['a']\ncargo.package-if.b = '[34][AB]$'\n").unwrap();
        let packages = |words: &[&str]| {
            let cli = Cli::parse_from(["dstest"].iter().chain(words));
            BuildPlan::resolve(&cli.run.target, &cli.run.patterns, &config).packages
        };
        assert_eq!(packages(&["2B"]), ["a"]);
        assert_eq!(packages(&[]), ["a"]);
        assert_eq!(packages(&["2B", "basic_3a"]), ["a", "b"]);
        assert_eq!(packages(&["3a", "-P", "c"]), ["c"], "an option counts");
    }
}
