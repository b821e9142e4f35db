//! A campaign from its description to its exit code.
//!
//! ```text
//! create (copies programs, writes campaign.json) ┐
//! StoredCampaign (reads campaign.json) ──────────┴─► run::Campaign ─► Session
//! Session: schedule ─► run::dispatch ─► Recorder (store, tally, progress) ─► report ─► Exit
//! rerun: a few runs again, in a directory of their own ─► records
//! ```

mod case;
mod ci;
mod create;
mod exports;
mod follow_up;
mod hints;
mod history;
mod live_session;
mod output;
mod page;
mod recorder;
mod rerun;
mod scripts;
mod session;
mod stored;

pub(crate) use self::case::resolve as resolve_case;
pub(crate) use self::create::{cores, create};
pub(crate) use self::exports::{check_exports, check_files, write_export};
pub(crate) use self::follow_up::follow_up;
pub(crate) use self::hints::CommandHints;
pub(crate) use self::history::history;
pub(crate) use self::output::{Detail, Output};
pub(crate) use self::rerun::run_once;
pub(crate) use self::scripts::with_scripts;
pub(crate) use self::session::{Session, print_report};
pub(crate) use self::stored::{StoredCampaign, known_times};
