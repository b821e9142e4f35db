//! The history of a store: all of its campaigns, read back.

use super::stored::StoredCampaign;
use crate::report::history::{History, Source};
use crate::store::{CampaignDir, Store, StoreError};
use crate::text::{console, sink};

/// Reads the campaigns of a store, the oldest first. One that cannot be read is named and left out.
///
/// # Errors
/// [`StoreError::NoCampaign`] without any.
pub(crate) fn history(store: &Store) -> Result<History, StoreError> {
    // An empty store is named as every command names it.
    store.find_campaign(None)?;
    let (history, left_out) = read_all(store.campaigns());
    left_out.iter().for_each(|sentence| console::warn(sentence));
    Ok(history)
}

/// Reads campaigns, the oldest first; those that cannot be read are named in sentences.
pub(super) fn read_all(dirs: Vec<CampaignDir>) -> (History, Vec<String>) {
    let (mut sources, mut left_out) = (Vec::new(), Vec::new());
    for dir in dirs {
        let id = dir.short_id.clone();
        match read(dir) {
            Ok(source) => sources.push(source),
            Err(error) => {
                let error = sink::screen(&error.to_string());
                left_out.push(format!("campaign {id} is left out: {error}"));
            }
        }
    }
    (History::of(&sources), left_out)
}

fn read(dir: CampaignDir) -> Result<Source, StoreError> {
    let stored = StoredCampaign::read(dir)?;
    let (tally, _) = stored.tally()?;
    let completion = stored.completion(&tally);
    let StoredCampaign { dir, file } = stored;
    Ok(Source { id: dir.short_id, file, tally, completion })
}
