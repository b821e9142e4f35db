//! `events.jsonl`: one line for each finished run.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::open_dir::{open_file, open_to_write, refuse_hard_links};
use super::{StoreError, io_error};
use crate::record::RunRecord;

/// An open `events.jsonl`.
#[derive(Debug)]
pub struct EventLog {
    file: File,
    path: PathBuf,
    line: Vec<u8>,
    /// The length of the file: up to here it is whole lines.
    length: u64,
}

impl EventLog {
    /// Opens the log of a campaign's directory for appending; a torn last line is cut off first.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE_NAME);
        let open = || -> io::Result<(File, u64)> {
            let mut file = refuse_hard_links(open_to_write(
                OpenOptions::new().append(true).create(true),
                &path,
            )?)?;
            let whole = length_of_whole_lines(&mut file)?;
            file.set_len(whole)?;
            Ok((file, whole))
        };
        let (file, length) = open().map_err(io_error("write", &path))?;
        Ok(Self { file, path, line: Vec::new(), length })
    }

    /// Appends one record in one write; all of it or, where that fails, nothing.
    ///
    /// # Errors
    /// [`StoreError::Io`], as on a full disk.
    pub fn append(&mut self, record: &RunRecord) -> Result<(), StoreError> {
        self.line.clear();
        let encoded = serde_json::to_writer(&mut self.line, record).map_err(io::Error::from);
        self.line.push(b'\n');
        let written = encoded.and_then(|()| self.file.write_all(&self.line));
        match written {
            Ok(()) => self.length += self.line.len() as u64,
            // A part of the line must not stand between others.
            Err(_) => self.file.set_len(self.length).unwrap_or(()),
        }
        written.map_err(io_error("write", &self.path))
    }
}

/// Feeds every whole record of a campaign's directory to `each`, in the order of their ends. A
/// directory without the file has no records.
///
/// # Errors
/// [`StoreError`] if the file cannot be read, or a line other than the last is not a record.
pub fn read_events(dir: &Path, mut each: impl FnMut(RunRecord)) -> Result<(), StoreError> {
    let path = dir.join(FILE_NAME);
    let file = match open_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(io_error("read", &path))?,
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).map_err(io_error("read", &path))?;
        if line.last() != Some(&b'\n') {
            return Ok(());
        }
        number += 1;
        let record = serde_json::from_slice(&line).map_err(|error| StoreError::Malformed {
            path: path.clone(),
            reason: format!("line {number}: {error}"),
        })?;
        each(record);
    }
}

/// The length of the file up to its last line end.
fn length_of_whole_lines(file: &mut File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    let mut block = [0; 4096];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let size = usize::try_from(end - start).map_err(io::Error::other)?;
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block[..size])?;
        if let Some(at) = memchr::memrchr(b'\n', &block[..size]) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

pub(super) const FILE_NAME: &str = "events.jsonl";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::record::Verdict;
    use crate::report::tally::tests::record;

    fn read(dir: &Path) -> Vec<RunRecord> {
        let mut records = Vec::new();
        read_events(dir, |record| records.push(record)).unwrap();
        records
    }

    #[test]
    fn records_come_back_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let written: Vec<RunRecord> =
            (1..=3).map(|iter| record("a", iter, Verdict::ALL[iter as usize], 0.5)).collect();
        let mut log = EventLog::open(dir.path()).unwrap();
        written.iter().for_each(|record| log.append(record).unwrap());
        assert_eq!(read(dir.path()), written);
    }

    #[test]
    fn a_line_torn_anywhere_is_passed_over_and_cut_off_before_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        let record = record("a", 1, Verdict::Failed, 0.5);
        EventLog::open(dir.path()).unwrap().append(&record).unwrap();
        let line = fs::read(&path).unwrap();
        for torn in 1..line.len() {
            let mut bytes = line.clone();
            bytes.extend_from_slice(&line[..torn]);
            fs::write(&path, &bytes).unwrap();
            assert_eq!(read(dir.path()).len(), 1, "torn after {torn} bytes");
            EventLog::open(dir.path()).unwrap().append(&record).unwrap();
            assert_eq!(read(dir.path()).len(), 2, "torn after {torn} bytes");
        }
    }

    #[test]
    fn a_damaged_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE_NAME), "{}\n").unwrap();
        let message = read_events(dir.path(), drop).unwrap_err().to_string();
        assert!(message.contains("line 1"), "{message}");
    }
}
