//! `dstest browse`: the terminal UI over the store.

use std::io::IsTerminal;

use super::location::store_of;
use crate::browse::{Browse, ColorScheme, browse};
use crate::cli::BrowseArgs;
use crate::error::Error;
use crate::exit::Exit;
use crate::store::StoreError;
use crate::trust::Trust;

/// Opens the browser.
pub(super) fn run(args: &BrowseArgs) -> Result<Exit, Error> {
    let store = store_of(&args.location)?;
    let dir = store.find_campaign(args.campaign.as_deref())?;
    if !std::io::stdout().is_terminal() {
        let reason = "dstest browse needs a terminal; use `dstest report` or `dstest show`";
        return Err(StoreError::Unsuitable(reason.to_owned()).into());
    }
    let colors = ColorScheme::of_terminal(args.location.store.color);
    let trust = Trust::of_option(args.trust);
    browse(Browse::new(store, dir, colors, trust)?).map_err(Error::system("use the terminal"))?;
    Ok(Exit::Success)
}
