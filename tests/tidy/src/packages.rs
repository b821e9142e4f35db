//! Licences and sources of the packages that the project is built from, as `deny.toml` allows them.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// The parts of `deny.toml` that need nothing but a list of packages. Known faults need the
/// advisory database of cargo-deny.
#[derive(Debug, Deserialize)]
pub struct Allowed {
    licenses: Licenses,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

/// A package of a dependency tree, as `cargo metadata` names it.
#[derive(Debug, Deserialize)]
pub struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// Registry or repository; `None` for a directory of this one.
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

impl Allowed {
    /// Reads the text of `deny.toml`.
    ///
    /// # Errors
    /// If it is not TOML, or one of the lists is missing.
    pub fn read(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Faults of a package, each as a line that says what to do.
    #[must_use]
    pub fn findings(&self, package: &Package) -> Vec<String> {
        let Some(source) = &package.source else { return Vec::new() };
        let name = format!("{} {}", package.name, package.version);
        let mut found = Vec::new();
        let registries = &self.sources.allow_registry;
        if !registries.iter().any(|allowed| source.strip_prefix("registry+") == Some(allowed)) {
            found.push(format!(
                "{name}: from {source}; allow-registry of deny.toml has {registries:?}"
            ));
        }
        let license = package.license.as_deref().unwrap_or("no licence expression");
        if !self.allows(license) {
            found.push(format!(
                "{name}: {license}; replace it, or add it to [licenses] of deny.toml"
            ));
        }
        found
    }

    fn allows(&self, license: &str) -> bool {
        let Ok(expression) = spdx::Expression::parse_mode(license, spdx::ParseMode::LAX) else {
            return false;
        };
        expression.evaluate(|required| self.licenses.allow.contains(&required.to_string()))
    }
}

/// Packages of the workspace with this manifest, for all platforms and features. `None` if cargo
/// cannot list them from what is downloaded: nothing is fetched.
///
/// # Panics
/// If cargo cannot be run, or prints something else than JSON.
#[must_use]
pub fn packages(manifest: &Path) -> Option<Vec<Package>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--all-features"])
        .arg("--manifest-path")
        .arg(manifest)
        .output()
        .expect("cargo runs");
    if !output.status.success() {
        return None;
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    Some(metadata.packages)
}
