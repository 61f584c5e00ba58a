# SPDX-License-Identifier: Apache-2.0
# The words that scenarios are written in. Sourced by half.sh; the current directory is the base (l1, l2, ..., upper)
# in layers() and the root of the union in scenario().

# put PATH TEXT: one line of text.
put() {
	mkdir -p "$(dirname "$1")"
	printf '%s\n' "$2" >"$1"
}

# fill PATH SIZE [SEED]: the same bytes on every run.
fill() {
	mkdir -p "$(dirname "$1")"
	"$SC" fill "$@"
}

# whiteout PATH: in a layer.
whiteout() {
	mkdir -p "$(dirname "$1")"
	mknod -m 0 "$1" c 0 0
}

# metacopy PATH SIZE [REDIRECT]: in a layer, a file's metadata without its data.
metacopy() {
	mkdir -p "$(dirname "$1")"
	truncate -s "$2" "$1"
	setfattr -n trusted.overlay.metacopy "$1"
	[ -z "${3:-}" ] || setfattr -n trusted.overlay.redirect -v "$3" "$1"
}

# opaque DIR: in a layer.
opaque() {
	mkdir -p "$1"
	setfattr -n trusted.overlay.opaque -v y "$1"
}

sc() {
	"$SC" "$@"
}

# try COMMAND...: prints the command, what it said and its status if that isn't 0.
try() {
	local rc=0 out

	printf '$ %s\n' "$*"
	out=$("$@" 2>&1) || rc=$?
	[ -z "$out" ] || printf '%s\n' "$out"
	[ $rc -eq 0 ] || printf 'status %d\n' $rc
}

# as UID:GID COMMAND...: try as somebody else.
as() {
	local ids=$1
	shift
	try "$SC" as "$ids" "$@"
}

# check CLAIM COMMAND...: the scenario fails where the command does. What a claim measured stands last, in brackets, and
# is printed only at a failure, because it is different each time.
check() {
	local claim=$1 out
	shift
	if out=$("$@" 2>&1); then
		echo "ok: ${claim%% (*}"
	else
		echo "FAIL: $claim"
		[ -z "$out" ] || printf '%s\n' "$out" | sed 's/^/      /'
	fi
}

# check_equal CLAIM EXPECTED ACTUAL
check_equal() {
	if [ "$2" = "$3" ]; then
		echo "ok: ${1%% (*}"
	else
		printf 'FAIL: %s\n      expected: %s\n      got:      %s\n' "$1" "$2" "$3"
	fi
}

# Content of a directory by lookup and by listing, without times.
show() {
	ls -1AF "${1:-.}" | sed 's/^/  /'
}

# stat_of FORMAT PATH...
stat_of() {
	local format=$1
	shift
	stat -c "$format" "$@"
}

# mtime_of PATH: modification time, to the nanosecond; that of this run is "new".
mtime_of() {
	local sec

	sec=$(stat -c %Y "$1")
	if [ "$sec" -ge "$SINCE" ]; then echo "$1 mtime new"; else echo "$1 mtime $(stat -c %.9Y "$1")"; fi
}

# atime_of PATH...: whether each access time is of this run.
atime_of() {
	local p

	for p in "$@"; do
		[ "$(stat -c %X "$p")" -lt $SINCE ] && echo "$p old" || echo "$p new"
	done
}

# upper_has PATH: what the upper really holds there.
upper_has() {
	local at=$BASE/upper/$1

	if [ -c "$at" ] && [ "$(stat -c %t:%T "$at")" = 0:0 ]; then
		echo "upper/$1: whiteout"
	elif [ -e "$at" ] || [ -L "$at" ]; then
		echo "upper/$1: $(stat -c %F "$at")"
	else
		echo "upper/$1: nothing"
	fi
}

# remount: the union goes and comes again over the same directories.
remount() {
	cd "$BASE"
	unmount_it || echo "FAIL: unmount for a remount"
	mount_it || echo "FAIL: remount"
	cd "$BASE/merged"
}

