#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One half of a scenario: builds the layers, mounts them with the kernel's overlayfs or with plyfs, runs the scenario and
# writes what was seen to files in DIR: observations, tree, upper, cross, failures. Only "run" starts it, as the first
# process of a private namespace, with FS (kernel or plyfs), SCENARIO, DIR, SC, PLYFS, BASE_FS, CROSS and the header's
# words in the environment.
set -u
umask 022
export LC_ALL=C TZ=UTC
here=$(dirname "$0")
. "$here/../lib/mounts.sh"
. "$here/vocabulary.sh"

BASE=$DIR/fs
MINORS=$DIR/minors
SINCE=$(($(date +%s) - 60))
export BASE SINCE SC POOR PLYFS FS

fail() {
	printf '%s\n' "$*" >>"$DIR/failures"
}

make_base() {
	mkdir -p "$BASE"
	mount -t tmpfs -o "noatime,size=$((${SIZE%G} * 2))G" spec "$BASE" || return
	if [ "$BASE_FS" = ext4 ]; then
		truncate -s "$SIZE" "$BASE/image"
		mkfs.ext4 -q -m 0 -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 "$BASE/image" >"$DIR/mkfs" 2>&1 || return
		mount -o "loop,${BASE_OPTIONS:-noatime}" "$BASE/image" "$BASE" || return
		rmdir "$BASE/lost+found"
	elif [ "$BASE_FS" = btrfs ]; then
		truncate -s "$SIZE" "$BASE/image"
		mkfs.btrfs -q -m single -d single "$BASE/image" >"$DIR/mkfs" 2>&1 || return
		mount -o "loop,${BASE_OPTIONS:-noatime}" "$BASE/image" "$BASE" || return
	fi
	mkdir "$BASE/l1" "$BASE/upper" "$BASE/work" "$BASE/merged"
}

# A layer's times are long ago and tell the layer: 1000000001 is the first lower's second, 1000000009 the upper's, and
# data-only layers have those of the lower layer of their number.
seal_layers() {
	local layer number

	for layer in "$BASE"/[ld][1-9] "$BASE/upper"; do
		[ -d "$layer" ] || continue
		number=${layer##*/[ld]}
		[ -d "$BASE/l$number" ] || [ -d "$BASE/d$number" ] || number=9
		"$SC" seal "$layer" "100000000$number.${number}23456789" "$SINCE"
	done
}

lowers() {
	local layer all=

	for layer in "$BASE"/l[1-9]; do
		[ -d "$layer" ] && all=$all:$layer
	done
	for layer in "$BASE"/d[1-9]; do
		[ -d "$layer" ] && all=$all::$layer
	done
	echo "${all#:}"
}

# mount_as KIND: kernel or plyfs, over the scenario's layers.
mount_as() {
	local kind=$1 options

	options=lowerdir=$(lowers)
	[ -n "$NO_UPPER" ] || options=$options,upperdir=$BASE/upper,workdir=$BASE/work
	if [ "$kind" = kernel ]; then
		mount_kernel "$BASE/merged" "${KERNEL_OPTIONS:-$KERNEL_DEFAULTS},$options"
	else
		mount_plyfs "$BASE/merged" "$PLYFS_DEFAULTS,$options${OPTIONS:+,$OPTIONS}" || return
		mount_minor "$BASE/merged" >>"$MINORS"
	fi
}

mount_it() {
	mount_as "$FS"
}

unmount_it() {
	union_umount "$BASE/merged"
}

snapshot_layers() {
	local layer

	for layer in "$BASE"/[ld][1-9]; do
		[ -d "$layer" ] || continue
		echo "== ${layer##*/}"
		"$SC" tree --ctime "$layer"
	done
}

# What must be left of the work directory after plyfs: the directories that it keeps things in, and nothing in them.
check_work() {
	local left

	left=$(cd "$BASE/work" && find . -mindepth 2 ! -path './index/*' ! -path './nlink/*' | sort)
	[ -z "$left" ] || fail "the work directory holds leftovers:" "$left"
}

finish_mount() {
	"$SC" tree --since "$SINCE" "$BASE/merged" >"$DIR/tree"
	unmount_it 2>"$DIR/umount" || fail "unmount: $(cat "$DIR/umount")"
	[ -n "$NO_UPPER" ] || "$SC" tree --upper --since "$SINCE" "$BASE/upper" >"$DIR/upper"
	[ -n "$NO_UPPER" ] || [ "$FS" = kernel ] || check_work
}

# The other implementation must show the same tree over what this one wrote.
cross_mount() {
	local other=plyfs

	[ "$FS" = kernel ] || other=kernel
	if mount_as $other 2>"$DIR/crosserr"; then
		"$SC" tree --since "$SINCE" "$BASE/merged" >"$DIR/cross"
		unmount_it 2>"$DIR/umount" || fail "unmount of the cross mount: $(cat "$DIR/umount")"
	else
		fail "$other doesn't mount what $FS wrote: $(cat "$DIR/crosserr")"
	fi
}

run_scenario() {
	local rc=0

	if [ -n "$NOT_MOUNTED" ]; then
		(cd "$BASE" && scenario) >"$DIR/observations" 2>"$DIR/stderr" || rc=$?
	else
		(cd "$BASE/merged" && scenario) >"$DIR/observations" 2>"$DIR/stderr" || rc=$?
	fi
	[ ! -s "$DIR/unsupported" ] || return 0
	[ $rc -eq 0 ] || fail "the scenario ended with status $rc"
	sed -i "s|$BASE|BASE|g; s|$SC|sc|g" "$DIR/observations"
	[ -s "$DIR/observations" ] || fail "the scenario observed nothing"
	! grep '^sc: ' "$DIR/observations" >"$DIR/misuse" || fail "the scenario misuses its helper: $(cat "$DIR/misuse")"
	if grep -q '^FAIL: ' "$DIR/observations"; then
		fail "$(grep -A2 '^FAIL: ' "$DIR/observations")"
	fi
}

main() {
	make_base || { fail "no base file system"; return; }
	layers() { :; }
	. "$SCENARIO"
	# Not as a condition: what fails in there wouldn't end it.
	(set -e; cd "$BASE"; layers) >"$DIR/layers.out" 2>&1
	[ $? -eq 0 ] || { fail "layers: $(cat "$DIR/layers.out")"; return; }
	seal_layers
	snapshot_layers >"$DIR/before"
	if [ -z "$NOT_MOUNTED" ]; then
		mount_it 2>"$DIR/mounterr" || { fail "mount: $(cat "$DIR/mounterr")"; return; }
	fi
	run_scenario
	[ -n "$NOT_MOUNTED" ] || finish_mount
	snapshot_layers >"$DIR/after"
	cmp -s "$DIR/before" "$DIR/after" || fail "a lower layer changed:" "$(diff "$DIR/before" "$DIR/after")"
	[ -z "$CROSS" ] || [ -n "$NOT_MOUNTED" ] || cross_mount
	# reports of sanitizers in the daemon
	local report
	for report in "$DIR"/sanitizer.*; do
		[ ! -e "$report" ] || fail "sanitizer: $(cat "$report")"
	done
	: >"$DIR/done"
}

export ASAN_OPTIONS=log_path=$DIR/sanitizer:exitcode=99 UBSAN_OPTIONS=log_path=$DIR/sanitizer:print_stacktrace=1
export TSAN_OPTIONS=log_path=$DIR/sanitizer:exitcode=99
: >"$DIR/failures"
main
