//! What a store makes of a byte that went wrong in what it had made durable: each byte of its
//! files in turn, half of them by one bit, and the store opened and read whole.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::Fallible;
use crate::contenders::{self, NAMES};
use crate::work;

const BATCHES: usize = 4;

pub(crate) fn flips(folder: &Path) -> Fallible<()> {
    std::panic::set_hook(Box::new(|_| ()));
    for name in &NAMES[1..] {
        let whole = tempfile::tempdir_in(folder)?;
        let mut store = contenders::open(name, whole.path())?;
        for batch in work::batches(BATCHES) {
            store.write(&batch)?;
        }
        let truth = store.read()?;
        drop(store);
        let mut verdicts = BTreeMap::new();
        for (path, length) in files(whole.path())? {
            // What lies past the data of a file that was made long in advance is all zeros.
            let bytes = std::fs::read(&path)?;
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            for place in (0..used.min(length)).step_by(used.div_ceil(4000).max(1)) {
                let verdict = flipped(name, whole.path(), folder, &path, place, truth)?;
                *verdicts.entry(verdict).or_insert(0) += 1;
            }
        }
        println!("{name}, {} entries: {verdicts:?}", truth.0);
    }
    Ok(())
}

fn flipped(
    name: &str,
    whole: &Path,
    folder: &Path,
    path: &Path,
    place: usize,
    truth: (u64, u64),
) -> Fallible<&'static str> {
    let copy = tempfile::tempdir_in(folder)?;
    copy_tree(whole, copy.path())?;
    let wrong = copy.path().join(path.strip_prefix(whole)?);
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::options().read(true).write(true).open(&wrong)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, place as u64)?;
    file.write_all_at(&[byte[0] ^ 0x10], place as u64)?;
    drop(file);
    let read = catch_unwind(AssertUnwindSafe(|| contenders::open(name, copy.path())?.read()));
    Ok(match read {
        Err(_) => "panicked",
        Ok(Err(_)) => "refused",
        Ok(Ok(read)) if read == truth => "right all the same",
        Ok(Ok(read)) if read.0 < truth.0 => "lost entries without a word",
        Ok(Ok(_)) => "wrong bytes without a word",
    })
}

fn files(folder: &Path) -> Fallible<Vec<(PathBuf, usize)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push((entry.path(), usize::try_from(entry.metadata()?.len())?));
        }
    }
    Ok(found)
}

/// Copies a folder; zeros at the end of a file become a hole.
fn copy_tree(from: &Path, to: &Path) -> Fallible<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir(&target)?;
            copy_tree(&entry.path(), &target)?;
        } else {
            let bytes = std::fs::read(entry.path())?;
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            std::fs::write(&target, &bytes[..used])?;
            std::fs::File::options().write(true).open(&target)?.set_len(bytes.len() as u64)?;
        }
    }
    Ok(())
}
