#!/usr/bin/env bash
# Compares dstest with xargs and nextest on a test that does nothing: runs per second, time to the first
# run, and memory. The tools alternate within one call, so that all see the same load.
#
#   dstest/benches/compare.sh [RUNS] [ROUNDS] [MEMORY_RUNS]
#
# RUNS of each tool in each of ROUNDS rounds; MEMORY_RUNS for the memory (0 leaves it out).
set -euo pipefail

runs=${1:-500} rounds=${2:-3} memory_runs=${3:-100000}
root=$(cd "$(dirname "$0")/../.." && pwd)
cargo build --quiet --release --manifest-path "$root/Cargo.toml" -p dstest
dstest=$root/target/release/dstest

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
mkdir -p noop/src bin
cat >noop/Cargo.toml <<'TOML'
[package]
name = "noop"
edition = "2024"
[workspace]
TOML
cat >noop/src/lib.rs <<'RUST'
#[test]
fn noop() {}
#[test]
fn prints_now() {
    println!("now={}", std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos());
}
RUST
# Prints the time when the build has ended.
cat >bin/cargo <<SH
#!/bin/sh
$(command -v cargo) "\$@"
code=\$?
[ "\$1" != test ] || date +%s%N >"$scratch/built"
exit \$code
SH
chmod +x bin/cargo
cd noop
binary=$(cargo test --no-run --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)

# Seconds that a command takes, with its output thrown away.
seconds() {
    local start end
    start=$(date +%s%N)
    "$@" >/dev/null 2>&1
    end=$(date +%s%N)
    awk "BEGIN { printf \"%.3f\", ($end - $start) / 1e9 }"
}
by_xargs() { seq "$runs" | xargs -P2 -I{} "$binary" --exact noop --nocapture; }
by_dstest() { "$dstest" '^noop$' -n "$runs" -p 2; }
by_nextest() { cargo nextest run -E 'test(=noop)' --stress-count "$runs" -j 2; }

row() { printf '%-8s %-10s %8s s %8s runs/s\n' "$1" "$2" "$3" "$(awk "BEGIN { printf \"%.0f\", $runs / $3 }")"; }
for ((round = 1; round <= rounds; round++)); do
    row "round $round" xargs "$(seconds by_xargs)"
    row "round $round" dstest "$(seconds by_dstest)"
    only=$("$dstest" report | sed -n 's/^[0-9]* runs in \([0-9.]*\) s.*/\1/p')
    row "" "  its runs" "${only:-0.001}"
    if cargo nextest --version >/dev/null 2>&1; then
        row "round $round" nextest "$(seconds by_nextest)"
    fi
done

for ((round = 1; round <= rounds; round++)); do
    CARGO=$scratch/bin/cargo "$dstest" prints_now -n 1 -a >/dev/null 2>&1
    now=$(sed -n 's/.*now=\([0-9]*\).*/\1/p' .dstest/latest/logs/prints_now/1.log)
    awk "BEGIN { printf \"from the end of the build into the first run: %.1f ms\\n\", ($now - $(cat "$scratch/built")) / 1e6 }"
done

if ((memory_runs > 0)) && [[ -r /proc/self/status ]]; then
    "$dstest" -n "$memory_runs" -p 2 -o "$scratch/memory" -- /bin/true >/dev/null 2>&1 &
    most=0
    while kill -0 $! 2>/dev/null; do
        now=$(awk '/^VmHWM/ { print $2 }' "/proc/$!/status" 2>/dev/null || true)
        most=$((${now:-0} > most ? ${now:-0} : most))
        sleep 0.1
    done
    awk "BEGIN { printf \"memory after %d runs: %.1f MB\\n\", $memory_runs, $most / 1024 }"
fi
