//! How messages travel: inside a process, over faulty links, over TCP.

#[path = "../../examples/make_certificates/certificates.rs"]
mod certificates;
#[cfg(unix)]
mod child;
mod faults;
mod frames;
mod limits;
mod memory;
mod metrics;
mod refused;
mod seeds;
#[cfg(unix)]
mod stopped;
mod support;
mod tcp;
mod tls;
