//! Transports: inside a process, over faulty links, over TCP.

#[cfg(unix)]
mod child_process;
mod faults;
mod frames;
mod handshakes;
mod limits;
mod memory;
mod metrics;
mod mutated;
#[cfg(unix)]
mod paused_process;
mod processes;
mod rejected_connections;
mod seeds;
mod support;
mod tcp;
mod tls;
