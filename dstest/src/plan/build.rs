//! The build of a project's tests.

use std::ffi::OsString;

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
    /// Options where given, the configuration otherwise.
    #[must_use]
    pub fn resolve(args: &TargetArgs, config: &Config) -> Self {
        let or = |given: &[String], configured: &[String]| {
            if given.is_empty() { configured.to_vec() } else { given.to_vec() }
        };
        // `--go` without a package only selects the kind of project.
        let go: Vec<String> = args.go.iter().chain(&args.package).cloned().collect();
        let go: Vec<String> = go.into_iter().filter(|package| !package.is_empty()).collect();
        Self {
            packages: or(&args.package, &config.cargo.package),
            tests: if args.lib { args.test.clone() } else { or(&args.test, &config.cargo.tests) },
            lib: args.lib,
            profile: given_profile(args).or_else(|| config.cargo.profile.clone()),
            features: or(&args.features, &config.cargo.features),
            go_packages: or(&go, &config.go.package),
            race: args.race || config.go.race == Some(true),
            args: args.build_arg.clone(),
        }
    }
}

fn given_profile(args: &TargetArgs) -> Option<String> {
    args.release.then(|| "release".to_owned()).or_else(|| args.profile.clone())
}
