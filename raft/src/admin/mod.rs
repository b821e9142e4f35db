//! Administration of a running peer through a Unix socket: status, members, leadership, backups. The
//! program `raftctl` is a client of it.
//!
//! ```text
//! client   one line of JSON: {"raft_admin":1,"request":…}
//! peer     one line of JSON: {"ok":…} or {"error":{…}}; behind a backup's, its bytes; then the end
//! ```
//!
//! A connection carries one request. All who may open the socket's file may do this: it belongs to
//! the user of the process alone (mode 0600), as the data directory does, and there is no other
//! protection. From another machine use `ssh HOST raftctl …`.
//!
//! | to | see |
//! |---|---|
//! | serve it | [`serve`] |
//! | use it in a program | [`Client`], [`Request`] |

mod client;
mod protocol;
mod server;

pub use self::client::{BackupStream, Client, ClientError};
pub use self::protocol::{
    Change, LossReport, PeerReport, Refused, Request, StatusReport, StoreReport,
};
pub use self::server::{AdminSocket, serve};
