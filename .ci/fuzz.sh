#!/usr/bin/env bash
# Runs every fuzz target of the module for a while, one after the other.
#
# Usage: .ci/fuzz.sh [TIME]        (default 10s each)
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-10s}
n=0
while IFS=: read -r file target; do
	printf '== ./%s %s for %s\n' "$(dirname "$file")" "$target" "$time"
	go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "./$(dirname "$file")"
	n=$((n + 1))
done < <(git ls-files -co --exclude-standard '*_test.go' |
	xargs -r grep -HoE '^func Fuzz[A-Za-z0-9_]*' | sed 's/:func /:/')
[ "$n" -gt 0 ] || { echo "no fuzz target found" >&2; exit 1; }
echo "$n fuzz targets, no finding"
