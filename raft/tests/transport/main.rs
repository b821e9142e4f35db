//! How messages travel: inside a process, over faulty links, over TCP.

#[path = "../../examples/make_certificates/certificates.rs"]
mod certificates;
mod faults;
mod frames;
mod limits;
mod memory;
mod metrics;
mod refused;
mod seeds;
mod support;
mod tcp;
mod tls;
