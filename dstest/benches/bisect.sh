#!/usr/bin/env bash
# A flake of 3 % that was planted 9 of 20 commits back, bisected TRIES times by dstest; and the share of tries
# that a bisection with a fixed number of runs for each commit gets right.
# Usage: dstest/benches/bisect.sh [TRIES] [DSTEST]
set -euo pipefail
tries=${1:-20}
dstest=$(realpath "${2:-target/release/dstest}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache GIT_CONFIG_GLOBAL=/dev/null
git init -q "$work/repo"
cd "$work/repo"
git config user.name bench
git config user.email bench@localhost
for number in $(seq 1 20); do
    echo "$number" > number
    if ((number > 11)); then
        echo 'set -- $(cksum < /proc/sys/kernel/random/uuid); [ $(($1 % 100)) -ge 3 ] || { echo error: lost update; exit 1; }'
    else
        echo 'set -- $(cksum < /proc/sys/kernel/random/uuid); exit 0'
    fi > t.sh
    git add --all
    git commit -q -m "change $number"
done
right=0 runs=0
for try in $(seq "$tries"); do
    said=$("$dstest" bisect HEAD~19..HEAD -o "$work/store" -- dstest -- sh t.sh 2> "$work/errors" || true)
    if grep -q 'first bad commit: .* change 12$' <<< "$said"; then right=$((right + 1)); fi
    took=$(sed -n 's/^\([0-9]*\) runs; wrong.*/\1/p' <<< "$said")
    runs=$((runs + ${took:-0}))
    echo "try $try: $(grep 'first bad commit\|one of these' <<< "$said" || tail -1 "$work/errors"), ${took:-?} runs"
done
echo "dstest bisect: $right of $tries right, $((runs / tries)) runs each"
for count in 50 100 200; do
    awk -v n="$count" 'BEGIN { p = 0.97 ^ n; printf "%d runs each, of 5 commits (2 or 3 bad): right in %.0f %%\n", n, 100 * (1 - p) ^ 2.5 }'
done
