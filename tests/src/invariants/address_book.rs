//! The address book (rule 8 of [`raft::output`]): it has every member of the configuration in force,
//! and requests go only to peers that were listed before, or for a read index to the leader.

use raft::message::Direction;
use raft::output::AddressBook;
use raft::{Envelope, Membership, Message};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// Checks a peer's address book.
///
/// # Errors
/// A member is not in it.
pub fn check_members(
    witness: Witness,
    members: &Membership,
    address_book: &AddressBook,
) -> Result<(), Box<Violation>> {
    let missing = members.members().into_iter().find(|peer| !address_book.contains_key(peer));
    let Some(missing) = missing else { return Ok(()) };
    Err(Invariant::AddressBook
        .broken(format_args!("{witness} has the members {members} and sends nothing to {missing}")))
}

/// Checks a message that a peer sends; `listed` is the address book that its driver has.
///
/// # Errors
/// It is a request to a peer that is not listed.
pub fn check_sent(
    witness: Witness,
    envelope: &Envelope,
    listed: &AddressBook,
) -> Result<(), Box<Violation>> {
    let is_reply = envelope.message.direction() == Direction::Reply;
    // A peer that joins may ask a leader that its log does not contain yet.
    let asks_leader = matches!(envelope.message, Message::ReadIndex(_));
    if is_reply || asks_leader || listed.contains_key(&envelope.to) {
        return Ok(());
    }
    Err(Invariant::AddressBook.broken(format_args!(
        "{witness} sends {:?} to {}, which it has not listed",
        envelope.message, envelope.to
    )))
}
