//! The test targets that are built: those that are named, or those that can hold a matching test.

use std::fs;

use crate::support::{CallResult, Sandbox, called};
use crate::terminal::Terminal;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixture");

#[test]
fn named_targets_are_the_only_ones() {
    let sandbox = Sandbox::new();
    let list = |args: &[&str]| sandbox.call(&[&["list", "--dir", FIXTURE], args].concat());
    let rows: [(&[&str], &str); 4] = [
        (&["--lib"], "unit\n"),
        (&["--test", "whole"], "whole\n"),
        (&["--test", "whole", "--lib"], "unit\nwhole\n"),
        (&["--test", "odd", "--skip", "/|^-|seed|skips"], "with space and 100%\n"),
    ];
    for (args, want) in rows {
        assert_eq!(list(args).exits_with(0).stdout, want, "{args:?}");
    }
    list(&["--test", "hole"]).exits_with(101).warns("no test target named `hole`");
    let command = sandbox.call(&["--lib", "-n", "1", "--", "true"]);
    command.exits_with(2).warns("--test and --lib need a cargo project");
}

/// A package with five test targets, one of which breaks the build if `BREAK_BETA` is set.
const PROJECT: [(&str, &str); 8] = [
    (
        "Cargo.toml",
        "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
        [features]\nextra = []\n[workspace]\n\
        [[test]]\nname = \"optional\"\nrequired-features = [\"extra\"]\n",
    ),
    ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"demo\"\nversion = \"0.1.0\"\n"),
    (
        "src/lib.rs",
        "#[macro_export]\nmacro_rules! table { () => { #[test]\nfn from_table() {} } }\n\
        #[cfg(test)]\nmod tests { #[test]\nfn unit() {} }\n",
    ),
    (
        "tests/alpha.rs",
        "#[test]\nfn alpha_one() {}\n#[test]\nfn alpha_two() {}\n#[test]\nfn same() {}\n",
    ),
    (
        "tests/beta.rs",
        "const _: () = assert!(option_env!(\"BREAK_BETA\").is_none());\n\
        #[test]\nfn beta_one() {\n}\n#[test]\nfn same() {}\n",
    ),
    ("tests/gamma.rs", "demo::table!();\n"),
    ("src/main.rs", "fn main() {}\n#[cfg(test)]\nmod tests { #[test]\nfn of_program() {} }\n"),
    ("tests/optional.rs", "#[test]\nfn optional() {}\n"),
];

/// The project in a directory of its own, with all targets remembered.
struct Project(Sandbox);

