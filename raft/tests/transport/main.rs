//! How messages travel: inside a process, over faulty links, over TCP.

mod faults;
mod memory;
mod support;
