# SPDX-License-Identifier: Apache-2.0
# Shared parts of the tests of plyctl: a directory, promises, and mounts in a private namespace. Source it from bash; the first arguments are
# the programs plyctl and plyfs.
PLYCTL=$(realpath "$1")
# shellcheck disable=SC2034 # mounts.sh uses it
PLYFS=$(realpath "$2")
shift 2
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lib/mounts.sh
. "$HERE/../lib/mounts.sh"
failures=0 promises=0

skip() {
	echo "skipped: $*"
	exit 77
}

# For tests of commands over unions. Their daemons are in pid namespaces and see another's /proc, so that the sanitizer's search for leaks fails.
search_no_leaks() {
	[ -z "${ASAN_OPTIONS-}" ] || export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
}

# promise TEXT COMMAND...
promise() {
	local text=$1
	shift
	local rc
	promises=$((promises + 1))
	# In a condition set -e would have no effect.
	(set -e; "$@") >"$DIR.out" 2>&1
	rc=$?
	if [ "$rc" = 0 ]; then
		echo "ok: $text"
	else
		failures=$((failures + 1))
		echo "FAIL: $text"
		sed 's/^/    /' "$DIR.out"
	fi
}

# same EXPECTED COMMAND...: prints a difference of what the command prints.
same() {
	local want=$1
	shift
	diff <(printf '%s\n' "$want") <("$@")
}

# has GREP-ARGUMENTS: as grep -q at the end of a pipe, but it reads all. A writer that meets a closed pipe would fail, and the pipe with it.
has() { grep "$@" >/dev/null; }

# status N COMMAND...
status() {
	local want=$1 rc=0
	shift
	"$@" || rc=$?
	[ "$rc" = "$want" ] || { echo "status $rc, not $want: $*"; return 1; }
}

plyctl() { "$PLYCTL" "$@"; }

scratch() {
	[ "$(id -u)" = 0 ] || skip "it mounts, so it needs root"
	DIR=$(mktemp -d "${TMPDIR:-/tmp}/plyctl-test.XXXXXX")
	trap 'cd /; umount -l "$DIR" 2>/dev/null; rm -rf "$DIR" "$DIR.out"' EXIT
	mount -t tmpfs -o mode=755 tmpfs "$DIR"
	cd "$DIR"
}

finish() {
	echo "$promises promises, $failures failed"
	[ "$failures" = 0 ]
}