# wait_until COMMAND...: until it succeeds; 1 when it doesn't within ten seconds.
wait_until() {
	local tries=200

	until "$@"; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.05
	done
}

# suspend PID: SIGSTOP, and until no thread of the process runs any more; kill(1) returns before that.
suspend() {
	kill -STOP "$1"
	wait_until eval '! grep -L "^State:.T" /proc/'"$1"'/task/*/status | grep -q .'
}

# runs PID PROGRAM: whether the process does, as a path.
runs() {
	[ "$(readlink "/proc/$1/exe")" = "$2" ]
}

# has_space DIR KIB: whether the file system has that much room. Removed data goes when the last descriptor does, and the daemon lets go of
# a removed file at the kernel's FORGET, which follows the unlink: so this is waited for.
has_space() {
	[ "$(df --output=avail -k "$1" | tail -1)" -ge "$2" ]
}

# space_comes DIR KIB
space_comes() {
	wait_until has_space "$@" || echo "FAIL: no space comes in $1"
}

# has_freed BEFORE BLOCKS: whether the upper's file system has that many more free ones than BEFORE.
has_freed() {
	[ $(($(stat -f -c %f "$BASE/upper") - $1)) -ge "$2" ]
}

# numbers_agree CLAIM DIR...: readdir tells of each entry the type and the number that stat does, and all are on one device.
numbers_agree() {
	local claim=$1 dir
	shift
	check_equal "$claim" "" "$(for dir in "$@"; do sc inodes "$dir"; done | grep -E 'DIFFERS|WRONG')"
}

# requests POINT: how many came to the daemon, about: each is one of its reads.
requests() {
	sed -n 's/^syscr: //p' "/proc/$(cat "$1.pid")/io"
}

# counted POINT COUNTER: a counter of the daemon ("lookup", "read"), which has log=$BASE/log.
counted() {
	local told

	told=$(grep -ac status: "$BASE/log")
	kill -USR1 "$(cat "$1.pid")"
	wait_until has_told $((told + 1)) || echo "FAIL: the daemon of $1 tells no counters"
	grep -a status: "$BASE/log" | tail -n 1 | sed -E "s/.* $2 ([0-9]+)( .*|$)/\1/"
}

# has_told TIMES: the daemon its counters
has_told() {
	[ "$(grep -ac status: "$BASE/log")" -ge "$1" ]
}

# control_of MOUNTPOINT DIR: the control socket of the mount, which has control_socket=DIR.
control_of() {
	echo "$2/$(stat -c %Hd:%Ld "$1")"
}

# control MOUNTPOINT REQUEST...: the answers of the daemon, which has control_socket=$BASE/control.
control() {
	local socket request steps=()

	socket=$(control_of "$1" "$BASE/control")
	shift
	for request; do steps+=("ask:$request"); done
	sc control "$socket" "${steps[@]}" | tail -n +2
}

