//! The store that `-o` and `--dir` mean, for commands on stored campaigns.

use std::path::Path;

use crate::cli::LocationArgs;
use crate::error::Error;
use crate::store::{DIR_NAME, Store};

/// The store that a command on stored campaigns means: that of `-o`, or the nearest one at or
/// above the directory.
pub(super) fn store_of(location: &LocationArgs) -> Result<Store, Error> {
    let wanted = location.store.output.as_deref();
    let dir = std::path::absolute(wanted.or(location.dir.as_deref()).unwrap_or(Path::new(".")))
        .map_err(Error::system("use the directory of --dir or -o"))?;
    if wanted.is_some() {
        return Ok(Store::at(dir));
    }
    let nearest = dir.ancestors().map(|above| above.join(DIR_NAME)).find(|store| store.is_dir());
    Ok(Store::at(nearest.unwrap_or_else(|| dir.join(DIR_NAME))))
}
