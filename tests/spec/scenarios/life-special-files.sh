# SPDX-License-Identifier: Apache-2.0
# title: a log or pid file that is a pipe, a device, a socket or below the mountpoint neither holds the mount up nor goes with it
# labels: quick
# plyfs-only: the daemon's life
# needs: mkfifo python3
# not-mounted: yes

layers() {
	put l1/x content
	mkdir -p merged/sub
	mkfifo fifo
	mknod full c 1 7
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
	ln -s pid link
}

# mounts CLAIM OPTIONS LINE: it comes up at once and says this line, or nothing.
mounts() {
	local rc=0

	timeout -k 1 15 "$PLYFS" -o "lowerdir=$BASE/l1,$2" "$BASE/merged" </dev/null 2>said || rc=$?
	check_equal "$1: status" 0 $rc
	check_equal "$1: says" "${3:+plyfs: $3}" "$(cat said)"
	mount_minor "$BASE/merged" >>"$MINORS"
	daemon=$(pgrep -f "lowerdir=$BASE/l1,.* $BASE/merged$")
	check_equal "$1: is live" content "$(timeout 5 cat merged/x)"
}

leaves() {
	check "$1: unmounted" umount "$BASE/merged"
	check "$1: the daemon leaves" wait_gone "$daemon" 10
}

scenario() {
	local b=$BASE daemon reader what

	for what in "fifo: No such device or address" "socket: No such device or address" "l1: Is a directory"; do
		mounts "log=${what%%:*}" "log=$b/${what%%:*}" "log: $b/$what"
		leaves "log=${what%%:*}"
		mounts "pidfile=${what%%:*}" "pidfile=$b/${what%%:*}" "pidfile: $b/$what"
		leaves "pidfile=${what%%:*}"
	done
	mounts "a full device" "log=$b/full,pidfile=$b/full" "pidfile: $b/full: No space left on device"
	leaves "a full device"
	check_equal "all are there yet" "fifo socket character special file" \
		"$(echo $(stat -c %F fifo socket full))"

	exec {keep}<>fifo
	mounts "a log that nobody reads" "log=$b/fifo,pidfile=$b/pid"
	timeout 2 dd if=/dev/zero of=fifo bs=64k count=16 oflag=nonblock 2>dd.log
	kill -USR1 "$daemon"
	kill -TERM "$daemon"
	check "doesn't hold the daemon" wait_gone "$daemon" 10
	exec {keep}>&-

	cat fifo >got &
	reader=$!
	check "its reader waits" wait_until grep -q '^State:.S' "/proc/$reader/status"
	mounts "a pid for a pipe" "pidfile=$b/fifo"
	check "its reader hears the end" wait_gone $reader 5
	check_equal "and the pid" "$daemon" "$(cat got)"
	leaves "a pid for a pipe"

	mounts "a pid file below the mountpoint" "pidfile=$b/merged/sub/pid"
	leaves "a pid file below the mountpoint"
	check_equal "goes" "" "$(ls merged/sub)"
	mounts "a pid file through a link" "pidfile=$b/link"
	check_equal "has the pid" "$daemon" "$(cat pid)"
	leaves "a pid file through a link"
	check "the link stays" test -L link
	mounts "a pid file" "pidfile=$b/pid"
	echo 1 >pid
	leaves "a pid file"
	check_equal "that another has taken stays" 1 "$(cat pid)"
}
