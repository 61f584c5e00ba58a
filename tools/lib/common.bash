# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What every script of tools/ and tests/real shares: messages, root rights, the skip status that ctest knows, waiting for
# a daemon's exit, and the machine's own package sources. It is sourced, never run. No function here names a package
# host: whatever is downloaded comes from where the machine already gets its packages.

# ctest's SKIP_RETURN_CODE.
readonly SKIP_STATUS=77
# The script that sources this, by a path that survives a cd.
SELF=$(realpath "$0")

say() { printf '==> %s\n' "$*"; }
warn() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { warn "$*"; exit 1; }
usage_error() { warn "$* (see --help)"; exit 2; }
skip() { printf 'skipped: %s\n' "$*"; exit "$SKIP_STATUS"; }

# The header comment of a script is its manual: prints it from the line below the SPDX line to the first other line.
print_header() { awk 'NR > 2 && !/^#/ { exit } NR > 2 { sub(/^# ?/, ""); print }' "$1"; }

# Runs a command with root rights.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -- "$@"
	else
		die "root rights are needed for '$1', and there is no sudo"
	fi
}

# Waits up to $2 seconds (30) until process $1 is gone, so that the layers may be looked at or mounted again.
wait_gone() {
	local pid=$1 tenths=$((${2:-30} * 10))
	while [ -d "/proc/$pid" ] && [ "$(awk '/^State:/ { print $2 }' "/proc/$pid/status" 2>/dev/null)" != Z ]; do
		[ $((tenths--)) -gt 0 ] || return 1
		sleep 0.1
	done
}

# Aborts the FUSE connection of the mount $1, so that a daemon that hangs can't block whoever touches it.
# The device number comes from the mount table: a stat of the mount would hang itself.
abort_connection() {
	local minor
	minor=$(awk -v m="$1" '$5 == m { split($3, d, ":"); n = d[2] } END { print n }' /proc/self/mountinfo)
	[ -z "$minor" ] || [ ! -e "/sys/fs/fuse/connections/$minor/abort" ] ||
		echo 1 >"/sys/fs/fuse/connections/$minor/abort" || true
}

is_mounted() { awk -v m="$1" '$5 == m { found = 1 } END { exit !found }' /proc/self/mountinfo; }

# Unmounts $1 and waits for the exit of its daemon $2 (a pid, may be empty). Returns 1 when force was needed.
unmount_and_wait() {
	local mount=$1 pid=${2:-} i
	for ((i = 0; i < 50; i++)); do
		is_mounted "$mount" || break
		umount "$mount" 2>/dev/null && break
		sleep 0.1
	done
	if is_mounted "$mount"; then
		warn "$mount stays busy: detaching it"
		abort_connection "$mount"
		umount -l "$mount" || true
		[ -z "$pid" ] || wait_gone "$pid" 5 || kill -KILL "$pid" 2>/dev/null || true
		return 1
	fi
	[ -z "$pid" ] || wait_gone "$pid" 30 || {
		warn "the daemon $pid is still there 30 seconds after the unmount"
		kill -KILL "$pid" 2>/dev/null || true
		return 1
	}
}
