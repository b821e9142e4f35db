//! A full disk, as a limit on the size of files.

use raft::PersistentState;

use crate::child_process::{self, Writer};
use crate::stores::Durable;

/// A limit on the size of files fails a write at the same point as a full disk, without special
/// rights or a file system of its own. A shell sets it and ignores its signal.
#[cfg(unix)]
#[test]
fn a_file_size_limit_is_an_error_and_loses_nothing() {
    if child_process::is_child() {
        return;
    }
    // In blocks of 512 bytes. A database begins with 72 KiB.
    let limits: [(_, &[u64]); 2] = [(Durable::Disk, &[0, 1, 2, 3]), (Durable::Redb, &[0, 150])];
    for (durable, blocks) in limits {
        for (blocks, seed) in blocks.iter().zip(1..) {
            fills_up(durable, *blocks, seed);
        }
    }
}

fn fills_up(durable: Durable, blocks: u64, seed: u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let test = "full_disk::a_file_size_limit_is_an_error_and_loses_nothing";
    let writer = Writer::start(test, durable, directory.path(), seed, &["sh", "-c", &limit]);
    let output = writer.fail();
    let error = output.failed.as_deref().expect("the files reach their limit");
    assert!(error.starts_with("cannot write "), "{error}");
    assert!(error.contains(directory.path().to_str().expect("letters")), "{error}");
    assert!(error.contains("raise the limit on file sizes"), "{error}");
    // With space again, all that was reported is there, and further writes succeed.
    let empty = PersistentState::default();
    let before = child_process::check_recovered(durable, directory.path(), &empty, seed, &output);
    let output = Writer::start(test, durable, directory.path(), seed, &[]).kill_after(5);
    assert_eq!(output.failed, None);
    child_process::check_recovered(durable, directory.path(), &before, seed, &output);
}
