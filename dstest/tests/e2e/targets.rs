//! The test targets that are built: those that are named, or those that can hold a matching test.

use crate::support::Sandbox;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixture");

#[test]
fn named_targets_are_the_only_ones() {
    let sandbox = Sandbox::new();
    let list = |args: &[&str]| sandbox.call(&[&["list", "--dir", FIXTURE], args].concat());
    let rows: [(&[&str], &str); 4] = [
        (&["--lib"], "unit\n"),
        (&["--test", "whole"], "whole\n"),
        (&["--test", "whole", "--lib"], "unit\nwhole\n"),
        (&["--test", "odd", "--skip", "/"], "with space and 100%\n"),
    ];
    for (args, want) in rows {
        assert_eq!(list(args).exits_with(0).stdout, want, "{args:?}");
    }
    list(&["--test", "hole"]).exits_with(101).warns("no test target named `hole`");
    let command = sandbox.call(&["--lib", "-n", "1", "--", "true"]);
    command.exits_with(2).warns("--test and --lib need a cargo project");
}
