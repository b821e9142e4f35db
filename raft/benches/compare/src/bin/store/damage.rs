//! Detection of damaged durable bytes: bytes all over a store's files, one at a time and by one
//! bit, with the store opened and read by a process of its own.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Fallible;
use crate::contenders::{self, NAMES};
use crate::work;

const BATCHES: usize = 4;

/// Bytes tested in each file.
const SAMPLES: usize = 200;

pub(crate) fn flip_bits(directory: &Path) -> Fallible<()> {
    for name in &NAMES[1..] {
        let whole = tempfile::tempdir_in(directory)?;
        let mut store = contenders::open(name, whole.path())?;
        for batch in work::batches(BATCHES) {
            store.write(&batch)?;
        }
        drop(store);
        // A crash may leave the last write broken. As one start has read it, it is durable.
        let mut store = contenders::open(name, whole.path())?;
        let truth = store.read()?;
        drop(store);
        let mut verdicts = BTreeMap::new();
        for (path, length) in files(whole.path())? {
            // Preallocated space is zeros.
            let bytes = std::fs::read(&path)?;
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            for position in (0..used.min(length)).step_by(used.div_ceil(SAMPLES).max(1)) {
                let verdict =
                    check_flipped_bit(name, whole.path(), directory, &path, position, truth)?;
                *verdicts.entry(verdict).or_insert(0) += 1;
            }
        }
        println!("{name}, {} entries: {verdicts:?}", truth.0);
    }
    Ok(())
}

fn check_flipped_bit(
    name: &str,
    whole: &Path,
    directory: &Path,
    path: &Path,
    position: usize,
    truth: (u64, u64),
) -> Fallible<&'static str> {
    let copy = tempfile::tempdir_in(directory)?;
    copy_tree(whole, copy.path())?;
    let wrong = copy.path().join(path.strip_prefix(whole)?);
    let file = std::fs::File::options().read(true).write(true).open(&wrong)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, position as u64)?;
    file.write_all_at(&[byte[0] ^ 0x10], position as u64)?;
    drop(file);
    let mut reader = Command::new(std::env::current_exe()?);
    let output = reader.arg("read").arg(copy.path()).arg(name).output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split([' ', ',']).filter_map(|word| word.parse::<u64>().ok());
    Ok(match (output.status.code(), numbers.next(), numbers.next()) {
        (Some(0), Some(entries), Some(sum)) if (entries, sum) == truth => "unaffected",
        (Some(0), Some(entries), Some(_)) if entries < truth.0 => "LOST ENTRIES silently",
        (Some(0), _, _) => "WRONG BYTES silently",
        (Some(1), _, _) => "rejected",
        (Some(101), _, _) => "PANICKED",
        _ => "ENDED THE PROCESS",
    })
}

fn files(directory: &Path) -> Fallible<Vec<(PathBuf, usize)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push((entry.path(), usize::try_from(entry.metadata()?.len())?));
        }
    }
    Ok(found)
}

/// Copies a directory; zeros at the end of a file become a hole.
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
