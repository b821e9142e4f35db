//! The users who decide which programs a campaign runs.

use std::path::Path;

use super::{CampaignDir, CampaignFile, StoreError};
use crate::trust::Trust;

impl CampaignDir {
    /// Refuses a campaign whose programs another user has named, or stored.
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`].
    pub(crate) fn check_owner(&self, file: &CampaignFile, trust: Trust) -> Result<(), StoreError> {
        let Some((what, user)) = self.foreign_user(file, trust) else { return Ok(()) };
        Err(StoreError::Unsuitable(format!(
            "{what} another user (id {user}), and the programs of the campaign would run as you; \
             --trust runs them"
        )))
    }

    /// The other user who has had a part in the campaign's programs, after the words for it.
    pub(super) fn foreign_user(&self, file: &CampaignFile, trust: Trust) -> Option<(String, u32)> {
        let description = self.path.join("campaign.json");
        let kept = self.path.parent().and_then(Path::parent).map(|store| store.join("bin"));
        let programs = file.binaries.iter().map(|binary| binary.path.as_path());
        let kept = programs.filter(|path| kept.as_ref().is_some_and(|kept| path.starts_with(kept)));
        let files = [&*self.path, &description].into_iter();
        // Who may write to its directory can replace a program.
        let mut files = files.chain(kept.flat_map(|program| program.ancestors().take(2)));
        let owned = files.find_map(|path| {
            trust.refuses(path).map(|owner| (format!("{} belongs to", path.display()), owner))
        });
        let copied = file.copied_from_user.filter(|user| trust.refuses_user(*user));
        owned.or(copied.map(|user| (format!("{} is a copy from", self.path.display()), user)))
    }
}
