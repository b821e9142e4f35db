//! Finding lines: matches of a search, errors, terms, messages, causes.

pub(crate) mod counterpart;
pub(crate) mod jump;
pub(crate) mod matches;
pub(crate) mod query;
