#!/bin/sh
# Starts a Slurm of its own on this machine, from the programs that are installed, until its standard
# input is closed: one node with four processors, nothing outside of DIR.
#   tests/slurm.sh DIR PORT
# Its daemons listen on PORT and PORT + 1.
# Prints "ready" when it takes jobs; SLURM_CONF=DIR/slurm.conf leads to it. Needs root, as slurmd does.
set -eu
dir=$1
host=$(hostname -s)
port=$2
mkdir -p "$dir/state" "$dir/spool" "$dir/munge"
chmod 755 "$dir" "$dir/munge"
head -c 1024 /dev/urandom >"$dir/munge/key"
chmod 600 "$dir/munge/key"
munged --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" \
    --log-file="$dir/munge/log" --seed-file="$dir/munge/seed"
cat >"$dir/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
CredType=cred/munge
# A requeued job waits until its old credentials have expired; a job that starts later than that fails.
AuthInfo=socket=$dir/munge/socket,cred_expire=10
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1
ReturnToService=2
KillWait=5
SlurmdParameters=config_overrides
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$dir/slurm.conf"
stop() {
    scontrol shutdown >/dev/null 2>&1 || true
    kill "$(cat "$dir/munge/pid")" 2>/dev/null || true
}
trap stop EXIT
slurmctld -c
slurmd -c
tries=600
until [ "$(sinfo -h -o %t 2>/dev/null)" = idle ]; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { cat "$dir"/*.log >&2; exit 1; }
    sleep 0.1
done
echo ready
cat >/dev/null
