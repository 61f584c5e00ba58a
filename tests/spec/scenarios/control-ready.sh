# SPDX-License-Identifier: Apache-2.0
# title: a session that is mounted already over the directory of the control socket is served without one
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/file content
}

# ready NAME MOUNTPOINT OPTIONS: mounted before the daemon is there, so nobody answers who looks below the mountpoint.
ready() {
	local b=$BASE name=$1 point=$2 ready rc=0 pid

	exec {ready}<>/dev/fuse
	mount -i -t fuse -o "fd=$ready,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other" plyfs "$point"
	mount_minor "$point" >>"$MINORS"
	timeout -k 1 15 "$PLYFS" -o "lowerdir=$b/l1,pidfile=$b/pid,log=$b/log${3:+,$3}" "/dev/fd/$ready" || rc=$?
	exec {ready}>&-
	check_equal "$name: status" 0 $rc
	[ $rc = 0 ] || { umount -l "$point"; return; }
	pid=$(cat pid)
	check_equal "$name: it is served" content "$(timeout 5 cat "$point/file")"
	check_equal "$name: without a socket" "" "$(find control /run/plyfs -name '[0-9]*:[0-9]*' 2>/dev/null)"
	check "$name: unmounted" umount "$point"
	check "$name: the daemon leaves" wait_gone "$pid" 10
}

scenario() {
	local b=$BASE

	mount -t tmpfs -o mode=755 run /run
	mkdir -p -m 700 control control/below control/beside
	ready "the directory itself" "$b/control" "control_socket=$b/control"
	ready "one below the mountpoint" "$b/control" "control_socket=$b/control/below"
	ln -s control link
	ready "by a symbolic link" "$b/control" "control_socket=$b/link/below"
	ln -s ../../link/below control/beside/link
	ready "by more of them" "$b/control/below" "control_socket=$b/control/beside/link"
	ready "over /run" /run
	mkdir -m 700 /run/plyfs
	ready "over /run/plyfs" /run/plyfs
	umount /run
}
