//! Everything the project is built from may be used by all, and comes from the public registry.

use std::fs;

use tidy::packages::{Allowed, Package, packages};
use tidy::sources::{relative, workspace};

fn allowed() -> Allowed {
    let text = fs::read_to_string(workspace().join("deny.toml")).expect("deny.toml is there");
    Allowed::read(&text).expect("deny.toml has the lists")
}

#[test]
fn each_package_has_an_allowed_licence_and_source() {
    let mut found = Vec::new();
    for directory in [".", "pretty/fuzz", "raft/fuzz", "raft/benches/compare"] {
        let manifest = workspace().join(directory).join("Cargo.toml");
        let Some(packages) = packages(&manifest) else {
            assert_ne!(directory, ".", "the packages of the workspace itself are known");
            eprintln!("skipped: {} needs packages that are not downloaded", relative(&manifest));
            continue;
        };
        found.extend(packages.iter().flat_map(|package| allowed().findings(package)));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn other_licences_and_sources_are_named() {
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    let findings = |license: Option<&str>, source: &str| {
        let json = serde_json::json!({
            "name": "x", "version": "1.0.0", "license": license, "source": source,
        });
        let package: Package = serde_json::from_value(json).expect("a package");
        allowed().findings(&package).join("\n")
    };
    for license in ["MIT/Apache-2.0", "GPL-2.0-only OR MIT", "(MIT OR Zlib) AND Unicode-3.0"] {
        assert_eq!(findings(Some(license), registry), "", "{license}");
    }
    for license in ["GPL-3.0-only", "MIT AND GPL-2.0-only", "my own"] {
        assert!(findings(Some(license), registry).contains(license), "{license}");
    }
    assert!(findings(None, registry).contains("no licence expression"));
    let git = "git+https://example.com/x?rev=1#1";
    assert!(findings(Some("MIT"), git).contains("from git+https://example.com/x"));
}
