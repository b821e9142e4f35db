//! The report that a run may write about its failure: `report.json` in its private directory.
//!
//! Any test program may write one. dstest reads two fields and ignores the others: `signature`, the
//! reason of the failure in one line, and `text`, the report for people.

use std::path::Path;

use serde::Deserialize;

use crate::store::open_dir::read_json;

/// The fields of `report.json` that dstest reads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RunReport {
    /// The reason of the failure, in one line.
    #[serde(default)]
    pub signature: Option<String>,
    /// The report for people.
    #[serde(default)]
    pub text: Option<String>,
}

impl RunReport {
    /// The report in a run's directory; `None` if it is missing or unreadable.
    #[must_use]
    pub fn read(dir: &Path) -> Option<Self> {
        read_json(&dir.join(FILE_NAME), BYTES_MAX)
    }
}

/// The report's name in a run's directory.
const FILE_NAME: &str = "report.json";

/// No report for people is larger.
const BYTES_MAX: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn fields_of_others_are_left_alone_and_nonsense_is_no_report() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(RunReport::read(dir.path()), None);
        let write = |text: &str| fs::write(dir.path().join(FILE_NAME), text).unwrap();
        write(r#"{"schema":1,"signature":"two leaders","text":"FAIL\nmore","peers":[]}"#);
        let reported = RunReport::read(dir.path()).unwrap();
        assert_eq!(reported.signature.as_deref(), Some("two leaders"));
        assert_eq!(reported.text.as_deref(), Some("FAIL\nmore"));
        write("{}");
        assert_eq!(RunReport::read(dir.path()), Some(RunReport { signature: None, text: None }));
        write("not JSON");
        assert_eq!(RunReport::read(dir.path()), None);
        // Without an end.
        fs::remove_file(dir.path().join(FILE_NAME)).unwrap();
        std::os::unix::fs::symlink("/dev/zero", dir.path().join(FILE_NAME)).unwrap();
        assert_eq!(RunReport::read(dir.path()), None);
    }
}
