//! Models of the usual objects.
//!
//! | model | calls |
//! |---|---|
//! | [`Register`] | read, write, compare-and-swap |
//! | [`Text`] | Get, Put, Append and compare-and-swap of a string, as in labs 3 and 4 of MIT 6.5840 |
//! | [`Versioned`] | Get and Put of a value with a version, as in the labs since 2025 |

mod register;
mod text;
mod versioned;

pub use self::register::{CasResult, JsonText, Register, RegisterCall};
pub use self::text::{Text, TextCall};
pub use self::versioned::{PutResult, Versioned, VersionedCall, VersionedValue};

/// The answer of a call that returned the value before it.
fn answer<V: std::fmt::Debug>(before: Option<&V>) -> String {
    before.map_or_else(String::new, |before| format!(" -> {before:?}"))
}
