//! No more space: the system refuses to let a file grow.

use raft::Stored;

use crate::child::{self, Writer};

/// A limit on the size of files fails a write at the same point as a full disk does, and needs
/// neither rights nor a file system of its own. A shell sets it and turns its signal off.
#[cfg(unix)]
#[test]
fn a_file_that_may_not_grow_is_an_error_and_loses_nothing() {
    if child::is_child() {
        return;
    }
    for (blocks, seed) in [(0, 1), (1, 2), (2, 3), (3, 4)] {
        let folder = tempfile::tempdir().expect("a folder");
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let test = "full_disk::a_file_that_may_not_grow_is_an_error_and_loses_nothing";
        let writer = Writer::start(test, folder.path(), seed, &["sh", "-c", &limit]);
        let said = writer.fail();
        let error = said.failed.as_deref().expect("the files reach their limit");
        assert!(error.starts_with("cannot write "), "{error}");
        assert!(error.contains(folder.path().to_str().expect("letters")), "{error}");
        assert!(error.contains("raise the limit on file sizes"), "{error}");
        // With space again, all that was reported is there, and there is room for more.
        let before = child::check_what_is_left(folder.path(), &Stored::default(), seed, &said);
        let test = "full_disk::a_file_that_may_not_grow_is_an_error_and_loses_nothing";
        let said = Writer::start(test, folder.path(), seed, &[]).kill_after(5);
        assert_eq!(said.failed, None);
        child::check_what_is_left(folder.path(), &before, seed, &said);
    }
}
