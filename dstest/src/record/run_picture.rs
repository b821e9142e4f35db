//! The picture that a run may leave in its private directory: `picture.txt` for a terminal, `picture.html`
//! for a browser. Any test program may draw one, of whatever it is about; dstest shows it.

use std::path::{Path, PathBuf};

use crate::store::open_dir::{open_file, read_text};

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPicture {
    /// The picture in characters; colours and other escapes are shown as such.
    pub text: Option<String>,
    /// The path of the page.
    pub page: Option<PathBuf>,
}

impl RunPicture {
    /// The picture in a run's directory; `None` if there is none, or an unreadable one.
    #[must_use]
    pub fn read(dir: &Path) -> Option<Self> {
        let text = read_text(&dir.join(TEXT_NAME), BYTES_MAX).ok();
        let page = dir.join(PAGE_NAME);
        let page = open_file(&page).is_ok().then_some(page);
        (text.is_some() || page.is_some()).then_some(Self { text, page })
    }
}

/// The names of the files.
const TEXT_NAME: &str = "picture.txt";
const PAGE_NAME: &str = "picture.html";

/// No picture for a terminal is larger.
const BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn each_part_of_a_picture_may_be_missing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(RunPicture::read(dir.path()), None);
        fs::write(dir.path().join(PAGE_NAME), "<html>").unwrap();
        let page = Some(dir.path().join(PAGE_NAME));
        assert_eq!(
            RunPicture::read(dir.path()),
            Some(RunPicture { text: None, page: page.clone() })
        );
        fs::write(dir.path().join(TEXT_NAME), b"|--\xff--|").unwrap();
        let text = Some("|--\u{fffd}--|".to_owned());
        assert_eq!(RunPicture::read(dir.path()), Some(RunPicture { text, page }));
        fs::remove_file(dir.path().join(PAGE_NAME)).unwrap();
        fs::write(dir.path().join(TEXT_NAME), vec![b'x'; (1 << 20) + 1]).unwrap();
        assert_eq!(RunPicture::read(dir.path()), None, "too large");
        fs::remove_file(dir.path().join(TEXT_NAME)).unwrap();
        std::os::unix::fs::symlink("/dev/zero", dir.path().join(TEXT_NAME)).unwrap();
        assert_eq!(RunPicture::read(dir.path()), None, "a device");
    }
}
