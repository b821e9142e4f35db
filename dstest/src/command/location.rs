//! The store that `-o` and `--dir` mean, for commands on stored campaigns.

use std::path::Path;

use crate::cli::LocationArgs;
use crate::error::Error;
use crate::store::Store;

/// The store that a command on stored campaigns means: that of `-o`, or the nearest one at or
/// above the directory.
pub(super) fn store_of(location: &LocationArgs) -> Result<Store, Error> {
    if let Some(wanted) = location.store.output.as_deref() {
        return Store::named(wanted).map_err(Error::system("use -o DIR"));
    }
    let dir = std::path::absolute(location.dir.as_deref().unwrap_or(Path::new(".")))
        .map_err(Error::system("use the directory of --dir"))?;
    Ok(Store::nearest(&dir)?)
}
