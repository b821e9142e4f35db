//! Cases: files that tests play instead of a seed, named by `DSTEST_CASE`.
//!
//! Runs have working directories of their own, so a relative path is made absolute here.

use std::path::Path;

use crate::error::Error;

/// The variable that names a case to play.
const VARIABLE: &str = "DSTEST_CASE";

/// Makes the case of a new campaign absolute: that of its own variables, or else of the
/// environment. It becomes part of the campaign, so that replays play it too.
///
/// # Errors
/// [`Error::NoCase`] if there is no such file.
pub(crate) fn resolve(env: &mut Vec<(String, String)>) -> Result<(), Error> {
    match env.iter_mut().rev().find(|(name, _)| name == VARIABLE) {
        Some((_, value)) if value.is_empty() => {}
        Some((_, value)) => *value = absolute(value)?,
        None => env.extend(of_environment()?),
    }
    Ok(())
}

/// The case that the environment names, as a variable of runs.
///
/// # Errors
/// [`Error::NoCase`] if there is no such file.
pub(crate) fn of_environment() -> Result<Option<(String, String)>, Error> {
    let value = std::env::var(VARIABLE).ok().filter(|value| !value.is_empty());
    value.map(|value| Ok((VARIABLE.to_owned(), absolute(&value)?))).transpose()
}

fn absolute(value: &str) -> Result<String, Error> {
    let path = std::path::absolute(Path::new(value)).map_err(Error::system("find the case"))?;
    if path.is_file() {
        Ok(path.to_string_lossy().into_owned())
    } else {
        Err(Error::NoCase { variable: VARIABLE, path })
    }
}
