//! Every invariant is shown to fire on a hand-made bad state, and to be silent on a good one.

mod address_books;
mod assertions;
mod combined;
mod configurations;
mod disks;
mod elections;
mod fixtures;
mod leadership;
mod logs;
mod reads;
mod table;
mod terms;