# trace_daemon PID ARGS...: strace with these follows the daemon, into $BASE/trace unless they say else, and has all its threads when this
# returns; trace_end: no longer. The trace has nothing then of the thread that looks at the others at regular times (fuse/loop.h).
TRACED=
TRACER=
PACER=
trace_daemon() {
	local pid=$1

	shift
	PACER=$(cd "/proc/$pid/task" && grep -l -x plyfs-pacer ./*/comm | tr -cd '0-9\n' | sort -n | head -n 1)
	strace -f -qq -o "$BASE/trace" "$@" -p "$pid" 2>/dev/null &
	TRACER=$!
	TRACED=$pid
	wait_until is_traced "$pid" "$TRACER"
}

# is_traced PID TRACER: with all its threads
is_traced() {
	grep -q "^TracerPid:[[:space:]]*$2$" /proc/"$1"/task/*/status 2>/dev/null && ! grep -q "^TracerPid:[[:space:]]*0$" /proc/"$1"/task/*/status
}

# When the daemon ends strace goes by itself. Asked to go meanwhile, it would wait for the first thread for ever: the kernel tells the end
# of that one when strace has heard of all others' ends.
trace_end() {
	! pid_alive "$TRACED" || kill "$TRACER" 2>/dev/null
	wait_gone "$TRACER" 10 || kill -KILL "$TRACER"
	wait "$TRACER"
	[ ! -e "$BASE/trace" ] || sed -i "/^${PACER:-none} /d" "$BASE/trace"
}

# union_idmapped MAP...: $BASE/merged over l1 and rw, their owners mapped by what the kind under test has for it: mounts il1 and irw of the
# kernel's, else uidmapping and gidmapping. A MAP is layers' id:mount's:length.
union_idmapped() {
	local b=$BASE maps

	if [ "$FS" = kernel ]; then
		mkdir il1 irw
		sc idmap l1 il1 "$@" >/dev/null && sc idmap rw irw "$@" >/dev/null || echo "FAIL: idmapped mounts"
		union "$b/merged" "lowerdir=$b/il1,upperdir=$b/irw/upper,workdir=$b/irw/work"
	else
		maps=$(IFS=: && echo "$*")
		union "$b/merged" "lowerdir=$b/l1,upperdir=$b/rw/upper,workdir=$b/rw/work,uidmapping=:$maps,gidmapping=$maps"
	fi
}

# union MOUNTPOINT OPTIONS: one more mount of the kind under test, for scenarios that mount by themselves.
union() {
	if [ "$FS" = kernel ]; then
		mount_kernel "$1" "$KERNEL_DEFAULTS,$2"
	else
		mount_plyfs "$1" "$PLYFS_DEFAULTS,$2" || return
		mount_minor "$1" >>"$MINORS"
	fi
}

# limit SECONDS COMMAND...: try, but a command that takes longer is a failure.
limit() {
	local seconds=$1
	shift
	check "'$*' ends within $seconds s" timeout -k 1 "$seconds" "$@"
}

# unsupported REASON: ends the scenario as skipped, where plyfs was built against a libfuse without the operation. The
# kernel half is never let off.
unsupported() {
	[ "$FS" = kernel ] || echo "$*" >"$DIR/unsupported"
	exit 0
}

# plyfs_under_strace OPTION...: $BASE/traced, a program that runs $REAL (the caller's $PLYFS) under strace with these options.
plyfs_under_strace() {
	cat >"$BASE/traced" <<-END
		#!/bin/sh
		ASAN_OPTIONS=\$ASAN_OPTIONS:detect_leaks=0
		export ASAN_OPTIONS
		# What strace itself says is none of plyfs's.
		exec strace -qq -o "$BASE/trace" $* \
			sh -c 'exec "\$0" "\$@" 2>&3' "$REAL" "\$@" 3>&2 2>/dev/null
	END
	chmod 755 "$BASE/traced"
}

# refuse CLAIM PATTERN OPTIONS MOUNTPOINT: plyfs must end at once with status 1 and one line that matches the pattern (an
# extended regular expression, after "plyfs: "), and mount nothing.
refuse() {
	local claim=$1 pattern=$2 options=$3 point=$4 rc=0 lines

	timeout -k 1 15 "$PLYFS" -o "$options" "$point" </dev/null >refuse.out 2>refuse.err || rc=$?
	lines=$(wc -l <refuse.err)
	check_equal "$claim: status 1" 1 $rc
	check_equal "$claim: one line" 1 "$lines"
	check "$claim: it names option, path and cause" grep -E -x -e "plyfs: $pattern" refuse.err
	grep -q -E -x -e "plyfs: $pattern" refuse.err || sed 's/^/      said: /' refuse.err
	[ ! -s refuse.out ] || echo "FAIL: $claim: something on stdout"
	! is_mounted "$point" || { echo "FAIL: $claim: it is mounted"; umount -l "$point"; }
	rm -f refuse.out refuse.err
}
