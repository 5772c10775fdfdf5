# Shared by the lanes of the gate; sourced, never run.
#
# A lane is a script in .ci/lanes. It runs in the repository's root, prints what
# it does, exits 0 if all holds, and counts its tests with `go_test` or `check`.
# The counts go to $LANE_COUNTS, which .ci/run reads.

set -euo pipefail
: "${LANE_COUNTS:=/dev/null}"
CI_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SCRATCH=$(mktemp -d)
ON_EXIT=()

# at_exit COMMAND: run it when the lane ends, last one first.
at_exit() { ON_EXIT=("$1" "${ON_EXIT[@]}"); }
run_at_exit() {
	local rc=$? c
	for c in "${ON_EXIT[@]}"; do eval "$c" || true; done
	rm -rf "$SCRATCH"
	exit "$rc"
}
trap run_at_exit EXIT
trap 'exit 143' TERM INT

say() { printf '%s\n' "$*"; }
die() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# count PASSED FAILED SKIPPED
count() { printf '%s %s %s\n' "$1" "$2" "$3" >>"$LANE_COUNTS"; }

# check NAME COMMAND...: one named check that is not a Go test.
check() {
	local name=$1
	shift
	if "$@" >"$SCRATCH/check.log" 2>&1; then
		say "ok    $name"
		count 1 0 0
	else
		say "FAIL  $name"
		sed 's/^/      /' "$SCRATCH/check.log" | tail -n 60
		count 0 1 0
		CHECKS_FAILED=$((${CHECKS_FAILED:-0} + 1))
	fi
}

# checks_done: the lane's verdict over its checks.
checks_done() { [ "${CHECKS_FAILED:-0}" = 0 ] || die "$CHECKS_FAILED checks of this lane"; }

# exits WANT COMMAND...: succeeds if the command's exit code is WANT.
exits() {
	local want=$1 rc=0
	shift
	"$@" || rc=$?
	[ "$rc" = "$want" ] || { say "exit code $rc, want $want: $*"; return 1; }
}

# go_test ARGS...: go test with its tests counted; prints a line a package, and
# all that failing tests said. Fails if a test failed, or if none ran.
go_test() {
	local rc=0
	go test -json "$@" 2>"$SCRATCH/test.err" | tee "$SCRATCH/test.json" | awk -f "$CI_DIR/testjson.awk" -v counts="$LANE_COUNTS" || rc=$?
	cat "$SCRATCH/test.err"
	return "$rc"
}

# need COMMAND PACKAGE: install a Debian package where its command is missing.
need() {
	command -v "$1" >/dev/null && return
	if [ -z "${APT_UPDATED:-}" ]; then
		say "apt-get update"
		apt_get update
		APT_UPDATED=yes
	fi
	say "apt-get install $2"
	apt_get install -y --no-install-recommends "$2"
	command -v "$1" >/dev/null || die "$2 is installed, but $1 is not there"
}
# One lane at a time: some go beside each other.
apt_get() {
	DEBIAN_FRONTEND=noninteractive flock "${TMPDIR:-/tmp}/apt-get.lock" timeout 180 apt-get -qq "$@" >"$SCRATCH/apt.log" 2>&1 ||
		{ cat "$SCRATCH/apt.log"; die "apt-get $*"; }
}

# wait_for SECONDS COMMAND...: until the command succeeds, or not in that time.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.2
	done
}