impl Project {
    fn remembered() -> Self {
        let project = Self(Sandbox::new());
        PROJECT.iter().for_each(|(path, text)| project.write(path, text));
        project.call(&["run", "-n", "1"], false).exits_with(0);
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Calls dstest; with `breaks`, a build of `beta` fails.
    fn call(&self, args: &[&str], breaks: bool) -> CallResult {
        let mut command = self.0.command(args);
        command.env("CARGO_TARGET_DIR", self.0.path().join("target"));
        command.envs(breaks.then_some(("BREAK_BETA", "1")));
        called(&mut command)
    }

    fn list(&self, patterns: &[&str], breaks: bool) -> CallResult {
        self.call(&[&["list"], patterns].concat(), breaks)
    }
}

#[test]
fn only_targets_with_a_matching_test_are_built() {
    let project = Project::remembered();
    // Everything but `beta` builds.
    let rows: [(&[&str], &str, &str); 8] = [
        (&["alpha_"], "alpha_one\nalpha_two\n", "built 1 of 5"),
        (&["alpha_one", "unit"], "alpha_one\nunit\n", "built 2 of 5"),
        (&["_one", "--skip", "beta"], "alpha_one\n", "built 1 of 5"),
        (&["alpha::same"], "alpha::same\n", "built 1 of 5"),
        (&["table", "--skip", "alpha"], "from_table\n", "built 1 of 5"),
        (&["of_program"], "of_program\n", "built 1 of 5"),
        (&["program", "unit"], "unit\nof_program\n", "built 2 of 5"),
        (&["demo::alpha::alpha_two"], "alpha_two\n", "built 1 of 5"),
    ];
    for (patterns, names, note) in rows {
        let called = project.list(patterns, true);
        assert_eq!(called.exits_with(0).warns(note).stdout, names, "{patterns:?}");
    }
    let campaign = project.call(&["alpha_one", "-n", "2"], true);
    campaign.exits_with(0).warns("dstest: built 1 of 5 test targets\n").prints("alpha_one × 2");
    let rows: [&[&str]; 6] = [
        &[],
        &["same"],
        &["alpha", "--test", "alpha", "--test", "beta"],
        &["alpha", "--features", "extra"],
        &["alpha", "--release"],
        &["alpha", "--build-arg=--tests"],
    ];
    for patterns in rows {
        let called = project.list(patterns, true);
        called.exits_with(101).warns("the build failed");
        assert!(!called.stderr.contains("dstest: built"), "{patterns:?}: {called:#?}");
    }
}

#[test]
fn targets_that_need_features_are_left_to_cargo() {
    let project = Project::remembered();
    project.list(&["optional"], false).exits_with(4).warns("building all test targets");
    let extra = ["optional", "--features", "extra"];
    assert_eq!(project.list(&extra, false).exits_with(0).stdout, "optional\n");
    project.list(&extra, true).exits_with(0).warns("built 1 of 6 test targets");
    project.list(&["alpha"], true).exits_with(0).warns("built 1 of 5 test targets");
}

#[test]
fn a_pattern_without_a_remembered_test_builds_everything() {
    let project = Project::remembered();
    let note = "no remembered test matches every pattern; building all test targets";
    project.list(&["alpha", "nosuch"], true).exits_with(101).warns(note);
    let called = project.list(&["alpha", "nosuch"], false);
    called.exits_with(4).warns(note).warns("no test matches `nosuch`");
    // A renamed test has its old name until its target is built.
    let renamed = PROJECT[3].1.replace("alpha_two", "alpha_second");
    project.write("tests/alpha.rs", &renamed);
    project.list(&["alpha_two"], false).exits_with(4).warns(note).warns("alpha_second");
    let called = project.list(&["alpha_second"], true);
    assert_eq!(called.exits_with(0).warns("built 1 of 5").stdout, "alpha_second\n");
}

#[test]
fn changed_and_new_targets_are_built_until_they_are_known() {
    let project = Project::remembered();
    let is_known = || project.list(&["alpha"], true).code == Some(0);
    assert!(is_known());
    let changes = [
        ("tests/beta.rs", format!("{}#[test]\nfn alpha_in_beta() {{}}\n", PROJECT[4].1)),
        ("Cargo.toml", PROJECT[0].1.replace("0.1.0", "0.1.1")),
        (".dstest/targets.json", "{".to_owned()),
        (".dstest/targets.json", r#"{"schema":0,"builds":{}}"#.to_owned()),
    ];
    for (path, text) in changes {
        project.write(path, &text);
        assert!(!is_known(), "{path}");
        project.list(&["alpha"], false).exits_with(0).prints("alpha_one\n");
        let called = project.list(&["alpha_one"], true);
        assert_eq!(called.exits_with(0).stdout, "alpha_one\n", "{path}");
    }
    assert!(!is_known(), "beta has a test of that name now");
    project.write("tests/delta.rs", "#[test]\nfn delta() {}\n");
    let called = project.list(&["delta"], true);
    assert_eq!(called.exits_with(0).warns("built 1 of 6").stdout, "delta\n");
    // The names of `gamma` come from the library, whose change is one of gamma's.
    project.write("src/lib.rs", &PROJECT[2].1.replace("from_table", "from_a_table"));
    let called = project.list(&["from_a_table"], true);
    assert_eq!(called.exits_with(0).stdout, "from_a_table\n");
    assert!(!called.stderr.contains("building all"), "{called:#?}");
}

#[test]
fn a_change_within_functions_is_no_change_of_the_list() {
    let project = Project::remembered();
    let changed = PROJECT[4].1.replace("beta_one() {\n", "beta_one() {\n    assert!(true);\n");
    assert_ne!(changed, PROJECT[4].1);
    project.write("tests/beta.rs", &changed);
    project.list(&["alpha"], true).exits_with(0).warns("built 1 of 5");
    // With another attribute the test may be another one.
    project.write("tests/beta.rs", &PROJECT[4].1.replacen("#[test]", "#[ignore]\n#[test]", 1));
    project.list(&["alpha"], true).exits_with(101);
    let called = project.list(&["_one"], false);
    assert_eq!(called.exits_with(0).warns("1 marked #[ignore]").stdout, "alpha_one\n");
}

/// A build script that ends when a file exists.
const SCRIPT: &str = "fn main() {
    println!(\"cargo::rerun-if-changed=build.rs\");
    println!(\"cargo::warning=the script is slow\");
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(120);
    while !std::path::Path::new(\"FILE\").exists() && std::time::Instant::now() < limit {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
";

#[test]
fn a_terminal_shows_the_build_while_it_lasts() {
    let project = Project(Sandbox::new());
    PROJECT.iter().for_each(|(path, text)| project.write(path, text));
    let args = ["run", "-n", "1", "--build-arg=--target-dir=target"];
    for (file, progress) in [("first", "build 1 demo "), ("second", "build 1/8 demo ")] {
        project.write("build.rs", &SCRIPT.replace("FILE", file));
        let mut terminal = Terminal::start(&project.0, &args, 100, 40);
        let screen = terminal.wait_for(progress);
        let line = screen.lines().find(|line| line.contains(progress)).unwrap_or_default();
        assert_eq!(line.contains(" s, about "), file == "second", "{screen}");
        project.write(file, "");
        let screen = terminal.wait_for("No failure in 1 run");
        assert!(screen.contains("warning: demo@0.1.0: the script is slow"), "{screen}");
        for gone in [" last time", "build 1", "Compiling", "list tests"] {
            assert!(!screen.contains(gone), "{gone}: {screen}");
        }
        assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
    }
}
