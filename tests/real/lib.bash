# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests with real programs share. Each runs in a private mount and process namespace with a time limit, on an
# ext4 file system of its own in a sparse image, so that neither a hang nor the machine's own file system matters. A test
# prints one line for each promise and goes on after a broken one. It is sourced, never run.
#
#   real_enter SECONDS "$@"     parses --plyfs FILE, --keep and --help; returns inside the namespace; NO_BINARY=1 for a
#                               test that builds its own plyfs
#   real_image SIZE             mounts the file system on $FS
#   promise TITLE COMMAND...    the promise is kept when the command, in a subshell, succeeds; else its output shows
#   real_finish                 the end: exit status 0 when all was kept

REAL=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
TOP=$(realpath "$REAL/../..")
SELF=$(realpath "$0")
# shellcheck source=tests/lib/mounts.sh
. "$TOP/tests/lib/mounts.sh"
# shellcheck source=tests/lib/sandbox.sh
. "$TOP/tests/lib/sandbox.sh"
# shellcheck source=tools/lib/apt.bash
. "$TOP/tools/lib/apt.bash"

# shellcheck disable=SC2034 # for the tests
CACHE=${PLYFS_TEST_CACHE:-$TOP/build/cache}
BROKEN=0
export LC_ALL=C.UTF-8 TZ=UTC

skip() { printf 'skipped: %s\n' "$*"; exit 77; }
note() { printf -- '--- %s (%d s)\n' "$*" "$SECONDS"; }
treecmp() { python3 "$REAL/treecmp" "$@"; }
real_help() { awk 'NR > 2 && !/^#/ { exit } NR > 2 { sub(/^# ?/, ""); print }' "$SELF"; }

real_parse() {
	KEEP='' PLYFS=${PLYFS:-$TOP/build/release/src/daemon/plyfs}
	while [ $# -gt 0 ]; do
		case $1 in
		--plyfs) PLYFS=$2; shift ;;
		--keep) KEEP=1 ;;
		--help | -h) real_help; exit ;;
		*) printf '%s: unknown argument %s\n' "${0##*/}" "$1" >&2; exit 2 ;;
		esac
		shift
	done
	PLYFS=$(realpath -m "$PLYFS")
	export PLYFS
}

real_needs() {
	local need
	for need in "$@"; do
		command -v "$need" >/dev/null || skip "$need isn't installed"
	done
}

real_enter() {
	local limit=$1 status=0
	shift
	real_parse "$@"
	if [ -n "${REAL_DIR:-}" ]; then
		DIR=$REAL_DIR FS=$REAL_DIR/fs
		return
	fi
	[ "$(id -u)" = 0 ] || skip "needs root"
	[ -c /dev/fuse ] || skip "there is no /dev/fuse"
	[ -n "${NO_BINARY:-}" ] || [ -x "$PLYFS" ] || { printf '%s: no such program\n' "$PLYFS" >&2; exit 2; }
	DIR=$(mktemp -d "${TMPDIR:-/tmp}/plyfs-real.XXXXXX")
	trap '[ -n "$KEEP" ] || rm -rf --one-file-system "$DIR"' EXIT
	trap 'exit 1' INT TERM
	REAL_DIR=$DIR sandbox_run "$limit" "$DIR/minors" bash "$SELF" "$@" || status=$?
	[ $status != 124 ] || echo "FAIL: took longer than $limit s"
	exit $status
}

real_image() {
	mkdir -p "$FS"
	truncate -s "$1" "$DIR/image"
	mkfs.ext4 -q -m 0 -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 "$DIR/image" >"$DIR/mkfs.log" 2>&1 ||
		{ cat "$DIR/mkfs.log"; exit 1; }
	mount -o loop,noatime "$DIR/image" "$FS"
	rmdir "$FS/lost+found"
}

# The command runs in a subshell in which every failing line counts: bash ignores set -e left of a ||.
promise() {
	local title=$1 status
	shift
	set +e
	(set -e; "$@") >"$DIR/promise.log" 2>&1
	status=$?
	set -e
	if [ $status = 0 ]; then
		printf 'ok: %s (%d s)\n' "$title" "$SECONDS"
	else
		printf 'FAIL: %s (status %d)\n' "$title" "$status"
		tail -n 25 "$DIR/promise.log" | sed 's/^/    /'
		BROKEN=$((BROKEN + 1))
	fi
	return 0
}

# must TITLE COMMAND...: a promise without which the rest makes no sense.
must() {
	local before=$BROKEN
	promise "$@"
	[ "$BROKEN" = "$before" ] || real_finish
}

real_finish() {
	[ "$BROKEN" = 0 ] || printf '%d promises broken\n' "$BROKEN"
	[ "$BROKEN" = 0 ] || exit 1
	exit 0
}

# mount_union KIND MOUNTPOINT LOWERS [UPPER WORK]: by "kernel" or "plyfs"; without an upper, read-only.
mount_union() {
	local kind=$1 point=$2 options=lowerdir=$3${4:+,upperdir=$4,workdir=$5}
	mkdir -p "$point" ${4:+"$4" "$5"}
	if [ "$kind" = kernel ]; then
		mount_kernel "$point" "$KERNEL_DEFAULTS,$options"
	else
		mount_plyfs "$point" "$options" || return
		mount_minor "$point" >>"$DIR/minors"
	fi
}

# After an unmount the work directory holds the directories that things are kept in, and nothing in them.
work_is_empty() {
	local left
	left=$(find "$1" -mindepth 2 ! -path '*/index/*' ! -path '*/nlink/*')
	[ -z "$left" ] || { printf 'left in the work directory:\n%s\n' "$left"; return 1; }
}

# A root to chroot into sees a /proc of this namespace and the machine's /dev.
enter_root() {
	mount -t proc proc "$1/proc"
	mount --rbind /dev "$1/dev"
}

leave_root() {
	umount -R "$1/dev"
	umount "$1/proc"
}

# in_root ROOT COMMAND...: chrooted, with the bare environment of a package installation.
in_root() {
	local root=$1 status=0
	shift
	enter_root "$root" || return
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive chroot "$root" "$@" </dev/null || status=$?
	leave_root "$root" || status=1
	return "$status"
}

# make_base SUITE TARBALL [PACKAGE,..]: a minimal root of that suite from the machine's archive, with these packages besides and the package
# lists left in, that installs packages the way the machine does. Made once and kept in the cache.
make_base() {
	local suite=$1 tarball=$2 include=${3:-} settings=$DIR/fetch.conf
	[ ! -s "$tarball" ] || return 0
	mkdir -p "$(dirname "$tarball")"
	{
		apt_fetch_settings
		echo 'APT::Sandbox::User "root";'
	} >"$settings"
	apt_source_line deb "$suite" main >"$DIR/mirror.list"
	printf '#!/bin/sh\nexit 101\n' >"$DIR/policy-rc.d"
	chmod 755 "$DIR/policy-rc.d"
	mmdebstrap --quiet --mode=root --variant=minbase ${include:+"--include=$include"} --skip=cleanup/apt/lists --aptopt="$settings" \
		--customize-hook="copy-in $DIR/policy-rc.d /usr/sbin" \
		--customize-hook="cp $settings \"\$1/etc/apt/apt.conf.d/90fetch\"" \
		--customize-hook="cp -L /etc/resolv.conf \"\$1/etc/resolv.conf\"" \
		"$suite" "$tarball.new.tar" "$DIR/mirror.list" || return
	mv "$tarball.new.tar" "$tarball"
}
