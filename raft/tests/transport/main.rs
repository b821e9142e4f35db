//! How messages travel: inside a process, over faulty links, over TCP.

mod faults;
mod frames;
mod limits;
mod memory;
mod refused;
mod support;
mod tcp;
