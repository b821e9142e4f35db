//! Swarm runs as tests: the seed decides everything.

use raft_tests::run;

#[test]
fn swarm_small() {
    run("swarm_small");
}

#[test]
fn swarm_mixed() {
    run("swarm_mixed");
}

#[test]
fn swarm_snapshots() {
    run("swarm_snapshots");
}

#[test]
fn swarm_disks() {
    run("swarm_disks");
}

#[test]
fn swarm_links() {
    run("swarm_links");
}

#[test]
fn swarm_elections() {
    run("swarm_elections");
}

#[test]
fn swarm_members() {
    run("swarm_members");
}

#[test]
fn swarm_reads() {
    run("swarm_reads");
}

#[test]
fn swarm_leases() {
    run("swarm_leases");
}
